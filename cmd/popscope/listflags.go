package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"popscope/report"
)

// listFlags are the flags of the commands that write a list and not the
// report of the sessions, as they were given.
type listFlags struct {
	format  string
	json    bool
	color   string
	wide    bool
	formats []string
}

// listing is a list that a command writes: checked flags.
type listing struct {
	format string
	report report.Options
	always bool // colours are wanted in files too
}

// toFile checks an output that is named by --output.
func (l *listing) toFile(cmd *cobra.Command, name string, t *traffic, make func(string, io.Writer, report.Options) (report.Writer, error)) (*output, error) {
	o := &output{format: l.format, report: l.report, make: make}
	if name == "" || name == "-" {
		return o, nil
	}
	if err := t.mayHoldReport(cmd, name); err != nil {
		return nil, err
	}
	o.file, o.report.Width = name, 0
	o.report.Color = o.report.Color && l.always
	return o, nil
}

// register adds the flags to a command that knows formats, the first one
// being the default.
func (f *listFlags) register(p *program, cmd *cobra.Command, formats []string) {
	f.formats = formats
	s := cmd.Flags()
	s.StringVarP(&f.format, "format", "f", formats[0], "format `NAME` of the list: "+strings.Join(formats, ", "))
	s.BoolVar(&f.json, "json", false, "short for --format jsonl")
	s.StringVar(&f.color, "color", "auto", "`WHEN` to use colours: auto, always, never")
	s.BoolVar(&f.wide, "wide", false, "all columns of table, however wide")
	p.completeValues(cmd, map[string][]string{"format": formats, "color": {"auto", "always", "never"}})
}

// check checks the flags. Everything it returns an error for is wrong usage.
func (f *listFlags) check(cmd *cobra.Command, t *traffic, term terminal) (*listing, error) {
	l := &listing{always: f.color == "always"}
	if !slices.Contains(f.formats, f.format) {
		return nil, usage("the formats are "+strings.Join(f.formats, " and "), "unknown format %q", f.format)
	}
	var err error
	if l.format, err = withJSON(f.json, cmd.Flags().Changed("format"), f.format); err != nil {
		return nil, err
	}
	if f.wide && l.format != "table" {
		return nil, usage("add --format table", "--wide does not go with the format %s", l.format)
	}
	color, err := wantColor(f.color, term, true)
	if err != nil {
		return nil, err
	}
	l.report = report.Options{Color: color, Width: term.columns, Files: t.files, Version: versionText(), Verbose: t.verbose, Wide: f.wide}
	return l, nil
}
