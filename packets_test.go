package popscope_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
)

// packetList returns what `popscope packets` writes about a source.
func packetList(t testing.TB, src capture.Source, format string, o report.PacketOptions) string {
	t.Helper()
	var out bytes.Buffer
	w, err := report.NewPackets(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(one)
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
	return out.String()
}

// checkPackets reads packets as a list, and holds them to what must be true
// of every list: the packets of all sessions, each once, in order, with
// parts that lie in order within their bytes.
func checkPackets(t testing.TB, packets []capture.Packet) {
	t.Helper()
	want := map[string]int64{}
	late := map[string]int64{}
	for r, err := range popscope.New(one).Results(capturetest.Source(packets)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Last {
			want[r.ID] = r.Conn.Packets[0] + r.Conn.Packets[1]
		}
	}
	got := map[string]int64{}
	last := int64(0)
	a := popscope.New(one)
	for p, err := range a.Packets(capturetest.Source(packets)) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Num <= last {
			t.Fatalf("packet %d comes after %d", p.Num, last)
		}
		last = p.Num
		if !bytes.Equal(p.Data, packets[p.Num-1].Data) {
			t.Fatalf("packet %d has another's bytes", p.Num)
		}
		switch {
		case p.Fragment:
			continue // counted with the packet that completes the datagram
		case p.Notes.Has(popscope.AfterEnd), p.Notes.Has(popscope.OutOfWindow):
			late[p.Session]++ // may belong to nothing
		default:
			got[p.Session]++
		}
		end := p.Off
		for i := range p.Parts {
			s := &p.Parts[i]
			if s.Off < end || s.Len < 1 || s.Dir != p.From {
				t.Fatalf("packet %d: part %d is %+v, and the one before ends at %d", p.Num, i, *s, end)
			}
			end = s.End()
		}
		if n := p.Off + int64(len(p.Segment.Payload)); end > n {
			t.Fatalf("packet %d: parts end at %d, the payload at %d", p.Num, end, n)
		}
		at := 0
		for _, s := range p.Secret {
			if s.From < at || s.To <= s.From || s.To > len(p.Data) {
				t.Fatalf("packet %d: spans %v of %d bytes", p.Num, p.Secret, len(p.Data))
			}
			at = s.To
		}
	}
	for id, n := range want {
		if got[id] > n || got[id]+late[id] < n {
			t.Fatalf("session %s: %d packets and %d late ones, and it has %d", id, got[id], late[id], n)
		}
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			t.Fatalf("packets of session %s, which is no session", id)
		}
	}
	if left := a.Summary().PacketsLeftOut; left > 0 {
		t.Fatalf("%d packets left out", left)
	}
}

func TestEveryPacketOnce(t *testing.T) {
	for k, n := range capturetest.Some(traces(t)) {
		for i, w := range []struct {
			name string
			of   func(capturetest.Trace) capturetest.Trace
		}{
			{"as it is", func(t capturetest.Trace) capturetest.Trace { return t }},
			{"in segments of 3", func(t capturetest.Trace) capturetest.Trace { return t.Split(3) }},
			{"joined", func(t capturetest.Trace) capturetest.Trace { return t.Coalesce(9000) }},
			{"shuffled", func(t capturetest.Trace) capturetest.Trace { return t.Shuffle(1, 6) }},
			{"twice", func(t capturetest.Trace) capturetest.Trace { return t.Duplicate(2, 100) }},
			{"with losses", func(t capturetest.Trace) capturetest.Trace { return t.DropSome(3, 20) }},
			{"one side", func(t capturetest.Trace) capturetest.Trace { return t.OneSide(false) }},
			{"cut", func(t capturetest.Trace) capturetest.Trace { return t.CutPayload(10) }},
		} {
			if i > 0 && (i+k)%3 != 0 {
				continue // the others come up with other dialogs
			}
			t.Run(n.name+"/"+w.name, func(t *testing.T) { checkPackets(t, w.of(n.trace).Packets(capturetest.Plain())) })
		}
	}
}

// TestSmallWindow: packets that cannot wait are handed on with what is
// known, each once and in order, and of what is not known nothing is shown.
func TestSmallWindow(t *testing.T) {
	for _, name := range []string{"rfc1939-user-pass", "pipeline-login", "pipeline-auth-plain", "auth-login", "rfc1939-apop-failure", "secret-echo"} {
		for _, n := range []int{1, 2, 3, 5, 8} {
			tr := capturetest.Load(t, filepath.Join("testdata", "dialog", name+".txt")).Trace().Split(4).Shuffle(uint64(n), 6)
			packets := tr.Packets(capturetest.Plain())
			o := one
			o.Limits.Window = n
			a := popscope.New(o)
			var out bytes.Buffer
			w, err := report.NewPackets("table", &out, report.PacketOptions{Hex: true, Verbose: true})
			if err != nil {
				t.Fatal(err)
			}
			last, shown := int64(0), int64(0)
			for p, err := range a.Packets(capturetest.Source(packets)) {
				if err != nil {
					t.Fatal(err)
				}
				if p.Num <= last {
					t.Errorf("%s, window of %d: packet %d after %d", name, n, p.Num, last)
				}
				last = p.Num
				shown++
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if left := a.Summary().PacketsLeftOut; shown+left > int64(len(packets)) || shown+left < int64(len(packets))-1 { // an unanswered SYN is no packet of a connection
				t.Errorf("%s, window of %d: %d shown and %d left out of %d packets", name, n, shown, left, len(packets))
			}
			for _, s := range []string{"wonderland", "sesame", "c4c9334bac560ecc979e58001b3e22fb", "d29uZGVybGFuZA", "tanstaaf"} {
				if strings.Contains(out.String(), s) || strings.Contains(dumped(out.String()), s) {
					t.Errorf("%s, window of %d: %q is shown", name, n, s)
				}
			}
		}
	}
}

// TestSmallWindowLeavesOutTheBeginning: only packets that could not wait until
// it was known what their connection is are left out.
func TestSmallWindowLeavesOutTheBeginning(t *testing.T) {
	packets := capturetest.Load(t, filepath.Join("testdata", "dialog", "auth-login.txt")).Trace().Split(4).Packets(capturetest.Plain())
	for n := 1; n < 9; n++ {
		o := one
		o.Limits.Window = n
		a := popscope.New(o)
		next := int64(0)
		for p, err := range a.Packets(capturetest.Source(packets)) {
			if err != nil {
				t.Fatal(err)
			}
			if next > 0 && p.Num != next {
				t.Errorf("window of %d: packet %d, want %d", n, p.Num, next)
			}
			next = p.Num + 1
		}
		if left := a.Summary().PacketsLeftOut; next != int64(len(packets))+1 || left == 0 || left > 10 {
			t.Errorf("window of %d: %d left out, the last one is %d of %d", n, left, next-1, len(packets))
		}
	}
}

// TestDataWithASYN: the SYN takes a sequence number, and the bytes behind it
// are the first of the stream (RFC 9293 section 3.4, RFC 7413).
func TestDataWithASYN(t *testing.T) {
	k := newTalk(40001, 110, 100)
	open := k.open()
	var f feed
	f.then(open[0], tcpFrame(aServer, aClient, 110, 40001, 5100, 101, tcpSYN|tcpACK, "+OK ready\r\n"))
	k.seq[1] += 11
	f.then(k.frame(false, tcpACK, ""))
	f.then(k.say("USER alice", "+OK", "PASS sesame", "+OK")...)
	n := 0
	for p, err := range popscope.New(one).Packets(&f) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; p.Num == 2 && (p.Off != 0 || len(p.Parts) == 0 || p.Parts[0].Off != 0 || p.Parts[len(p.Parts)-1].End() != 11 || len(p.Secret) > 0) {
			t.Errorf("at %d, parts %+v, hidden %v", p.Off, p.Parts, p.Secret)
		}
	}
	if n != 7 {
		t.Errorf("%d packets, want 7", n)
	}
}

// ipFragments returns an IPv4 datagram in two fragments.
func ipFragments(proto byte, id uint16, payload []byte, at int) (out [][]byte) {
	for i, b := range [][]byte{payload[:at], payload[at:]} {
		f := append(tcpFrame(aClient, aServer, 0, 0, 0, 0, 0, "")[:20:20], b...)
		f[9] = proto
		binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
		binary.BigEndian.PutUint16(f[4:], id)
		binary.BigEndian.PutUint16(f[6:], uint16(i*at/8))
		if i == 0 {
			f[6] |= 0x20 // more follow
		}
		out = append(out, f)
	}
	return out
}

// TestFragmentsOfATunnelOfAHost: the addresses of a tunnel are not those of the
// connection in it.
func TestFragmentsOfATunnelOfAHost(t *testing.T) {
	for host, want := range map[string]int{"192.0.2.20": 12, "192.0.2.77": 0} {
		k := newTalk(40001, 110, 100)
		var f feed
		f.then(append(k.open(), k.say("+OK ready", "USER alice", "+OK")...)...)
		outer := ipFragments(4, 7, k.say("PASS sesame")[0], 24)
		for _, b := range outer {
			b[15], b[19] = 77, 78
		}
		f.then(outer...)
		f.then(k.say("+OK")...)
		f.then(k.close()...)
		o := one
		o.Hosts = []netip.Addr{netip.MustParseAddr(host)}
		n := 0
		for _, err := range popscope.New(o).Packets(&f) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("%s: %d packets, want %d", host, n, want)
		}
	}
}

// TestFragmentsInFragmentsAreHidden: where a password lies in frames that are
// fragments of fragments is not followed, so nothing of them is shown.
func TestFragmentsInFragmentsAreHidden(t *testing.T) {
	k := newTalk(40001, 110, 100)
	var f feed
	f.then(append(k.open(), k.say("+OK ready", "USER alice", "+OK")...)...)
	for i, inner := range ipFragments(6, 1, k.say("PASS sesame")[0][20:], 24) {
		f.then(ipFragments(4, uint16(7+i), inner, 16)...) // RFC 2003: IP in IP
	}
	f.then(k.say("+OK")...)
	f.then(k.close()...)
	out := packetList(t, &f, "table", report.PacketOptions{Hex: true, Verbose: true})
	if got := strings.Count(out, "fragment of the datagram"); got != 3 || !strings.Contains(out, "[IP fragments: packets 7 8 9 10]") {
		t.Errorf("%d fragments, want 3:\n%s", got, out)
	}
	if strings.Contains(dumped(out), "sesame") {
		t.Errorf("the password is shown:\n%s", out)
	}
}

// counted counts what was read of a source.
type counted struct {
	capture.Source
	n int64
}

func (c *counted) Next(p *capture.Packet) error {
	err := c.Source.Next(p)
	if err == nil {
		c.n++
	}
	return err
}

// TestPacketsStream: packets are handed on soon, whatever else the capture
// holds: fragments of other protocols, SYNs that nobody answers, and
// connections that are no POP3.
func TestPacketsStream(t *testing.T) {
	load := func(name string) capturetest.Trace {
		return capturetest.Load(t, filepath.Join("testdata", "dialog", name+".txt")).Trace()
	}
	var all capturetest.Trace
	for i := range 40 {
		addr := func(n int) netip.AddrPort {
			return netip.AddrPortFrom(netip.MustParseAddr("198.51.100.9"), uint16(n+i))
		}
		at := time.Duration(i) * 10 * time.Second
		pop3 := load("rfc1939-user-pass").Readdress(0, addr(40000), netip.MustParseAddrPort("192.0.2.10:110"))
		http := load("not-http").Readdress(0, addr(50000), netip.MustParseAddrPort("192.0.2.80:80"))
		all = capturetest.Merge(all, pop3.Delay(at), http.Delay(at+time.Second), http[:1].Readdress(0, addr(60000), netip.MustParseAddrPort("192.0.2.10:110")).Delay(at+2*time.Second))
	}
	packets := all.Packets(capturetest.Plain())
	// Before every tenth packet both fragments of a UDP datagram, and one of
	// a datagram that never comes together.
	var mixed []capture.Packet
	for i, p := range packets {
		if i%10 == 0 {
			for _, f := range []struct{ id, offset uint16 }{{uint16(2 * i), 0x2000}, {uint16(2 * i), 1}, {uint16(2*i + 1), 0x2000}} {
				data := append([]byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"),
					0x45, 0, 0, 28, byte(f.id>>8), byte(f.id), byte(f.offset>>8), byte(f.offset), 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 53, 0, 53, 0, 16, 0, 0)
				mixed = append(mixed, capture.Packet{Nanos: p.Nanos, Link: capture.LinkEthernet, Data: data, Orig: len(data)})
			}
		}
		mixed = append(mixed, p)
	}
	for i := range mixed {
		mixed[i].Num, mixed[i].FileNum = int64(i+1), int64(i+1)
	}
	src := &counted{Source: capturetest.Source(mixed)}
	n := 0
	for p, err := range popscope.New(one).Packets(src) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		// An unanswered SYN waits for 130 seconds: that is 13 dialogs.
		if lag := src.n - p.Num; lag > int64(len(mixed)/40*15) {
			t.Fatalf("packet %d is handed on when %d were read", p.Num, src.n)
		}
	}
	if want := 40 * 33; n != want {
		t.Errorf("%d packets, want %d", n, want)
	}
}

// FuzzPackets: whatever happens to the packets of a dialog, each is shown
// once.
func FuzzPackets(f *testing.F) {
	dialogs := capturetest.LoadAll(f, "")
	f.Add(uint16(0), uint64(1), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(uint16(20), uint64(7), []byte("any order of things"))
	f.Fuzz(func(t *testing.T, n uint16, seed uint64, order []byte) {
		d := dialogs[int(n)%len(dialogs)]
		tr := d.Trace()
		if len(tr) > 300 {
			return
		}
		for i, b := range order[:min(len(order), 6)] {
			s := seed + uint64(i)
			switch b % 9 {
			case 0:
				tr = tr.Split(1 + int(b)/9)
			case 1:
				tr = tr.Shuffle(s, 1+int(b)/9)
			case 2:
				tr = tr.DropSome(s, int(b)/4)
			case 3:
				tr = tr.Duplicate(s, int(b)/3)
			case 4:
				tr = tr.RetransmitLater(s, int(b)/3, 5)
			case 5:
				tr = tr.Overlap(s)
			case 6:
				tr = tr.CutPayload(int(b) / 9)
			case 7:
				tr = tr.KeepAlives()
			default:
				tr = tr.Coalesce(100 * (1 + int(b)/9))
			}
			if len(tr) > 3000 || len(tr) == 0 {
				return
			}
		}
		encaps := capturetest.Encaps()
		packets := tr.Packets(encaps[int(seed%uint64(len(encaps)))])
		// Any order at all, and any bytes.
		for i, b := range order {
			if len(packets) < 2 || len(order) < 7 {
				break
			}
			j, k := (i*31+int(b))%len(packets), (i*17+int(b)*7)%len(packets)
			packets[j].Data, packets[k].Data = packets[k].Data, packets[j].Data
			packets[j].Orig, packets[k].Orig = packets[k].Orig, packets[j].Orig
			if b&0xc0 == 0xc0 && len(packets[j].Data) > 0 {
				packets[j].Data = bytes.Clone(packets[j].Data)
				packets[j].Data[int(b)*13%len(packets[j].Data)] ^= 1 << (b & 7)
			}
		}
		listed := map[int64]bool{}
		for p := range popscope.New(one).Packets(capturetest.Source(packets)) {
			if p == nil {
				continue
			}
			if listed[p.Num] {
				t.Fatalf("packet %d twice", p.Num)
			}
			listed[p.Num] = true
		}
	})
}

// TestPacketListsHideSecrets: nothing that a client proved itself with comes
// out in a line, in the fields or in the bytes of a frame, whatever surrounds
// it.
func TestPacketListsHideSecrets(t *testing.T) {
	total := 0
	encaps := capturetest.Encaps()
	for k, d := range capturetest.Some(capturetest.LoadAll(t, "")) {
		secrets := map[string]bool{}
		for r := range popscope.New(one).Results(capturetest.Source(d.Trace().Packets(capturetest.Plain()))) {
			for i := range r.Exchanges {
				x := &r.Exchanges[i]
				if x.Verb == "PASS" {
					secrets[string(x.Args.Reveal())] = true
				}
				for _, turn := range x.SASL {
					if turn.From == 0 && turn.Data.HasSecret() {
						secrets[string(turn.Data.Reveal())] = true
					}
				}
			}
			for i := range r.Logins {
				secrets[string(r.Logins[i].Secret.Reveal())] = true
				secrets[string(r.Logins[i].Response.Reveal())] = true
			}
			for i := range r.Logins {
				delete(secrets, string(r.Logins[i].User))
			}
		}
		for s := range secrets {
			switch {
			case len(s) < 4, s == "password", s == "secret", s == "wrong": // words of the replies too
				delete(secrets, s)
			}
		}
		total += len(secrets)
		if len(secrets) == 0 {
			continue
		}
		for _, w := range []struct {
			name string
			of   capturetest.Trace
		}{
			{"as it is", d.Trace()}, {"split", d.Trace().Split(3)}, {"twice", d.Trace().Duplicate(1, 100)}, {"shuffled", d.Trace().Shuffle(2, 4)},
			{"lossy", d.Trace().DropSome(5, 15)},
		} {
			if w.name == "lossy" && strings.HasPrefix(d.Name, "secret-") {
				continue // a password that was not captured is not known in a reply
			}
			// Every stack of headers comes up with some dialogs.
			for i, e := range []capturetest.Encap{capturetest.Plain(), encaps[k%len(encaps)], encaps[k*7%len(encaps)]} {
				if w.name != "as it is" && i > 0 {
					continue
				}
				src := func() capture.Source { return capturetest.Source(w.of.For(e).Packets(e)) }
				o := report.PacketOptions{Hex: true, Verbose: true}
				lines := packetList(t, src(), "table", o)
				records := packetList(t, src(), "jsonl", o)
				bytesShown := dumped(lines)
				for s := range secrets {
					where := ""
					switch {
					case strings.Contains(lines, s):
						where = "the lines"
					case strings.Contains(bytesShown, s):
						where = "the bytes"
					case strings.Contains(records, s), strings.Contains(records, hex.EncodeToString([]byte(s))):
						where = "the records"
					default:
						continue
					}
					t.Errorf("%s, %s, in %s: %s show the secret %q", d.Name, w.name, e.Name, where, s)
				}
			}
		}
	}
	if total < 80 && !testing.Short() || total == 0 {
		t.Errorf("only %d secrets in all dialogs", total)
	}
}

// dumped puts the bytes of hex dumps together, with zeros for what is
// hidden.
func dumped(lines string) string {
	var out []byte
	for line := range strings.Lines(lines) {
		if len(line) < 60 || !strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "     ") {
			continue
		}
		for _, w := range strings.Fields(line[8:min(len(line), 60)]) {
			b, err := hex.DecodeString(w)
			if err != nil || len(w) != 2 {
				b = []byte{0}
			}
			out = append(out, b...)
		}
	}
	return string(out)
}

// TestPacketLists compares some dialogs and recordings with their golden
// lists; -update rewrites them.
func TestPacketLists(t *testing.T) {
	lists := []struct {
		name, format string
		o            report.PacketOptions
		src          capture.Source
	}{}
	add := func(name, format string, o report.PacketOptions, src capture.Source) {
		lists = append(lists, struct {
			name, format string
			o            report.PacketOptions
			src          capture.Source
		}{name, format, o, src})
	}
	for _, d := range capturetest.LoadAll(t, "") {
		add(d.Name, "table", report.PacketOptions{}, capturetest.Source(d.Trace().Packets(capturetest.Plain())))
	}
	dialog := func(name string) capturetest.Trace {
		return capturetest.Load(t, filepath.Join("testdata", "dialog", name+".txt")).Trace()
	}
	session := dialog("rfc1939-user-pass")
	way := func(name string, tr capturetest.Trace) {
		add("way-"+name, "table", report.PacketOptions{}, capturetest.Source(tr.Packets(capturetest.Plain())))
	}
	way("split", session.Split(5))
	way("joined", session.Coalesce(9000))
	way("duplicated", session.Duplicate(1, 100))
	way("shuffled", session.Shuffle(4, 5))
	way("lossy", session.DropSome(3, 25))
	way("cut", session.CutPayload(4))
	way("one-sided", session.OneSide(false))
	way("keep-alives", session.KeepAlives())
	way("bad-checksums", session.BadChecksums())
	way("changed-copy", session.RetransmitChanged(6, func(p []byte) {
		for i := range p {
			p[i] ^= 1
		}
	}))
	for _, e := range capturetest.Encaps() {
		if strings.Contains(e.Name, "fragment") {
			add("encap-"+strings.ReplaceAll(e.Name, " ", "-"), "table", report.PacketOptions{Hex: true}, capturetest.Source(dialog("rfc1939-user-pass").For(e).Packets(e)))
		}
	}
	add("form-full", "table", report.PacketOptions{Hex: true, Verbose: true, Time: report.DateTime, Files: []string{"mail.pcap"}}, capturetest.Source(session.Packets(capturetest.Plain())))
	add("form-records", "jsonl", report.PacketOptions{Hex: true, Files: []string{"mail.pcap"}, Version: "test"}, capturetest.Source(session.Packets(capturetest.Plain())))
	add("form-layers", "jsonl", report.PacketOptions{Verbose: true, ShowSecrets: true, Version: "test"}, capturetest.Source(session.Packets(capturetest.Plain())))
	add("form-color", "table", report.PacketOptions{Color: true, Time: report.DeltaTime}, capturetest.Source(session.Packets(capturetest.Plain())))
	for _, f := range []string{"courier", "dovecot-stls", "dovecot-pop3s-tls12", "dovecot-scram-sha-256", "dovecot-ipv6"} {
		src, err := capture.Open(filepath.Join("testdata", "pcap", f+".pcap"))
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		add("pcap-"+f, "table", report.PacketOptions{Time: report.UTCTime}, src)
	}
	for _, l := range lists {
		t.Run(l.name, func(t *testing.T) {
			list := packetList(t, l.src, l.format, l.o)
			if i := strings.Index(list, `{"type":"summary"`); i >= 0 {
				list = list[:i] // counts findings, which other tests know
			}
			golden(t, filepath.Join("testdata", "packets", l.name+map[string]string{"table": ".txt", "jsonl": ".jsonl"}[l.format]), list)
		})
	}
}

// TestPacketsCountWhatIsAskedFor: the summary of a list counts the sessions
// that Results yields, and those are the ones whose packets are listed.
func TestPacketsCountWhatIsAskedFor(t *testing.T) {
	for _, d := range capturetest.LoadAll(t, "") {
		tr := d.Trace()
		if len(tr) == 0 {
			continue
		}
		packets := tr.Packets(capturetest.Plain())
		counts := func(o popscope.Options, list bool) (popscope.Summary, map[string]bool) {
			o.Workers, o.Limits.PartExchanges = 1, 3
			a, ids := popscope.New(o), map[string]bool{}
			if list {
				for p := range a.Packets(capturetest.Source(packets)) {
					ids[p.Session] = true
				}
			} else {
				for r := range a.Results(capturetest.Source(packets)) {
					ids[r.ID] = true
				}
			}
			return a.Summary(), ids
		}
		_, all := counts(popscope.Options{}, false)
		filters := []popscope.Options{
			{},
			{Hosts: []netip.Addr{packetHost(packets[0])}},
			{Hosts: []netip.Addr{netip.MustParseAddr("192.0.2.250")}},
			{Sessions: []string{"-"}},
			{From: time.Unix(0, tr[len(tr)-1].Nanos).Add(time.Second)},
			{To: time.Unix(0, tr[0].Nanos).Add(-time.Second)},
			{From: time.Unix(0, tr[len(tr)/2].Nanos)},
			{To: time.Unix(0, tr[len(tr)/2].Nanos)},
		}
		for id := range all {
			filters = append(filters, popscope.Options{Sessions: []string{id[:4], "-"}})
		}
		for i, o := range filters {
			want, reported := counts(o, false)
			got, listed := counts(o, true)
			if got.Sessions != want.Sessions || got.Logins != want.Logins || got.Messages != want.Messages || got.Findings != want.Findings {
				t.Errorf("%s, filter %d: %d sessions, %d logins, %d messages, %d findings; want %d, %d, %d, %d", d.Name, i,
					got.Sessions, got.Logins, got.Messages, got.Findings, want.Sessions, want.Logins, want.Messages, want.Findings)
			}
			if o.From.IsZero() && o.To.IsZero() && !maps.Equal(listed, reported) {
				t.Errorf("%s, filter %d: packets of %v\nwant %v", d.Name, i, listed, reported)
			}
			if want.Sessions == 0 && len(listed) > 0 {
				t.Errorf("%s, filter %d: packets of %v, and no session", d.Name, i, listed)
			}
		}
	}
}

// packetHost returns the sender of a plain packet.
func packetHost(p capture.Packet) netip.Addr {
	ip := p.Data[14:]
	if ip[0]>>4 == 6 {
		return netip.AddrFrom16([16]byte(ip[8:24]))
	}
	return netip.AddrFrom4([4]byte(ip[12:16]))
}
