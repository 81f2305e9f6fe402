package audit_test

import (
	"fmt"
	"log"

	"popscope"
	"popscope/capture"
	"popscope/pop3parse/audit"
)

// The findings about each session, those about several, and the accounts.
func Example() {
	policy, err := audit.ParsePolicy([]byte("rules:\n  mail-in-clear: off\n"))
	if err != nil {
		log.Fatal(err)
	}
	src, err := capture.Open("../../testdata/pcap/dovecot-auth-failed.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	a := popscope.New(popscope.Options{Policy: policy})
	for res, err := range a.Results(src) {
		if err != nil {
			log.Print(err)
			continue
		}
		for _, f := range res.Findings {
			fmt.Println(f.Severity, f.Rule, f.Packets)
		}
	}
	sum := a.Summary()
	for _, f := range sum.Across {
		fmt.Println(f.Severity, f.Rule, f.Sessions)
	}
	for _, acc := range sum.Accounts {
		fmt.Printf("%s: %d accepted, %d refused, %v\n", acc.User, acc.Accepted, acc.Refused, acc.Exposure)
	}
	// Output:
	// high cleartext-login [24]
	// low cleartext-attempt [9 12]
	// alice: 1 accepted, 2 refused, cleartext
}

func ExampleParsePolicy() {
	_, err := audit.ParsePolicy([]byte("rules:\n  unknown-comand: off\n"))
	fmt.Println(err)
	// Output:
	// line 2: "unknown-comand" is no rule
}

func ExampleCatalogue() {
	for _, theme := range audit.Catalogue() {
		fmt.Println(theme.Name, theme.Rules[0].Slug)
	}
	// Output:
	// Exposure cleartext-login
	// TLS stls-refused
	// Attack password-guessing
	// Protocol apop-challenge-malformed
	// Evidence bytes-lost
}
