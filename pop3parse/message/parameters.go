package message

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// parameters are those of a Content-Type or Content-Disposition field
// (RFC 2045 section 5.1), with the extensions of RFC 2231.
type parameters struct {
	list   []parameter
	broken bool // not written as the RFCs want
	faults []string
}

// parameter is one "name=value", "name*=value", "name*0=value" or "name*0*=value".
type parameter struct {
	name     string // lower case, without what follows "*"
	value    string // without quotes, not decoded
	section  int    // RFC 2231 section 3; -1 without one
	extended bool   // RFC 2231 section 4: percent-encoded, the first one with a charset
}

// maxSection bounds the number of a continuation: 64 KiB of header hold fewer.
const maxSection = 9999

// parseParameters splits a field into its value and parameters. It reads any
// input: what is not well-formed is read in the way that loses least.
func parseParameters(s string) (value string, p parameters) {
	r := parameterReader{s: s, p: &p}
	value = r.head()
	if strings.IndexByte(value, '=') >= 0 { // the value was forgotten
		value, r.pos, p.broken = "", 0, true
	} else if r.pos < len(s) && s[r.pos] != ';' {
		p.broken = true
	}
	for r.next() {
	}
	return value, p
}

// parameterReader is a position in the text of a field.
type parameterReader struct {
	s         string
	pos       int
	p         *parameters
	noComment bool // no ")" follows
	noQuote   bool // no second quote follows
}

// head reads the value of the field: a word, or two with "/" between them.
// White space and comments may stand around all of these (RFC 2045 section
// 5.1, RFC 822 section 3.1.4).
func (r *parameterReader) head() (value string) {
	for r.skip(); ; r.skip() {
		rest := r.s[r.pos:]
		slash := strings.IndexByte(value, '/')
		if value != "" && slash != len(value)-1 && (slash >= 0 || !strings.HasPrefix(rest, "/")) {
			return value
		}
		end := strings.IndexAny(rest, "; \t(")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return value
		}
		value += rest[:end]
		r.pos += end
	}
}

// skip passes over white space and comments (RFC 5322 section 3.2.2).
func (r *parameterReader) skip() {
	for r.pos < len(r.s) {
		switch r.s[r.pos] {
		case ' ', '\t':
			r.pos++
		case '(':
			end := -1
			if !r.noComment {
				end = commentEnd(r.s, r.pos)
			}
			if end < 0 {
				r.noComment = true
				return
			}
			r.pos = end
		default:
			return
		}
	}
}

// commentEnd returns the position after the comment that begins at pos, or -1.
func commentEnd(s string, pos int) int {
	depth := 0
	for i := pos; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// next reads a parameter, and reports whether there may be another one.
func (r *parameterReader) next() bool {
	for r.skip(); r.pos < len(r.s) && r.s[r.pos] == ';'; r.skip() {
		r.pos++
	}
	if r.pos >= len(r.s) {
		return false
	}
	start := r.pos
	i := strings.IndexAny(r.s[start:], "=;")
	if i < 0 || r.s[start+i] == ';' { // a word that is no parameter
		r.p.broken = true
		if i < 0 {
			r.pos = len(r.s)
		} else {
			r.pos = start + i
		}
		return true
	}
	name := strings.ToLower(strings.TrimRight(r.s[start:start+i], " \t"))
	if j := strings.LastIndexAny(name, " \t,"); j >= 0 { // words before the name
		r.p.broken = true
		name = name[j+1:]
	}
	r.pos = start + i + 1
	for r.pos < len(r.s) && (r.s[r.pos] == ' ' || r.s[r.pos] == '\t') {
		r.pos++
	}
	r.add(name, r.value())
	return true
}

// value reads the value of a parameter.
func (r *parameterReader) value() string {
	if r.pos < len(r.s) && r.s[r.pos] == '"' {
		return r.quoted()
	}
	rest := r.s[r.pos:]
	end := strings.IndexByte(rest, ';')
	if end < 0 {
		end = len(rest)
	}
	text := rest[:end]
	// A word ends the value, if a comment or another parameter follows.
	for i := 0; i < len(text); i++ {
		if text[i] != ' ' && text[i] != '\t' {
			continue
		}
		after := strings.TrimLeft(text[i:], " \t")
		switch {
		case after == "":
			r.pos += end
			return text[:i]
		case after[0] == '(' && i > 0:
			r.pos += i
			r.skip()
			return text[:i]
		case startsParameter(after):
			r.p.broken = true // no ";" between
			r.pos += i
			return text[:i]
		}
		r.p.broken = true // a value with blanks in it, without quotes
		i = len(text) - len(after)
	}
	r.pos += end
	return text
}

// startsParameter reports whether s begins with a known name and "=". Names
// of files may hold any "x=y".
func startsParameter(s string) bool {
	name, _, ok := strings.Cut(s[:min(len(s), 32)], "=")
	name, _, _ = strings.Cut(name, "*")
	switch strings.ToLower(strings.TrimRight(name, " \t")) {
	case "name", "filename", "charset", "boundary", "format", "type", "size":
		return ok
	}
	return false
}

// quoted reads a quoted-string. A backslash quotes a quote and a backslash
// only: some programs write paths without quoting theirs.
func (r *parameterReader) quoted() string {
	var b strings.Builder
	for i := r.pos + 1; i < len(r.s) && !r.noQuote; i++ {
		switch c := r.s[i]; {
		case c == '"':
			r.pos = i + 1
			if r.skip(); r.pos < len(r.s) && r.s[r.pos] != ';' {
				r.p.broken = true
			}
			return b.String()
		case c == '\\' && i+1 < len(r.s) && (r.s[i+1] == '"' || r.s[i+1] == '\\'):
			i++
			b.WriteByte(r.s[i])
		default:
			b.WriteByte(c)
		}
	}
	r.noQuote, r.p.broken = true, true
	text, _, found := strings.Cut(r.s[r.pos+1:], ";")
	r.pos += 1 + len(text)
	if found {
		return text
	}
	return strings.TrimRight(text, " \t")
}

// add takes the parameter with the name as written but in lower case.
func (r *parameterReader) add(name, value string) {
	p := parameter{name: name, value: value, section: -1}
	p.name, p.extended = strings.CutSuffix(p.name, "*")
	if i := strings.LastIndexByte(p.name, '*'); i >= 0 {
		n, err := strconv.ParseUint(p.name[i+1:], 10, 32)
		if err != nil || n > maxSection {
			r.p.broken = true
			return
		}
		p.name, p.section = p.name[:i], int(n)
	}
	r.p.list = append(r.p.list, p)
}

// get returns the parameter, "" when it is missing. RFC 2231 forms go
// before the plain one, which is there for old programs. extended says that
// charset and percent encoding were undone.
func (p *parameters) get(name string) (value string, extended bool) {
	var plain, whole *parameter
	var sections []parameter
	for i := range p.list {
		switch q := &p.list[i]; {
		case q.name != name:
		case q.section >= 0:
			sections = append(sections, *q)
		case q.extended && whole == nil:
			whole = q
		case q.extended || plain != nil:
			if first := cmp.Or(plain, whole); q.extended && whole.value != q.value || !q.extended && first.value != q.value {
				p.fault("a parameter " + name + " is given twice; the first one counts")
			}
		default:
			plain = q
		}
	}
	switch {
	case whole != nil:
		return p.decode([]parameter{*whole}), true
	case len(sections) > 0:
		return p.join(sections)
	case plain != nil:
		return plain.value, false
	}
	return "", false
}

// join puts continuations together (RFC 2231 section 3). They may come in any order.
func (p *parameters) join(sections []parameter) (string, bool) {
	slices.SortStableFunc(sections, func(a, b parameter) int { return a.section - b.section })
	sections = slices.CompactFunc(sections, func(a, b parameter) bool { return a.section == b.section })
	if sections[0].section != 0 {
		p.fault("the first section of a parameter is missing")
	}
	extended := false
	for i, q := range sections {
		if i > 0 && q.section != sections[i-1].section+1 {
			p.fault("a section of a parameter is missing; what follows it was left out")
			sections = sections[:i]
			break
		}
		extended = extended || q.extended
	}
	if extended {
		return p.decode(sections), true
	}
	var b strings.Builder
	for _, q := range sections {
		b.WriteString(q.value)
	}
	return b.String(), false
}

// decode undoes RFC 2231 section 4: charset'language'percent-encoded.
func (p *parameters) decode(sections []parameter) string {
	charset := ""
	var b []byte
	for i, q := range sections {
		v := q.value
		if i == 0 && q.extended {
			parts := strings.SplitN(v, "'", 3)
			if len(parts) == 3 {
				charset, v = parts[0], parts[2]
			} else {
				p.fault("an extended parameter does not name its charset")
			}
		}
		if q.extended {
			b = appendPercent(b, v)
		} else {
			b = append(b, v...)
		}
	}
	text, fault := decodeCharset(b, charset)
	if fault != "" {
		p.fault(fault)
	}
	return text
}

func (p *parameters) fault(s string) { p.faults = append(p.faults, s) }

// report states what get and its helpers found.
func (p *parameters) report(f *faults) {
	for _, s := range p.faults {
		f.add(s)
	}
}

// appendPercent appends s with "%XX" decoded; other "%" stay.
func appendPercent(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := hexValue(s[i+1]), hexValue(s[i+2]); hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return b
}
