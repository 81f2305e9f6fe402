package audit

import (
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// evidenceRules are about what was not seen, so that nobody trusts it.
var evidenceRules = []Rule{
	{
		Slug: "bytes-lost", Severity: Medium, Scope: SessionScope, session: bytesLost, last: true, needs: notWhole,
		Title:  "Bytes missing from the capture",
		Advice: "Do not conclude from what is not there. Capture closer to the server, or with a larger buffer.",
		About:  "Stream bytes that one side acknowledged are not in the capture. Each message and exchange that they belong to says so.",
	},
	{
		Slug: "one-sided", Severity: Medium, Scope: SessionScope, session: oneSided, last: true, needs: notWhole,
		Title:  "Only one side captured",
		Advice: "Capture where both directions pass: outcomes of logins and the fate of messages are guesses now.",
		About:  "All packets of the session come from the same side, as with asymmetric routing or a one-way tap.",
	},
	{
		Slug: "beginning-missing", Severity: Info, Scope: SessionScope, session: beginningMissing, last: true, needs: notWhole,
		Title:  "Session began before the capture",
		Advice: "Logins and STLS may have gone by before. Ask for an earlier capture if it matters.",
		About:  "The TCP handshake of the session was not seen.",
	},
	{
		Slug: "end-missing", Severity: Info, Scope: SessionScope, session: endMissing, last: true, needs: notWhole,
		Title:  "Session not seen to its end",
		Advice: "What came after is not known: a QUIT may have carried out deletions.",
		About:  "The connection was neither closed nor reset before the capture ended, or it fell silent for longer than connections are followed.",
	},
	{
		Slug: "differing-copies", Severity: High, Scope: SessionScope, session: differingCopies, last: true, needs: notWhole,
		Title:  "Retransmissions with different bytes",
		Advice: "Look at both packets. Either somebody injects packets, or one of the two machines, or a box in between, is broken. popscope shows the copy that came first; the receiver may have taken the other.",
		RFC:    "RFC 9293 section 3.10",
		About:  "The same stretch of a stream was sent twice with different bytes.",
	},
	{
		Slug: "segments-out-of-window", Severity: Medium, Scope: SessionScope, session: outOfWindow, last: true, needs: notWhole,
		Title:  "Segments that do not belong to the stream",
		Advice: "Look at them with popscope packets, which marks them. Somebody who guesses sequence numbers sends such packets to end a connection or to put words into it; so does another connection with the same addresses and ports whose beginning was not captured.",
		RFC:    "RFC 5961",
		About:  "Segments, resets or closes with sequence numbers far from the stream, or that what came later refutes: the ends did not take them. popscope leaves them out too.",
	},
	{
		Slug: "bad-checksums", Severity: Low, Scope: SessionScope, session: badChecksums, last: true, needs: notWhole,
		Title:  "Wrong TCP checksums",
		Advice: "The receiver has dropped these packets, and popscope has not: look at them with popscope packets, which marks them.",
		RFC:    "RFC 9293 section 3.1",
		About:  "Segments with a wrong TCP checksum are used as if it were right, and counted. Where a capture was made on the sending machine, checksums that it leaves to its network card are not meant, as long as all data of that side comes with such.",
	},
	{
		Slug: "packets-cut", Severity: Medium, Scope: SessionScope, session: packetsCut, last: true, needs: notWhole,
		Title:  "Packets cut by the snapshot length",
		Advice: "Capture again with whole packets (tcpdump -s 0).",
		About:  "The capture holds only the beginnings of packets. The rest counts as lost.",
	},
	{
		Slug: "pairing-not-sure", Severity: Low, Scope: SessionScope, session: pairingNotSure, needs: notSure,
		Title:  "Replies that may belong to other commands",
		Advice: "Look at the transcript before you build on one of these exchanges.",
		About:  "After a loss, or without the beginning, acknowledgement numbers or the words of replies decided which command they belong to; or copies of bytes before them differ, and have different numbers of lines. Each exchange says how sure it is.",
	},
	{
		Slug: "limit-reached", Severity: Medium, Scope: SessionScope, session: limitReached, last: true, needs: notWhole | noted,
		Title:  "Given up at a limit",
		Advice: "Cut the capture down, for example to one server's port, and look again.",
		About:  "The session was analysed only in part, because a limit on memory was reached: on open connections, on bytes that wait for missing packets, on commands that wait for replies, on turns of a SASL dialogue, on messages of the maildrop or on capabilities. A connection given up for the memory of all sessions together counts too.",
	},
	{
		Slug: "fragments-differ", Severity: High, Scope: CaptureScope,
		Title:  "Overlapping IP fragments with different bytes",
		Advice: "Look who sends them: no system does so by itself. What a receiver makes of them depends on its make, which is what the trick is about.",
		RFC:    "RFC 5722; RFC 8200 section 4.5",
		About:  "Fragments of one IPv4 datagram overlap and differ, of which popscope takes the first copy; or those of an IPv6 datagram overlap, which receivers have to drop, and popscope does.",
	},
	{
		Slug: "kernel-drops", Severity: Medium, Scope: CaptureScope,
		Title:  "Packets dropped while capturing",
		Advice: "Capture with a larger buffer (tcpdump -B), a filter, or on a faster disk. Until then absence proves nothing.",
		About:  "The capture file, or the system during a live capture, counts packets that were dropped before they could be recorded.",
	},
	{
		Slug: "capture-damaged", Severity: Medium, Scope: CaptureScope,
		Title:  "Capture damaged or cut short",
		Advice: "Get the file again, and compare checksums. What stands behind the damage was not read.",
		About:  "An input could not be read to its end.",
	},
	{
		Slug: "audit-limit", Severity: Medium, Scope: CaptureScope,
		Title:  "More accounts, clients or servers than are remembered",
		Advice: "Audit the capture in parts, by server (--host) or time (--from, --to).",
		About:  "Rules that compare sessions remember a bounded number of accounts, clients, servers and secrets. The longest unused ones were forgotten, so that a rule may have missed something that lies far apart.",
	},
}

func bytesLost(v *view, r *active) {
	c := v.Conn
	if c.Lost[0]+c.Lost[1] == 0 {
		return
	}
	var e evidence
	for i := range v.Exchanges {
		if x := &v.Exchanges[i]; x.Notes&set(pop3parse.CommandLost, pop3parse.CommandDamaged, pop3parse.ReplyLost, pop3parse.ReplyDamaged) != 0 {
			e.exchange(x)
		}
	}
	v.find(r, itoa(c.Lost[stream.Client])+" bytes of the client, "+itoa(c.Lost[stream.Server])+" of the server", &e)
}

func oneSided(v *view, r *active) {
	if v.OneSided {
		var e evidence
		e.add(v.Conn.First)
		v.find(r, "only the "+v.Side.String(), &e)
	}
}

func beginningMissing(v *view, r *active) {
	if !v.Conn.Handshake && !v.OneSided {
		var e evidence
		e.add(v.Conn.First)
		v.find(r, "no TCP handshake", &e)
	}
}

func endMissing(v *view, r *active) {
	if c := v.Conn; c.Close == stream.NotClosed || c.Close == stream.ClosedTimeout && !c.Shed {
		var e evidence
		e.add(c.Last)
		detail := "open when the capture ended"
		if c.Close == stream.ClosedTimeout {
			detail = "fell silent"
		}
		v.find(r, detail, &e)
	}
}

func differingCopies(v *view, r *active) {
	c := v.Conn
	if c.Transport().Conflicts == 0 {
		return
	}
	var e evidence
	for _, k := range c.Conflicts() {
		e.add(k.First)
		e.also(k.Second)
	}
	v.find(r, plural(int(c.Transport().Conflicts), "1 stretch", "stretches")+" sent twice, and differently", &e)
}

func outOfWindow(v *view, r *active) {
	if t := v.Conn.Transport(); t.OutOfWindow[0]+t.OutOfWindow[1] > 0 {
		var e evidence
		e.add(v.Conn.First)
		v.find(r, plural(int(t.OutOfWindow[stream.Client]), "1 segment", "segments")+" of the client, "+itoa(t.OutOfWindow[stream.Server])+" of the server", &e)
	}
}

func badChecksums(v *view, r *active) {
	if t := v.Conn.Transport(); t.BadChecksums[0]+t.BadChecksums[1] > 0 {
		var e evidence
		e.add(v.Conn.First)
		v.find(r, itoa(t.BadChecksums[stream.Client])+" segments of the client, "+itoa(t.BadChecksums[stream.Server])+" of the server", &e)
	}
}

func packetsCut(v *view, r *active) {
	if t := v.Conn.Transport(); t.Cut[0]+t.Cut[1] > 0 {
		var e evidence
		e.add(v.Conn.First)
		v.find(r, itoa(t.Cut[stream.Client])+" packets of the client, "+itoa(t.Cut[stream.Server])+" of the server", &e)
	}
}

func pairingNotSure(v *view, r *active) {
	var e evidence
	guessed := 0
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		if x.Pairing == pop3parse.Sure {
			continue
		}
		e.exchange(x)
		if x.Pairing == pop3parse.Guessed {
			guessed++
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 exchange", "exchanges")+", "+itoa(int64(guessed))+" of them guessed", &e)
	}
}

func limitReached(v *view, r *active) {
	var what []string
	if v.Conn.Shed {
		what = append(what, "open connections")
	}
	if v.Conn.Transport().BufferLimit > 0 || v.Session.Notes.Has(pop3parse.HoldLimit) {
		what = append(what, "waiting bytes")
	}
	if v.Session.Notes.Has(pop3parse.QueueLimit) {
		what = append(what, "waiting commands")
	}
	if v.Session.Notes.Has(pop3parse.TurnsLimit) {
		what = append(what, "SASL turns")
	}
	if v.Session.Notes.Has(pop3parse.MaildropLimit) {
		what = append(what, "messages of the maildrop")
	}
	if v.Session.Notes.Has(pop3parse.CapaLimit) {
		what = append(what, "capabilities")
	}
	if len(what) > 0 {
		var e evidence
		e.add(v.Conn.Last)
		v.find(r, "limit on "+someOf(what), &e)
	}
}
