package report

import (
	"math"

	"popscope/report/timing"
)

// This file draws the small pictures in tables. Each is made of plain
// geometry; what it shows stands beside it in numbers.

// scale is a logarithmic axis of times that several pictures share.
type scale struct {
	low, high int // powers of ten, of nanoseconds
}

// scaleOf returns the scale that holds all response times of some figures.
func scaleOf(rows []*timing.Figures) scale {
	low, high := int64(math.MaxInt64), int64(0)
	for _, f := range rows {
		if f.Response.Count() > 0 {
			low, high = min(low, f.Response.Min()), max(high, f.Response.Max())
		}
	}
	if high == 0 {
		return scale{3, 10}
	}
	s := scale{int(math.Floor(math.Log10(float64(max(low, 1000))))), int(math.Ceil(math.Log10(float64(max(high, 1001)))))}
	for s.high-s.low < 3 {
		s.high++
	}
	return s
}

const (
	sparkWidth  = 260
	sparkHeight = 30
	decadeBins  = 8
)

// x returns where a time stands.
func (s scale) x(nanos int64) float64 {
	v := (math.Log10(float64(max(nanos, 1))) - float64(s.low)) / float64(s.high-s.low) * sparkWidth
	return min(max(v, 0), sparkWidth)
}

// spark is a small histogram with marks at the percentiles.
type spark struct {
	Bars          []bar
	P50, P95, P99 string
	Grid          []string // x of the powers of ten
}

// spark draws a distribution.
func (s scale) spark(h *timing.Histogram) spark {
	n := (s.high - s.low) * decadeBins
	bins := make([]int64, n)
	most := int64(1)
	h.Each(func(v, times int64) {
		i := min(int(s.x(v)/sparkWidth*float64(n)), n-1)
		bins[i] += times
		most = max(most, bins[i])
	})
	p := spark{P50: px(s.x(h.Percentile(50))), P95: px(s.x(h.Percentile(95))), P99: px(s.x(h.Percentile(99))), Grid: s.grid()}
	w := float64(sparkWidth) / float64(n)
	for i, times := range bins {
		if times > 0 {
			// The root of the height keeps a single slow one visible.
			height := max(2.5, math.Sqrt(float64(times)/float64(most))*(sparkHeight-4))
			p.Bars = append(p.Bars, bar{X: px(float64(i) * w), Y: px(sparkHeight - height), W: px(w - 0.6), H: px(height)})
		}
	}
	return p
}

// grid returns where the powers of ten stand.
func (s scale) grid() []string {
	var xs []string
	for d := s.low; d <= s.high; d++ {
		xs = append(xs, px(float64(d-s.low)/float64(s.high-s.low)*sparkWidth))
	}
	return xs
}

// Ticks names the powers of ten, every second one where there are many.
func (s scale) Ticks() []tick {
	var out []tick
	step := 1
	if s.high-s.low > 4 {
		step = 2
	}
	for d := s.low; d <= s.high; d += step {
		t := tick{X: px(float64(d-s.low) / float64(s.high-s.low) * sparkWidth), Anchor: "middle", Text: decade(d)}
		switch d {
		case s.low:
			t.Anchor = "start"
		case s.high:
			t.Anchor = "end"
		}
		out = append(out, t)
	}
	return out
}

// decade writes a power of ten of nanoseconds.
func decade(d int) string {
	switch {
	case d < 6:
		return commas(int64(math.Pow10(d-3))) + " µs"
	case d < 9:
		return commas(int64(math.Pow10(d-6))) + " ms"
	}
	return commas(int64(math.Pow10(d-9))) + " s"
}

// thinkWidth returns the length of the bar for a response time, from 0 to
// 40: a tenth of a millisecond and less is nothing, ten seconds are all.
func thinkWidth(nanos int64) string {
	v := (math.Log10(float64(max(nanos, 1))) - 5) / 5 * 40
	return px(min(max(v, 1), 40))
}

// shareBar draws parts of a whole side by side, on a width of 100.
func shareBar(all int64, parts ...int64) []bar {
	classes := [...]string{"a", "b", "c"}
	var bars []bar
	x := 0.0
	for i, n := range parts {
		if n <= 0 || all <= 0 {
			continue
		}
		w := max(1.5, float64(n)/float64(all)*100)
		w = min(w, 100-x)
		bars = append(bars, bar{X: px(x), W: px(w), Class: classes[i]})
		x += w
	}
	return bars
}
