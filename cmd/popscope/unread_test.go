package main

import (
	"bytes"
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
)

// What may hold POP3 and is not read is told of, with the first packet of it,
// so that no report looks as if there had been none.
func TestUnreadIsTold(t *testing.T) {
	mail := []byte("Ethernet and more, of which nobody knows\r\n")
	esp := append(make([]byte, 12), 8, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 50, 0, 0, 192, 0, 2, 20, 192, 0, 2, 10)
	esp = append(esp, make([]byte, 40)...)
	tcp := append(make([]byte, 12), 8, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 20, 192, 0, 2, 10)
	packets := func(link capture.LinkType, datas ...[]byte) (out []capture.Packet) {
		for _, b := range datas {
			out = append(out, capture.Packet{Link: link, Data: b, Orig: len(b)})
		}
		return out
	}
	for _, c := range []struct {
		name    string
		packets []capture.Packet
		want    string
	}{
		{"link type", packets(147, mail, mail),
			"popscope: warning: 2 of 2 packets have a link type that popscope does not read, the first is packet 1 of LINKTYPE_147\n"},
		{"encrypted", packets(capture.LinkEthernet, mail, esp, esp),
			"popscope: warning: 2 of 3 packets are in ESP, MACsec or protected Wi-Fi frames, which popscope does not read, the first is packet 2\n"},
		{"cut", packets(capture.LinkEthernet, mail, tcp),
			"popscope: warning: 1 of 2 packets are cut by the snapshot length inside of their headers, the first is packet 2\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var file bytes.Buffer
			if err := capturetest.WritePcap(&file, c.packets); err != nil {
				t.Fatal(err)
			}
			everyReader(t, func(t *testing.T, args func(more ...string) []string) {
				command := args("-")
				if command[0] == "sanitize" {
					t.Skip("says how many packets it left out, whatever they are")
				}
				got := runWith(bytes.NewReader(file.Bytes()), command...)
				if !strings.Contains(got.stderr, c.want) {
					t.Errorf("status %d\ngot  %swant %s", got.status, got.stderr, c.want)
				}
			})
		})
	}
}

// Connections of which no data were captured are not taken for no POP3.
func TestLostConnectionsAreTold(t *testing.T) {
	const file = "../../testdata/pcap/courier.pcap"
	src, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var cut []capture.Packet
	var p capture.Packet
	for src.Next(&p) == nil {
		p.Data = bytes.Clone(p.Data[:min(len(p.Data), 60)])
		cut = append(cut, p)
	}
	var b bytes.Buffer
	if err := capturetest.WritePcap(&b, cut); err != nil {
		t.Fatal(err)
	}
	got := runWith(bytes.NewReader(b.Bytes()), "audit", "-")
	for in, want := range map[string]string{
		got.stderr: "warning: no data was captured of 2 connections: whether they are POP3 is not known",
		got.stdout: "something is missing: 2 connections of which no data was captured.",
	} {
		if !strings.Contains(strings.Join(strings.Fields(in), " "), want) {
			t.Errorf("got %s\nwant %s", in, want)
		}
	}
}
