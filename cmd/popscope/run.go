package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"popscope"
	"popscope/capture"
	"popscope/capture/packet"
)

// open opens the captures of a command.
func (p *program) open(t *traffic) (*capture.Timeline, error) {
	if err := p.loadKeyLog(t); err != nil {
		return nil, err
	}
	return p.openCaptures(t)
}

// openCaptures is open for those who need no TLS secrets, or have them.
func (p *program) openCaptures(t *traffic) (*capture.Timeline, error) {
	src, err := capture.Options{
		Stdin:    untilDone(p.ctx, p.stdin),
		OpenFile: func(name string) (fs.File, error) { return openInput(p.ctx, name) },
		Done:     p.ctx.Done(),
	}.Open(t.files...)
	switch {
	case err == nil:
		return src, nil
	case p.ctx.Err() != nil:
		return nil, p.interrupted()
	}
	p.sayInput(err)
	return nil, &failure{status: statusIncomplete, hint: openHint(err)}
}

// openHint returns advice for captures that could not be opened.
func openHint(err error) string {
	var path *fs.PathError
	switch {
	case errors.Is(err, capture.ErrFormat):
		return "pcap and pcapng are read, as they are or compressed"
	case errors.Is(err, capture.ErrEmpty):
		return "a capture has a header even without packets: was it written to the end?"
	case !errors.As(err, &path):
		return ""
	case errors.Is(err, syscall.EISDIR):
		return "name the files in it, as in " + filepath.Join(path.Path, "*.pcap")
	case errors.Is(err, fs.ErrNotExist):
		if like := nearestFile(path.Path); like != "" {
			return "did you mean: " + like
		}
		return "see what is there with: ls " + filepath.Dir(path.Path)
	case errors.Is(err, fs.ErrPermission):
		return "see who may read it with: ls -l " + path.Path
	}
	return ""
}

// nearestFile returns the file in the same folder whose name comes nearest
// to that of one that does not exist.
func nearestFile(name string) string {
	dir, base := filepath.Split(name)
	entries, err := os.ReadDir(filepath.Join(".", dir))
	if filepath.IsAbs(dir) {
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if like := nearest(base, names); like != "" {
		return dir + like
	}
	return ""
}

// report is what analyze and audit do: open the captures, report every
// session, sum up.
func (p *program) report(t *traffic, o *output) error {
	src, err := p.open(t)
	if err != nil {
		return err
	}
	defer src.Close()
	return p.writeTo(o.file, func(w io.Writer, name string) error { return p.reportTo(w, name, t, o, src) })
}

// reportTo reports what src holds to w, which messages call name.
func (p *program) reportTo(w io.Writer, name string, t *traffic, o *output, src *capture.Timeline) error {
	out, err := o.writer(w)
	if err != nil {
		return err
	}
	run := p.analysis(t, src)
	for r := range run.results() {
		o.news.session(r)
		if err := out.Write(r); err != nil {
			return broken(name, err)
		}
	}
	sum := run.Summary()
	o.news.summary(&sum)
	if err := out.Close(sum); err != nil {
		return broken(name, err)
	}
	p.warn(t, &sum)
	return run.err()
}

// analysis is one pass over captures.
type analysis struct {
	*popscope.Analyzer
	p       *program
	t       *traffic
	src     *capture.Timeline
	damaged bool
}

func (p *program) analysis(t *traffic, src *capture.Timeline) *analysis {
	return &analysis{Analyzer: popscope.New(t.analysis), p: p, t: t, src: src}
}

// Summary returns the counts. An interruption is told among the errors, so
// that no report of a part reads like one of the whole.
func (a *analysis) Summary() popscope.Summary {
	sum := a.Analyzer.Summary()
	if a.p.ctx.Err() != nil {
		sum.Errors = append(sum.Errors, errInterrupted.Error())
	}
	return sum
}

// results yields the sessions, tells the user of damage on the way, and
// shows how far it has come.
func (a *analysis) results() iter.Seq[*popscope.Result] {
	return func(yield func(*popscope.Result) bool) {
		shown := a.p.startProgress(a.t, a.src.Read)
		defer shown.end()
		for r, err := range a.Results(a.src) {
			if err != nil {
				a.p.sayInput(err)
				a.damaged = true
			}
			if r == nil {
				continue
			}
			shown.found(r)
			if !yield(r) {
				return
			}
		}
	}
}

// err returns what the program has to end with after all results.
func (a *analysis) err() error {
	switch {
	case a.p.ctx.Err() != nil:
		return a.p.interrupted()
	case a.damaged:
		return &failure{status: statusIncomplete}
	}
	return nil
}

var errInterrupted = errors.New("interrupted: only what was read until then is reported")

// interrupted says that the results are not those of the whole capture.
func (p *program) interrupted() error {
	return &failure{status: statusInterrupted, err: errInterrupted}
}

// errWrite marks errors of the output.
type errWrite struct{ error }

func (e errWrite) Unwrap() error { return e.error }

// broken returns what the program ends with when an output breaks. Whoever
// closed a pipe has seen enough.
func broken(name string, err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return errWrite{&failure{status: statusDone}}
	}
	return errWrite{outputFailure(name, err)}
}

// notWritten reports whether an error came from the output.
func notWritten(err error) bool {
	var w errWrite
	return errors.As(err, &w)
}

// warn tells on standard error what the user should know about the run.
func (p *program) warn(t *traffic, sum *popscope.Summary) {
	if t.quiet {
		return
	}
	if flags := t.chosenBy(); sum.Sessions == 0 && len(flags) > 0 {
		p.say("warning: no POP3 session matches " + strings.Join(flags, ", "))
	}
	if sum.KernelDrops > 0 {
		p.say(fmt.Sprintf("warning: %d packets dropped by the kernel", sum.KernelDrops))
	}
	if n := sum.Ignored[packet.UnknownLink.String()]; n > 0 {
		p.say(fmt.Sprintf("warning: %d of %d packets have a link type that popscope does not read, the first is packet %d of %v", n, sum.Packets, sum.Unread.UnknownLink, sum.Unread.Link))
	}
	if n := sum.Ignored[packet.Encrypted.String()]; n > 0 && sum.Sessions == 0 {
		p.say(fmt.Sprintf("warning: %d of %d packets are in ESP, MACsec or protected Wi-Fi frames, which popscope does not read, the first is packet %d", n, sum.Packets, sum.Unread.Encrypted))
	}
	if n := sum.Ignored[packet.CutShort.String()]; n > 0 {
		p.say(fmt.Sprintf("warning: %d of %d packets are cut by the snapshot length inside of their headers, the first is packet %d", n, sum.Packets, sum.Unread.CutShort))
	}
	if n := sum.Ignored[popscope.LostConnections]; n > 0 {
		p.say(fmt.Sprintf("warning: no data was captured of %d connections: whether they are POP3 is not known", n))
	}
	if n := sum.Ignored[popscope.SecretBlocks]; n > 0 {
		p.say(fmt.Sprintf("warning: blocks of TLS secrets in the captures that were not used, being damaged or more than 16 MiB together: %d", n))
	}
	if n := sum.Ignored[popscope.NotHashed]; n > 0 {
		p.say(fmt.Sprintf("warning: %d messages were not hashed, so as to lose fewer packets", n))
	}
	if n := sum.Ignored[popscope.ShedUndecided]; n > 0 {
		p.say(fmt.Sprintf("warning: %d connections were given up before they had shown whether they are POP3; packets of them were not kept", n))
	}
	if !t.verbose {
		return
	}
	for _, f := range sum.Files {
		p.say(fmt.Sprintf("%s: packets: %d", capture.InputName(f.Name), f.Packets))
	}
	p.say(fmt.Sprintf("sessions: %d, logins: %d, messages: %d", sum.Sessions, sum.Logins, sum.Messages))
}
