package report

import (
	"time"

	"popscope/pop3parse"
)

// tile is a number of the overview.
type tile struct {
	Name, Value, Note string
	Class             string // good, warn, bad or ""
	Link              string // the section that tells more
}

// Tiles returns the numbers of the overview.
func (v *pageView) Tiles() []tile {
	sum, t := v.Sum, &v.totals
	clients, servers := len(v.html.times.Clients().Rows()), len(v.html.times.Servers().Rows())
	tiles := []tile{
		{Name: "Sessions", Value: commas(sum.Sessions), Note: count(clients, "client") + ", " + count(servers, "server"), Link: "sessions"},
		v.loginTile(),
		v.exposureTile(),
		{Name: "Encrypted", Value: percent(v.tls.Encrypted(), v.tls.All()), Note: commas(v.tls.Encrypted()) + " of " + count(v.tls.All(), "session"), Link: "tls"},
		{Name: "Messages", Value: commas(sum.Messages), Note: octets(t.octets) + incompleteNote(t.incomplete), Link: "messages"},
		v.findingTile(),
		v.timeTile(),
		v.lossTile(),
	}
	shown := tiles[:0]
	for _, tl := range tiles {
		if !v.included[tl.Link] {
			tl.Link = ""
		}
		shown = append(shown, tl)
	}
	return shown
}

func incompleteNote(n int64) string {
	if n == 0 {
		return ""
	}
	return ", " + commas(n) + " incomplete"
}

func (v *pageView) loginTile() tile {
	failed := int64(0)
	for _, o := range v.logins.exposure {
		failed += o[pop3parse.Failure]
	}
	tl := tile{Name: "Logins", Value: commas(v.Sum.Logins), Note: "none failed", Link: "logins"}
	if failed > 0 {
		tl.Note, tl.Class = commas(failed)+" failed", "warn"
	}
	if v.Sum.Logins == 0 {
		tl.Note = "none seen"
	}
	return tl
}

func (v *pageView) exposureTile() tile {
	tl := tile{Name: "Exposed logins", Value: commas(v.totals.exposed), Note: "no password or token in clear", Link: "logins", Class: "good"}
	if v.totals.exposed > 0 {
		tl.Note, tl.Class = "password or token in clear"+v.ofAccounts(), "bad"
	}
	return tl
}

// ofAccounts says how many accounts were exposed, where that is known.
func (v *pageView) ofAccounts() string {
	if n := v.exposedAccounts(); n > 0 {
		return ": " + count(n, "account")
	}
	return ""
}

func (v *pageView) findingTile() tile {
	tl := tile{Name: "Findings", Value: commas(v.Sum.Findings), Note: "none", Link: "findings"}
	for s := severities; s > 0; s-- {
		if n := v.findings.bySever[s-1]; n > 0 {
			tl.Note = commas(n) + " " + severityWord(s)
			if s >= highSeverity {
				tl.Class = "bad"
			}
			break
		}
	}
	return tl
}

func (v *pageView) timeTile() tile {
	h := &v.html.times.All.Response
	tl := tile{Name: "Response time", Value: "–", Note: "no replies to measure", Link: "times"}
	if h.Count() > 0 {
		tl.Value, tl.Note = duration(h.Percentile(50)), "median; p95 "+duration(h.Percentile(95))
	}
	return tl
}

func (v *pageView) lossTile() tile {
	u := &v.unseen
	tl := tile{Name: "Bytes lost", Value: octets(u.lost[0] + u.lost[1]), Note: "nothing missing inside sessions", Link: "unseen", Class: "good"}
	if u.lossy > 0 {
		tl.Note, tl.Class = "in "+count(u.lossy, "session"), "warn"
	}
	return tl
}

// Exposures returns the rows of the table of logins by exposure.
func (v *pageView) Exposures() []exposureLine {
	var lines []exposureLine
	for e, means := range [...]string{
		"The password can be read by anyone on the path.",
		"A bearer token can be read: it works until it expires.",
		"Guesses of the password can be tested offline.",
		"Inside TLS, or nothing reusable is shown.",
	} {
		o := v.logins.exposure[e]
		lines = append(lines, exposureLine{Name: pop3parse.Exposure(e).String(), Means: means,
			Success: o[pop3parse.Success], Failure: o[pop3parse.Failure], Unknown: o[pop3parse.OutcomeUnknown], Most: v.mostExposed()})
	}
	return lines
}

// exposureLine is how many logins had one exposure.
type exposureLine struct {
	Name, Means               string
	Success, Failure, Unknown int64
	Most                      int64 // logins of the longest line
}

// All returns the logins of the line.
func (l exposureLine) All() int64 { return l.Success + l.Failure + l.Unknown }

func (v *pageView) mostExposed() int64 {
	most := int64(0)
	for _, o := range v.logins.exposure {
		most = max(most, o[0]+o[1]+o[2])
	}
	return most
}

// remarkLine is a sentence of the overview.
type remarkLine struct {
	Class, Text string // class: good, warn or bad
}

// stallWorthSaying is from which time on stalls are told at the top.
const stallWorthSaying = int64(100 * time.Millisecond)

// Brief says in a few sentences what a reader has to know.
func (v *pageView) Brief() []remarkLine {
	var out []remarkLine
	say := func(class, text string) { out = append(out, remarkLine{class, text}) }
	if v.Sum.Sessions == 0 {
		say("warn", "No POP3 sessions were found.")
	}
	if n := v.totals.exposed; n > 0 {
		say("bad", commas(n)+" of "+count(v.Sum.Logins, "login")+" showed a password or token to anyone on the path"+v.ofAccounts()+".")
	} else if v.Sum.Logins > 0 {
		say("good", "No login showed a password or token in clear.")
	}
	if n := v.tls.Offered(); n > 0 {
		say("warn", count(n, "session")+" stayed in clear though the server offered STLS.")
	}
	if n := v.totals.errors; n > 0 {
		say("warn", count(n, "command")+" of "+commas(v.totals.commands)+" answered with an error.")
	}
	if n := v.totals.incomplete; n > 0 {
		say("warn", commas(n)+" of "+count(v.Sum.Messages, "message")+" not captured completely.")
	} else if v.Sum.Messages > 0 {
		say("good", "Every message was captured completely: "+count(v.Sum.Messages, "message")+", "+octets(v.totals.octets)+".")
	}
	if s := &v.html.times.All.Stalls; s.ResendNanos+s.ZeroNanos >= stallWorthSaying {
		say("warn", "Transfers stalled for "+duration(s.ResendNanos+s.ZeroNanos)+": "+count(s.Retransmitted, "retransmission")+", "+count(s.ZeroWindows, "closed window")+".")
	}
	switch {
	case v.unseen.lossy > 0 || v.Sum.KernelDrops > 0 || len(v.Sum.Errors) > 0:
		say("warn", "The capture is not complete; what is missing is listed under “Not seen”.")
	case v.Sum.Sessions > 0:
		say("good", "No bytes are missing inside the sessions that were found.")
	}
	return out
}
