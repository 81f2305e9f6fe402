package tlsdec

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func randomOf(n int) (r clientRandom) {
	copy(r[:], fmt.Sprintf("%032d", n))
	return r
}

func TestKeyLogLines(t *testing.T) {
	random, secret, master := strings.Repeat("ab", 32), strings.Repeat("cd", 32), strings.Repeat("ef", 48)
	for _, tt := range []struct {
		name, line string
		want       KeyLogCounts
	}{
		{"master secret", "CLIENT_RANDOM " + random + " " + master, KeyLogCounts{Secrets: 1}},
		{"upper case", "CLIENT_RANDOM " + strings.ToUpper(random) + " " + strings.ToUpper(master), KeyLogCounts{Secrets: 1}},
		{"CRLF, tabs", "CLIENT_RANDOM\t" + random + "  " + master + "\r", KeyLogCounts{Secrets: 1}},
		{"master secret too short", "CLIENT_RANDOM " + random + " " + secret, KeyLogCounts{Ignored: 1}},
		{"handshake", "SERVER_HANDSHAKE_TRAFFIC_SECRET " + random + " " + secret, KeyLogCounts{Secrets: 1}},
		{"early", "CLIENT_EARLY_TRAFFIC_SECRET " + random + " " + secret, KeyLogCounts{Secrets: 1}},
		{"generation 0", "CLIENT_TRAFFIC_SECRET_0 " + random + " " + master, KeyLogCounts{Secrets: 1}},
		{"generation 12", "SERVER_TRAFFIC_SECRET_12 " + random + " " + secret, KeyLogCounts{Secrets: 1}},
		{"generation N", "SERVER_TRAFFIC_SECRET_N " + random + " " + secret, KeyLogCounts{Ignored: 1}},
		{"generation -1", "SERVER_TRAFFIC_SECRET_-1 " + random + " " + secret, KeyLogCounts{Ignored: 1}},
		{"generation 007", "SERVER_TRAFFIC_SECRET_007 " + random + " " + secret, KeyLogCounts{Ignored: 1}},
		{"generation too high", "SERVER_TRAFFIC_SECRET_99999999999999999999 " + random + " " + secret, KeyLogCounts{Ignored: 1}},
		{"exporter", "EXPORTER_SECRET " + random + " " + secret, KeyLogCounts{Spare: 1}},
		{"early exporter", "EARLY_EXPORTER_SECRET " + random + " " + secret, KeyLogCounts{Spare: 1}},
		{"RSA", "RSA 0123456789abcdef " + master, KeyLogCounts{Secrets: 1}},
		{"RSA with a client random", "RSA " + random + " " + master, KeyLogCounts{Ignored: 1}},
		{"premaster secret of Diffie-Hellman", "PMS_CLIENT_RANDOM " + random + " " + strings.Repeat("0f", 256), KeyLogCounts{Secrets: 1}},
		{"comment", "# CLIENT_RANDOM " + random + " " + master, KeyLogCounts{}},
		{"nothing", "", KeyLogCounts{}},
		{"spaces", "   \t ", KeyLogCounts{}},
		{"unknown label", "SOME_SECRET " + random + " " + secret, KeyLogCounts{Ignored: 1}},
		{"no hex", "CLIENT_TRAFFIC_SECRET_0 " + random + " " + strings.Repeat("xy", 32), KeyLogCounts{Ignored: 1}},
		{"odd digits", "CLIENT_TRAFFIC_SECRET_0 " + random + " " + secret + "a", KeyLogCounts{Ignored: 1}},
		{"random too short", "CLIENT_TRAFFIC_SECRET_0 " + random[2:] + " " + secret, KeyLogCounts{Ignored: 1}},
		{"random too long", "CLIENT_TRAFFIC_SECRET_0 " + random + "00 " + secret, KeyLogCounts{Ignored: 1}},
		{"random with an odd digit", "CLIENT_TRAFFIC_SECRET_0 " + random + "0 " + secret, KeyLogCounts{Ignored: 1}},
		{"secret too long", "CLIENT_TRAFFIC_SECRET_0 " + random + " " + strings.Repeat("ab", maxSecret+1), KeyLogCounts{Ignored: 1}},
		{"too many words", "CLIENT_TRAFFIC_SECRET_0 " + random + " " + secret + " x", KeyLogCounts{Ignored: 1}},
		{"too few words", "CLIENT_TRAFFIC_SECRET_0 " + random, KeyLogCounts{Ignored: 1}},
		{"binary", "\x00\x01\xff", KeyLogCounts{Ignored: 1}},
		{"very long", strings.Repeat("CLIENT_RANDOM ", 1000), KeyLogCounts{Ignored: 1}},
	} {
		for _, step := range []int{1, 7, 1 << 20} {
			k := new(KeyLog)
			for b := []byte(tt.line + "\n# end"); len(b) > 0; {
				n := min(step, len(b))
				k.Write(b[:n])
				b = b[n:]
			}
			if got := k.Counts(); got != tt.want {
				t.Errorf("%s, %d bytes at a time\ngot  %+v\nwant %+v", tt.name, step, got, tt.want)
			}
		}
	}
}

func TestKeyLogEnd(t *testing.T) {
	random := randomOf(1)
	k := new(KeyLog)
	fmt.Fprintf(k, "CLIENT_RANDOM %x %x", random, make([]byte, masterSecret))
	if k.Mark() != 0 {
		t.Error("half a line counts")
	}
	k.Flush()
	if k.Mark() != 1 || k.lookup(random, labelMaster, 1) == nil {
		t.Error("a last line without an end does not count")
	}
}

func TestKeyLogMarks(t *testing.T) {
	random := randomOf(1)
	k := new(KeyLog)
	put := func(first byte) {
		fmt.Fprintf(k, "CLIENT_RANDOM %x %02x%x\n", random, first, make([]byte, masterSecret-1))
	}
	before := k.Mark()
	put(1)
	between := k.Mark()
	put(2)
	put(2)
	for _, tt := range []struct {
		mark int64
		want []byte
	}{{before, nil}, {between, []byte{1}}, {k.Mark(), []byte{2}}} {
		if got := k.lookup(random, labelMaster, tt.mark); !bytes.HasPrefix(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("at mark %d: %x, want %x...", tt.mark, got, tt.want)
		}
	}
	if k.lookup(randomOf(2), labelMaster, k.Mark()) != nil || (*KeyLog)(nil).lookup(random, labelMaster, 9) != nil {
		t.Error("a secret out of nothing")
	}
}

func TestKeyLogIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 260,000 lines")
	}
	k := new(KeyLog)
	const more = 1000
	var line []byte
	for i := range maxConnections + more {
		r := randomOf(i)
		line = hex.AppendEncode(append(line[:0], "CLIENT_TRAFFIC_SECRET_0 "...), r[:])
		line = hex.AppendEncode(append(line, ' '), r[:])
		k.Write(append(line, '\n'))
	}
	if len(k.conns) != maxConnections || k.Counts().Forgotten != more {
		t.Errorf("%d connections, %d forgotten", len(k.conns), k.Counts().Forgotten)
	}
	if k.lookup(randomOf(more-1), "CLIENT_TRAFFIC_SECRET_0", k.Mark()) != nil || k.lookup(randomOf(more), "CLIENT_TRAFFIC_SECRET_0", k.Mark()) == nil {
		t.Error("not the oldest ones are forgotten")
	}
	for i := range 100 {
		fmt.Fprintf(k, "CLIENT_TRAFFIC_SECRET_%d %x %064x\n", i, randomOf(more), i)
	}
	if n := len(k.conns[randomOf(more)].list); n > maxLabels {
		t.Errorf("%d secrets of a connection", n)
	}
}

func TestKeyLogConcurrently(t *testing.T) {
	k := new(KeyLog)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := range 2000 {
				if v := k.lookup(randomOf(i%100), labelMaster, k.Mark()); v != nil && len(v) != masterSecret {
					t.Errorf("%d bytes", len(v))
				}
			}
		})
	}
	for i := range 100 {
		fmt.Fprintf(k, "CLIENT_RANDOM %x %096x\n", randomOf(i), i)
	}
	readers.Wait()
}

// FuzzKeyLog: pieces do not matter, and no more is held than is allowed.
func FuzzKeyLog(f *testing.F) {
	f.Add([]byte("CLIENT_RANDOM "+strings.Repeat("ab", 32)+" "+strings.Repeat("cd", 48)+"\n"), uint8(3))
	f.Add([]byte("# x\r\nSERVER_TRAFFIC_SECRET_0 "+strings.Repeat("ab", 32)+" "+strings.Repeat("cd", 32)), uint8(50))
	f.Add([]byte(strings.Repeat("CLIENT_RANDOM ", 200)+"\nRSA 0 0\n"), uint8(100))
	f.Add([]byte("#"+strings.Repeat("x", maxLogLine)+"\n"+strings.Repeat(" ", maxLogLine+1)+"\n"), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		whole, pieces := new(KeyLog), new(KeyLog)
		whole.Write(b)
		whole.Flush()
		for p := b; len(p) > 0; {
			n := min(int(step)+1, len(p))
			pieces.Write(p[:n])
			p = p[n:]
			if len(pieces.part) > maxLogLine {
				t.Fatalf("%d bytes of a line are held", len(pieces.part))
			}
		}
		pieces.Flush()
		if whole.Counts() != pieces.Counts() || len(whole.conns) != len(pieces.conns) {
			t.Fatalf("got  %+v\nwant %+v", pieces.Counts(), whole.Counts())
		}
		for r, s := range whole.conns {
			for _, l := range s.list {
				if !bytes.Equal(l.value, pieces.lookup(r, l.label, l.mark)) {
					t.Fatalf("%s of %x", l.label, r)
				}
			}
		}
	})
}
