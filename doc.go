// Package popscope finds the POP3 sessions in captured traffic: every
// command with its reply, the logins, and the messages.
//
//	src, err := capture.Open("mail.pcap")                  // pcap, pcapng, compressed: found by looking
//	out, err := report.New("jsonl", os.Stdout, report.Options{Files: []string{"mail.pcap"}})
//	a := popscope.New(popscope.Options{})
//	for res, err := range a.Results(src) {
//		if err != nil {                                // the capture is damaged: there is no res; earlier ones stand
//			log.Print(err)
//			continue
//		}
//		err = out.Write(res)                           // one finished POP3 session
//	}
//	err = out.Close(a.Summary())
//
// The package is the joint between the stages and holds nothing else:
//
//	capture                 files to frames
//	capture/packet          a frame to a TCP segment, through any link type and tunnel
//	reassembly              segments to streams, with losses as losses
//	reassembly/tlsdec       what TLS shows without keys, and with them
//	pop3parse               two streams to exchanges, logins, messages: facts
//	pop3parse/message       the outline of a mail
//	pop3parse/fingerprint   words and habits to names of software
//	pop3parse/audit         facts to findings
//	report                  results to words
//
// The same input gives the same results, byte for byte, whatever the number
// of workers and whichever way the capture is cut into files. Memory is
// bounded, whatever the capture holds: see Limits.
package popscope
