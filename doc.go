// Package popscope finds the POP3 sessions in captured traffic: every
// command with its reply, the logins, and the messages.
//
//	src, err := capture.Open("mail.pcap")                  // pcap, pcapng, compressed: found by looking
//	out, err := report.New("jsonl", os.Stdout, report.Options{})
//	a := popscope.New(popscope.Options{})
//	for res, err := range a.Results(src) {                 // err: the capture is damaged; earlier results stand
//		out.Write(res)                                 // one finished POP3 session
//	}
//	out.Close(a.Summary())
//
// The package is the joint between the stages and holds nothing else:
//
//	capture             files to frames
//	capture/packet      a frame to a TCP segment, through any link type and tunnel
//	reassembly          segments to streams, with losses as losses
//	reassembly/tlsdec   what TLS shows without keys, and with them
//	pop3parse           two streams to exchanges, logins, messages: facts
//	pop3parse/message   the outline of a mail
//	report              results to words
//
// The same input gives the same results, byte for byte, whatever the number
// of workers and whichever way the capture is cut into files. Memory does
// not grow with the capture: see Limits.
package popscope
