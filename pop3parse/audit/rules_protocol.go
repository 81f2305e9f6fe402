package audit

import (
	"popscope/pop3parse"
	"popscope/pop3parse/sasl"
	"popscope/reassembly/stream"
)

// protocolRules are about servers and clients that break the rules, which
// shows faulty software, something in between that alters what passes, or
// an attempt to be misread.
var protocolRules = []Rule{
	{
		Slug: "apop-challenge-malformed", Severity: Medium, Scope: ServerScope, session: apopChallengeMalformed, needs: apop,
		Title:  "APOP challenge is no message id",
		Advice: "Do not use APOP: it falls to a server in the middle that chooses challenges (CVE-2007-1558). Clients must refuse such a challenge; use TLS.",
		RFC:    "RFC 1939 section 7; RFC 822 section 4.6",
		About:  "A client answered with APOP to a timestamp in the greeting that is not shaped like a msg-id. Attacks that recover the password need challenges with bytes that a msg-id cannot have. A greeting that nobody answers with APOP is no finding.",
	},
	{
		Slug: "apop-challenge-repeats", Severity: High, Scope: ServerScope,
		Title:  "APOP challenge repeats",
		Advice: "Fix or replace the server, or turn off APOP: whoever has recorded a login can replay it when its challenge comes back.",
		RFC:    "RFC 1939 section 7",
		About:  "A server sent the same APOP timestamp in the greetings of different sessions. Each must be different. It counts where a client has used APOP, or where the timestamp is made of numbers, as the RFC has it: a greeting may hold an address that is none.",
	},
	{
		Slug: "octets-differ", Severity: Low, Scope: ServerScope,
		session: func(v *view, r *active) { v.noted(r, set(pop3parse.OctetsDiffer), "1 message", "messages") },
		needs:   noted,
		Title:   "Announced size is not the size sent",
		Advice:  "Do not trust sizes of this server. If the difference is not the same for all messages, compare with the maildrop: something may alter mail on the way.",
		RFC:     "RFC 1939 section 11",
		About:   "The octets in the server's reply to RETR are not those of the message that follows, dots unstuffed and line ends counted as two. Replies without a count are no finding.",
	},
	{
		Slug: "mail-unterminated", Severity: Medium, Scope: SessionScope, session: mailUnterminated, needs: messages,
		Title:  "Message without its final line",
		Advice: "Look whether the server dies while it sends. Clients may take the next reply for mail, and mail for replies.",
		RFC:    "RFC 1939 section 3",
		About:  "All bytes of a message were seen, and yet the line with a single dot that ends it never came. A message that the capture or the connection cut short is no finding.",
	},
	{
		Slug: "data-unstuffed", Severity: Medium, Scope: ServerScope,
		session: func(v *view, r *active) { v.noted(r, set(pop3parse.Unstuffed), "1 reply", "replies") },
		needs:   noted,
		Title:   "Data not byte-stuffed",
		Advice:  "Replace the server: a mail can be written so that it ends early and goes on as replies of the server.",
		RFC:     "RFC 1939 section 3",
		About:   "A line of a multi-line reply begins with a single dot that is not doubled. A dot after a bare LF is not at the beginning of a line and no finding.",
	},
	{
		Slug: "uidl-duplicate", Severity: Low, Scope: ServerScope,
		session: func(v *view, r *active) { v.noted(r, set(pop3parse.DuplicateUID), "1 listing", "listings") },
		needs:   noted,
		Title:   "Two messages with one unique id",
		Advice:  "Compare the messages. Copies of one mail may share an id that is made of their content; if they differ, repair the maildrop's index. Clients that keep mail on the server skip one of the two, or fetch it again and again.",
		RFC:     "RFC 1939 section 7, UIDL",
		About:   "A listing of UIDL gives the same unique id to different messages.",
	},
	{
		Slug: "uidl-malformed", Severity: Low, Scope: ServerScope,
		session: func(v *view, r *active) { v.noted(r, set(pop3parse.OddUID), "1 reply", "replies") },
		needs:   noted,
		Title:   "Unique id too long or with odd characters",
		Advice:  "Report it to the maker of the server. Clients cut such ids, and then take different messages for one.",
		RFC:     "RFC 1939 section 7, UIDL",
		About:   "A unique id has more than 70 octets or none, or octets outside of 0x21 to 0x7E.",
	},
	{
		Slug: "line-too-long", Severity: Info, Scope: SessionScope,
		session: func(v *view, r *active) {
			v.noted(r, set(pop3parse.LongCommand, pop3parse.LongReply, pop3parse.LineCut), "1 exchange", "exchanges")
		},
		needs:  noted,
		Title:  "Line longer than allowed",
		Advice: "A single one is a careless program. Many, or very long ones, are somebody looking for overflows.",
		RFC:    "RFC 2449 section 4",
		About:  "A command line of more than 255 octets or the status line of a reply of more than 512. Lines of SASL dialogues and of mail may be longer.",
	},
	{
		Slug: "bare-lf", Severity: Low, Scope: PairScope,
		session: func(v *view, r *active) {
			v.noted(r, set(pop3parse.BareLF, pop3parse.BareLFTerminator), "1 exchange", "exchanges")
		},
		needs:  noted,
		Title:  "Lines end in LF alone",
		Advice: "Correct the program that does. Two readers that disagree about where lines end can be played against each other.",
		RFC:    "RFC 1939 section 3",
		About:  "A command, a reply or a line of data ends in LF without CR.",
	},
	{
		Slug: "control-bytes", Severity: Low, Scope: SessionScope,
		session: func(v *view, r *active) { v.noted(r, set(pop3parse.NUL, pop3parse.LoneCR), "1 exchange", "exchanges") },
		needs:   noted,
		Title:   "Zero bytes or lone CR in lines",
		Advice:  "Programs written in C end a text at a zero byte, and some end a line at CR: look at what follows it.",
		RFC:     "RFC 5322 section 2.2",
		About:   "A line holds a zero byte, or a CR that no LF follows.",
	},
	{
		Slug: "wrong-state", Severity: Low, Scope: PairScope,
		session: func(v *view, r *active) {
			v.noted(r, set(pop3parse.WrongState, pop3parse.NumberDeleted), "1 command", "commands")
		},
		needs:  noted,
		Title:  "Commands in the wrong state",
		Advice: "Look at the client. Commands for the maildrop before a login are typical of scripts that probe.",
		RFC:    "RFC 1939 sections 4 and 5",
		About:  "A command that is not allowed where the session stood, such as RETR before the login or for a message that is marked as deleted. Commands whose state is not known, since something was lost, do not count.",
	},
	{
		Slug: "list-multi-line", Severity: Info, Scope: ServerScope,
		session: func(v *view, r *active) { v.noted(r, set(pop3parse.ListedMulti), "1 reply", "replies") },
		needs:   noted,
		Title:   "LIST or UIDL of one message answered with several lines",
		Advice:  "Report it to the maker of the server. Clients lose step with its replies.",
		RFC:     "RFC 1939 section 5, LIST",
		About:   "LIST or UIDL with a message number has a single-line reply, and the server sent a listing.",
	},
	{
		Slug: "unknown-reply", Severity: Low, Scope: PairScope,
		session: func(v *view, r *active) {
			if !v.OneSided {
				v.noted(r, set(pop3parse.UnexpectedLine, pop3parse.UnexpectedReply), "1 place", "places")
			}
		},
		needs:  noted,
		Title:  "Server lines that answer nothing",
		Advice: "Look at the lines: a server or a box in between that speaks out of turn makes clients take one reply for another.",
		RFC:    "RFC 1939 section 3",
		About:  "A line of the server is neither +OK nor -ERR where a reply must begin, or a reply came to no command. After a loss, lines that belong to what was lost count too; where only the server was captured none do.",
	},
	{
		Slug: "unknown-command", Severity: Info, Scope: PairScope, session: unknownCommand, needs: noted,
		Title:  "Commands that no standard knows",
		Advice: "Mostly harmless. Commands of other protocols are somebody trying what the port is.",
		RFC:    "RFC 1939 section 3",
		About:  "A command that is in no RFC and no dialect that is known. The rest of one that was captured in part does not count.",
	},
	{
		Slug: "deletions-lost", Severity: Low, Scope: SessionScope, session: deletionsLost, last: true, needs: deletions,
		Title:  "Deletions lost without QUIT",
		Advice: "A server that keeps to the standard still has the messages, and clients fetch them again. If it happens often, look for timeouts between client and server.",
		RFC:    "RFC 1939 section 6",
		About: "The connection ended without QUIT, while messages were marked as deleted. A session that the capture did not see to its end is no finding, nor is one whose QUIT was not answered: " +
			"whether that was carried out is not known. A QUIT that the server refused is the rule quit-refused.",
	},
	{
		Slug: "quit-refused", Severity: Low, Scope: ServerScope, session: quitRefused, last: true, needs: deletions,
		Title:  "QUIT refused with messages marked as deleted",
		Advice: "Look into the log of the server for what kept it from removing them. Some may be gone; those that are left will be listed again.",
		RFC:    "RFC 1939 section 6",
		About:  "Messages were marked as deleted, and the server answered QUIT with -ERR: it says that not all of them were removed.",
	},
}

// set makes a set of notes.
func set(notes ...pop3parse.Note) pop3parse.Notes {
	var s pop3parse.Notes
	for _, n := range notes {
		s.Add(n)
	}
	return s
}

func apopChallengeMalformed(v *view, r *active) {
	c := v.Session.Challenge
	if v.traits&apop == 0 || c == nil || sasl.MsgID(c) {
		return
	}
	var e evidence
	e.add(v.Session.GreetingAt)
	for i := range v.Exchanges {
		if v.Exchanges[i].Verb == pop3parse.APOP {
			e.also(v.Exchanges[i].RequestFirst)
		}
	}
	v.find(r, "a challenge of "+itoa(int64(len(c)))+" octets", &e)
}

func mailUnterminated(v *view, r *active) {
	var e evidence
	for i := range v.Messages {
		m := &v.Messages[i]
		cut := v.Last && m.Exchange == v.Session.Exchanges && v.Conn.Close != stream.ClosedFIN && v.Conn.Close != stream.ClosedRST
		if m.Verdict == pop3parse.Unterminated && !cut {
			e.add(m.Last)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 message", "messages"), &e)
	}
}

func unknownCommand(v *view, r *active) {
	var e evidence
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		late := x.N == 1 && !v.Conn.Handshake && !v.Session.HasGreeting // the capture may begin inside of it
		if x.Notes.Has(pop3parse.UnknownCommand) && !x.Notes.Has(pop3parse.CommandDamaged) && !late {
			e.exchange(x)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 command", "commands"), &e)
	}
}

func deletionsLost(v *view, r *active) {
	if v.Session.Deleted > 0 && v.Session.Ending == pop3parse.NoQuit {
		v.marked(r, "the connection ended by "+endWord(v.Conn.Close), v.Conn.Ended)
	}
}

func quitRefused(v *view, r *active) {
	if v.Session.Deleted == 0 || v.Session.Ending != pop3parse.QuitRefused {
		return
	}
	for i := range v.Exchanges {
		if x := &v.Exchanges[i]; x.Verb == pop3parse.QUIT && x.Status == pop3parse.Err {
			v.marked(r, "QUIT was answered with -ERR", x.ReplyFirst)
			return
		}
	}
}

// marked adds a finding about the messages that were marked as deleted, and
// what came of it at a packet.
func (v *view) marked(r *active, what string, at stream.Stamp) {
	var e evidence
	for i := range v.Exchanges {
		if x := &v.Exchanges[i]; x.Verb == pop3parse.DELE && x.Status == pop3parse.OK {
			e.add(x.RequestFirst)
		}
	}
	e.also(at)
	v.find(r, plural(v.Session.Deleted, "1 message", "messages")+" marked; "+what, &e)
}

// endWord says how a connection ended.
func endWord(r stream.CloseReason) string {
	if r == stream.ClosedRST {
		return "RST"
	}
	return "FIN"
}
