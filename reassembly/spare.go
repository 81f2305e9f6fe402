package reassembly

// spare is what is kept to be used again, the last one first.
type spare[T any] []*T

// spares bounds what is kept after a flood.
const spares = 256

// take returns one that was put, nil if there is none.
func (s *spare[T]) take() *T {
	n := len(*s)
	if n == 0 {
		return nil
	}
	x := (*s)[n-1]
	*s = (*s)[:n-1]
	return x
}

// put takes one that nothing refers to any more.
func (s *spare[T]) put(x *T) {
	if len(*s) < spares {
		*s = append(*s, x)
	}
}
