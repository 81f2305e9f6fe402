package report

import (
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// appendTotals appends what there is to say after the last session, in
// lines of width columns; 0 means no limit.
func appendTotals(b []byte, s *popscope.Summary, p paint, width int) []byte {
	line := func(parts ...string) {
		for _, part := range parts {
			b = append(b, part...)
		}
		b = append(b, '\n')
	}
	if s.Sessions == 0 {
		line(p.bold("No POP3 sessions."))
	} else {
		parts := []string{p.bold(count(s.Sessions, "session")), count(s.Logins, "login"), count(s.Messages, "message")}
		if s.Findings > 0 {
			parts = append(parts, count(s.Findings, "finding"))
		}
		b = append(b, wrap("", parts, ", ", width)...)
	}
	parts := []string{count(s.Packets, "packet"), count(s.Bytes, "byte"), count(len(s.Files), "file")}
	if !s.Start.IsZero() && !s.End.IsZero() {
		parts = append(parts, s.Start.UTC().Format(clock)+" to", s.End.UTC().Format(clock)+" UTC")
	}
	b = append(b, strings.Replace(wrap("", parts, ", ", width), " to,", " to", 1)...)
	if ignored := ignoredList(s.Ignored); len(ignored) > 0 {
		b = append(b, wrap("Ignored: ", ignored, ", ", width)...)
	}
	if s.KernelDrops > 0 {
		line(p.yellow("Warning: " + count(s.KernelDrops, "packet") + " dropped by the kernel"))
	}
	for _, e := range s.Errors {
		line(p.yellow("Warning: " + Inert(e)))
	}
	return b
}

// ignoredList says how much was ignored for each reason, the most frequent
// one first.
func ignoredList(ignored map[string]int64) []string {
	var parts []string
	for _, reason := range byFrequency(ignored) {
		if n := ignored[reason]; n > 0 {
			parts = append(parts, Inert(words(reason))+" ("+commas(n)+")")
		}
	}
	return parts
}

// remarksOf says what limits the trust in a session: what was lost, what
// was not seen, and what was sent twice with different bytes.
func remarksOf(r *popscope.Result) []string {
	var remarks []string
	add := func(text string) { remarks = append(remarks, text) }
	c := r.Conn
	for _, d := range [...]stream.Dir{stream.Client, stream.Server} {
		if c.Lost[d] > 0 {
			add(count(c.Lost[d], "byte") + " of the " + d.String() + " lost")
		}
	}
	if r.OneSided {
		add("only the " + r.Side.String() + " was captured")
	}
	if !c.Handshake {
		add("beginning not captured")
	}
	if c.Shed {
		add("given up at the limit on open connections")
	}
	t := c.Transport()
	if t.BufferLimit > 0 {
		add("holes given up early, at the limit on waiting bytes")
	}
	if r.Session.Notes.Has(pop3parse.HoldLimit) {
		add("pairing decided early, at the limit on waiting bytes")
	}
	if t.Conflicts > 0 {
		add(count(t.Conflicts, "retransmission") + " with different bytes")
	}
	if n := t.BadChecksums[0] + t.BadChecksums[1]; n > 0 {
		add(count(n, "wrong TCP checksum"))
	}
	if n := t.Cut[0] + t.Cut[1]; n > 0 {
		add(count(n, "packet") + " cut by the snapshot length")
	}
	if i := r.TLSInfo; i != nil && i.BadRecords > 0 {
		add(count(i.BadRecords, "TLS record") + " not authentic and not shown, the first in packet " + strconv.FormatInt(i.BadAt.Packet, 10))
	}
	if i := r.TLSInfo; i != nil && i.Certificate != nil && !i.Certificate.ValidAt(c.First.Time()) {
		add("certificate not valid at that time")
	}
	if r.Session.Refused {
		add("greeted with -ERR")
	}
	if r.Session.ClearAfterSTLS {
		add("in clear after STLS")
	}
	if r.Unsure > 0 {
		add("pairing not sure in " + count(r.Unsure, "exchange"))
	}
	return remarks
}
