package pop3parse

// advance moves the session on by a finished exchange whose reply ended at
// server stream offset end. It is the only place where the state changes,
// but for the greeting and for logins.
//
//	greeting --+OK--> AUTHORIZATION --login--> TRANSACTION --QUIT--> UPDATE
//
// RFC 1939 sections 3 to 6.
func (p *Parser) advance(x *asked, end int64) {
	p.checkState(x)
	if x.Status != Err && x.Notes.Has(CommandLost) || x.Status == NoReply && x.Verb == RSET {
		p.drop.doubt()
	}
	switch x.Verb {
	case QUIT:
		p.quit = [...]Ending{NoReply: QuitUnanswered, OK: QuitAccepted, Err: QuitRefused}[x.Status]
	case DELE:
		if x.Status != Err {
			p.drop.mark(x.Number(), x.Status == OK && x.Pairing != Guessed && !x.Notes.Has(CommandDamaged))
		}
	}
	if x.Status != OK {
		return
	}
	switch x.Verb {
	case STLS:
		// RFC 2595 section 4: both sides forget what they learned before.
		p.stls = end
		p.ses.STLS = true
	case STAT:
		if n, octets, ok := twoNumbers(p.wholeText(x)); ok {
			p.drop.Count, p.drop.Octets = n, octets
			p.ses.StatMessages, p.ses.StatOctets = n, octets
		}
	case LIST:
		if !x.Multiline && x.Number() > 0 {
			p.drop.listRow(p.wholeText(x))
		}
	case UIDL, XUIDL:
		if from, to := p.echo(x.Text.Reveal(), nothingLost); from == to && !x.Multiline && x.Number() > 0 {
			x.Notes |= p.uidlRow(p.wholeText(x))
			p.drop.endListing()
		}
	case RSET:
		if x.Pairing == Guessed {
			p.drop.doubt()
			break
		}
		p.drop.unmark()
	case QUIT:
		if p.ses.State == Transaction && !x.Notes.Has(CommandLost) { // a guess commits nothing
			p.ses.State = Update
			p.ses.Committed = true
		}
	}
}

// checkState compares a command with the state it was given in, and learns
// the state from it where the login was not captured.
func (p *Parser) checkState(x *asked) {
	spec := x.spec
	if spec == nil {
		return
	}
	in := p.ses.State
	if in <= Greeting && x.Status == OK && spec.in == inAuthorization {
		p.ses.State = Authorization
	}
	if spec.in == inTransaction && spec.pop3 && x.Status == OK && in < Transaction {
		// Only a server in TRANSACTION says +OK to this, however it got there.
		p.ses.State = Transaction
		if p.lossy || in == StateUnknown || x.Pipelined {
			return
		}
	}
	if (in == Authorization || in == Transaction) && spec.in&(1<<in) == 0 && !(p.lossy && x.Status != Err) {
		x.Notes.Add(WrongState)
	}
	if len(p.drop.marks) == 0 {
		return
	}
	switch x.Verb {
	case RETR, TOP, DELE, LIST, UIDL:
		if e, ok := p.drop.Entry(x.Number()); ok && e.Marked && !e.Doubtful {
			x.Notes.Add(NumberDeleted)
		}
	}
}
