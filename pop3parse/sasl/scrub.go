package sasl

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// A Scrubber writes the lines of one dialogue anew without what is secret
// in them: Decode reads the same from them but for passwords, tokens,
// digests, proofs and the salts that belong to them. Each line keeps its
// length.
//
//	s := sasl.NewScrubber("PLAIN", nil, nil)
//	s.Line(false, []byte("AHRpbQB0YW5zdGFhZnRhbnN0YWFm")) // NUL tim NUL xxxxxxxxxxxxx
//
// It keeps what is known to be harmless and overwrites all else.
type Scrubber struct {
	name  string
	user  func([]byte) []byte
	text  func([]byte) []byte
	asked prompt  // LOGIN: what the server's last message asks for
	doubt bool    // LOGIN: which answer is the password is not sure
	has   [2]bool // LOGIN: the answers so far: user, password
}

// NewScrubber returns a Scrubber for a mechanism, whose name is taken
// without regard to case. user writes a user name anew and text what a server
// says in words; both keep the length. nil leaves user names as they are,
// and overwrites text.
func NewScrubber(mechanism string, user, text func([]byte) []byte) *Scrubber {
	keep := func(b []byte) []byte { return b }
	if user == nil {
		user = keep
	}
	if text == nil {
		text = fill
	}
	return &Scrubber{name: strings.ToUpper(mechanism), user: user, text: text}
}

// ScrubsProof reports whether a Scrubber knows what of a server's message
// proves that it knows the secret, and overwrites that alone.
func ScrubsProof(mechanism string) bool {
	m, _ := lookup(mechanism)
	return m.name == "SCRAM-*" || m.name == "DIGEST-MD5"
}

// Distrust says that lines of the dialogue may be missing: no answer of
// LOGIN is taken for a user name any more.
func (s *Scrubber) Distrust() { s.doubt = true }

// Line returns the next line of the dialogue without its secrets, as long
// as line is. An initial response is a line of the client.
func (s *Scrubber) Line(server bool, line []byte) []byte {
	if !server && (len(line) == 0 || string(line) == "=") {
		s.doubt = true // whether that was the user name is not sure
	}
	if !server && (string(line) == "*" || string(line) == "=") {
		return line
	}
	if len(line) == 0 && server {
		return line
	}
	trimmed := bytes.Trim(line, " \t\r\n")
	data, f := decode64(trimmed)
	pad := len(trimmed) - len(bytes.TrimRight(trimmed, "="))
	enc := base64.StdEncoding
	if pad == 0 {
		enc = base64.RawStdEncoding
	}
	var out []byte
	if f == clean && enc.EncodedLen(len(data)) == len(trimmed) {
		out = make([]byte, len(trimmed))
		enc.Encode(out, s.message(server, data))
	} else {
		out = scrubBroken(trimmed, f)
		s.doubt = s.doubt || !server // whether that was the user name is not sure
	}
	return bytes.Replace(line, trimmed, out, 1)
}

// scrubBroken overwrites what is no whole base64, so that it is broken in
// the same way.
func scrubBroken(b []byte, f fault) []byte {
	out := bytes.Clone(b)
	const letters = "eHh4" // "xxx"
	for i, c := range out {
		switch {
		case c == ' ' || c == '\t' || c == '=' || c == 0:
		case f == alien:
			out[i] = '-'
		default:
			out[i] = letters[i%len(letters)]
		}
	}
	return out
}

// message returns a decoded message without its secrets.
func (s *Scrubber) message(server bool, m []byte) []byte {
	if len(m) == 0 {
		return m
	}
	m = bytes.Clone(m)
	row, known := lookup(s.name)
	switch {
	case known:
	case isNTLM(m):
		row.name = "NTLM"
	case isBearer(m):
		row.name = "XOAUTH2"
	case isPlain(m):
		row.name = "PLAIN"
	}
	switch row.name {
	case "PLAIN":
		if server {
			return s.text(m)
		}
		return s.plain(m)
	case "LOGIN":
		return s.login(server, m)
	case "CRAM-*":
		if server {
			return m
		}
		i := bytes.LastIndexByte(m, ' ') + 1
		if i == 0 {
			return fill(m)
		}
		return bytes.Join([][]byte{s.user(bytes.Clone(m[:i-1])), scrubDigest(m[i:])}, []byte{' '})
	case "DIGEST-MD5":
		return s.digest(m)
	case "SCRAM-*":
		return s.scram(server, m)
	case "NTLM", "MSN":
		return s.ntlm(m)
	case "XOAUTH2", "OAUTHBEARER":
		if server {
			return s.text(m)
		}
		return s.oauth(m)
	case "EXTERNAL", "ANONYMOUS":
		if server {
			return s.text(m)
		}
		return s.user(m)
	case "GSSAPI", "GSS-SPNEGO":
		return s.gss(m)
	}
	return fill(m)
}

// fill overwrites everything but the NULs that separate fields.
func fill(b []byte) []byte {
	out := bytes.Repeat([]byte{'x'}, len(b))
	for i, c := range b {
		if c == 0 {
			out[i] = 0
		}
	}
	return out
}

// scrubDigest overwrites hex digits by zeros, and anything else by x.
func scrubDigest(b []byte) []byte {
	if len(bytes.Trim(b, "0123456789abcdefABCDEF")) == 0 {
		return bytes.Repeat([]byte{'0'}, len(b))
	}
	return fill(b)
}

// plain keeps authzid and user: see readPlain for the shapes.
func (s *Scrubber) plain(m []byte) []byte {
	parts := bytes.Split(m, []byte{0})
	switch {
	case len(parts) == 1:
		return fill(m)
	case len(parts) == 2 && len(parts[0]) > 0:
		parts[0], parts[1] = s.user(parts[0]), fill(parts[1])
	default:
		parts[0], parts[1] = s.user(parts[0]), s.user(parts[1])
		for i := 2; i < len(parts); i++ {
			parts[i] = fill(parts[i])
		}
	}
	return bytes.Join(parts, []byte{0})
}

// login keeps the user, as readLogin finds it.
func (s *Scrubber) login(server bool, m []byte) []byte {
	if server {
		s.asked = promptFor(m)
		out := s.text(m)
		if promptFor(out) != s.asked {
			// Neither the words nor a wrong order may be read in it.
			return bytes.Repeat([]byte{' '}, len(m))
		}
		return out
	}
	asked := s.asked
	s.asked = unclear
	if asked == unclear {
		switch {
		case !s.has[forUser-1]:
			asked = forUser
		case !s.has[forPassword-1]:
			asked = forPassword
		}
	}
	if asked == unclear || s.doubt {
		return fill(m)
	}
	s.has[asked-1] = true
	if asked == forUser {
		return s.user(m)
	}
	return fill(m)
}

// digestKeys are the directives of DIGEST-MD5 (RFC 2831 section 2.1) that
// are worth nothing without the response.
var digestKeys = map[string]bool{
	"username": true, "realm": true, "nonce": true, "cnonce": true, "nc": true, "qop": true, "charset": true,
	"algorithm": true, "maxbuf": true, "digest-uri": true, "authzid": true, "cipher": true, "stale": true, "serv-type": true, "host": true,
}

// digest keeps the directives of the table.
func (s *Scrubber) digest(m []byte) []byte {
	out := m[:0:len(m)]
	for _, part := range splitQuoted(m) {
		key, value, has := bytes.Cut(part, []byte("="))
		name := strings.ToLower(string(bytes.TrimLeft(key, " \t\r\n,")))
		inner := bytes.Trim(value, `"`)
		at := bytes.Index(value, inner)
		switch {
		case !has:
			part = fill(part)
		case name == "username" || name == "authzid":
			part = replaceAt(part, len(key)+1+at, s.user(bytes.Clone(inner)))
		case !digestKeys[name]:
			part = replaceAt(part, len(key)+1+at, scrubDigest(inner))
		}
		out = append(out, part...)
	}
	return out
}

// splitQuoted cuts before each comma that is not quoted.
func splitQuoted(m []byte) [][]byte {
	var out [][]byte
	from, quoted := 0, false
	for i := 0; i < len(m); i++ {
		switch {
		case m[i] == '\\' && quoted:
			i++
		case m[i] == '"':
			quoted = !quoted
		case m[i] == ',' && !quoted:
			out = append(out, bytes.Clone(m[from:i]))
			from = i
		}
	}
	return append(out, bytes.Clone(m[from:]))
}

// replaceAt returns b with part written over it.
func replaceAt(b []byte, at int, part []byte) []byte {
	b = bytes.Clone(b)
	copy(b[at:], part)
	return b
}

// scram keeps names, nonces and iterations (RFC 5802 section 7).
func (s *Scrubber) scram(server bool, m []byte) []byte {
	parts := bytes.Split(m, []byte(","))
	for i, p := range parts {
		if len(p) == 0 || len(p) == 1 && i == 0 { // gs2 flag
			continue
		}
		value := bytes.Clone(p[min(2, len(p)):])
		switch {
		case len(p) < 2 || p[1] != '=':
			value, p = nil, fill(p)
		case p[0] == 'n' || p[0] == 'a':
			value = s.user(value)
		case p[0] == 'c':
			value = s.binding(value)
		case p[0] == 'r' || p[0] == 'i' || p[0] == 'e' || p[0] == 'p' && i == 0:
		default: // salt, proof, signature and what nobody knows
			pad := len(value) - len(bytes.TrimRight(value, "="))
			for j := range value[:len(value)-pad] {
				value[j] = 'A'
			}
		}
		parts[i] = append(bytes.Clone(p[:min(2, len(p))]), value...)
		if value == nil {
			parts[i] = p
		}
	}
	return bytes.Join(parts, []byte(","))
}

// binding keeps what a client repeats of its first message in base64, but for
// the name in it: c= is the gs2-header and channel data (RFC 5802 section 5.1).
func (s *Scrubber) binding(value []byte) []byte {
	data, f := decode64(value)
	if f != clean || base64.StdEncoding.EncodedLen(len(data)) != len(value) {
		return scrubBroken(value, f)
	}
	base64.StdEncoding.Encode(value, s.gs2(data))
	return value
}

// gs2 keeps all but the name of the gs2-header that m begins with (RFC 5801
// section 4).
func (s *Scrubber) gs2(m []byte) []byte {
	flag, rest, _ := bytes.Cut(m, []byte(","))
	if id, _, _ := bytes.Cut(rest, []byte(",")); bytes.HasPrefix(id, []byte("a=")) {
		m = replaceAt(m, len(flag)+len(",a="), s.user(bytes.Clone(id[2:])))
	}
	return m
}

// oauth keeps all but the token (RFC 7628 section 3.1).
func (s *Scrubber) oauth(m []byte) []byte {
	fields := bytes.Split(m, []byte{1})
	for i, f := range fields {
		key, value, has := bytes.Cut(f, []byte("="))
		switch name := strings.ToLower(string(key)); {
		case len(f) == 0:
		case has && name == "user":
			fields[i] = replaceAt(f, len(key)+1, s.user(bytes.Clone(value)))
		case has && (name == "host" || name == "port"):
		case has && name == "auth":
			scheme, _, two := bytes.Cut(value, []byte(" "))
			if at := len(key) + 1 + len(scheme) + 1; two && strings.EqualFold(string(scheme), "bearer") {
				fields[i] = replaceAt(f, at, fill(f[at:]))
			} else {
				fields[i] = replaceAt(f, len(key)+1, fill(value))
			}
		case i == 0 && isGS2(f):
			fields[i] = s.gs2(f)
		default:
			fields[i] = fill(f)
		}
	}
	return bytes.Join(fields, []byte{1})
}

// isGS2 reports whether f is a gs2-header and nothing more (RFC 5801
// section 4).
func isGS2(f []byte) bool {
	parts := bytes.Split(f, []byte(","))
	if len(parts) != 3 || len(parts[2]) > 0 {
		return false
	}
	flag := string(parts[0])
	return (flag == "n" || flag == "y" || strings.HasPrefix(flag, "p=")) && (len(parts[1]) == 0 || bytes.HasPrefix(parts[1], []byte("a=")))
}

// ntlm keeps of the message with the responses what is not computed from
// the password, and the other two whole.
func (s *Scrubber) ntlm(m []byte) []byte {
	if !isNTLM(m) || len(m) < ntlmType+4 {
		return fill(m)
	}
	switch binary.LittleEndian.Uint32(m[ntlmType:]) {
	case 1, 2:
		return m
	case 3:
	default:
		return fill(m)
	}
	if len(m) < ntlm3Header {
		return append(m[:ntlmType+4:ntlmType+4], fill(m[ntlmType+4:])...)
	}
	n := ntlm{Attempt: &Attempt{}}
	header := max(ntlm3Header, min(n.payload(m), ntlm3Flags+4, len(m)))
	out := append(m[:header:header], bytes.Repeat([]byte{'x'}, len(m)-header)...)
	for _, at := range []int{ntlm3Domain, ntlm3User, ntlm3Workstation} {
		f := n.field(m, at)
		off := int(binary.LittleEndian.Uint32(m[at+4:]))
		if at == ntlm3User && len(f) > 0 {
			f = s.wide(f)
		}
		if len(f) > 0 && off >= header {
			copy(out[off:], f)
		}
	}
	// Last, since a field of names may lie about where it lies.
	key := ntlm3Header
	for _, at := range []int{ntlm3LM, ntlm3NT, key} {
		if at == key && header < key+8 {
			continue
		}
		f := n.field(m, at)
		if len(f) == 0 {
			continue
		}
		off := int(binary.LittleEndian.Uint32(m[at+4:]))
		with := bytes.Repeat([]byte{'x'}, len(f))
		switch {
		case len(f) == 1 && at == ntlm3LM:
			with[0] = 0 // an anonymous login has one zero here
		case at == ntlm3LM && len(f) == ntlmV1Response && isZero(f[8:]):
			copy(with[8:], f[8:]) // tells the variant
		}
		copy(out[off:], with)
	}
	return out
}

// wide applies user to a name in UTF-16, or in bytes.
func (s *Scrubber) wide(f []byte) []byte {
	if len(f) < 2 || len(f)%2 != 0 {
		return s.user(bytes.Clone(f))
	}
	narrow := make([]byte, 0, len(f)/2)
	for i := 0; i < len(f); i += 2 {
		if f[i+1] != 0 {
			return s.user(bytes.Clone(f))
		}
		narrow = append(narrow, f[i])
	}
	out := bytes.Clone(f)
	for i, c := range s.user(narrow) {
		out[2*i] = c
	}
	return out
}

// gss keeps of a token the frame that names its mechanism, and of the last
// messages of GSSAPI which security layer was chosen.
func (s *Scrubber) gss(m []byte) []byte {
	if i := bytes.Index(m, ntlmSignature); i >= 0 {
		// SPNEGO around NTLM: the frames before it hold names of mechanisms.
		return append(m[:i:i], s.ntlm(m[i:])...)
	}
	out := fill(m)
	keep := func(from, n int) {
		if from >= 0 && from < len(m) {
			copy(out[from:min(from+n, len(m))], m[from:])
		}
	}
	const choice = 4 // bytes that tell layer and size
	switch {
	case m[0] == 5 && len(m) > 1 && m[1] == 4: // RFC 4121 section 4.2.6.2
		const header = 16
		keep(0, header)
		if n := len(m) - header; n > 0 && unwrap(m) != nil {
			turn := int(binary.BigEndian.Uint16(m[6:])) % n
			for i := range choice {
				keep(header+(turn+i)%n, 1)
			}
		}
	case m[0] == derToken:
		_, body, _, ok := der(m)
		tag, _, inner, isOID := der(body)
		if !ok || !isOID || tag != derOID {
			return out
		}
		at := len(m) - len(inner)
		if len(body) < len(m) {
			if i := bytes.Index(m, body); i >= 0 {
				at = i + len(body) - len(inner)
			}
		}
		keep(0, at+2) // with the token's type
		if len(inner) >= 2 && inner[0] == 2 && inner[1] == 1 && unwrapOld(inner) != nil {
			keep(at, 8)
			keep(at+32, choice)
			keep(len(m)-1, 1)
		}
	case m[0] == derContext+0 || m[0] == derContext+1:
		keep(0, 2)
	}
	return out
}
