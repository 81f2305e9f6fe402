package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand calls f for each command that people see.
func everyCommand(t *testing.T, f func(t *testing.T, cmd *cobra.Command)) {
	t.Helper()
	p := newProgram(context.Background(), strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.IsAvailableCommand() || cmd.Name() == "help" || !cmd.HasParent() {
			t.Run(cmd.CommandPath(), func(t *testing.T) { f(t, cmd) })
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(p.rootCommand())
}

// TestEveryCommandIsExplained: each has a line about itself and examples,
// and its help fits terminals of 80 columns.
func TestEveryCommandIsExplained(t *testing.T) {
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("short text: %q", cmd.Short)
		}
		if !strings.Contains(cmd.Example, "popscope") {
			t.Errorf("no example: %q", cmd.Example)
		}
		var out bytes.Buffer
		if status := execute(context.Background(), append(strings.Fields(cmd.CommandPath())[1:], "--help"), strings.NewReader(""), &out, &out); status != 0 {
			t.Errorf("--help ends with status %d", status)
		}
		for line := range strings.Lines(out.String()) {
			if isExample := strings.Contains(cmd.Example, strings.TrimSuffix(line, "\n")); !isExample && len(line) > 81 {
				t.Errorf("%d columns: %s", len(line)-1, line)
			}
		}
		if !strings.Contains(out.String(), "Examples:\n"+cmd.Example) {
			t.Errorf("--help shows no examples:\n%s", out.String())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("--%s: %q", f.Name, f.Usage)
			}
		})
		if strings.Contains(out.String(), "--from TIME") && !strings.Contains(strings.Join(strings.Fields(out.String()), " "), "without a zone it is local, and a date alone is its midnight") {
			t.Error("it is not said which zone times are of")
		}
	})
}

// TestNoFlagIsEmpty: a flag whose value is empty is wrong usage, whichever it
// is: it must not do the same as if it were not there.
func TestNoFlagIsEmpty(t *testing.T) {
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal != "" {
				return // takes no value
			}
			var out, stderr bytes.Buffer
			args := append(strings.Fields(cmd.CommandPath())[1:], "--"+f.Name, "")
			if status := execute(context.Background(), args, strings.NewReader(""), &out, &stderr); status != statusUsage || !strings.Contains(stderr.String(), "--"+f.Name) {
				t.Errorf("--%s: status %d, %s", f.Name, status, stderr.String())
			}
		})
	})
}

// TestExamplesAreRight: the commands and flags of all examples exist.
func TestExamplesAreRight(t *testing.T) {
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			_, ours, found := strings.Cut(line, "popscope ")
			if !found {
				t.Errorf("no popscope in %q", line)
				continue
			}
			end := strings.IndexAny(ours, "|>)")
			if end < 0 {
				end = len(ours)
			}
			args := strings.Fields(ours[:end])
			p := newProgram(context.Background(), strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
			target, rest, err := p.rootCommand().Find(args)
			if err != nil || !target.HasParent() {
				t.Errorf("%q: no such command: %v", line, err)
				continue
			}
			if err := target.ParseFlags(rest); err != nil && err != pflag.ErrHelp {
				t.Errorf("%q: %v", line, err)
			}
		}
	})
}

// TestEveryFlagCompletes: the shell is told of each flag's value what it
// can complete; without that it would offer files for a number.
func TestEveryFlagCompletes(t *testing.T) {
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
			t.Error("nothing is said about the arguments")
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			_, has := cmd.GetFlagCompletionFunc(f.Name)
			placeholder, _ := pflag.UnquoteUsage(f)
			if !has && f.NoOptDefVal == "" && placeholder != "FILE" && placeholder != "DIR" {
				t.Errorf("--%s completes nothing", f.Name)
			}
		})
	})
}

// TestManualPagesAreClean: mandoc finds nothing to complain of but the
// missing date, and man shows what stands in the text.
func TestManualPagesAreClean(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		var page bytes.Buffer
		if err := manPage(&page, cmd); err != nil {
			t.Fatal(err)
		}
		lint := exec.Command(mandoc, "-Tlint", "-Wwarning")
		lint.Stdin = bytes.NewReader(page.Bytes())
		out, _ := lint.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "missing date") {
				t.Error(line)
			}
		}
		show := exec.Command(mandoc, "-Tascii", "-Owidth=200")
		show.Stdin = bytes.NewReader(page.Bytes())
		shown, err := show.Output()
		if err != nil {
			t.Fatal(err)
		}
		plain := withoutOverstrike(string(shown))
		for _, line := range strings.Split(cmd.Example, "\n") {
			if !strings.Contains(plain, strings.TrimSpace(line)) {
				t.Errorf("the page does not show the example %q", line)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(plain, "--"+f.Name) {
				t.Errorf("the page does not show --%s", f.Name)
			}
		})
	})
}

// withoutOverstrike removes what makes letters bold on printers.
func withoutOverstrike(s string) string {
	var out []rune
	for _, r := range s {
		if r == '\b' {
			out = out[:len(out)-1]
			continue
		}
		out = append(out, r)
	}
	return string(out)
}

func TestNearest(t *testing.T) {
	formats := []string{"table", "transcript", "jsonl", "csv", "markdown", "html"}
	for typed, want := range map[string]string{
		"json": "jsonl", "JSONL": "jsonl", "tabel": "table", "tansript": "transcript", "mark": "markdown", "cvs": "csv",
		"t": "", "": "", "xml": "", "pcap": "", "transcirpt": "transcript", strings.Repeat("x", 1000): "",
	} {
		if got := nearest(typed, formats); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"abc", "xabc", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
