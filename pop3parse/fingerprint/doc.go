// Package fingerprint tells which software speaks in a POP3 session, by the
// words of the server and the habits of the client.
//
//	m := fingerprint.NewMatcher()
//	p := m.Print()
//	p.Exchange(&x)             // each exchange, in order
//	server := p.Server(session) // nil: not known
//	client := p.Client()
//	// server.Name is "Dovecot", server.Sure is fingerprint.High
//
// What is known stands in software.tsv, one row for each trait: whose it is,
// where to look, a pattern, what it weighs, how it was verified, and an
// example. Weights of the rows that match are added up, each row once. From
// 50 on the software is named, from 80 on it is sure. Where two are less
// than 20 apart, neither is named.
//
// Traits of servers:
//
//	greeting     its text, with <> in place of an APOP timestamp
//	timestamp    the APOP timestamp, brackets and all
//	capa         all rows of the CAPA list as sent, with ", " between them
//	VERB+ VERB-  the text of a +OK or -ERR to a command; "-" alone: to any
//
// Traits of clients:
//
//	script       the commands as sent, with blanks between them
//
//	CAPA AUTH-PLAIN= STAT LIST UIDL RETR# &RETR# DELE# QUIT
//
//	#    behind a command: with a number       &  before it: pipelined
//	-X=  behind AUTH: the mechanism X, = with an initial response
//	...  at the end: more commands followed
//
// A greeting can be anything, and so can everything else: a fingerprint is
// what the sides say they are, or sound like.
package fingerprint
