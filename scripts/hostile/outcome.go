package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// outcome is what records tell.
type outcome struct {
	records, exchanges, sessions, logins, messages int64
	octets, attachments                            int64 // of messages
	lost, bytes                                    int64 // of streams
	packets                                        int64
	findings                                       map[string]int64 // by rule
	ignored                                        map[string]int64 // of the summary
	errors                                         int
	first, last                                    string // types
}

// record has the keys that are looked at.
type record struct {
	Type        string
	Rule        string
	Octets      int64
	Attachments []any
	LostBytes   map[string]int64 `json:"lost_bytes"`
	Bytes       json.RawMessage
	Packets     json.RawMessage
	Ignored     map[string]int64
	Errors      []string
}

// read reads JSON Lines as they come, and checks that they are.
func (o *outcome) read(r io.Reader) error {
	o.findings = map[string]int64{}
	return lines(r, func(line []byte) error {
		o.records++
		if bytes.HasPrefix(line, []byte(`{"type":"exchange"`)) || bytes.HasPrefix(line, []byte(`{"type":"login"`)) {
			if !json.Valid(line) {
				return fmt.Errorf("not JSON: %.200q", line)
			}
			if line[len(`{"type":"`)] == 'e' {
				o.exchanges++
			} else {
				o.logins++
			}
			return nil
		}
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return fmt.Errorf("%w: %.200q", err, line)
		}
		return o.add(&rec)
	})
}

func (o *outcome) add(rec *record) error {
	if o.first == "" {
		o.first = rec.Type
	}
	o.last = rec.Type
	switch rec.Type {
	case "message":
		o.messages++
		o.octets += rec.Octets
		o.attachments += int64(len(rec.Attachments))
	case "finding":
		o.findings[rec.Rule]++
	case "session":
		o.sessions++
		o.lost += rec.LostBytes["client"] + rec.LostBytes["server"]
		var b map[string]int64
		if err := json.Unmarshal(rec.Bytes, &b); err != nil {
			return err
		}
		o.bytes += b["client"] + b["server"]
	case "summary":
		o.ignored, o.errors = rec.Ignored, len(rec.Errors)
		return json.Unmarshal(rec.Packets, &o.packets)
	}
	return nil
}

// whole reports records that begin or end in the middle.
func (o *outcome) whole() error {
	if o.records > 0 && (o.first != "run" && o.first != "" || o.last != "summary") {
		return fmt.Errorf("records begin with %q and end with %q", o.first, o.last)
	}
	return nil
}

// inert reads text for people, and checks that none of it can do anything
// to a terminal.
func inert(r io.Reader) error {
	return lines(r, func(line []byte) error {
		if !utf8.Valid(line) {
			return fmt.Errorf("not UTF-8: %.200q", line)
		}
		if bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }) {
			return fmt.Errorf("control characters: %.200q", line)
		}
		return nil
	})
}

// lines calls f with each line. What has no end of line is a partial record.
func lines(r io.Reader, f func([]byte) error) error {
	b := bufio.NewReaderSize(r, 1<<20)
	var long []byte
	for {
		part, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case err == io.EOF && len(long)+len(part) == 0:
			return nil
		case err == io.EOF:
			return fmt.Errorf("a partial line at the end: %.200q", append(long, part...))
		case err != nil:
			return err
		}
		if len(long) > 0 {
			part = append(long, part...)
		}
		if err := f(bytes.TrimSuffix(part, []byte("\n"))); err != nil {
			return err
		}
		long = long[:0]
	}
}
