package sasl

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// tlv builds an element of DER.
func tlv(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

// ctx builds a context tag.
func ctx(n byte, parts ...[]byte) []byte { return tlv(0xa0+n, parts...) }

func seq(parts ...[]byte) []byte { return tlv(0x30, parts...) }
func derNum(n byte) []byte       { return tlv(0x02, []byte{n}) }
func general(text string) []byte { return tlv(0x1b, []byte(text)) }
func frame(oid string, inner ...[]byte) []byte {
	return tlv(0x60, tlv(0x06, []byte(oid)), bytes.Join(inner, nil))
}

// apReq builds the first token of Kerberos 5 for pop/mail.example.org@EXAMPLE.ORG.
func apReq(etype byte) []byte {
	encrypted := func() []byte { return seq(ctx(0, derNum(etype)), ctx(2, tlv(0x04, make([]byte, 300)))) }
	ticket := tlv(0x61, seq(
		ctx(0, derNum(5)),
		ctx(1, general("EXAMPLE.ORG")),
		ctx(2, seq(ctx(0, derNum(3)), ctx(1, seq(general("pop"), general("mail.example.org"))))),
		ctx(3, encrypted()),
	))
	return frame(oidKerberos, []byte(tokenAPReq), tlv(0x6e, seq(
		ctx(0, derNum(5)), ctx(1, derNum(14)), ctx(2, tlv(0x03, make([]byte, 5))), ctx(3, ticket), ctx(4, encrypted()),
	)))
}

// wrapToken builds a Wrap token of RFC 4121 that is not sealed, its body
// rotated to the right.
func wrapToken(flags byte, rotate int, text string) []byte {
	body := append([]byte(text), bytes.Repeat([]byte{0xcc}, 12)...)
	b := []byte{5, 4, flags, 0xff, 0, 12}
	b = binary.BigEndian.AppendUint16(b, uint16(rotate))
	b = append(b, make([]byte, 8)...)
	cut := len(body) - rotate%len(body)
	return append(append(b, body[cut:]...), body[:cut]...)
}

// wrapTokenOld builds a Wrap token of RFC 1964 that is not sealed.
func wrapTokenOld(text string) []byte {
	inner := []byte{2, 1, 0, 0, 0xff, 0xff, 0xff, 0xff}
	inner = append(inner, make([]byte, 16)...)           // number, checksum
	inner = append(inner, bytes.Repeat([]byte{7}, 8)...) // confounder
	inner = append(inner, text...)
	return frame(oidKerberos, inner, bytes.Repeat([]byte{3}, 3))
}

func TestGSSAPIKerberos(t *testing.T) {
	const peer = "Kerberos 5 pop/mail.example.org@EXAMPLE.ORG"
	krb := func(etype string) Attempt {
		return Attempt{Exposure: Protected, Variant: etype, Peer: peer, Realm: bytesOf("EXAMPLE.ORG"), Service: bytesOf("pop/mail.example.org")}
	}
	with := func(change func(*Attempt)) Attempt { a := krb("aes256-cts-hmac-sha1-96"); change(&a); return a }
	offer := sb(wrapToken(1, 0, "\x07\x00\xff\xff"))
	first := []Turn{s(""), cb(apReq(18)), sb(frame(oidKerberos, []byte("\x02\x00"), tlv(0x6f, nil))), c("")}
	then := func(more ...Turn) []Turn { return append(append([]Turn{}, first...), more...) }
	krbErr := frame(oidKerberos, []byte(tokenKRBError), tlv(0x7e, seq(ctx(0, derNum(5)), ctx(1, derNum(30)), ctx(6, derNum(37)))))
	noTicket := frame(oidKerberos, []byte(tokenAPReq), tlv(0x6e, seq(ctx(0, derNum(5)))))
	checkDecode(t, []decodeCase{
		{"no layer", "GSSAPI", then(offer, cb(wrapToken(0, 0, "\x01\x00\x00\x00alice"))), with(func(a *Attempt) { a.AuthzID = bytesOf("alice") })},
		{"no layer, no authzid", "GSSAPI", then(offer, cb(wrapToken(0, 0, "\x01\x00\x00\x00"))), with(func(a *Attempt) {})},
		{"integrity", "GSSAPI", then(offer, cb(wrapToken(0, 0, "\x02\x00\xff\xffalice"))),
			with(func(a *Attempt) { a.AuthzID, a.SecurityLayer = bytesOf("alice"), true })},
		{"privacy, rotated", "GSSAPI", then(offer, cb(wrapToken(4, 28, "\x04\x00\xff\xffalice"))),
			with(func(a *Attempt) { a.AuthzID, a.SecurityLayer = bytesOf("alice"), true })},
		{"sealed", "GSSAPI", then(offer, cb(wrapToken(2, 0, "\x04\x00\xff\xffalice"))), with(func(a *Attempt) {})},
		{"token of RFC 1964", "GSSAPI", then(offer, cb(wrapTokenOld("\x02\x00\xff\xffalice"))),
			with(func(a *Attempt) { a.AuthzID, a.SecurityLayer = bytesOf("alice"), true })},
		{"a layer that is none", "GSSAPI", then(offer, cb(wrapToken(0, 0, "\x09\x00\x00\x00alice"))), with(func(a *Attempt) { a.Malformed = true })},
		{"initial response alone", "GSSAPI", []Turn{cb(apReq(23))}, krb("rc4-hmac")},
		{"unknown encryption", "GSSAPI", []Turn{cb(apReq(99))}, krb("etype 99")},
		{"clocks differ", "GSSAPI", []Turn{cb(apReq(18)), sb(krbErr)}, with(func(a *Attempt) { a.ServerError = "KRB_AP_ERR_SKEW" })},
		{"client lost", "GSSAPI", []Turn{s(""), sb(krbErr)}, Attempt{Exposure: Protected, Peer: "Kerberos 5", ServerError: "KRB_AP_ERR_SKEW", Incomplete: true}},
		{"no ticket", "GSSAPI", []Turn{cb(noTicket)}, Attempt{Exposure: Protected, Peer: "Kerberos 5", Malformed: true}},
		{"no token", "GSSAPI", []Turn{ce("hello")}, Attempt{Exposure: Protected, Malformed: true}},
		{"another mechanism", "GSSAPI", []Turn{cb(frame("\x2a\x03\x86\x48", []byte("x")))}, Attempt{Exposure: Protected, Peer: "1.2.3.840"}},
		{"cancelled", "GSSAPI", []Turn{s(""), c("*")}, Attempt{Exposure: Protected, Cancelled: true}},
	})
}

func TestSPNEGO(t *testing.T) {
	oids := func(list ...string) []byte {
		var b []byte
		for _, oid := range list {
			b = append(b, tlv(0x06, []byte(oid))...)
		}
		return ctx(0, seq(b))
	}
	init := func(mechs []byte, token []byte) []byte {
		return frame(oidSPNEGO, ctx(0, seq(mechs, ctx(2, tlv(0x04, token)))))
	}
	resp := func(parts ...[]byte) []byte { return ctx(1, seq(parts...)) }
	state := func(n byte) []byte { return ctx(0, tlv(0x0a, []byte{n})) }
	token := func(b []byte) []byte { return ctx(2, tlv(0x04, b)) }
	auth := ntlmAuthenticate(64, 1, unhex(nlmpLMv1), unhex(nlmpNTv1), utf16le("Domain"), utf16le("User"), utf16le("COMPUTER"))
	checkDecode(t, []decodeCase{
		{"Kerberos", "GSS-SPNEGO", []Turn{cb(init(oids(oidKerberosMS, oidKerberos, oidNTLM), apReq(18))), sb(resp(state(0), ctx(1, tlv(0x06, []byte(oidKerberos)))))},
			Attempt{Exposure: Protected, Variant: "aes256-cts-hmac-sha1-96", Peer: "SPNEGO Kerberos 5 pop/mail.example.org@EXAMPLE.ORG",
				Realm: bytesOf("EXAMPLE.ORG"), Service: bytesOf("pop/mail.example.org")}},
		{"NTLM", "GSS-SPNEGO", []Turn{
			cb(init(oids(oidNTLM), ntlmNegotiate())),
			sb(resp(state(1), ctx(1, tlv(0x06, []byte(oidNTLM))), token(ntlmChallenge(1)))),
			cb(resp(token(auth)))},
			Attempt{User: bytesOf(`Domain\User`), Challenge: bytesOf(nlmpChallenge), Response: secretOf(nlmpLMv1 + ":" + nlmpNTv1),
				Exposure: Crackable, Variant: "NTLMv1", Peer: "COMPUTER", Realm: bytesOf("Domain")}},
		{"NTLM without SPNEGO", "GSS-SPNEGO", []Turn{sb(ntlmChallenge(1)), cb(auth)},
			Attempt{User: bytesOf(`Domain\User`), Challenge: bytesOf(nlmpChallenge), Response: secretOf(nlmpLMv1 + ":" + nlmpNTv1),
				Exposure: Crackable, Variant: "NTLMv1", Peer: "COMPUTER", Realm: bytesOf("Domain")}},
		{"rejected", "GSS-SPNEGO", []Turn{cb(init(oids(oidNegoEx), []byte("x"))), sb(resp(state(2)))},
			Attempt{Exposure: Protected, Peer: "SPNEGO NEGOEX", ServerError: "SPNEGO reject"}},
		{"inside itself", "GSS-SPNEGO", []Turn{cb(init(oids(oidSPNEGO), init(oids(oidSPNEGO), nil)))},
			Attempt{Exposure: Protected, Peer: "SPNEGO SPNEGO"}},
	})
}

func TestKerberos4(t *testing.T) {
	ticket := "\x04\x06\x01EXAMPLE.ORG\x00\x02\x02tttt"
	checkDecode(t, []decodeCase{
		{"ticket", "KERBEROS_V4", []Turn{s("ABCDEA=="), ce(ticket)}, Attempt{Exposure: Crackable, Peer: "Kerberos 4 @EXAMPLE.ORG", Realm: bytesOf("EXAMPLE.ORG")}},
		{"other byte order", "KERBEROS_V4", []Turn{ce("\x04\x07\x01X\x00")}, Attempt{Exposure: Crackable, Peer: "Kerberos 4 @X", Realm: bytesOf("X")}},
		{"no ticket", "KERBEROS_V4", []Turn{s("ABCDEA=="), ce("\x05")}, Attempt{Exposure: Crackable, Peer: "Kerberos 4", Malformed: true}},
		{"client lost", "KERBEROS_V4", []Turn{s("ABCDEA==")}, Attempt{Exposure: Protected, Peer: "Kerberos 4", Incomplete: true}},
	})
}

func TestDER(t *testing.T) {
	for _, tt := range []struct {
		name, in   string
		body, rest string
		ok         bool
	}{
		{"short length", "\x04\x02abc", "ab", "c", true},
		{"long length", "\x04\x81\x02abc", "ab", "c", true},
		{"clipped", "\x04\x05abc", "abc", "", true},
		{"clipped at 4 GiB", "\x04\x84\xff\xff\xff\xffabc", "abc", "", true},
		{"empty", "\x04\x00", "", "", true},
		{"no length", "\x04", "", "", false},
		{"length cut", "\x04\x82\x01", "", "", false},
		{"indefinite", "\x30\x80\x00\x00", "", "", false},
		{"length of 5 bytes", "\x04\x85\x00\x00\x00\x00\x01a", "", "", false},
		{"tag of 2 bytes", "\x1f\x81\x00", "", "", false},
	} {
		tag, body, rest, ok := der([]byte(tt.in))
		if string(body) != tt.body || string(rest) != tt.rest || ok != tt.ok || ok && tag != tt.in[0] {
			t.Errorf("%s: got %#x %q %q %v", tt.name, tag, body, rest, ok)
		}
	}
}
