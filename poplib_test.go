package popscope_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
)

// theirMessage is what poplib and email made of a message.
type theirMessage struct {
	Verb, SHA256, Subject string
	Octets                int64
	MessageID             string `json:"message_id"`
	Attachments           []theirAttachment
}

type theirAttachment struct {
	Name, SHA256 string
	Octets       int64
}

// TestMessagesAsPoplib: a client of Python's poplib that says what a
// recorded client said gets the same messages, and Python's email finds the
// same subjects and attachments in them, on all recordings in clear, on
// generated traffic, and on the dialogs that a program can replay. The
// streams come from the reassembler of the tests, not from ours.
func TestMessagesAsPoplib(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: nothing was compared")
	}
	p := newPoplib(t, python)
	compared := 0
	for _, n := range replayable(t) {
		t.Run(n.name, func(t *testing.T) {
			ours := messagesOf(t, n.trace)
			for conn := range n.trace.Conns() {
				client, server := n.trace.Stream(conn, true), n.trace.Stream(conn, false)
				i := slices.IndexFunc(n.trace, func(s capturetest.Segment) bool { return s.Conn == conn })
				if !inClear(client, server) {
					continue
				}
				theirs := p.replay(t, client, server)
				mine := ours[n.trace[i].Client.String()]
				if len(mine) != len(theirs) {
					t.Errorf("connection %d: %d messages, poplib has %d", conn+1, len(mine), len(theirs))
					continue
				}
				for j := range mine {
					compared++
					if !keepsDots[n.name] {
						comparePoplib(t, &mine[j], &theirs[j])
					} else if mine[j].Octets >= theirs[j].Octets {
						t.Errorf("message %d: %d octets, poplib has %d; there is no difference to explain any more", mine[j].Number, mine[j].Octets, theirs[j].Octets)
					}
				}
			}
		})
	}
	t.Logf("%d messages compared", compared)
	if compared < 50 {
		t.Error("hardly anything was compared")
	}
}

// keepsDots are the dialogs with lines that begin with a single dot. RFC 1939
// section 3 has the first dot of a line removed, whatever follows; poplib
// removes it only where another one follows.
var keepsDots = map[string]bool{"body-nul": true, "body-reply-lookalikes": true}

// comparePoplib compares a message.
func comparePoplib(t *testing.T, m *popscope.Message, want *theirMessage) {
	t.Helper()
	got := fmt.Sprint(m.Octets, " ", fmt.Sprintf("%x", m.SHA256))
	if theirs := fmt.Sprint(want.Octets, " ", want.SHA256); got != theirs {
		t.Errorf("message %d:\n got %s\nwant %s", m.Number, got, theirs)
		return
	}
	if got := oneSpace(m.Mail.Subject); got != oneSpace(want.Subject) {
		t.Errorf("message %d: subject\n got %q\nwant %q", m.Number, got, want.Subject)
	}
	if got := m.Mail.MessageID; got != want.MessageID {
		t.Errorf("message %d: Message-ID\n got %q\nwant %q", m.Number, got, want.MessageID)
	}
	for _, a := range want.Attachments {
		found := false
		for _, b := range m.Mail.Attachments {
			found = found || b.Name == a.Name && b.Octets == a.Octets && fmt.Sprintf("%x", b.SHA256) == a.SHA256
		}
		if !found {
			t.Errorf("message %d: attachment %+v is missing among %+v", m.Number, a, m.Mail.Attachments)
		}
	}
}

// oneSpace makes one space of many: folded lines are joined differently.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// inClear reports whether poplib can follow a session: no TLS, no bare LF,
// which it makes CRLF of, nothing but one command a line and its reply.
func inClear(client, server []byte) bool {
	for _, b := range [][]byte{client, server} {
		if len(b) == 0 || b[0] == 0x16 || bytes.Count(b, []byte("\n")) != bytes.Count(b, []byte("\r\n")) {
			return false
		}
	}
	return !bytes.Contains(bytes.ToUpper(client), []byte("STLS"))
}

// replayable returns the traces whose sessions poplib is given.
func replayable(t *testing.T) []named {
	t.Helper()
	var out []named
	for _, f := range capturetest.Some(recordings(t)) {
		out = append(out, named{filepath.Base(f), traceOf(t, f)})
	}
	made := filepath.Join(t.TempDir(), "made.pcap")
	if out, err := exec.Command("go", "run", "./scripts/bigcapture", "-size", "3", "-connections", "10", "-o", made).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out = append(out, named{"made", traceOf(t, made)})
	for _, d := range capturetest.LoadAll(t, "") {
		switch theme, _, _ := strings.Cut(d.Name, "-"); theme {
		case "rfc1939", "body", "list", "dele":
			out = append(out, named{d.Name, d.Trace()})
		}
	}
	return out
}

// messagesOf returns the messages that we find, by client.
func messagesOf(t *testing.T, tr capturetest.Trace) map[string][]popscope.Message {
	t.Helper()
	out := map[string][]popscope.Message{}
	src := capturetest.Source(tr.Packets(capturetest.Plain()))
	for r, err := range popscope.New(one).Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range r.Messages {
			if m.Command == pop3parse.RETR || m.Command == pop3parse.TOP {
				out[r.Conn.Client.String()] = append(out[r.Conn.Client.String()], m)
			}
		}
	}
	return out
}

// poplib is the Python program, which takes one session after the other.
type poplib struct {
	to   *json.Encoder
	from *json.Decoder
}

func newPoplib(t *testing.T, python string) *poplib {
	t.Helper()
	cmd := exec.Command(python, "-B", filepath.Join("scripts", "poplib", "replay.py"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, stderr.String())
		}
	})
	return &poplib{json.NewEncoder(in), json.NewDecoder(out)}
}

// replay returns the messages that poplib gets.
func (p *poplib) replay(t *testing.T, client, server []byte) []theirMessage {
	t.Helper()
	if err := p.to.Encode(map[string][]byte{"client": client, "server": server}); err != nil {
		t.Fatal(err)
	}
	var reply struct{ Messages []theirMessage }
	if err := p.from.Decode(&reply); err != nil {
		t.Fatal(err)
	}
	return reply.Messages
}
