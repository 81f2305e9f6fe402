package popscope_test

import (
	"fmt"
	"log"
	"os"

	"popscope"
	"popscope/capture"
	"popscope/reassembly/tlsdec"
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

// POP3 in TLS, with the secrets that a client wrote to SSLKEYLOGFILE.
func ExampleOptions_keys() {
	src, err := capture.Open("testdata/pcap/dovecot-stls.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	file, err := os.Open("testdata/pcap/dovecot-stls.keylog")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	keys := new(tlsdec.KeyLog)
	if _, err := keys.ReadFrom(file); err != nil {
		log.Fatal(err)
	}
	a := popscope.New(popscope.Options{Keys: keys})
	for res, err := range a.Results(src) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(res.TLS, tlsdec.VersionName(res.TLSInfo.Version), res.TLSInfo.Decrypted)
		for _, x := range res.Exchanges {
			fmt.Println(x.Verb, x.Args, x.Encrypted)
		}
	}
	// Output:
	// stls TLS 1.3 true
	// CAPA  false
	// STLS  false
	// CAPA  true
	// USER alice true
	// PASS ******** true
	// RETR 1 true
	// QUIT  true
}
