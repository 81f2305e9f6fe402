package sasl

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// Mechanisms of GSSAPI by the body of their object identifier.
const (
	oidKerberos   = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"     // 1.2.840.113554.1.2.2, RFC 4121
	oidKerberosMS = "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"     // 1.2.840.48018.1.2.2, the same with a bit lost
	oidUserToUser = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03" // 1.2.840.113554.1.2.2.3
	oidIAKerb     = "\x2b\x06\x01\x05\x02\x05"                 // 1.3.6.1.5.2.5
	oidSPNEGO     = "\x2b\x06\x01\x05\x05\x02"                 // 1.3.6.1.5.5.2, RFC 4178
	oidNTLM       = "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a" // 1.3.6.1.4.1.311.2.2.10
	oidNegoEx     = "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e" // 1.3.6.1.4.1.311.2.2.30
	oidSCRAMSHA1  = "\x2b\x06\x01\x05\x05\x0e"                 // 1.3.6.1.5.5.14, RFC 5802
	oidEAP        = "\x2b\x06\x01\x05\x05\x0f\x01\x01\x11"     // 1.3.6.1.5.5.15.1.1.17, RFC 7055
)

// maxArc bounds the text of an unknown identifier.
const maxArc = 64

// oidName names a mechanism.
func oidName(oid []byte) string {
	switch string(oid) {
	case oidKerberos, oidKerberosMS:
		return "Kerberos 5"
	case oidUserToUser:
		return "Kerberos 5 user-to-user"
	case oidIAKerb:
		return "IAKERB"
	case oidSPNEGO:
		return "SPNEGO"
	case oidNTLM:
		return "NTLMSSP"
	case oidNegoEx:
		return "NEGOEX"
	case oidSCRAMSHA1:
		return "SCRAM-SHA-1"
	case oidEAP:
		return "GSS-EAP"
	}
	return dotted(oid)
}

// dotted writes an object identifier in numbers (X.690 section 8.19), as far
// as they are sane.
func dotted(oid []byte) string {
	var text []byte
	arc, first := uint64(0), true
	for _, c := range oid[:min(len(oid), maxArc)] {
		if arc > 1<<56 {
			break
		}
		arc = arc<<7 | uint64(c&0x7f)
		if c >= 0x80 {
			continue
		}
		if first {
			top := min(arc/40, 2)
			text = strconv.AppendUint(text, top, 10)
			arc -= top * 40
			first = false
		}
		text = strconv.AppendUint(append(text, '.'), arc, 10)
		arc = 0
	}
	return string(text)
}

// gss is a dialogue of GSSAPI tokens under way.
type gss struct {
	*Attempt
	ntlm   ntlm
	isNTLM bool
	outer  string // "SPNEGO" once it was seen
	inner  string // the mechanism that does the work, or is offered first
	tokens int    // of the client
}

// readGSSAPI reads GSSAPI (RFC 4752 section 3) and GSS-SPNEGO: tokens of the
// mechanism first, and for GSSAPI two wrapped messages about the security
// layer at the end.
func readGSSAPI(a *Attempt, msgs []message) {
	g := gss{Attempt: a, ntlm: ntlm{Attempt: a}}
	for _, m := range msgs {
		if len(m.data) == 0 {
			continue
		}
		if !m.server {
			g.tokens++
		}
		g.token(m.data, m.server)
	}
	if g.isNTLM {
		g.ntlm.finish()
	}
	a.Incomplete = a.Incomplete || g.tokens == 0
	a.Peer = g.peer()
}

// peer puts together what Attempt.Peer says: the workstation that NTLM told,
// or mechanism and principal.
func (g *gss) peer() string {
	name := g.inner
	switch {
	case g.isNTLM && g.Peer != "":
		return g.Peer
	case g.outer != "" && name != "":
		name = g.outer + " " + name
	case name == "":
		name = g.outer
	}
	principal := string(g.Service)
	if len(g.Realm) > 0 && !g.isNTLM {
		principal += "@" + string(g.Realm)
	}
	if principal != "" && name != "" {
		name += " "
	}
	return name + principal
}

// token reads one token of either side.
func (g *gss) token(b []byte, server bool) {
	switch {
	case isNTLM(b):
		g.isNTLM, g.inner = true, "NTLMSSP"
		g.ntlm.message(b, server)
	case b[0] == derToken:
		g.framed(b, server)
	case b[0] == derContext+0 || b[0] == derContext+1: // SPNEGO without a frame: all but its first token
		g.spnego(b, server)
	case b[0] == 5 && len(b) > 1 && b[1] == 4:
		g.wrapped(unwrap(b), server)
	case g.tokens <= 1 && !server:
		g.Malformed = true
	}
}

// framed reads a token with the frame of RFC 2743 section 3.1.
func (g *gss) framed(b []byte, server bool) {
	_, body, _, ok := der(b)
	tag, oid, inner, isOID := der(body)
	if !ok || !isOID || tag != derOID {
		g.Malformed = true
		return
	}
	switch name := oidName(oid); {
	case name == "SPNEGO":
		g.spnego(inner, server)
	case len(inner) >= 2 && inner[0] == 2 && inner[1] == 1: // RFC 1964 section 1.2.2
		g.wrapped(unwrapOld(inner), server)
	default:
		g.inner = name
		if string(oid) == oidKerberos || string(oid) == oidKerberosMS {
			g.kerberos(inner)
		}
	}
}

// spnego reads a NegTokenInit [0] or NegTokenResp [1] (RFC 4178 section 4.2).
func (g *gss) spnego(b []byte, server bool) {
	tag, body, _, ok := der(b)
	body, isSeq := derChild(body, derSequence)
	if !ok || !isSeq {
		g.Malformed = true
		return
	}
	g.outer = "SPNEGO"
	if tag == derContext+0 {
		if oid, ok := derPath(body, derContext+0, derSequence, derOID); ok {
			g.inner = oidName(oid)
		}
	} else {
		if oid, ok := derPath(body, derContext+1, derOID); ok {
			g.inner = oidName(oid)
		}
		const reject = 2
		if state, ok := derPath(body, derContext+0, derEnumerated); ok && len(state) == 1 && state[0] == reject {
			g.ServerError = "SPNEGO reject"
		}
	}
	if inner, ok := derPath(body, derContext+2, derOctetString); ok && len(inner) > 0 {
		if isNTLM(inner) {
			g.token(inner, server)
		} else if _, frame, _, ok := der(inner); ok && inner[0] == derToken && !isSPNEGO(frame) {
			g.framed(inner, server)
		}
	}
}

// isSPNEGO reports whether a frame's body names SPNEGO: it must not hold itself.
func isSPNEGO(frame []byte) bool {
	_, oid, _, _ := der(frame)
	return string(oid) == oidSPNEGO
}

// Layers of RFC 4752 section 3.3.
const (
	layerNone            = 1
	layerIntegrity       = 2
	layerConfidentiality = 4
)

// wrapped reads the client's choice of a security layer (RFC 4752 section
// 3.1): a layer, three bytes of size, and the authzid. The server's offer
// before it says nothing that lasts.
func (g *gss) wrapped(b []byte, server bool) {
	if server || len(b) < 4 {
		return
	}
	switch b[0] {
	case layerNone:
	case layerIntegrity, layerConfidentiality:
		g.SecurityLayer = true
	default:
		g.Malformed = true
		return
	}
	g.AuthzID = orNil(b[4:])
}

// unwrap returns the plaintext of a Wrap token (RFC 4121 section 4.2.6.2)
// that is not sealed, or nil.
func unwrap(b []byte) []byte {
	const (
		flags, filler, extra, rotated, header = 2, 3, 4, 6, 16
		sealed                                = 1 << 1
	)
	if len(b) < header || b[flags]&sealed != 0 || b[filler] != 0xff {
		return nil
	}
	checksum := int(binary.BigEndian.Uint16(b[extra:]))
	body := b[header:]
	if checksum > len(body) || len(body) == 0 {
		return nil
	}
	turn := int(binary.BigEndian.Uint16(b[rotated:])) % len(body)
	plain := append(bytes.Clone(body[turn:]), body[:turn]...)
	return plain[:len(plain)-checksum]
}

// unwrapOld returns the plaintext of a Wrap token of RFC 1964 section 1.2.2
// that is not sealed, or nil: after header, number and checksum stand eight
// bytes of confounder, and after the text its padding.
func unwrapOld(b []byte) []byte {
	const (
		seal, text = 4, 8 + 8 + 8 + 8
		none       = 0xffff
	)
	if len(b) <= text || binary.BigEndian.Uint16(b[seal:]) != none {
		return nil
	}
	plain := b[text:]
	pad := int(plain[len(plain)-1])
	if pad > 8 || pad > len(plain) {
		return nil
	}
	return plain[:len(plain)-pad]
}
