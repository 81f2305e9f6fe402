package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"popscope"
	"popscope/reassembly/stream"
)

// tlsTally counts how sessions were encrypted.
type tlsTally struct {
	modes        [3]int64
	offered      int64 // in clear, though the server's capabilities had STLS
	clear        int64 // in clear after an accepted STLS
	kinds        map[tlsKind]int64
	more         int64
	certificates map[certificateLine]int64
	moreCerts    int64
}

// maxTLSKinds bounds the rows of both tables of TLS: nobody has more kinds
// of servers than that to look after.
const maxTLSKinds = 500

// tlsKind is what sessions have in common that share a row.
type tlsKind struct {
	Server, Mode, Version, Cipher, SNI, Result string
}

// certificateLine is a row of the table of certificates.
type certificateLine struct {
	Server, Subject, Names, Issuer, From, Until, Key, Signature string
	SelfSigned                                                  bool
}

// add counts a session.
func (t *tlsTally) add(r *popscope.Result) {
	t.modes[r.TLS]++
	if r.Session.ClearAfterSTLS {
		t.clear++
	}
	if r.TLS == popscope.NoTLS {
		if slices.ContainsFunc(r.Session.Capabilities, func(c []byte) bool { return strings.EqualFold(string(c), "STLS") }) {
			t.offered++
		}
		return
	}
	k := tlsKind{Server: r.Conn.Server.String(), Mode: r.TLS.String()}
	if i := r.TLSInfo; i != nil {
		if i.Version != 0 {
			k.Version = tlsVersion(i.Version)
		}
		if i.CipherChosen() {
			k.Cipher = tlsCipher(i.Cipher)
		}
		k.SNI = cell(i.SNI)
		switch {
		case i.Alert != "":
			k.Result = "alert " + cell(i.Alert)
		case i.Completed && i.Resumed:
			k.Result = "resumed"
		case i.Completed:
			k.Result = "completed"
		case !i.HelloSeen():
			k.Result = "handshake not seen"
		default:
			k.Result = "not completed"
		}
		t.certificate(k.Server, i.Certificate)
	}
	t.more += tally(&t.kinds, k, maxTLSKinds)
}

func (t *tlsTally) certificate(server string, c *stream.Certificate) {
	if c == nil {
		return
	}
	names := c.Names[:min(len(c.Names), maxAttached)]
	t.moreCerts += tally(&t.certificates, certificateLine{
		Server: server, Subject: cell(c.Subject), Names: cell(strings.Join(names, ", ")), Issuer: cell(c.Issuer),
		From: c.NotBefore.UTC().Format(clock), Until: c.NotAfter.UTC().Format(clock), Key: cell(c.Key), Signature: cell(c.Signature), SelfSigned: c.SelfSigned,
	}, maxTLSKinds)
}

// tally counts a key, or returns 1 when a map of most keys has no room for
// it.
func tally[K comparable](counts *map[K]int64, k K, most int) (left int64) {
	if _, known := (*counts)[k]; !known && len(*counts) >= most {
		return 1
	}
	if *counts == nil {
		*counts = make(map[K]int64)
	}
	(*counts)[k]++
	return 0
}

// counted is a key with how often it came.
type counted[K any] struct {
	Key   K
	Times int64
}

// byText returns the keys of counts in the order of what text makes of
// them.
func byText[K comparable](counts map[K]int64, text func(K) string) []counted[K] {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int { return cmp.Compare(text(a), text(b)) })
	out := make([]counted[K], len(keys))
	for i, k := range keys {
		out[i] = counted[K]{k, counts[k]}
	}
	return out
}

func (t *tlsTally) Kinds() []counted[tlsKind] {
	return byText(t.kinds, func(k tlsKind) string {
		return strings.Join([]string{k.Server, k.Mode, k.Version, k.Cipher, k.SNI, k.Result}, "\x00")
	})
}

func (t *tlsTally) Certificates() []counted[certificateLine] {
	return byText(t.certificates, func(c certificateLine) string {
		return strings.Join([]string{c.Server, c.Subject, c.Until, c.Issuer, c.Names, c.From, c.Key, c.Signature}, "\x00")
	})
}

func (t *tlsTally) None() int64      { return t.modes[popscope.NoTLS] }
func (t *tlsTally) STLS() int64      { return t.modes[popscope.STLS] }
func (t *tlsTally) Implicit() int64  { return t.modes[popscope.ImplicitTLS] }
func (t *tlsTally) Offered() int64   { return t.offered }
func (t *tlsTally) Clear() int64     { return t.clear }
func (t *tlsTally) More() int64      { return t.more }
func (t *tlsTally) MoreCerts() int64 { return t.moreCerts }
func (t *tlsTally) All() int64       { return t.None() + t.STLS() + t.Implicit() }
func (t *tlsTally) Encrypted() int64 { return t.STLS() + t.Implicit() }
