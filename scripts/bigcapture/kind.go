package main

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// kind makes the dialogues of one kind of traffic.
type kind interface {
	// next returns the dialogue of a new connection, which sends at most
	// about budget bytes if it can help it. All of it is going to be in
	// the capture, so the truth is told now.
	next(budget int64) *dialogue
}

// kinds has a row for each kind of traffic.
var kinds = map[string]func(*rand.Rand, *truth) kind{
	"mail":    func(r *rand.Rand, t *truth) kind { return newMailKind(r, t) },
	"needle":  func(r *rand.Rand, t *truth) kind { return newNeedleKind(r, t) },
	"onemail": func(r *rand.Rand, t *truth) kind { return newOnemailKind(r, t) },
	"flood":   func(r *rand.Rand, t *truth) kind { return newFloodKind(r, t) },
}

func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }

// side is one end of a connection.
type side int

const (
	client side = iota
	server
)

func (s side) other() side { return 1 - s }

// dialogue is what the two ends of a connection say.
type dialogue struct {
	port  uint16 // of the server
	udp   bool   // each turn is a datagram, and there is no connection
	turns []turn
}

// turn is what one end says before the other speaks. Its bytes are those of
// all pieces; large pieces are shared by many turns and must not be written.
type turn struct {
	from   side
	pieces [][]byte
}

// say adds to what from says, in a new turn if the other end spoke last.
func (d *dialogue) say(from side, pieces ...[]byte) {
	if n := len(d.turns); n == 0 || d.turns[n-1].from != from {
		d.turns = append(d.turns, turn{from: from})
	}
	last := &d.turns[len(d.turns)-1]
	last.pieces = append(last.pieces, pieces...)
}

// cost returns about how many bytes the dialogue takes up in a capture.
func (d *dialogue) cost() int64 {
	const (
		connection = 7 * 72 // handshake and close
		perTurn    = 70     // one segment at least
		perSegment = 70 + 70/2 + 30
		segment    = 1460
	)
	sum := int64(connection)
	for _, t := range d.turns {
		var n int64
		for _, p := range t.pieces {
			n += int64(len(p))
		}
		sum += n + perTurn + n/segment*perSegment
	}
	return sum
}
