package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"popscope"
	"popscope/capture"
	"popscope/reassembly/tlsdec"
	"popscope/report"
)

// packetFlags are the flags of `popscope packets` that are not about what
// is read, as they were given.
type packetFlags struct {
	outputFlags
	time     string
	hex      bool
	sessions []string
}

// packetOutput is what `popscope packets` writes: checked flags.
type packetOutput struct {
	format string
	file   string // "" means standard output
	report report.PacketOptions
}

// packetsCommand returns `popscope packets`.
func (p *program) packetsCommand() *cobra.Command {
	var in trafficFlags
	var out packetFlags
	cmd := &cobra.Command{
		Use:   "packets [flags] FILE...",
		Short: "Show each packet of POP3 connections and what it carries",
		Long: `packets writes a line for each packet of a POP3 connection, in the order of
the capture: its number as Wireshark shows it, its time, addresses and TCP
flags, sequence numbers relative to the start of the connection, what became
of it (sent again, out of order, cut), and what POP3 it carries: commands and
status lines, which bytes of which message, TLS records by name. Of several
files the number counts along the timeline of all, and the file with the number
in it stands behind: 8 (b.pcap:4).

  C: and S: stand before what client and server say. "..." is where a line
  began in an earlier packet or goes on in a later one; # stands before a
  sequence number of which no relative one is known.

With --keylog what is in TLS is shown too, at the packet with the last byte of
its record, as "C (decrypted):" and "S (decrypted):"; --hex adds those bytes.

What a packet carries is often known later only, so packets wait until what
stands before them is known: at most 65,536 packets, 32 MiB, or 5 minutes of
capture time. One processor is used.

Passwords, tokens and SASL data are masked unless --show-secrets is given,
with --hex and --verbose too: there each hidden byte is a star. The length of
a packet tells how long what is masked in it is. The text of mails is not
masked. Bytes that nobody could make sense of may be secret and are masked.

--from and --to choose packets here, --host, --user and --session whole
sessions. --user reads the captures twice, which needs files. The summary of
--json counts the sessions that analyze reports with the same flags.`,
		Example: `  popscope packets mail.pcap
  popscope packets --time utc --host 192.0.2.10 mail.pcap
  popscope packets --session 5qg6cvbk6hkc --hex mail.pcap
  popscope packets --verbose mail.pcap | less
  popscope packets --keylog keys.txt mail.pcap
  popscope packets --json mail.pcap | jq -c 'select(.notes) | [.number, .notes]'
  tcpdump -U -w - 'tcp port 110' | popscope packets -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := in.check(args)
			if err != nil {
				return err
			}
			o, err := out.checkPackets(cmd, t, p.terminal)
			if err != nil {
				return err
			}
			return p.packets(t, o)
		},
	}
	cmd.Flags().SortFlags = false
	out.registerPackets(p, cmd)
	in.register(p, cmd)
	for name, text := range map[string]string{
		"from": "only packets at or after `TIME`" + timesAre, "to": "only packets at or before `TIME`, written likewise",
		"workers": "`N` is heeded by other commands; packets are listed by one processor",
		"verbose": "show the headers with their fields too, and more on standard error",
	} {
		cmd.Flags().Lookup(name).Usage = text
	}
	return cmd
}

// registerPackets adds the flags to a command.
func (f *packetFlags) registerPackets(p *program, cmd *cobra.Command) {
	s := cmd.Flags()
	formats, styles := report.PacketFormats(), report.TimeStyles()
	s.StringVarP(&f.format, "format", "f", formats[0], "output format `NAME`: "+strings.Join(formats, ", "))
	s.BoolVar(&f.json, "json", false, "short for --format jsonl")
	s.StringVarP(&f.output, "output", "o", "", "write to `FILE`, which appears when it is complete and which only you can read")
	s.StringVarP(&f.time, "time", "t", styles[0], "`STYLE` of times: relative to the first packet of the capture, delta to the packet shown before, utc or local time of day, date with the time in UTC, epoch")
	s.BoolVarP(&f.hex, "hex", "x", false, "show the bytes of each frame too")
	s.StringArrayVar(&f.sessions, "session", nil, "only packets of the session with this `ID`, or with an id that begins so; may be repeated")
	s.BoolVar(&f.showSecrets, "show-secrets", false, "show passwords, tokens and SASL data in clear")
	s.StringVar(&f.color, "color", "auto", "`WHEN` to use colours: auto, always, never")
	p.completeValues(cmd, map[string][]string{"format": formats, "time": styles, "color": {"auto", "always", "never"}})
}

// timeAliases are tshark's names of styles.
var timeAliases = map[string]report.TimeStyle{
	"r": report.RelativeTime, "dd": report.DeltaTime, "u": report.UTCTime, "a": report.LocalTime, "ud": report.DateTime, "e": report.EpochTime,
}

// checkPackets checks the flags. Everything it returns an error for is
// wrong usage.
func (f *packetFlags) checkPackets(cmd *cobra.Command, t *traffic, term terminal) (*packetOutput, error) {
	o := &packetOutput{}
	if f.output != "-" {
		o.file = f.output
	}
	var err error
	if o.format, err = withJSON(f.json, cmd.Flags().Changed("format"), f.format); err != nil {
		return nil, err
	}
	var unknown *report.OptionError
	if _, err := report.NewPackets(o.format, io.Discard, report.PacketOptions{}); errors.As(err, &unknown) {
		return nil, usage(unknown.Hint, "unknown %s %q", unknown.Option, unknown.Value)
	}
	if err := t.mayHoldReport(cmd, o.file); err != nil {
		return nil, err
	}
	for _, name := range t.files {
		if len(t.analysis.Users) > 0 && !rereadable(name) {
			return nil, usage("save the capture to a file first", "--user reads the captures twice, and %s can be read once only", capture.InputName(name))
		}
	}
	style, err := timeStyle(f.time)
	if err != nil {
		return nil, err
	}
	color, err := wantColor(f.color, term, o.file == "")
	if err != nil {
		return nil, err
	}
	t.analysis.Sessions = f.sessions
	o.report = report.PacketOptions{
		ShowSecrets: f.showSecrets, Time: style, Zone: time.Local, Hex: f.hex, Verbose: t.verbose, Color: color,
		Files: t.files, Version: versionText(),
	}
	return o, nil
}

// timeStyle reads the name of a style, or tshark's name of it.
func timeStyle(name string) (report.TimeStyle, error) {
	for _, s := range report.TimeStyles() {
		if name == s {
			return report.TimeStyle(s), nil
		}
	}
	if s, ok := timeAliases[name]; ok {
		return s, nil
	}
	return "", usage("the styles are "+strings.Join(report.TimeStyles(), ", "), "unknown style of times %q", name)
}

// rereadable reports whether an input can be read twice. What cannot be
// opened is complained of later.
func rereadable(name string) bool {
	if name == "-" {
		return false
	}
	info, err := os.Stat(name)
	return err != nil || info.Mode().IsRegular()
}

// packets is what the command does.
func (p *program) packets(t *traffic, o *packetOutput) error {
	if err := p.loadKeyLog(t); err != nil { // once: it may be a pipe
		return err
	}
	if len(t.analysis.Users) > 0 {
		ids, err := p.sessionsOf(t)
		if err != nil {
			return err
		}
		if t.analysis.Sessions = ids; len(ids) == 0 {
			t.analysis.Sessions = []string{"-"} // no id begins so
		}
	}
	src, err := p.openCaptures(t)
	if err != nil {
		return err
	}
	defer src.Close()
	return p.writeTo(o.file, func(w io.Writer, name string) error { return p.packetsTo(w, name, t, o, src) })
}

// sessionsOf returns the ids of the sessions asked for in which one of the
// users has logged in. Damage is told when the captures are read again.
func (p *program) sessionsOf(t *traffic) ([]string, error) {
	src, err := p.openCaptures(t)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	opt := t.analysis
	opt.From, opt.To = time.Time{}, time.Time{} // they choose packets
	opt.NoMail, opt.NoSoftware = true, true
	var ids []string
	for r := range popscope.New(opt).Results(src) {
		if r != nil && r.Last {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// packetsTo writes the packets of src to w, which messages call name.
func (p *program) packetsTo(w io.Writer, name string, t *traffic, o *packetOutput, src *capture.Timeline) error {
	out, err := report.NewPackets(o.format, w, o.report)
	if err != nil {
		return err
	}
	opt := t.analysis
	opt.Users = nil // heeded by the ids
	if opt.Keys == nil && !slices.ContainsFunc(t.files, func(name string) bool { return !rereadable(name) }) {
		opt.Keys = new(tlsdec.KeyLog) // nobody watches a pipe: packets may wait for secrets that stand behind them
	}
	opt.KeysComplete = true
	opt.NoFrames = o.format == "table" && !o.report.Hex && !o.report.Verbose
	run := &analysis{Analyzer: popscope.New(opt), p: p, t: t, src: src}
	if o.file != "" || !p.terminal.is { // on a terminal the lines themselves show it
		shown := p.startProgress(t, src.Read)
		defer shown.end()
	}
	for pkt, err := range run.Packets(src) {
		if err != nil {
			p.sayInput(err)
			run.damaged = true
		}
		if pkt == nil {
			continue
		}
		if err := out.Write(pkt); err != nil {
			return broken(name, err)
		}
		if o.file == "" && p.terminal.is { // somebody may watch what comes through a pipe
			if err := p.stdout.Flush(); err != nil {
				return broken(name, err)
			}
		}
	}
	sum := run.Summary()
	if err := out.Close(sum); err != nil {
		return broken(name, err)
	}
	p.warn(t, &sum)
	if sum.PacketsLeftOut > 0 && !t.quiet {
		p.say(fmt.Sprintf("warning: %d packets of connections that did not show in time what they are were left out", sum.PacketsLeftOut))
	}
	return run.err()
}
