package main

import (
	"encoding/hex"
	"encoding/json"
)

// truth says what a capture holds.
type truth struct {
	Kind string `json:"kind"`
	Seed uint64 `json:"seed"`

	Packets       int64 `json:"packets"`
	Bytes         int64 `json:"bytes"`         // of frames
	Retransmitted int64 `json:"retransmitted"` // segments sent a second time
	Reordered     int64 `json:"reordered"`     // segments overtaken by the next one

	Sessions      int64 `json:"sessions"`
	SessionsIPv6  int64 `json:"sessions_ipv6"`
	SessionsSTLS  int64 `json:"sessions_stls"`
	Logins        int64 `json:"logins"` // attempts
	LoginsFailed  int64 `json:"logins_failed"`
	LoginsAPOP    int64 `json:"logins_apop"`
	LoginsPlain   int64 `json:"logins_plain"`
	Messages      int64 `json:"messages"`
	MessageOctets int64 `json:"message_octets"` // without byte-stuffing
	MessageHash   hash  `json:"message_hash"`   // SHA-256 of all messages, in exclusive or: the order does not matter

	OtherConnections int64 `json:"other_connections"` // of other protocols
	OtherDatagrams   int64 `json:"other_datagrams"`   // exchanges of two
}

// hash is written in hexadecimal digits.
type hash [32]byte

func (h hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// message takes note of a message that will be sent.
func (t *truth) message(octets int64, sum hash) {
	t.Messages++
	t.MessageOctets += octets
	for i, b := range sum {
		t.MessageHash[i] ^= b
	}
}

func (t *truth) json() string {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		panic("bigcapture: internal error: " + err.Error()) // numbers and text only
	}
	return string(b) + "\n"
}
