package capturetest

import (
	"testing"
	"time"
)

// pretended is a test that only remembers whether it failed.
type pretended struct {
	testing.TB
	cleanups []func()
	failed   bool
}

func (r *pretended) Helper()               {}
func (r *pretended) Cleanup(f func())      { r.cleanups = append(r.cleanups, f) }
func (r *pretended) Errorf(string, ...any) { r.failed = true }

func TestNoLeaksSeesWhatStays(t *testing.T) {
	for _, stays := range []bool{true, false} {
		r := &pretended{TB: t}
		limit := patience
		if stays {
			limit = 100 * time.Millisecond
		}
		noLeaks(r, limit)
		end := make(chan struct{})
		go func() { <-end }()
		if !stays {
			time.AfterFunc(100*time.Millisecond, func() { close(end) })
		}
		for _, f := range r.cleanups {
			f()
		}
		if r.failed != stays {
			t.Errorf("a goroutine that stays %v: failed %v", stays, r.failed)
		}
		if stays {
			close(end)
		}
	}
}
