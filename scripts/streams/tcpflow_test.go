package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"popscope/capture"
)

// TestStreamsAsTcpflow: of every recording, and of generated traffic with
// repeated and reordered segments, tcpflow puts together the same bytes.
// No difference is forgiven.
func TestStreamsAsTcpflow(t *testing.T) {
	tcpflow, err := exec.LookPath("tcpflow")
	if err != nil {
		t.Skip("tcpflow is not installed: nothing was compared")
	}
	files, err := filepath.Glob("../../testdata/pcap/*.pcap*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings: %v", len(files), err)
	}
	if testing.Short() {
		files = files[:10]
	}
	made := filepath.Join(t.TempDir(), "made.pcap")
	if out, err := exec.Command("go", "run", "../bigcapture", "-size", "4", "-connections", "20", "-o", made).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	compared := 0
	for _, file := range append(files, made) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			plain := plainPcap(t, file)
			dir := filepath.Join(t.TempDir(), "out")
			switch out, err := exec.Command(tcpflow, "-q", "-r", plain, "-o", dir).CombinedOutput(); {
			case bytes.Contains(out, []byte("unknown datalink type")):
				t.Skip("tcpflow does not read the link type")
			case err != nil:
				t.Fatalf("%v: %s", err, out)
			}
			theirs := flows(t, dir)
			var lines bytes.Buffer
			if err := run(plain, &lines); err != nil {
				t.Fatal(err)
			}
			ours := map[string]string{}
			for line := range strings.Lines(lines.String()) {
				var client, server string
				var sum [2]string
				var n, lost [2]int64
				if _, err := fmt.Sscan(line, &client, &server, &n[0], &sum[0], &lost[0], &n[1], &sum[1], &lost[1]); err != nil {
					t.Fatal(err)
				}
				for dir, key := range []string{client + ">" + server, server + ">" + client} {
					if n[dir] > 0 {
						ours[key] += fmt.Sprint(n[dir], " ", sum[dir], "\n")
					}
				}
			}
			for key, want := range theirs {
				if ours[key] != want {
					t.Errorf("%s\n got %swant %s", key, ours[key], want)
				}
				compared++
			}
			for key := range ours {
				if theirs[key] == "" {
					t.Errorf("%s: tcpflow has nothing", key)
				}
			}
		})
	}
	t.Logf("%d streams compared", compared)
}

// plainPcap returns the capture as a classic file, which is what tcpflow
// reads.
func plainPcap(t *testing.T, file string) string {
	t.Helper()
	src, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	name := filepath.Join(t.TempDir(), "plain.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := capture.NewWriter(f, capture.WriterOptions{Micros: true})
	if err != nil {
		t.Fatal(err)
	}
	var p capture.Packet
	for err = src.Next(&p); err == nil; err = src.Next(&p) {
		if err := w.Write(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// flows returns length and hash of what tcpflow wrote, by sender and
// receiver; several lines where a pair of ports was used again.
func flows(t *testing.T, dir string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "report.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Files []struct {
			Name string `xml:"filename"`
			Flow struct {
				Src     string `xml:"src_ipn,attr"`
				Dst     string `xml:"dst_ipn,attr"`
				SrcPort uint16 `xml:"srcport,attr"`
				DstPort uint16 `xml:"dstport,attr"`
			} `xml:"tcpflow"`
		} `xml:"configuration>fileobject"`
	}
	if err := xml.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range report.Files {
		data, err := os.ReadFile(filepath.Join(dir, filepath.Base(f.Name)))
		if os.IsNotExist(err) {
			continue // nothing was sent
		}
		if err != nil {
			t.Fatal(err)
		}
		src, err1 := netip.ParseAddr(f.Flow.Src)
		dst, err2 := netip.ParseAddr(f.Flow.Dst)
		if err1 != nil || err2 != nil {
			t.Fatalf("%+v: %v, %v", f, err1, err2)
		}
		key := netip.AddrPortFrom(src, f.Flow.SrcPort).String() + ">" + netip.AddrPortFrom(dst, f.Flow.DstPort).String()
		out[key] += fmt.Sprintf("%d %x\n", len(data), sha256.Sum256(data))
	}
	if len(out) == 0 {
		t.Fatal("tcpflow found nothing")
	}
	return out
}
