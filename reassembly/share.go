package reassembly

// Share returns limits for one of n Assemblers that have connections dealt
// to them evenly, so that all of them together keep to l: what counts bytes
// or connections is divided, what counts for one connection or is a time is
// not.
func (l Limits) Share(n int) Limits {
	l = l.withDefaults()
	for _, v := range []*int{&l.TotalBytes, &l.Connections, &l.HalfOpen, &l.Tombstones, &l.LingerConnections, &l.HistoryBytes} {
		*v = max(1, *v/n)
	}
	return l
}
