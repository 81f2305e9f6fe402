package message

import "strings"

// encodedWord is an encoded word of RFC 2047 section 2: =?charset?encoding?text?=.
type encodedWord struct {
	charset string
	octets  []byte // the text without its B or Q encoding
	broken  bool   // the encoding has errors
	end     int    // position after the word
}

// decodeWords decodes all encoded words in s, which is valid UTF-8, wherever
// they stand: in the middle of words and in quoted strings, too.
//
// Between encoded words white space is dropped (RFC 2047 section 6.2).
// Neighbours of the same charset are decoded as one text: programs that cut
// a text in words do not always cut between characters.
func (c *common) decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var pending []byte // octets of neighbours
	charset := ""
	open := false // the last thing seen was an encoded word
	flush := func() {
		if !open {
			return
		}
		text, fault := decodeCharset(pending, charset)
		if fault != "" {
			c.faults.add(fault)
		}
		out.WriteString(text)
		pending, open = pending[:0], false
	}
	for s != "" {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		w, ok, last := readWord(s[i:])
		if last {
			break
		}
		if !ok {
			flush()
			out.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		if between := s[:i]; !open || strings.Trim(between, " \t") != "" {
			flush()
			out.WriteString(between)
		}
		if open && !strings.EqualFold(charset, w.charset) {
			flush()
		}
		if w.broken {
			c.faults.add("an encoded word with errors in its encoding")
		}
		pending, charset, open = append(pending, w.octets...), w.charset, true
		s = s[i+w.end:]
	}
	flush()
	out.WriteString(s)
	return out.String()
}

// readWord reads the encoded word that s begins with. last says that no
// encoded word can follow either.
func readWord(s string) (w encodedWord, ok, last bool) {
	if !strings.HasPrefix(s, "=?") {
		return w, false, false
	}
	i := strings.IndexByte(s[2:], '?')
	if i < 0 {
		return w, false, true
	}
	charset := s[2 : 2+i]
	rest := s[2+i+1:]
	if i == 0 || i > maxCharset || strings.ContainsAny(charset, " \t\"()<>@,;:/[]=") {
		return w, false, false
	}
	if len(rest) < 2 || rest[1] != '?' {
		return w, false, false
	}
	text := rest[2:]
	end := strings.Index(text, "?=")
	if end < 0 {
		return w, false, true
	}
	w = encodedWord{charset: charset, end: len(s) - len(text) + end + 2}
	switch rest[0] {
	case 'B', 'b':
		w.octets, w.broken = decodeB(text[:end])
	case 'Q', 'q':
		w.octets, w.broken = decodeQ(text[:end])
	default:
		return w, false, false
	}
	return w, true, false
}

// decodeB decodes the B encoding (RFC 2047 section 4.1), errors in it and all.
func decodeB(s string) (out []byte, broken bool) {
	bits, n := uint32(0), 0
	rest := func() {
		switch n {
		case 1:
			broken = true
		case 2:
			out = append(out, byte(bits>>4))
		case 3:
			out = append(out, byte(bits>>10), byte(bits>>2))
		}
		n = 0
	}
	for i := range len(s) {
		switch v := base64Value[s[i]]; v {
		case base64Junk:
			broken = broken || s[i] != ' ' && s[i] != '\t'
		case base64Pad:
			rest()
		default:
			bits = bits<<6 | uint32(v)
			if n++; n == 4 {
				out = append(out, byte(bits>>16), byte(bits>>8), byte(bits))
				n = 0
			}
		}
	}
	rest()
	return out, broken
}

// decodeQ decodes the Q encoding (RFC 2047 section 4.2), errors in it and all.
func decodeQ(s string) (out []byte, broken bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			out = append(out, ' ')
		case s[i] == '=' && i+2 < len(s) && hexValue(s[i+1]) >= 0 && hexValue(s[i+2]) >= 0:
			out = append(out, byte(hexValue(s[i+1])<<4|hexValue(s[i+2])))
			i += 2
		default:
			broken = broken || s[i] == '='
			out = append(out, s[i])
		}
	}
	return out, broken
}
