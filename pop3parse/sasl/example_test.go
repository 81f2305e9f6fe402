package sasl_test

import (
	"fmt"

	"popscope/pop3parse/sasl"
)

func ExampleDecode() {
	a := sasl.Decode("PLAIN", []sasl.Turn{
		{Server: true},
		{Data: []byte("AHRpbQB0YW5zdGFhZnRhbnN0YWFm")},
	})
	fmt.Printf("%s %v %v\n", a.User, a.Secret, a.Exposure)
	// Output: tim ******** cleartext
}

func ExampleChallenge() {
	id := sasl.Challenge([]byte("+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>"))
	fmt.Printf("%s %v\n", id, sasl.MsgID(id))
	// Output: <1896.697170952@dbc.mtview.ca.us> true
}
