package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ring is an AF_PACKET socket with the memory that the kernel puts packets
// into: blocks, each with a header and a chain of packets. A block belongs to
// the kernel until it is full, or retireAfter old, and then to us until we
// give it back.
type ring struct {
	fd      int
	mem     []byte
	blocks  int
	block   int    // the one that is read, or is to be read next
	left    uint32 // packets in it that were not read
	next    int    // offset of the next of them in mem
	ours    bool   // the block was read and is to be given back
	fence   atomic.Uint32
	dropped atomic.Uint64
	put     uint64 // packets that the kernel had put into mem when it was asked last
	taken   uint64 // packets that were read of it
}

const (
	blockSize = 1 << 20 // more than the largest packet, and large enough that giving blocks back costs nothing
	frameSize = 1 << 12 // the kernel wants one, and does not use it in this version

	// retireAfter is how long a packet may lie in a block that is not full.
	retireAfter = 40 * time.Millisecond
)

var retiredByKernel = retireAfter // longer in tests: where the machine is stalled, its timers are late

// Offsets in the memory that the kernel shares (linux/if_packet.h).
const (
	blockStatus  = 8  // tpacket_block_desc: version, offset_to_priv; tpacket_hdr_v1: block_status
	blockPackets = 12 // num_pkts
	blockFirst   = 16 // offset_to_first_pkt

	frameNext    = 0 // tpacket3_hdr
	frameSec     = 4
	frameNsec    = 8
	frameSnaplen = 12
	frameLen     = 16
	frameStatus  = 20
	frameMAC     = 24
	frameNet     = 26
	frameTCI     = 32
	frameTPID    = 36

	frameAddress  = unix.SizeofTpacket3Hdr // sockaddr_ll
	addressProto  = frameAddress + 2
	addressIndex  = frameAddress + 4
	addressHatype = frameAddress + 8
	addressType   = frameAddress + 10
	addressLength = frameAddress + 11
	addressBytes  = frameAddress + 12
)

// openRing makes a socket that receives nothing yet.
func openRing(size int) (*ring, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("live: opening a packet socket: %w", err)
	}
	r := &ring{fd: fd, blocks: size / blockSize}
	if err := r.setUp(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *ring) setUp() error {
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("live: this kernel has no ring of version 3: %w", err)
	}
	req := unix.TpacketReq3{
		Block_size: blockSize, Block_nr: uint32(r.blocks),
		Frame_size: frameSize, Frame_nr: uint32(r.blocks * (blockSize / frameSize)),
		Retire_blk_tov: uint32(retiredByKernel / time.Millisecond),
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("live: a ring of %d MiB: %w", r.blocks, err)
	}
	mem, err := unix.Mmap(r.fd, 0, r.blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("live: mapping a ring of %d MiB: %w", r.blocks, err)
	}
	r.mem = mem
	return nil
}

// filter attaches a program, in place of the one before.
func (r *ring) filter(program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("live: filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("live: attaching the filter: %w", err)
	}
	return nil
}

// bind begins to receive from an interface; index 0 is all of them. It
// needs no privilege, and can be repeated.
func (r *ring) bind(index int) error {
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network order
	return unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: hostOrder(all), Ifindex: index})
}

// hostOrder turns a number of 16 bits that was written as on a
// little-endian machine into one for this machine.
func hostOrder(n uint16) uint16 {
	var b [2]byte
	binary.LittleEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}

// newFanout is the group of the first socket, for which the kernel finds a
// number.
const newFanout = -1

// fanout makes the socket, which is bound, one of a group among which the
// kernel deals connections. It sets the group if that is new.
func (r *ring) fanout(group *int) error {
	const byConnection = unix.PACKET_FANOUT_HASH << 16
	how := byConnection | *group
	if *group == newFanout {
		how = byConnection | unix.PACKET_FANOUT_FLAG_UNIQUEID<<16
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, how); err != nil {
		return fmt.Errorf("live: dealing packets among several sockets: %w", err)
	}
	n, err := unix.GetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	*group = n & 0xffff
	return err
}

func (r *ring) promiscuous(index int) error {
	return unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC})
}

func (r *ring) close() {
	if r.fd < 0 {
		return
	}
	r.count()
	if r.mem != nil {
		unix.Munmap(r.mem)
	}
	unix.Close(r.fd)
	r.fd, r.mem = -1, nil
}

// count asks the kernel how much it put into the ring and dropped since it was
// last asked.
func (r *ring) count() {
	if r.fd < 0 {
		return
	}
	if s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.dropped.Add(uint64(s.Drops))
		r.put += uint64(s.Packets - s.Drops)
	}
}

// takeError returns and clears what stands in the way of receiving, such as
// ENETDOWN.
func (r *ring) takeError() error {
	n, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && n != 0 {
		err = unix.Errno(n)
	}
	return err
}

// frame is a packet as the kernel left it. data lies in the ring until the
// next call of advance.
type frame struct {
	data    []byte
	nanos   int64
	length  int // on the wire
	status  uint32
	network int // offset of the network header in data
	tci     uint16
	tpid    uint16
	index   int
	hatype  uint16
	proto   uint16
	ours    uint8 // packet type: to us, broadcast, multicast, to others, from us
	address [8]byte
	addrLen uint8
}

// advance goes to the next packet and reports whether there is one. It does
// not wait.
func (r *ring) advance(f *frame) bool {
	for r.left == 0 {
		if r.ours {
			r.giveBack()
		}
		desc := r.mem[r.block*blockSize:]
		if binary.NativeEndian.Uint32(desc[blockStatus:])&unix.TP_STATUS_USER == 0 {
			return false
		}
		r.fence.Add(1) // nothing of the block is read before its status was
		r.left = binary.NativeEndian.Uint32(desc[blockPackets:])
		r.next = r.block*blockSize + int(binary.NativeEndian.Uint32(desc[blockFirst:]))
		r.ours = true
	}
	b := r.mem[r.next:]
	n := binary.NativeEndian
	mac, snap := int(n.Uint16(b[frameMAC:])), int(n.Uint32(b[frameSnaplen:]))
	*f = frame{
		data:   b[mac : mac+snap : mac+snap],
		nanos:  int64(n.Uint32(b[frameSec:]))*int64(time.Second) + int64(n.Uint32(b[frameNsec:])),
		length: int(n.Uint32(b[frameLen:])), status: n.Uint32(b[frameStatus:]),
		network: int(n.Uint16(b[frameNet:])) - mac,
		tci:     uint16(n.Uint32(b[frameTCI:])), tpid: n.Uint16(b[frameTPID:]),
		index: int(n.Uint32(b[addressIndex:])), hatype: n.Uint16(b[addressHatype:]),
		proto: binary.BigEndian.Uint16(b[addressProto:]), ours: b[addressType], addrLen: b[addressLength],
		address: [8]byte(b[addressBytes:]),
	}
	r.next += int(n.Uint32(b[frameNext:]))
	r.left--
	r.taken++
	return true
}

// halfFull reports whether half of the memory waits to be read.
func (r *ring) halfFull() bool {
	desc := r.mem[(r.block+r.blocks/2)%r.blocks*blockSize:]
	return binary.NativeEndian.Uint32(desc[blockStatus:])&unix.TP_STATUS_USER != 0
}

// giveBack hands the block to the kernel and goes to the next one.
func (r *ring) giveBack() {
	r.fence.Add(1) // all of the block was read before its status says so
	binary.NativeEndian.PutUint32(r.mem[r.block*blockSize+blockStatus:], unix.TP_STATUS_KERNEL)
	r.block = (r.block + 1) % r.blocks
	r.ours = false
}

// wait waits until one of the rings may have packets, or wake is readable,
// or the time is over. It reports whether a ring has an error.
func wait(rings []*ring, wake int, d time.Duration) (failed bool, err error) {
	fds := make([]unix.PollFd, 0, len(rings)+1)
	for _, r := range rings {
		fds = append(fds, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
	}
	fds = append(fds, unix.PollFd{Fd: int32(wake), Events: unix.POLLIN})
	_, err = unix.Poll(fds, int(d/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("live: waiting for packets: %w", err)
	}
	for _, p := range fds {
		failed = failed || p.Revents&unix.POLLERR != 0
	}
	return failed, nil
}
