package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/live"
	"popscope/reassembly/tlsdec"
)

// sniff is a live run, from opening everything that takes rights to the
// last word.
func (p *program) sniff(s *sniffing) error {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	notify := newNotifier()
	to, err := accountOf(s.runAs)
	if err != nil {
		return usage("name another user with --run-as", "--run-as %s: %w", s.runAs, err)
	}
	count, voice := &tally{}, p.newVoice()
	defer voice.end()
	keylog, err := p.openKeyLog(ctx, s.traffic)
	if err != nil {
		return notBegun(ctx, err)
	}
	if keylog != nil {
		s.analysis.Keys = new(tlsdec.KeyLog)
	}
	s.capture.Event = func(e live.Event) { voice.say("warning: " + e.String()) }
	src, err := live.Open(ctx, s.capture)
	if err != nil {
		return captureFailure(err)
	}
	defer src.Close()
	out, err := p.newLiveOutput(ctx, s.out, count, func(err error) { s.tell(err, voice, cancel) })
	if err != nil {
		return notBegun(ctx, err)
	}
	if s.files != nil && s.analysis.Detect == popscope.DetectContent {
		src = newSieved(src, s.analysis, count, voice.say)
	}
	rec := &recorder{Source: src, count: count}
	if keylog != nil {
		defer keylog.Close()
		rec.keylog = newGrowingLog(keylog, s.analysis.Keys)
	}
	listener, err := s.prepare(ctx, rec, out, to)
	if err == nil {
		err = dropPrivileges(to)
	}
	if err == nil {
		err = s.checkFolders(to, out)
	}
	if err != nil {
		out.abandon()
		var f *failure
		if !errors.As(err, &f) {
			f = &failure{status: statusIncomplete, err: err}
		}
		return notBegun(ctx, f)
	}
	rec.say = voice.say

	a := popscope.New(s.analysis)
	helpers := p.helpers(ctx, s, a, rec, out, notify, voice, listener)
	if rec.keylog != nil {
		helpers.Go(func() { rec.keylog.follow(ctx) })
	}
	if !s.quiet && p.screen.err == nil {
		p.say("sniffing on " + strings.Join(s.capture.Interfaces, ", "))
	}
	writeResults(a, rec, out, count, voice)
	notify.tell("STOPPING=1")
	rec.close()
	cancel()
	helpers.Wait()
	sum := a.Summary()
	err = out.close(sum)
	voice.end()
	p.sumUp(s, &sum, out)
	switch {
	case err != nil:
		return errWrite{err}
	case rec.failed || count.unreported.Load() > 0 && !out.closed():
		return &failure{status: statusIncomplete}
	}
	return nil
}

// tell says that the output is not written, or is again. A pipe that nobody
// will ever read again ends the run.
func (s *sniffing) tell(err error, voice *voice, end func()) {
	switch {
	case err == nil:
		voice.say(s.outName() + ": written again")
	case !errors.Is(err, syscall.EPIPE) || s.out.file != "" && appends(s.out.format):
		voice.say(s.outName() + ": not written: " + reason(err).Error())
	}
	if err != nil && s.out.file == "" {
		end()
	}
}

// writeResults hands the results to the output until the capture ends.
func writeResults(a *popscope.Analyzer, rec *recorder, out *liveOutput, count *tally, voice *voice) {
	for r, err := range a.Results(rec) {
		if err != nil {
			voice.say(capture.ErrorText(err))
			rec.failed = true
			continue
		}
		count.found(r)
		full := out.full
		if err := out.write(r); err != nil {
			voice.say(err.Error())
		}
		if out.full && !full {
			voice.say("warning: the output does not keep up; what comes now is not written until it does")
		}
	}
}

// notBegun returns what a run that could not be begun ends with. One that was
// ended while it waited for the other end of a named pipe has ended well.
func notBegun(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *sniffing) outName() string {
	if s.out.file == "" {
		return "standard output"
	}
	return s.out.file
}

// captureFailure says why an interface cannot be captured, and what helps.
func captureFailure(err error) error {
	f := &failure{status: statusIncomplete, err: errors.New(strings.TrimPrefix(err.Error(), "live: "))}
	switch {
	case errors.Is(err, fs.ErrPermission):
		f.hint = grantHint()
	case errors.Is(err, live.ErrNoInterface):
		f.status = statusUsage
		f.hint = "popscope interfaces lists them"
	case errors.Is(err, live.ErrUnsupported):
		f.hint = "build it with: go build -tags libpcap ./cmd/popscope; or pipe: tcpdump -w - 'tcp port 110' | popscope analyze -"
	}
	return f
}

// prepare opens what is to be open before rights are given up.
func (s *sniffing) prepare(ctx context.Context, rec *recorder, out *liveOutput, to *account) (net.Listener, error) {
	if out.file != nil {
		to.give(out.file)
	}
	if s.files != nil {
		files, err := opening(ctx, func() (*capture.Rotator, error) { return capture.NewRotator(*s.files) })
		if err != nil {
			return nil, outputFailure(s.files.Name, err)
		}
		if f := files.File(); f != nil {
			to.give(f)
		}
		rec.files = files
	}
	if s.metrics == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", s.metrics)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	return l, nil
}

// checkFolders makes sure that the files to come can be made with the
// rights that are left.
func (s *sniffing) checkFolders(to *account, out *liveOutput) error {
	check := func(flag, file string) error {
		dir := filepath.Dir(file)
		if err := mayCreateIn(dir); err != nil {
			who := "this user"
			if to != nil {
				who = "the user " + s.runAs
			}
			return fmt.Errorf("%s: %s cannot create files in %s: give the folder to that user, or name another with --run-as", flag, who, dir)
		}
		return nil
	}
	if s.files != nil && (s.files.Size > 0 || s.files.Every > 0) {
		if err := check("--write", s.files.Name); err != nil {
			return err
		}
	}
	if out.whole != nil && out.whole.target != "" {
		return check("--output", out.whole.target)
	}
	return nil
}

// helpers starts what runs beside the analysis until ctx is done.
func (p *program) helpers(ctx context.Context, s *sniffing, a *popscope.Analyzer, rec *recorder, out *liveOutput, notify *notifier, voice *voice, l net.Listener) *sync.WaitGroup {
	var running sync.WaitGroup
	if l != nil {
		m := &metrics{count: rec.count, open: a.Open, drops: rec.Drops}
		running.Go(func() { m.serve(ctx, l) })
	}
	if p.screen.err != nil && !s.quiet {
		running.Go(func() { p.showStatus(rec.count, a.Open, rec.Drops, ctx.Done()) })
	}
	signal.Reset(syscall.SIGHUP) // for other commands it is an end; here logrotate sends it, also under nohup
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	reloaded := make(chan struct{})
	running.Go(func() {
		defer close(reloaded)
		defer signal.Stop(hangups)
		reload(ctx, hangups, func() {
			notify.tell("RELOADING=1")
			rec.reopen.Store(true)
			if err := out.reopen(ctx); err != nil && !errors.Is(err, context.Canceled) {
				voice.say("the output is written on where it was: " + err.Error())
			}
			notify.tell("READY=1")
		})
	})
	rec.ending = func() {
		if ctx.Err() != nil {
			<-reloaded
		}
	}
	notify.tell("READY=1")
	if every := watchdog(); every > 0 {
		running.Go(func() { watch(ctx, every, rec.count, notify) })
	}
	return &running
}

// reload opens the files anew whenever a signal asks for it, until ctx is
// done. What was asked for before that is done, too.
func reload(ctx context.Context, hangups <-chan os.Signal, open func()) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-hangups:
			open()
		}
	}
	select {
	case <-hangups:
		open()
	default:
	}
}

// watch tells systemd that the service lives as long as the capture does.
func watch(ctx context.Context, every time.Duration, count *tally, notify *notifier) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	seen := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if n := count.beats.Load(); n != seen {
				seen = n
				notify.tell("WATCHDOG=1")
			}
		}
	}
}

// sumUp says on standard error what a live run came to: what is missing in
// files also with --quiet, for that is an error. To whoever closed the pipe
// it says nothing else.
func (p *program) sumUp(s *sniffing, sum *popscope.Summary, out *liveOutput) {
	closed := out.closed()
	if n := out.count.unreported.Load(); n > 0 && !closed {
		text := fmt.Sprintf("%d sessions, or parts of them, were not written", n)
		if out.late.Load() {
			text += ": the output did not keep up"
		}
		p.say(text)
	}
	if n := out.count.unwritten.Load(); n > 0 {
		p.say(fmt.Sprintf("%d packets are in no file", n))
	}
	if closed {
		return
	}
	p.warn(s.traffic, sum)
	if !s.quiet {
		last := fmt.Sprintf("packets: %d, dropped by the kernel: %d, sessions: %d, logins: %d, messages: %d",
			sum.Packets, sum.KernelDrops, sum.Sessions, sum.Logins, sum.Messages)
		if n := sum.Ignored[popscope.ShedUndecided]; n > 0 {
			last += fmt.Sprintf(", given up undecided: %d", n)
		}
		p.say(last)
	}
}
