package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"popscope/pop3parse/audit"
	"popscope/report"
)

// auditFlags are the flags that audit alone has, as they were given.
type auditFlags struct {
	failOn   string
	policy   string
	baseline string
	rules    bool
}

// auditCommand returns `popscope audit`.
func (p *program) auditCommand() *cobra.Command {
	var in trafficFlags
	out := outputFlags{view: report.AuditView}
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit [flags] FILE...",
		Short: "Report who logged in, how exposed that was, and what is wrong",
		Long: `audit reads captures like analyze and reports each account with its logins and
what somebody who reads the traffic gains from them; and what is wrong, each
finding with its severity, the packets that show it and what to do. What was
not seen is said too.

With --fail-on the exit status is 1 when there is a finding of that severity
or above, for cron and CI. A baseline is the output of an earlier run with
--json; findings that it holds are left out. --rules prints the catalogue of
rules; a policy switches them off and changes severities and thresholds.

Secrets are masked unless --show-secrets is given. The same secret has the
same tag (s1, s2, ...), so that reuse shows.`,
		Example: `  popscope audit mail.pcap
  popscope audit --fail-on high --policy policy.yaml day*.pcapng.gz
  popscope audit --json -o baseline.jsonl monday.pcap
  popscope audit --baseline baseline.jsonl --fail-on medium tuesday.pcap
  popscope audit --rules`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.audit(cmd, args, &in, &out, &f) },
	}
	cmd.Flags().SortFlags = false
	s := cmd.Flags()
	severities := audit.Severities()
	s.StringVar(&f.failOn, "fail-on", "", "end with status 1 when there is a finding of `SEVERITY` or above: "+strings.Join(severities, ", "))
	s.StringVar(&f.policy, "policy", "", "read from `FILE` which rules hold, and how")
	s.StringVar(&f.baseline, "baseline", "", "report only what `FILE`, the output of an earlier audit --json, does not hold")
	s.BoolVar(&f.rules, "rules", false, "print the catalogue of rules")
	p.completeValues(cmd, map[string][]string{"fail-on": severities})
	out.register(p, cmd)
	in.register(p, cmd)
	return cmd
}

// audit is what the command does.
func (p *program) audit(cmd *cobra.Command, args []string, in *trafficFlags, out *outputFlags, f *auditFlags) error {
	policy, err := p.readPolicy(f.policy)
	if err != nil {
		return err
	}
	if f.rules {
		if err := (&traffic{reads: []string{f.policy}}).mayHoldReport(cmd, out.output); err != nil {
			return err
		}
		return p.printRules(cmd, args, in, out, policy)
	}
	t, err := in.check(args)
	if err != nil {
		return err
	}
	t.reads = append(t.reads, f.policy, f.baseline)
	o, err := out.check(cmd, t, p.terminal)
	if err != nil {
		return err
	}
	t.analysis.Policy = policy
	// Messages are no matter of an audit: their sizes and verdicts are
	// enough, unless records of them are asked for.
	t.analysis.NoMail = !slices.Contains(o.report.Records, "message") && o.format != "html"
	if o.news, err = f.check(p); err != nil {
		return err
	}
	if err := p.report(t, o); err != nil {
		return err
	}
	if o.news.failed {
		return &failure{status: statusFound}
	}
	return nil
}

// check reads what the flags say about findings.
func (f *auditFlags) check(p *program) (*news, error) {
	n := &news{}
	if f.failOn != "" {
		s, ok := audit.ParseSeverity(f.failOn)
		if !ok {
			return nil, usage("the severities are "+strings.Join(audit.Severities(), ", "), "--fail-on %q: no severity", f.failOn)
		}
		n.failOn = &s
	}
	if f.baseline == "" {
		return n, nil
	}
	var err error
	n.known, err = p.readBaseline(f.baseline)
	return n, err
}

// readPolicy reads the file that --policy names; "" is none.
func (p *program) readPolicy(name string) (audit.Policy, error) {
	if name == "" {
		return audit.Policy{}, nil
	}
	text, err := readFile(p.ctx, name)
	switch {
	case p.ctx.Err() != nil:
		return audit.Policy{}, p.interrupted()
	case err != nil:
		return audit.Policy{}, usage("name a file with a policy", "--policy %s: %w", name, reason(err))
	}
	policy, err := audit.ParsePolicy(text)
	var e *audit.PolicyError
	if errors.As(err, &e) {
		where := name
		if e.Line > 0 {
			where = fmt.Sprintf("%s:%d", name, e.Line)
		}
		return policy, usage(e.Hint, "%s: %w", where, e.Err)
	}
	return policy, err
}

// printRules writes the catalogue.
func (p *program) printRules(cmd *cobra.Command, args []string, in *trafficFlags, out *outputFlags, policy audit.Policy) error {
	if len(args)+len(in.read) > 0 {
		return usage("leave the files out", "--rules reads no captures")
	}
	format, err := withJSON(out.json, cmd.Flags().Changed("format"), out.format)
	if err != nil {
		return err
	}
	file, width := out.output, 0
	if file == "" || file == "-" {
		file, width = "", p.terminal.columns
	}
	color, err := wantColor(out.color, p.terminal, file == "")
	if err != nil {
		return err
	}
	var text strings.Builder
	err = report.WriteRules(&text, format, policy, report.Options{Width: width, Color: color})
	var unknown *report.OptionError
	if errors.As(err, &unknown) {
		return usage(unknown.Hint, "unknown %s %q", unknown.Option, unknown.Value)
	} else if err != nil {
		return err
	}
	return p.writeTo(file, func(w io.Writer, name string) error {
		if _, err := io.WriteString(w, text.String()); err != nil {
			return broken(name, err)
		}
		return nil
	})
}
