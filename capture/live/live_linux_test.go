package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// inNamespace puts the test into a network namespace of its own, with lo
// up. The thread of the test ends with it.
func inNamespace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("skipped: the command ip is not installed")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("skipped: no right to make a network namespace: %v", err)
	}
	ip(t, "link set lo up")
}

// ip runs the command ip in the namespace of the test.
func ip(t testing.TB, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// opened opens a source and closes it with the test.
func opened(t testing.TB, ctx context.Context, o Options) Source {
	t.Helper()
	src, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// collect reads packets until there are n, or nothing came for a while.
func collect(t testing.TB, src Source, n int) []capture.Packet {
	t.Helper()
	var out []capture.Packet
	idle := 0
	for len(out) < n && idle < 8 {
		var p capture.Packet
		switch err := src.Next(&p); {
		case err == capture.ErrIdle:
			idle++
		case err != nil:
			t.Fatal(err)
		default:
			idle = 0
			p.Data = bytes.Clone(p.Data)
			out = append(out, p)
		}
	}
	return out
}

// talk has a client and a server exchange a few lines over TCP.
func talk(t testing.TB, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(s, "+OK ready\r\n")
	io.ReadFull(c, make([]byte, 11))
	io.WriteString(c, "QUIT\r\n")
	io.ReadFull(s, make([]byte, 6))
	s.Close()
	io.ReadAll(c)
	c.Close()
}

// TestLoopbackShowsEachPacketOnce looks at both ways to hear of it.
func TestLoopbackShowsEachPacketOnce(t *testing.T) {
	inNamespace(t)
	for _, name := range []string{"lo", Any} {
		src := opened(t, t.Context(), Options{Interfaces: []string{name}, Ports: []uint16{110}, Buffer: minBuffer})
		talk(t, "127.0.0.1:110")
		talk(t, "[::1]:110")
		talk(t, "127.0.0.1:1110") // of no interest
		syns, greetings := 0, 0
		for i, p := range collect(t, src, 100) {
			if p.Num != int64(i+1) {
				t.Errorf("%s: packet %d has number %d", name, i+1, p.Num)
			}
			if ago := time.Since(p.Time()); ago < 0 || ago > time.Minute {
				t.Errorf("%s: packet %d has time %v", name, p.Num, p.Time())
			}
			var s packet.Segment
			if packet.NewDecoder().Decode(&p, &s, &packet.Fragment{}) != packet.IsSegment || s.Src.Port != 110 && s.Dst.Port != 110 {
				t.Errorf("%s: %v %x", name, p.Link, p.Data)
			}
			if s.Flags == packet.SYN {
				syns++
			}
			if string(s.Payload) == "+OK ready\r\n" {
				greetings++
			}
		}
		if syns != 2 || greetings != 2 {
			t.Errorf("%s: %d SYNs, %d greetings, want 2 of each", name, syns, greetings)
		}
		if n := src.Drops(); n != 0 {
			t.Errorf("%s: %d drops", name, n)
		}
		src.Close()
	}
}

// veth makes a pair of interfaces that are connected, and returns a socket
// that sends frames into the second.
func veth(t testing.TB, a, b string) (send func(frame []byte)) {
	t.Helper()
	ip(t, "link add "+a+" mtu 9000 type veth peer name "+b)
	ip(t, "link set "+a+" up")
	ip(t, "link set "+b+" up")
	linked(t, a, b)
	i, err := net.InterfaceByName(b)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	to := &unix.SockaddrLinklayer{Ifindex: i.Index}
	return func(frame []byte) {
		if err := unix.Sendto(fd, frame, 0, to); err != nil {
			t.Fatalf("sending %d bytes: %v", len(frame), err)
		}
	}
}

// linked waits until the kernel has noticed that there is a link between two
// interfaces: before, it drops what is sent.
func linked(t testing.TB, a, b string) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		x, errX := net.InterfaceByName(a)
		y, errY := net.InterfaceByName(b)
		if errX == nil && errY == nil && x.Flags&y.Flags&net.FlagRunning != 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("no link between %s and %s: %v, %v", a, b, errX, errY)
		}
	}
}

// TestKernelFilter sends every Ethernet encapsulation over a wire: what
// comes must be what was sent, the VLAN tags that the kernel takes off
// included.
func TestKernelFilter(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	for _, name := range []string{"v0", Any} {
		src := opened(t, t.Context(), Options{Interfaces: []string{name}, Ports: []uint16{110, 995}, Tunnels: true})
		var sent []capture.Packet
		var names []string
		for _, e := range capturetest.Encaps() {
			if e.Link != capture.LinkEthernet {
				continue
			}
			for _, p := range dialogOn(t, 110).For(e).Packets(e) {
				send(p.Data)
				sent, names = append(sent, p), append(names, e.Name)
			}
			if !isTunnel(e.Name) && !e.Fragments {
				for _, p := range dialogOn(t, 1100).For(e).Packets(e) {
					send(p.Data)
				}
			}
		}
		got := collect(t, src, 3*len(sent))
		if name == Any {
			got = oneEnd(t, got)
		}
		if len(got) != len(sent) {
			t.Errorf("%s: %d packets, want %d", name, len(got), len(sent))
		}
		for i := range min(len(got), len(sent)) {
			if !bytes.Equal(got[i].Data, sent[i].Data) || got[i].Orig != sent[i].Orig || got[i].Link != capture.LinkEthernet {
				t.Errorf("%s: %s: packet %d, %d bytes:\n got %x\nwant %x", name, names[i], i+1, got[i].Orig, got[i].Data, sent[i].Data)
				break
			}
		}
		src.Close()
	}
}

// oneEnd takes apart what came from both ends of a wire, the second of which
// may be several packets late, and returns what came from that one.
func oneEnd(t testing.TB, both []capture.Packet) []capture.Packet {
	t.Helper()
	var first, second []capture.Packet
	for _, p := range both {
		if n := len(second); n < len(first) && bytes.Equal(first[n].Data, p.Data) {
			second = append(second, p)
		} else {
			first = append(first, p)
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d packets from one end, %d from the other", len(first), len(second))
	}
	return second
}

// TestInterfaceComesAndGoes is the life of an interface, as it is told, and
// that packets come again after each step.
func TestInterfaceComesAndGoes(t *testing.T) {
	inNamespace(t)
	frame := dialogOn(t, 110).Packets(capturetest.Plain())[0].Data
	send := veth(t, "v0", "v1")
	var events []string
	src := opened(t, t.Context(), Options{Interfaces: []string{"v0"}, Ports: []uint16{110}, Buffer: minBuffer,
		Event: func(e Event) { events = append(events, e.String()) }})
	until := func(event string) {
		t.Helper()
		for range 50 {
			var p capture.Packet
			if err := src.Next(&p); err != nil && err != capture.ErrIdle {
				t.Fatal(err)
			}
			if len(events) > 0 && events[len(events)-1] == event {
				return
			}
		}
		t.Fatalf("events %q, want %q", events, event)
	}
	comes := func(a, b string) {
		t.Helper()
		linked(t, a, b)
		send(frame)
		if got := collect(t, src, 1); len(got) != 1 {
			t.Errorf("no packet after %q", events)
		}
	}
	comes("v0", "v1")
	ip(t, "link set v0 down")
	until("v0 went down")
	ip(t, "link set v0 up")
	until("v0 is up again")
	comes("v0", "v1")
	ip(t, "link set v0 down")
	until("v0 went down")
	ip(t, "link set v0 name lan")
	until("v0 is now called lan")
	ip(t, "link set lan up")
	until("lan is up again")
	comes("lan", "v1")
	ip(t, "link del lan")
	until("lan was removed")
	send = veth(t, "lan", "v2")
	until("lan is there again")
	comes("lan", "v2")
}

// TestEndOnDown ends when the interface does.
func TestEndOnDown(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	src := opened(t, t.Context(), Options{Interfaces: []string{"v0"}, Ports: []uint16{110}, Buffer: minBuffer, EndOnDown: true})
	send(dialogOn(t, 110).Packets(capturetest.Plain())[0].Data)
	ip(t, "link set v0 down")
	packets := 0
	for {
		var p capture.Packet
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err == nil {
			packets++
		} else if err != capture.ErrIdle {
			t.Fatal(err)
		}
	}
	if packets != 1 {
		t.Errorf("%d packets before the end, want 1", packets)
	}
}

// TestCancelDeliversWhatCame ends a capture behind packets that still lie
// in the kernel.
func TestCancelDeliversWhatCame(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	ctx, cancel := context.WithCancel(t.Context())
	src := opened(t, ctx, Options{Interfaces: []string{"v0"}, Ports: []uint16{110}, Buffer: minBuffer})
	sent := dialogOn(t, 110).Packets(capturetest.Plain())
	for _, p := range sent {
		send(p.Data)
	}
	cancel()
	if n := packetsToEnd(t, src); n != len(sent) {
		t.Errorf("%d packets, want %d", n, len(sent))
	}
}

// packetsToEnd returns how many packets come until the capture ends.
func packetsToEnd(t *testing.T, src Source) int {
	t.Helper()
	for n, begin := 0, time.Now(); ; {
		var p capture.Packet
		switch err := src.Next(&p); {
		case err == nil:
			n++
		case err == io.EOF:
			return n
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("it does not end")
		}
	}
}

// lateTimers has the kernel hand packets over late, as on a machine that is
// stalled.
func lateTimers(t *testing.T) {
	retiredByKernel = time.Second
	t.Cleanup(func() { retiredByKernel = retireAfter })
}

// TestEndWaitsForTheKernel ends a capture whose last packets come late.
func TestEndWaitsForTheKernel(t *testing.T) {
	inNamespace(t)
	lateTimers(t)
	a, b := veth(t, "a0", "a1"), veth(t, "b0", "b1")
	ctx, cancel := context.WithCancel(t.Context())
	src := opened(t, ctx, Options{Interfaces: []string{"a0", "b0"}, Ports: []uint16{110}, Buffer: minBuffer})
	sent := dialogOn(t, 110).Packets(capturetest.Plain())
	for i, p := range sent {
		if i%3 == 0 {
			a(p.Data)
		} else {
			b(p.Data)
		}
	}
	cancel()
	if n := packetsToEnd(t, src); n != len(sent) {
		t.Errorf("%d packets, want %d", n, len(sent))
	}
}

// TestNothingIsToldOfLatePackets: as long as the kernel has a packet, nobody is
// told that there was none at its time.
func TestNothingIsToldOfLatePackets(t *testing.T) {
	inNamespace(t)
	lateTimers(t)
	send := veth(t, "v0", "v1")
	src := opened(t, t.Context(), Options{Interfaces: []string{"v0"}, Ports: []uint16{110}, Buffer: minBuffer})
	send(dialogOn(t, 110).Packets(capturetest.Plain())[0].Data)
	told := int64(0)
	for limit := time.Now().Add(time.Minute); ; {
		var p capture.Packet
		err := src.Next(&p)
		if err == nil {
			if p.Nanos < told {
				t.Errorf("told that nothing came, %v after a packet came", time.Duration(told-p.Nanos))
			}
			break
		}
		if err != capture.ErrIdle || time.Now().After(limit) {
			t.Fatalf("no packet: %v", err)
		}
		told = p.Nanos
	}
}

// TestCloseLeavesNothing opens and closes in every way: no goroutine and no
// descriptor stays.
func TestCloseLeavesNothing(t *testing.T) {
	inNamespace(t)
	capturetest.NoLeaks(t)
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := descriptors()
	for i := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		src, err := Open(ctx, Options{Interfaces: []string{"lo"}, Buffer: minBuffer})
		if err != nil {
			t.Fatal(err)
		}
		var p capture.Packet
		if i%2 == 0 {
			cancel()
			for err != io.EOF {
				err = src.Next(&p)
			}
		}
		src.Close()
		src.Close()
		cancel()
		if _, err := Open(ctx, Options{Interfaces: []string{"lo", "nosuch"}, Buffer: minBuffer}); err == nil {
			t.Fatal("an interface that is not there was opened")
		}
	}
	if after := descriptors(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// TestDropsAreCounted fills a ring that nobody reads.
func TestDropsAreCounted(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	src := opened(t, t.Context(), Options{Interfaces: []string{"v0"}, Ports: []uint16{110}, Buffer: minBuffer})
	p := dialogOn(t, 110).Packets(capturetest.Plain())[0]
	big := append(bytes.Clone(p.Data), make([]byte, 1400)...)
	const sent = 4000
	for range sent {
		send(big)
	}
	got := len(collect(t, src, sent))
	time.Sleep(lookEvery)
	collect(t, src, 1)
	if drops := src.Drops(); drops == 0 || got+int(drops) != sent {
		t.Errorf("%d packets and %d drops, want %d together", got, drops, sent)
	}
}

// TestSeveralInterfacesInOrder captures two wires at once, with and without
// libpcap.
func TestSeveralInterfacesInOrder(t *testing.T) {
	inNamespace(t)
	a, b := veth(t, "a0", "a1"), veth(t, "b0", "b1")
	for _, libpcap := range []bool{false, true} {
		if libpcap && !HasLibpcap {
			t.Log("built without libpcap: its way was not tried")
			continue
		}
		src := opened(t, t.Context(), Options{Interfaces: []string{"a0", "b0"}, Ports: []uint16{110}, Buffer: minBuffer, Libpcap: libpcap})
		inOrder(t, src, a, b)
	}
}

// inOrder sends the packets of a dialog over two wires in turn.
func inOrder(t *testing.T, src Source, a, b func([]byte)) {
	t.Helper()
	sent := dialogOn(t, 110).Packets(capturetest.Plain())
	for i, p := range sent {
		if i%2 == 0 {
			a(p.Data)
		} else {
			b(p.Data)
		}
	}
	got := collect(t, src, len(sent))
	if len(got) != len(sent) {
		t.Fatalf("%d packets, want %d", len(got), len(sent))
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, sent[i].Data) || got[i].File != i%2 {
			t.Errorf("packet %d is out of order, or of the wrong interface", i+1)
		}
	}
	if !slices.ContainsFunc(got, func(p capture.Packet) bool { return p.Nanos%1000 != 0 }) {
		t.Error("no time is exact to the nanosecond")
	}
	if f := src.Files(); f[0].Name != "a0" || f[0].Packets+f[1].Packets != int64(len(sent)) {
		t.Errorf("files %+v", f)
	}
}

// TestFanout deals many connections to several sockets: each packet comes
// once, in order, and all sockets have a share.
func TestFanout(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	for _, name := range []string{"v0", Any} {
		src := opened(t, t.Context(), Options{Interfaces: []string{name}, Ports: []uint16{110}, Fanout: 4})
		frame := bytes.Clone(dialogOn(t, 110).Packets(capturetest.Plain())[0].Data)
		const sent = 400
		for i := range sent {
			binary.BigEndian.PutUint16(frame[34:], uint16(20_000+i)) // the client's port
			send(frame)
		}
		want := sent
		if name == Any {
			want *= 2 // both ends of the wire
		}
		got := collect(t, src, want+1)
		if len(got) != want {
			t.Errorf("%s: %d packets, want %d", name, len(got), want)
		}
		for i, p := range got {
			if name != Any && int(binary.BigEndian.Uint16(p.Data[34:])) != 20_000+i || p.File != 0 || p.FileNum != int64(i+1) {
				t.Fatalf("%s: packet %d is %d of %d, with port %d", name, i+1, p.FileNum, p.File, binary.BigEndian.Uint16(p.Data[34:]))
			}
		}
		for i, l := range src.(*afPacket).lanes {
			if l.block == 0 && l.left == 0 && !l.ours {
				t.Errorf("%s: socket %d had nothing", name, i)
			}
		}
		src.Close()
	}
}

// TestFanoutEndsWithItsInterface follows one down, up, and away.
func TestFanoutEndsWithItsInterface(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	var events []string
	src := opened(t, t.Context(), Options{Interfaces: []string{"v0"}, Ports: []uint16{110}, Buffer: minBuffer, Fanout: 2,
		Event: func(e Event) { events = append(events, e.String()) }})
	frame := dialogOn(t, 110).Packets(capturetest.Plain())[0].Data
	ip(t, "link set v0 down")
	collect(t, src, 1)
	time.Sleep(lookEvery)
	collect(t, src, 1)
	ip(t, "link set v0 up")
	time.Sleep(lookEvery)
	collect(t, src, 1)
	linked(t, "v0", "v1")
	send(frame)
	if got := collect(t, src, 1); len(got) != 1 {
		t.Error("no packet after the interface came back up")
	}
	ip(t, "link del v0")
	var p capture.Packet
	var err error
	for begin := time.Now(); err != io.EOF; err = src.Next(&p) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("it does not end; events %q", events)
		}
	}
	if got, want := strings.Join(events, ", "), "v0 went down, v0 is up again, v0 was removed"; got != want {
		t.Errorf("events\n got %s\nwant %s", got, want)
	}
}

// TestRawIP captures on an interface without a link layer.
func TestRawIP(t *testing.T) {
	inNamespace(t)
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR, 0)
	if err != nil {
		t.Skipf("skipped: no tunnel device: %v", err)
	}
	defer unix.Close(tun)
	r, err := unix.NewIfreq("tun0")
	if err != nil {
		t.Fatal(err)
	}
	r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, r); err != nil {
		t.Skipf("skipped: no tunnel device: %v", err)
	}
	ip(t, "link set tun0 up")
	e := capturetest.FindEncap("raw101")
	sent := dialogOn(t, 110).For(e).Packets(e)
	for _, name := range []string{"tun0", Any} {
		src := opened(t, t.Context(), Options{Interfaces: []string{name}, Ports: []uint16{110}, Buffer: minBuffer})
		for i, p := range append(sent, dialogOn(t, 1100).For(e).Packets(e)...) {
			if n, err := unix.Write(tun, p.Data); n != len(p.Data) {
				t.Fatalf("packet %d: %v", i+1, err)
			}
		}
		got := collect(t, src, len(sent)+1)
		if len(got) != len(sent) {
			t.Fatalf("%s: %d packets, want %d", name, len(got), len(sent))
		}
		for i := range got {
			if got[i].Link != capture.LinkRaw || !bytes.Equal(got[i].Data, sent[i].Data) {
				t.Errorf("%s: packet %d:\n got %v %x\nwant %x", name, i+1, got[i].Link, got[i].Data, sent[i].Data)
			}
		}
		src.Close()
	}
}

// TestCookedHeader treats Ethernet as a link type that capture files do not
// have: filter and header then go by what the kernel says of a packet.
func TestCookedHeader(t *testing.T) {
	inNamespace(t)
	send := veth(t, "v0", "v1")
	r, err := openRing(DefaultBuffer) // blocks enough for all of it, however long sending takes
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := r.filter(mustProgram(t, filter{ports: []uint16{110}}, base{cooked: true})); err != nil {
		t.Fatal(err)
	}
	i, err := net.InterfaceByName("v0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.bind(i.Index); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, name := range []string{"ethernet", "vlan", "qinq-88a8", "ipv4-options", "ipv6-headers", "ipv4-fragments-576", "ipv6-fragments", "pppoe"} {
		e := capturetest.FindEncap(name)
		for _, p := range dialogOn(t, 110).For(e).Packets(e) {
			send(p.Data)
			sent++
		}
		for _, p := range dialogOn(t, 1100).For(e).Packets(e) {
			if !isLaterFragment(&p) {
				send(p.Data)
			}
		}
	}
	var f frame
	dec, got := packet.NewDecoder(), 0
	for waited := 0; waited < 8; {
		if !r.advance(&f) {
			time.Sleep(retireAfter)
			waited++
			continue
		}
		got, waited = got+1, 0
		p := capture.Packet{Num: 1, Link: capture.LinkLinuxSLL2, Data: f.cook(nil, f.status&unix.TP_STATUS_VLAN_VALID != 0, f.tpid)}
		p.Orig = len(p.Data)
		var s packet.Segment
		var frag packet.Fragment
		switch v := dec.Decode(&p, &s, &frag); {
		case v == packet.IsFragment:
		case v != packet.IsSegment || s.Src.Port != 110 && s.Dst.Port != 110:
			t.Errorf("packet %d: %v %+v\n%x", got, v, s, p.Data)
		case f.status&unix.TP_STATUS_VLAN_VALID != 0 && s.Path == 0:
			t.Errorf("packet %d lost its VLAN tag", got)
		}
	}
	if got != sent {
		t.Errorf("%d packets, want %d", got, sent)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want error
	}{
		{Options{Interfaces: []string{"nosuch0"}}, ErrNoInterface},
		{Options{Interfaces: []string{"lo"}, Snaplen: -1}, nil},
		{Options{Interfaces: []string{"lo"}, Buffer: 1}, nil},
		{Options{}, nil},
	} {
		src, err := Open(t.Context(), tt.o)
		if err == nil {
			src.Close()
			t.Errorf("%+v: no error", tt.o)
		}
		if tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt.o, err)
		}
	}
}

func TestInterfacesAreListed(t *testing.T) {
	inNamespace(t)
	veth(t, "v0", "v1")
	ip(t, "addr add 192.0.2.7/24 dev v0")
	ip(t, "link set v1 down")
	faces, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", faces)
	for _, want := range []string{"Name:lo", "192.0.2.7/24", "Link:ETHERNET", "Why:it is down", "Name:any"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}
