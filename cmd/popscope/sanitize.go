package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"popscope/capture"
	"popscope/sanitize"
)

// sanitizeFlags are the flags of sanitize, as they were given.
type sanitizeFlags struct {
	in     trafficFlags
	output string
	format string
	others string
	opt    sanitize.Options
}

// sanitizeCommand returns `popscope sanitize`.
func (p *program) sanitizeCommand() *cobra.Command {
	var f sanitizeFlags
	cmd := &cobra.Command{
		Use:   "sanitize [flags] -o OUT FILE...",
		Short: "Write a capture that can be shared: no secrets, no mail",
		Long: `sanitize writes captures anew as one file, with everything overwritten that
is not known to be harmless: passwords, tokens and responses of every
mechanism, on both sides, also where servers repeat them; mails, of which
line ends and names of header fields stay; and commands and texts that nobody
knows. Lengths, times, sequence numbers and checksums fit, so that the result
analyses to the same sessions.

Packets that belong to no POP3 session are left out, which changes the numbers
of those behind them; with --others blank they stay, without their payload.
User names, addresses and names of hosts stay unless --users, --addresses or
--hosts is given; what stands for them is given in the order of appearance, and
is the same on every run. TLS stays as it is, and closed: no keys are used, and
without them it tells nothing but names of hosts. Whoever has the keys can open
it still, so a key log is not to be shared with it. Comments and keys of pcapng
are never written.

A temporary file as large as the capture is needed (in TMPDIR); it holds no
secrets either.`,
		Example: `  popscope sanitize -o shared.pcap mail.pcap
  popscope sanitize --addresses --users --hosts -o shared.pcap mail*.pcapng.gz
  tcpdump -w - 'tcp port 110' | popscope sanitize -o shared.pcap -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := f.check(cmd, args, p.terminal)
			if err != nil {
				return err
			}
			return p.sanitize(&f, t)
		},
	}
	s := cmd.Flags()
	s.SortFlags = false
	s.StringVarP(&f.output, "output", "o", "", "write to `FILE`, which appears when it is complete and which only you can read; - is standard output")
	s.BoolVar(&f.opt.Addresses, "addresses", false, "replace IP and hardware addresses; those of one network stay in one")
	s.BoolVar(&f.opt.Users, "users", false, "replace user names by others of the same length")
	s.BoolVar(&f.opt.Hosts, "hosts", false, "overwrite names of hosts in greetings, timestamps and TLS handshakes, and TLS certificates")
	s.BoolVar(&f.opt.Texts, "keep-texts", false, "keep the texts of servers whole, but for secrets that they repeat")
	s.StringVar(&f.others, "others", "drop", "`WHAT` becomes of packets that belong to no POP3 session: drop, blank")
	s.StringVarP(&f.format, "format", "f", "", "output format `NAME`, without it pcap, or pcapng for several link types: pcap, pcapng")
	f.in.register(p, cmd)
	for _, name := range []string{"from", "to", "host", "user", "workers"} {
		s.Lookup(name).Hidden = true // a part of a capture would be no longer the same sessions
	}
	s.Lookup("keylog").Hidden = true                     // see check
	s.Lookup("verbose").Usage = "more on standard error" // there are no lists
	p.completeValues(cmd, map[string][]string{"others": {"drop", "blank"}, "format": {"pcap", "pcapng"}})
	return cmd
}

// check checks the flags against each other.
func (f *sanitizeFlags) check(cmd *cobra.Command, args []string, term terminal) (*traffic, error) {
	t, err := f.in.check(args)
	if err != nil {
		return nil, err
	}
	if f.in.from != "" || f.in.to != "" || len(f.in.hosts) > 0 || len(f.in.users) > 0 {
		return nil, usage("sanitize the capture whole; analyze takes them", "--from, --to, --host and --user do not go with sanitize")
	}
	if f.in.keylog != "" {
		return nil, usage("leave it out; where TLS is on other ports than 995, name them with --ports", "--keylog does not go with sanitize: what is in TLS stays encrypted as it is")
	}
	switch f.output {
	case "":
		return nil, usage("add -o FILE, or -o - for standard output", "no output given")
	case "-":
		if term.is {
			return nil, usage("write to a file or a pipe", "a capture is not written to a terminal")
		}
	}
	if err := t.notOverwritten(cmd, "--output", f.output); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "pcap", "pcapng"}, f.format) {
		return nil, usage("pcap or pcapng", "unknown format %q of captures", f.format)
	}
	switch f.others {
	case "drop":
	case "blank":
		f.opt.Others = sanitize.Blank
	default:
		return nil, usage("drop or blank", "unknown choice for other packets %q", f.others)
	}
	f.opt.Ports, f.opt.Detect = t.analysis.Ports, t.analysis.Detect
	return t, nil
}

// sanitize reads the captures and writes the new one.
func (p *program) sanitize(f *sanitizeFlags, t *traffic) error {
	src, err := p.openCaptures(t)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := sanitize.New(f.opt)
	if err != nil {
		return outputFailure(temporaryFile, err)
	}
	defer s.Close()
	damaged := false
	err = s.Read(src, func(err error) {
		p.sayInput(err)
		damaged = true
	})
	switch {
	case errors.Is(err, sanitize.ErrHosts):
		return &failure{status: statusIncomplete, err: err, hint: "leave out --addresses"}
	case err != nil:
		return outputFailure(temporaryFile, err)
	}
	if err := p.writeCapture(f, s, src); err != nil {
		return err
	}
	p.saySanitized(t, s.Stats())
	switch {
	case p.ctx.Err() != nil:
		return &failure{status: statusInterrupted, err: errors.New("interrupted: only what was read until then is written")}
	case damaged:
		return &failure{status: statusIncomplete}
	}
	return nil
}

// writeCapture writes the result to where it is to go.
func (p *program) writeCapture(f *sanitizeFlags, s *sanitize.Sanitizer, src *capture.Timeline) error {
	format := capture.Pcap
	switch f.format {
	case "":
		var err error
		if format, err = s.Format(); err != nil {
			return outputFailure(temporaryFile, err)
		}
	case "pcapng":
		format = capture.Pcapng
	}
	return p.writeTo(f.output, func(w io.Writer, name string) error {
		if err := s.Write(w, format); errors.Is(err, capture.ErrLink) {
			return errWrite{usage("leave out --format", "the capture has several link types, which pcap cannot hold")}
		} else if err != nil {
			return broken(name, err)
		}
		return nil
	})
}

// saySanitized says what was done.
func (p *program) saySanitized(t *traffic, st sanitize.Stats) {
	if t.quiet {
		return
	}
	if st.Unread > 0 {
		p.say(fmt.Sprintf("warning: %d packets overwritten whole, since too many waited to be explained", st.Unread))
	}
	if st.Sessions == 0 {
		p.say("warning: no POP3 sessions found")
	}
	if left := st.Packets - st.Kept; left > 0 {
		p.say(fmt.Sprintf("%d of %d packets belong to no POP3 session and were left out", left, st.Packets))
	}
	if t.verbose {
		p.say(fmt.Sprintf("sessions: %d, packets written: %d", st.Sessions, st.Kept))
	}
}
