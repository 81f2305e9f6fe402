package message

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// charsetKind says how a charset is decoded.
type charsetKind uint8

const (
	unknownCharset charsetKind = iota
	ascii
	utf8Charset
	utf7Charset
	tableCharset // by an encoding of golang.org/x/text
)

// maxCharset is more than the longest name registered has.
const maxCharset = 64

// lookupCharset finds a charset by any name that mails use for it.
func lookupCharset(name string) (charsetKind, encoding.Encoding) {
	name, _, _ = strings.Cut(name, "*") // RFC 2231 section 5: a language may follow
	name = strings.ToLower(strings.Trim(name, ` "'`))
	if len(name) > maxCharset {
		return unknownCharset, nil
	}
	switch name {
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "iso-ir-6", "us":
		return ascii, nil
	case "utf-8", "utf8", "unicode-1-1-utf-8", "cp65001", "x-utf-8":
		return utf8Charset, nil
	case "utf-7", "utf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7", "cp65000":
		return utf7Charset, nil
	case "utf-16", "utf16": // RFC 2781 section 4.3
		return tableCharset, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "hz-gb-2312", "hz":
		return tableCharset, simplifiedchinese.HZGB2312
	case "cp936", "ms936":
		return tableCharset, simplifiedchinese.GBK
	case "cp932", "x-ms-cp932":
		return tableCharset, japanese.ShiftJIS
	case "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-ms", "cp50220", "cp50221":
		return tableCharset, japanese.ISO2022JP
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return tableCharset, e
	}
	if digits := strings.TrimPrefix(strings.TrimPrefix(name, "windows"), "win"); digits != name {
		if e, err := htmlindex.Get("windows-" + strings.TrimLeft(digits, "-_")); err == nil {
			return tableCharset, e
		}
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return tableCharset, e
	}
	return unknownCharset, nil
}

// decodeCharset makes text of b. The text is always valid UTF-8 and as
// readable as can be; fault says what is wrong, "" for nothing.
func decodeCharset(b []byte, charset string) (text, fault string) {
	kind, enc := lookupCharset(charset)
	switch kind {
	case ascii:
		if isASCII(b) {
			return string(b), ""
		}
		text, how := guessCharset(b)
		return text, "text said to be US-ASCII is not, and was read as " + how
	case utf8Charset:
		if utf8.Valid(b) {
			return string(b), ""
		}
		text, how := guessCharset(b)
		return text, "text said to be UTF-8 is not, and was read as " + how
	case utf7Charset:
		return decodeUTF7(b)
	case tableCharset:
		out, err := enc.NewDecoder().Bytes(b)
		if err == nil && utf8.Valid(out) && !bytes.ContainsRune(out, utf8.RuneError) {
			return string(out), ""
		}
		if utf8.Valid(b) && !isASCII(b) {
			return string(b), fmt.Sprintf("text said to be %q is UTF-8", cut(valid(charset)))
		}
		return valid(string(out)), fmt.Sprintf("text does not fit its charset %q", cut(valid(charset)))
	}
	text, how := guessCharset(b)
	return text, fmt.Sprintf("unknown charset %q, read as %s", cut(valid(charset)), how)
}

// guessCharset reads b without knowing its charset: as UTF-8 if most of it
// is, otherwise as windows-1252, which has a character for every octet.
func guessCharset(b []byte) (text, how string) {
	if utf8.Valid(b) {
		return string(b), "UTF-8"
	}
	good, bad := 0, 0
	for rest := b; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		rest = rest[n:]
	}
	if good > bad {
		return valid(string(b)), "UTF-8 with errors"
	}
	out, _ := charmap.Windows1252.NewDecoder().Bytes(b) // it has a character for every octet
	return valid(string(out)), "windows-1252"
}

// text makes valid UTF-8 of a header field that may hold raw 8-bit text
// (RFC 6532), with the charset of the content as a hint. where names the field.
func (c *common) text(raw, hint, where string) string {
	if strings.Contains(raw, "\x1b$") { // raw ISO-2022-JP, from before RFC 2047
		if out, err := japanese.ISO2022JP.NewDecoder().String(raw); err == nil && !strings.ContainsRune(out, utf8.RuneError) {
			c.faults.add("ISO-2022-JP without RFC 2047 in " + where)
			return out
		}
	}
	if utf8.ValidString(raw) {
		return raw
	}
	if hint == "" {
		hint = c.charset
	}
	text, how := guessCharset([]byte(raw))
	if kind, enc := lookupCharset(hint); kind == tableCharset && how == "windows-1252" {
		out, err := enc.NewDecoder().String(raw)
		if err == nil && utf8.ValidString(out) && !strings.ContainsRune(out, utf8.RuneError) {
			text, how = out, fmt.Sprintf("%q", strings.ToLower(cut(valid(hint))))
		}
	}
	c.faults.add("8-bit text in " + where + ", read as " + how)
	return text
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func isASCII(b []byte) bool {
	for _, v := range b {
		if v >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decodeUTF7 decodes UTF-7 (RFC 2152), which golang.org/x/text lacks.
func decodeUTF7(b []byte) (text, fault string) {
	var out strings.Builder
	for len(b) > 0 {
		i := bytes.IndexByte(b, '+')
		if i < 0 {
			out.Write(b)
			break
		}
		out.Write(b[:i])
		b = b[i+1:]
		n := 0
		for n < len(b) && base64Value[b[n]] < base64Pad {
			n++
		}
		run := b[:n]
		b = b[n:]
		closed := len(b) > 0 && b[0] == '-'
		if closed {
			b = b[1:]
		}
		if n == 0 {
			out.WriteByte('+')
			if !closed {
				fault = "text does not fit its charset UTF-7"
			}
			continue
		}
		octets := make([]byte, base64.RawStdEncoding.DecodedLen(n))
		n, err := base64.RawStdEncoding.Decode(octets, run)
		if err != nil || n%2 != 0 {
			fault = "text does not fit its charset UTF-7"
		}
		var units []uint16
		for ; n >= 2; n -= 2 {
			units = append(units, binary.BigEndian.Uint16(octets))
			octets = octets[2:]
		}
		out.WriteString(string(utf16.Decode(units)))
	}
	if !utf8.ValidString(out.String()) {
		fault = "text does not fit its charset UTF-7"
	}
	return valid(out.String()), fault
}
