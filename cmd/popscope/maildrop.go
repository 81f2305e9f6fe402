package main

import (
	"github.com/spf13/cobra"

	"popscope/report"
)

// maildropCommand returns `popscope maildrop`.
func (p *program) maildropCommand() *cobra.Command {
	var in trafficFlags
	var list listFlags
	var file string
	cmd := &cobra.Command{
		Use:   "maildrop [flags] FILE...",
		Short: "Tell of each mailbox who fetched and deleted what",
		Long: `maildrop keeps the account of each mailbox over all sessions: which messages
were fetched, by whom and how often, which were marked as deleted, and whether
that was committed by QUIT, undone, or cannot be known. It says why a message
was fetched again.

Messages are known by their unique ids, and where a session did not ask for
them by number, in that session alone. Those that were only listed are counted
in the table; --json has them all.`,
		Example: `  popscope maildrop day*.pcap
  popscope maildrop --user alice mail.pcap
  popscope maildrop --json mail.pcap | jq 'select(.deletion == "rolled_back")'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := in.check(args)
			if err != nil {
				return err
			}
			l, err := list.check(cmd, t, p.terminal)
			if err != nil {
				return err
			}
			o, err := l.toFile(cmd, file, t, report.NewMaildrop)
			if err != nil {
				return err
			}
			t.analysis.NoMail, t.analysis.NoSoftware = true, true // sizes and verdicts are all it takes
			return p.report(t, o)
		},
	}
	cmd.Flags().SortFlags = false
	list.register(p, cmd, report.MaildropFormats())
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to `FILE`, which appears when it is complete and which only you can read")
	in.register(p, cmd)
	return cmd
}
