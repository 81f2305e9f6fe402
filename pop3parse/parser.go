package pop3parse

import (
	"bytes"

	"popscope/pop3parse/sasl"
	"popscope/pop3parse/secret"
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// Limits bound what a Parser holds. Zero means the default, -1 no limit.
type Limits struct {
	// Hold is how many bytes of one direction may wait for the other one
	// to explain them before a guess is made. Default 256 KiB, far more than
	// captures reorder.
	Hold int
	// Pending is how many commands may wait for their replies; the oldest
	// is given up beyond it. Default 65,536.
	Pending int
	// PendingBytes bounds the same in bytes; each command counts for 400 more
	// than its text. Default 8 MiB.
	PendingBytes int
	// Turns is how many SASL turns of an exchange are kept. Default 256.
	Turns int
}

const (
	defaultHold         = 256 << 10
	defaultPending      = 1 << 16
	defaultPendingBytes = 8 << 20
	defaultTurns        = 256
	longQueue           = 64 // more than clients send without waiting

	// maxRow bounds a row of LIST, UIDL or CAPA that is taken apart.
	maxRow = 4 << 10
	// maxCapa bounds the CAPA list that is kept; real ones have 10 to 30 rows.
	maxCapa = 256
)

func (l Limits) withDefaults() Limits {
	set := func(v *int, def int) {
		switch {
		case *v == 0:
			*v = def
		case *v < 0:
			*v = int(^uint(0) >> 1)
		}
	}
	set(&l.Hold, defaultHold)
	set(&l.Pending, defaultPending)
	set(&l.PendingBytes, defaultPendingBytes)
	set(&l.Turns, defaultTurns)
	return l
}

// Options choose how a Parser starts and where bytes go that it does not
// keep.
type Options struct {
	// FromStart says that stream offset 0 is where the connection began,
	// so that the server's first line is the greeting.
	FromStart bool
	// KeepBody is how many bytes of each reply's data are kept in
	// Exchange.Body.
	KeepBody int
	// Mail is asked for a Sink when the data of a message begins; of m the
	// number, the command, the announced octets and who sends it are known.
	// nil, or a nil Sink: the bytes are counted only.
	Mail func(m *Message) Sink
	// TLS takes what follows an accepted STLS and looks like TLS. The
	// chunks are borrowed.
	TLS func(stream.Chunk)
	// Stretch is told what all bytes of both directions are: the stretches
	// of a direction cover its stream from offset 0 on, in order and without
	// overlap. Each is told once, when it cannot change any more; what then
	// is still undecided is told by End, or by Explain. nil: nobody asks,
	// and it costs nothing.
	Stretch func(Stretch)

	Limits Limits
}

// Parser turns the two directions of a POP3 connection into exchanges.
//
// Which reply belongs to which command depends on the bytes of the two
// streams alone, never on how they were interleaved in the capture: each
// direction is read only as far as the other one says how to read it.
type Parser struct {
	opt  Options
	ses  Session
	drop Maildrop
	scan [2]wire.Scanner
	tape *tape // nil when nobody asks for stretches

	progress
	queue []asked  // commands without a finished reply; queue[qhead:] is live
	row   []byte   // the beginning of a row, until its end comes
	mail  *Message // valid iff reply.isMail; nil before the first message
	reply reply    // of the command at the head of the queue, as far as it was read

	user    []byte
	stray   []sasl.Turn // what a client sent for an AUTH that was refused
	secrets []aSecret   // of the session so far: see maskEcho
	low     []byte      // scratch
	arena   []byte
	failure Refusals

	done     []Exchange
	logins   []Login
	messages []Message
}

// progress is where the parser stands in the session.
type progress struct {
	mode    mode
	qhead   int
	hold    barrier // what stops reading commands
	holdEnd int64   // valid iff hold != noBarrier: asked.end of the command that did
	tls     [2]bool // the direction has become TLS
	loss    lossState
	doubt   doubt
	greeted extent  // where the greeting stands; empty when it was not captured in clear
	gapEnd  int64   // client stream offset after the last gap; -1 without one
	cutAt   int64   // client stream offset at which the last line ended that was captured in part; -1 without one
	blindAt int64   // client stream offset after what was lost of the commands, or makes no sense; -1 without any
	stls    int64   // server stream offset after the +OK to STLS; -1 before
	began   bool    // the client's stream is past where a PROXY header could be
	opaque  bool    // a SASL security layer wraps all that follows
	lossy   bool    // bytes of either side were lost, or the beginning was not captured
	missing [2]bool // bytes of the direction were lost
	spoke   [2]bool // bytes of the direction were captured
	opened  bool    // plaintext of TLS came
	quit    Ending  // what the last QUIT came to; EndUnseen without one
	ended   bool
	force   bool // too much is held: decide now
	reason  stream.CloseReason

	lastReplyEnd int64 // server stream offset where the last finished reply ended
	refused      int   // N of an AUTH that was refused before the client had said more, while it goes on all the same; otherwise 0
	lastVerb     Verb  // of the last finished exchange
	turns        int   // of the last AUTH, before bytes of the client were first lost; -1 where none were
	broken       bool  // valid iff turns >= 0: more were lost between later turns
	sawAuth      bool  // an AUTH with a mechanism was given
	n            int   // exchanges numbered so far
	texts        int   // bytes in arenas, about
	asking       int   // of them those of commands that wait
}

// mode says what the parser wants to read next.
type mode uint8

const (
	wantGreeting mode = iota
	wantReply         // the status line for the head of the queue, or the next SASL challenge
	wantRow           // whether data follows a status line is decided by the next line
	wantData          // dot-terminated data of the server
	wantTurn          // the client's answer to a SASL challenge
	wantAnswer        // the same where the challenge was a +OK, if that was one
	wantMail          // the client's dot-terminated mail after XTND XMIT
)

// barrier says why the client's next line cannot be read as a command yet.
type barrier uint8

const (
	noBarrier barrier = iota
	forAuth           // AUTH mechanism: SASL lines may follow
	forSTLS           // STLS: TLS may follow
	forMail           // XTND XMIT: a mail may follow
)

// asked is a command that waits for its reply, or a stretch of the client's
// stream that was lost and may hold commands.
type asked struct {
	Exchange
	spec       *verbSpec // of Verb; nil when nobody knows it
	id         int64     // for the tape; 0 without one
	start, end int64     // client stream offsets
	acked      int64     // how much of the server's stream the client had received when it had sent all of it; -1 unknown
	lost       bool      // no command but a loss
	weak       bool      // valid iff lost: it may hold no whole command
	blind      bool      // what stands directly before it in the client's stream was not captured, or makes no sense
	replies    int       // valid iff lost: replies found for it so far
	text       int       // bytes kept of the command
	rest       []byte    // of a lost one: what stands behind it and is no command; nil without any
}

// setVerb sets what the command is when that was found out otherwise than by
// its line.
func (x *asked) setVerb(v Verb) { x.Verb, x.spec = v, specOf(v) }

// hide takes the whole line for a secret.
func (x *asked) hide(line []byte) {
	x.setVerb("")
	x.VerbSent, x.Args = nil, secret.NewHiddenText(line)
}

// reply is the state of reading one reply.
type reply struct {
	off       int64 // server stream offset of its first byte
	statusEnd int64 // and of the byte after its status line; valid in wantRow
	size      int64 // of the message with its gaps
	sink      Sink
	lead      [5]byte // the first bytes of the message
	begun     bool    // its first byte was read
	ahead     bool    // the server had more than the command when it began
	bareLF    bool
	rows      bool // rows are to be taken apart
	repeats   bool // they repeat what its command holds, if that is a secret
	steps     int  // to find whether they do
	rowCut    bool
	textCut   bool // the end of its status line was lost
	watch     bool // something was lost, or data was guessed: the next status line may end it
	brief     bool // valid iff watch: nothing was lost, and only a client that went on proves that data ended
	fresh     bool // a gap was just passed: a line may begin here
	isMail    bool
	headless  bool // its beginning was before the capture
	doubt     bool // its status line may be a line of data
	cut       bool // it was ended by what followed, not by its final line
	seenOK    bool // XTND XMIT: the go-ahead was read
	sent      bool // XTND XMIT: the mail's final line was read
}

// NewParser returns a Parser for one connection.
func NewParser(o Options) *Parser {
	p := &Parser{}
	p.Reset(o)
	return p
}

// Reset makes the parser ready for another connection. What it returned
// before is no longer valid.
func (p *Parser) Reset(o Options) {
	o.Limits = o.Limits.withDefaults()
	p.scan[0].Reset()
	p.scan[1].Reset()
	p.drop.reset()
	clear(p.queue)
	clear(p.done)
	clear(p.logins)
	clear(p.messages)
	p.opt, p.tape = o, p.tape.again(o.Stretch)
	// Zeroed first, since a value with other fields is made on the stack.
	p.ses, p.progress, p.reply = Session{}, progress{}, reply{}
	p.ses.StatMessages, p.ses.StatOctets = -1, -1
	p.stls, p.gapEnd, p.cutAt, p.blindAt, p.loss.prevAcked, p.loss.served, p.loss.cutAt = -1, -1, -1, -1, -1, -1, -1
	p.queue, p.done, p.logins, p.messages = p.queue[:0], p.done[:0], p.logins[:0], p.messages[:0]
	p.user, p.stray, p.secrets, p.low, p.arena = p.user[:0], nil, p.secrets[:0], p.low[:0], p.arena[:0]
	p.lossy = !o.FromStart
	if o.FromStart {
		p.ses.State = Greeting
	} else {
		p.blindAt = 0
	}
}

// Feed gives the parser the next chunk of either direction. Its bytes are
// borrowed during the call.
func (p *Parser) Feed(c stream.Chunk) {
	if p.tls[c.Dir] && !c.Secure {
		p.toTLS(c)
		return
	}
	if p.opaque {
		p.wrapped(c)
		return
	}
	p.spoke[c.Dir] = p.spoke[c.Dir] || len(c.Data) > 0
	if p.opened = p.opened || c.Secure; c.Lost > 0 {
		p.lossy, p.missing[c.Dir] = true, true
	}
	p.scan[c.Dir].Feed(&c)
	if c.Dir == stream.Server && p.mode == wantData && p.tape == nil && !p.loss.open && !p.readData() && p.scan[stream.Server].Empty() {
		return // in the middle of data, as most of the server's chunks are
	}
	p.run()
	p.scan[stream.Client].Keep()
	p.scan[stream.Server].Keep()
	if p.Held() > p.opt.Limits.Hold {
		p.ses.Notes.Add(HoldLimit)
		p.force = true
		p.run()
		p.force = false
	}
}

// End says that the connection is over, and how. Everything that was
// waiting is decided.
func (p *Parser) End(reason stream.CloseReason) {
	p.ended, p.reason = true, reason
	p.scan[stream.Client].End()
	p.scan[stream.Server].End()
	p.run()
	p.finishAll()
	p.settle()
	p.queue, p.qhead = p.queue[:0], 0
	if cap(p.queue) > longQueue {
		p.queue = nil // who keeps the Session keeps the Parser
	}
	if p.tape != nil {
		p.Explain()
		p.drainTape(Unread)
	}
}

// Explain tells Options.Stretch of everything that was read so far with what
// is known of it now. What may be a secret is told as one, and numbers of
// exchanges are left out. It is for those who cannot wait any longer.
func (p *Parser) Explain() {
	if p.tape == nil || !p.tape.waits() {
		return
	}
	live := make(map[int64]*Exchange, p.waiting())
	for i := range p.waiting() {
		x := p.at(i)
		live[x.id] = &x.Exchange
	}
	p.tape.explain(live)
}

// drainTape writes down what nobody will read any more.
func (p *Parser) drainTape(part Part) {
	for d := range p.scan {
		p.scan[d].Drain(func(c stream.Chunk) { p.tape.chunk(c, part) })
	}
}

// wrapped takes bytes behind a login whose mechanism wraps all that follows.
func (p *Parser) wrapped(c stream.Chunk) {
	if p.tape != nil {
		p.drainTape(Wrapped)
		p.tape.chunk(c, Wrapped)
	}
}

// Held returns how many bytes wait in the parser.
func (p *Parser) Held() int {
	return max(p.scan[stream.Client].Held(), p.scan[stream.Server].Held())
}

// Session returns what is known of the session so far; it is final after
// End.
func (p *Parser) Session() *Session { return &p.ses }

// Maildrop returns what is known of the maildrop so far.
func (p *Parser) Maildrop() *Maildrop { return &p.drop }

// Exchanges returns the exchanges finished since the last Take, in the
// order of their commands. They are the caller's after the next Take; Reset
// invalidates those that were not taken.
func (p *Parser) Exchanges() []Exchange { return p.done }

// Logins returns the logins decided since the last Take.
func (p *Parser) Logins() []Login { return p.logins }

// Messages returns the messages ended since the last Take.
func (p *Parser) Messages() []Message { return p.messages }

// Size returns for how many exchanges, or messages in the maildrop, the
// parser has memory.
func (p *Parser) Size() int {
	return max(cap(p.done), cap(p.queue), cap(p.messages), cap(p.logins), len(p.drop.entries)+len(p.drop.spare))
}

// Take lets go of what Exchanges, Logins and Messages returned, so that a
// session without end does not need memory without end. It is the caller's
// from then on.
func (p *Parser) Take() {
	p.done, p.logins, p.messages = nil, nil, nil
	p.doubt.before = p.doubt.behind
	p.arena = nil
	p.texts = p.asking
}

// run reads until one side has to go on.
func (p *Parser) run() {
	for !p.opaque && (p.readCommand() || !p.serverIdle() && p.readServer()) {
	}
}

// serverIdle reports whether the next step in the server's stream is sure to
// wait for bytes of the server, as it does after most chunks.
func (p *Parser) serverIdle() bool {
	return p.mode <= wantReply && p.scan[stream.Server].Empty() && !p.loss.open && p.mayWait()
}

// mayWait reports whether a decision can be left until more has come.
func (p *Parser) mayWait() bool { return !p.ended && !p.force }

// readServer makes one step in the server's stream, and reports whether it
// made one.
func (p *Parser) readServer() bool {
	if p.loss.open {
		return p.settleLoss()
	}
	switch p.mode {
	case wantGreeting:
		return p.readGreeting()
	case wantReply:
		return p.readReply()
	case wantRow:
		return p.readRow()
	case wantData:
		return p.readData()
	case wantTurn:
		return p.readTurn()
	case wantAnswer:
		return p.readAnswer()
	default:
		return p.readMail()
	}
}

// toTLS hands a chunk of TLS on.
func (p *Parser) toTLS(c stream.Chunk) {
	if p.opt.TLS != nil {
		p.opt.TLS(c)
	}
	if p.tape != nil {
		p.tape.chunk(c, TLS)
	}
}

// becomesTLS reports whether direction d has become TLS at its next byte,
// and hands the rest of it on.
func (p *Parser) becomesTLS(d stream.Dir) bool {
	s := &p.scan[d]
	if p.stls < 0 || p.tls[d] {
		return p.tls[d] && s.Empty() // what has come by another way is plaintext of TLS
	}
	b := s.Peek(2)
	gap := len(b) == 0 && !s.Empty()
	if !gap && !beginsTLS(b) {
		return false
	}
	p.handOn(d)
	return true
}

// unseenSTLS reports whether direction d goes on with TLS though no STLS was
// captured, as far as is known: then it may be among what was lost.
func (p *Parser) unseenSTLS(d stream.Dir) (is, known bool) {
	if p.stls >= 0 || !p.lossy {
		return false, true
	}
	b := p.scan[d].Peek(3)
	if len(b) == 0 || b[0] != 0x16 {
		return false, true
	}
	if len(b) < 3 {
		return false, !p.mayWait()
	}
	return b[1] == 3 && b[2] <= 4, true // a handshake record of SSL 3.0 to TLS 1.3
}

// handOn hands all of direction d from its next byte on to TLS.
func (p *Parser) handOn(d stream.Dir) {
	p.tls[d] = true
	p.scan[d].Drain(p.toTLS)
}

// beginsTLS reports whether b begins a TLS record: a handshake or an
// alert (RFC 8446 section 5.1), or an SSLv2-style hello. No POP3 line
// begins like them.
func beginsTLS(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	return b[0] == 0x16 || b[0] == 0x15 || b[0]&0x80 != 0
}

// keep copies b into memory that lives until Take. Inlined, it would be the
// larger part of the functions that a session runs through.
//
//go:noinline
func (p *Parser) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if cap(p.arena)-len(p.arena) < len(b) {
		p.arena = make([]byte, 0, max(min(2*cap(p.arena), maxArena), minArena, len(b)))
	}
	n := len(p.arena)
	p.texts += len(b)
	p.arena = append(p.arena, b...)
	return p.arena[n:len(p.arena):len(p.arena)]
}

// A connection that never gets beyond its greeting needs little; the texts
// of a usual session take some hundred bytes.
const (
	minArena = 64
	maxArena = 4 << 10
)

// lineNotes adds what is odd about a line itself.
func lineNotes(n *Notes, l *wire.Text, limit int, long Note) {
	if l.BareLF {
		n.Add(BareLF)
	}
	if !l.Plain && bytes.IndexByte(l.Text, '\r') >= 0 {
		n.Add(LoneCR)
	}
	if !l.Plain && bytes.IndexByte(l.Text, 0) >= 0 {
		n.Add(NUL)
	}
	if len(l.Raw) > limit {
		n.Add(long)
	}
	if l.Cut > 0 {
		n.Add(LineCut)
	}
}

const (
	maxCommandLine = 255 // RFC 2449 section 4, with CRLF
	maxReplyLine   = 512 // RFC 2449 section 4, with CRLF
)
