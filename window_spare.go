package popscope

// spareRows keeps rows that have gone, to be used again, each with memory for
// a frame. There is a list for each size of that, so that a small frame does
// not take the memory of a large one.
type spareRows struct {
	lists [frameSizes][]*row
	bytes int // that they take
}

const (
	smallFrame = 96 // of the first list; each further one has twice as much
	frameSizes = 5  // so the last one has what most frames fit into
	maxSpares  = 8 << 20
	spareParts = 16 // of a row
)

// sizeOf returns which list has memory for n bytes, and how much;
// frameSizes if none has.
func sizeOf(n int) (i, size int) {
	for i, size = 0, smallFrame; size < n && i < frameSizes; i++ {
		size *= 2
	}
	return i, size
}

// take returns a row that is to be overwritten, with memory for a frame of n
// bytes.
func (s *spareRows) take(n int) *row {
	i, size := sizeOf(n)
	if i == frameSizes {
		return &row{frame: make([]byte, 0, n)}
	}
	list := s.lists[i]
	if len(list) == 0 {
		return &row{frame: make([]byte, 0, size)}
	}
	r := list[len(list)-1]
	list[len(list)-1] = nil
	s.lists[i] = list[:len(list)-1]
	s.bytes -= rowCost + size
	return r
}

// put takes a row that nothing refers to any more.
func (s *spareRows) put(r *row) {
	i, size := sizeOf(cap(r.frame))
	if i == frameSizes || size != cap(r.frame) || cap(r.Parts) > spareParts || s.bytes+rowCost+size > maxSpares {
		return
	}
	s.lists[i] = append(s.lists[i], r)
	s.bytes += rowCost + size
}

// lists keeps the memory of short lists that are over, for the next ones.
type lists[T any] [][]T

const (
	spareLists = 4096 // at most
	spareItems = 64   // in each
)

// take returns an empty list.
func (l *lists[T]) take() []T {
	n := len(*l)
	if n == 0 {
		return nil
	}
	last := (*l)[n-1]
	(*l)[n-1] = nil
	*l = (*l)[:n-1]
	return last
}

// put takes a list that nobody needs any more.
func (l *lists[T]) put(list []T) {
	if 0 < cap(list) && cap(list) <= spareItems && len(*l) < spareLists {
		clear(list[:cap(list)])
		*l = append(*l, list[:0])
	}
}
