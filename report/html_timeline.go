package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timeline counts sessions by when they began, in at most maxSpans spans
// of one width. The width grows with the time that there is to cover;
// since each width divides the next one, the counts stay exact, and do not
// depend on the order in which sessions come.
type timeline struct {
	width int // index into spanWidths
	spans map[int64]*period
	first int64 // span numbers: multiples of the width since 1970
	last  int64
}

// maxSpans is how many bars a chart is wide at most; the next width then
// leaves at least a fifth of them.
const maxSpans = 120

// spanWidths are widths that people think in.
var spanWidths = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	time.Second, 2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 240 * time.Hour, 480 * time.Hour, 2400 * time.Hour,
	4800 * time.Hour, 24_000 * time.Hour, 48_000 * time.Hour, 240_000 * time.Hour, 480_000 * time.Hour, 2_400_000 * time.Hour,
}

// period counts the sessions of one bar, by mood.
type period [numMoods]int64

// add counts a session that began at a time.
func (t *timeline) add(nanos int64, m mood) {
	n := floorDiv(nanos, int64(spanWidths[t.width]))
	if len(t.spans) == 0 {
		t.spans, t.first, t.last = make(map[int64]*period), n, n
	}
	t.first, t.last = min(t.first, n), max(t.last, n)
	s := t.spans[n]
	if s == nil {
		s = &period{}
		t.spans[n] = s
	}
	s[m]++
	for t.last-t.first >= maxSpans && t.width < len(spanWidths)-1 {
		t.widen()
	}
}

// widen goes to the next width.
func (t *timeline) widen() {
	by := int64(spanWidths[t.width+1] / spanWidths[t.width])
	t.width++
	wide := make(map[int64]*period)
	for n, s := range t.spans {
		w := wide[floorDiv(n, by)]
		if w == nil {
			w = &period{}
			wide[floorDiv(n, by)] = w
		}
		for m := range s {
			w[m] += s[m]
		}
	}
	t.spans, t.first, t.last = wide, floorDiv(t.first, by), floorDiv(t.last, by)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Charts are drawn on a canvas of this width and scaled by the browser.
const (
	chartWidth  = 960
	chartHeight = 160
	axisHeight  = 22
	laneHeight  = 18 // of a session in a chart of sessions
	maxLanes    = 40 // sessions up to which each has a lane of its own
	lanesLeft   = 150
)

// bar is a rectangle of a chart.
type bar struct {
	X, Y, W, H string
	Class      string
	Title      string
	ID         string // of the session it stands for
	Label      string
	LabelY     string
}

// tick is a mark on an axis.
type tick struct{ X, Text, Anchor string }

// chart is a picture of bars over an axis.
type chart struct {
	Width, Height int
	Axis          string // y of the axis
	Label         string // y of its texts
	Bars          []bar
	Ticks         []tick
	Top           string // the value at the top; "" without
	Unit          string // what a bar stands for
}

// px writes a coordinate.
func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// histogram draws how many sessions began when.
func (t *timeline) histogram() *chart {
	c := &chart{Width: chartWidth, Height: chartHeight + axisHeight, Axis: px(chartHeight), Label: px(chartHeight + 15)}
	if len(t.spans) == 0 {
		return c
	}
	width := int64(spanWidths[t.width])
	most := int64(1)
	for _, s := range t.spans {
		most = max(most, s.all())
	}
	first, n := t.first, t.last-t.first+1
	if n < maxSpans/5 { // a few bars do not fill the page
		first -= (maxSpans/5 - n) / 2
		n = maxSpans / 5
	}
	step := float64(chartWidth) / float64(n)
	for i := range n {
		s := t.spans[first+i]
		if s == nil {
			continue
		}
		at := time.Unix(0, (first+i)*width).UTC()
		base := float64(chartHeight)
		for m := range numMoods {
			if s[m] == 0 {
				continue
			}
			h := max(2, float64(s[m])/float64(most)*(chartHeight-14))
			base -= h
			c.Bars = append(c.Bars, bar{X: px(float64(i)*step + step*0.1), Y: px(base), W: px(step * 0.8), H: px(h), Class: m.String(),
				Title: at.Format(layoutOf(time.Duration(width))) + ": " + count(s[m], "session") + ", " + m.Words()})
		}
	}
	c.Top, c.Unit = commas(most), shortSpan(spanWidths[t.width])
	c.Ticks = ticks(first*width, (first+n)*width, 0)
	return c
}

func (s *period) all() int64 {
	n := int64(0)
	for _, k := range s {
		n += k
	}
	return n
}

// lanes draws each session from its beginning to its end.
func lanes(sessions []*pageSession, linked map[string]bool) *chart {
	from, to := sessions[0].start, sessions[0].end
	for _, s := range sessions {
		from, to = min(from, s.start), max(to, s.end)
	}
	if to <= from {
		to = from + 1
	}
	room := float64(chartWidth - lanesLeft - 8)
	height := len(sessions)*laneHeight + 8
	c := &chart{Width: chartWidth, Height: height + axisHeight, Axis: px(float64(height)), Label: px(float64(height + 15))}
	for i, s := range sessions {
		x := float64(s.start-from) / float64(to-from) * room
		w := max(3, float64(s.end-s.start)/float64(to-from)*room)
		x = min(x, room-w)
		y := float64(i*laneHeight + 4)
		b := bar{X: px(lanesLeft + x), Y: px(y + 3), W: px(w), H: px(laneHeight - 8), Class: s.mood().String(), Label: strconv.Itoa(s.num) + "  " + s.who(), LabelY: px(y + 12),
			Title: fmt.Sprintf("session %d: %s to %s, %s, %s", s.num, s.client, s.server, duration(s.end-s.start), s.mood().Words())}
		if linked[s.id] {
			b.ID = s.id
		}
		c.Bars = append(c.Bars, b)
	}
	c.Ticks = ticks(from, to, lanesLeft)
	return c
}

// who names a session in a few letters.
func (s *pageSession) who() string {
	if len(s.users) > 0 {
		return cut(s.users[0], 16)
	}
	return cut(s.client, 16)
}

// ticks returns marks at round times, five to ten of them.
func ticks(from, to int64, left int) []tick {
	every := int64(tickWidth(to - from))
	room := float64(chartWidth - left)
	if left > 0 {
		room -= 8
	}
	layout := layoutOf(time.Duration(every))
	if day := 24 * int64(time.Hour); floorDiv(from, day) == floorDiv(to, day) {
		layout = strings.TrimPrefix(layout, "01-02 ")
	}
	var out []tick
	for at := floorDiv(from+every-1, every) * every; at <= to; at += every {
		x := float64(left) + float64(at-from)/float64(to-from)*room
		anchor := "middle"
		switch {
		case x < float64(left)+30:
			anchor = "start"
		case x > chartWidth-30:
			anchor = "end"
		}
		out = append(out, tick{X: px(x), Text: time.Unix(0, at).UTC().Format(layout), Anchor: anchor})
	}
	return out
}

// tickWidth returns a round time of which no more than ten fit into a
// span.
func tickWidth(span int64) time.Duration {
	for _, w := range [...]time.Duration{
		time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
		20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
		5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 168 * time.Hour, 336 * time.Hour,
		672 * time.Hour, 2016 * time.Hour, 8760 * time.Hour, 87_600 * time.Hour,
	} {
		if span/int64(w) <= 10 {
			return w
		}
	}
	return 876_000 * time.Hour
}

// layoutOf returns how times are written where only multiples of a width
// matter.
func layoutOf(width time.Duration) string {
	switch {
	case width < time.Millisecond:
		return "15:04:05.000000"
	case width < time.Second:
		return "15:04:05.000"
	case width < time.Minute:
		return "15:04:05"
	case width < 24*time.Hour:
		return "01-02 15:04"
	}
	return "2006-01-02"
}

// shortSpan writes a width: "10 min".
func shortSpan(d time.Duration) string {
	for _, u := range [...]struct {
		size time.Duration
		name string
	}{{24 * time.Hour, " d"}, {time.Hour, " h"}, {time.Minute, " min"}, {time.Second, " s"}} {
		if d >= u.size {
			return commas(int64(d/u.size)) + u.name
		}
	}
	return commas(int64(d/time.Millisecond)) + " ms"
}

// byStart numbers the sessions by when they began, and returns them in
// that order.
func byStart(sessions []*pageSession) []*pageSession {
	slices.SortFunc(sessions, compareStarts)
	for i, s := range sessions {
		s.num = i + 1
	}
	return sessions
}

// compareStarts puts sessions into the order of their numbers.
func compareStarts(a, b *pageSession) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.arrival, b.arrival))
}
