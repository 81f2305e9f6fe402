package ledger_test

import (
	"fmt"
	"log"

	"popscope"
	"popscope/capture"
	"popscope/pop3parse"
	"popscope/pop3parse/ledger"
)

// Who fetched what of each mailbox, and what became of it.
func Example() {
	src, err := capture.Open("../../testdata/pcap/dovecot-dele-quit.pcap", "../../testdata/pcap/dovecot-dele-noquit.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	l := ledger.New(ledger.Limits{})
	for res, err := range popscope.New(popscope.Options{}).Results(src) {
		if err != nil {
			log.Print(err)
			continue
		}
		var messages []pop3parse.Message
		for _, m := range res.Messages {
			messages = append(messages, m.Message)
		}
		l.Add(&ledger.Session{
			ID: res.ID, Client: res.Conn.Client, Server: res.Conn.Server,
			Exchanges: res.Exchanges, Messages: messages, Session: res.Session,
			Last: res.Last, Maildrop: res.Maildrop,
		})
	}
	for _, box := range l.Mailboxes() {
		for _, m := range box.Messages {
			outcome, why := m.Deletion()
			fmt.Printf("%s: message %d, fetched %d times: %v, %v\n", box.Account, m.Number, len(m.Fetches), outcome, why)
		}
	}
	// Output:
	// alice: message 1, fetched 1 times: committed, quit
	// alice: message 3, fetched 0 times: committed, quit
	// alice: message 1, fetched 1 times: rolled_back, no_quit
}
