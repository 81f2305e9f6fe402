package message

import "strings"

// address is one of a list (RFC 5322 section 3.4), as far as it is there.
type address struct {
	name string // decoded
	addr string
}

// String writes it for people, in the form that mail programs accept.
func (a address) String() string {
	switch {
	case a.name == "":
		return a.addr
	case a.addr == "":
		return a.name
	case strings.ContainsAny(a.name, `()<>[]:;@\,."`):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.name) + `" <` + a.addr + ">"
	}
	return a.name + " <" + a.addr + ">"
}

// addresses writes the address list s, which is valid UTF-8, for people.
func (c *common) addresses(s string) string {
	r := addressReader{common: c, s: s}
	r.read()
	text := make([]string, len(r.list))
	for i, a := range r.list {
		text[i] = a.String()
	}
	return strings.Join(text, ", ")
}

// addressReader reads an address list, however it is written. Encoded words
// are decoded after the list is cut into addresses, so that what is in them
// cuts nothing.
type addressReader struct {
	common *common
	s      string
	pos    int
	list   []address

	phrase  strings.Builder // words before the address, or the address itself
	comment string
	angle   string // what stands in "<>"
	bracket bool   // there was "<"
	group   string // name of an open group that has no member yet

	noComment, noQuote bool // none that is open to the end follows
}

func (r *addressReader) read() {
	for r.pos < len(r.s) {
		switch c := r.s[r.pos]; c {
		case '"':
			r.quoted()
		case '(':
			r.parenthesis()
		case '<':
			r.angleAddr()
		case ',', ';':
			r.finish()
			if c == ';' && r.group != "" {
				r.list = append(r.list, address{name: r.group + ":;"})
				r.group = ""
			}
			r.pos++
		case ':':
			r.colon()
		case '=':
			r.word()
		default:
			r.literal(1)
		}
	}
	r.finish()
	if r.group != "" {
		r.list = append(r.list, address{name: r.group + ":"})
	}
}

func (r *addressReader) literal(n int) {
	r.phrase.WriteString(r.s[r.pos : r.pos+n])
	r.pos += n
}

// finish ends an address.
func (r *addressReader) finish() {
	phrase := strings.Join(strings.Fields(r.phrase.String()), " ")
	comment := strings.TrimSpace(r.comment)
	a := address{name: phrase, addr: r.angle}
	switch {
	case !r.bracket && strings.Contains(phrase, "@"):
		a = address{name: comment, addr: withoutBlanks(phrase)}
	case phrase == "" && (r.bracket || r.group == "" && len(r.list) == 0):
		a.name = comment // which stands instead of something, not beside it
	}
	if a.name != "" || a.addr != "" {
		a.name = strings.TrimSpace(r.common.decodeWords(a.name))
		r.list = append(r.list, a)
		r.group = ""
	}
	r.phrase.Reset()
	r.comment, r.angle, r.bracket = "", "", false
}

// quoted reads a quoted-string; a quote that is not closed is a character.
func (r *addressReader) quoted() {
	var b strings.Builder
	for i := r.pos + 1; i < len(r.s) && !r.noQuote; i++ {
		switch r.s[i] {
		case '"':
			text := b.String()
			if strings.HasPrefix(r.s[i+1:], "@") { // of an address; in a name the quotes are none of it
				text = r.s[r.pos : i+1]
			}
			r.phrase.WriteString(text)
			r.pos = i + 1
			return
		case '\\':
			if i+1 < len(r.s) {
				i++
			}
		}
		b.WriteByte(r.s[i])
	}
	r.noQuote = true
	r.literal(1)
}

// parenthesis reads a comment: in old mails it is the name.
func (r *addressReader) parenthesis() {
	end := -1
	if !r.noComment {
		end = commentEnd(r.s, r.pos)
	}
	if end < 0 {
		r.noComment = true
		r.literal(1)
		return
	}
	if r.comment == "" {
		r.comment = r.s[r.pos+1 : end-1]
	}
	r.pos = end
}

// angleAddr reads "<addr>". A second one is another address.
func (r *addressReader) angleAddr() {
	if r.bracket {
		r.common.faults.add("addresses without a comma between them")
		r.finish()
	}
	r.bracket = true
	rest := r.s[r.pos+1:]
	end := strings.IndexAny(rest, "<>,")
	for end >= 0 && rest[end] == ',' && strings.HasPrefix(rest, "@") { // RFC 5322 section 4.4: a route <@a,@b:c@d>
		next := strings.IndexAny(rest[end+1:], "<>,")
		if next < 0 {
			end = -1
			break
		}
		end += 1 + next
	}
	if end < 0 {
		end = len(rest)
	}
	r.angle = withoutBlanks(strings.TrimSpace(rest[:end]))
	r.pos += 1 + end
	if r.pos < len(r.s) && r.s[r.pos] == '>' {
		r.pos++
	}
}

// colon ends the name of a group (RFC 5322 section 3.4), or is a character.
func (r *addressReader) colon() {
	name := strings.TrimSpace(r.phrase.String())
	if r.bracket || name == "" || strings.ContainsAny(name, "@[") {
		r.literal(1)
		return
	}
	r.group = strings.TrimSpace(r.common.decodeWords(name))
	r.phrase.Reset()
	r.comment = ""
	r.pos++
}

// withoutBlanks removes comments, and white space around "@" and ".", from an
// address or a msg-id (RFC 5322 section 4.4). In a quoted-string they are
// characters, and all is left as it is.
func withoutBlanks(s string) string {
	if strings.IndexByte(s, '"') >= 0 || !strings.ContainsAny(s, " \t(") {
		return s
	}
	text, open := withoutComments(s)
	return aroundSigns.Replace(strings.Join(strings.Fields(text+open), " "))
}

var aroundSigns = strings.NewReplacer(" @ ", "@", " @", "@", "@ ", "@", " . ", ".", " .", ".", ". ", ".")

// word passes over an encoded word: commas in it cut nothing.
func (r *addressReader) word() {
	if w, ok, _ := readWord(r.s[r.pos:min(len(r.s), r.pos+maxLine)]); ok && !strings.ContainsAny(r.s[r.pos:r.pos+w.end], " \t") {
		r.literal(w.end)
		return
	}
	r.literal(1)
}
