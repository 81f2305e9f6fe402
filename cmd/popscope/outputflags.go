package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"popscope/report"
)

// outputFlags are the flags of every command that writes a report, as they
// were given.
type outputFlags struct {
	view        report.View
	format      string
	json        bool
	output      string
	records     []string
	bodies      string
	showSecrets bool
	color       string
	wide        bool

	formatSet, recordsSet, bodiesSet bool // given, not left at the default
}

// output is the report that a command writes: checked flags.
type output struct {
	format string
	file   string // "" means standard output
	report report.Options
	news   *news // what audit reports of the findings; nil for all

	make func(format string, w io.Writer, o report.Options) (report.Writer, error) // nil means report.New
}

// writer returns what writes the report to w.
func (o *output) writer(w io.Writer) (report.Writer, error) {
	if o.make != nil {
		return o.make(o.format, w, o.report)
	}
	return report.New(o.format, w, o.report)
}

// register adds the flags to a command.
func (f *outputFlags) register(p *program, cmd *cobra.Command) {
	s := cmd.Flags()
	formats := report.FormatsOf(f.view)
	s.StringVarP(&f.format, "format", "f", formats[0], "output format `NAME`: "+strings.Join(formats, ", "))
	s.BoolVar(&f.json, "json", false, "short for --format jsonl")
	s.StringVarP(&f.output, "output", "o", "", "write to `FILE`, which appears when it is complete and which only you can read")
	s.BoolVar(&f.showSecrets, "show-secrets", false, "show passwords, tokens and SASL data in clear")
	s.StringSliceVar(&f.records, "records", nil, "`LIST` of the record types that jsonl and csv carry ("+recordsDefault[f.view]+"): "+strings.Join(report.RecordTypes(), ", "))
	s.StringVar(&f.bodies, "bodies", fmt.Sprint(report.DefaultBodies), "lines that transcript shows of each multi-line reply: a number `N`, or all")
	s.BoolVar(&f.wide, "wide", false, "all columns of table, and whole texts in markdown, however wide")
	s.StringVar(&f.color, "color", "auto", "`WHEN` to use colours: auto, always, never")
	if f.view == report.AuditView {
		s.MarkHidden("bodies") // there is no transcript of an audit
	}
	p.completeValues(cmd, map[string][]string{
		"format": formats, "records": report.RecordTypes(), "color": {"auto", "always", "never"},
	})
}

// recordsDefault says which records there are when none are chosen.
var recordsDefault = map[report.View]string{
	report.SessionView: "default all for jsonl, session for csv",
	report.AuditView:   "default all but exchange and message for jsonl, finding for csv",
}

// check checks the flags against each other and against what is read.
// Everything it returns an error for is wrong usage.
func (f *outputFlags) check(cmd *cobra.Command, t *traffic, term terminal) (*output, error) {
	f.formatSet, f.recordsSet, f.bodiesSet = cmd.Flags().Changed("format"), cmd.Flags().Changed("records"), cmd.Flags().Changed("bodies")
	o := &output{format: f.format}
	o.report.View = f.view
	if f.output != "-" {
		o.file = f.output
	}
	if err := f.checkFormat(o); err != nil {
		return nil, err
	}
	if err := t.mayHoldReport(cmd, o.file); err != nil {
		return nil, err
	}
	color, err := wantColor(f.color, term, o.file == "")
	if err != nil {
		return nil, err
	}
	o.report.Color = color
	if o.file == "" {
		o.report.Width = term.columns
	}
	o.report.ShowSecrets = f.showSecrets
	o.report.Files = t.files
	o.report.Version = versionText()
	o.report.Verbose = t.verbose
	o.report.Wide = f.wide
	t.analysis.KeepBody = report.KeepBody(o.format, o.report)
	// Hashing and outlining messages is most of the work on bulk mail; only
	// records of messages tell of it.
	chosen := f.recordsSet || o.format == "csv" // which has sessions if nothing else is said
	t.analysis.NoMail = chosen && !slices.Contains(o.report.Records, "message")
	return o, nil
}

// checkFormat checks what is said about the output's form.
func (f *outputFlags) checkFormat(o *output) error {
	var err error
	if o.format, err = withJSON(f.json, f.formatSet, f.format); err != nil {
		return err
	}
	if f.recordsSet {
		for _, name := range f.records {
			o.report.Records = append(o.report.Records, strings.TrimSpace(name))
		}
	}
	switch n, err := strconv.Atoi(f.bodies); {
	case f.bodies == "all":
		o.report.Bodies = report.AllBodies
	case err != nil || n < 0:
		return usage("give a number of lines, or all", "--bodies %s: not a number of lines", f.bodies)
	case n == 0:
		o.report.Bodies = report.NoBodies
	default:
		o.report.Bodies = n
	}
	var unknown *report.OptionError
	_, err = report.New(o.format, discard{}, o.report)
	if errors.As(err, &unknown) {
		flag, words := "--format", report.FormatsOf(f.view)
		if unknown.Option != "format" {
			flag, words = "--records", report.RecordTypes()
		}
		return usage(meant(flag, unknown.Value, words, unknown.Hint), "unknown %s %q", unknown.Option, unknown.Value)
	} else if err != nil {
		return usage("", "%w", err)
	}
	if f.recordsSet && o.format != "jsonl" && o.format != "csv" {
		return usage("add --format jsonl or --format csv", "--records does not go with the format %s", o.format)
	}
	if f.wide && o.format != "table" && o.format != "markdown" {
		return usage("add --format table or --format markdown", "--wide does not go with the format %s", o.format)
	}
	if f.bodiesSet && o.format != "transcript" {
		return usage("add --format transcript", "--bodies does not go with the format %s", o.format)
	}
	return nil
}

// withJSON returns the format that --json and --format choose.
func withJSON(json, formatSet bool, format string) (string, error) {
	if !json {
		return format, nil
	}
	if formatSet && format != "jsonl" {
		return "", usage("choose one", "--json and --format %s exclude each other", format)
	}
	return "jsonl", nil
}

// discard is a Writer that forgets.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// wantColor decides about colours by what --color says. NO_COLOR counts where
// it is not empty.
func wantColor(choice string, t terminal, toStdout bool) (bool, error) {
	switch choice {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return toStdout && t.is && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", nil
	}
	return false, usage("auto, always or never", "unknown choice of colour %q", choice)
}
