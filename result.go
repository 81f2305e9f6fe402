package popscope

import (
	"time"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/pop3parse/fingerprint"
	"popscope/pop3parse/message"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// TLSMode says whether and how a session was encrypted.
type TLSMode uint8

// The three modes of the contract.
const (
	NoTLS       TLSMode = iota
	STLS                // after the STLS command (RFC 2595)
	ImplicitTLS         // from the first byte (RFC 8314)
)

// String returns the contract's word.
func (m TLSMode) String() string { return [...]string{"none", "stls", "implicit"}[m] }

// Result is one finished session, or a part of one with more exchanges
// than Limits.PartExchanges. It is valid until the next one is asked for.
type Result struct {
	ID        string // short, and the same on every run
	Part      int    // from 1
	Last      bool   // the session's facts are final; false in all parts but the last one
	Conn      *stream.Conn
	Session   *pop3parse.Session
	Maildrop  *pop3parse.Maildrop // what the session told of its maildrop; nil in all parts but the last one
	Exchanges []pop3parse.Exchange
	Logins    []pop3parse.Login
	Messages  []Message
	Findings  []audit.Finding // about this session alone, or this part of it

	ByContent                      bool // found by what both sides said, on a port not listed in Options.Ports
	TLS                            TLSMode
	TLSInfo                        *stream.TLSInfo       // nil without TLS
	OneSided                       bool                  // only Side was captured
	ServerSoftware, ClientSoftware *fingerprint.Software // nil where it is not known, and unless Last
	Side                           stream.Dir            // valid iff OneSided
	Unsure                         int                   // exchanges whose pairing is not Sure, also those of earlier parts

	partAt  int64 // valid iff !Last: the packet at which the part was full
	due     rank  // its place in the order of results: what the method rank returns
	sawUser bool  // one of Options.Users has logged in by now

	conn   stream.Conn  // what Conn points to
	judge  audit.Facts  // the same facts for package audit
	found  audit.Buffer // what holds Findings
	reader *reader      // to be used again; nil in all parts but the last one
	shard  *shard       // valid iff reader is not nil
}

// facts fills in what package audit judges of a result.
func (r *Result) facts() {
	r.judge = audit.Facts{
		ID: r.ID, Last: r.Last, Conn: r.Conn, Session: r.Session, Exchanges: r.Exchanges, Logins: r.Logins,
		TLS: r.TLSInfo, OneSided: r.OneSided, Side: r.Side,
	}
	if r.TLSInfo != nil && r.TLSInfo.CipherChosen() {
		r.judge.Cipher = tlsdec.CipherName(r.TLSInfo.Cipher)
	}
}

// Message is a message with what its bytes told.
type Message struct {
	pop3parse.Message
	SHA256 [32]byte
	Mail   *message.Mail
	Body   Body // what Options.Body returned; nil without one
}

// SecretBlocks is the reason in Summary.Ignored of blocks of TLS secrets in a
// pcapng file that could not be used: they are damaged, or too many.
const SecretBlocks = "tls_secret_blocks"

// LostConnections is the reason in Summary.Ignored of connections of which no data
// was captured, though some was sent: what they are is not known.
const LostConnections = "lost_connections"

// NotHashed is the reason in Summary.Ignored of messages that Options.Hurry
// let pass without hash and outline.
const NotHashed = "messages_not_hashed"

// ShedUndecided is the reason in Summary.Ignored of connections that a Sieve
// let go at a limit before they had shown what they are: packets of them are
// missing in what it let through.
const ShedUndecided = "shed_undecided"

// shedHalfOpen is the reason of attempts to connect that were given up at a
// limit on them.
const shedHalfOpen = "shed_half_open"

// Summary is what there is to say after the last session.
type Summary struct {
	Packets, Bytes                       int64 // frames read and their lengths on the wire
	Files                                []capture.FileInfo
	Sessions, Logins, Messages, Findings int64
	Across                               []audit.Finding  // about several sessions together, or the capture; Findings counts them too
	Accounts                             []audit.Account  // who logged in, by user and server
	AccountsForgotten                    int64            // accounts beyond what is remembered
	Ignored                              map[string]int64 // packets and connections that are no POP3, and what else was passed over, by reason
	Unread                               Unread
	Start, End                           time.Time // times of the first and the last packet; zero without packets
	KernelDrops                          int64
	PacketsLeftOut                       int64    // by Analyzer.Packets, of connections that had not shown what they are when the window was full
	Errors                               []string // of the inputs, as people are told of them: see capture.ErrorText
}

// Unread says which packets were the first that cannot be read, though POP3
// may be in them.
type Unread struct {
	UnknownLink int64            // number of the first one of a link type that is not read; 0 without one
	Link        capture.LinkType // which type that is; PKTAP if it is one inside of that
	Encrypted   int64            // number of the first one that packet.Encrypted stands for; 0 without one
	CutShort    int64            // number of the first one that packet.CutShort stands for; 0 without one
}

// add takes note of a packet that is no segment.
func (u *Unread) add(v packet.Verdict, p *capture.Packet) {
	switch {
	case v == packet.UnknownLink && u.UnknownLink == 0:
		u.UnknownLink, u.Link = p.Num, p.Link
	case v == packet.Encrypted && u.Encrypted == 0:
		u.Encrypted = p.Num
	case v == packet.CutShort && u.CutShort == 0:
		u.CutShort = p.Num
	}
}

// ignore adds to what was ignored.
func (s *Summary) ignore(counts map[string]int64) {
	for reason, n := range counts {
		if n > 0 {
			s.Ignored[reason] += n
		}
	}
}
