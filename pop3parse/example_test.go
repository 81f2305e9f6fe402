package pop3parse_test

import (
	"fmt"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// The two directions of a connection, in the order in which they were
// captured.
func Example() {
	p := pop3parse.NewParser(pop3parse.Options{FromStart: true})
	var at [2]int64 // how far each direction has come
	for _, say := range []struct {
		dir  stream.Dir
		text string
	}{
		{stream.Server, "+OK ready\r\n"},
		{stream.Client, "USER alice\r\nPASS wonderland-7\r\n"},
		{stream.Server, "+OK\r\n+OK 1 message\r\n"},
		{stream.Client, "RETR 1\r\nQUIT\r\n"},
		{stream.Server, "+OK 7 octets\r\nHello\r\n.\r\n+OK bye\r\n"},
	} {
		p.Feed(stream.Chunk{Dir: say.dir, Off: at[say.dir], Data: []byte(say.text), PeerAcked: at[say.dir.Other()]})
		at[say.dir] += int64(len(say.text))
	}
	p.End(stream.ClosedFIN)

	for _, x := range p.Exchanges() {
		fmt.Printf("%s %q: %v %q\n", x.Verb, x.Args, x.Status, x.Text)
	}
	for _, l := range p.Logins() {
		fmt.Printf("%s as %q: %v, %v\n", l.Mechanism, l.User, l.Outcome, l.Exposure)
	}
	for _, m := range p.Messages() {
		fmt.Println("message", m.Number, "of", m.Octets, "octets:", m.Verdict)
	}
	// Output:
	// USER "alice": +OK ""
	// PASS "********": +OK "1 message"
	// RETR "1": +OK "7 octets"
	// QUIT "": +OK "bye"
	// USER/PASS as "alice": success, cleartext
	// message 1 of 7 octets: complete
}
