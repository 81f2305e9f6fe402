package report

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"popscope/report/timing"
)

func TestKeeperKeepsTheMostInteresting(t *testing.T) {
	k := keeper[int]{most: 3}
	for i, interest := range []int{5, 1, 5, 7, 5, 0, 7} {
		if wants := k.wants(interest, 1); wants != (i < 4 || i == 6) {
			t.Errorf("thing %d: wanted %v", i, wants)
		}
		k.add(i, interest, 1)
	}
	got := k.values()
	slices.Sort(got)
	if !slices.Equal(got, []int{0, 3, 6}) || k.dropped() != 4 {
		t.Errorf("kept %v, dropped %d", got, k.dropped())
	}
}

func TestKeeperKeepsWithinItsRoom(t *testing.T) {
	k := keeper[int]{most: 100, room: 10}
	for i := range 50 {
		k.add(i, i%7, 1+i%4)
		if k.used > k.room {
			t.Fatalf("used %d of %d", k.used, k.room)
		}
	}
	used := 0
	for _, e := range k.kept {
		used += e.size
	}
	if used != k.used || len(k.kept) < 3 {
		t.Errorf("%d things take %d, counted as %d", len(k.kept), used, k.used)
	}
}

// TestTimelineDoesNotDependOnTheOrder adds the same sessions in different
// orders, over spans of a second and of years.
func TestTimelineDoesNotDependOnTheOrder(t *testing.T) {
	for _, span := range []time.Duration{time.Second, 50 * time.Minute, 90 * 24 * time.Hour, 50 * 365 * 24 * time.Hour} {
		r := rand.New(rand.NewPCG(1, 2))
		type session struct {
			start int64
			mood  mood
		}
		sessions := make([]session, 500)
		for i := range sessions {
			sessions[i] = session{epoch.UnixNano() - int64(40*365*24*time.Hour) + r.Int64N(int64(span)), mood(i % int(numMoods))}
		}
		draw := func() []bar {
			var line timeline
			for _, s := range sessions {
				line.add(s.start, s.mood)
			}
			n := int64(0)
			for _, p := range line.spans {
				n += p.all()
			}
			if n != 500 || len(line.spans) > maxSpans {
				t.Errorf("%v: %d sessions in %d bars", span, n, len(line.spans))
			}
			return line.histogram().Bars
		}
		first := draw()
		r.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
		if again := draw(); !slices.Equal(first, again) || len(first) == 0 {
			t.Errorf("%v: the order changes the picture", span)
		}
	}
}

func TestEachWidthDividesTheNext(t *testing.T) {
	for i := 1; i < len(spanWidths); i++ {
		if r := spanWidths[i] / spanWidths[i-1]; spanWidths[i]%spanWidths[i-1] != 0 || r < 2 || r > 5 {
			t.Errorf("%v after %v", spanWidths[i], spanWidths[i-1])
		}
	}
}

func TestTicksAreFew(t *testing.T) {
	for span := int64(1); span < 1<<62; span *= 3 {
		if n := len(ticks(epoch.UnixNano(), epoch.UnixNano()+span%(1<<61), 0)); n > 12 {
			t.Errorf("%v: %d ticks", time.Duration(span), n)
		}
	}
}

// TestSparkStaysInItsBox draws response times far apart.
func TestSparkStaysInItsBox(t *testing.T) {
	for _, values := range [][]int64{{0}, {1}, {1, 1e12}, {5e5, 5e5, 5e5}, {3e9}} {
		var f timing.Figures
		for _, v := range values {
			f.Response.Add(v)
		}
		s := scaleOf([]*timing.Figures{&f})
		p := s.spark(&f.Response)
		if len(p.Bars) == 0 || s.high-s.low < 3 || len(s.Ticks()) < 2 {
			t.Errorf("%v: scale %v, %d bars", values, s, len(p.Bars))
		}
		for _, x := range []string{p.P50, p.P95, p.P99} {
			if x == "" || x[0] == '-' {
				t.Errorf("%v: a mark at %q", values, x)
			}
		}
	}
}
