package timing_test

import (
	"fmt"

	"popscope/report/timing"
)

func ExampleHistogram() {
	var h timing.Histogram
	for _, millis := range []int64{12, 3, 5, 4, 2000} {
		h.Add(millis)
	}
	fmt.Println(h.Count(), h.Percentile(50), h.Percentile(95), h.Max())
	// Output: 5 5 2000 2000
}
