package sasl

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"

	"popscope/pop3parse/secret"
)

// Offsets in the messages of [MS-NLMP] section 2.2.1. A field is a length,
// a capacity and an offset from the start of the message, of 2, 2 and 4
// bytes, all little-endian.
const (
	ntlmType = 8 // of the message, after the signature

	ntlm1Flags       = 12
	ntlm1Workstation = 24

	ntlm2Flags     = 20
	ntlm2Challenge = 24
	ntlm2Header    = 32 // the shortest CHALLENGE_MESSAGE in use

	ntlm3LM          = 12
	ntlm3NT          = 20
	ntlm3Domain      = 28
	ntlm3User        = 36
	ntlm3Workstation = 44
	ntlm3Header      = 52 // the shortest AUTHENTICATE_MESSAGE: of old clients, without key and flags
	ntlm3Flags       = 60
)

// NEGOTIATE flags ([MS-NLMP] section 2.2.2.5).
const (
	ntlmUnicode   = 1 << 0
	ntlmSuppliedW = 1 << 13 // OEM_WORKSTATION_SUPPLIED
)

// Lengths of responses ([MS-NLMP] section 2.2.2).
const (
	ntlmV1Response = 24
	ntlmV2Response = 16 + 28 // NTProofStr and the fixed part of the blob
)

var ntlmSignature = []byte("NTLMSSP\x00")

// isNTLM reports whether b begins as all NTLM messages do.
func isNTLM(b []byte) bool { return bytes.HasPrefix(b, ntlmSignature) }

// ntlm is what is carried from one message to the next.
type ntlm struct {
	*Attempt
	flags         uint32 // those of the CHALLENGE_MESSAGE
	authenticated bool
}

// readNTLM reads the three messages of NTLM ([MS-NLMP] section 1.3.1.1).
func readNTLM(a *Attempt, msgs []message) {
	n := ntlm{Attempt: a}
	for _, m := range msgs {
		if len(m.data) > 0 {
			n.message(m.data, m.server)
		}
	}
	n.finish()
}

// finish sets what depends on all messages.
func (n *ntlm) finish() { n.Incomplete = n.Challenge == nil || !n.authenticated }

// message reads one message. Those from the wrong side are malformed.
func (n *ntlm) message(b []byte, server bool) {
	if !isNTLM(b) || len(b) < ntlmType+4 {
		// Servers answer type 0 with text such as "NTLM supported"; that is no damage.
		n.Malformed = n.Malformed || !server
		return
	}
	switch kind := binary.LittleEndian.Uint32(b[ntlmType:]); {
	case kind == 1 && !server:
		n.negotiate(b)
	case kind == 2 && server:
		n.challenge(b)
	case kind == 3 && !server:
		n.authenticate(b)
	default:
		n.Malformed = true
	}
}

// negotiate reads a NEGOTIATE_MESSAGE (section 2.2.1.1). Its names are in the OEM character set.
func (n *ntlm) negotiate(b []byte) {
	if len(b) < ntlm1Flags+4 {
		n.Malformed = true
		return
	}
	if binary.LittleEndian.Uint32(b[ntlm1Flags:])&ntlmSuppliedW != 0 {
		n.Peer = string(n.field(b, ntlm1Workstation))
	}
}

// challenge reads a CHALLENGE_MESSAGE (section 2.2.1.2).
func (n *ntlm) challenge(b []byte) {
	if len(b) < ntlm2Header {
		n.Malformed = true
		return
	}
	n.flags = binary.LittleEndian.Uint32(b[ntlm2Flags:])
	n.Challenge = []byte(hex.EncodeToString(b[ntlm2Challenge : ntlm2Challenge+8]))
}

// authenticate reads an AUTHENTICATE_MESSAGE (section 2.2.1.3).
func (n *ntlm) authenticate(b []byte) {
	if len(b) < ntlm3Header {
		n.Malformed = true
		return
	}
	n.authenticated = true
	unicode := n.unicode(b)
	domain := n.text(b, ntlm3Domain, unicode)
	user := n.text(b, ntlm3User, unicode)
	n.Peer = string(n.text(b, ntlm3Workstation, unicode))
	n.Realm = orNil(domain)
	n.User = known(user)
	if len(domain) > 0 {
		n.User = append(append(bytes.Clone(domain), '\\'), user...)
	}
	n.responses(n.field(b, ntlm3LM), n.field(b, ntlm3NT))
}

// responses tells the versions apart by length (section 2.2.2.3 to 2.2.2.8).
func (n *ntlm) responses(lm, nt []byte) {
	hexLM, hexNT := hex.EncodeToString(lm), hex.EncodeToString(nt)
	switch {
	case len(nt) >= ntlmV2Response:
		n.Variant = "NTLMv2"
		n.computed(hexNT)
	case len(nt) == ntlmV1Response:
		n.Variant = "NTLMv1"
		if len(lm) == ntlmV1Response && isZero(lm[8:]) {
			n.Variant = "NTLMv1-ESS" // extended session security: the LM field is the client's challenge
		}
		n.computed(hexLM + ":" + hexNT)
	case len(nt) == 0 && len(lm) == ntlmV1Response:
		n.Variant = "LM"
		n.computed(hexLM + ":")
	case len(nt) == 0 && len(lm) <= 1:
		n.Variant = "anonymous" // section 3.2.5.1.2: no responses, or one zero byte
	default:
		n.Malformed = true
		n.computed(hexLM + ":" + hexNT)
	}
}

// computed sets the response.
func (n *ntlm) computed(text string) {
	n.Response, n.Exposure = secret.New([]byte(text)), Crackable
}

// isZero reports whether b is nothing but zeros.
func isZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// unicode reports whether the names of an AUTHENTICATE_MESSAGE are UTF-16.
// Old clients leave the flags out; then those of the server stand, and where
// its message was lost, the first character of the user.
func (n *ntlm) unicode(b []byte) bool {
	switch {
	case n.payload(b) >= ntlm3Flags+4 && len(b) >= ntlm3Flags+4:
		return binary.LittleEndian.Uint32(b[ntlm3Flags:])&ntlmUnicode != 0
	case n.Challenge != nil:
		return n.flags&ntlmUnicode != 0
	}
	user := n.field(b, ntlm3User)
	return len(user) >= 2 && user[1] == 0
}

// payload returns where the data of an AUTHENTICATE_MESSAGE begin, which is
// where its header ends.
func (n *ntlm) payload(b []byte) int {
	start := len(b)
	for _, at := range []int{ntlm3LM, ntlm3NT, ntlm3Domain, ntlm3User, ntlm3Workstation} {
		length := int(binary.LittleEndian.Uint16(b[at:]))
		offset := binary.LittleEndian.Uint32(b[at+4:])
		if length > 0 && uint64(offset) < uint64(start) {
			start = int(offset)
		}
	}
	return start
}

// field returns the bytes that the field at the given place points at. One
// that points outside of the message is malformed and gives none.
func (n *ntlm) field(b []byte, at int) []byte {
	if len(b) < at+8 {
		n.Malformed = true
		return nil
	}
	length := uint64(binary.LittleEndian.Uint16(b[at:]))
	offset := uint64(binary.LittleEndian.Uint32(b[at+4:]))
	if length == 0 {
		return nil
	}
	if offset+length > uint64(len(b)) {
		n.Malformed = true
		return nil
	}
	return b[offset : offset+length]
}

// text returns a field of characters: UTF-16LE as UTF-8, the OEM character
// set as it is.
func (n *ntlm) text(b []byte, at int, unicode bool) []byte {
	raw := n.field(b, at)
	if !unicode {
		return raw
	}
	n.Malformed = n.Malformed || len(raw)%2 != 0
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}
