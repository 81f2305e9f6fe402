package mailfile_test

import (
	"fmt"
	"log"
	"os"

	"popscope"
	"popscope/capture"
	"popscope/report/mailfile"
)

func Example() {
	dir, err := os.MkdirTemp("", "evidence")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	src, err := capture.Open("../../testdata/pcap/dovecot-attachments.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()

	out, err := mailfile.Open(dir, mailfile.Options{Attachments: true})
	if err != nil {
		log.Fatal(err)
	}
	a := popscope.New(popscope.Options{Body: out.Body})
	for res, err := range a.Results(src) {
		if err != nil { // the capture is damaged; what it held before stands
			log.Print(err)
			continue
		}
		for _, s := range out.Save(res) {
			fmt.Println(s.File, s.Octets, s.Err)
		}
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("attachments:", out.Report().Attachments.Written)
	// Output:
	// 000001-alice-retr1-Städte_und_Bilder.eml 2047 <nil>
	// 000002-alice-retr2-会議のお知らせ.eml 827 <nil>
	// 000003-alice-retr3-Отчёт.eml 730 <nil>
	// 000004-alice-retr4-转发_你好.eml 6566 <nil>
	// attachments: 6
}

func ExampleName() {
	fmt.Println(mailfile.Name("../Invoice: \u202efdp.exe", mailfile.MaxName))
	// Output:
	// Invoice_fdp.exe
}
