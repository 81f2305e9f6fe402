package live

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// runs lets a program decide about a frame.
func runs(t testing.TB, program []bpf.Instruction, frame []byte) bool {
	t.Helper()
	return accepts(t, machine(t, program), frame)
}

// machine returns what runs a program, for many frames.
func machine(t testing.TB, program []bpf.Instruction) *bpf.VM {
	t.Helper()
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

func accepts(t testing.TB, vm *bpf.VM, frame []byte) bool {
	t.Helper()
	n, err := vm.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func mustProgram(t testing.TB, f filter, b base) []bpf.Instruction {
	t.Helper()
	f.snaplen = defaultSnaplen
	p, err := f.program(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bpf.Assemble(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// dialogOn returns a dialog between given ports.
func dialogOn(t testing.TB, server uint16) capturetest.Trace {
	t.Helper()
	tr := capturetest.Load(t, "rfc1939-section10").Trace()
	for i := range tr {
		tr[i].Server = netip.AddrPortFrom(tr[i].Server.Addr(), server)
		tr[i].Client = netip.AddrPortFrom(tr[i].Client.Addr(), 50000)
	}
	return tr
}

// TestFilterPassesEveryEncapsulation sends a dialog through every
// encapsulation: with its ports everything passes, without them nothing but
// fragments that do not tell.
func TestFilterPassesEveryEncapsulation(t *testing.T) {
	seen := map[capture.LinkType]bool{}
	for _, e := range capturetest.Encaps() {
		tunnel := isTunnel(e.Name)
		f := filter{ports: []uint16{110, 995}, tunnels: tunnel}
		program := mustProgram(t, f, base{link: e.Link})
		seen[e.Link] = true
		for _, p := range dialogOn(t, 110).For(e).Packets(e) {
			if !runs(t, program, p.Data) {
				t.Errorf("%s: packet %d does not pass", e.Name, p.Num)
				break
			}
		}
		if tunnel || unfiltered(e.Link) {
			continue
		}
		for _, p := range dialogOn(t, 1100).For(e).Packets(e) {
			if passes := runs(t, program, p.Data); passes && !isLaterFragment(&p) {
				t.Errorf("%s: packet %d of another port passes", e.Name, p.Num)
				break
			}
		}
		all := mustProgram(t, filter{}, base{link: e.Link})
		for _, p := range dialogOn(t, 1100).For(e).Packets(e) {
			if !runs(t, all, p.Data) {
				t.Errorf("%s: packet %d does not pass where all TCP does", e.Name, p.Num)
				break
			}
		}
	}
	if !seen[capture.LinkEthernet] || !seen[capture.LinkRaw] || !seen[capture.LinkLinuxSLL2] {
		t.Errorf("link types tried: %v", seen)
	}
}

func isTunnel(name string) bool {
	for _, s := range []string{"gre", "ipip", "6in4", "4in6", "6in6", "vxlan", "geneve", "erspan", "tzsp", "mpls", "gtp", "l2tp", "etherip", "pptp", "tunnel", "teb", "in-"} {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}

// unfiltered are link types that the filter passes as they are.
func unfiltered(l capture.LinkType) bool {
	switch l {
	case capture.LinkEthernet, capture.LinkRaw, capture.LinkNull, capture.LinkLoop, capture.LinkLinuxSLL, capture.LinkLinuxSLL2:
		return false
	}
	return true
}

// isLaterFragment reports whether a frame is a fragment without ports.
func isLaterFragment(p *capture.Packet) bool {
	var s packet.Segment
	var f packet.Fragment
	return packet.NewDecoder().Decode(p, &s, &f) == packet.IsFragment && f.Offset > 0
}

// TestFilterManyPorts holds the filter to the ports it was given, however
// far its jumps have to go.
func TestFilterManyPorts(t *testing.T) {
	var odd, spread []uint16
	for p := 1; p < 1<<16; p += 2 {
		odd = append(odd, uint16(p))
	}
	for p := 7; p < 1<<16; p += 219 {
		spread = append(spread, uint16(p))
	}
	for name, tt := range map[string]struct {
		ports []uint16
		exact bool
	}{
		"one": {[]uint16{110}, true}, "two": {[]uint16{110, 995}, true}, "first and last": {[]uint16{1, 65535}, true},
		"range": {[]uint16{8110, 8111, 8112, 8113}, true}, "spread": {spread, true}, "odd": {odd, false},
	} {
		vm := machine(t, mustProgram(t, filter{ports: tt.ports}, base{link: capture.LinkRaw}))
		in := map[uint16]bool{}
		for _, p := range tt.ports {
			in[p] = true
		}
		frame := make([]byte, 40)
		frame[0], frame[9] = 0x45, protoTCP
		for port := range 1 << 16 {
			if port%7 != 0 && !in[uint16(port)] && !in[uint16(port+1)] && !in[uint16(port-1)] || name == "odd" && port%251 != 0 {
				continue
			}
			for _, off := range []int{20, 22} {
				binary.BigEndian.PutUint32(frame[20:], 0)
				binary.BigEndian.PutUint16(frame[off:], uint16(port))
				got, want := accepts(t, vm, frame), in[uint16(port)]
				if want && !got || tt.exact && got != want {
					t.Fatalf("%s: port %d at %d: got %v, want %v", name, port, off, got, want)
				}
			}
		}
	}
}

// TestFilterAgainstTcpdump compares decisions with those of the program
// that tcpdump compiles from the same wish, on frames where they have to
// agree: no fragments, one tag at most, no extension headers.
func TestFilterAgainstTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	for expr, f := range map[string]filter{
		"tcp port 110 or tcp port 995": {ports: []uint16{110, 995}},
		"tcp portrange 8110-8119":      {ports: []uint16{8110, 8111, 8112, 8113, 8114, 8115, 8116, 8117, 8118, 8119}},
		"tcp":                          {},
	} {
		theirs := compiled(t, tcpdump, expr)
		ours := mustProgram(t, f, base{link: capture.LinkEthernet})
		n := 0
		for _, name := range []string{"ethernet", "ethernet-padding", "ethernet-trailer", "ipv4-options"} {
			e := capturetest.FindEncap(name)
			for _, port := range []uint16{110, 109, 111, 995, 8109, 8110, 8119, 8120} {
				for _, p := range dialogOn(t, port).For(e).Packets(e) {
					n++
					if got, want := runs(t, ours, p.Data), runs(t, theirs, p.Data); got != want {
						t.Fatalf("%s, %s, port %d, packet %d: got %v, want %v", expr, name, port, p.Num, got, want)
					}
				}
			}
		}
		if n < 100 {
			t.Errorf("only %d frames compared", n)
		}
	}
}

// compiled returns what `tcpdump -ddd` makes of an expression.
func compiled(t testing.TB, tcpdump, expr string) []bpf.Instruction {
	t.Helper()
	out, err := exec.Command(tcpdump, "-y", "EN10MB", "-ddd", expr).Output()
	if err != nil {
		t.Skipf("tcpdump -ddd does not work here: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var raw []bpf.RawInstruction
	for _, line := range lines[1:] {
		var n [4]uint64
		for i, w := range strings.Fields(line) {
			if n[i], err = strconv.ParseUint(w, 10, 32); err != nil {
				t.Fatal(err)
			}
		}
		raw = append(raw, bpf.RawInstruction{Op: uint16(n[0]), Jt: uint8(n[1]), Jf: uint8(n[2]), K: uint32(n[3])})
	}
	if fmt.Sprint(len(raw)) != lines[0] {
		t.Fatalf("tcpdump says %s instructions and gives %d", lines[0], len(raw))
	}
	ins, all := bpf.Disassemble(raw)
	if !all {
		t.Fatalf("not understood: %v", raw)
	}
	return ins
}

// FuzzFilter holds the filter to what package packet says of a frame: TCP
// on a chosen port that is not in a tunnel must pass.
func FuzzFilter(f *testing.F) {
	for _, e := range capturetest.Encaps() {
		if e.Link == capture.LinkEthernet {
			f.Add(dialogOn(f, 110).For(e).Packets(e)[3].Data)
		}
	}
	program := mustProgram(f, filter{ports: []uint16{110}, tunnels: true}, base{link: capture.LinkEthernet})
	dec := packet.NewDecoder()
	f.Fuzz(func(t *testing.T, frame []byte) {
		p := capture.Packet{Num: 1, Link: capture.LinkEthernet, Data: frame, Orig: len(frame)}
		var s packet.Segment
		var frag packet.Fragment
		if dec.Decode(&p, &s, &frag) != packet.IsSegment || s.Src.Port != 110 && s.Dst.Port != 110 {
			return
		}
		if exotic(frame) || runs(t, program, frame) {
			return
		}
		t.Fatalf("TCP from %v to %v does not pass:\n%x", s.Src, s.Dst, frame)
	})
}

// exotic frames are those that no filter of tcpdump finds either: length
// fields instead of types, LLC, and more tags than are looked behind.
func exotic(frame []byte) bool {
	if len(frame) < 14 {
		return true
	}
	off := 12
	for n := 0; ; n++ {
		if len(frame) < off+2 {
			return true
		}
		switch binary.BigEndian.Uint16(frame[off:]) {
		case 0x0800, 0x86dd, 0x8864, 0x8847, 0x8848:
			return n > maxVLANs
		case 0x8100, 0x88a8, 0x9100:
			off += 4
		default:
			return true
		}
	}
}
