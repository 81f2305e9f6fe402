package sanitize

import "math/bits"

// pool has buffers that were used and are free again, by size, so that what
// takes one takes at most twice what it needs: many small frames cannot
// hold the buffers of large ones. Its zero value is empty.
type pool struct {
	free [poolClasses][][]byte
}

const (
	poolSmallest = 6 // the smallest buffers have 1<<poolSmallest bytes
	poolClasses  = 12
	poolBytes    = 256 << 10 // free ones of one size
)

// class returns the size of the buffers for n bytes, as a power of two from
// poolSmallest on.
func class(n int) int { return bits.Len(uint(max(n, 1)-1) >> poolSmallest) }

// take returns a buffer of n zero bytes.
func (p *pool) take(n int) []byte {
	c := class(n)
	if c >= poolClasses {
		return make([]byte, n)
	}
	free := p.free[c]
	if len(free) == 0 {
		return make([]byte, n, 1<<(poolSmallest+c))
	}
	b := free[len(free)-1]
	p.free[c] = free[:len(free)-1]
	return b[:n]
}

// give takes a buffer back that nobody uses any more, and overwrites it.
func (p *pool) give(b []byte) {
	c := class(cap(b))
	if c >= poolClasses || cap(b) != 1<<(poolSmallest+c) || len(p.free[c])<<(poolSmallest+c) >= poolBytes {
		return
	}
	b = b[:cap(b)]
	clear(b)
	p.free[c] = append(p.free[c], b)
}
