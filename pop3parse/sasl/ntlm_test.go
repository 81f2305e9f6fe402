package sasl

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf16"
)

// The values of [MS-NLMP] section 4.2: user "User" of "Domain" with the
// password "Password" at "COMPUTER".
const (
	nlmpChallenge = "0123456789abcdef"
	nlmpLMv1      = "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13"
	nlmpNTv1      = "67c43011f30298a2ad35ece64f16331c44bdbed927841f94"
	nlmpESSLM     = "aaaaaaaaaaaaaaaa00000000000000000000000000000000"
	nlmpESSNT     = "7537f803ae367128ca458204bde7caf81e97ed2683267232"
	nlmpLMv2      = "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"
	nlmpNTProof   = "68cd0ab851e51c96aabc927bebef6a1c"
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// ntlmNegotiate builds a NEGOTIATE_MESSAGE that names the workstation.
func ntlmNegotiate() []byte {
	b := append([]byte("NTLMSSP\x00"), 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 1<<13|1)
	b = append(b, make([]byte, 8)...)      // no domain
	b = append(b, 8, 0, 8, 0, 32, 0, 0, 0) // the workstation
	return append(b, "COMPUTER"...)
}

// ntlmChallenge builds a CHALLENGE_MESSAGE.
func ntlmChallenge(flags uint32) []byte {
	b := append([]byte("NTLMSSP\x00"), 2, 0, 0, 0)
	b = append(b, 12, 0, 12, 0, 48, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, unhex(nlmpChallenge)...)
	b = append(b, make([]byte, 16)...)
	return append(b, utf16le("Server")...)
}

func utf16le(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// ntlmAuthenticate builds an AUTHENTICATE_MESSAGE with a header of the given
// length: 52 without key and flags, 64 with them.
func ntlmAuthenticate(header int, flags uint32, lm, nt, domain, user, workstation []byte) []byte {
	b := make([]byte, header)
	copy(b, "NTLMSSP\x00\x03")
	for i, part := range [][]byte{lm, nt, domain, user, workstation} {
		at := 12 + 8*i
		binary.LittleEndian.PutUint16(b[at:], uint16(len(part)))
		binary.LittleEndian.PutUint16(b[at+2:], uint16(len(part)))
		binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)))
		b = append(b, part...)
	}
	if header >= 64 {
		binary.LittleEndian.PutUint32(b[60:], flags)
	}
	return b
}

// sb and cb are turns of binary messages.
func sb(b []byte) Turn { return s(base64.StdEncoding.EncodeToString(b)) }
func cb(b []byte) Turn { return c(base64.StdEncoding.EncodeToString(b)) }

func TestNTLMVersions(t *testing.T) {
	blob := unhex("0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000" +
		"02000c0044006f006d00610069006e00 01000c00530065007200760065007200 0000000000000000")
	v2 := append(unhex(nlmpNTProof), blob...)
	turns := func(lm, nt []byte) []Turn {
		return []Turn{cb(ntlmNegotiate()), sb(ntlmChallenge(1)),
			cb(ntlmAuthenticate(64, 1, lm, nt, utf16le("Domain"), utf16le("User"), utf16le("COMPUTER")))}
	}
	want := func(variant, response string) Attempt {
		return Attempt{User: bytesOf(`Domain\User`), Challenge: bytesOf(nlmpChallenge), Response: secretOf(response), Exposure: Crackable,
			Variant: variant, Peer: "COMPUTER", Realm: bytesOf("Domain")}
	}
	odd := want("", "0102:0304")
	odd.Malformed = true
	none := want("anonymous", "")
	none.Response, none.Exposure = Attempt{}.Response, Protected
	checkDecode(t, []decodeCase{
		{"4.2.2 NTLMv1", "NTLM", turns(unhex(nlmpLMv1), unhex(nlmpNTv1)), want("NTLMv1", nlmpLMv1+":"+nlmpNTv1)},
		{"4.2.3 NTLMv1 with client challenge", "NTLM", turns(unhex(nlmpESSLM), unhex(nlmpESSNT)), want("NTLMv1-ESS", nlmpESSLM+":"+nlmpESSNT)},
		{"4.2.4 NTLMv2", "NTLM", turns(unhex(nlmpLMv2), v2), want("NTLMv2", hex.EncodeToString(v2))},
		{"LM alone", "NTLM", turns(unhex(nlmpLMv1), nil), want("LM", nlmpLMv1+":")},
		{"anonymous", "NTLM", turns([]byte{0}, nil), none},
		{"lengths of no version", "NTLM", turns([]byte{1, 2}, []byte{3, 4}), odd},
	})
}

func TestNTLMMessages(t *testing.T) {
	lm, nt := unhex(nlmpLMv1), unhex(nlmpNTv1)
	utf16Names := ntlmAuthenticate(64, 1, lm, nt, utf16le("Domain"), utf16le("Jürgen"), utf16le("COMPUTER"))
	oemNames := ntlmAuthenticate(64, 0, lm, nt, []byte("DOMAIN"), []byte("alice"), []byte("PC"))
	old := ntlmAuthenticate(52, 0, lm, nt, utf16le("Domain"), utf16le("alice"), utf16le("PC"))
	oldOEM := ntlmAuthenticate(52, 0, lm, nt, []byte("DOMAIN"), []byte("alice"), []byte("PC"))
	noDomain := ntlmAuthenticate(64, 1, lm, nt, nil, utf16le("alice@example.org"), utf16le("PC"))
	lone := ntlmAuthenticate(64, 1, lm, nt, nil, append(utf16le("al"), 0x00, 0xd8, 'x'), nil)
	outside := ntlmAuthenticate(64, 1, lm, nt, nil, utf16le("alice"), utf16le("PC"))
	binary.LittleEndian.PutUint32(outside[36+4:], 0xfffffffe) // the user's offset

	full := func(user, domain, peer string) Attempt {
		a := Attempt{User: bytesOf(user), Challenge: bytesOf(nlmpChallenge), Response: secretOf(nlmpLMv1 + ":" + nlmpNTv1),
			Exposure: Crackable, Variant: "NTLMv1", Peer: peer}
		if domain != "" {
			a.Realm = bytesOf(domain)
		}
		return a
	}
	with := func(a Attempt, change func(*Attempt)) Attempt { change(&a); return a }
	checkDecode(t, []decodeCase{
		{"UTF-16", "NTLM", []Turn{sb(ntlmChallenge(1)), cb(utf16Names)}, full(`Domain\Jürgen`, "Domain", "COMPUTER")},
		{"OEM", "NTLM", []Turn{sb(ntlmChallenge(0)), cb(oemNames)}, full(`DOMAIN\alice`, "DOMAIN", "PC")},
		{"the server's words before it", "NTLM", []Turn{se("NTLM supported"), cb(ntlmNegotiate()), sb(ntlmChallenge(0)), cb(oemNames)}, full(`DOMAIN\alice`, "DOMAIN", "PC")},
		{"MSN", "MSN", []Turn{sb(ntlmChallenge(0)), cb(oemNames)}, full(`DOMAIN\alice`, "DOMAIN", "PC")},
		{"no flags, UTF-16 by the server's", "NTLM", []Turn{sb(ntlmChallenge(1)), cb(old)}, full(`Domain\alice`, "Domain", "PC")},
		{"no flags, OEM by the server's", "NTLM", []Turn{sb(ntlmChallenge(0)), cb(oldOEM)}, full(`DOMAIN\alice`, "DOMAIN", "PC")},
		{"no flags, UTF-16 by the look", "NTLM", []Turn{cb(old)},
			with(full(`Domain\alice`, "Domain", "PC"), func(a *Attempt) { a.Challenge, a.Incomplete = nil, true })},
		{"no flags, OEM by the look", "NTLM", []Turn{cb(oldOEM)},
			with(full(`DOMAIN\alice`, "DOMAIN", "PC"), func(a *Attempt) { a.Challenge, a.Incomplete = nil, true })},
		{"no domain", "NTLM", []Turn{sb(ntlmChallenge(1)), cb(noDomain)}, full("alice@example.org", "", "PC")},
		{"half a character", "NTLM", []Turn{sb(ntlmChallenge(1)), cb(lone)},
			with(full("al\uFFFD", "", ""), func(a *Attempt) { a.Malformed = true })},
		{"user outside of the message", "NTLM", []Turn{sb(ntlmChallenge(1)), cb(outside)},
			with(full("", "", "PC"), func(a *Attempt) { a.Malformed = true })},
		{"response lost", "NTLM", []Turn{cb(ntlmNegotiate()), sb(ntlmChallenge(1))},
			Attempt{Challenge: bytesOf(nlmpChallenge), Exposure: Protected, Peer: "COMPUTER", Incomplete: true}},
		{"cancelled", "NTLM", []Turn{cb(ntlmNegotiate()), sb(ntlmChallenge(1)), c("*")},
			Attempt{Challenge: bytesOf(nlmpChallenge), Exposure: Protected, Peer: "COMPUTER", Cancelled: true}},
		{"from the wrong side", "NTLM", []Turn{sb(utf16Names), cb(ntlmChallenge(1))},
			Attempt{Exposure: Protected, Malformed: true, Incomplete: true}},
		{"no NTLM", "NTLM", []Turn{ce("hello")}, Attempt{Exposure: Protected, Malformed: true, Incomplete: true}},
	})
}
