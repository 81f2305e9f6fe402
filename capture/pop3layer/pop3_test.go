package pop3layer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"popscope/capture/pop3layer"
)

func lines(data string) string {
	var p pop3layer.POP3
	if err := p.DecodeFromBytes([]byte(data), gopacket.NilDecodeFeedback); err != nil {
		return err.Error()
	}
	if p.TLS {
		return "TLS"
	}
	var out []string
	for _, l := range p.Lines {
		s := fmt.Sprintf("%s %s", l.Kind, l)
		if l.Cut {
			s += " (cut)"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestLines(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"", ""},
		{"user alice\r\n", "command USER alice"},
		{"PASS sesame\r\n", "command PASS ********"},
		{"APOP alice c4c9334bac560ecc979e58001b3e22fb\r\n", "command APOP alice ********"},
		{"AUTH PLAIN AGEAYg==\r\n", "command AUTH PLAIN ********"},
		{"+OK 2 320\r\n1 120\r\n2 200\r\n.\r\n", "reply +OK 2 320; data 1 120; data 2 200; data ."},
		{"-ERR no\n", "reply -ERR no"},
		{"+ VXNlcm5hbWU6\r\n", "challenge + VXNlcm5hbWU6"},
		{"+\r\n", "challenge +"},
		{"RETR 1\r\nRETR", "command RETR 1; command RETR (cut)"},
		{"\x16\x03\x01\x02\x00\x01", "TLS"},
		{"\x17\x03", "data \x17\x03 (cut)"},
	} {
		if got := lines(c.data); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.data, got, c.want)
		}
	}
}

// TestPrintedPacketsAreMasked: gopacket's own way of printing a packet's
// layers shows masks.
func TestPrintedPacketsAreMasked(t *testing.T) {
	p := gopacket.NewPacket(frame("PASS sesame\r\n"), layers.LayerTypeEthernet, gopacket.Default)
	l := new(pop3layer.POP3)
	if err := l.DecodeFromBytes(p.TransportLayer().LayerPayload(), gopacket.NilDecodeFeedback); err != nil {
		t.Fatal(err)
	}
	if s := gopacket.LayerString(l); strings.Contains(s, "sesame") || !strings.Contains(s, "********") {
		t.Errorf("got %s", s)
	}
	for _, s := range []string{fmt.Sprint(l.Lines), fmt.Sprintf("%v %+v %#v", l.Lines, l.Lines, l.Lines)} {
		if strings.Contains(s, "sesame") {
			t.Errorf("got %s", s)
		}
	}
}

func TestUsedWithAParser(t *testing.T) {
	var eth layers.Ethernet
	var ip layers.IPv4
	var tcp layers.TCP
	var pop3 pop3layer.POP3
	pop3layer.UsePort(110)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip, &tcp, &pop3)
	var decoded []gopacket.LayerType
	for range 2 { // memory is used again
		if err := parser.DecodeLayers(frame("NOOP\r\nQUIT\r\n"), &decoded); err != nil {
			t.Fatal(err)
		}
		if len(decoded) != 4 || decoded[3] != pop3layer.LayerType || len(pop3.Lines) != 2 {
			t.Errorf("decoded %v, lines %v", decoded, pop3.Lines)
		}
	}
}

// FuzzPOP3: no bytes make the layer fail, and lines are made of its bytes.
func FuzzPOP3(f *testing.F) {
	f.Add([]byte("USER alice\r\n+OK\r\n+ \r\n\x16\x03\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p pop3layer.POP3
		if err := p.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range p.Lines {
			n += len(l.Text.Reveal())
		}
		if n > len(data) {
			t.Fatalf("%d bytes of text from %d", n, len(data))
		}
	})
}
