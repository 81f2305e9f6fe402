package pop3parse

import (
	"fmt"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

var fromStart = Options{FromStart: true}

func TestRFC1939Section10(t *testing.T) {
	check(t, fromStart, `
		S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>
		C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
		S: +OK mrose's maildrop has 2 messages (320 octets)
		C: STAT
		S: +OK 2 320
		C: LIST
		S: +OK 2 messages (320 octets)
		S: 1 120
		S: 2 200
		S: .
		C: RETR 1
		S: +OK 120 octets
		S: <the POP3 server sends message 1>
		S: .
		C: DELE 1
		S: +OK message 1 deleted
		C: RETR 2
		S: +OK 200 octets
		S: <the POP3 server sends message 2>
		S: .
		C: DELE 2
		S: +OK message 2 deleted
		C: QUIT
		S: +OK dewey POP3 server signing off (maildrop empty)
	`, `
		greeting "POP3 server ready <1896.697170952@dbc.mtview.ca.us>"
		APOP "mrose c4c9334bac560ecc979e58001b3e22fb" -> +OK "mrose's maildrop has 2 messages (320 octets)"
		STAT -> +OK "2 320"
		LIST -> +OK "2 messages (320 octets)" lines=2 octets=14
		RETR "1" -> +OK "120 octets" lines=1 octets=35 !octets_differ
		DELE "1" -> +OK "message 1 deleted"
		RETR "2" -> +OK "200 octets" lines=1 octets=35 !octets_differ
		DELE "2" -> +OK "message 2 deleted"
		QUIT -> +OK "dewey POP3 server signing off (maildrop empty)"
		login 1 APOP "mrose" secret="" success challenge=<1896.697170952@dbc.mtview.ca.us> response=c4c9334bac560ecc979e58001b3e22fb crackable
		message 4 RETR 1 octets=35 complete deleted
		message 6 RETR 2 octets=35 complete deleted
		state update committed deleted=2
	`)
}

func TestPipelining(t *testing.T) {
	check(t, fromStart, `
		S: +OK ready
		C: USER alice
		C: PASS won derland 
		C: STAT
		C: LIST
		C: RETR 1
		C: QUIT
		S: +OK
		S: +OK
		S: +OK 1 20
		S: +OK
		S: 1 20
		S: .
		S: +OK
		S: Subject: x
		S: 
		S: ..dot
		S: +OK not a reply
		S: .
		S: +OK bye
	`, `
		greeting "ready"
		USER "alice" -> +OK
		PASS "won derland " -> +OK pipelined
		STAT -> +OK "1 20" pipelined
		LIST -> +OK lines=1 octets=6 pipelined
		RETR "1" -> +OK lines=4 octets=38 pipelined
		QUIT -> +OK "bye" pipelined
		login 2 USER/PASS "alice" secret="won derland " success cleartext
		message 5 RETR 1 octets=37 complete
		state update committed
	`)
}

func TestSASLInsideAPipeline(t *testing.T) {
	check(t, fromStart, `
		S: +OK ready
		C: AUTH PLAIN
		C: AGFsaWNlAHdvbmRlcmxhbmQ=
		C: STAT
		C: NOOP
		S: + 
		S: +OK logged in
		S: +OK 0 0
		S: +OK
	`, `
		greeting "ready"
		AUTH "PLAIN" -> +OK "logged in" S"" C"AGFsaWNlAHdvbmRlcmxhbmQ="
		STAT -> +OK "0 0" pipelined
		NOOP -> +OK pipelined
		login 1 PLAIN "alice" secret="wonderland" success cleartext
		state transaction
	`)
}

func TestSASLCancelled(t *testing.T) {
	check(t, fromStart, `
		S: +OK ready
		C: AUTH LOGIN
		S: + VXNlcm5hbWU6
		C: *
		S: -ERR cancelled
		C: AUTH PLAIN =
		S: + 
		C: AGFsaWNlAHdvbmRlcmxhbmQ=
		S: -ERR [AUTH] no
		C: QUIT
		S: +OK
	`, `
		greeting "ready"
		AUTH "LOGIN" -> -ERR "cancelled" S"VXNlcm5hbWU6" C"*" !sasl_cancelled
		AUTH "PLAIN =" -> -ERR "[AUTH] no" code=AUTH S"" C"AGFsaWNlAHdvbmRlcmxhbmQ="
		QUIT -> +OK
		login 1 LOGIN "" secret="" failure reason=cancelled protected
		login 2 PLAIN "alice" secret="wonderland" failure reason=bad_credentials cleartext
		state authorization
	`)
}

func TestCancelledAfterTheServerRefused(t *testing.T) {
	check(t, fromStart, `
		S: +OK ready
		C: AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2tlbgEB
		S: + eyJzdGF0dXMiOiI0MDAifQ==
		C: *
		S: -ERR [AUTH] no
	`, `
		greeting "ready"
		AUTH "XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2tlbgEB" -> -ERR "[AUTH] no" code=AUTH S"eyJzdGF0dXMiOiI0MDAifQ==" C"*" !sasl_cancelled
		login 1 XOAUTH2 "alice" secret="token" failure reason=bad_credentials token
		state authorization
	`)
}

func TestServerEndsSASLUnanswered(t *testing.T) {
	check(t, fromStart, `
		S: +OK ready
		C: AUTH LOGIN
		S: + VXNlcm5hbWU6
		S: -ERR timeout
		C: QUIT
		S: +OK
	`, `
		greeting "ready"
		AUTH "LOGIN" -> -ERR "timeout" S"VXNlcm5hbWU6"
		QUIT -> +OK
		login 1 LOGIN "" secret="" failure reason=other protected
		state authorization
	`)
}

func TestListWithAndWithoutArgument(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: LIST 2
		S: +OK 2 200
		C: UIDL 2
		S: +OK 2 QhdPYR:00WBw1Ph7x7
		C: LIST 
		S: +OK
		S: .
		C: UIDL
		S: +OK
		S: 1 whqtswO00WBw418f9t5JxYwZ
		S: 2 QhdPYR:00WBw1Ph7x7
		S: .
		C: RETR 2
		S: +OK
		S: .
		C: list 3
		S: -ERR no such message
	`, `
		greeting ""
		LIST "2" -> +OK "2 200" !wrong_state
		UIDL "2" -> +OK "2 QhdPYR:00WBw1Ph7x7"
		LIST -> +OK lines=0 octets=0
		UIDL -> +OK lines=2 octets=50
		RETR "2" -> +OK lines=0 octets=0
		LIST(list) "3" -> -ERR "no such message"
		message 5 RETR 2 octets=0 complete uidl=QhdPYR:00WBw1Ph7x7
		state transaction
	`)
}

func TestListNAnsweredWithRows(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: LIST 1
		S: +OK
		S: 1 120
		S: .
		C: NOOP
		S: +OK
	`, `
		greeting ""
		LIST "1" -> +OK lines=1 octets=7 !wrong_state !listed_multi
		NOOP -> +OK
		state transaction
	`)
}

func TestUnknownCommands(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: HELP
		S: +OK commands:
		S: USER PASS
		S: QUIT
		S: .
		C: XFOO bar
		S: +OK fine
		C: XBAR
		S: -ERR no
		C: QUIT
		S: +OK
	`, `
		greeting ""
		HELP -> +OK "commands:" lines=2 octets=17 !unknown_command !look_ahead
		XFOO "bar" -> +OK "fine" !unknown_command !look_ahead
		XBAR -> -ERR "no" !unknown_command
		QUIT -> +OK
		state authorization
	`)
}

func TestTransmit(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: XTND XMIT
		S: +OK send
		C: Subject: out
		C: 
		C: ..x
		C: .
		S: +OK queued
		C: QUIT
		S: +OK
	`, `
		greeting ""
		XTND "XMIT" -> +OK "queued"
		QUIT -> +OK
		message 1 XTND 0 octets=20 complete
		state authorization
	`)
	check(t, fromStart, `
		S: +OK
		C: NOOP XMIT
		S: +OK
		C: XTND BBOARDS
		S: +OK 1 2
		S: a row
		S: .
		C: QUIT
		S: +OK
	`, `
		greeting ""
		NOOP "XMIT" -> +OK !wrong_state
		XTND "BBOARDS" -> +OK "1 2" lines=1 octets=7 !look_ahead
		QUIT -> +OK
		state authorization
	`)
}

func TestBareLF(t *testing.T) {
	check(t, fromStart, `
		S| +OK hi\n
		C| RETR 1\n
		S| +OK\nSubject: x\n\n..y\n.\n
		C| QUIT\n
		S| +OK\n
	`, `
		greeting "hi"
		RETR "1" -> +OK lines=3 octets=16 !bare_lf !bare_lf_terminator !wrong_state
		QUIT -> +OK !bare_lf
		message 1 RETR 1 octets=15 complete
		state update committed !bare_lf
	`)
}

func TestDotAfterBareLFStays(t *testing.T) {
	check(t, fromStart, `
		S: +OK hi
		C: RETR 1
		S: +OK
		S| a\n.\r\nb\r\n.\r\n
		C: QUIT
		S: +OK
	`, `
		greeting "hi"
		RETR "1" -> +OK lines=2 octets=8 !bare_lf !dot_after_bare_lf !wrong_state
		QUIT -> +OK
		message 1 RETR 1 octets=8 complete
		state update committed
	`)
}

func TestJunkBeforeAReply(t *testing.T) {
	check(t, fromStart, `
		S| +OK hi\n
		C| STAT\n
		S| +\r\r..\r\r..x\r\r\n.\r\r\t\t'\nx\n+OK 1 236\n
		C| QUIT\n
		S| +OK Bye\n
	`, `
		greeting "hi"
		STAT -> +OK "1 236" !bare_lf !lone_cr !unexpected_line !wrong_state
		QUIT -> +OK "Bye" !bare_lf
		state update committed !bare_lf
	`)
}

func TestDeletions(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: USER a
		S: +OK
		C: PASS b
		S: +OK
		C: DELE 1
		S: +OK
		C: RETR 1
		S: -ERR deleted
		C: RSET
		S: +OK
		C: DELE 2
		S: +OK
	`, `
		greeting ""
		USER "a" -> +OK
		PASS "b" -> +OK
		DELE "1" -> +OK
		RETR "1" -> -ERR "deleted" !number_deleted
		RSET -> +OK
		DELE "2" -> +OK
		login 2 USER/PASS "a" secret="b" success cleartext
		state transaction deleted=1
	`)
}

func TestAutologoutIsNoReplyToQUIT(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: NOOP
		S: +OK

		S: -ERR autologout
	`, `
		greeting ""
		NOOP -> +OK !wrong_state
		- -> -ERR "autologout" guessed !unexpected_reply
		state authorization
	`)
}

func TestLostReply(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: USER a
		xS: +OK send
		C: PASS b
		S: +OK in
		C: STAT
		S: +OK 1 2
	`, `
		greeting ""
		USER "a" -> - resynced !reply_lost
		PASS "b" -> +OK "in" resynced
		STAT -> +OK "1 2"
		login 2 USER/PASS "a" secret="b" success cleartext
		state transaction
	`)
}

func TestLostCommand(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: USER a
		S: +OK
		xC: PASS b
		S: +OK in
		C: STAT
		S: +OK 1 2
		C: NOOP
		S: +OK
	`, `
		greeting ""
		USER "a" -> +OK
		- -> +OK "in" guessed !command_lost
		STAT -> +OK "1 2" resynced
		NOOP -> +OK
		state transaction
	`)
}

// The replies to what was lost of a batch cannot be told from those to the
// rest of it: all of it was sent from the same place.
func TestLostBeginningOfABatch(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: USER a
		S: +OK
		C: PASS b
		S: +OK
		xC: DELE 1
		xC: DELE 2
		C: DELE 3
		C: RETR 4
		S: +OK message 1 deleted
		S: -ERR message 2 already deleted
		S: +OK message 3 deleted
		S: +OK
		S: Subject: four
		S: 
		S: .
		C: QUIT
		S: +OK
	`, `
		greeting ""
		USER "a" -> +OK
		PASS "b" -> +OK
		- -> +OK "message 1 deleted" guessed !command_lost
		DELE "3" -> -ERR "message 2 already deleted" pipelined guessed
		RETR "4" -> +OK "message 3 deleted" lines=3 octets=22 pipelined guessed
		QUIT -> +OK resynced
		login 2 USER/PASS "a" secret="b" success cleartext
		message 5 RETR 4 octets=22 truncated
		state update committed
	`)
}

// A client that was seen to go on when it had a part of what it had asked for
// does so again, perhaps: where it stands says nothing of what was answered.
func TestLossWithASlidingClient(t *testing.T) {
	text := `
		S: +OK
		C: NOOP
		C: RSET

		S: +OK noop

		C: NOOP

		S: +OK rset
		S: +OK noop

		C: DELE 1
		xC: DELE 2
		xC: DELE 3

		S: +OK 1
		S: +OK 2

		C: DELE 4

		S: -ERR 3
		S: +OK 4
	`
	for _, x := range parse(fromStart, script(text), stream.ClosedFIN).Exchanges() {
		if x.Verb == DELE && x.Number() == 4 && x.Pairing != Guessed {
			t.Errorf("DELE 4 is called %s with %q", x.Pairing, x.Text.Reveal())
		}
	}
}

// TestLossOfTheWordToGoOn loses the reply that would tell how the client's
// next bytes are to be read: they tell it themselves.
func TestLossOfTheWordToGoOn(t *testing.T) {
	const login = "S: +OK\n\nC: USER alice\n\nS: +OK\n\nC: PASS x\n\nS: +OK\n\n"
	const loggedIn = "greeting \"\"\nUSER \"alice\" -> +OK\nPASS \"x\" -> +OK\n"
	for _, row := range []struct{ lines, want string }{
		{"S: +OK\n\nC: STLS\n\nxS: +OK\n\nC| \\x16\\x03\\x03abc\n\nS| \\x16\\x03\\x03def",
			"greeting \"\"\nSTLS -> - resynced !reply_lost\nstate authorization"},
		{"S: +OK\n\nC: STLS\n\nxS: -ERR\n\nC: USER alice\n\nS: +OK\n\nC: NOOP\n\nS: -ERR",
			"greeting \"\"\nSTLS -> - resynced !reply_lost\nUSER \"alice\" -> +OK resynced\nNOOP -> -ERR !wrong_state\nstate authorization"},
		{"S: +OK\n\nC: AUTH PLAIN\n\nxS: -ERR\n\nC: USER alice\n\nS: +OK",
			"greeting \"\"\nAUTH \"PLAIN\" -> - resynced !reply_lost\nUSER \"alice\" -> +OK resynced\nlogin 1 PLAIN \"\" secret=\"\" unknown protected\nstate authorization"},
		{"S: +OK\n\nC: AUTH PLAIN\n\nxS: +\n\nC: AGFsaWNlAHNlc2FtZQ==\n\nS: +OK in\n\nC: QUIT\n\nS: +OK",
			"greeting \"\"\nAUTH \"PLAIN\" -> +OK \"in\" C\"AGFsaWNlAHNlc2FtZQ==\" guessed !reply_damaged\nQUIT -> +OK resynced\nlogin 1 PLAIN \"alice\" secret=\"sesame\" unknown cleartext\nstate authorization"},
		{login + "C: XTND XMIT\n\nxS: +OK\n\nC: Subject: a\nC: \nC: QUIT\nC: .\n\nS: +OK sent\n\nC: QUIT\n\nS: +OK",
			loggedIn + "XTND \"XMIT\" -> +OK \"sent\" !reply_damaged\nQUIT -> +OK\nlogin 2 USER/PASS \"alice\" secret=\"x\" success cleartext\nmessage 3 XTND 0 octets=20 complete\nstate update committed"},
		{login + "C: DELE 1\nC: XTND XMIT\n\nxS: +OK\nxS: +OK\n\nC: Subject: a\nC: \nC: QUIT\nC: .\n\nS: +OK sent\n\nC: QUIT\n\nS: +OK",
			loggedIn + "DELE \"1\" -> - !reply_lost\nXTND \"XMIT\" -> +OK \"sent\" !reply_damaged\nQUIT -> +OK\nlogin 2 USER/PASS \"alice\" secret=\"x\" success cleartext\nmessage 4 XTND 0 octets=20 complete\nstate update committed"},
	} {
		check(t, fromStart, row.lines, row.want)
	}
	p := parse(fromStart, script("S: +OK\n\nC: STLS\n\nxS: +OK\n\nC| \\x16\\x03\\x03abc\n\nS| \\x16\\x03\\x03def"), stream.ClosedFIN)
	if s := p.Session(); !s.STLS || s.ClearAfterSTLS || s.Ending != EndMissing {
		t.Errorf("STLS %v, clear text after it %v, ending %d", s.STLS, s.ClearAfterSTLS, s.Ending)
	}
}

func TestLossInsideAMessage(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: RETR 1
		S: +OK 100 octets
		S: Subject: x
		xS: 
		xS: some text
		S: more
		S: +OK looks like a reply
		S: .
		C: QUIT
		S: +OK
	`, `
		greeting ""
		RETR "1" -> +OK "100 octets" lines=3 octets=42 !reply_damaged
		QUIT -> +OK resynced
		message 1 RETR 1 octets=42 gaps gap=12+13
		state update committed
	`)
}

func TestLossOfTheEndOfAMessage(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: RETR 1
		S: +OK 100 octets
		S: Subject: x
		xS: 
		xS: .
		C: DELE 1
		S: +OK
		C: QUIT
		S: +OK
	`, `
		greeting ""
		RETR "1" -> +OK "100 octets" lines=1 octets=12 unterminated !reply_damaged
		DELE "1" -> +OK resynced
		QUIT -> +OK
		message 1 RETR 1 octets=12 gaps gap=12+5 deleted
		state update committed deleted=1
	`)
}

func TestLossOfTheBeginningOfAReply(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: RETR 1
		xS: +OK 100 octets
		xS: Subject: x
		S: 
		S: text
		S: .
		C: QUIT
		S: +OK
	`, `
		greeting ""
		RETR "1" -> - lines=2 octets=8 resynced !reply_damaged
		QUIT -> +OK resynced
		message 1 RETR 1 octets=8 gaps gap=0+28
		state authorization
	`)
}

func TestCaughtInTheMiddle(t *testing.T) {
	check(t, Options{}, `
		C: RETR 2
		S: +OK
		S: Subject: x
		S: .
		C: QUIT
		S: +OK bye
	`, `
		RETR "2" -> +OK lines=1 octets=12 guessed
		QUIT -> +OK "bye" resynced
		message 1 RETR 2 octets=12 complete
		state update committed
	`)
}

func TestClientOnly(t *testing.T) {
	check(t, fromStart, `
		xS: +OK
		C: USER a
		xS: +OK
		C: PASS b
		xS: +OK in
		C: AUTH PLAIN
		xS: + 
		C: AGFsaWNlAHdvbmRlcmxhbmQ=
		xS: +OK in
		C: STAT
		xS: +OK 1 2
	`, `
		USER "a" -> - guessed !reply_lost
		PASS "b" -> - guessed !reply_lost
		AUTH "PLAIN" -> - C"AGFsaWNlAHdvbmRlcmxhbmQ=" guessed !reply_lost !reply_damaged
		STAT -> - guessed
		login 2 USER/PASS "a" secret="b" unknown cleartext
		login 3 PLAIN "alice" secret="wonderland" unknown cleartext
		state authorization
	`)
}

func TestServerOnly(t *testing.T) {
	check(t, fromStart, `
		S: +OK POP3 ready
		xC: USER a
		S: +OK
		xC: PASS b
		S: +OK in
		xC: STAT
		S: +OK 1 2
		xC: LIST
		S: +OK
		S: 1 2
		S: .
		xC: RETR 1
		S: +OK
		S: Subject: x
		S: 
		S: .
		xC: QUIT
		S: +OK bye
	`, `
		greeting "POP3 ready"
		- -> +OK guessed !command_lost
		- -> +OK "in" guessed !command_lost
		STAT -> +OK "1 2" guessed !command_lost
		LIST -> +OK lines=1 octets=5 guessed !command_lost
		RETR -> +OK lines=2 octets=14 guessed !command_lost
		QUIT -> +OK "bye" guessed !command_lost
		message 5 RETR 0 octets=14 complete
		state transaction
	`)
}

// TestOneSideTellsNoEnding: what the other one said is missing, perhaps with
// a QUIT or its reply.
func TestOneSideTellsNoEnding(t *testing.T) {
	for _, lines := range []string{"C: USER alice\nC: PASS x\nC: DELE 1", "S: +OK\nS: +OK\nS: +OK"} {
		if got := parse(fromStart, script(lines), stream.ClosedFIN).Session().Ending; got != EndMissing {
			t.Errorf("%q: got %d, want %d", lines, got, EndMissing)
		}
	}
}

func TestAUTHAnsweredWithOK(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: AUTH LOGIN
		S: +OK
		C: YWxpY2U=
		S: + UGFzc3dvcmQ6
		C: d29uZGVybGFuZA==
		S: +OK in
		C: QUIT
		S: +OK
	`, `
		greeting ""
		AUTH "LOGIN" -> +OK "in" S"" C"YWxpY2U=" S"UGFzc3dvcmQ6" C"d29uZGVybGFuZA=="
		QUIT -> +OK
		login 1 LOGIN "alice" secret="wonderland" success cleartext
		state update committed
	`)
	check(t, fromStart, `
		S: +OK
		C: AUTH EXTERNAL
		S: +OK in
		C: STAT
		S: +OK 0 0
	`, `
		greeting ""
		AUTH "EXTERNAL" -> +OK "in"
		STAT -> +OK "0 0"
		login 1 EXTERNAL "" secret="" success protected
		state transaction
	`)
}

func TestChallengeWithoutASpace(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: AUTH LOGIN
		S: +VXNlcm5hbWU6
		C: YWxpY2U=
		S: +UGFzc3dvcmQ6
		C: d29uZGVybGFuZA==
		S: +OKAY
		S: xVXNlcm5hbWU6
		S: -ERR no
		C: STAT
		S: +VXNlcm5hbWU6
		S: -ERR
	`, `
		greeting ""
		AUTH "LOGIN" -> -ERR "no" S"VXNlcm5hbWU6" C"YWxpY2U=" S"UGFzc3dvcmQ6" C"d29uZGVybGFuZA==" !unexpected_line
		STAT -> -ERR !unexpected_line !wrong_state
		login 1 LOGIN "alice" secret="wonderland" failure reason=other cleartext
		state authorization
	`)
}

func TestListingWithoutData(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: CAPA
		S: +OK
		C: AUTH
		S: +OK LOGIN PLAIN
		C: USER alice
		S: +OK
		C: CAPA
		C: NOOP
		S: +OK
		S: TOP
		S: +OK is a row
		S: .
		S: -ERR
	`, `
		greeting ""
		CAPA -> +OK lines=0 octets=0 unterminated
		AUTH -> +OK "LOGIN PLAIN" lines=0 octets=0 unterminated resynced
		USER "alice" -> +OK resynced
		CAPA -> +OK lines=2 octets=19
		NOOP -> -ERR pipelined !wrong_state
		state authorization
	`)
}

func TestEveryCommandSaysWhereItIsSpecified(t *testing.T) {
	for _, row := range verbs {
		if row.rfc == "" || row.in == 0 {
			t.Errorf("the row of %s is not complete", row.verb)
		}
	}
	if got := Verb("XFOO").RFC(); got != "" {
		t.Errorf("XFOO is specified in %q", got)
	}
}

func TestStrayAnswersOfARefusedLogin(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: AUTH LOGIN
		C: YWxpY2U=
		C: d29uZGVybGFuZC03
		S: -ERR [AUTH] no
		S: -ERR what
		S: -ERR what
	`, `
		greeting ""
		AUTH "LOGIN" -> -ERR "[AUTH] no" code=AUTH
		- "YWxpY2U=" -> -ERR "what" pipelined !unknown_command
		- "d29uZGVybGFuZC03" -> -ERR "what" pipelined !unknown_command
		login 1 LOGIN "alice" secret="wonderland-7" failure reason=bad_credentials cleartext
		state authorization
	`)
}

func TestProxyHeader(t *testing.T) {
	for name, header := range map[string]string{
		"text":   `PROXY TCP4 192.0.2.1 192.0.2.2 1234 110\r\n`,
		"binary": `\r\n\r\n\0\r\nQUIT\n!!\0\0`,
	} {
		t.Run(name, func(t *testing.T) {
			check(t, fromStart, "C| "+header+`
				S: +OK ready
				C: USER alice
				S: +OK
				C: PASS x
				S: -ERR [AUTH] no
				C: QUIT
				S: +OK
			`, `
				greeting "ready"
				USER "alice" -> +OK
				PASS "x" -> -ERR "[AUTH] no" code=AUTH
				QUIT -> +OK
				login 2 USER/PASS "alice" secret="x" failure reason=bad_credentials cleartext
				state authorization !proxy_header
			`)
		})
	}
}

// TestWhatListingsTell: the answer about one message is a row, the words
// before a whole list are none.
func TestWhatListingsTell(t *testing.T) {
	p := parse(fromStart, script(`
		S: +OK
		C: USER alice
		S: +OK
		C: PASS x
		S: +OK
		C: STAT
		S: +OK 5 320
		C: LIST 2
		S: +OK 2 120
		C: UIDL 2
		S: +OK 2 abc
		C: UIDL 9
		S: +OK 9 u1
		C: LIST
		S: +OK 3 320
		S: 1 200
		S: .
		C: UIDL
		S: +OK 3 messages
		S: 1 u1
		S: .
		C: LIST all
		S: +OK 4 400
		C: UIDL all
		S: +OK 4 u4
		C: UIDL 5
		S: +OK 5 a b
		C: RETR 2
		S: +OK
		S: .
		C: QUIT
		S: +OK
	`), stream.ClosedFIN)
	if s, d := p.Session(), p.Maildrop(); s.StatMessages != 5 || s.StatOctets != 320 || d.Count != 5 || d.Octets != 320 {
		t.Errorf("STAT told %d %d, %d %d", s.StatMessages, s.StatOctets, d.Count, d.Octets)
	}
	var got strings.Builder
	for _, e := range p.Maildrop().Entries() {
		fmt.Fprintf(&got, "%d %d %s, ", e.Number, e.Octets, e.UID)
	}
	if want := "1 200 u1, 2 120 abc, 5 -1 a b, 9 -1 u1, "; got.String() != want {
		t.Errorf("\n got %s\nwant %s", got.String(), want)
	}
	if m := p.Messages()[0]; m.Listed != 120 || string(m.UIDL) != "abc" {
		t.Errorf("the message has %d octets and the unique id %q", m.Listed, m.UIDL)
	}
	for _, x := range p.Exchanges() {
		if got, want := x.Notes.Has(OddUID), string(x.Args.Reveal()) == "5"; got != want || x.Notes.Has(DuplicateUID) {
			t.Errorf("%s %s: odd unique id %v, twice %v", x.Verb, x.Args, got, x.Notes.Has(DuplicateUID))
		}
	}
}

// TestUniqueIDs: 1 to 70 octets from 0x21 to 0x7E (RFC 1939 section 7).
func TestUniqueIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"!~": true, strings.Repeat("a", 70): true, strings.Repeat("a", 71): false, "": false, "a b": false, "a\x7f": false, "\xc3\xa4": false, "a\x00": false,
	} {
		if got := isUID([]byte(id)); got != want {
			t.Errorf("%q: got %v, want %v", id, got, want)
		}
	}
}

// TestRSETInDoubt: deletions are undone by an RSET that was accepted, and in
// doubt behind one that may have been.
func TestRSETInDoubt(t *testing.T) {
	for _, row := range []struct{ lines, want string }{
		{"C: RSET\n\nS: +OK", "unmarked"},
		{"C: RSET\n\nS: -ERR", "marked"},
		{"C: RSET\n\nxS: +OK", "doubtful"},
		{"C: RSET\nC: NOOP\n\nxS: +OK\nS: +OK", "doubtful"},
		{"xC: RSET\n\nS: +OK", "doubtful"},
		{"xC: NOOP\n\nS: -ERR", "marked"},
		{"C: RSET\n\nxS: +OK\n\nC: DELE 1\n\nS: +OK", "marked"},
	} {
		p := parse(fromStart, script("S: +OK\n\nC: USER a\n\nS: +OK\n\nC: PASS b\n\nS: +OK\n\nC: DELE 1\n\nS: +OK\n\n"+row.lines+"\n\nC: QUIT\n\nS: +OK"), stream.ClosedFIN)
		e, _ := p.Maildrop().Entry(1)
		got := "unmarked"
		switch {
		case e.Doubtful:
			got = "doubtful"
		case e.Marked:
			got = "marked"
		}
		if got != row.want {
			t.Errorf("%q: %s, want %s\n%s", row.lines, got, row.want, show(p))
		}
	}
}

// TestStateOfALateCapture is learned from what a server accepts.
func TestStateOfALateCapture(t *testing.T) {
	for lines, want := range map[string]State{
		"C: USER a\nS: +OK": Authorization, "C: USER a\nS: -ERR": StateUnknown, "C: CAPA\nS: -ERR": StateUnknown, "C: NOOP\nS: +OK": StateUnknown,
		"C: STAT\nS: +OK 0 0": Transaction, "C: STAT\nS: -ERR": StateUnknown, "C: STAT\nS: +OK 0 0\nC: QUIT\nS: +OK": Update, "C: QUIT\nS: +OK": StateUnknown,
	} {
		if got := parse(Options{}, script(lines), stream.ClosedFIN).Session().State; got != want {
			t.Errorf("%q: %s, want %s", lines, got, want)
		}
	}
}

func TestUSERBehindTheLogin(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: USER alice
		S: +OK
		C: PASS x
		S: +OK
		C: USER bob
		S: +OK
		C: QUIT
		S: +OK
	`, `
		greeting ""
		USER "alice" -> +OK
		PASS "x" -> +OK
		USER "bob" -> +OK !wrong_state
		QUIT -> +OK
		login 2 USER/PASS "alice" secret="x" success cleartext
		state update committed
	`)
}

func TestDeletionInDoubt(t *testing.T) {
	check(t, fromStart, `
		S: +OK
		C: USER a
		S: +OK
		C: PASS b
		S: +OK
		C: RETR 1
		S: +OK
		S: x
		S: .
		C: DELE 1
		S: +OK
		xC: RSET
		xS: +OK
		C: QUIT
		S: +OK
	`, `
		greeting ""
		USER "a" -> +OK
		PASS "b" -> +OK
		RETR "1" -> +OK lines=1 octets=3
		DELE "1" -> +OK
		- -> - guessed !command_lost !reply_lost
		QUIT -> +OK guessed
		login 2 USER/PASS "a" secret="b" success cleartext
		message 3 RETR 1 octets=3 complete
		state update committed
	`)
}

func TestAnswerToAnotherCommandIsNoLogin(t *testing.T) {
	p := parse(fromStart, script(`
		S: +OK
		C: AUTH LOGIN
		S: + VXNlcm5hbWU6
		C: YWxpY2U=
		S: + UGFzc3dvcmQ6
		C: d29uZGVybGFuZC03
		xS: -ERR [AUTH] no
		xC: NOOP
		S: +OK
		C: QUIT
		S: +OK
	`), 0)
	for _, l := range p.Logins() {
		if l.Outcome != OutcomeUnknown {
			t.Errorf("the login is a %s:\n%s", l.Outcome, show(p))
		}
	}
	if p.Session().Committed {
		t.Errorf("committed:\n%s", show(p))
	}
}

// TestInjectedCommandAnsweredOrNot: whether a server executed what came in one
// go with STLS is told by whether it spoke in TLS before it was asked there.
func TestInjectedCommandAnsweredOrNot(t *testing.T) {
	const before = "S: +OK ready\nC: STLS\nC: USER mallory\nS: +OK go\n"
	for _, tt := range []struct{ name, inside, want string }{
		{"thrown away", "C: CAPA\nS: -ERR no\nC: QUIT\nS: +OK bye\n", `STLS +OK, USER , CAPA -ERR, QUIT +OK`},
		{"executed", "S: +OK hello mallory\nC: CAPA\nS: -ERR no\nC: QUIT\nS: +OK bye\n", `STLS +OK, USER +OK, CAPA -ERR, QUIT +OK`},
		{"no more was said", "S: +OK hello mallory\n", `STLS +OK, USER +OK`},
	} {
		chunks := script(before + tt.inside)
		for i := strings.Count(before, "\n"); i < len(chunks); i++ {
			chunks[i].Secure = true
		}
		var got []string
		for _, x := range parse(fromStart, chunks, stream.ClosedFIN).Exchanges() {
			got = append(got, string(x.Verb)+" "+x.Status.String())
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestDisputedGreeting: where another copy of the greeting has more lines the
// first reply may be one of them. Nothing is said of what was decrypted.
func TestDisputedGreeting(t *testing.T) {
	for _, row := range []struct {
		secure, lines bool
		want          [2]Pairing
	}{
		{false, true, [2]Pairing{Resynced, Sure}},
		{false, false, [2]Pairing{Sure, Sure}},
		{true, true, [2]Pairing{Resynced, Sure}},
	} {
		chunks := script("S: +OK ready\n\nC: NOOP\n\nS: +OK\n\nC: NOOP\n\nS: +OK")
		for i := range chunks[1:] {
			chunks[1+i].Secure = row.secure
		}
		p := parse(fromStart, chunks, stream.ClosedFIN)
		p.Dispute(&[2][]stream.Dispute{stream.Server: {{From: 4, To: 6, Lines: row.lines}, {From: 12, To: 14}}})
		for i, x := range p.Exchanges() {
			if x.Pairing != row.want[i] || x.Notes.Has(DifferingCopies) != (i == 0 && !row.secure) {
				t.Errorf("lines %v, secure %v: NOOP %d is %s, noted %v", row.lines, row.secure, i+1, x.Pairing, x.Notes.Has(DifferingCopies))
			}
		}
	}
}

// TestLoginsInsideTLS: whatever they show is protected there, and neither the
// exchange nor the login is in clear.
func TestLoginsInsideTLS(t *testing.T) {
	text := `
		S: +OK
		C: AUTH PLAIN
		S: + go on
		C: AGFsaWNlAHg=
		S: -ERR
		C: APOP alice 0123456789abcdef0123456789abcdef
		S: -ERR
		C: USER alice
		S: +OK
		C: PASS x
		S: +OK
	`
	for _, secure := range []bool{false, true} {
		chunks := script(text)
		for i := range chunks {
			chunks[i].Secure = secure
		}
		p := parse(fromStart, chunks, stream.ClosedFIN)
		for _, x := range p.Exchanges() {
			if x.Encrypted != secure {
				t.Errorf("%s: encrypted %v, want %v", x.Verb, x.Encrypted, secure)
			}
		}
		for i, want := range []Exposure{Cleartext, Crackable, Cleartext} {
			if secure {
				want = Protected
			}
			if l := p.Logins()[i]; l.Encrypted != secure || l.Exposure != want {
				t.Errorf("%s: encrypted %v, exposure %v, want %v and %v", l.Mechanism, l.Encrypted, l.Exposure, secure, want)
			}
		}
	}
}
