package sanitize

import (
	"bytes"
	"io"
	"net/netip"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// sumsOf returns what is known of all checksums in packets, those inside
// of fragmented datagrams not included.
func sumsOf(t *testing.T, src capture.Source) [][]sum {
	t.Helper()
	d := packet.NewDecoder()
	var out [][]sum
	var p capture.Packet
	var seg packet.Segment
	var frag packet.Fragment
	for {
		err := src.Next(&p)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		_, hs := d.Headers(&p, &seg, &frag, nil)
		f := &frame{headers: hs}
		f.begin(new(pool), p.Data)
		out = append(out, f.sums)
	}
}

// TestChecksums holds every checksum of every layer to what it was: right
// or wrong.
func TestChecksums(t *testing.T) {
	d := capturetest.Load(t, "rfc1939-section10")
	bad, sums := d.Trace().BadChecksums(), map[sum]int{}
	for _, e := range capturetest.Encaps() {
		for _, tr := range []capturetest.Trace{d.Trace(), bad, d.Trace().CutPayload(30)} {
			packets := tr.For(e).Packets(e)
			s, err := New(Options{Others: Blank, Addresses: true, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Read(capturetest.Source(packets), nil); err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := s.Write(&file, capture.Pcapng); err != nil {
				t.Fatal(err)
			}
			s.Close()
			src, err := capture.NewReader("sanitized", &file)
			if err != nil {
				t.Fatal(err)
			}
			got, want := sumsOf(t, src), sumsOf(t, capturetest.Source(packets))
			for i := range want {
				for j := range want[i] {
					sums[want[i][j]]++
					g := noSum
					if i < len(got) && j < len(got[i]) {
						g = got[i][j]
					}
					if g != want[i][j] && !(want[i][j] == unknown && g == noSum) { // 0 stands for what cannot be checked
						t.Errorf("%s: packet %d, header %d: got %d, want %d", e.Name, i+1, j, g, want[i][j])
					}
				}
			}
		}
	}
	for _, s := range []sum{right, wrong, unknown} {
		if sums[s] == 0 {
			t.Errorf("no checksum of kind %d was seen", s)
		}
	}
}

// TestWrongChecksumTellsNothing gives two segments with different passwords
// the sum that offloading leaves, of the pseudo header alone: what is
// written must not depend on the bytes that were there.
func TestWrongChecksumTellsNothing(t *testing.T) {
	var outs [][]byte
	for _, pass := range []string{"wonderland", "lookingGLS"} {
		tr := capturetest.Load(t, "rfc1939-user-pass").Trace()
		for i := range tr {
			if at := bytes.Index(tr[i].Payload, []byte("PASS ")); at >= 0 {
				tr[i].Payload = []byte("PASS " + pass + "\r\n")
				tr = tr[:i+1]
				break
			}
		}
		packets := tr.Packets(capturetest.Plain())
		last := packets[len(packets)-1].Data
		const sumAt = 14 + 20 + 16
		last[sumAt], last[sumAt+1] = 0x12, 0x34
		s, err := New(Options{Others: Blank, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Read(capturetest.Source(packets), nil); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := s.Write(&file, capture.Pcap); err != nil {
			t.Fatal(err)
		}
		s.Close()
		outs = append(outs, file.Bytes())
	}
	if !bytes.Equal(outs[0], outs[1]) || len(outs[0]) < 200 {
		t.Errorf("the output hangs on the password:\n%q\n%q", outs[0], outs[1])
	}
}

// TestAddresses tells what stands for addresses.
func TestAddresses(t *testing.T) {
	a := newAddresses(true)
	for _, row := range []struct{ in, want string }{
		{"192.0.2.20", "10.0.0.1"}, {"192.0.2.10", "10.0.0.2"}, {"198.51.100.7", "10.0.1.1"}, {"192.0.2.20", "10.0.0.1"},
		{"2001:db8:7::25", "fd00::1"}, {"2001:db8:7::26", "fd00::2"}, {"2001:db8:8::25", "fd00:0:0:1::1"}, {"fe80::1", "fe80:0:0:2::1"},
		{"127.0.0.1", "127.0.0.1"}, {"224.0.0.1", "224.0.0.1"}, {"::1", "::1"}, {"255.255.255.255", "255.255.255.255"},
	} {
		if got := a.addr(packet.Addr(netip.MustParseAddr(row.in).As16())).Netip().String(); got != row.want {
			t.Errorf("%s: got %s, want %s", row.in, got, row.want)
		}
	}
	mac := []byte{0x52, 0x54, 0, 1, 2, 3}
	a.mac(mac)
	if want := []byte{2, 0, 0, 0, 0, 1}; !bytes.Equal(mac, want) {
		t.Errorf("hardware address: got %x, want %x", mac, want)
	}
}

// TestCookedAddresses replaces what Linux gives as the sender's address: on a
// tunnel that is an IP address.
func TestCookedAddresses(t *testing.T) {
	for _, row := range []struct {
		n        int
		in, want string
	}{
		{6, "\x52\x54\x00\x01\x02\x03\xaa\xbb", "\x02\x00\x00\x00\x00\x01\x00\x00"},
		{4, "\xc0\x00\x02\x14\xaa\xbb\xcc\xdd", "\x0a\x00\x00\x01\x00\x00\x00\x00"},
		{16, "\x20\x01\x0d\xb8\x00\x07\x00\x01", "\x00\x00\x00\x00\x00\x00\x00\x00"},
		{0, "\xaa\xbb\xcc\xdd\xaa\xbb\xcc\xdd", "\x00\x00\x00\x00\x00\x00\x00\x00"},
	} {
		for _, h := range []packet.Header{{Kind: packet.HeaderSLL, Size: 16, Captured: 16}, {Kind: packet.HeaderSLL2, Size: 20, Captured: 20}} {
			f := &frame{out: make([]byte, h.Size), headers: []packet.Header{h}}
			at := sllAddr
			if f.out[sllLen+1] = byte(row.n); h.Kind == packet.HeaderSLL2 {
				at = sll2Addr
				f.out[sll2Len] = byte(row.n)
			}
			copy(f.out[at:at+cookedAddr], row.in)
			newAddresses(true).headers(f)
			if got := string(f.out[at : at+cookedAddr]); got != row.want {
				t.Errorf("%d octets in header %d: got %x, want %x", row.n, h.Kind, got, row.want)
			}
		}
	}
}

// TestIPv6Options overwrites hop-by-hop and destination options, which can
// carry anything: one holds the home address of a mobile host.
func TestIPv6Options(t *testing.T) {
	const text = "wonderland"
	home := append([]byte{0xc9, 16}, netip.MustParseAddr("2001:db8:77::25").AsSlice()...)
	e := capturetest.Plain()
	e.Layer = capturetest.Stack(capturetest.Ethernet(), capturetest.IP(capturetest.IPOptions{Headers: []capturetest.Header{
		{Proto: 0, Data: append([]byte{0x05, 2, 0, 0, 0x1e, byte(len(text)), 0, 0}, text[:6]...)}, // router alert, then one that is cut
		{Proto: 60, Data: append([]byte{1, 2, 'c', 'a'}, home...)},
	}}))
	packets := capturetest.Load(t, "rfc1939-user-pass").Trace().V6().Packets(e)
	s, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Read(capturetest.Source(packets), nil); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.Write(&file, capture.Pcap); err != nil {
		t.Fatal(err)
	}
	if s.Stats().Kept != int64(len(packets)) {
		t.Errorf("%d of %d packets kept", s.Stats().Kept, len(packets))
	}
	for _, gone := range []string{text[:6], "ca\xc9\x10", string(home[2:])} {
		if bytes.Contains(file.Bytes(), []byte(gone)) {
			t.Errorf("%q is still there", gone)
		}
	}
	if want := []byte{0x05, 2, 0, 0, 1, byte(len(text)), 0, 0}; !bytes.Contains(file.Bytes(), want) {
		t.Errorf("options %x are not there", want)
	}
}

// Sums by words of eight bytes are those by words of two.
func TestOnes(t *testing.T) {
	b := make([]byte, 150)
	for i := range b {
		b[i] = byte(i*i*7 + 0xf0)
	}
	for n := range len(b) {
		for _, fill := range []byte{0, 1, 0xff} {
			for _, start := range []uint64{0, 1, 0xffff, 0x3_fffc} {
				data := b[:n]
				if fill != 1 {
					data = bytes.Repeat([]byte{fill}, n)
				}
				sum := start
				for i, c := range data {
					sum += uint64(c) << (8 * (1 - i&1))
				}
				for sum > 0xffff {
					sum = sum>>16 + sum&0xffff
				}
				if got := ones(data, start); got != uint16(sum) {
					t.Fatalf("%d bytes, %#x before: %#x, want %#x", n, start, got, sum)
				}
			}
		}
	}
}
