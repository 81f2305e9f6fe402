package report

import (
	"slices"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// unseenTally counts what the capture does not show, and what limits the
// trust in what it does.
type unseenTally struct {
	most     int
	remarks  []*pageSession // those with something to remark, the first most of them
	more     int64
	pairings [3]int64 // exchanges, by pop3parse.Pairing
	verdicts [4]int64 // messages, by pop3parse.Verdict

	lossy, lateStart, oneSided, shed, held, sealed, open int64 // sessions
	lost                                                 [2]int64
	checksums, unfilled, cut, conflicts                  int64
}

// session takes a session at its end.
func (t *unseenTally) session(s *pageSession, r *popscope.Result) {
	c := r.Conn
	t.lost[0] += c.Lost[0]
	t.lost[1] += c.Lost[1]
	for _, is := range [...]struct {
		so bool
		n  *int64
	}{
		{c.Lost != [2]int64{}, &t.lossy}, {!c.Handshake, &t.lateStart}, {r.OneSided, &t.oneSided}, {c.Shed, &t.shed},
		{c.Transport().BufferLimit > 0 || r.Session.Notes.Has(pop3parse.HoldLimit), &t.held}, {c.Close == stream.NotClosed, &t.open},
		{r.TLS != popscope.NoTLS && !decrypted(r), &t.sealed},
	} {
		if is.so {
			*is.n++
		}
	}
	x := c.Transport()
	t.checksums += x.BadChecksums[0] + x.BadChecksums[1]
	t.unfilled += x.Unfilled[0] + x.Unfilled[1]
	t.cut += x.Cut[0] + x.Cut[1]
	t.conflicts += x.Conflicts
	switch {
	case len(s.remarks) == 0:
	case len(t.remarks) < t.most:
		t.remarks = append(t.remarks, s)
	default:
		t.more++
	}
}

// decrypted reports whether the inside of TLS was seen.
func decrypted(r *popscope.Result) bool {
	return slices.ContainsFunc(r.Exchanges, func(x pop3parse.Exchange) bool { return x.Encrypted })
}

// gapLine is a row of the table of what was not seen.
type gapLine struct {
	What, Much, Means string
	Warn              bool // it may hide something; otherwise it is merely so
}

// lines returns the rows of what there is to say.
func (t *unseenTally) lines(sum *popscope.Summary) []gapLine {
	var lines []gapLine
	add := func(n int64, what, much, means string) {
		if n > 0 {
			lines = append(lines, gapLine{what, much, means, true})
		}
	}
	for _, e := range sum.Errors {
		lines = append(lines, gapLine{"Captures not read to their end", inertUpTo([]byte(e), maxStepText), "What stands behind that place is missing; packets before it are good.", true})
	}
	add(sum.KernelDrops, "Packets dropped while capturing", count(sum.KernelDrops, "packet"), "The kernel had no time for them. They show up as losses below, if they belonged to a session that is listed.")
	add(t.lossy, "Bytes lost inside sessions", commas(t.lost[0])+" of clients, "+commas(t.lost[1])+" of servers, in "+count(t.lossy, "session"), "The peer acknowledged them, but the capture does not hold them. Their length is exact, their content unknown.")
	add(t.pairings[pop3parse.Resynced], "Replies matched after a loss", count(t.pairings[pop3parse.Resynced], "exchange"), "The acknowledgement numbers say which command they belong to.")
	add(t.pairings[pop3parse.Guessed], "Replies matched by shape only", count(t.pairings[pop3parse.Guessed], "exchange"), "Likely, but not evidence: the packets that would prove it are missing.")
	for _, v := range [...]struct {
		pop3parse.Verdict
		means string
	}{
		{pop3parse.Truncated, "The capture or the connection ended inside them."},
		{pop3parse.Gaps, "Bytes inside them were lost. Digests are of the bytes that were seen."},
		{pop3parse.Unterminated, "All bytes were seen, but no final dot."},
	} {
		add(t.verdicts[v.Verdict], "Messages: "+v.String(), count(t.verdicts[v.Verdict], "message"), v.means)
	}
	add(t.lateStart, "Beginning not captured", count(t.lateStart, "session"), "Who is the client is told from ports and words; a login before the first packet is not listed.")
	add(t.oneSided, "Only one side captured", count(t.oneSided, "session"), "What the other side said is known only as far as this one betrays it.")
	add(t.open, "Open when the capture ended", count(t.open, "session"), "What came afterwards is unknown, also whether deletions were carried out.")
	add(t.sealed, "Inside TLS, not decrypted", count(t.sealed, "session"), "Commands, logins and mail in them are protected, and unknown here too.")
	add(t.cut, "Packets cut by the snapshot length", count(t.cut, "packet"), "Their rest counts as lost.")
	add(t.checksums, "Wrong TCP checksums", count(t.checksums, "packet"), "Accepted here; their receiver has dropped them.")
	add(t.unfilled, "TCP checksums left to the network card", count(t.unfilled, "packet"), "The capture was made on the machine that sent them. Nothing is wrong with that; damage to these packets would not be seen.")
	add(t.conflicts, "Retransmissions with different bytes", count(t.conflicts, "segment"), "The first copy counts. Two ends that saw different copies saw different dialogues.")
	add(t.held, "Limits on waiting bytes", count(t.held, "session"), "A hole was given up, or a pairing decided, earlier than usual.")
	add(t.shed, "Limit on open connections", count(t.shed, "session"), "Given up before their end.")
	for _, reason := range byFrequency(sum.Ignored) {
		if n := sum.Ignored[reason]; n > 0 {
			i := ignoredReasons[reason]
			lines = append(lines, gapLine{"Ignored: " + Inert(words(reason)), commas(n), i.means, i.hides != ""})
		}
	}
	return lines
}
