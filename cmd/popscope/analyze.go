package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"popscope"
	"popscope/capture"
	"popscope/capture/packet"
	"popscope/report"
)

// analyzeCommand returns `popscope analyze`.
func (p *program) analyzeCommand() *cobra.Command {
	var f analyzeFlags
	cmd := &cobra.Command{
		Use:   "analyze [flags] FILE...",
		Short: "Report the POP3 sessions of captures",
		Long: `analyze reads pcap and pcapng files, also compressed ones, and reports the
POP3 sessions in them. Several files are one timeline in the order of their
packets. The file name - is standard input.

Passwords, tokens and SASL data are masked unless --show-secrets is given.

Times without a zone, for --from and --to, are local; a date alone is its
midnight. All times in the output are UTC.`,
		Example: `  popscope analyze mail.pcap
  popscope analyze -f transcript --host 192.0.2.10 mail.pcap
  popscope analyze --json --records login,session -o logins.jsonl day*.pcapng.gz
  tcpdump -w - 'tcp port 110' | popscope analyze -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.formatSet = cmd.Flags().Changed("format")
			f.recordsSet = cmd.Flags().Changed("records")
			f.bodiesSet = cmd.Flags().Changed("bodies")
			j, err := f.job(args, p.terminal)
			if err != nil {
				return err
			}
			return p.analyze(j)
		},
	}
	s := cmd.Flags()
	s.SortFlags = false
	formats := report.Formats()
	s.StringVarP(&f.format, "format", "f", formats[0], "output format `NAME`: "+strings.Join(formats, ", "))
	s.BoolVar(&f.json, "json", false, "short for --format jsonl")
	s.StringVarP(&f.output, "output", "o", "", "write to `FILE`, which appears when it is complete and which only you can read")
	s.StringArrayVarP(&f.read, "read", "r", nil, "read `FILE` too; may be repeated")
	s.StringVarP(&f.ports, "ports", "p", portList(popscope.DefaultPorts), "`LIST` of ports taken as POP3")
	s.StringVar(&f.detect, "detect", "content", "`HOW` to find POP3: by content on any port, or on the chosen ports only (content, ports)")
	s.StringVar(&f.from, "from", "", "only sessions with a packet at or after `TIME`")
	s.StringVar(&f.to, "to", "", "only sessions with a packet at or before `TIME`")
	s.StringArrayVar(&f.hosts, "host", nil, "only sessions of the client or server `ADDR`; may be repeated")
	s.StringVar(&f.user, "user", "", "only sessions with a login of `NAME`")
	s.BoolVar(&f.showSecrets, "show-secrets", false, "show passwords, tokens and SASL data in clear")
	s.StringSliceVar(&f.records, "records", nil, "`LIST` of the record types that jsonl carries: "+strings.Join(report.RecordTypes(), ", "))
	s.StringVar(&f.bodies, "bodies", fmt.Sprint(report.DefaultBodies), "lines that transcript shows of each multi-line reply: a number `N`, or all")
	s.IntVar(&f.workers, "workers", 0, "use `N` processors; without it all of them; the output is the same")
	s.StringVar(&f.color, "color", "auto", "`WHEN` to use colours: auto, always, never")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "errors only on standard error, no warnings")
	s.BoolVarP(&f.verbose, "verbose", "v", false, "longer lists, and more on standard error")
	p.completeValues(cmd, map[string][]string{
		"format": formats, "records": report.RecordTypes(), "detect": {"content", "ports"}, "color": {"auto", "always", "never"},
	})
	return cmd
}

// completeValues lets the shell complete the values of flags that have
// few.
func (p *program) completeValues(cmd *cobra.Command, values map[string][]string) {
	for name, words := range values {
		err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		if err != nil {
			panic("popscope: internal error: " + err.Error()) // no such flag
		}
	}
}

// portList writes ports as the flag takes them.
func portList(ports []uint16) string {
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = fmt.Sprint(port)
	}
	return strings.Join(words, ",")
}

// analyze does the job: open the captures, report every session, sum up.
func (p *program) analyze(j *job) error {
	src, err := capture.Options{Stdin: untilDone(p.ctx, p.stdin)}.Open(j.files...)
	if err != nil {
		if p.ctx.Err() != nil {
			return p.interrupted()
		}
		p.sayInput(err)
		return &failure{status: statusIncomplete, hint: openHint(err)}
	}
	defer src.Close()
	if j.output == "" {
		return p.analyzeTo(p.stdout, j, src)
	}
	out, err := createFile(j.output)
	if err != nil {
		return outputFailure(j.output, err)
	}
	result := p.analyzeTo(out, j, src)
	if notWritten(result) {
		out.Discard()
		return result
	}
	if err := out.Commit(); err != nil {
		return outputFailure(j.output, err)
	}
	return result
}

// errWrite marks errors of the output.
type errWrite struct{ error }

func (e errWrite) Unwrap() error { return e.error }

// notWritten reports whether an error came from the output.
func notWritten(err error) bool {
	var w errWrite
	return errors.As(err, &w)
}

// openHint returns advice for captures that could not be opened.
func openHint(err error) string {
	if errors.Is(err, capture.ErrFormat) {
		return "pcap and pcapng are read, as they are or compressed"
	}
	return ""
}

// analyzeTo reports what src holds to w.
func (p *program) analyzeTo(w io.Writer, j *job, src *capture.Timeline) error {
	out, err := report.New(j.format, w, j.report)
	if err != nil {
		return err
	}
	name := "standard output"
	if j.output != "" {
		name = j.output
	}
	broken := func(err error) error {
		if errors.Is(err, syscall.EPIPE) {
			return errWrite{&failure{status: statusDone}}
		}
		return errWrite{outputFailure(name, err)}
	}
	analyzer := popscope.New(j.analysis)
	damaged := false
	for res, err := range analyzer.Results(untilDoneSource{p.ctx, src}) {
		if err != nil && p.ctx.Err() == nil { // what an interruption cuts short is not damaged
			p.sayInput(err)
			damaged = true
		}
		if res == nil {
			continue
		}
		if err := out.Write(res); err != nil {
			return broken(err)
		}
	}
	sum := analyzer.Summary()
	if err := out.Close(sum); err != nil {
		return broken(err)
	}
	p.warn(j, &sum)
	switch {
	case p.ctx.Err() != nil:
		return p.interrupted()
	case damaged:
		return &failure{status: statusIncomplete}
	}
	return nil
}

// interrupted says that the results are not those of the whole capture.
func (p *program) interrupted() error {
	return &failure{status: statusInterrupted, err: errors.New("interrupted: only what was read until then is reported")}
}

// warn tells on standard error what the user should know about the run.
func (p *program) warn(j *job, sum *popscope.Summary) {
	if j.quiet {
		return
	}
	if sum.KernelDrops > 0 {
		p.say(fmt.Sprintf("warning: %d packets dropped by the kernel", sum.KernelDrops))
	}
	if n := sum.Ignored[packet.UnknownLink.String()]; n > 0 {
		p.say(fmt.Sprintf("warning: %d of %d packets have a link type that popscope does not read", n, sum.Packets))
	}
	if !j.verbose {
		return
	}
	for _, f := range sum.Files {
		p.say(fmt.Sprintf("%s: packets: %d", inputName(f.Name), f.Packets))
	}
	p.say(fmt.Sprintf("sessions: %d, logins: %d, messages: %d", sum.Sessions, sum.Logins, sum.Messages))
}

// untilDoneSource is a Timeline that ends when ctx does.
type untilDoneSource struct {
	ctx context.Context
	*capture.Timeline
}

// Next returns the next packet, or io.EOF after an interruption.
func (s untilDoneSource) Next(p *capture.Packet) error {
	if s.ctx.Err() != nil {
		return io.EOF
	}
	return s.Timeline.Next(p)
}
