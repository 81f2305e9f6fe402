package popscope_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
)

// imports says which packages of ours each package may import, and why.
// It is a statement of design: change the design first, then this table.
var imports = map[string]map[string]string{
	"capture":             {},
	"capture/live":        {"capture": "packets and their link types"},
	"capture/packet":      {"capture": "frames and their link types come from there"},
	"reassembly/stream":   {},
	"reassembly/queue":    {},
	"reassembly":          {"capture/packet": "segments and fragments go in", "reassembly/queue": "what has waited longest goes first", "reassembly/stream": "chunks and losses come out"},
	"reassembly/tlsdec":   {"reassembly/stream": "a filter of chunks"},
	"pop3parse/secret":    {},
	"pop3parse/sasl":      {"pop3parse/secret": "decoded passwords must not leak"},
	"pop3parse/wire":      {"reassembly/stream": "chunks go in"},
	"pop3parse":           {"pop3parse/wire": "lines and data", "pop3parse/sasl": "AUTH dialogues", "pop3parse/secret": "passwords", "reassembly/stream": "chunks go in, stamps come out"},
	"pop3parse/message":   {},
	"pop3parse/audit":     {"pop3parse": "facts to judge", "pop3parse/sasl": "mechanisms", "reassembly/stream": "connection facts"},
	"pop3parse/ledger":    {"pop3parse": "facts to judge", "reassembly/stream": "stamps"},
	".":                   {"capture": "the source", "capture/packet": "frames to segments", "reassembly": "segments to streams", "reassembly/stream": "their events", "reassembly/tlsdec": "TLS hellos, and TLS opened with keys", "pop3parse": "streams to exchanges", "pop3parse/message": "outlines of mails", "pop3parse/audit": "facts to findings", "pop3parse/fingerprint": "names of software"},
	"report":              {".": "results", "capture/packet": "TCP flags and header trees, for the packet list", "capture": "file names and counts in the summary", "pop3parse": "exchanges", "pop3parse/secret": "masks, and Reveal behind one switch", "pop3parse/message": "outlines of mails", "pop3parse/audit": "findings", "pop3parse/fingerprint": "names of software", "reassembly/stream": "connection facts", "reassembly/tlsdec": "names of versions and suites", "report/timing": "percentiles", "report/mailfile": "where messages were written", "report/invisible": "what is written as an escape", "pop3parse/ledger": "accounts of mailboxes"},
	"report/invisible":    {},
	"report/mailfile":     {".": "results, and the hook that gives the bytes", "pop3parse": "messages and gaps", "pop3parse/message": "attachments", "reassembly/stream": "times", "report/invisible": "what a name must not hold"},
	"report/timing":       {".": "results", "pop3parse": "exchanges", "reassembly/stream": "what TCP counted"},
	"cmd/popscope":        {"capture/live": "interfaces", "pop3parse": "outcomes of logins, to count them", "report/mailfile": "the folder that messages go to", ".": "the analysis", "capture": "opening files", "capture/packet": "names of verdicts, for a warning", "report": "output", "sanitize": "captures that can be shared", "pop3parse/audit": "severities and the policy", "reassembly/tlsdec": "key logs"},
	"capture/pop3layer":   {"pop3parse": "what a line is, and which part of it is secret", "pop3parse/secret": "masks"},
	"sanitize":            {".": "the analysis says what the bytes are", "capture": "packets in and out", "capture/packet": "headers, to write frames anew", "reassembly": "fragments", "reassembly/queue": "what was not used for longest goes first", "reassembly/stream": "connection facts", "pop3parse": "stretches of a session", "pop3parse/sasl": "dialogues without their secrets"},
	"capture/capturetest": {"capture": "compiled packets are a source", "capture/packet": "recorded captures back into segments", "reassembly/stream": "dialogs as events, for parsers"},

	"pop3parse/fingerprint": {"pop3parse": "exchanges"},
}

// outside says which modules may be imported where, and why. What is not
// named may be imported nowhere outside of tests.
var outside = map[string]map[string]string{
	"github.com/google/gopacket": {
		"capture/packet":    "the decoder of record; it stays below capture, so that it can be replaced in one folder",
		"capture/live":      "its pcap, in the one file that is built with -tags libpcap",
		"capture/pop3layer": "the other exception: it exists for programs built on gopacket, and nothing of ours imports it",
	},
	"github.com/klauspost/compress":                 {"capture": "zstd and a faster gzip"},
	"github.com/pierrec/lz4":                        {"capture": "lz4"},
	"github.com/xi2/xz":                             {"capture": "xz"},
	"golang.org/x/text":                             {"pop3parse/message": "character sets of mail", "report/mailfile": "compatibility forms and folding of case in file names"},
	"golang.org/x/crypto":                           {"reassembly/tlsdec": "cryptobyte reads hellos without index arithmetic; ChaCha20-Poly1305"},
	"go.yaml.in/yaml":                               {"pop3parse/audit": "policies, with the line of every mistake"},
	"github.com/olekukonko/tablewriter":             {"report": "tables on terminals"},
	"github.com/spf13/cobra":                        {"cmd/popscope": "subcommands, help and completion"},
	"github.com/spf13/pflag":                        {"cmd/popscope": "flags"},
	"golang.org/x/term":                             {"cmd/popscope": "is it a terminal, and how wide"},
	"kernel.org/pub/linux/libs/security/libcap/cap": {"cmd/popscope": "giving up capabilities in all threads, which takes unsafe"},
	"golang.org/x/net":                              {"capture/live": "the kernel filter is made of x/net/bpf instructions"},
	"golang.org/x/sys":                              {"cmd/popscope": "signals by their system's names", "capture/live": "packet sockets"},
}

// banned packages, each with what to use instead.
var banned = map[string]string{
	"github.com/google/gopacket/reassembly":  "sequence wrap error; package reassembly is ours",
	"github.com/google/gopacket/tcpassembly": "unmaintained; package reassembly is ours",
	"github.com/google/gopacket/pcapgo":      "panics and allocates gigabytes on hostile files; package capture reads files",
	"github.com/google/gopacket/pcap":        "cgo; live capture is AF_PACKET. The file that uses it in capture/live is built with -tags libpcap only",
	"unsafe":                                 "nothing here is worth it",
	"math/rand":                              "the same input gives the same output; tests use math/rand/v2 with a seed",
}

func TestImports(t *testing.T) {
	for _, dir := range packages(t) {
		p, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		allowed, known := imports[filepath.ToSlash(dir)]
		if !known {
			t.Errorf("package %s is not in the table of arch_test.go", dir)
			continue
		}
		for to := range allowed {
			if full := strings.TrimSuffix("popscope/"+to, "/."); runtime.GOOS == "linux" && !slices.Contains(p.Imports, full) {
				t.Errorf("%s may import %s, and does not", dir, full)
			}
		}
		for _, imp := range p.Imports {
			if why, bad := banned[imp]; bad {
				t.Errorf("%s imports %s: %s", dir, imp, why)
			}
			if imp == "popscope" || strings.HasPrefix(imp, "popscope/") {
				rel := strings.TrimPrefix(strings.TrimPrefix(imp, "popscope"), "/")
				if rel == "" {
					rel = "."
				}
				if _, ok := allowed[rel]; !ok {
					t.Errorf("%s may not import %s", dir, imp)
				}
				continue
			}
			if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") && !mayImport(dir, imp) {
				t.Errorf("%s may not import %s", dir, imp)
			}
		}
		if p.Doc == "" && p.Name != "main" {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

// TestOutsideIsUsed keeps the table of modules to what is imported, on any
// system and with any build tag.
func TestOutsideIsUsed(t *testing.T) {
	everywhere := build.Default
	everywhere.UseAllFiles = true
	for module, where := range outside {
		for dir := range where {
			p, err := everywhere.ImportDir(dir, 0)
			if err != nil {
				t.Errorf("%s: %v", dir, err)
				continue
			}
			if !slices.ContainsFunc(p.Imports, func(imp string) bool { return imp == module || strings.HasPrefix(imp, module+"/") }) {
				t.Errorf("%s may import %s, and does not", dir, module)
			}
		}
	}
}

func mayImport(dir, imp string) bool {
	for module, where := range outside {
		if imp == module || strings.HasPrefix(imp, module+"/") {
			_, ok := where[filepath.ToSlash(dir)]
			return ok
		}
	}
	return false
}

// packages returns the folders of this module that hold Go files other
// than tests.
func packages(t *testing.T) []string {
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "scripts" || path == "test") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			found[filepath.Dir(path)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for dir := range found {
		out = append(out, dir)
	}
	sort.Strings(out)
	if len(out) < 10 {
		t.Fatalf("found only %d packages: %v", len(out), out)
	}
	return out
}
