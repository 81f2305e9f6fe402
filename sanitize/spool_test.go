package sanitize

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"popscope/capture"
)

// Frames come back as they were written, whether their record was still in
// memory, in the file or in both, and what was never written is zero.
func TestSpool(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	sp, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer sp.close()
	type record struct {
		at   int64
		want []byte
		keep bool
	}
	var records []*record
	sizes := []int{0, 1, 54, 60, 1514, 9000, spoolBlock - recordHeader, spoolBlock, 3*spoolBlock + 1}
	put := func(r *record) {
		if rnd.IntN(4) > 0 {
			sp.keep(r.at)
			r.keep = true
		}
		if rnd.IntN(8) > 0 {
			for i := range r.want {
				r.want[i] = byte(rnd.Uint32())
			}
			sp.frame(r.at, r.want)
		}
	}
	var late []*record
	for i := range 3000 {
		size := sizes[rnd.IntN(6)]
		if i%100 == 0 {
			size = sizes[rnd.IntN(len(sizes))]
		}
		if i == 1000 {
			size = (spoolBlocks + 2) * spoolBlock
		}
		p := &capture.Packet{Nanos: int64(i), Orig: size + i, Link: capture.LinkEthernet, Data: bytes.Repeat([]byte{'s'}, size)}
		r := &record{at: sp.reserve(p, false), want: make([]byte, size)}
		records = append(records, r)
		switch rnd.IntN(3) {
		case 0:
			put(r)
		case 1:
			late = append(late, r)
		default:
			put(records[rnd.IntN(len(records))])
		}
	}
	if sp.first == 0 {
		t.Fatal("no block was written before the end")
	}
	for _, r := range late {
		put(r)
	}
	for range 2 { // reading changes nothing
		if err := sp.flush(); err != nil {
			t.Fatal(err)
		}
		i := 0
		_, err := sp.each(func(p *capture.Packet) error {
			for !records[i].keep {
				i++
			}
			if r := records[i]; p.Nanos != int64(i) || p.Orig != len(r.want)+i || !bytes.Equal(p.Data, r.want) {
				return fmt.Errorf("record %d: %d bytes at %d differ from %d", i, len(p.Data), p.Nanos, len(r.want))
			}
			i++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for ; i < len(records); i++ {
			if records[i].keep {
				t.Fatalf("record %d is missing", i)
			}
		}
	}
}

// What was given back comes out overwritten, and what is small does not get
// what is large.
func TestPool(t *testing.T) {
	var p pool
	for _, n := range []int{1, 63, 64, 65, 1000, 4096, 100_000, 1 << 20} {
		b := p.take(n)
		overwrite(b[:cap(b)])
		p.give(b)
		again := p.take(n)
		if len(again) != n || !bytes.Equal(again[:cap(again)], make([]byte, cap(again))) {
			t.Errorf("%d bytes: %d, or some of before", n, len(again))
		}
		if n > 64 && cap(again) > 2*n {
			t.Errorf("%d bytes hold %d", n, cap(again))
		}
		p.give(again)
	}
	total := 0
	for range 10_000 {
		p.give(make([]byte, 4096))
	}
	for c, free := range p.free {
		for _, b := range free {
			if total += cap(b); cap(b) != 1<<(poolSmallest+c) {
				t.Errorf("%d bytes among those of 1<<%d", cap(b), poolSmallest+c)
			}
		}
	}
	if total > poolClasses*poolBytes {
		t.Errorf("%d bytes are free", total)
	}
}
