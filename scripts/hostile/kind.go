package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// kind is one sort of hostile capture.
type kind struct {
	name  string
	full  int    // how many, or how large, when it is meant seriously
	short int    // and in a test that takes a second
	unit  string // what is counted, for people
	write func(w io.Writer, n int) error
	exit  int // status that analyze has to end with

	// told says what the records have to tell of n, and whether they do.
	told func(n int, o *outcome) (string, bool)
}

const mb = 1_000_000

// kinds has a row for each.
var kinds = []kind{
	{"half-open", 10_000_000, 100_000, "SYNs", packets(halfOpen), 0, ignored("shed_half_open", 65_536)},
	{"open-sessions", 200_000, 1_000, "sessions left open", packets(openSessions), 0, openOrShed},
	{"idle-sessions", 120_000, 1_000, "sessions that are idle for too long in one instant", packets(idleSessions), 0, sessions},
	{"holes", 1_000_000, 50_000, "holes in one mail", packets(holes), 0, lostAtLimit},
	{"fragments", 5_000_000, 100_000, "first fragments", packets(fragments), 0, ignored("fragments_incomplete", 0)},
	{"overlapping-fragments", 1_000_000, 50_000, "fragments of one datagram", packets(overlaps), 0, ignored("fragments_incomplete", -1)},
	{"endless-line", 200 * mb, 2 * mb, "bytes of one command", packets(endlessLine), 0, stretch},
	{"endless-reply", 200 * mb, 2 * mb, "bytes of one status line", packets(endlessReply), 0, stretch},
	{"endless-mail", 500 * mb, 3 * mb, "bytes of one mail", packets(endlessMail), 0, octets},
	{"endless-header", 200 * mb, 3 * mb, "bytes of one header field", packets(endlessHeader), 0, octets},
	{"endless-parts", 1_000_000, 20_000, "attachments of one mail", packets(endlessParts), 0, octets},
	{"pipelined", 1_000_000, 100_000, "commands without replies", packets(pipelined), 0, exchanges(3)},
	{"capa", 100 * mb, 2 * mb, "bytes of capabilities", packets(capa), 0, exchanges(0)},
	{"listing", 1_000_000, 50_000, "rows of UIDL", packets(listing), 0, exchanges(0)},
	{"auth-turns", 100_000, 10_000, "SASL turns", packets(authTurns), 0, turns},
	{"refused-logins", 250_000, 5_000, "logins of one connection", packets(refusedLogins), 0, logins},
	{"long-commands", 65_536, 2_000, "commands of 8 kB without replies", packets(one(longCommands)), 0, oneSession},
	{"long-replies", 20_000, 500, "commands of 8 kB with such replies", packets(one(answered)), 0, oneSession},
	{"many-pipelined", 300, 20, "sessions of 10,000 commands without replies", packets(crowd(unanswered, 10_000)), 0, openOrShed},
	{"many-listings", 1_000, 20, "sessions of 20,000 rows of UIDL", packets(crowd(longMaildrop, 20_000)), 0, openOrShed},
	{"many-undecided", 20_000, 500, "connections of 57 kB that may be POP3", packets(undecided), 0, ignoredOrSession},
	{"stopped-clock", 1_000_000, 20_000, "commands in one instant", packets(stoppedClock), 0, exchanges(1)},
	{"gzip-bomb", 4096, 64, "MiB of zeros", bomb(gzipped), 0, frames},
	{"zstd-bomb", 4096, 64, "MiB of zeros", bomb(zstded), 0, frames},
	{"zstd-window", 1, 1, "window of 3.75 TiB", zstdWindow, 3, nothing},
	{"pcapng-long-block", 1, 1, "block of 4 GiB", lie(longBlock), 3, damaged},
	{"pcapng-short-block", 1, 1, "block of 4 bytes", lie(shortBlock), 3, damaged},
	{"pcapng-long-option", 1, 1, "option longer than its block", lie(longOption), 3, damaged},
	{"pcapng-long-packet", 1, 1, "packet longer than its block", lie(longPacket), 3, damaged},
	{"timestamps", 30_000, 600, "sessions with impossible clocks", timestamps, 0, sessions},
}

// find returns the kinds with these names, all without any.
func find(names string) ([]kind, error) {
	if names == "" {
		return kinds, nil
	}
	var out []kind
	for _, name := range strings.Split(names, ",") {
		i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no kind is called %q", name)
		}
		out = append(out, kinds[i])
	}
	return out, nil
}

// ignored expects that the summary counts under a reason all but kept. A
// negative number means that one is enough.
func ignored(reason string, kept int) func(int, *outcome) (string, bool) {
	return func(n int, o *outcome) (string, bool) {
		got := o.ignored[reason]
		want := int64(n - kept)
		if kept < 0 {
			want = 1
		}
		return fmt.Sprintf("%s %d", reason, got), got >= want
	}
}

// openOrShed expects every session, open or given up, and says which.
func openOrShed(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("sessions %d, given up %d", o.sessions, o.findings["limit-reached"]), o.sessions == int64(n)
}

func oneSession(_ int, o *outcome) (string, bool) {
	return fmt.Sprintf("exchanges %d, limit-reached %d", o.exchanges, o.findings["limit-reached"]), o.sessions == 1
}

// ignoredOrSession expects that each connection is told of.
func ignoredOrSession(n int, o *outcome) (string, bool) {
	other := o.ignored["not_pop3_connections"]
	return fmt.Sprintf("sessions %d, others %d", o.sessions, other), o.sessions+other == int64(n)
}

// lostAtLimit expects the loss and its reason.
func lostAtLimit(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("lost %d bytes, limit-reached %d", o.lost, o.findings["limit-reached"]),
		o.lost >= int64(n)/2 && o.lost <= int64(n) && o.findings["limit-reached"] > 0
}

// stretch expects that all bytes were read, without any kept.
func stretch(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("stream bytes %d, line-too-long %d", o.bytes, o.findings["line-too-long"]),
		o.bytes >= int64(n) && o.findings["line-too-long"] > 0
}

func octets(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("message octets %d, attachments %d", o.octets, o.attachments), o.octets >= int64(n) && o.messages == 1
}

// exchanges expects no session to be missing, and with more commands than
// wait for replies a word about it.
func exchanges(least int) func(int, *outcome) (string, bool) {
	return func(n int, o *outcome) (string, bool) {
		return fmt.Sprintf("exchanges %d, limit-reached %d", o.exchanges, o.findings["limit-reached"]),
			(o.sessions == 1 || least == 1) && (least < 2 || o.exchanges >= int64(n) && (n <= 1<<13 || o.findings["limit-reached"] > 0))
	}
}

func turns(_ int, o *outcome) (string, bool) {
	return fmt.Sprintf("logins %d, limit-reached %d", o.logins, o.findings["limit-reached"]), o.logins == 1 && o.findings["limit-reached"] == 1
}

func logins(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("logins %d", o.logins), o.logins == int64(n)
}

func frames(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("packets %d", o.packets), o.packets == 16*int64(n)
}

func nothing(_ int, o *outcome) (string, bool) { return "not a capture", o.records == 0 }

func damaged(_ int, o *outcome) (string, bool) {
	return fmt.Sprintf("sessions %d, errors %d", o.sessions, o.errors), o.sessions == 1 && o.errors == 1
}

func sessions(n int, o *outcome) (string, bool) {
	return fmt.Sprintf("sessions %d", o.sessions), o.sessions == int64(n)
}
