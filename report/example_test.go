package report_test

import (
	"fmt"
	"log"
	"os"

	"popscope"
	"popscope/capture"
	"popscope/report"
)

// The whole of it: open a capture, analyze it, report every session.
func Example() {
	src, err := capture.Open("mail.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	out, err := report.New("jsonl", os.Stdout, report.Options{Files: []string{"mail.pcap"}})
	if err != nil {
		log.Fatal(err)
	}
	analyzer := popscope.New(popscope.Options{})
	for res, err := range analyzer.Results(src) {
		if err != nil { // the capture is damaged; the sessions before it stand
			log.Print(err)
			continue
		}
		if err := out.Write(res); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Close(analyzer.Summary()); err != nil {
		log.Fatal(err)
	}
}

func ExampleNew_unknownFormat() {
	_, err := report.New("xml", os.Stdout, report.Options{})
	fmt.Println(err)
	// Output: report: unknown format "xml"
}

func ExampleInert() {
	fmt.Println(report.Inert("\x1b[2Jinvoice\u202efdp.exe"))
	// Output: \x1b[2Jinvoice\u202efdp.exe
}
