package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"popscope"
	"popscope/capture"
)

// trafficFlags are the flags of every command that reads captures, as they
// were given.
type trafficFlags struct {
	read     []string
	ports    string
	detect   string
	from, to string
	hosts    []string
	users    []string
	workers  int
	keylog   string
	quiet    bool
	verbose  bool
}

// traffic is what a command reads and looks for: checked flags.
type traffic struct {
	files    []string
	keylog   string   // a file of TLS secrets; see loadKeyLog
	reads    []string // the files that are read besides captures; "" is none
	analysis popscope.Options
	quiet    bool
	verbose  bool
}

// register adds the flags to a command.
func (f *trafficFlags) register(p *program, cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.read, "read", "r", nil, "read `FILE` too; may be repeated")
	f.registerScope(p, cmd, "content")
}

// registerScope adds the flags that say what is looked for, wherever the
// packets come from.
func (f *trafficFlags) registerScope(p *program, cmd *cobra.Command, detect string) {
	s := cmd.Flags()
	s.StringVarP(&f.ports, "ports", "p", portList(popscope.DefaultPorts), "`LIST` of ports taken as POP3, also ranges as in 8110-8119")
	s.StringVar(&f.detect, "detect", detect, "`HOW` to find POP3: by content on any port, or on the chosen ports only (content, ports)")
	s.StringVar(&f.from, "from", "", "only sessions with a packet at or after `TIME`"+timesAre)
	s.StringVar(&f.to, "to", "", "only sessions with a packet at or before `TIME`, written likewise")
	s.StringArrayVar(&f.hosts, "host", nil, "only sessions of the client or server `ADDR`; may be repeated")
	s.StringArrayVar(&f.users, "user", nil, "only sessions with a login of `NAME`; may be repeated")
	s.StringVar(&f.keylog, "keylog", "", "`FILE` with TLS secrets, in the format of SSLKEYLOGFILE, which names it otherwise")
	s.IntVar(&f.workers, "workers", 0, "use `N` processors; without it all of them; the output is the same")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "errors only on standard error, no warnings")
	s.BoolVarP(&f.verbose, "verbose", "v", false, "longer lists, and more on standard error")
	p.completeValues(cmd, map[string][]string{"detect": {"content", "ports"}})
}

// timesAre is what the help says of times.
const timesAre = "; without a zone it is local, and a date alone is its midnight"

// check checks the flags. Everything it returns an error for is wrong usage.
func (f *trafficFlags) check(args []string) (*traffic, error) {
	t := &traffic{files: append(slices.Clone(f.read), args...)}
	if err := f.checkFiles(t); err != nil {
		return nil, err
	}
	return t, f.checkWanted(t)
}

// checkWanted checks what is looked for.
func (f *trafficFlags) checkWanted(t *traffic) error {
	t.quiet, t.verbose, t.keylog = f.quiet, f.verbose, f.keylog
	if log := cmp.Or(f.keylog, os.Getenv(keyLogVariable)); log != "" {
		t.reads = append(t.reads, log)
	}
	if f.quiet && f.verbose {
		return usage("choose one", "--quiet and --verbose exclude each other")
	}
	for _, check := range []func(*traffic) error{f.checkScope, f.checkTimes, f.checkHosts} {
		if err := check(t); err != nil {
			return err
		}
	}
	return nil
}

// checkFiles checks the inputs against each other.
func (f *trafficFlags) checkFiles(t *traffic) error {
	if len(t.files) == 0 {
		return usage("name one or more files, or - for standard input", "no capture file given")
	}
	stdin := 0
	for _, name := range t.files {
		switch name {
		case "":
			return usage("name a file, or - for standard input", "an empty file name")
		case "-":
			stdin++
		}
	}
	if stdin > 1 {
		return usage("give - once", "standard input can be read once only")
	}
	return nil
}

// notOverwritten refuses an output that is one of the inputs, whatever name
// that has: a capture, standard input, the key log or another file that is
// read. "" and "-" are no files.
func (t *traffic) notOverwritten(cmd *cobra.Command, flag, output string) error {
	if output == "" || output == "-" {
		return nil
	}
	out, err := os.Stat(output)
	if err != nil {
		return nil // it does not exist yet, or cannot be written either
	}
	is := func(in fs.FileInfo, err error) bool { return err == nil && os.SameFile(in, out) }
	for _, name := range t.files {
		if name != "-" && is(os.Stat(name)) {
			return usage("choose another name for "+flag, "%s is an input and the output", name)
		}
	}
	if !out.Mode().IsRegular() {
		return nil // such as /dev/null, which may be anything
	}
	if f, ok := cmd.InOrStdin().(*os.File); ok && slices.Contains(t.files, "-") && is(f.Stat()) {
		return usage("choose another name for "+flag, "%s is standard input and the output", output)
	}
	for _, name := range t.reads {
		if is(os.Stat(name)) {
			return usage("choose another name for "+flag, "%s is read, and is the output", name)
		}
	}
	return nil
}

// mayHoldReport refuses an output for a report that is an input, or a capture
// at all: -o *.pcap names one before the inputs, and through a pipe, as in
// cat x | popscope analyze -o x -, it is not known for an input.
func (t *traffic) mayHoldReport(cmd *cobra.Command, output string) error {
	if err := t.notOverwritten(cmd, "--output", output); err != nil {
		return err
	}
	if info, err := os.Stat(output); output == "-" || err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if src, err := capture.Open(output); err == nil {
		src.Close()
		return usage("choose another name for --output, or remove the capture first", "%s is a capture, and no report replaces one", output)
	}
	return nil
}

// checkScope checks where POP3 is looked for, and by how many.
func (f *trafficFlags) checkScope(t *traffic) error {
	switch f.detect {
	case "content":
		t.analysis.Detect = popscope.DetectContent
	case "ports":
		t.analysis.Detect = popscope.DetectPorts
	default:
		return usage("content or ports", "unknown way to detect POP3 %q", f.detect)
	}
	if f.workers < 0 {
		return usage("leave it out to use all processors", "--workers %d: less than none", f.workers)
	}
	t.analysis.Workers = f.workers
	t.analysis.Users = f.users
	ports, err := parsePorts(f.ports)
	if err != nil {
		return usage("give numbers and ranges, as in 110,995,8110-8119", "--ports %q: %w", f.ports, err)
	}
	t.analysis.Ports = ports
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

// portList writes ports as the flag takes them.
func portList(ports []uint16) string {
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = fmt.Sprint(port)
	}
	return strings.Join(words, ",")
}

// checkTimes checks --from and --to.
func (f *trafficFlags) checkTimes(t *traffic) error {
	for _, flag := range []struct {
		name, text string
		to         *time.Time
	}{{"--from", f.from, &t.analysis.From}, {"--to", f.to, &t.analysis.To}} {
		if flag.text == "" {
			continue
		}
		at, err := parseTime(flag.text, time.Local)
		if err != nil {
			return usage("as 2026-01-02T15:04:05Z, as 2026-01-02 15:04 in local time, or as seconds since 1970", "%s %q: not a time", flag.name, flag.text)
		}
		*flag.to = at
	}
	if !t.analysis.To.IsZero() && t.analysis.To.Before(t.analysis.From) {
		return usage("exchange them", "--to lies before --from")
	}
	return nil
}

// chosenBy returns the flags that chose among the sessions.
func (t *traffic) chosenBy() []string {
	var flags []string
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--from", !t.analysis.From.IsZero()},
		{"--to", !t.analysis.To.IsZero()},
		{"--host", len(t.analysis.Hosts) > 0},
		{"--user", len(t.analysis.Users) > 0},
		{"--session", len(t.analysis.Sessions) > 0 && len(t.analysis.Users) == 0}, // packets finds users by their sessions
	} {
		if flag.given {
			flags = append(flags, flag.name)
		}
	}
	return flags
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
func (f *trafficFlags) checkHosts(t *traffic) error {
	for _, text := range f.hosts {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return usage("give an address such as 192.0.2.1 or 2001:db8::1; names are not looked up", "--host %q: not an IP address", text)
		}
		t.analysis.Hosts = append(t.analysis.Hosts, addr.Unmap())
	}
	return nil
}
