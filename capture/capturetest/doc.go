// Package capturetest writes POP3 sessions down as text and compiles them
// to packets, for the tests of all other packages.
//
// The common call loads a dialog from testdata/dialog, has the network do
// something to it, and hands the packets to what is tested:
//
//	d := capturetest.Load(t, "rfc1939-section10")
//	trace := d.Trace().Split(1).Shuffle(7, 4).Duplicate(7, 20)
//	src := capturetest.Source(trace.Packets(capturetest.Plain()))
//
// There are four steps, each of use alone:
//
//	text ──Parse──> Dialog ──Trace──> Trace ──Packets(Encap)──> []capture.Packet ──Source──> capture.Source
//	                                  │   ▲                                      └─WritePcap─> a file for other tools
//	                                  │   └── Split, Shuffle, Drop, Overlap, ... (pure: each returns a new Trace)
//	                                  └──Events──> []stream.Event, for parsers that see no packets
//
// FromSource goes the other way, from a recorded capture to a Trace, so
// that captures can be mutated like dialogs.
//
// testdata/dialog/README.md explains the text format. Everything here is
// deterministic: what is random takes its seed as an argument.
//
// Parse reports errors; a Trace that is asked for something impossible (an
// index out of range, a window below zero) panics, as this is the mistake
// of a test.
//
// The package imports capture, capture/packet and reassembly/stream. Tests
// of these three that use it must stand in an external test package
// (package packet_test), or Go sees an import cycle.
package capturetest
