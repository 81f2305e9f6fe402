package popscope

// spareFrames keeps the memory of frames, by its size: a small frame does not
// take that of a large one.
type spareFrames struct {
	lists [frameSizes][][]byte
	bytes int
}

const (
	smallFrame     = 96 // the first size; each further one is twice as much
	frameSizes     = 5  // so most frames fit into the last one
	maxSpareFrames = 1 << 20
)

// sizeOf returns which size has room for n bytes, and what it is; frameSizes
// if none has.
func sizeOf(n int) (i, size int) {
	for i, size = 0, smallFrame; size < n && i < frameSizes; i++ {
		size *= 2
	}
	return i, size
}

// keep returns a copy of a frame.
func (s *spareFrames) keep(frame []byte) []byte {
	i, size := sizeOf(len(frame))
	if i == frameSizes {
		return append([]byte(nil), frame...)
	}
	list := s.lists[i]
	if len(list) == 0 {
		return append(make([]byte, 0, size), frame...)
	}
	b := list[len(list)-1]
	list[len(list)-1] = nil
	s.lists[i] = list[:len(list)-1]
	s.bytes -= size
	return append(b, frame...)
}

// put takes a copy that nobody looks at any more.
func (s *spareFrames) put(frame []byte) {
	i, size := sizeOf(cap(frame))
	if i < frameSizes && size == cap(frame) && s.bytes+size <= maxSpareFrames {
		s.lists[i] = append(s.lists[i], frame[:0])
		s.bytes += size
	}
}

// maxSpareRows bounds the rows that are kept to be used again.
const maxSpareRows = 1024

// lists keeps the memory of short lists that are over, for the next ones.
type lists[T any] [][]T

// What is kept of lists: so many of one kind, with so many items each.
const (
	spareLists = 1024
	spareItems = 8
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
