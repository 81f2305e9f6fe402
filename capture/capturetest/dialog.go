package capturetest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Dialog is a session, or several, as a text file tells it.
type Dialog struct {
	Name   string // the file's name without folder and .txt
	About  string // the comment at the top: what the dialog shows and why it exists
	KeyLog string // TLS secrets in the NSS key log format, from "# keylog" lines

	Drops   int  // packets that the system dropped while capturing, from "! drops"
	Damaged bool // the capture ends in damage, from "! damaged"

	Fragments string // FragmentsSame or FragmentsDiffer, from "! fragments"; "" without it

	conns []dialogConn
	steps []step
	start int64 // nanoseconds since 1970-01-01 UTC
	trace Trace
}

// opening says how a connection begins.
type opening uint8

const (
	synFull       opening = iota // the three-way handshake
	synNone                      // the capture began later
	synHalf                      // SYN, SYN-ACK, and the client resets
	synRefused                   // SYN, and the server resets
	synUnanswered                // SYN alone
)

var openings = map[string]opening{
	"full": synFull, "none": synNone, "half": synHalf, "refused": synRefused, "unanswered": synUnanswered,
}

// dialogConn is what the text says of one connection.
type dialogConn struct {
	number         int // as in "@ 2"
	client, server netip.AddrPort
	isn            [2]uint32 // by side
	mss            int
	opening        opening
	noClose        bool
	used           bool // a step of it was read; its header is settled
}

// side says who does something; also the index of [2] arrays.
type side uint8

const (
	client side = iota
	server
)

func (s side) other() side { return 1 - s }

func (s side) String() string { return [...]string{"client", "server"}[s] }

// stepKind says what happens in a step.
type stepKind uint8

const (
	doWrite        stepKind = iota // send data
	doPause                        // time passes
	doStep                         // the time between packets changes
	doOpen                         // the handshake; done by any other step if need be
	doClose                        // FINs of those who have not sent one
	doFIN                          // one side sends a FIN
	doRST                          // one side resets
	doKeepAlive                    // one side probes, the other answers
	doZeroWindow                   // one side has no room
	doWindowUpdate                 // one side has room again
	doLost                         // the next write is missing in the capture
	doCrossing                     // the next write was sent before the last one of the other side came
	doAgain                        // the next write repeats the last one of its side, perhaps with other bytes
	doBadChecksum                  // the next write has wrong checksums
	doUnfilled                     // the checksums of the next write were left to the network card
	doForged                       // the next write lies outside of the stream, and nobody takes it
	doCut                          // of each packet of the next write only the first bytes were captured
)

// step is one thing that happens; every step but doPause and doStep
// belongs to a connection.
type step struct {
	line int // of the text, for errors
	kind stepKind
	conn int // index in Dialog.conns
	side side
	data []byte
	wait time.Duration
	n    int
}

// Trace returns the packets of the dialog, in order, on a network that
// loses nothing. The caller may change it.
func (d *Dialog) Trace() Trace { return d.trace.Clone() }

// Load reads a dialog and fails the test if it cannot. A path without a
// slash is a file of the module's folder testdata/dialog, and needs no
// .txt.
func Load(tb testing.TB, path string) *Dialog {
	tb.Helper()
	if !strings.ContainsAny(path, `/\`) {
		path = filepath.Join(dialogFolder(tb), strings.TrimSuffix(path, ".txt")+".txt")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatalf("capturetest: %v", err)
	}
	d, err := Parse(path, string(text))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// LoadAll reads all dialogs (*.txt) of a folder, sorted by name, and fails
// the test if one is damaged or there are none. The folder "" is the
// module's testdata/dialog.
func LoadAll(tb testing.TB, dir string) []*Dialog {
	tb.Helper()
	if dir == "" {
		dir = dialogFolder(tb)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("capturetest: no dialogs in %s: %v", dir, err)
	}
	all := make([]*Dialog, len(paths))
	for i, path := range paths {
		all[i] = Load(tb, path)
	}
	return all
}

// Some returns a tenth of the cases with -short, for a quick look while one
// works and for the race detector; all of them otherwise.
func Some[T any](cases []T) []T {
	if !testing.Short() {
		return cases
	}
	var out []T
	for i := 0; i < len(cases); i += 10 {
		out = append(out, cases[i])
	}
	return out
}

// dialogFolder returns testdata/dialog below the folder that holds go.mod,
// looking upwards from where the test runs: its package's folder.
func dialogFolder(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatalf("capturetest: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "dialog")
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Fatal("capturetest: no go.mod above the test's folder")
		}
		dir = up
	}
}

// ParseError tells what is wrong with a dialog's text.
type ParseError struct {
	Name string // as it was given to Parse
	Line int    // from 1
	Err  error
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("capturetest: %s:%d: %v", e.Name, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }
