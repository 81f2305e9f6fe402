package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	helpWidth  = 80
	flagColumn = 24 // where the explanation of a flag begins
)

// writeUsage writes how a command is used, for `help` and --help.
func writeUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND [flags]\n", cmd.CommandPath())
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				fmt.Fprintf(&b, "  %-12s %s\n", c.Name(), c.Short)
			}
		}
	}
	if flags := cmd.LocalFlags(); flags.HasAvailableFlags() {
		b.WriteString("\nFlags:\n")
		flags.VisitAll(func(f *pflag.Flag) { writeFlag(&b, f) })
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more about a command.\n", cmd.CommandPath())
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

// writeFlag writes a flag with its explanation, in as many lines as it
// takes.
func writeFlag(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	name := "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	placeholder, text := pflag.UnquoteUsage(f)
	if f.Value.Type() != "bool" {
		name += " " + placeholder
	}
	switch f.DefValue {
	case "", "0", "false", "[]":
	default:
		text += " (default " + f.DefValue + ")"
	}
	b.WriteString(name)
	column := len(name)
	if column+2 > flagColumn {
		b.WriteByte('\n')
		column = 0
	}
	fill := strings.Repeat(" ", flagColumn-column)
	used := flagColumn
	for _, word := range strings.Fields(text) {
		if used+1+len(word) > helpWidth {
			b.WriteByte('\n')
			fill, used = strings.Repeat(" ", flagColumn), flagColumn
		}
		b.WriteString(fill)
		b.WriteString(word)
		used += len(word) + 1
		fill = " "
	}
	b.WriteByte('\n')
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
