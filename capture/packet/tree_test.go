package packet

import (
	"strings"
	"testing"

	"popscope/capture"
)

// checkTree fails unless a tree can be shown: names, values in ASCII,
// headers that follow each other inside of the frame.
func checkTree(t *testing.T, p *capture.Packet, layers []Layer) {
	t.Helper()
	if len(layers) == 0 || layers[0].Name != "Frame" {
		t.Fatalf("layers %v", layers)
	}
	at := 0
	for _, l := range layers[1:] {
		if l.Offset >= 0 && (l.Offset < at || l.Offset+l.Length > len(p.Data)) {
			t.Fatalf("%s at %d, %d bytes, in a frame of %d; the one before ends at %d", l.Name, l.Offset, l.Length, len(p.Data), at)
		}
		if l.Offset >= 0 {
			at = l.Offset + l.Length
		}
		for _, f := range append(l.Fields, Field{l.Name, ""}) {
			for _, s := range []string{f.Name, f.Value} {
				if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("%s: %q", l.Name, s)
				}
			}
		}
	}
}

// TestTrees: every stack of headers is shown down to TCP.
func TestTrees(t *testing.T) {
	d := NewDecoder()
	for _, e := range encapsulations() {
		b := e.frame(there)
		p := &capture.Packet{Num: 7, Link: e.link, Data: b, Orig: len(b)}
		layers := d.Tree(p)
		checkTree(t, p, layers)
		last := layers[len(layers)-1]
		if last.Name != "Transmission Control Protocol" || len(last.Fields) < 10 || last.Offset < 0 || last.Length < tcpHeader {
			t.Errorf("%s ends in %+v", e.name, last)
		}
		// The way of every day is not changed by it.
		var s Segment
		if v := d.Decode(p, &s, nil); v != IsSegment {
			t.Errorf("%s: %v after a tree", e.name, v)
		}
	}
}

// TestTreeNamesNetworks: what tells apart connections of equal addresses is
// shown.
func TestTreeNamesNetworks(t *testing.T) {
	d := NewDecoder()
	shown := map[string]bool{}
	for _, e := range encapsulations() {
		b := e.frame(there)
		for _, l := range d.Tree(&capture.Packet{Num: 7, Link: e.link, Data: b, Orig: len(b)}) {
			for _, f := range l.Fields {
				shown[l.Name+": "+f.Name] = true
			}
		}
	}
	for _, want := range []string{
		"802.1Q Virtual LAN: ID", "PPP-over-Ethernet Session: Session ID", "Generic Routing Encapsulation: Key",
		"Encapsulated Remote Switch Packet ANalysis II: Session ID", "Encapsulated Remote Switch Packet ANalysis III: Session ID",
		"Virtual eXtensible Local Area Network: VNI", "Generic Network Virtualization Encapsulation: VNI", "GPRS Tunneling Protocol: TEID",
	} {
		if !shown[want] {
			t.Errorf("not shown: %s", want)
		}
	}
}

// FuzzTree: whatever a frame holds, it can be shown.
func FuzzTree(f *testing.F) {
	seed(f)
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, link uint16, data []byte, more int) {
		if more < 0 || more > 1<<20 {
			return
		}
		p := &capture.Packet{Link: capture.LinkType(link), Data: data, Orig: len(data) + more}
		checkTree(t, p, d.Tree(p))
	})
}

func TestTCPOptions(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"none", "", ""},
		{"a SYN's", "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x01\x03\x03\x07",
			"maximum segment size=1460 SACK=permitted timestamps=value 1, echo reply 2 window scale=7 (multiply by 128)"},
		{"SACK", "\x01\x01\x05\x0a\x00\x00\x00\x05\x00\x00\x00\x09", "SACK block (raw)=5-9"},
		{"the end", "\x00\x02\x04", ""},
		{"malformed", "\x02\x09\x05", "Option=malformed, kind 2"},
		{"cut", "\x02", "Option=malformed, kind 2"},
		{"not known", "\xfe\x04\x01\x02", "Option=kind 254, 2 bytes"},
	} {
		var out []string
		for _, f := range tcpOptionFields([]byte(c.bytes)) {
			out = append(out, strings.TrimPrefix(f.Name, "Option: ")+"="+f.Value)
		}
		if got := strings.Join(out, " "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
