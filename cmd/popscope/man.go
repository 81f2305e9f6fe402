package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exitStatuses is what the help and the manual say of them. Those of one
// command are told where that command is.
var exitStatuses = []struct{ status, command, meaning string }{
	{"0", "", "Done. A closed pipe, too, and Ctrl-C in a live run."},
	{"1", "audit", "audit found something as severe as --fail-on says, and nothing of 3 or 130."},
	{"2", "", "Wrong usage; nothing was done."},
	{"3", "", "Not all of it could be done: an input is damaged or unreadable, or an output could not be written. What could be read is reported."},
	{"130", "", "Interrupted; what was found until then is reported."},
}

// eachStatus calls f for the statuses that cmd, or a command below it, can
// end with.
func eachStatus(cmd *cobra.Command, f func(status, meaning string)) {
	for _, s := range exitStatuses {
		if s.command == "" || cmd.Name() == s.command || slices.Contains(commandNames(cmd), s.command) {
			f(s.status, s.meaning)
		}
	}
}

// environment is what the manual says of variables, where a command has
// the flag that they go with.
var environment = []struct{ name, flag, meaning string }{
	{"COLUMNS", "color", "How wide the terminal is, before what it says itself."},
	{"NO_COLOR", "color", "No colours, if it is not empty and --color is auto."},
	{"SSLKEYLOGFILE", "keylog", "A file with TLS secrets, if --keylog is not given."},
	{"TERM", "color", "dumb: no colours and no progress."},
	{"TZ", "from", "The zone of times that are given without one."},
}

// manCommand returns `popscope man`.
func (p *program) manCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [flags] [COMMAND]",
		Short: "Print the manual page, or write all pages to a folder",
		Long: `man prints the manual page of popscope or of one of its commands in the
language of man(1). With -o it writes the pages of all commands to a folder.`,
		Example: `  popscope man | man -l -
  popscope man analyze | man -l -
  popscope man -o /usr/local/share/man/man1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir != "" {
				if len(args) > 0 {
					return usage("leave the command out, to write all pages", "%q and -o exclude each other", args[0])
				}
				return writeManual(cmd.Root(), dir)
			}
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("popscope help lists the commands", "no manual for %q", strings.Join(args, " "))
			}
			return manPage(p.stdout, topic)
		},
		ValidArgsFunction: completeCommands,
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "write all pages to the folder `DIR`, which must exist")
	return cmd
}

// writeManual writes the pages of all commands.
func writeManual(cmd *cobra.Command, dir string) error {
	var page strings.Builder
	_ = manPage(&page, cmd)
	name := filepath.Join(dir, pageName(cmd)+".1")
	if err := os.WriteFile(name, []byte(page.String()), 0o644); err != nil {
		return outputFailure(name, err)
	}
	for _, sub := range documented(cmd) {
		if err := writeManual(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

// documented returns the commands below cmd that have pages. Those of
// `completion` are told of on its own page.
func documented(cmd *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, sub := range cmd.Commands() {
		if (sub.IsAvailableCommand() || sub.Name() == "help") && cmd.Name() != "completion" {
			out = append(out, sub)
		}
	}
	return out
}

// pageName returns the name of a manual page without its section.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage writes the page of a command. It has no date, so that the same
// program always makes the same page.
func manPage(w io.Writer, cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"popscope %s\" \"User Commands\"\n", strings.ToUpper(pageName(cmd)), versionText())
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	b.WriteString(".SH SYNOPSIS\n")
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, ".B %s\n", roff(use))
	b.WriteString(".SH DESCRIPTION\n")
	for i, paragraph := range strings.Split(strings.TrimSpace(long(cmd)), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		b.WriteString(roff(paragraph) + "\n")
	}
	if subs := documented(cmd); len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range subs {
			manItem(&b, pageName(sub)+"(1)", sub.Short)
		}
	}
	if flags := cmd.LocalFlags(); flags.HasAvailableFlags() {
		b.WriteString(".SH OPTIONS\n")
		flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				name, text := flagText(f)
				manItem(&b, name, text)
			}
		})
	}
	if cmd.HasExample() {
		b.WriteString(".SH EXAMPLES\n.nf\n")
		for line := range strings.Lines(cmd.Example) {
			b.WriteString(roff(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "  ")) + "\n")
		}
		b.WriteString(".fi\n")
	}
	b.WriteString(".SH EXIT STATUS\n")
	eachStatus(cmd, func(status, meaning string) { manItem(&b, status, meaning) })
	heading := ".SH ENVIRONMENT\n"
	for _, e := range environment {
		if cmd.Flags().Lookup(e.flag) != nil {
			b.WriteString(heading)
			heading = ""
			manItem(&b, e.name, e.meaning)
		}
	}
	if see := seeAlso(cmd); len(see) > 0 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", roff(strings.Join(see, ", ")))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// seeAlso names the pages above and beside a command.
func seeAlso(cmd *cobra.Command) []string {
	see := []string{"tcpdump(1)", "tshark(1)"}
	if cmd.HasParent() {
		see = append([]string{pageName(cmd.Parent()) + "(1)"}, see...)
	}
	return see
}

// long returns what a command says of itself.
func long(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// manItem writes a term with its explanation.
func manItem(b *strings.Builder, term, text string) {
	fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(term), roff(text))
}

// roff writes text so that the formatter shows it as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// completeCommands completes the names of commands.
func completeCommands(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) == 0 {
		for _, sub := range cmd.Root().Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name()+"\t"+sub.Short)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
