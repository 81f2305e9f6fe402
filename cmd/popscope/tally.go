package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/report"
)

// tally counts what a live run has come to. All of it may be read at any
// time.
type tally struct {
	beats              atomic.Int64 // calls of the source, packets or not: the capture lives
	packets, bytes     atomic.Int64
	written, unwritten atomic.Int64 // packets, to the files of --write
	undecided          atomic.Int64 // connections given up, of which packets were not kept
	closed             atomic.Int64 // sessions
	messages           atomic.Int64
	logins             [3][4]atomic.Int64 // by outcome and exposure
	findings           [5]atomic.Int64    // by severity
	unreported         atomic.Int64       // results that are not in the output
}

// The lists that logins and findings are counted by.
var (
	outcomes   = [...]pop3parse.Outcome{pop3parse.Success, pop3parse.Failure, pop3parse.OutcomeUnknown}
	exposures  = [...]pop3parse.Exposure{pop3parse.Cleartext, pop3parse.Token, pop3parse.Crackable, pop3parse.Protected}
	severities = [...]audit.Severity{audit.Info, audit.Low, audit.Medium, audit.High, audit.Critical}
)

// found counts a result.
func (c *tally) found(r *popscope.Result) {
	if r.Last {
		c.closed.Add(1)
	}
	c.messages.Add(int64(len(r.Messages)))
	for i := range r.Logins {
		for o, outcome := range outcomes {
			for e, exposure := range exposures {
				if r.Logins[i].Outcome == outcome && r.Logins[i].Exposure == exposure {
					c.logins[o][e].Add(1)
				}
			}
		}
	}
	for i := range r.Findings {
		for s, severity := range severities {
			if r.Findings[i].Severity == severity {
				c.findings[s].Add(1)
			}
		}
	}
}

func (c *tally) allLogins() int64 {
	var n int64
	for o := range c.logins {
		for e := range c.logins[o] {
			n += c.logins[o][e].Load()
		}
	}
	return n
}

// showStatus keeps a line about a live run on the terminal until stop is
// closed.
func (p *program) showStatus(c *tally, open func() int64, drops func() uint64, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		p.screen.set(statusLine(c, open(), drops(), terminalOf(p.screen.err).columns))
		select {
		case <-stop:
			p.screen.set("")
			return
		case <-tick.C:
		}
	}
}

// statusLine writes the state in at most width columns.
func statusLine(c *tally, open int64, drops uint64, width int) string {
	line := fmt.Sprintf("%s, %s open, %d closed, %s, %d dropped",
		report.Count(c.packets.Load(), "packet"), report.Count(open, "session"), c.closed.Load(), report.Count(c.allLogins(), "login"), drops)
	if n := c.unreported.Load() + c.unwritten.Load(); n > 0 {
		line += fmt.Sprintf(", %d not written", n)
	}
	if n := c.undecided.Load(); n > 0 {
		line += fmt.Sprintf(", %d given up undecided", n)
	}
	if width <= 0 {
		width = assumedWidth
	}
	return line[:min(len(line), width-1)]
}
