// Package stream is the narrow waist of popscope: what the reassembler
// knows about a connection and what the parsers read of it. It imports
// the standard library only, and nothing below or above it leaks through.
//
// A connection is a row of events: Opened, then Data with a Chunk each,
// then Closed. A Chunk holds bytes of one direction, or says how many
// were lost:
//
//	Chunk{Dir: Server, Off: 0, Data: "+OK ready\r\n", ...}
//	Chunk{Dir: Server, Off: 11, Lost: 1448, ...}
//	Chunk{Dir: Server, Off: 1459, Data: "...", ...}
//
// Offsets of a direction grow without holes. The order between the two
// directions is that of the capture and proves little; PeerAcked says
// what a sender had received when it spoke, and that is evidence.
package stream
