// Renegotiate holds a POP3 dialogue between openssl's s_client and s_server
// in TLS 1.2 in which first the client and then the server asks for a new
// handshake, and prints what both send and the secrets, as
// reassembly/tlsdec/testdata/renegotiation.txt has it:
//
//	go run ./scripts/renegotiate [-cipher NAME]
//
// A lone hex line with C or S is one write of an end. Keys and random numbers
// are new on every run.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

var cipher = flag.String("cipher", "ECDHE-RSA-AES128-GCM-SHA256", "the only cipher suite, by openssl's `NAME`")

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "renegotiate:", err)
		os.Exit(1)
	}
}

// program is an openssl that runs: what is said to it, and what it says.
type program struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out chan string // pieces
	all string
}

func start(args ...string) (*program, error) {
	p := &program{cmd: exec.Command("openssl", args...), out: make(chan string, 100)}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := out.Read(buf)
			p.out <- string(buf[:n])
			if err != nil {
				close(p.out)
				return
			}
		}
	}()
	return p, p.cmd.Start()
}

// wait reads until a text comes, and forgets what was read.
func (p *program) wait(text *regexp.Regexp) (string, error) {
	late := time.After(20 * time.Second)
	for {
		if at := text.FindStringSubmatchIndex(p.all); at != nil {
			found := p.all[at[0]:at[1]]
			p.all = p.all[at[1]:]
			return found, nil
		}
		select {
		case s, ok := <-p.out:
			if !ok {
				return "", fmt.Errorf("%v ended before %v; it said %q", p.cmd.Args, text, p.all)
			}
			p.all += s
		case <-late:
			return "", fmt.Errorf("%v did not say %v but %q", p.cmd.Args, text, p.all)
		}
	}
}

// tape prints what goes through it.
type tape struct {
	mark string
	mu   *sync.Mutex
	out  *bytes.Buffer
}

func (t tape) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%s %x\n", t.mark, b)
	return len(b), nil
}

func run() error {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	key, cert, log := filepath.Join(dir, "key"), filepath.Join(dir, "cert"), filepath.Join(dir, "log")
	request := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=pop.example.org", "-keyout", key, "-out", cert)
	if out, err := request.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	server, err := start("s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", cert, "-tls1_2", "-cipher", *cipher, "-client_renegotiation", "-no_ticket")
	if err != nil {
		return err
	}
	defer server.cmd.Process.Kill()
	address, err := server.wait(regexp.MustCompile(`127\.0\.0\.1:\d+`))
	if err != nil {
		return err
	}
	relay, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var taped bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- forward(relay, address, tape{"C", &mu, &taped}, tape{"S", &mu, &taped}) }()
	client, err := start("s_client", "-connect", relay.Addr().String(), "-tls1_2", "-keylogfile", log)
	if err != nil {
		return err
	}
	defer client.cmd.Process.Kill()
	if err := talk(client, server); err != nil {
		return err
	}
	client.in.Close()
	if err := <-done; err != nil {
		return err
	}
	secrets, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	fmt.Printf("# POP3 in TLS 1.2 with %s between openssl's s_client and s_server.\n# After USER the client asks for a new handshake, after PASS the server.\n", *cipher)
	for l := range strings.Lines(string(secrets)) {
		if !strings.HasPrefix(l, "#") {
			fmt.Print(l)
		}
	}
	fmt.Print(taped.String())
	return nil
}

// forward passes one connection on.
func forward(relay net.Listener, address string, c, s io.Writer) error {
	near, err := relay.Accept()
	if err != nil {
		return err
	}
	far, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	end := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.MultiWriter(near, s), far)
		near.Close()
		end <- err
	}()
	_, err = io.Copy(io.MultiWriter(far, c), near)
	far.(*net.TCPConn).CloseWrite()
	if err = errors.Join(err, <-end); errors.Is(err, net.ErrClosed) {
		return nil // whichever side ends first
	}
	return err
}

// talk holds the dialogue. s_client takes capital letters at the start of
// lines for its own, so commands are in small ones.
func talk(client, server *program) error {
	if _, err := client.wait(regexp.MustCompile(`(?s)Verify return code.*---\n`)); err != nil {
		return err
	}
	for _, l := range []struct{ from, text string }{
		{"S", "+OK ready\r\n"}, {"C", "user alice\r\n"}, {"S", "+OK\r\n"},
		{"R", "R\n"}, // the client asks for a new handshake
		{"C", "pass wonderland-7\r\n"}, {"S", "+OK logged in\r\n"},
		{"r", "r\n"}, // the server does
		{"C", "stat\r\n"}, {"S", "+OK 1 120\r\n"}, {"C", "quit\r\n"}, {"S", "+OK bye\r\n"},
	} {
		from, to := client, server
		if l.from == "S" || l.from == "r" {
			from, to = server, client
		}
		if _, err := io.WriteString(from.in, l.text); err != nil {
			return err
		}
		if l.from == "R" || l.from == "r" {
			time.Sleep(300 * time.Millisecond) // nobody says that it is done
			continue
		}
		if _, err := to.wait(regexp.MustCompile(regexp.QuoteMeta(l.text))); err != nil {
			return err
		}
	}
	return nil
}
