package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"popscope/capture/live"
)

// captureNames are the endings of capture files, as patterns of the shell.
var captureNames = []string{"pcap*", "cap", "dmp", "gz", "zst", "lz4", "xz", "bz2"}

// completeValues lets the shell complete the values of flags that have
// few. Flags that take a list complete each item.
func (p *program) completeValues(cmd *cobra.Command, values map[string][]string) {
	for name, words := range values {
		complete := cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
		if f := cmd.Flags().Lookup(name); f != nil && strings.HasSuffix(f.Value.Type(), "Slice") {
			complete = completeList(words)
		}
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic("popscope: internal error: " + err.Error()) // no such flag
		}
	}
}

// completeList completes the last item of a list with commas.
func completeList(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		done := typed[:strings.LastIndexByte(typed, ',')+1]
		used := strings.Split(done, ",")
		var out []string
		for _, w := range words {
			if !slices.Contains(used, w) {
				out = append(out, done+w)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// completeRest lets the shell complete everything that no command has its
// own completion for, by what the help calls it: FILE and FILE... are
// captures where they are read, IFACE an interface, DIR a folder, and what
// has another name is nothing that the shell could know.
func completeRest(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeRest(sub)
	}
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
		if strings.HasSuffix(cmd.Use, "FILE...") {
			cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return captureNames, cobra.ShellCompDirectiveFilterFileExt
			}
		} else {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, has := cmd.GetFlagCompletionFunc(f.Name); has || f.NoOptDefVal != "" {
			return
		}
		placeholder, _ := pflag.UnquoteUsage(f)
		switch placeholder {
		case "FILE":
			if f.Name == "read" {
				_ = cmd.MarkFlagFilename(f.Name, captureNames...)
			}
			return // any file
		case "DIR":
			_ = cmd.MarkFlagDirname(f.Name)
			return
		case "IFACE":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, completeInterfaces)
			return
		}
		_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
	})
}

// completeInterfaces completes what can be sniffed.
func completeInterfaces(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	interfaces, err := live.Interfaces()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, i := range interfaces {
		names = append(names, i.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completionExamples say how the script of each shell is put in place.
var completionExamples = map[string]string{
	"completion": "  popscope completion bash > /etc/bash_completion.d/popscope",
	"bash":       "  popscope completion bash > /etc/bash_completion.d/popscope\n  source <(popscope completion bash)",
	"zsh":        `  popscope completion zsh > "${fpath[1]}/_popscope"`,
	"fish":       "  popscope completion fish > ~/.config/fish/completions/popscope.fish",
	"powershell": "  popscope completion powershell | Out-String | Invoke-Expression",
}

// addCompletion adds `popscope completion`, which the command line library
// brings along, and makes unknown shells wrong usage.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Print a completion script for a shell"
		c.Example = completionExamples["completion"]
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(cmd *cobra.Command, args []string) error {
			shells := []string{"bash", "zsh", "fish", "powershell"}
			switch {
			case len(args) == 0:
				return cmd.Help()
			case nearest(args[0], shells) != "":
				return usage("did you mean: popscope completion "+nearest(args[0], shells), "unknown shell %q", args[0])
			}
			return usage("the shells are bash, zsh, fish and powershell", "unknown shell %q", args[0])
		}
		for _, shell := range c.Commands() {
			shell.Example = completionExamples[shell.Name()]
			shell.Long = "" // tells what the example shows
			shell.Args = noArguments
		}
	}
}
