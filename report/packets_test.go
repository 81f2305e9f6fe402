package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
)

// listPackets writes the packets that are given.
func listPackets(t testing.TB, packets []capture.Packet, format string, o PacketOptions) []byte {
	t.Helper()
	return listOf(t, capturetest.Source(packets), format, o)
}

// listOf writes the packets of a source.
func listOf(t testing.TB, src capture.Source, format string, o PacketOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewPackets(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Workers: 1})
	for p, err := range a.Packets(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPacketsOfEveryDialog: the records are as the schema says, and nothing
// acts on a terminal.
func TestPacketsOfEveryDialog(t *testing.T) {
	s := compileSchema(t)
	for i, d := range capturetest.Some(capturetest.LoadAll(t, "")) {
		tr := d.Trace()
		switch i % 4 { // so that every note comes up
		case 1:
			tr = tr.DropSome(1, 20)
		case 2:
			tr = tr.CutPayload(5)
		case 3:
			tr = tr.RetransmitLater(2, 50, 3)
		}
		encaps := capturetest.Encaps()
		e := encaps[i%len(encaps)]
		packets := tr.For(e).Packets(e)
		for _, show := range []bool{false, true} {
			o := PacketOptions{ShowSecrets: show, Hex: true, Verbose: true, Files: []string{"a\xff.pcap"}}
			for line := range bytes.Lines(listPackets(t, packets, "jsonl", o)) {
				if err := validate(s, line); err != nil {
					t.Errorf("%s: %s\n%v", d.Name, line, err)
				}
			}
			lines := listPackets(t, packets, "table", o)
			if i := bytes.IndexFunc(lines, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) }); i >= 0 {
				t.Errorf("%s: %q", d.Name, lines[i:min(i+20, len(lines))])
			}
		}
	}
}

// TestPacketsOfLongLists: of a list as many lines are shown as fit, and the
// packets that its lines were cut between say so.
func TestPacketsOfLongLists(t *testing.T) {
	text := "S: +OK POP3 ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\nC: UIDL\nS: +OK\n"
	for n := range 30 {
		text += fmt.Sprintf("S: %d %s\n", n+1, strings.Repeat("x", 38))
	}
	d, err := capturetest.Parse("test", text+"S: .\nC: QUIT\nS: +OK\n")
	if err != nil {
		t.Fatal(err)
	}
	first := "1 " + strings.Repeat("x", 38)
	for _, c := range []struct {
		name  string
		trace capturetest.Trace
		want  []string
	}{
		{"one packet", d.Trace(), []string{"S: +OK  S: " + first + " | 2 ", " | and 26 lines more | .\n"}},
		{"cut in lines", d.Trace().Split(100), []string{"S: +OK  S: " + first + " | 2 x", "xxx...\n", "S: ...xxx", "x | .\n"}},
	} {
		list := string(listPackets(t, c.trace.Packets(capturetest.Plain()), "table", PacketOptions{}))
		for _, want := range c.want {
			if !strings.Contains(list, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, list)
			}
		}
	}
}

// TestPacketsOfTLS: records of what was decrypted are as the schema says.
func TestPacketsOfTLS(t *testing.T) {
	s := compileSchema(t)
	for _, show := range []bool{false, true} {
		src, err := capture.Open("../testdata/pcap/dovecot-pop3s-secrets.pcapng")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, err := NewPackets("jsonl", &out, PacketOptions{ShowSecrets: show, Hex: true, Verbose: true})
		if err != nil {
			t.Fatal(err)
		}
		a := popscope.New(popscope.Options{})
		for p, err := range a.Packets(src) {
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(a.Summary()); err != nil {
			t.Fatal(err)
		}
		src.Close()
		if !strings.Contains(out.String(), `"decrypted":[{`) {
			t.Fatalf("nothing decrypted in\n%s", &out)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if err := validate(s, line); err != nil {
				t.Errorf("%s\n%v", line, err)
			}
		}
	}
}

func TestPacketTimes(t *testing.T) {
	zone := time.FixedZone("", 3600)
	p := popscope.Packet{Packet: capture.Packet{Nanos: 1_700_000_000_123_456_789}, CaptureStart: 1_699_999_998_000_000_000}
	for style, want := range map[TimeStyle]string{
		"": "  2.123457", RelativeTime: "  2.123457", DeltaTime: "  1.123457", UTCTime: "22:13:20.123456", LocalTime: "23:13:20.123456",
		DateTime: "2023-11-14 22:13:20.123456", EpochTime: "1700000000.123456789",
	} {
		l := newPacketLines(nil, PacketOptions{Time: style, Zone: zone})
		l.any, l.last = true, 1_699_999_999_000_000_000
		if got := string(l.appendTime(nil, &p)); got != want {
			t.Errorf("%q: got %q, want %q", style, got, want)
		}
	}
}

func TestHexDump(t *testing.T) {
	got := string(hexDump(nil, []byte("0123PASS sesame\r\n"), []popscope.Span{{From: 9, To: 15}}))
	want := "" +
		"    0000  30 31 32 33 50 41 53 53  20 ** ** ** ** ** ** 0d   0123PASS ******.\n" +
		"    0010  0a                                                 .\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// TestManyItems: a packet may carry more than a line can tell.
func TestManyItems(t *testing.T) {
	d := capturetest.Load(t, "../testdata/dialog/pipeline-40-noops.txt")
	lines := string(listPackets(t, d.Trace().Coalesce(9000).Packets(capturetest.Plain()), "table", PacketOptions{}))
	if !strings.Contains(lines, "items more") || strings.Count(lines, "C: NOOP") > 3*maxItems {
		t.Errorf("got:\n%s", lines)
	}
}

func TestUnknownPacketFormat(t *testing.T) {
	_, err := NewPackets("html", nil, PacketOptions{})
	var unknown *OptionError
	if !errors.As(err, &unknown) || unknown.Hint != "the formats of packets are table and jsonl" {
		t.Errorf("got %v", err)
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		text, want string
		most       int
		cut        bool
	}{{"abc", "abc", 3, false}, {"abcd", "abc", 3, true}, {"aää", "aä", 4, true}, {"会議", "", 2, true}} {
		if got, cut := cutText([]byte(c.text), c.most); string(got) != c.want || cut != c.cut {
			t.Errorf("%q to %d: got %q, %v, want %q, %v", c.text, c.most, got, cut, c.want, c.cut)
		}
	}
}
