package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"popscope"
	"popscope/report"
)

// analyzeFlags are the flags of analyze as they were given.
type analyzeFlags struct {
	format      string
	json        bool
	output      string
	ports       string
	detect      string
	showSecrets bool
	records     []string
	workers     int
	from, to    string
	hosts       []string
	user        string
	color       string
	quiet       bool
	verbose     bool
	read        []string
	bodies      string

	formatSet, recordsSet, bodiesSet bool // given, not left at the default
}

// job is what analyze has to do: checked flags.
type job struct {
	files    []string
	format   string
	output   string // "" means standard output
	analysis popscope.Options
	report   report.Options
	quiet    bool
	verbose  bool
}

// job checks the flags. Everything it returns an error for is wrong usage.
func (f *analyzeFlags) job(args []string, t terminal) (*job, error) {
	j := &job{files: append(slices.Clone(f.read), args...), format: f.format, quiet: f.quiet, verbose: f.verbose}
	if f.output != "-" {
		j.output = f.output
	}
	for _, check := range []func(*job) error{f.checkFiles, f.checkFormat, f.checkScope, f.checkTimes, f.checkHosts} {
		if err := check(j); err != nil {
			return nil, err
		}
	}
	color, err := f.wantColor(t, j.output == "")
	if err != nil {
		return nil, err
	}
	j.report.Color = color
	if j.output == "" {
		j.report.Width = t.columns
	}
	j.report.ShowSecrets = f.showSecrets
	j.report.Files = j.files
	j.report.Version = versionText()
	j.report.Verbose = f.verbose
	j.analysis.KeepBody = report.KeepBody(j.format, j.report)
	return j, nil
}

// checkFiles checks the inputs against each other and the output.
func (f *analyzeFlags) checkFiles(j *job) error {
	if len(j.files) == 0 {
		return usage("popscope analyze FILE..., or - for standard input", "no capture file given")
	}
	stdin := 0
	for _, name := range j.files {
		switch {
		case name == "":
			return usage("name a file, or - for standard input", "an empty file name")
		case name == "-":
			stdin++
		case j.output != "" && sameFile(name, j.output):
			return usage("choose another name for --output", "%s is an input and the output", name)
		}
	}
	if stdin > 1 {
		return usage("give - once", "standard input can be read once only")
	}
	if f.quiet && f.verbose {
		return usage("choose one", "--quiet and --verbose exclude each other")
	}
	return nil
}

// checkFormat checks what is said about the output's form.
func (f *analyzeFlags) checkFormat(j *job) error {
	if f.json {
		if f.formatSet && f.format != "jsonl" {
			return usage("choose one", "--json and --format %s exclude each other", f.format)
		}
		j.format = "jsonl"
	}
	if f.recordsSet {
		if len(f.records) == 0 {
			return usage("the record types are "+strings.Join(report.RecordTypes(), ", "), "--records names no record type")
		}
		for _, name := range f.records {
			j.report.Records = append(j.report.Records, strings.TrimSpace(name))
		}
	}
	switch n, err := strconv.Atoi(f.bodies); {
	case f.bodies == "all":
		j.report.Bodies = report.AllBodies
	case err != nil || n < 0:
		return usage("give a number of lines, or all", "--bodies %s: not a number of lines", f.bodies)
	case n == 0:
		j.report.Bodies = report.NoBodies
	default:
		j.report.Bodies = n
	}
	var unknown *report.OptionError
	_, err := report.New(j.format, discard{}, j.report)
	if errors.As(err, &unknown) {
		return usage(unknown.Hint, "unknown %s %q", unknown.Option, unknown.Value)
	} else if err != nil {
		return usage("", "%w", err)
	}
	if f.recordsSet && j.format != "jsonl" {
		return usage("add --format jsonl", "--records does not go with the format %s", j.format)
	}
	if f.bodiesSet && j.format != "transcript" {
		return usage("add --format transcript", "--bodies does not go with the format %s", j.format)
	}
	return nil
}

// discard is a Writer that forgets.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// checkScope checks where POP3 is looked for, and by how many.
func (f *analyzeFlags) checkScope(j *job) error {
	switch f.detect {
	case "content":
		j.analysis.Detect = popscope.DetectContent
	case "ports":
		j.analysis.Detect = popscope.DetectPorts
	default:
		return usage("content or ports", "unknown way to detect POP3 %q", f.detect)
	}
	if f.workers < 0 {
		return usage("leave it out to use all processors", "--workers %d: less than none", f.workers)
	}
	j.analysis.Workers = f.workers
	j.analysis.User = f.user
	ports, err := parsePorts(f.ports)
	if err != nil {
		return usage("give numbers and ranges, as in 110,995,8110-8119", "--ports %q: %w", f.ports, err)
	}
	j.analysis.Ports = ports
	return nil
}

// parsePorts reads a list of ports and ranges of ports. The result is
// sorted and has each port once.
func parsePorts(list string) ([]uint16, error) {
	var ports []uint16
	for _, item := range strings.Split(list, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(item), "-")
		first, err := strconv.ParseUint(low, 10, 16)
		last := first
		if err == nil && isRange {
			last, err = strconv.ParseUint(high, 10, 16)
		}
		if err != nil || first == 0 || last < first {
			return nil, fmt.Errorf("%q is no port", item)
		}
		for p := first; p <= last; p++ {
			ports = append(ports, uint16(p))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// checkTimes checks --from and --to.
func (f *analyzeFlags) checkTimes(j *job) error {
	for _, flag := range []struct {
		name, text string
		to         *time.Time
	}{{"--from", f.from, &j.analysis.From}, {"--to", f.to, &j.analysis.To}} {
		if flag.text == "" {
			continue
		}
		t, err := parseTime(flag.text, time.Local)
		if err != nil {
			return usage("as 2026-01-02T15:04:05Z, as 2026-01-02 15:04 in local time, or as seconds since 1970", "%s %q: not a time", flag.name, flag.text)
		}
		*flag.to = t
	}
	if !j.analysis.To.IsZero() && j.analysis.To.Before(j.analysis.From) {
		return usage("exchange them", "--to lies before --from")
	}
	return nil
}

// parseTime reads a time: RFC 3339; the same without a zone, without
// seconds or without a time of day, in zone; or seconds since 1970.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return parseEpoch(text)
}

// parseEpoch reads seconds since 1970 with up to nine digits after the
// point, exactly.
func parseEpoch(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	if len(fraction) > 9 || seconds < 0 || seconds > math.MaxInt64/int64(time.Second) {
		return time.Time{}, errors.New("out of range")
	}
	nanos := uint64(0)
	if fraction != "" {
		if nanos, err = strconv.ParseUint(fraction+strings.Repeat("0", 9-len(fraction)), 10, 32); err != nil {
			return time.Time{}, err
		}
	}
	return time.Unix(seconds, int64(nanos)).UTC(), nil
}

// checkHosts checks --host.
func (f *analyzeFlags) checkHosts(j *job) error {
	for _, text := range f.hosts {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return usage("give an address such as 192.0.2.1 or 2001:db8::1; names are not looked up", "--host %q: not an IP address", text)
		}
		j.analysis.Hosts = append(j.analysis.Hosts, addr.Unmap())
	}
	return nil
}

// wantColor decides about colours. NO_COLOR counts where it is not empty.
func (f *analyzeFlags) wantColor(t terminal, toStdout bool) (bool, error) {
	switch f.color {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return toStdout && t.is && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", nil
	}
	return false, usage("auto, always or never", "unknown choice of colour %q", f.color)
}
