package reassembly

// Seq is a TCP sequence number. Numbers wrap at 2^32, so two of them are
// compared by the shorter way round the circle (RFC 9293 section 3.4).
type Seq uint32

// Add returns the number n bytes further on; n may be negative and of
// any size.
func (s Seq) Add(n int64) Seq { return s + Seq(uint64(n)) }

// Sub returns how far s lies ahead of t, negative if it lies behind. The
// answer is right for distances below 2^31.
func (s Seq) Sub(t Seq) int64 { return int64(int32(s - t)) }

// Before reports whether s lies behind t.
func (s Seq) Before(t Seq) bool { return s.Sub(t) < 0 }
