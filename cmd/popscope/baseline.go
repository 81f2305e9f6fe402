package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"popscope"
	"popscope/pop3parse/audit"
	"popscope/report"
)

// news leaves out the findings that a baseline holds, and looks whether
// one of the others is severe enough to fail. A nil news does nothing.
type news struct {
	known  map[string]bool // ids; nil without a baseline
	failOn *audit.Severity // nil: never
	failed bool
	old    int64 // findings left out
}

// session takes the findings of a session.
func (n *news) session(r *popscope.Result) {
	if n != nil {
		r.Findings = n.only(r.Findings)
	}
}

// summary takes those about several sessions, and corrects their number.
func (n *news) summary(s *popscope.Summary) {
	if n != nil {
		s.Across = n.only(s.Across)
		s.Findings -= n.old
	}
}

// only returns the findings that are new.
func (n *news) only(all []audit.Finding) []audit.Finding {
	if n.known != nil {
		before := len(all)
		all = slices.DeleteFunc(all, func(f audit.Finding) bool { return n.known[f.ID()] })
		n.old += int64(before - len(all))
	}
	for i := range all {
		n.failed = n.failed || n.failOn != nil && all[i].Severity >= *n.failOn
	}
	return all
}

// readBaseline returns the ids of the findings in the output of an earlier
// run with --json.
func (p *program) readBaseline(name string) (map[string]bool, error) {
	const hint = "a baseline is made by popscope audit --json -o FILE"
	f, err := openInput(p.ctx, name)
	switch {
	case p.ctx.Err() != nil:
		return nil, p.interrupted()
	case err != nil:
		return nil, usage(hint, "--baseline %s: %w", name, reason(err))
	}
	defer f.Close()
	known := make(map[string]bool)
	d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	ran := false
	for n := 1; ; n++ {
		var record struct {
			Type, ID string
			Schema   *int
		}
		err := d.Decode(&record)
		switch {
		case p.ctx.Err() != nil:
			return nil, p.interrupted()
		case errors.Is(err, io.EOF) && ran:
			return known, nil
		case errors.Is(err, io.EOF):
			return nil, usage(hint, "--baseline %s: no records in it", name)
		case err != nil:
			return nil, usage(hint, "--baseline %s: record %d: not JSON", name, n)
		case record.Type == "":
			return nil, usage(hint, "--baseline %s: record %d: no record of popscope", name, n)
		case record.Type == "finding" && record.ID == "":
			return nil, usage(hint, "--baseline %s: record %d: a finding without id", name, n)
		case record.Type == "run" && record.Schema != nil && *record.Schema != report.SchemaVersion:
			return nil, usage(hint+", of this version", "--baseline %s: record %d: schema %d, and not %d", name, n, *record.Schema, report.SchemaVersion)
		}
		ran = true
		if record.Type == "finding" {
			known[record.ID] = true
		}
	}
}
