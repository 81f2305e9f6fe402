package capturetest_test

import (
	"fmt"

	"popscope/capture/capturetest"
)

func Example() {
	d, err := capturetest.Parse("example.txt", `
# A session of one command.
S: +OK POP3 ready
C: QUIT
S: +OK bye
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	trace := d.Trace().Split(4).Shuffle(1, 3).Duplicate(2, 50)
	got, err := capturetest.FromSource(capturetest.Source(trace.Packets(capturetest.FindEncap("vxlan"))))
	fmt.Printf("%q %v\n", got.Stream(0, false), err)
	// Output: "+OK POP3 ready\r\n+OK bye\r\n" <nil>
}
