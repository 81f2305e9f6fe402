package browser

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
	"popscope/report"
)

var shared struct {
	sync.Once
	*Browser
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.Browser != nil {
		shared.Browser.Close()
	}
	os.Exit(code)
}

// open opens a page in the browser that all tests share, and skips the
// test where there is no browser.
func open(t *testing.T, file string, v View) *Page {
	t.Helper()
	shared.Do(func() { shared.Browser, shared.err = Start(context.Background()) })
	if errors.Is(shared.err, ErrNone) {
		t.Skip("skipped: ", shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	p, err := shared.Open(file, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// quiet fails the test if the page did what no page may do.
func (p *Page) quiet(t *testing.T) {
	t.Helper()
	if got := p.Requests(); len(got) != 1 || !strings.HasPrefix(got[0], "file://") {
		t.Errorf("requests: %q, want the page itself and nothing else", got)
	}
	for _, problem := range p.Problems() {
		t.Error("the page says: ", problem)
	}
}

// ask evaluates an expression of the page.
func ask[T any](t *testing.T, p *Page, expression string) T {
	t.Helper()
	var v T
	if err := p.Eval(expression, &v); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true.
func (p *Page) wait(t *testing.T, expression string) {
	t.Helper()
	for range 100 {
		if ask[bool](t, p, "!!("+expression+")") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never true: %s", expression)
}

// pageFile is a page to write, with what goes into it.
type pageFile struct {
	*testing.T
	w    report.Writer
	file *os.File
}

func newPage(t *testing.T, o report.Options) *pageFile {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := report.New("html", f, o)
	if err != nil {
		t.Fatal(err)
	}
	return &pageFile{t, w, f}
}

// done completes the page and returns its name.
func (p *pageFile) done(sum popscope.Summary) string {
	p.Helper()
	if err := p.w.Close(sum); err != nil {
		p.Fatal(err)
	}
	if err := p.file.Close(); err != nil {
		p.Fatal(err)
	}
	return p.file.Name()
}

// analyzed makes the page of a source.
func analyzed(t *testing.T, src capture.Source) string {
	t.Helper()
	p := newPage(t, report.Options{})
	a := popscope.New(popscope.Options{})
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := p.w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return p.done(a.Summary())
}

// recordings makes the page of recordings of the project.
func recordings(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", "testdata", "pcap", pattern))
	if err != nil || len(names) == 0 {
		t.Fatal("no recordings: ", err)
	}
	src, err := capture.Open(names...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	return analyzed(t, src)
}

// dialog makes the page of a session that is written as text.
func dialog(t *testing.T, text string) string {
	t.Helper()
	d, err := capturetest.Parse("dialog", text)
	if err != nil {
		t.Fatal(err)
	}
	return analyzed(t, capturetest.Source(d.Trace().Packets(capturetest.Plain())))
}

// many makes the page of n sessions, a second apart; user 7777 is in it
// once.
func many(t *testing.T, n int) string {
	t.Helper()
	p := newPage(t, report.Options{})
	epoch := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range n {
		at := func(packet, millis int64) stream.Stamp {
			return stream.Stamp{Packet: int64(10*i) + packet, Nanos: epoch.UnixNano() + int64(i)*1e9 + millis*1e6}
		}
		r := &popscope.Result{ID: fmt.Sprintf("%012d", i), Part: 1, Last: true, Session: &pop3parse.Session{Exchanges: 2, Logins: 1},
			Conn: &stream.Conn{Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), uint16(1024+i)), Server: netip.MustParseAddrPort("198.51.100.5:110"),
				Handshake: true, First: at(1, 0), Last: at(9, 900), Ended: at(9, 900), Close: stream.ClosedFIN},
			Exchanges: []pop3parse.Exchange{
				{N: 1, Verb: pop3parse.USER, Args: secret.NewText(fmt.Appendf(nil, "user%d", i)), Status: pop3parse.OK,
					RequestFirst: at(3, 10), RequestLast: at(3, 10), ReplyFirst: at(4, 11), ReplyLast: at(4, 11)},
				{N: 2, Verb: pop3parse.QUIT, Status: pop3parse.OK, RequestFirst: at(5, 20), RequestLast: at(5, 20), ReplyFirst: at(6, 20+int64(i%50)), ReplyLast: at(6, 20+int64(i%50))}},
			Logins: []pop3parse.Login{{Exchange: 1, Mechanism: "USER/PASS", User: fmt.Appendf(nil, "user%d", i), Outcome: pop3parse.Success, At: at(3, 10)}},
		}
		if err := p.w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return p.done(popscope.Summary{Sessions: int64(n), Logins: int64(n), Packets: int64(10 * n), Files: []capture.FileInfo{{Name: "many.pcap", Packets: int64(10 * n)}},
		Start: epoch, End: epoch.Add(time.Duration(n) * time.Second)})
}
