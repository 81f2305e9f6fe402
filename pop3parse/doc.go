// Package pop3parse turns the two byte streams of a POP3 connection into
// exchanges: each command with its reply, the logins, the messages, and the
// states of the session (RFC 1939, RFC 2449, RFC 2595, RFC 5034, RFC 6856
// and the dialects that servers speak).
//
//	p := pop3parse.NewParser(pop3parse.Options{FromStart: true})
//	for chunk := range chunks {
//		p.Feed(chunk)
//	}
//	p.End(stream.ClosedFIN)
//	for _, x := range p.Exchanges() {
//		fmt.Println(x.Verb, x.Args, x.Status, x.Text) // secrets are masked
//	}
//
// The states of a session:
//
//	greeting --+OK--> AUTHORIZATION --login--> TRANSACTION --QUIT--> UPDATE
//
// A reply is paired with the oldest command that has none. Whether data
// follows its status line is looked up in the table of commands when the
// status line is read; for commands that no table knows, the next line
// decides. Octet counts never frame anything. The result depends on the two
// streams only, not on how the capture interleaved them: each direction is
// read as far as the other one says how to read it.
//
// Where bytes were lost, the acknowledgement numbers of TCP say what a
// sender had received when it spoke, which nearly always leaves one command
// for a reply; see resync.go. What rests on that is marked Resynced, and
// what rests on the shape of the text only is marked Guessed.
//
// The package states facts and does not judge them: Notes say what is odd,
// and errors do not exist, since whatever bytes come in are what was sent.
// It does not decode mails (package message) nor TLS (package tlsdec), and
// it knows no packets but by their numbers.
package pop3parse
