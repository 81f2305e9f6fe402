package tlsdec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"popscope/reassembly/stream"
)

// identity is a self-signed certificate, made for a test.
type identity struct {
	tls.Certificate
	leaf *x509.Certificate
}

// makeIdentity signs a certificate for mail.example.org with its own key of
// the given kind: "rsa", "p256" or "ed25519". Keys follow from the seed.
func makeIdentity(t testing.TB, kind string) identity {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		cryptotest.SetGlobalRandom(t, 1) // benchmarks cannot ask for it
	}
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed25519":
		key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	}
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, template(), template(), key, key)
}

// template is the certificate that tests begin with.
func template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(0x1234),
		Subject:      pkix.Name{CommonName: "mail.example.org", Organization: []string{"Example, Inc."}},
		DNSNames:     []string{"mail.example.org", "pop.example.org"},
		IPAddresses:  []net.IP{net.IPv4(192, 0, 2, 1).To4(), net.ParseIP("2001:db8::1")},
		NotBefore:    time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		NotAfter:     time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func sign(t testing.TB, cert, parent *x509.Certificate, key, parentKey crypto.Signer) identity {
	t.Helper()
	der, err := x509.CreateCertificate(nil, cert, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, leaf}
}

// recording is what two ends wrote, in the order of their writes.
type recording []stream.Chunk

// pipe holds what one end wrote until the other end reads it, so that both
// may write at once, which net.Pipe does not allow.
type pipe struct {
	mu     sync.Mutex
	more   sync.Cond
	buf    []byte
	closed bool
}

func newPipe() *pipe {
	p := new(pipe)
	p.more.L = &p.mu
	return p
}

// recorder is one end of a connection; it keeps what is written.
type recorder struct {
	net.Conn // for the methods that crypto/tls calls but that do not matter
	in, out  *pipe
	dir      stream.Dir
	mu       *sync.Mutex
	all      *recording
}

func (r recorder) Read(p []byte) (int, error) {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	for len(r.in.buf) == 0 {
		if r.in.closed {
			return 0, io.EOF
		}
		r.in.more.Wait()
	}
	n := copy(p, r.in.buf)
	r.in.buf = r.in.buf[n:]
	return n, nil
}

func (r recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	*r.all = append(*r.all, stream.Chunk{Dir: r.dir, Data: bytes.Clone(p)})
	r.mu.Unlock()
	r.out.mu.Lock()
	r.out.buf = append(r.out.buf, p...)
	r.out.mu.Unlock()
	r.out.more.Signal()
	return len(p), nil
}

func (r recorder) Close() error {
	r.out.mu.Lock()
	r.out.closed = true
	r.out.mu.Unlock()
	r.out.more.Signal()
	return nil
}

// record runs a TLS connection in memory on which "ping" is answered by
// "pong", and returns what went over the wire. The errors are of the
// client's and the server's side.
func record(t testing.TB, client, server *tls.Config) (recording, [2]error) {
	t.Helper()
	var mu sync.Mutex
	var all recording
	up, down := newPipe(), newPipe()
	near, far := net.Pipe()
	a := recorder{near, down, up, stream.Client, &mu, &all}
	b := recorder{far, up, down, stream.Server, &mu, &all}
	served := make(chan error)
	go func() {
		conn := tls.Server(b, server)
		_, err := io.ReadFull(conn, make([]byte, 4))
		if err == nil {
			_, err = conn.Write([]byte("pong"))
		}
		b.Close()
		served <- err
	}()
	conn := tls.Client(a, client)
	_, err := conn.Write([]byte("ping"))
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 4))
	}
	a.Close()
	return all, [2]error{err, <-served}
}

// mustRecord is record for connections that succeed.
func mustRecord(t testing.TB, client, server *tls.Config) recording {
	t.Helper()
	r, errs := record(t, client, server)
	if errs[0] != nil || errs[1] != nil {
		t.Fatalf("client: %v, server: %v", errs[0], errs[1])
	}
	return r
}

// side puts together what one end wrote.
func (r recording) side(d stream.Dir) []byte {
	var b []byte
	for _, c := range r {
		if c.Dir == d {
			b = append(b, c.Data...)
		}
	}
	return b
}

// watch feeds all chunks to a Watcher, with packets counted from 1.
func (r recording) watch() *stream.TLSInfo {
	w := NewWatcher()
	for i, c := range r {
		c.At = stream.Stamp{Packet: int64(i + 1)}
		w.Feed(c)
	}
	return w.Info()
}
