// Package timing sums up how long servers took to answer, how fast messages
// went over the wire, and what held them up: by command, by server, by
// client and by user.
//
//	t := timing.New()
//	for res, err := range analyzer.Results(src) {
//		if err == nil { // otherwise it tells of damage, and there is no res
//			t.Add(res)
//		}
//	}
//	for _, f := range t.Commands().Rows() {
//		fmt.Println(f.Key, f.Response.Count(), f.Response.Percentile(95))
//	}
//
// What is measured:
//
//	response   from the last byte of a command to the first byte of its reply, as the capture saw them
//	transfer   octets of a message over the time from its reply's first byte to its last one
//	stalls     what TCP counted: segments sent again, closed windows, and the time lost by them
//	pipelining commands sent before the reply to the one before them had come
//
// A response time is left out where it would not be one: where the pairing
// is a guess, where the command was pipelined (it waited for others), and
// where the clock of the capture went backwards. A transfer rate needs a
// reply of more than one packet.
//
// Memory is bounded: a Histogram is exact up to a number of values and
// right to 1.6 % beyond it, and a Group has a row for each of the first
// MaxKeys keys and one for all others together.
package timing
