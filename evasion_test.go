package popscope_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// attacked is a session that somebody tries to hide, or to put words into.
const attacked = `S: +OK POP3 ready
C: USER alice
S: +OK
C: PASS wonderland-7
S: +OK Logged in
C: RETR 1
S: +OK
S: Subject: the truth
S:
S: All is well.
S: .
C: DELE 1
S: +OK
C: QUIT
S: +OK
`

// insertion is a segment that an attacker sends: like one of the session,
// but for what change does to it.
type insertion struct {
	like   string // the first segment with this text
	before bool   // it comes before that one; otherwise after
	change func(s *capturetest.Segment)
}

// TestEvasion: what the ends of a connection do not accept changes nothing
// of what is reported, and the attempt is told by audit. What is inserted
// before the real bytes, inside of the window, cannot be told from them: see
// TestInsertionBeforeTheTruth.
func TestEvasion(t *testing.T) {
	payload := func(text string) func(*capturetest.Segment) {
		return func(s *capturetest.Segment) { s.Payload = fill(text, len(s.Payload)) }
	}
	far := func(n uint32, flags packet.Flags, text string) func(*capturetest.Segment) {
		return func(s *capturetest.Segment) { s.Seq += n; s.Flags |= uint8(flags); s.Payload = []byte(text) }
	}
	for _, row := range []struct {
		name string
		in   insertion
		rule string // "": it is no attack
	}{
		{"a copy with other bytes", insertion{"All is well", false, payload("-ERR no mail\r\n")}, "differing-copies"},
		{"a copy with other bytes of a command", insertion{"DELE 1", false, payload("NOOP  \r\n")}, "differing-copies"},
		{"the same copy again", insertion{"All is well", false, func(*capturetest.Segment) {}}, ""},
		{"a copy with other bytes and a wrong checksum", insertion{"All is well", false, func(s *capturetest.Segment) { payload("-ERR\r\n")(s); s.BadChecksum = true }}, "bad-checksums"},
		{"a copy with other bytes and a checksum left to the network card", insertion{"All is well", false, func(s *capturetest.Segment) { payload("-ERR\r\n")(s); s.Unfilled = true }}, "bad-checksums"},
		{"a reset with a wrong checksum", insertion{"All is well", false, func(s *capturetest.Segment) { far(0, packet.RST, "")(s); s.BadChecksum = true }}, "bad-checksums"},
		{"a reset far ahead", insertion{"PASS", false, far(1<<20, packet.RST, "")}, "segments-out-of-window"},
		{"a reset far behind", insertion{"All is well", false, far(1<<32-5_000, packet.RST, "")}, "segments-out-of-window"},
		{"a reset in the window that the receiver never got", insertion{"PASS", false, far(18, packet.RST, "")}, "segments-out-of-window"},
		{"a FIN far ahead", insertion{"PASS", false, far(1<<31, packet.FIN, "")}, "segments-out-of-window"},
		{"a FIN in the window that the receiver never got", insertion{"USER alice", false, far(12, packet.FIN, "")}, "segments-out-of-window"},
		{"data far ahead", insertion{"PASS", false, far(1<<31, 0, "DELE 7\r\n")}, "segments-out-of-window"},
		{"a SYN in the middle", insertion{"PASS", false, func(s *capturetest.Segment) {
			far(77_777, packet.SYN, "")(s)
			s.Flags &^= uint8(packet.ACK | packet.PSH)
		}}, "segments-out-of-window"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, encap := range []string{"ethernet", "ipv6-headers", "ipv4-fragments-tiny", "gre-fragments"} {
				e := capturetest.FindEncap(encap)
				tr := attackedTrace(t).For(e)
				want, _ := analyze(t, capturetest.Source(tr.Packets(e)), one)
				got, _ := analyze(t, capturetest.Source(insert(t, tr, row.in).Packets(e)), one)
				if told(t, got) != told(t, want) {
					t.Fatalf("%s:\n%s", encap, diff(told(t, got), told(t, want)))
				}
				if strings.Contains(got, `"pairing":"guessed"`) {
					t.Errorf("%s: what was sent after waiting for everything is guessed", encap)
				}
				before, after := rulesIn(t, want), rulesIn(t, got)
				if row.rule == "" && !slices.Equal(before, after) || row.rule != "" && (!slices.Contains(after, row.rule) || slices.Contains(before, row.rule)) {
					t.Errorf("%s: findings %v, before %v, want %q", encap, after, before, row.rule)
				}
			}
		})
	}
}

// TestInsertionBeforeTheTruth: of two copies that the receiver may have
// taken, the first one is shown. Which one it took, the packets do not tell
// (a low time to live and a wrong checksum are hints at most: wrong checksums
// are accepted, since they are usual where a capture is made on the
// sending machine). What is certain is that somebody tried.
func TestInsertionBeforeTheTruth(t *testing.T) {
	for _, in := range []insertion{
		{"All is well", true, func(s *capturetest.Segment) {
			s.Payload = bytes.Replace(s.Payload, []byte("well"), []byte("lost"), 1)
		}},
		{"PASS", false, func(s *capturetest.Segment) { s.Payload = []byte("PASS wonderland-7\r\nDELE 7\r\n") }}, // over what follows
	} {
		tr := insert(t, attackedTrace(t), in)
		got, _ := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), one)
		if rules := rulesIn(t, got); !slices.Contains(rules, "differing-copies") {
			t.Errorf("%s: findings %v", in.like, rules)
		}
		if !strings.Contains(got, `"differing_copies"`) {
			t.Errorf("%s: the exchange does not say that its bytes are in doubt", in.like)
		}
	}
}

// TestExtensionHeaderChains: a chain of IPv6 extension headers hides nothing
// up to the depth that is read, and beyond it is counted.
func TestExtensionHeaderChains(t *testing.T) {
	padN := []byte{1, 4, 0, 0, 0, 0}
	for _, row := range []struct {
		headers int
		read    bool
	}{{1, true}, {4, true}, {8, true}, {64, false}} {
		t.Run(fmt.Sprint(row.headers), func(t *testing.T) {
			chain := make([]capturetest.Header, row.headers)
			for i := range chain {
				chain[i] = capturetest.Header{Proto: 60, Data: padN} // destination options
			}
			e := capturetest.Plain()
			e.Family = capturetest.OnlyIPv6
			tr := attackedTrace(t).For(e)
			want, _ := analyze(t, capturetest.Source(tr.Packets(e)), one)
			e.Layer = capturetest.Stack(capturetest.Ethernet(), capturetest.IP(capturetest.IPOptions{Headers: chain}))
			packets := tr.Packets(e)
			got, _ := analyze(t, capturetest.Source(packets), one)
			if row.read {
				if told(t, got) != told(t, want) {
					t.Error(diff(told(t, got), told(t, want)))
				}
				return
			}
			recs := parseRecords(t, got)
			ignored := recs[len(recs)-1]["ignored"].(map[string]any)
			if ignored["too_deep"] != float64(len(packets)) {
				t.Errorf("ignored %v, want too_deep %d", ignored, len(packets))
			}
		})
	}
}

// TestOverlappingFragments: of IPv4 fragments that overlap and differ the
// first copy counts; an IPv6 datagram with an overlap is dropped (RFC 5722).
// Both are told.
func TestOverlappingFragments(t *testing.T) {
	for _, row := range []struct {
		encap string
		whole bool // the session is reported as if nothing had happened
	}{{"ipv4-fragments-tiny", true}, {"ipv6-fragments-tiny", false}} {
		t.Run(row.encap, func(t *testing.T) {
			e := capturetest.FindEncap(row.encap)
			tr := attackedTrace(t).For(e)
			packets := tr.Packets(e)
			want, _ := analyze(t, capturetest.Source(packets), one)
			got, _ := analyze(t, capturetest.Source(forgeFragment(t, packets, "PASS")), one)
			if !slices.Contains(rulesIn(t, got), "fragments-differ") {
				t.Errorf("findings %v", rulesIn(t, got))
			}
			if same := told(t, got) == told(t, want); same != row.whole {
				t.Errorf("the same %v, want %v:\n%s", same, row.whole, diff(told(t, got), told(t, want)))
			}
			if strings.Contains(got, "FORG") {
				t.Error("the forged bytes are shown")
			}
		})
	}
}

func attackedTrace(t *testing.T) capturetest.Trace {
	t.Helper()
	d, err := capturetest.Parse("attacked", attacked)
	if err != nil {
		t.Fatal(err)
	}
	return d.Trace()
}

// insert returns the trace with a segment of the attacker.
func insert(t *testing.T, tr capturetest.Trace, in insertion) capturetest.Trace {
	t.Helper()
	out := tr.Clone()
	i := slices.IndexFunc(out, func(s capturetest.Segment) bool { return bytes.Contains(s.Payload, []byte(in.like)) })
	if i < 0 {
		t.Fatalf("no segment with %q", in.like)
	}
	forged := tr.Clone()[i]
	in.change(&forged)
	if !in.before {
		i++
	}
	return slices.Insert(out, i, forged)
}

// forgeFragment repeats the fragment with a text, with other bytes.
func forgeFragment(t *testing.T, packets []capture.Packet, text string) []capture.Packet {
	t.Helper()
	i := slices.IndexFunc(packets, func(p capture.Packet) bool { return bytes.Contains(p.Data, []byte(text)) })
	if i < 0 {
		t.Fatalf("no fragment with %q", text)
	}
	forged := packets[i]
	forged.Data = bytes.Replace(forged.Data, []byte(text), []byte("FORG"), 1)
	return slices.Insert(slices.Clone(packets), i+1, forged)
}

// fill returns text repeated or cut to n bytes.
func fill(text string, n int) []byte {
	return bytes.Repeat([]byte(text), n/len(text)+1)[:n]
}

// told returns what is said of exchanges, logins and messages.
func told(t *testing.T, out string) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(essence(t, out, "notes", "pairing")) {
		if strings.Contains(line, `"type":"exchange"`) || strings.Contains(line, `"type":"login"`) || strings.Contains(line, `"type":"message"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// rulesIn returns the rules of all findings, each once.
func rulesIn(t *testing.T, out string) []string {
	t.Helper()
	var rules []string
	for _, r := range parseRecords(t, out) {
		if r["type"] == "finding" {
			rules = append(rules, r["rule"].(string))
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
