package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the linker in releases: -ldflags "-X main.version=1.2.3".
var version string

// versionText returns the version of this program.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// versionCommand returns `popscope version`.
func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  popscope version",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(p.stdout, "popscope "+versionText())
			return nil
		},
	}
}

// helpCommand returns `popscope help`, for which an unknown topic is wrong
// usage.
func (p *program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  popscope help analyze",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				hint := "popscope help lists the commands"
				if like := nearest(args[0], commandNames(cmd.Root())); like != "" {
					hint = "did you mean: popscope help " + like
				}
				return usage(hint, "no help for %q", strings.Join(args, " "))
			}
			return topic.Help()
		},
		ValidArgsFunction: completeCommands,
	}
}

// commandNames returns the names of the commands.
func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return names
}
