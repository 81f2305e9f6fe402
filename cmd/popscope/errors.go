package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"popscope/capture"
	"popscope/report"
)

// The exit statuses.
const (
	statusDone        = 0
	statusFound       = 1   // audit found something at or above --fail-on
	statusUsage       = 2   // wrong usage, nothing done
	statusIncomplete  = 3   // an input unreadable or damaged, an output not written
	statusInterrupted = 130 // as a shell says of Ctrl-C
)

// failure is an error with an exit status and perhaps advice.
type failure struct {
	status int
	err    error  // nil when everything was said already
	hint   string // "" for none
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit status %d", f.status)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage returns a failure for wrong usage.
func usage(hint, format string, args ...any) error {
	return &failure{status: statusUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// outputFailure returns a failure for an output that could not be written.
func outputFailure(name string, err error) error {
	err = reason(err)
	return &failure{status: statusIncomplete, err: fmt.Errorf("%s: not written: %w", name, err), hint: outputHint(name, err)}
}

// reason returns what is wrong with a file, without its name, which may be
// that of a temporary one.
func reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// temporaryFile is how messages call a file that has no name that would tell
// the user anything.
const temporaryFile = "the temporary file"

// outputHint returns advice for an output that could not be written.
func outputHint(name string, err error) string {
	dir := filepath.Dir(destination(name))
	switch name {
	case "standard output": // who redirected it knows where
		return ""
	case temporaryFile:
		dir = os.TempDir()
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "see how much room there is with: df -h " + dir
	case errors.Is(err, syscall.EISDIR):
		return "name a file in it, as in " + filepath.Join(name, "report")
	case errors.Is(err, fs.ErrNotExist):
		return "make the folder first: mkdir -p " + dir
	case errors.Is(err, fs.ErrPermission):
		return "see who may write there with: ls -ld " + dir
	}
	return ""
}

// say writes one line to standard error.
func (p *program) say(text string) {
	fmt.Fprintln(p.stderr, "popscope: "+report.Inert(strings.Join(strings.Fields(text), " ")))
}

// complain tells the user of an error and returns the exit status for it.
// Errors of the command line library are wrong usage.
func (p *program) complain(err error) int {
	if err == nil {
		return statusDone
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{status: statusUsage, err: err, hint: "see popscope help"}
	}
	if f.err != nil {
		p.say(f.err.Error())
	}
	if f.hint != "" {
		fmt.Fprintln(p.stderr, "hint: "+report.Inert(f.hint))
	}
	return f.status
}

// sayInput tells of trouble with inputs, a line for each.
func (p *program) sayInput(err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			p.sayInput(e)
		}
		return
	}
	p.say(capture.ErrorText(err))
}

// flagError turns an error about flags into wrong usage.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !cmd.HasParent() {
		return usage("flags come after the command: popscope analyze [flags] FILE...", "%w", err)
	}
	if errors.As(err, &unknown) {
		if like := nearest(unknown.GetSpecifiedName(), flagNames(cmd)); like != "" && len(unknown.GetSpecifiedName()) > 1 {
			return usage("did you mean: "+cmd.CommandPath()+" --"+like, "%w", err)
		}
	}
	if errors.As(err, &unknown) {
		if hint := habitHint(cmd, unknown.GetSpecifiedName()); hint != "" {
			return usage(hint, "%w", err)
		}
	}
	return usage("see "+cmd.CommandPath()+" --help", "%w", err)
}

// noEmptyFlags refuses flags that were given without a value, as happens when
// a variable of a script is not set: --fail-on "" would never fail, and
// --user "" report everybody. No flag has a meaning for an empty value.
func noEmptyFlags(cmd *cobra.Command) error {
	var empty error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if several, ok := f.Value.(pflag.SliceValue); ok {
			values = several.GetSlice()
		}
		if empty == nil && (len(values) == 0 || slices.Contains(values, "")) {
			empty = usage("give a value, or leave the flag out", "--%s is given, and empty", f.Name)
		}
	})
	return empty
}

// noArguments refuses words behind a command that takes flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see " + cmd.CommandPath() + " --help"
	if cmd.Name() == "sniff" {
		hint = "name interfaces with -i, and say what the kernel passes with --filter or --ports"
	}
	return usage(hint, "%s takes no arguments, and there is %q", cmd.CommandPath(), args[0])
}

// habits are flags of tcpdump and tshark that are done otherwise here, or
// not at all. The first row of a flag counts whose own flag the command has.
var habits = []struct{ flag, needs, hint string }{
	{"n", "", "leave it out: addresses and ports are never looked up"},
	{"l", "interface", "leave it out: lines are written as they come"},
	{"w", "write", "keep packets with --write FILE"},
	{"w", "", "popscope extract -o DIR writes messages; tshark -w and editcap write captures"},
	{"Y", "host", "choose sessions with --host, --user, --from and --to"},
	{"T", "format", "choose a format with --format"},
	{"e", "records", "choose records with --records, and keys with jq"},
	{"e", "json", "choose keys with --json and jq"},
	{"c", "read", "choose a time with --from and --to"},
	{"i", "", "popscope sniff -i IFACE reads from interfaces"},
	{"D", "", "popscope interfaces lists them"},
	{"r", "", "popscope analyze -r FILE reads captures"},
	{"x", "", "popscope packets --hex shows the bytes"},
	{"X", "", "popscope packets --hex shows the bytes"},
	{"A", "", "popscope packets --hex shows the bytes"},
	{"V", "hex", "--verbose shows the headers with their fields"},
	{"V", "", "popscope packets --verbose shows the headers with their fields"},
	{"s", "snaplen", "capture less of each packet with --snaplen N"},
	{"B", "buffer-size", "choose the buffer with --buffer-size SIZE"},
	{"C", "rotate-size", "begin new files with --rotate-size SIZE, as in 100M"},
	{"G", "rotate-time", "begin new files with --rotate-time TIME, as in 60s"},
	{"W", "max-files", "keep the newest files with --max-files N"},
	{"Z", "run-as", "go on as another user with --run-as USER"},
}

// habitHint returns what a flag of other programs is called here, or "".
func habitHint(cmd *cobra.Command, flag string) string {
	for _, h := range habits {
		if h.flag == flag && (h.needs == "" || cmd.Flags().Lookup(h.needs) != nil) {
			return h.hint
		}
	}
	return ""
}

// flagNames returns the flags of a command without their dashes.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// noCommand is what popscope without a command it knows comes to.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("try popscope analyze FILE, or popscope help", "a command is needed")
	}
	name := args[0]
	if looksLikeFile(name) {
		return usage("did you mean: popscope analyze "+strings.Join(args, " "), "%q is a file, not a command", name)
	}
	if like := nearest(name, commandNames(cmd)); like != "" {
		return usage("did you mean: "+strings.Join(append([]string{"popscope", like}, args[1:]...), " "), "unknown command %q", name)
	}
	return usage("popscope help lists the commands", "unknown command %q", name)
}

// looksLikeFile reports whether a word that is no command is meant as an
// input.
func looksLikeFile(name string) bool {
	if name == "-" || strings.ContainsRune(name, filepath.Separator) || filepath.Ext(name) != "" {
		return true
	}
	_, err := os.Stat(name)
	return err == nil
}
