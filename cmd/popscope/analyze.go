package main

import "github.com/spf13/cobra"

// analyzeCommand returns `popscope analyze`.
func (p *program) analyzeCommand() *cobra.Command {
	var in trafficFlags
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "analyze [flags] FILE...",
		Short: "Report the POP3 sessions of captures",
		Long: `analyze reads pcap and pcapng files, also compressed ones, and reports the
POP3 sessions in them. Several files are one timeline in the order of their
packets. The file name - is standard input.

Passwords, tokens and SASL data are masked unless --show-secrets is given.

All times in the output are UTC.`,
		Example: `  popscope analyze mail.pcap
  popscope analyze -f transcript --host 192.0.2.10 mail.pcap
  popscope analyze --json --records login,session -o logins.jsonl day*.pcapng.gz
  tcpdump -w - 'tcp port 110' | popscope analyze -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := in.check(args)
			if err != nil {
				return err
			}
			o, err := out.check(cmd, t, p.terminal)
			if err != nil {
				return err
			}
			return p.report(t, o)
		},
	}
	cmd.Flags().SortFlags = false
	out.register(p, cmd)
	in.register(p, cmd)
	return cmd
}
