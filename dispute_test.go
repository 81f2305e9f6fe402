package popscope_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"popscope"
)

// forged returns a copy of a frame of talk with other bytes, which have as
// many.
func forged(frame []byte, text string) []byte {
	b := slices.Clone(frame)
	if copy(b[40:], text) != len(b)-40 {
		panic("a copy of another length: " + text)
	}
	return b
}

// twice puts a copy with other bytes behind each of the frames.
func twice(frames [][]byte, text string) (out [][]byte) {
	for _, b := range frames {
		out = append(out, b, forged(b, text))
	}
	return out
}

// exchangesOf returns a field of every exchange that is reported for frames,
// or "-" for those that lack it.
func exchangesOf(t *testing.T, field func(map[string]any) string, o popscope.Options, frames ...[]byte) []string {
	t.Helper()
	f := feed{now: 1_700_000_000e9, step: 100_000}
	f.then(frames...)
	out, _ := analyze(t, &f, o)
	var got []string
	for _, r := range parseRecords(t, out) {
		if r["type"] == "exchange" {
			got = append(got, field(r))
		}
	}
	return got
}

// differs tells which exchanges are noted for copies that differ.
func differs(r map[string]any) string {
	notes, _ := r["notes"].([]any)
	return r["verb"].(string) + map[bool]string{true: "!"}[slices.Contains(notes, any("differing_copies"))]
}

// pairing tells how sure it is.
func pairing(r map[string]any) string { return r["verb"].(string) + " " + r["pairing"].(string) }

// TestEveryDisputeIsNoted disputes many exchanges of a session, far more than
// are kept as evidence, and none of the others.
func TestEveryDisputeIsNoted(t *testing.T) {
	const n = 5_000
	for _, o := range []popscope.Options{{Workers: 1}, {Workers: 2}, {Workers: 1, Limits: popscope.Limits{PartExchanges: 700}}} {
		k := newTalk(40001, 110, 100)
		frames := append(k.open(), k.say("+OK ready")...)
		var want []string
		for i := range n {
			frame := k.say("NOOP", "+OK")
			switch i % 5 {
			case 1:
				want = append(want, "NOOP!")
				frame = append(twice(frame[:1], "STAT\r\n"), frame[1])
			case 3:
				want = append(want, "NOOP!")
				frame = append(frame[:1], twice(frame[1:], "+OP\r\n")...)
			default:
				want = append(want, "NOOP")
			}
			frames = append(frames, frame...)
		}
		got := exchangesOf(t, differs, o, append(frames, k.close()...)...)
		if !slices.Equal(got, want) {
			t.Errorf("%d workers, parts of %d: %d of %d noted, want %d", o.Workers, o.Limits.PartExchanges, strings.Count(strings.Join(got, " "), "!"), len(got), strings.Count(strings.Join(want, " "), "!"))
		}
	}
}

// TestDisputedBytesAreThoseOfTheExchange tells neighbours apart, whichever
// packet brought them.
func TestDisputedBytesAreThoseOfTheExchange(t *testing.T) {
	for _, row := range []struct {
		name   string
		frames func(k *talk) [][]byte
		want   string
	}{
		{"commands in one packet", func(k *talk) [][]byte {
			return append(twice(k.say("NOOP\r\nSTAT\r\nLAST"), "NOOP\r\nLIST\r\nLAST\r\n"), k.say("+OK\r\n+OK 1 2\r\n+OK 0")...)
		}, "NOOP STAT! LAST"},
		{"one copy of several packets", func(k *talk) [][]byte {
			at := *k
			frames := k.say("NOOP", "STAT", "LAST")
			again := at.say("NOOX\r\nSTAT\r\nLASX")
			return append(append(frames, again...), k.say("+OK\r\n+OK 1 2\r\n+OK 0")...)
		}, "NOOP! STAT! LAST!"},
		{"a command that came in the wrong order", func(k *talk) [][]byte {
			f := []([]byte){k.frame(false, tcpACK, "NO"), k.frame(false, tcpACK, "OP\r\nST"), k.frame(false, tcpACK, "AT\r\n")}
			return append([][]byte{f[1], forged(f[1], "OP\r\nLI"), f[2], f[0]}, k.say("+OK\r\n+OK 1 2")...)
		}, "NOOP STAT!"},
		{"a mail of many disputes", func(k *talk) [][]byte {
			frames := k.say("NOOP", "+OK", "RETR 1", "+OK")
			for i := range 4_000 {
				line := strconv.Itoa(i) + " is a line of the mail\r\n"
				frames = append(frames, twice([][]byte{k.frame(true, tcpACK, line)}, strings.Replace(line, "line", "LINE", 1))...)
			}
			return append(append(frames, k.frame(true, tcpACK, ".\r\n")), k.say("STAT", "+OK 1 2", "LAST", "+OK 0")...)
		}, "NOOP RETR! STAT LAST"},
		{"the answer to a challenge", func(k *talk) [][]byte {
			frames := k.say("NOOP", "+OK", "AUTH LOGIN", "+ VXNlcm5hbWU6")
			frames = append(frames, twice(k.say("YWxpY2U="), "Ym9iYnk=\r\n")...)
			return append(frames, k.say("+ UGFzc3dvcmQ6", "c2VzYW1l", "+OK", "STAT", "+OK 1 2")...)
		}, "NOOP AUTH! STAT"},
		{"the greeting alone", func(k *talk) [][]byte { return k.say("STAT", "+OK 1 2") }, "STAT"},
	} {
		for _, follow := range []bool{false, true} {
			k := newTalk(40001, 110, 100)
			frames := append(k.open(), twice(k.say("+OK ready"), "+OK steam\r\n")...)
			frames = append(frames, row.frames(k)...)
			got := exchangesOf(t, differs, popscope.Options{Workers: 1, Follow: follow}, append(frames, k.close()...)...)
			if strings.Join(got, " ") != row.want {
				t.Errorf("%s, follow %v:\n got %s\nwant %s", row.name, follow, strings.Join(got, " "), row.want)
			}
		}
	}
}

// TestPairingBehindOtherLines: where a copy that the receiver may have taken
// has another number of lines, what follows may answer other commands.
func TestPairingBehindOtherLines(t *testing.T) {
	for _, row := range []struct {
		name   string
		frames func(k *talk) [][]byte
		want   string
	}{
		{"a forged command becomes two", func(k *talk) [][]byte {
			real := k.say("XSENDER 12")
			return slices.Concat([][]byte{forged(real[0], "NOOP\r\nNOOP\r\n")}, real, k.say("+OK", "STAT", "+OK 1 2"))
		}, "NOOP sure, NOOP guessed, STAT guessed"},
		{"as many lines", func(k *talk) [][]byte {
			real := k.say("XSENDER 12")
			return slices.Concat([][]byte{forged(real[0], "XSENDER 21\r\n")}, real, k.say("+OK", "STAT", "+OK 1 2"))
		}, "XSENDER sure, STAT sure"},
		{"the other copy behind an acknowledgement", func(k *talk) [][]byte {
			real := k.say("XSENDER 12")
			return slices.Concat(real, k.say("+OK"), [][]byte{forged(real[0], "NOOP\r\nNOOP\r\n")}, k.say("STAT", "+OK 1 2", "LAST", "+OK 0"))
		}, "XSENDER sure, STAT resynced, LAST sure"},
		{"proved by an acknowledgement", func(k *talk) [][]byte {
			real := k.say("XSENDER 12")
			return slices.Concat(real, [][]byte{forged(real[0], "NOOP\r\nNOOP\r\n")}, k.say("+OK", "STAT", "+OK 1 2", "LAST", "+OK 0"))
		}, "XSENDER sure, STAT resynced, LAST sure"},
		{"two replies are one in the other copy", func(k *talk) [][]byte {
			frames := k.say("NOOP\r\nSTAT\r\nLAST", "+OK 1\r\n+OK 2")
			return slices.Concat(frames, [][]byte{forged(frames[1], "+OK 1 2 3 45\r\n")}, k.say("+OK 3", "QUIT", "+OK"))
		}, "NOOP sure, STAT guessed, LAST guessed, QUIT resynced"},
	} {
		for _, o := range []popscope.Options{{Workers: 1}, {Workers: 1, Limits: popscope.Limits{PartExchanges: 2}}} {
			k := newTalk(40001, 110, 100)
			frames := append(append(k.open(), k.say("+OK ready")...), row.frames(k)...)
			got := exchangesOf(t, pairing, o, append(frames, k.close()...)...)
			if strings.Join(got, ", ") != row.want {
				t.Errorf("%s, parts of %d:\n got %s\nwant %s", row.name, o.Limits.PartExchanges, strings.Join(got, ", "), row.want)
			}
		}
	}
}

// TestDeletionInDispute: what a guessed DELE marks is not told to be deleted.
func TestDeletionInDispute(t *testing.T) {
	for _, copied := range []bool{false, true} {
		k := newTalk(40001, 110, 100)
		frames := append(k.open(), k.say("+OK ready", "RETR 1", "+OK\r\nSubject: one\r\n\r\n.")...)
		asked := k.say("NOOP\r\nDELE 1")
		if copied {
			asked = twice(asked, "XSENDER 1234\r\n")
		}
		frames = append(append(frames, asked...), k.say("+OK\r\n+OK", "QUIT", "+OK")...)
		f := feed{now: 1_700_000_000e9, step: 100_000}
		f.then(append(frames, k.close()...)...)
		out, _ := analyze(t, &f, one)
		if deleted := strings.Contains(out, `"deleted":true`); deleted == copied {
			t.Errorf("another copy %v: deleted %v\n%s", copied, deleted, out)
		}
	}
}
