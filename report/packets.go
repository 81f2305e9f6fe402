package report

import (
	"io"
	"time"

	"popscope"
)

// PacketWriter writes packets as `popscope packets` shows them.
type PacketWriter interface {
	// Write adds a packet. It is not kept beyond the call.
	Write(*popscope.Packet) error
	// Close writes what only the end can tell. It does not close the
	// io.Writer below.
	Close(popscope.Summary) error
}

// PacketOptions choose how packets are written. The zero value masks
// secrets, shows relative times and uses no colour.
type PacketOptions struct {
	ShowSecrets bool
	Time        TimeStyle
	Zone        *time.Location // of LocalTime; nil means UTC
	Hex         bool           // add the bytes of the frame, what is secret in them masked
	Verbose     bool           // add the headers with their fields
	Color       bool           // lines only
	Files       []string       // the inputs; with several of them, lines name the file of a packet and its number there
	Version     string         // jsonl: of the program, for the run record
}

// TimeStyle says how the time of a packet is written.
type TimeStyle string

// What tcpdump and tshark know: seconds since the first packet of the
// capture or since the packet shown before; the time of day in UTC or in
// PacketOptions.Zone, with and without the date; seconds since 1970.
const (
	RelativeTime TimeStyle = "relative"
	DeltaTime    TimeStyle = "delta"
	UTCTime      TimeStyle = "utc"
	LocalTime    TimeStyle = "local"
	DateTime     TimeStyle = "date"
	EpochTime    TimeStyle = "epoch"
)

// TimeStyles returns all styles, the default one first.
func TimeStyles() []string {
	return []string{string(RelativeTime), string(DeltaTime), string(UTCTime), string(LocalTime), string(DateTime), string(EpochTime)}
}

// PacketFormats returns the names that NewPackets knows, the default one
// first.
func PacketFormats() []string { return []string{"table", "jsonl"} }

// NewPackets returns a PacketWriter of a format, which writes to w. An
// *OptionError tells of a format that does not exist.
func NewPackets(format string, w io.Writer, o PacketOptions) (PacketWriter, error) {
	switch format {
	case "table":
		return newPacketLines(w, o), nil
	case "jsonl":
		return newPacketRecords(w, o), nil
	}
	return nil, &OptionError{Option: "format", Value: format, Hint: "the formats of packets are " + list(PacketFormats())}
}
