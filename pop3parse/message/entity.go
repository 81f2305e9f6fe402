package message

import (
	"fmt"
	"strings"
)

// entity is what the header of a message or of a part says about its body
// (RFC 2045 section 3, RFC 2183).
type entity struct {
	contentType string // lower case, without parameters
	boundary    string // without white space at its end (RFC 2046 section 5.1.1)
	charset     string
	encoding    coding
	disposition string // lower case; "" without one
	name        string // of the file; "" without one
}

func (e *entity) isMessage() bool {
	return e.contentType == "message/rfc822" || e.contentType == "message/global"
}

// isAttachment is the rule for leaf parts; see the package comment.
func (e *entity) isAttachment() bool {
	return e.disposition == "attachment" || e.name != "" || e.isTNEF()
}

// isTNEF reports whether the part is a winmail.dat of Outlook.
func (e *entity) isTNEF() bool {
	return e.contentType == "application/ms-tnef" || e.contentType == "application/vnd.ms-tnef"
}

// readEntity reads the Content- fields that were collected; in is the
// multipart that the part stands in, or nil.
func (c *common) readEntity(in *multipart) entity {
	e := entity{contentType: "text/plain"} // RFC 2045 section 5.2
	if in != nil && in.digest {
		e.contentType = "message/rfc822" // RFC 2046 section 5.1.5
	}
	var fromType, fromDisposition parameters
	if c.header.seen[contentType] {
		raw := c.header.raw[contentType]
		// The charset is read first, for the other parameters may be written in it.
		_, p := parseParameters(string(raw))
		e.charset, _ = p.get("charset")
		value, p := parseParameters(c.headerText(contentType, e.charset))
		c.noteParameters(contentType, p)
		if t := strings.ToLower(value); isType(t) {
			e.contentType = t
		} else {
			e.contentType = "text/plain"
			c.faults.add(fmt.Sprintf("Content-Type %q is not of the form type/subtype", cut(t)))
		}
		fromType = p
		e.boundary, _ = p.get("boundary")
		e.boundary = strings.TrimRight(e.boundary, " \t")
	}
	if c.header.seen[disposition] {
		value, p := parseParameters(c.headerText(disposition, e.charset))
		c.noteParameters(disposition, p)
		e.disposition, fromDisposition = strings.ToLower(value), p
	}
	if c.header.seen[transferEncoding] {
		e.encoding = c.readEncoding(c.headerText(transferEncoding, ""))
	}
	name, extended := fromDisposition.get("filename")
	if name == "" {
		name, extended = fromType.get("name")
	}
	if name != "" && !extended {
		name = c.decodeWords(name) // RFC 2047 section 5 forbids it in parameters; many write it
	}
	e.name = c.cutName(name)
	fromType.report(&c.faults)
	fromDisposition.report(&c.faults)
	return e
}

// noteParameters states that parameters are not written as RFC 2045 section 5.1 has it.
func (c *common) noteParameters(f field, p parameters) {
	if p.broken {
		c.faults.add("parameters of " + fieldNames[f] + " are not well-formed")
	}
}

// isType reports whether s is of the form type/subtype.
func isType(s string) bool {
	if len(s) > maxType {
		return false
	}
	kind, sub, ok := strings.Cut(s, "/")
	return ok && isToken(kind) && isToken(sub)
}

// isToken reports whether s is a token of RFC 2045 section 5.1.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// readEncoding reads a Content-Transfer-Encoding, with what some programs
// write around it.
func (c *common) readEncoding(s string) coding {
	word, p := parseParameters(s)
	if word == "" && p.broken {
		word = s
	}
	word = strings.ToLower(strings.Trim(word, `"' `))
	switch word {
	case "", "7bit", "8bit", "binary":
		return identity
	case "base64":
		return base64Encoding
	case "quoted-printable":
		return quotedPrintable
	case "x-uuencode", "x-uue", "uuencode", "uue":
		return uuencode
	}
	c.faults.add(fmt.Sprintf("unknown Content-Transfer-Encoding %q", cut(word)))
	return identity
}

// nameText makes text of the name of a uuencoded file.
func (c *common) nameText(raw string) string {
	return c.cutName(c.decodeWords(c.text(raw, "", "the name of a uuencoded file")))
}

func (c *common) cutName(s string) string {
	if len(s) <= maxName {
		return s
	}
	c.faults.add("the name of an attachment is longer than the limit; it was cut")
	n := maxName
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// headerText makes valid UTF-8 of the field f.
func (c *common) headerText(f field, charset string) string {
	return strings.Trim(c.text(string(c.header.raw[f]), charset, fieldNames[f]), " \t")
}

// readMail reads the fields for people into the Mail.
func (c *common) readMail() {
	m := c.mail
	m.Subject = strings.Trim(c.decodeWords(c.headerText(subject, c.charset)), " \t")
	m.From = c.addresses(c.headerText(from, c.charset))
	m.To = c.addresses(c.headerText(to, c.charset))
	m.DateText = c.headerText(date, c.charset)
	if m.DateText != "" {
		t, usual, ok := parseDate(m.DateText)
		if m.Date = t; !ok {
			c.faults.add("Date is not readable")
		} else if !usual {
			c.faults.add("Date is not in the form of RFC 5322")
		}
	}
	m.MessageID = c.headerText(messageID, c.charset)
	if i := strings.IndexByte(m.MessageID, '<'); i >= 0 {
		if j := strings.IndexByte(m.MessageID[i:], '>'); j >= 0 {
			m.MessageID = withoutBlanks(m.MessageID[i : i+j+1])
		}
	}
}
