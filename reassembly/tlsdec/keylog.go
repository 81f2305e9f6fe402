package tlsdec

import (
	"bytes"
	"encoding/hex"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
)

// Labels of the NSS key log format that open connections. The first is the
// master secret of TLS 1.2 and older; the next two are premaster secrets, of
// which RSA is named by the start of its ciphertext; the others are traffic
// secrets of TLS 1.3, of which those of later key generations may stand with
// their number in place of 0.
const (
	labelMaster          = "CLIENT_RANDOM"
	labelPremaster       = "PMS_CLIENT_RANDOM"
	labelRSA             = "RSA"
	labelClientEarly     = "CLIENT_EARLY_TRAFFIC_SECRET"
	labelClientHandshake = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	labelServerHandshake = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	labelClientTraffic   = "CLIENT_TRAFFIC_SECRET_"
	labelServerTraffic   = "SERVER_TRAFFIC_SECRET_"
)

// spareLabels are of the format, but nothing that is read here needs them:
// exporter secrets and 0-RTT exporters encrypt no records; ECH hides hellos,
// not data; QUIC is no TLS over TCP.
var spareLabels = map[string]bool{
	"EXPORTER_SECRET": true, "EARLY_EXPORTER_SECRET": true, "EARLY_EXPORTER_MASTER_SECRET": true,
	"ECH_SECRET": true, "ECH_CONFIG": true,
	"QUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET": true, "QUIC_SERVER_HANDSHAKE_TRAFFIC_SECRET": true,
	"QUIC_CLIENT_EARLY_TRAFFIC_SECRET": true,
	"QUIC_CLIENT_TRAFFIC_SECRET_0":     true, "QUIC_SERVER_TRAFFIC_SECRET_0": true,
}

const (
	// maxLogLine bounds a line of a key log: the longest label, a random of
	// 64 digits and a secret of 96 take 195; premaster secrets of
	// Diffie-Hellman are as long as its groups.
	maxLogLine = 1 << 12

	// maxSecret is the longest secret: a hash of SHA-384 is 48 bytes, and of
	// SHA-512, which no suite uses yet, 64.
	maxSecret    = 64
	masterSecret = 48 // RFC 5246 section 8.1

	// maxPremaster is the length of the largest group of RFC 7919; rsaName is
	// how much of a ciphertext names it.
	maxPremaster = 1 << 10
	rsaName      = 8

	// maxGeneration bounds the N of a traffic secret.
	maxGeneration = 1 << 16

	// maxConnections bounds the connections whose secrets are kept, at some
	// 600 bytes each. The oldest are forgotten beyond it, so that a log that
	// grows for months can be followed.
	maxConnections = 1 << 18

	// maxLabels bounds the secrets kept of one connection: five, and those
	// of a few key generations.
	maxLabels = 16
)

// KeyLog holds the TLS secrets of a log in the NSS format, as browsers,
// OpenSSL, GnuTLS and others write to the file named by SSLKEYLOGFILE:
//
//	# a comment
//	CLIENT_RANDOM <client random in hex> <master secret in hex>
//	SERVER_TRAFFIC_SECRET_0 <client random> <secret>
//
// It is written to with Write, in any pieces, also while others look things
// up: every method may be called from any goroutine. Its zero value is an
// empty log.
//
// The log knows in which order its secrets came. Whoever looks one up says
// up to which mark, so that a reader that is behind finds what it would have
// found in time.
type KeyLog struct {
	mu    sync.RWMutex
	conns map[clientRandom]*secrets
	order []clientRandom // in the order of their first secret
	part  []byte         // a line whose end has not come
	skip  bool           // the rest of a line that is too long is passed over
	count KeyLogCounts
	mark  atomic.Int64
	pre   atomic.Int64 // Mark() when the first premaster secret had come; 0 before it
}

// KeyLogCounts says what a key log held.
type KeyLogCounts struct {
	Secrets   int64 // lines with a secret that can open something
	Spare     int64 // lines with other labels of the format
	Ignored   int64 // lines that are neither, nor empty, nor comments
	Forgotten int64 // connections whose secrets were let go, for there were too many
}

// clientRandom names a connection.
type clientRandom [randomSize]byte

// secrets are those of one connection.
type secrets struct {
	list []labelled
}

type labelled struct {
	label string
	mark  int64 // Mark() when it had come
	value []byte
}

// Write takes the next bytes of a log. It never fails. A line counts once
// its end has come; see Flush.
func (k *KeyLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		p = rest
		if !whole {
			k.keep(line)
			break
		}
		switch {
		case k.skip:
			k.skip = false
		case len(k.part) > 0:
			if k.keep(line); !k.skip {
				k.line(k.part)
			}
			k.skip = false
		default:
			k.line(line)
		}
		k.part = k.part[:0]
	}
	return n, nil
}

// keep adds to the line whose end has not come.
func (k *KeyLog) keep(p []byte) {
	if k.skip {
		return
	}
	if len(k.part)+len(p) > maxLogLine {
		k.skip, k.part = true, k.part[:0]
		k.count.Ignored++
		return
	}
	k.part = append(k.part, p...)
}

// Flush says that the log is at its end: a last line without a line end
// counts.
func (k *KeyLog) Flush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.skip {
		k.line(k.part)
	}
	k.part, k.skip = k.part[:0], false
}

// ReadFrom takes all of a log.
func (k *KeyLog) ReadFrom(r io.Reader) (int64, error) {
	buf := make([]byte, 64<<10)
	var sum int64
	for {
		n, err := r.Read(buf)
		sum += int64(n)
		k.Write(buf[:n])
		if err == io.EOF {
			k.Flush()
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}

// line reads one line. The caller holds the lock.
func (k *KeyLog) line(b []byte) {
	if len(b) > maxLogLine { // also a comment, since of one that comes in pieces not all is kept
		k.count.Ignored++
		return
	}
	fields := bytes.Fields(b)
	if len(fields) == 0 || fields[0][0] == '#' {
		return
	}
	label := string(fields[0])
	switch {
	case len(fields) != 3 && !spareLabels[label]:
		k.count.Ignored++
		return
	case spareLabels[label]:
		k.count.Spare++
		return
	}
	var random clientRandom
	value := make([]byte, hex.DecodedLen(len(fields[2])))
	name := random[:]
	if label == labelRSA {
		name = random[:rsaName]
	}
	if _, err := hex.Decode(value, fields[2]); err != nil || !validSecret(label, value) || !decodeExactly(name, fields[1]) {
		k.count.Ignored++
		return
	}
	k.count.Secrets++
	k.add(random, label, value)
}

func decodeExactly(dst, src []byte) bool {
	if hex.DecodedLen(len(src)) != len(dst) || len(src)%2 != 0 {
		return false
	}
	_, err := hex.Decode(dst, src)
	return err == nil
}

// validSecret reports whether a label is known and its secret has a length
// that it can have.
func validSecret(label string, value []byte) bool {
	switch label {
	case labelMaster, labelRSA: // both have 48 bytes (RFC 5246 section 7.4.7.1)
		return len(value) == masterSecret
	case labelPremaster:
		return 0 < len(value) && len(value) <= maxPremaster
	case labelClientEarly, labelClientHandshake, labelServerHandshake:
		return 0 < len(value) && len(value) <= maxSecret
	}
	for _, prefix := range []string{labelClientTraffic, labelServerTraffic} {
		if n, ok := bytes.CutPrefix([]byte(label), []byte(prefix)); ok {
			i, err := strconv.Atoi(string(n))
			return err == nil && i >= 0 && i < maxGeneration && strconv.Itoa(i) == string(n) && 0 < len(value) && len(value) <= maxSecret
		}
	}
	return false
}

// add keeps a secret. Of two with one label the later one counts, as it does
// for others who read such logs.
func (k *KeyLog) add(random clientRandom, label string, value []byte) {
	if k.conns == nil {
		k.conns = make(map[clientRandom]*secrets)
	}
	s := k.conns[random]
	if s == nil {
		if len(k.conns) >= maxConnections {
			delete(k.conns, k.order[0])
			k.order = k.order[1:]
			k.count.Forgotten++
		}
		s = &secrets{}
		k.conns[random] = s
		k.order = append(k.order, random)
	}
	for _, l := range s.list {
		if l.label == label && bytes.Equal(l.value, value) {
			return
		}
	}
	if len(s.list) == maxLabels {
		s.list = append(s.list[:0], s.list[1:]...)
	}
	s.list = append(s.list, labelled{label, k.mark.Load() + 1, value})
	if label == labelRSA || label == labelPremaster {
		k.pre.CompareAndSwap(0, k.mark.Load()+1)
	}
	k.mark.Add(1)
}

// hasPremasters reports whether the log holds premaster secrets up to a mark.
func (k *KeyLog) hasPremasters(mark int64) bool {
	return k != nil && k.pre.Load() > 0 && k.pre.Load() <= mark
}

// rsaConnection returns what stands for a connection that is named by the
// start of its encrypted premaster secret.
func rsaConnection(start []byte) (r clientRandom) {
	copy(r[:rsaName], start)
	return r
}

// Mark returns how far the log has come: it grows with every new secret.
func (k *KeyLog) Mark() int64 { return k.mark.Load() }

// Counts returns what the log held so far.
func (k *KeyLog) Counts() KeyLogCounts {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.count
}

// lookup returns the secret of a connection that came last up to a mark, or
// nil. It must not be changed.
func (k *KeyLog) lookup(random clientRandom, label string, mark int64) []byte {
	if k == nil {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	s := k.conns[random]
	if s == nil {
		return nil
	}
	for i := len(s.list) - 1; i >= 0; i-- {
		if l := &s.list[i]; l.label == label && l.mark <= mark {
			return l.value
		}
	}
	return nil
}
