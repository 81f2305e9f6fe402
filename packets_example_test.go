package popscope_test

import (
	"fmt"

	"popscope"
	"popscope/capture"
)

func ExampleAnalyzer_Packets() {
	src, err := capture.Open("testdata/pcap/courier.pcap")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	a := popscope.New(popscope.Options{})
	for p, err := range a.Packets(src) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		if p.Num > 11 {
			break
		}
		for _, s := range p.Parts {
			fmt.Printf("packet %d, seq %d: %s of %s, %d bytes, secret: %v\n", p.Num, p.Seq.N, s.Part, s.Verb, s.Len, s.Secret)
		}
	}
	// Output:
	// packet 4, seq 1: indicator of , 4 bytes, secret: false
	// packet 4, seq 1: words of , 12 bytes, secret: false
	// packet 4, seq 1: line_end of , 2 bytes, secret: false
	// packet 6, seq 1: keyword of CAPA, 4 bytes, secret: false
	// packet 6, seq 1: line_end of CAPA, 2 bytes, secret: false
	// packet 8, seq 19: indicator of CAPA, 4 bytes, secret: false
	// packet 8, seq 19: words of CAPA, 21 bytes, secret: false
	// packet 8, seq 19: line_end of CAPA, 2 bytes, secret: false
	// packet 8, seq 19: rows of CAPA, 116 bytes, secret: false
	// packet 8, seq 19: final of CAPA, 3 bytes, secret: false
	// packet 9, seq 7: keyword of USER, 5 bytes, secret: false
	// packet 9, seq 7: args of USER, 5 bytes, secret: false
	// packet 9, seq 7: line_end of USER, 2 bytes, secret: false
	// packet 10, seq 165: indicator of USER, 4 bytes, secret: false
	// packet 10, seq 165: words of USER, 18 bytes, secret: false
	// packet 10, seq 165: line_end of USER, 2 bytes, secret: false
	// packet 11, seq 19: keyword of PASS, 5 bytes, secret: false
	// packet 11, seq 19: args of PASS, 12 bytes, secret: true
	// packet 11, seq 19: line_end of PASS, 2 bytes, secret: false
}
