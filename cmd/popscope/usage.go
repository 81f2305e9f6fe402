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
	if !cmd.HasParent() {
		b.WriteString("\nExit status:\n")
		eachStatus(cmd, func(status, meaning string) { writeItem(&b, "  "+status, 8, meaning) })
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
	name, text := flagText(f)
	if f.Shorthand != "" {
		name = "  " + name
	} else {
		name = "      " + name
	}
	writeItem(b, name, flagColumn, text)
}

// writeItem writes a term with its explanation beside it, from a column
// on, in as many lines as it takes.
func writeItem(b *strings.Builder, term string, from int, text string) {
	b.WriteString(term)
	column := len(term)
	if column+2 > from {
		b.WriteByte('\n')
		column = 0
	}
	fill := strings.Repeat(" ", from-column)
	used := from
	for _, word := range strings.Fields(text) {
		if used+1+len(word) > helpWidth {
			b.WriteByte('\n')
			fill, used = strings.Repeat(" ", from), from
		}
		b.WriteString(fill)
		b.WriteString(word)
		used += len(word) + 1
		fill = " "
	}
	b.WriteByte('\n')
}

// flagText returns a flag as it is given, and what it does.
func flagText(f *pflag.Flag) (name, text string) {
	name = "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	placeholder, text := pflag.UnquoteUsage(f)
	if f.Value.Type() != "bool" {
		name += " " + placeholder
	}
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
	default:
		text += " (default " + f.DefValue + ")"
	}
	return name, text
}
