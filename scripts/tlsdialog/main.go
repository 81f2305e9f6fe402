// Tlsdialog prints what client and server say in a TLS connection, as lines
// of a dialog (testdata/dialog/README.md):
//
//	go run ./scripts/tlsdialog -max 1.0 -sni pop.example.org
//
// Keys and random numbers are new on every run. The certificate is for
// pop.example.org, valid in 2026 and signed by an authority that the client
// knows, where the flags say nothing else.
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	versions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

	most   = flag.String("max", "1.2", "the highest `version` of the client")
	cipher = flag.Uint("cipher", 0, "the only suite of the client, by its `number`")
	name   = flag.String("name", "pop.example.org", "the `name` in the certificate")
	sni    = flag.String("sni", "pop.example.org", "the `name` that the client asks for; - for none")
	until  = flag.Int("until", 2027, "the `year` in which the certificate ends")
	bits   = flag.Int("bits", 0, "use an RSA key of so many `bits`, not ECDSA")
	self   = flag.Bool("self", false, "sign the certificate with its own key")
	verify = flag.Bool("verify", false, "the client verifies the certificate, and knows no authority")
	now    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tlsdialog:", err)
		os.Exit(1)
	}
}

func run() error {
	cert, err := certificate()
	if err != nil {
		return err
	}
	clock := func() time.Time { return now }
	client := &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: versions[*most], ServerName: *sni, InsecureSkipVerify: !*verify, RootCAs: x509.NewCertPool(), Time: clock}
	if *sni == "-" {
		client.ServerName, client.InsecureSkipVerify = "", true
	}
	server := &tls.Config{MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{*cert}, Time: clock}
	if *cipher != 0 {
		client.CipherSuites = []uint16{uint16(*cipher)}
		server.CipherSuites = client.CipherSuites
	}
	var log transcript
	var keys bytes.Buffer
	client.KeyLogWriter = &keys
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	b, err := l.Accept()
	if err != nil {
		return err
	}
	c, s := tls.Client(&teller{a, 'C', &log}, client), tls.Server(&teller{b, 'S', &log}, server)
	done := make(chan error)
	go func() {
		defer b.Close()
		if err := s.Handshake(); err != nil {
			done <- err
			return
		}
		s.Write([]byte("+OK POP3 ready\r\n"))
		buf := make([]byte, 64)
		s.Read(buf)
		s.Write([]byte("+OK\r\n"))
		done <- nil
	}()
	err = c.Handshake()
	if err == nil {
		buf := make([]byte, 64)
		c.Read(buf)
		c.Write([]byte("QUIT\r\n"))
		c.Read(buf)
	}
	a.Close()
	serverErr := <-done
	if (err != nil || serverErr != nil) && !*verify {
		return fmt.Errorf("client: %v, server: %v", err, serverErr)
	}
	for line := range strings.Lines(keys.String()) {
		fmt.Print("# keylog ", line)
	}
	log.print()
	return nil
}

// certificate makes the server's certificate.
func certificate() (*tls.Certificate, error) {
	var key crypto.Signer
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if *bits > 0 {
		key, err = rsa.GenerateKey(rand.Reader, *bits)
	}
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: *name}, DNSNames: []string{*name},
		NotBefore: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(*until, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	parent, signer := leaf, key
	if !*self {
		parent = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example CA"}}
		if signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// transcript is what both sides have written.
type transcript struct {
	sync.Mutex
	from []byte
	data [][]byte
}

// teller notes what one side writes.
type teller struct {
	net.Conn
	side byte
	log  *transcript
}

func (t *teller) Write(p []byte) (int, error) {
	t.log.Lock()
	if n := len(t.log.from); n > 0 && t.log.from[n-1] == t.side {
		t.log.data[n-1] = append(t.log.data[n-1], p...)
	} else {
		t.log.from = append(t.log.from, t.side)
		t.log.data = append(t.log.data, bytes.Clone(p))
	}
	t.log.Unlock()
	return t.Conn.Write(p)
}

func (t *transcript) print() {
	const octets = 57 // 76 letters
	for i, from := range t.from {
		for data := t.data[i]; len(data) > 0; data = data[min(octets, len(data)):] {
			fmt.Printf("%c= %s\n", from, base64.StdEncoding.EncodeToString(data[:min(octets, len(data))]))
		}
	}
}
