package tlsdec

import "sort"

// mark is a place where a record ends: there an acknowledgement of
// ciphertext stands for one of plaintext.
type mark struct{ cipher, plain int64 }

// maxMarks bounds the places that are kept; an acknowledgement before the
// oldest one is as good as unknown. Senders are far less behind than that
// many records.
const maxMarks = 4096

// note marks the place that the direction has come to.
func (f *flow) note() {
	n := len(f.marks)
	if n > 0 && f.marks[n-1].plain == f.plain {
		return // nothing was added to the plaintext: the earlier place says the same
	}
	if n == maxMarks {
		f.marks = append(f.marks[:0], f.marks[maxMarks/2:]...)
		f.forgot = true
	}
	f.marks = append(f.marks, mark{f.pos, f.plain})
}

// translate turns an acknowledgement of this direction's ciphertext into one
// of its plaintext: a receiver has all of a record or nothing. known is
// false when that cannot be told yet.
func (f *flow) translate(acked int64) (plain int64, known bool) {
	switch {
	case acked < 0:
		return -1, true
	case !f.begun:
		return -1, false
	case acked <= f.base:
		return acked, true // of what came in clear before
	case acked > f.pos && acked >= f.pos+f.pending() && !f.closed:
		return -1, false
	case f.gap.on && acked > f.pos-f.gap.bytes:
		return -1, false // how much plaintext the gap stands for is not known
	}
	i := sort.Search(len(f.marks), func(i int) bool { return f.marks[i].cipher > acked })
	switch {
	case i > 0:
		return f.marks[i-1].plain, true
	case f.forgot:
		return -1, true
	}
	return f.base, true
}

// pending returns the length of the record that has begun, where it is
// known.
func (f *flow) pending() int64 {
	if f.gap.searching || len(f.part) < recordHeader {
		return 0
	}
	return int64(recordHeader + bodyLength(f.part))
}
