package popscope_test

import (
	"fmt"
	"log"

	"popscope"
	"popscope/capture"
	"popscope/report"
)

// Who logged in, and how it went.
func ExampleAnalyzer_Results() {
	src, err := capture.Open("testdata/pcap/dovecot-apop.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	a := popscope.New(popscope.Options{})
	for res, err := range a.Results(src) {
		if err != nil { // the capture is damaged there; what comes after it is still good
			log.Print(err)
			continue
		}
		for _, l := range res.Logins {
			fmt.Printf("%s as %s: %v\n", l.Mechanism, report.Inert(string(l.User)), l.Outcome)
		}
	}
	fmt.Println("sessions:", a.Summary().Sessions)
	// Output:
	// APOP as alice: success
	// sessions: 1
}
