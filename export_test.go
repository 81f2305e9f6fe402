package popscope

// LeftOut returns how many segments the reader left out.
func (a *Analyzer) LeftOut() int64 {
	if a.in.bypass == nil {
		return 0
	}
	return a.in.bypass.leftOut
}

// What a Sieve holds at most.
const (
	SieveBytes = sieveBytes
	SieveFlow  = sieveFlow
	SieveFlows = sieveFlows
)

// DefaultLimits returns the limits that hold when none are set.
func DefaultLimits() Limits { return Options{}.withDefaults().Limits }
