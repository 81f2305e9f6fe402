package reassembly

import (
	"slices"

	"popscope/reassembly/stream"
)

// piece is a stretch of one direction that waits behind a hole: bytes, or
// bytes that the snapshot length cut off.
type piece struct {
	off    int64
	data   []byte // owned
	cut    int64  // length of what was cut off; data is nil
	at     stream.Stamp
	ack    Seq
	hasAck bool
	head   bool // the first piece of its segment
}

func (p *piece) end() int64 { return p.off + int64(len(p.data)) + p.cut }

// pieceOverhead is counted for each piece on top of its bytes: the struct,
// its place in the list and what the allocator rounds up.
const pieceOverhead = 128

func (p *piece) cost() int { return len(p.data) + pieceOverhead }

// pieces is a list of pieces by offset that do not overlap. It is held in
// rows of limited length, so that putting one anywhere among a million is
// cheap.
//
//	rows  [ aaa bb ] [ cc ] [ d eeee f ]     no row is empty
type pieces struct {
	rows [][]*piece
}

const rowLen = 64

// place is a position in a list of pieces.
type place struct{ row, col int }

// first returns the piece with the lowest offset; nil if there is none.
func (l *pieces) first() *piece {
	if len(l.rows) == 0 {
		return nil
	}
	return l.rows[0][0]
}

// at returns the piece at a place; nil behind the last.
func (l *pieces) at(p place) *piece {
	if p.row >= len(l.rows) {
		return nil
	}
	return l.rows[p.row][p.col]
}

func (l *pieces) next(p place) place {
	p.col++
	if p.col == len(l.rows[p.row]) {
		return place{p.row + 1, 0}
	}
	return p
}

// seek returns the place of the first piece that ends behind off.
func (l *pieces) seek(off int64) place {
	behind := func(p *piece, off int64) int {
		if p.end() > off {
			return 1
		}
		return -1
	}
	// Most of what arrives belongs at the end.
	if n := len(l.rows); n == 0 || behind(last(l.rows[n-1]), off) < 0 {
		return place{n, 0}
	}
	row, _ := slices.BinarySearchFunc(l.rows, off, func(r []*piece, off int64) int { return behind(last(r), off) })
	col, _ := slices.BinarySearchFunc(l.rows[row], off, behind)
	return place{row, col}
}

func last(row []*piece) *piece { return row[len(row)-1] }

// insert puts in a piece that overlaps none of those there.
func (l *pieces) insert(p *piece) {
	to := l.seek(p.off)
	switch {
	case len(l.rows) == 0:
		l.rows = append(l.rows, []*piece{p})
		return
	case to.row == len(l.rows):
		to.row--
		to.col = len(l.rows[to.row])
	}
	row := slices.Insert(l.rows[to.row], to.col, p)
	if len(row) > rowLen {
		half := len(row) / 2
		if to.col == len(row)-1 {
			half = len(row) - 1 // keep rows full that are filled in order
		}
		l.rows = slices.Insert(l.rows, to.row+1, append([]*piece(nil), row[half:]...))
		clear(row[half:])
		row = row[:half]
	}
	l.rows[to.row] = row
}

// remove takes out the piece at a place.
func (l *pieces) remove(p place) {
	switch row := l.rows[p.row]; {
	case len(row) > 1 && p.col == 0:
		row[0] = nil
		l.rows[p.row] = row[1:]
	case len(row) > 1:
		l.rows[p.row] = slices.Delete(row, p.col, p.col+1)
	case p.row == 0:
		l.rows[0] = nil
		l.rows = l.rows[1:]
	default:
		l.rows = slices.Delete(l.rows, p.row, p.row+1)
	}
}

// shift moves all pieces by n.
func (l *pieces) shift(n int64) {
	for _, r := range l.rows {
		for _, p := range r {
			p.off += n
		}
	}
}

// all calls f for each piece.
func (l *pieces) all(f func(*piece)) {
	for _, r := range l.rows {
		for _, p := range r {
			f(p)
		}
	}
}
