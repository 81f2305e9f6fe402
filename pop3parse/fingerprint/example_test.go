package fingerprint_test

import (
	"fmt"

	"popscope/pop3parse"
	"popscope/pop3parse/fingerprint"
	"popscope/reassembly/stream"
)

func Example() {
	p := pop3parse.NewParser(pop3parse.Options{FromStart: true})
	p.Feed(stream.Chunk{Dir: stream.Server, Data: []byte("+OK Dovecot (Debian) ready.\r\n")})
	p.End(stream.ClosedFIN)

	traits := fingerprint.NewMatcher().Print()
	for _, x := range p.Exchanges() {
		traits.Exchange(&x)
	}
	if s := traits.Server(p.Session()); s != nil {
		fmt.Println(s.Name, s.Sure, s.Evidence)
	}
	// Output:
	// Dovecot high [greeting]
}
