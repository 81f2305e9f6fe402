package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/packet"
	"popscope/pop3parse"
)

// written writes a capture into a folder of its own.
func written(t *testing.T, args ...string) (name string, _ *truth) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "big.pcap")
	s, err := parse(append(args, "-o", name))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := s.write()
	if err != nil {
		t.Fatal(err)
	}
	return name, tr
}

func opened(t *testing.T, name string) *capture.Timeline {
	t.Helper()
	src, err := capture.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func TestAnalysisFindsTheTruth(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
	}{
		{"many connections", []string{"-size", "8"}},
		{"one connection at a time", []string{"-size", "2", "-connections", "1"}},
		{"less than one mail", []string{"-size", "0.001"}},
		{"another seed", []string{"-size", "4", "-seed", "7"}},
		{"a flood of logins", []string{"-size", "3", "-kind", "flood"}},
		{"one mail", []string{"-size", "4", "-kind", "onemail"}},
		{"POP3 in other traffic", []string{"-size", "30", "-kind", "needle"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			name, want := written(t, row.args...)
			got := &truth{
				Kind: want.Kind, Seed: want.Seed, Packets: want.Packets, Bytes: want.Bytes,
				Reordered: want.Reordered, // the analysis does not count these in the same way
			}
			src := opened(t, name)
			a := popscope.New(popscope.Options{Workers: 1})
			for r, err := range a.Results(src) {
				if err != nil {
					t.Fatal(err)
				}
				tell(t, got, r)
			}
			if want.OtherConnections > 0 {
				got.Retransmitted = want.Retransmitted // nor in what is no POP3
			}
			sum := a.Summary()
			got.OtherConnections = sum.Ignored["not_pop3_connections"]
			got.OtherDatagrams = sum.Ignored["not_tcp"] / 2
			if got.json() != want.json() {
				t.Errorf("got  %s\nwant %s", got.json(), want.json())
			}
			if sum.Packets != want.Packets || sum.Bytes != want.Bytes {
				t.Errorf("packets %d, bytes %d\nwant    %d, bytes %d", sum.Packets, sum.Bytes, want.Packets, want.Bytes)
			}
		})
	}
}

// tell adds a session to what is known of a capture.
func tell(t *testing.T, got *truth, r *popscope.Result) {
	t.Helper()
	got.Sessions++
	if r.Conn.Client.Addr().Is6() {
		got.SessionsIPv6++
	}
	if r.Session.STLS {
		got.SessionsSTLS++
	}
	for _, l := range r.Logins {
		got.Logins++
		switch {
		case l.Outcome == pop3parse.Failure:
			got.LoginsFailed++
		case l.Mechanism == "APOP":
			got.LoginsAPOP++
		case l.Mechanism == "PLAIN":
			got.LoginsPlain++
		}
	}
	for _, m := range r.Messages {
		if m.Verdict != pop3parse.Complete {
			t.Errorf("a message is %v", m.Verdict)
		}
		got.message(m.Octets, m.SHA256)
	}
	for dir := range r.Conn.Packets {
		got.Retransmitted += r.Conn.Transport().Retransmitted[dir]
		if n := r.Conn.Lost[dir] + r.Conn.Transport().BadChecksums[dir]; n != 0 {
			t.Errorf("%v: %d bytes lost or segments with a wrong checksum", r.Conn.Client, n)
		}
	}
}

// Half of the point of a big capture is that it is not in perfect order.
func TestSomeSegmentsAreRepeatedAndSwapped(t *testing.T) {
	_, tr := written(t, "-size", "20")
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"repeated", tr.Retransmitted}, {"swapped", tr.Reordered},
	} {
		// Two packets of three carry data.
		if data := tr.Packets * 2 / 3; row.n < data/400 || row.n > data/100 {
			t.Errorf("%s: %d of about %d segments: not about 0.5 %%", row.name, row.n, data)
		}
	}
}

func TestSizeIsAboutWhatWasAskedFor(t *testing.T) {
	for _, size := range []string{"5", "30"} {
		name, _ := written(t, "-size", size)
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"5": 5e6, "30": 30e6}[size]
		if got := info.Size(); got < want*9/10 || got > want*11/10 {
			t.Errorf("-size %s wrote %d bytes", size, got)
		}
	}
}

func TestSameFlagsWriteTheSameBytes(t *testing.T) {
	read := func(args ...string) []byte {
		name, _ := written(t, args...)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := read("-size", "2")
	if !bytes.Equal(first, read("-size", "2")) {
		t.Error("two runs differ")
	}
	if bytes.Equal(first, read("-size", "2", "-seed", "2")) {
		t.Error("another seed writes the same")
	}
}

func TestConnectionsInterleaveInOrderOfTime(t *testing.T) {
	name, _ := written(t, "-size", "3", "-connections", "10")
	src := opened(t, name)
	dec := packet.NewDecoder()
	var (
		p        capture.Packet
		seg      packet.Segment
		frag     packet.Fragment
		last     int64
		before   packet.Endpoint
		switches int
	)
	for {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Nanos < last {
			t.Fatalf("packet %d is earlier than the one before", p.Num)
		}
		last = p.Nanos
		if v := dec.Decode(&p, &seg, &frag); v != packet.IsSegment {
			t.Fatalf("packet %d: %v", p.Num, v)
		}
		end := seg.Src
		if end.Port == 110 {
			end = seg.Dst
		}
		if end != before {
			switches++
		}
		before = end
	}
	if switches < 500 {
		t.Errorf("the connection changes %d times only", switches)
	}
}

func TestBadFlags(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
	}{
		{"no output", nil},
		{"an argument", []string{"-o", "x", "y"}},
		{"no size", []string{"-o", "x", "-size", "0"}},
		{"no connections", []string{"-o", "x", "-connections", "0"}},
		{"unknown kind", []string{"-o", "x", "-kind", "gopher"}},
	} {
		if _, err := parse(row.args); err == nil {
			t.Errorf("%s: no error", row.name)
		}
	}
}

func TestUnwritableOutput(t *testing.T) {
	s, err := parse([]string{"-size", "1", "-o", filepath.Join(t.TempDir(), "no", "such", "folder")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.write(); err == nil {
		t.Error("no error")
	}
}
