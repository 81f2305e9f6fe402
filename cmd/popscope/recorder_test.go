package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"popscope"
	"popscope/capture"
)

// greetings is an interface with n connections to one server, which greets
// each; no client says anything.
type greetings struct {
	n, sent int
	frame   [60]byte
}

func (g *greetings) Next(p *capture.Packet) error {
	k, step := g.sent/4, g.sent%4
	if k == g.n {
		return io.EOF
	}
	g.sent++
	const client, server = 0xc6336407, 0xc000020a
	src, dst, sport, dport, seq, ack := uint32(client), uint32(server), uint16(k), 2000+uint16(k>>16), uint32(100), uint32(501)
	flags, text := byte(0x10), ""
	switch step {
	case 0:
		flags, ack = 2, 0
	case 1:
		flags, seq, ack = 0x12, 500, 101
	case 2:
		seq = 101
	case 3:
		seq, ack, text = 501, 101, "+OK ready\r\n"
	}
	if step%2 == 1 {
		src, dst, sport, dport = dst, src, dport, sport
	}
	b := g.frame[:40+len(text)]
	clear(b)
	b[0], b[8], b[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint32(b[12:], src)
	binary.BigEndian.PutUint32(b[16:], dst)
	binary.BigEndian.PutUint16(b[20:], sport)
	binary.BigEndian.PutUint16(b[22:], dport)
	binary.BigEndian.PutUint32(b[24:], seq)
	binary.BigEndian.PutUint32(b[28:], ack)
	b[32], b[33] = 0x50, flags
	copy(b[40:], text)
	*p = capture.Packet{Num: int64(g.sent), Nanos: 1_700_000_000e9 + int64(g.sent)*1e4, Link: capture.LinkRaw, Data: b, Orig: len(b)}
	return nil
}

func (g *greetings) Drops() uint64             { return 0 }
func (g *greetings) Files() []capture.FileInfo { return []capture.FileInfo{{Name: "eth0"}} }
func (g *greetings) Close() error              { return nil }

// TestSievedTellsWhatIsMissing fills the sieve: that packets were not kept is
// said when it happens and at the end, and is in the metrics, on the line of
// the terminal and in the summary.
func TestSievedTellsWhatIsMissing(t *testing.T) {
	for _, full := range []bool{true, false} {
		n := 100
		if full {
			n = 100_000
		}
		var count tally
		var said []string
		o := popscope.Options{Workers: 1}
		rec := &recorder{Source: newSieved(&greetings{n: n}, o, &count, func(text string) { said = append(said, text) }), count: &count}
		a := popscope.New(o)
		for range a.Results(rec) {
		}
		sum := a.Summary()
		var metric, stderr bytes.Buffer
		(&metrics{count: &count, open: a.Open, drops: rec.Drops}).write(&metric)
		newProgram(context.Background(), nil, io.Discard, &stderr).sumUp(&sniffing{traffic: &traffic{}}, &sum, &liveOutput{count: &count})

		missed := sum.Ignored[popscope.ShedUndecided]
		for what, told := range map[string]bool{
			"in the summary":  missed > 0,
			"when it happens": len(said) == 1 && strings.HasPrefix(said[0], "warning: "),
			"in the metrics":  !strings.Contains(metric.String(), "\npopscope_connections_undecided_total 0\n"),
			"on the terminal": strings.Contains(statusLine(&count, 0, 0, 200), "given up undecided"),
			"as a warning":    strings.Contains(stderr.String(), "warning: "),
			"in the end":      strings.Contains(stderr.String(), "messages: 0, given up undecided: "),
		} {
			if told != full {
				t.Errorf("%d connections, %d missed: told %s: %v", n, missed, what, told)
			}
		}
	}
}

// TestReloadBeforeTheEnd: a signal that comes right before the end has the last
// results in the new files.
func TestReloadBeforeTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for i := range 100 { // whichever of the two is seen first
		hangups := make(chan os.Signal, 1)
		hangups <- syscall.SIGHUP
		opened := 0
		reload(ctx, hangups, func() { opened++ })
		if opened != 1 {
			t.Fatalf("run %d: opened anew %d times", i, opened)
		}
	}
}

// TestRecorderMovesOnBeforeTheEnd: what a signal asked for is done before the
// analysis hears of the end, when it reports the sessions that are open.
func TestRecorderMovesOnBeforeTheEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mail.pcapng")
	files, err := capture.NewRotator(capture.Rotation{Name: name, Interfaces: []string{"eth0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	rec := &recorder{Source: &greetings{}, count: &tally{}, files: files}
	rec.ending = func() { rec.reopen.Store(true) }
	if err := rec.Next(&capture.Packet{}); err != io.EOF {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
}
