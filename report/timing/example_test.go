package timing_test

import (
	"fmt"
	"log"

	"popscope"
	"popscope/capture"
	"popscope/report/timing"
)

// How often each command came, and how many replies have a response time.
func Example() {
	src, err := capture.Open("../../testdata/pcap/dovecot-pipelining.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	t := timing.New()
	for res, err := range popscope.New(popscope.Options{}).Results(src) {
		if err != nil {
			log.Print(err)
			continue
		}
		t.Add(res)
	}
	for _, f := range t.Commands().Rows() {
		fmt.Println(f.Key, f.Exchanges, f.Pipelined, f.Response.Count())
	}
	// Output:
	// CAPA 1 0 1
	// DELE 1 1 0
	// LIST 1 1 0
	// PASS 1 0 1
	// QUIT 1 1 0
	// RETR 12 12 0
	// STAT 1 0 1
	// UIDL 1 1 0
	// USER 1 0 1
}

func ExampleHistogram() {
	var h timing.Histogram
	for _, millis := range []int64{12, 3, 5, 4, 2000} {
		h.Add(millis)
	}
	fmt.Println(h.Count(), h.Percentile(50), h.Percentile(95), h.Max())
	// Output: 5 5 2000 2000
}
