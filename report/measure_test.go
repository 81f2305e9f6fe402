package report

import (
	"math"
	"testing"
)

func TestMeasuresHaveThreeDigits(t *testing.T) {
	for _, c := range []struct {
		nanos int64
		want  string
	}{
		{0, "0"}, {1, "0.00 µs"}, {1500, "1.50 µs"}, {350_000, "350 µs"}, {999_499, "999 µs"}, {999_500, "1.00 ms"}, {1_250_000, "1.25 ms"},
		{12_345_678, "12.3 ms"}, {999_600_000, "1.00 s"}, {2_008_000_000, "2.01 s"}, {99_940_000_000, "99.9 s"}, {99_960_000_000, "1 min 40 s"},
		{3_600_000_000_000, "1 h 0 min"}, {200_000_000_000_000, "2 d 7 h"}, {-1_000_000, "-1.00 ms"},
		{math.MaxInt64, "106,751 d 23 h"}, {math.MinInt64, "-106,751 d 23 h"},
	} {
		if got := duration(c.nanos); got != c.want {
			t.Errorf("%d ns: got %q, want %q", c.nanos, got, c.want)
		}
	}
	for _, c := range []struct {
		n    int64
		want string
	}{{0, "0 B"}, {999, "999 B"}, {1449, "1.45 KB"}, {999_499, "999 KB"}, {999_500, "1.00 MB"}, {12_345_678, "12.3 MB"}, {5e12, "5.00 TB"}} {
		if got := octets(c.n); got != c.want {
			t.Errorf("%d octets: got %q, want %q", c.n, got, c.want)
		}
	}
	for _, c := range []struct {
		part, all int64
		want      string
	}{{0, 0, "0 %"}, {0, 5, "0 %"}, {1, 1000, "<1 %"}, {1, 3, "33 %"}, {999, 1000, ">99 %"}, {5, 5, "100 %"}} {
		if got := percent(c.part, c.all); got != c.want {
			t.Errorf("%d of %d: got %q, want %q", c.part, c.all, got, c.want)
		}
	}
}
