package report

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// packetItem is one thing that a packet carries: a line or a part of one,
// or a stretch of data.
type packetItem struct {
	from    stream.Dir
	tls     bool
	inside  bool // it was decrypted
	text    []byte
	ok, err bool // a status line
	facts   bool // the text is ours, not the wire's

	plain string // of TLS records: what each of them is
	alike int    // and how many there are
}

// who says who speaks.
func (it *packetItem) who() string {
	switch {
	case it.tls:
		return ""
	case it.from == stream.Client && it.inside:
		return "C (decrypted): "
	case it.inside:
		return "S (decrypted): "
	case it.from == stream.Client:
		return "C: "
	}
	return "S: "
}

// rowsShown is how many bytes of listings and the like are shown of a
// packet.
const rowsShown = 200

// itemWriter makes items of the parts of a payload, or of what was decrypted.
// It can be used for one packet after the other.
type itemWriter struct {
	p     *popscope.Packet
	show  bool
	items []packetItem
	text  []byte // theirs

	off               int64 // of payload
	payload           []byte
	parts             []pop3parse.Stretch
	continued, goesOn bool
	inside            bool
}

// of says what a packet carries. The items are valid until the next call.
func (w *itemWriter) of(p *popscope.Packet, show bool) []packetItem {
	if len(p.Segment.Payload) == 0 {
		return nil
	}
	if p.Notes.Has(popscope.KeepAlive) {
		return nil // its byte is none of the stream
	}
	*w = itemWriter{
		p: p, show: show, items: w.items[:0], text: w.text[:0],
		off: p.Off, payload: p.Segment.Payload, parts: p.Parts, continued: p.Continued(), goesOn: p.GoesOn(),
	}
	w.all()
	for i := range p.Inside {
		in := &p.Inside[i]
		w.off, w.payload, w.parts, w.continued, w.goesOn, w.inside = in.Off, in.Data, in.Parts, in.Continued(), in.GoesOn(), true
		if in.Lost > 0 {
			w.fact(count(in.Lost, "byte"), " lost in TLS")
			continue
		}
		w.all()
	}
	return w.items
}

// all makes items of all parts.
func (w *itemWriter) all() {
	done := w.off
	for i := 0; i < len(w.parts); {
		if s := &w.parts[i]; s.Off > done {
			w.unread(s.Off - done)
		}
		n := w.take(w.parts[i:])
		done = w.parts[i+n-1].End()
		i += n
	}
	if n := w.off + int64(len(w.payload)) - done; n > 0 {
		w.unread(n)
	}
}

func (w *itemWriter) add(it packetItem) {
	it.from, it.inside = w.p.From, w.inside
	w.items = append(w.items, it)
}

// since returns what was appended to text from at on.
func (w *itemWriter) since(at int) []byte { return w.text[at:len(w.text):len(w.text)] }

// fact adds an item of our own words.
func (w *itemWriter) fact(words ...string) {
	at := len(w.text)
	w.text = append(w.text, '[')
	for _, s := range words {
		w.text = append(w.text, s...)
	}
	w.text = append(w.text, ']')
	w.add(packetItem{text: w.since(at), facts: true})
}

func (w *itemWriter) unread(n int64) {
	switch {
	case w.inside:
		w.fact(count(n, "byte"), " not made sense of")
	case w.p.Notes.Has(popscope.OutOfWindow):
	case w.p.Notes.Has(popscope.AfterEnd):
		w.fact(count(n, "byte"), " after the end")
	default:
		w.fact(count(n, "byte"), " not made sense of")
	}
}

// bytes returns the bytes of a part.
func (w *itemWriter) bytes(s *pop3parse.Stretch) []byte {
	from := s.Off - w.off
	return w.payload[from : from+s.Len]
}

// take makes an item of the first parts, and returns how many it took.
func (w *itemWriter) take(parts []pop3parse.Stretch) int {
	s := &parts[0]
	if w.p.Notes.Has(popscope.Conflicting) && !w.show && s.Part != pop3parse.TLS && !w.inside {
		n := w.run(parts, func(pop3parse.Part) bool { return true })
		w.fact("another copy of ", count(size(parts[:n]), "byte"))
		return n
	}
	switch s.Part {
	case pop3parse.Keyword, pop3parse.Args, pop3parse.Indicator, pop3parse.Words, pop3parse.SASLData, pop3parse.LineEnd:
		return w.line(parts)
	case pop3parse.Mail, pop3parse.Stuffing, pop3parse.Rows, pop3parse.Final:
		return w.data(parts)
	case pop3parse.TLS:
		w.records(s)
	case pop3parse.Wrapped:
		w.fact(count(s.Len, "byte"), " wrapped by the SASL mechanism")
	case pop3parse.Proxy:
		w.fact("PROXY header, ", count(s.Len, "byte"))
	case pop3parse.Missing:
		w.fact(count(s.Len, "byte"), " that came too late")
	default:
		n := w.run(parts, func(p pop3parse.Part) bool { return p == pop3parse.Unread })
		w.unread(size(parts[:n]))
		return n
	}
	return 1
}

// run returns how many parts from the first on are of a kind.
func (w *itemWriter) run(parts []pop3parse.Stretch, is func(pop3parse.Part) bool) int {
	n := 1
	for n < len(parts) && is(parts[n].Part) && parts[n].Off == parts[n-1].End() {
		n++
	}
	return n
}

func size(parts []pop3parse.Stretch) int64 {
	n := int64(0)
	for i := range parts {
		n += parts[i].Len
	}
	return n
}

// line makes an item of a line, up to its end.
func (w *itemWriter) line(parts []pop3parse.Stretch) int {
	it := packetItem{}
	begin := len(w.text)
	if &parts[0] == &w.parts[0] && w.continued {
		w.text = append(w.text, "..."...)
	}
	at := len(w.text)
	n, ended := 0, false
	for n < len(parts) && !ended && (n == 0 || parts[n].Off == parts[n-1].End()) {
		s := &parts[n]
		switch s.Part {
		case pop3parse.Keyword, pop3parse.Args, pop3parse.Words, pop3parse.SASLData:
		case pop3parse.Indicator:
			b := w.bytes(s)
			it.ok, it.err = isStatus(b, "+OK"), isStatus(b, "-ERR")
		case pop3parse.LineEnd:
			ended = true
			n++
			continue
		default:
			ended = true // what follows is no part of a line
			continue
		}
		b := w.bytes(s)
		switch {
		case !s.Secret || w.show:
			w.text = appendInert(w.text, b[:min(len(b), maxShown)])
		case !bytes.HasSuffix(w.text[at:], []byte(secret.Mask)):
			w.text = append(w.text, secret.Mask...)
		}
		n++
	}
	text, cut := cutText(w.text[at:], maxShown)
	w.text = w.text[:at+len(text)]
	if cut || &parts[n-1] == &w.parts[len(w.parts)-1] && w.goesOn {
		w.text = append(w.text, "..."...)
	}
	it.text = bytes.TrimRight(w.since(begin), " ")
	switch {
	case ended && string(it.text) == "...":
		it.text, it.facts = []byte("[end of the line]"), true
	case len(it.text) == 0:
		it.text, it.facts = []byte("[empty line]"), true
	}
	w.add(it)
	return n
}

// cutText cuts a text that is too long, between two characters.
func cutText(text []byte, most int) (short []byte, cut bool) {
	if len(text) <= most {
		return text, false
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most], true
}

// data makes an item of the data of one reply.
func (w *itemWriter) data(parts []pop3parse.Stretch) int {
	n, ended := 0, false
	var mail, last *pop3parse.Stretch
	var rows []byte
	for n < len(parts) && !ended && (n == 0 || parts[n].Off == parts[n-1].End()) {
		s := &parts[n]
		switch s.Part {
		case pop3parse.Mail:
			if mail == nil {
				mail = s
			}
			last = s
		case pop3parse.Rows:
			if s.Secret && !w.show {
				rows = append(rows, secret.Mask+"\n"...)
			} else {
				rows = append(rows, w.bytes(s)...)
			}
		case pop3parse.Stuffing:
		case pop3parse.Final:
			ended = true
		default:
			ended = true
			continue
		}
		n++
	}
	final := parts[n-1].Part == pop3parse.Final
	switch {
	case mail != nil:
		w.mail(mail, last, final)
	case len(rows) > 0:
		w.rows(rows, &parts[0] == &w.parts[0] && w.continued, final)
	case final:
		if parts[0].Len < 3 && &parts[0] == &w.parts[0] && w.continued {
			w.fact("end of the final dot line")
		} else {
			w.add(packetItem{text: []byte(".")})
		}
	default:
		w.add(packetItem{text: []byte("...")})
	}
	return n
}

// mail writes which bytes of a message these are.
func (w *itemWriter) mail(first, last *pop3parse.Stretch, final bool) {
	at := len(w.text)
	b := append(w.text, "[mail"...)
	if first.Number > 0 {
		b = strconv.AppendInt(append(b, ' '), int64(first.Number), 10)
	}
	if first.Verb == pop3parse.TOP {
		b = append(b, " (TOP)"...)
	}
	b = strconv.AppendInt(append(b, ", bytes "...), first.At+1, 10)
	b = strconv.AppendInt(append(b, '-'), last.At+last.Len, 10)
	if first.Announced >= 0 && first.Verb != pop3parse.TOP {
		b = strconv.AppendInt(append(b, " of "...), first.Announced, 10)
	}
	if final {
		b = append(b, ", end"...)
	}
	w.text = append(b, ']')
	w.add(packetItem{text: w.since(at), facts: true})
}

// rows writes the lines of a listing, as many as fit.
func (w *itemWriter) rows(data []byte, continued, final bool) {
	lines := bytes.Split(bytes.TrimRight(data, "\r\n"), []byte("\n"))
	var b []byte
	shown := 0
	for i, line := range lines {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if i > 0 && len(b)+len(line) > rowsShown {
			break
		}
		if i > 0 {
			b = append(b, " | "...)
		}
		b = appendInert(b, line[:min(len(line), rowsShown)])
		shown++
	}
	at := len(w.text)
	if continued {
		w.text = append(w.text, "..."...)
	}
	w.text = append(w.text, b...)
	if left := len(lines) - shown; left > 0 {
		w.text = append(append(append(w.text, " | and "...), count(left, "line")...), " more"...)
	} else if !bytes.HasSuffix(data, []byte("\n")) {
		w.text = append(w.text, "..."...)
	}
	if final {
		w.text = append(w.text, " | ."...)
	}
	w.add(packetItem{text: w.since(at)})
}

// records says which TLS records a part holds.
func (w *itemWriter) records(s *pop3parse.Stretch) {
	at := s.Off
	for i := range w.p.TLS {
		r := &w.p.TLS[i]
		if r.Off >= s.End() || r.Off+max(r.Len, 1) <= at {
			continue
		}
		text := tlsRecord(r)
		if r.Off < s.Off {
			text += ", continued"
		}
		at = r.Off + r.Len
		if n := len(w.items); n > 0 && w.items[n-1].tls && w.items[n-1].plain == text {
			w.items[n-1].alike++
			w.items[n-1].text = []byte(text + " (" + strconv.Itoa(w.items[n-1].alike) + " records)")
			continue
		}
		w.add(packetItem{tls: true, text: []byte(text), plain: text, alike: 1})
	}
	if at == s.Off && !w.clear(s) {
		w.add(packetItem{tls: true, text: []byte("TLS: " + count(s.Len, "byte"))})
	}
}

// clear makes items of what a server says in clear to a client that began TLS,
// and reports whether it does.
func (w *itemWriter) clear(s *pop3parse.Stretch) bool {
	b := w.bytes(s)
	if w.p.From != stream.Server || w.p.Notes.Has(popscope.Conflicting) || !isStatus(b, "+OK") && !isStatus(b, "-ERR") {
		return false
	}
	for line := range bytes.Lines(b) {
		it := packetItem{ok: isStatus(line, "+OK"), err: isStatus(line, "-ERR")}
		line = bytes.TrimRight(line, "\r\n")
		text, cut := cutText(appendInert(nil, line[:min(len(line), maxShown)]), maxShown)
		if it.text = text; cut || len(line) > maxShown {
			it.text = append(it.text, "..."...)
		}
		w.add(it)
	}
	return true
}

// tlsRecord names a record as Wireshark does, and one that was opened by what
// it holds; of data that is said by the items that follow.
func tlsRecord(r *tlsdec.Record) string {
	if r.Opened && r.ContentName() != "application_data" {
		return "TLS (decrypted): " + r.String()
	}
	return "TLS: " + r.String()
}
