package popscope_test

import (
	"encoding/binary"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// feed is a source that makes its packets as they are asked for, and is idle
// in between where told so. Its time goes on by step with each packet.
type feed struct {
	now, step int64
	todo      []func() []byte // nil: idle
	ahead     func() []byte   // instead of todo until it returns nil; may be nil
	n         int64
}

func (f *feed) Next(p *capture.Packet) error {
	f.now += f.step
	var b []byte
	if f.ahead != nil {
		if b = f.ahead(); b == nil {
			f.ahead = nil
		}
	}
	if b == nil {
		if len(f.todo) == 0 {
			return io.EOF
		}
		next := f.todo[0]
		f.todo = f.todo[1:]
		if next == nil {
			*p = capture.Packet{Nanos: f.now}
			return capture.ErrIdle
		}
		if b = next(); b == nil {
			return f.Next(p)
		}
	}
	f.n++
	*p = capture.Packet{Num: f.n, Nanos: f.now, Link: capture.LinkRaw, Data: b, Orig: len(b)}
	return nil
}

// then adds packets.
func (f *feed) then(frames ...[]byte) {
	for _, b := range frames {
		f.todo = append(f.todo, func() []byte { return b })
	}
}

// flood puts n packets in a row.
func (f *feed) flood(n int, frame func(i int) []byte) {
	i := 0
	f.todo = append(f.todo, func() []byte {
		f.ahead = func() []byte {
			if i++; i > n {
				return nil
			}
			return frame(i - 1)
		}
		return nil
	})
}

// pause lets time pass in which the source has nothing.
func (f *feed) pause(d time.Duration) {
	f.todo = append(f.todo, func() []byte { f.now += int64(d); return nil }, nil)
}

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

// tcpFrame returns an IPv4 packet.
func tcpFrame(src, dst uint32, sport, dport uint16, seq, ack uint32, flags byte, data string) []byte {
	b := make([]byte, 40+len(data))
	b[0], b[8], b[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint32(b[12:], src)
	binary.BigEndian.PutUint32(b[16:], dst)
	t := b[20:]
	binary.BigEndian.PutUint16(t[0:], sport)
	binary.BigEndian.PutUint16(t[2:], dport)
	binary.BigEndian.PutUint32(t[4:], seq)
	binary.BigEndian.PutUint32(t[8:], ack)
	t[12], t[13] = 0x50, flags
	binary.BigEndian.PutUint16(t[14:], 65535)
	copy(t[20:], data)
	return b
}

const (
	aClient = 0xc0000214 // 192.0.2.20
	aServer = 0xc000020a
)

// talk is a connection between them.
type talk struct {
	sport, dport uint16
	seq          [2]uint32 // of client and server
}

func newTalk(sport, dport uint16, isn uint32) *talk {
	return &talk{sport, dport, [2]uint32{isn, isn + 5000}}
}

func (t *talk) frame(server bool, flags byte, data string) []byte {
	src, dst, sport, dport, me := uint32(aClient), uint32(aServer), t.sport, t.dport, 0
	if server {
		src, dst, sport, dport, me = dst, src, dport, sport, 1
	}
	b := tcpFrame(src, dst, sport, dport, t.seq[me], t.seq[1-me], flags, data)
	t.seq[me] += uint32(len(data))
	if flags&(tcpSYN|tcpFIN) != 0 {
		t.seq[me]++
	}
	return b
}

func (t *talk) open() [][]byte {
	return [][]byte{t.frame(false, tcpSYN, ""), t.frame(true, tcpSYN|tcpACK, ""), t.frame(false, tcpACK, "")}
}

func (t *talk) close() [][]byte {
	return [][]byte{t.frame(true, tcpFIN|tcpACK, ""), t.frame(false, tcpFIN|tcpACK, ""), t.frame(true, tcpACK, "")}
}

// say returns lines of both sides; the server's begin with a + or -.
func (t *talk) say(lines ...string) (out [][]byte) {
	for _, l := range lines {
		out = append(out, t.frame(l[0] == '+' || l[0] == '-', tcpACK, l+"\r\n"))
	}
	return out
}

func (t *talk) login() [][]byte {
	return append(t.say("+OK ready", "USER alice", "+OK", "PASS sesame", "+OK", "QUIT", "+OK bye"), t.close()...)
}

// aSYN is one of a scan, which nobody answers.
func aSYN(i int) []byte {
	return tcpFrame(0xc6336400+uint32(i%50), 0xcb007100+uint32(i%200), uint16(1024+i/200), uint16(1+i%1000), uint32(i), 0, tcpSYN, "")
}

// sift sends what a feed has through a Sieve and an Analyzer.
func sift(t *testing.T, f *feed) (records string, packets int, ignored map[string]any) {
	t.Helper()
	f.now = 1_700_000_000e9
	if f.step == 0 {
		f.step = 100_000
	}
	kept := &keeping{Source: popscope.NewSieve(f, one)}
	records, _ = analyze(t, sieved{kept, kept.Source.(*popscope.Sieve)}, one)
	_, last, _ := strings.Cut(records, `{"type":"summary"`)
	return records, len(kept.packets), parseRecords(t, `{"type":"summary"`+last)[0]["ignored"].(map[string]any)
}

// sieved has what a Sieve has to say beside its packets.
type sieved struct {
	*keeping
	*popscope.Sieve
}

func (s sieved) Next(p *capture.Packet) error { return s.keeping.Next(p) }

// TestScanCostsNoSession lets connections wait in all the ways in which they
// can while a scan goes by that fills what the Sieve may hold.
func TestScanCostsNoSession(t *testing.T) {
	const scan = 230_000
	for name, tt := range map[string]struct {
		before, after func(*talk) [][]byte
		port          uint16
		session       bool
	}{
		"behind the handshake": {(*talk).open, (*talk).login, 1110, true},
		"behind the SYN": {
			func(k *talk) [][]byte { return k.open()[:1] },
			func(k *talk) [][]byte { k.seq = [2]uint32{100, 5100}; return append(k.open()[1:], k.login()...) }, 1110, true,
		},
		"behind the greeting": {
			func(k *talk) [][]byte { return append(k.open(), k.say("+OK ready")...) },
			func(k *talk) [][]byte { return append(k.say("USER alice", "+OK", "QUIT", "+OK"), k.close()...) }, 1110, true,
		},
		"to the end": {
			func(k *talk) [][]byte { return append(k.open(), k.say("+OK ready")...) },
			func(k *talk) [][]byte { return nil }, 110, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "behind the greeting" {
				t.Skip("the floods of the others take long")
			}
			var f feed
			k := newTalk(40001, tt.port, 100)
			f.then(tt.before(k)...)
			f.flood(scan, aSYN)
			f.then(tt.after(k)...)
			out, packets, ignored := sift(t, &f)
			if got := strings.Count(out, `"type":"session"`); (got == 1) != tt.session {
				t.Errorf("%d sessions, %d packets, ignored %v", got, packets, ignored)
			}
			if strings.Contains(name, "handshake") && !strings.Contains(out, `"handshake":true`) {
				t.Error("the handshake is not among what was kept")
			}
			if ignored["shed_half_open"] == nil || ignored[popscope.ShedUndecided] != nil {
				t.Errorf("ignored %v", ignored)
			}
		})
	}
}

// TestScanCostsNoConnection lets a scan go by many connections that wait, and
// one with the acknowledgements of no connection.
func TestScanCostsNoConnection(t *testing.T) {
	for _, flags := range capturetest.Some([]byte{tcpSYN, tcpACK}) {
		var f feed
		var frames [][]byte
		f.flood(3*20_000, func(i int) []byte {
			if i%3 == 0 {
				frames = newTalk(uint16(1024+i/3), 1110, 100).open()
			}
			return frames[i%3]
		})
		f.flood(230_000, func(i int) []byte {
			b := aSYN(i)
			b[33] = flags
			return b
		})
		first := newTalk(1024, 1110, 100)
		first.open()
		f.then(first.login()...)
		out, _, ignored := sift(t, &f)
		if !strings.Contains(out, `"handshake":true`) || !strings.Contains(out, `"user":"alice"`) {
			t.Errorf("flags %d: no session", flags)
		}
		if ignored["shed_half_open"] == nil || ignored[popscope.ShedUndecided] != nil {
			t.Errorf("flags %d: ignored %v", flags, ignored)
		}
	}
}

// TestSieveTellsWhatItLetGo fills it with connections that are answered and
// then say nothing, and with some that say too little.
func TestSieveTellsWhatItLetGo(t *testing.T) {
	const n = 80_000
	for _, words := range capturetest.Some([]string{"", "+OK ready\r\n"}) {
		var f feed
		first := newTalk(40001, 1110, 100)
		f.then(append(first.open(), first.say("+OK ready")...)...)
		var k *talk
		var frames [][]byte
		f.flood(4*n, func(i int) []byte {
			if i%4 == 0 {
				k = newTalk(uint16(i/4), 2000+uint16(i/4>>16), 100)
				frames = append(k.open(), k.frame(true, tcpACK, words))
			}
			return frames[i%4]
		})
		f.then(first.say("USER alice", "+OK", "PASS sesame", "+OK")...)
		out, _, ignored := sift(t, &f)
		got, _ := ignored[popscope.ShedUndecided].(float64)
		if got < 10_000 || got > n || ignored["shed_half_open"] != nil {
			t.Errorf("%q: ignored %v", words, ignored)
		}
		// The first of those that spoke is let go before the others.
		if got := strings.Count(out, `"handshake":true`); (words == "") != (got == 1) {
			t.Errorf("%q: %d whole sessions", words, got)
		}
	}
}

// TestSieveWaitsForSlowServers leaves times of silence where servers and
// people do.
func TestSieveWaitsForSlowServers(t *testing.T) {
	for _, other := range []bool{false, true} { // whether there is other traffic
		var f feed
		pause := func(d time.Duration) {
			f.pause(d)
			if other {
				f.then(newTalk(50000, 80, 7).open()[0])
			}
		}
		k := newTalk(40001, 1110, 100)
		f.then(k.open()...)
		pause(5 * time.Minute)
		f.then(k.say("+OK ready")...)
		pause(5 * time.Minute)
		f.then(k.say("USER alice", "+OK", "PASS sesame", "+OK")...)
		out, _, ignored := sift(t, &f)
		if !strings.Contains(out, `"handshake":true`) || !strings.Contains(out, `"user":"alice"`) || ignored[popscope.ShedUndecided] != nil {
			t.Errorf("other traffic %v: ignored %v\n%s", other, ignored, out)
		}
	}
}

// TestSieveTakesUpWhatWasIdle leaves a connection without a byte idle for so
// long that it counts as closed; then it speaks.
func TestSieveTakesUpWhatWasIdle(t *testing.T) {
	var f feed
	k := newTalk(40001, 1110, 100)
	f.then(k.open()...)
	f.pause(40 * time.Minute)
	f.flood(100, aSYN)
	f.then(k.login()...)
	if out, _, _ := sift(t, &f); !strings.Contains(out, `"user":"alice"`) {
		t.Errorf("no login is found:\n%s", out)
	}
}

// TestSieveForgetsWhatIsOver lets attempts and empty connections end in every
// way, for longer than the Sieve has room for them.
func TestSieveForgetsWhatIsOver(t *testing.T) {
	for name, end := range map[string]func(*talk) [][]byte{
		"refused":       func(k *talk) [][]byte { return [][]byte{k.frame(false, tcpSYN, ""), k.frame(true, tcpRST|tcpACK, "")} },
		"unanswered":    func(k *talk) [][]byte { return [][]byte{k.open()[0]} },
		"taken back":    func(k *talk) [][]byte { return append(k.open()[:2], k.frame(false, tcpRST, "")) },
		"without bytes": func(k *talk) [][]byte { return append(k.open(), k.close()...) },
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "refused" {
				t.Skip("the floods of the others take long")
			}
			var f feed
			if name == "unanswered" {
				f.step = int64(2 * time.Millisecond) // none is known to be over before its time
			}
			var frames [][]byte
			i := 0
			f.flood(300_000, func(int) []byte {
				if len(frames) == 0 {
					i++
					frames = end(newTalk(uint16(i), 2000+uint16(i>>16), 100))
				}
				b := frames[0]
				frames = frames[1:]
				return b
			})
			if _, _, ignored := sift(t, &f); ignored[popscope.ShedUndecided] != nil || ignored["shed_half_open"] != nil {
				t.Errorf("ignored %v", ignored)
			}
		})
	}
}

// TestSieveKnowsTheNextConnection uses addresses and ports again where a
// connection that was no POP3 had them.
func TestSieveKnowsTheNextConnection(t *testing.T) {
	for name, before := range map[string]func(*talk) [][]byte{
		"other protocol":          func(k *talk) [][]byte { return append(k.say("GET / HTTP/1.0"), k.close()...) },
		"other protocol, no end":  func(k *talk) [][]byte { return k.say("GET / HTTP/1.0") },
		"without bytes":           func(k *talk) [][]byte { return k.close() },
		"without bytes, no end":   func(k *talk) [][]byte { return nil },
		"only a greeting":         func(k *talk) [][]byte { return append(k.say("+OK"), k.close()...) },
		"only a greeting, no end": func(k *talk) [][]byte { return k.say("+OK") },
		"other protocol, two SYNs": func(k *talk) [][]byte {
			return append(k.say("GET / HTTP/1.0"), newTalk(40001, 1110, 900_000).open()[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, step := range []time.Duration{time.Millisecond, 300 * time.Millisecond, 1100 * time.Millisecond} {
				f := feed{step: int64(step)}
				k := newTalk(40001, 1110, 100)
				f.then(append(k.open(), before(k)...)...)
				next := newTalk(40001, 1110, 900_000)
				frames := append(next.open(), next.login()...)
				f.then(frames...)
				out, packets, ignored := sift(t, &f)
				if packets < len(frames) || !strings.Contains(out, `"handshake":true`) || !strings.Contains(out, `"user":"alice"`) {
					t.Errorf("%v: %d packets kept, ignored %v\n%s", step, packets, ignored, out)
				}
			}
		})
	}
}

// TestSieveDoesNotBelieveWrongChecksums forges the end of a connection that
// has not said anything yet. Its client goes on, and so does the Sieve.
func TestSieveDoesNotBelieveWrongChecksums(t *testing.T) {
	tr := insert(t, attackedTrace(t), insertion{"POP3 ready", true, func(s *capturetest.Segment) {
		s.Payload, s.Flags, s.BadChecksum = nil, uint8(packet.RST), true
	}})
	reset := slices.IndexFunc(tr, func(s capturetest.Segment) bool { return s.BadChecksum })
	later := tr.Clone()[0] // SYNs of somebody else, by which it is known to be a minute later
	later.Nanos += int64(time.Minute)
	later.Client = netip.MustParseAddrPort("192.0.2.99:4000")
	for i := range tr[reset+1:] {
		tr[reset+1+i].Nanos += int64(2 * time.Minute)
	}
	tr = slices.Insert(tr, reset+1, slices.Repeat(capturetest.Trace{later}, 100)...)
	kept := &keeping{Source: popscope.NewSieve(capturetest.Source(tr.Packets(capturetest.Plain())), one)}
	if out, _ := analyze(t, kept, one); !strings.Contains(out, `"handshake":true`) {
		t.Errorf("kept %d packets, without its beginning:\n%s", len(kept.packets), out)
	}
}
