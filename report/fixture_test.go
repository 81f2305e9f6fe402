package report

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
	"testing"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/pop3parse"
	"popscope/pop3parse/message"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// epoch is when the first packet of every fixture was captured.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

// Secrets of the fixtures, which no output may show unless it is told to.
const (
	passwordAlice = "hunter2 & <more>"
	passwordBob   = "swordfish\xff"
	tokenCarol    = "ya29.bearer-token"
	digestDave    = "c4c9334bac560ecc979e58001b3e22fb"
	initialBob    = "AGJvYgBzd29yZGZpc2j/" // \0bob\0swordfish\xff
)

// at is a packet and its time in microseconds after epoch.
func at(packet, micros int64) stream.Stamp {
	return stream.Stamp{Packet: packet, Nanos: epoch.UnixNano() + micros*1000}
}

func plain(s string) secret.Text { return secret.NewText([]byte(s)) }

// masked is a text whose last n bytes are secret.
func masked(s string, n int) secret.Text { return secret.NewMaskedText([]byte(s), len(s)-n, len(s)) }

func notes(ns ...pop3parse.Note) pop3parse.Notes {
	var set pop3parse.Notes
	for _, n := range ns {
		set.Add(n)
	}
	return set
}

func conn(client, server string) *stream.Conn {
	return &stream.Conn{
		Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server),
		Handshake: true, ClientKnown: true, First: at(1, 0), Last: at(40, 2_500_000), Ended: at(40, 2_500_000), Close: stream.ClosedFIN,
		Packets: [2]int64{12, 14}, Bytes: [2]int64{345, 67_890},
	}
}

// ordinary is a session without anything unusual: every optional key that
// can be absent is absent somewhere in it.
func ordinary() *popscope.Result {
	body := "Subject: lunch\r\nFrom: Bob <bob@example.org>\r\n\r\nAt noon?\r\n"
	return &popscope.Result{
		ID: "5f2c1a90d3e4b8a7", Part: 1, Last: true,
		Conn: conn("192.0.2.10:51000", "198.51.100.5:110"),
		Session: &pop3parse.Session{
			Greeting: plain("POP3 ready <1896.697170952@example.org>"), HasGreeting: true, Challenge: []byte("<1896.697170952@example.org>"),
			Capabilities: [][]byte{[]byte("TOP"), []byte("UIDL"), []byte("SASL PLAIN")},
			State:        pop3parse.Update, Committed: true, Deleted: 1, Ending: pop3parse.QuitAccepted, Exchanges: 5, Logins: 1, Messages: 1,
		},
		Exchanges: []pop3parse.Exchange{
			{N: 1, Verb: pop3parse.CAPA, VerbSent: []byte("capa"), Status: pop3parse.OK, Text: plain("Capabilities"), State: pop3parse.Authorization,
				Multiline: true, Lines: 3, Octets: 23, Terminated: true, Body: []byte("TOP\r\nUIDL\r\nSASL PLAIN\r\n"), BodyTotal: 23,
				RequestFirst: at(5, 1000), RequestLast: at(5, 1000), ReplyFirst: at(6, 1500), ReplyLast: at(6, 1500)},
			{N: 2, Verb: pop3parse.USER, Args: plain("alice"), Status: pop3parse.OK, State: pop3parse.Authorization,
				RequestFirst: at(7, 2000), RequestLast: at(7, 2000), ReplyFirst: at(8, 2500), ReplyLast: at(8, 2500)},
			{N: 3, Verb: pop3parse.PASS, Args: masked(passwordAlice, len(passwordAlice)), Status: pop3parse.OK, Text: plain("logged in"), State: pop3parse.Authorization,
				RequestFirst: at(9, 3000), RequestLast: at(9, 3000), ReplyFirst: at(10, 103_000), ReplyLast: at(10, 103_000)},
			{N: 4, Verb: pop3parse.RETR, Args: plain("1"), Status: pop3parse.OK, Text: plain("56 octets"), State: pop3parse.Transaction,
				Multiline: true, Lines: 4, Octets: int64(len(body)), Terminated: true, Body: []byte(body), BodyTotal: int64(len(body)),
				RequestFirst: at(11, 110_000), RequestLast: at(11, 110_000), ReplyFirst: at(12, 120_000), ReplyLast: at(14, 1_120_000)},
			{N: 5, Verb: pop3parse.QUIT, Status: pop3parse.OK, Text: plain("bye"), State: pop3parse.Transaction,
				RequestFirst: at(15, 2_000_000), RequestLast: at(15, 2_000_000), ReplyFirst: at(16, 2_000_001), ReplyLast: at(16, 2_000_001)},
		},
		Logins: []pop3parse.Login{{Exchange: 3, Mechanism: "USER/PASS", User: []byte("alice"), Secret: secret.New([]byte(passwordAlice)),
			Outcome: pop3parse.Success, Exposure: pop3parse.Cleartext, At: at(9, 3000)}},
		Messages: []popscope.Message{{
			Message: pop3parse.Message{Exchange: 4, Number: 1, Command: pop3parse.RETR, Octets: int64(len(body)), Announced: 56, UIDL: []byte("whqtswO00WBw418f9t5JxYwZ"),
				First: at(12, 120_000), Last: at(14, 1_120_000), From: stream.Server, Fate: pop3parse.Deleted},
			SHA256: sha256.Sum256([]byte(body)),
			Mail:   &message.Mail{Subject: "lunch", From: "Bob <bob@example.org>", ContentType: "text/plain", Parts: 1},
		}},
	}
}

// full has every optional key that can be present, and hostile text in
// every place that text from the wire can reach.
func full() *popscope.Result {
	const hostile = "\x1b]0;owned\x07\x1b[31m\u202egpj.exe\u2066\xff\xfe\x00\u009b<b>&\"\\x41\ttab"
	bad := []byte(hostile)
	c := conn("[2001:db8::10]:51001", "[2001:db8::5]:1110")
	c.Handshake, c.ClientKnown, c.Close = false, false, stream.ClosedRST
	c.Lost = [2]int64{7, 1448}
	c.First = at(101, -1_000_000)
	c.Trouble = &stream.Trouble{Transport: stream.Transport{Conflicts: 2, BadChecksums: [2]int64{1, 0}, Cut: [2]int64{0, 3}}}
	c.Shed = true
	all := pop3parse.Notes(1)<<30 - 1
	return &popscope.Result{
		ID: "00ff00ff00ff00ff", Part: 1, Last: true, Conn: c, ByContent: true, TLS: popscope.STLS, OneSided: true, Side: stream.Server, Unsure: 3,
		TLSInfo: &stream.TLSInfo{Version: 0x0303, Offered: 0x0304, Cipher: 0xc02f, SNI: "mail.example.org\x1b[2J", ALPN: []string{"pop3", hostile}, ALPNChosen: "pop3",
			Resumed: true, Completed: true, Alert: "handshake_failure", Certificate: &stream.Certificate{
				Subject: "CN=" + hostile, Issuer: "CN=ca", CommonName: hostile, Names: []string{"mail.example.org", "192.0.2.1"},
				NotBefore: epoch, NotAfter: epoch.AddDate(1, 0, 0), Key: "RSA 2048", Signature: "SHA256-RSA", SelfSigned: true, Chain: 2}},
		Session: &pop3parse.Session{
			Greeting: plain(hostile), HasGreeting: true, Refused: true, Capabilities: [][]byte{bad, []byte("TOP")},
			State: pop3parse.Transaction, STLS: true, ClearAfterSTLS: true, Deleted: 3, Ending: pop3parse.EndMissing, Exchanges: 7, Logins: 4, Messages: 2, Notes: notes(pop3parse.BareLF),
		},
		Exchanges: []pop3parse.Exchange{
			{N: 1, Verb: pop3parse.AUTH, Args: masked("PLAIN "+initialBob, len(initialBob)), Status: pop3parse.Err, Text: masked("[AUTH] bad password swordfish\xff", 10), Code: []byte("AUTH"),
				SASL: []pop3parse.Turn{
					{From: stream.Server, Data: plain(""), At: at(103, 10)},
					{From: stream.Client, Data: plain(initialBob), At: at(104, 20)},
					{From: stream.Server, Data: plain(hostile), At: at(105, 30)},
					{From: stream.Client, Data: masked("*", 1), At: at(106, 40)}},
				State: pop3parse.Authorization, Pairing: pop3parse.Resynced,
				RequestFirst: at(102, 5), RequestLast: at(102, 5), ReplyFirst: at(103, 10), ReplyLast: at(107, 50)},
			{N: 2, Verb: pop3parse.Verb("X\x1b[5m\xff"), VerbSent: []byte("x\x1b[5m\xff"), Args: plain(hostile), Status: pop3parse.OK, Text: plain(hostile), Code: bad,
				Multiline: true, Lines: 12, Octets: 100_000, Body: []byte(hostile + "\r\n" + hostile + "\n" + hostile), BodyTotal: 99_000,
				Pipelined: true, Pairing: pop3parse.Guessed, Encrypted: true, Notes: all,
				RequestFirst: at(108, 60), RequestLast: at(109, 70), ReplyFirst: at(110, 65), ReplyLast: at(111, 10_000_065)},
			{N: 3, Verb: pop3parse.NOOP, RequestFirst: at(112, 80), RequestLast: at(112, 80), Encrypted: true, Notes: notes(pop3parse.ReplyLost)},
			{N: 4, Status: pop3parse.OK, Text: plain("to nobody"), ReplyFirst: at(113, 90), ReplyLast: at(113, 90), Encrypted: true, Notes: notes(pop3parse.CommandLost)},
			{N: 5, Verb: pop3parse.STAT, Status: pop3parse.OK, Text: plain("1 20"), ReplyFirst: at(114, 91), ReplyLast: at(114, 91), Encrypted: true, Pairing: pop3parse.Guessed},
			{N: 6, Verb: pop3parse.RETR, Args: plain("9"), Status: pop3parse.OK, Text: plain(""), Multiline: true, Lines: 2, Octets: 40, Body: []byte("one\r\ntwo"), BodyTotal: 38, Encrypted: true,
				RequestFirst: at(115, 92), RequestLast: at(115, 92), ReplyFirst: at(116, 93), ReplyLast: at(117, 94)},
			{N: 7, Verb: pop3parse.XTND, Args: plain("XMIT"), Status: pop3parse.OK, Text: plain("sent"), Encrypted: true,
				RequestFirst: at(118, 95), RequestLast: at(118, 95), ReplyFirst: at(120, 96), ReplyLast: at(120, 96)},
		},
		Logins: []pop3parse.Login{
			{Exchange: 1, Mechanism: "PLAIN", User: []byte("bob\xff\x1b[7m"), AuthzID: bad, Secret: secret.New([]byte(passwordBob)), Outcome: pop3parse.Failure,
				Reason: pop3parse.BadCredentials, ReasonText: secret.NewText([]byte("bad password swordfish\xff")), Exposure: pop3parse.Cleartext, At: at(104, 20)},
			{Exchange: 2, Mechanism: "XOAUTH2", User: []byte("carol"), Secret: secret.New([]byte(tokenCarol)), Exposure: pop3parse.Token, Encrypted: true, At: at(108, 60)},
			{Exchange: 3, Mechanism: "CRAM-MD5", User: []byte("dave"), Challenge: bad, Response: secret.New([]byte(digestDave)), Outcome: pop3parse.Failure,
				Reason: pop3parse.TempFault, Exposure: pop3parse.Crackable, Encrypted: true, At: at(112, 80)},
			{Exchange: 4, Mechanism: "GSSAPI", Exposure: pop3parse.Protected, Encrypted: true},
			{Exchange: 4, Mechanism: "PLAIN", User: []byte("bob"), AuthzID: []byte{}, Secret: secret.New([]byte(passwordBob)), Outcome: pop3parse.Success, Exposure: pop3parse.Protected, Encrypted: true},
		},
		Messages: []popscope.Message{
			{Message: pop3parse.Message{Exchange: 6, Number: 9, Command: pop3parse.RETR, Octets: 38, Verdict: pop3parse.Gaps,
				Gaps: []pop3parse.Gap{{Offset: 5, Length: 1448}, {Offset: 2000, Length: 1}}, Announced: 1_234_567, UIDL: bad, From: stream.Server},
				SHA256: sha256.Sum256([]byte("x")),
				Mail: &message.Mail{Subject: hostile, From: hostile, To: hostile, Date: time.Date(2026, 1, 1, 12, 0, 0, 0, time.FixedZone("", 3600)), MessageID: "<1@example.org>\xff",
					Attachments: []message.Attachment{{Name: hostile, ContentType: "image/png", Octets: 12_345, SHA256: sha256.Sum256(nil)}, {ContentType: "text/csv"}}}},
			{Message: pop3parse.Message{Exchange: 7, Command: pop3parse.XTND, Octets: 5, Verdict: pop3parse.Complete, Announced: -1, From: stream.Client, First: at(119, 95), Last: at(119, 95)}},
		},
	}
}

// parts is one session in two parts, the second of which has nothing new
// to say but the end.
func parts() []*popscope.Result {
	first, second := ordinary(), ordinary()
	for _, r := range []*popscope.Result{first, second} {
		r.ID = "7777777777777777"
		r.Conn = conn("192.0.2.20:51002", "198.51.100.5:995")
		r.Conn.First = at(201, 60_000_000)
		r.Conn.Last = at(299, 90_000_000)
		r.Conn.Close = stream.NotClosed
		r.TLS = popscope.ImplicitTLS
		r.TLSInfo = &stream.TLSInfo{Offered: 0x0304}
		r.Session.Committed, r.Session.Ending, r.Messages[0].Fate = false, pop3parse.EndUnseen, pop3parse.Unsettled
	}
	first.Last = false
	second.Part = 2
	second.Exchanges, second.Logins, second.Messages = nil, nil, nil
	return []*popscope.Result{first, second}
}

// silent is a session of which little is known: TLS without keys.
func silent() *popscope.Result {
	c := conn("192.0.2.30:51003", "198.51.100.5:995")
	c.First, c.Last, c.Close = at(301, 86_400_000_000), at(310, 86_401_000_000), stream.ClosedTimeout
	return &popscope.Result{ID: "8888888888888888", Part: 1, Last: true, Conn: c, Session: &pop3parse.Session{}, TLS: popscope.ImplicitTLS,
		TLSInfo: &stream.TLSInfo{Version: 0x0304, Offered: 0x0304, Cipher: 0x1301, SNI: "mail.example.org", Completed: true}}
}

func summary() popscope.Summary {
	return popscope.Summary{
		Packets: 12_345, Bytes: 6_789_012, Files: []capture.FileInfo{{Name: "a.pcap", Packets: 12_000, Bytes: 6_000_000}, {Name: "b\xff.pcap", Packets: 345}},
		Sessions: 4, Logins: 6, Messages: 4, Ignored: map[string]int64{"not_tcp": 1200, "malformed": 3, "not_ip": 3, "no_pop3": 0},
		Start: epoch, End: epoch.Add(25 * time.Hour), KernelDrops: 5, Errors: []string{"b.pcap: packet 346, offset 0x10: cut short", "c\xff.pcap: \x1b[1mcut"},
	}
}

// cases are the golden files: name, Results and summary.
var cases = []struct {
	name    string
	results func() []*popscope.Result
	summary func() popscope.Summary
}{
	{"ordinary", func() []*popscope.Result { return []*popscope.Result{ordinary()} }, func() popscope.Summary {
		return popscope.Summary{Packets: 40, Bytes: 70_000, Files: []capture.FileInfo{{Name: "a.pcap", Packets: 40}}, Sessions: 1, Logins: 1, Messages: 1, Start: epoch, End: epoch.Add(2500 * time.Millisecond)}
	}},
	{"full", func() []*popscope.Result {
		return append([]*popscope.Result{silent(), full(), ordinary()}, parts()...)
	}, summary},
	{"nothing", func() []*popscope.Result { return nil }, func() popscope.Summary { return popscope.Summary{} }},
}

// render writes Results in a format and returns what came out.
func render(t *testing.T, format string, o Options, results []*popscope.Result, s popscope.Summary) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// writeAll writes what an analysis finds in src, and closes w.
func writeAll(t testing.TB, w Writer, a *popscope.Analyzer, src capture.Source) {
	t.Helper()
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
}
