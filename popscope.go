package popscope

import (
	"iter"

	"popscope/capture"
)

// Analyzer turns packets into finished POP3 sessions.
type Analyzer struct {
	opt Options
	sum Summary
}

// New returns an Analyzer.
func New(o Options) *Analyzer { return &Analyzer{opt: o} }

// Results reads src to its end and yields each finished session. An error
// tells of damage in the capture; what follows it is still good.
func (a *Analyzer) Results(src capture.Source) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {}
}

// Summary returns the counts; call it after Results has ended.
func (a *Analyzer) Summary() Summary { return a.sum }
