package report

import (
	"cmp"
	"maps"
	"slices"

	"popscope"
	"popscope/capture/packet"
)

// ignoredReason says what a reason in Summary.Ignored stands for.
type ignoredReason struct {
	means string // a sentence; "" where the reason's name says it all
	unit  string // what is counted, if hides is set
	hides string // which of these POP3 may be in; "" where there is none
}

// ignoredReasons are those whose names do not say it all.
var ignoredReasons = map[string]ignoredReason{
	"not_pop3_connections":      {means: "Connections whose two sides do not speak POP3."},
	popscope.LostConnections:    {"Connections of which no data was captured: whether they are POP3 is not known.", "connection", "of which no data was captured"},
	"not_pop3_in_tls":           {means: "Connections in TLS, opened with keys, in which there is no POP3."},
	"tls_held_no_longer":        {means: "Connections in TLS that no longer waited for what was missing, at the limit on waiting bytes."},
	popscope.SecretBlocks:       {means: "Blocks of TLS secrets in the captures that were damaged, or too many."},
	"no_data_connections":       {means: "Connections without a byte of data: refused, scanned, or kept open idle."},
	"stray_segments":            {means: "Segments of no connection that is known, such as late resets."},
	"shed_connections":          {"Connections given up at the limit on open ones.", "connection", "given up at the limit on open ones"},
	"shed_half_open":            {means: "Attempts to connect given up at the limit on them: a scan or a flood."},
	popscope.ShedUndecided:      {"Connections given up at a limit before they had shown what they are: packets of them were not kept.", "connection", "given up before they had shown what they are"},
	"other_port":                {means: "Packets of ports that were not asked for."},
	"fragments_incomplete":      {means: "IP fragments of which the others did not come."},
	packet.NotIP.String():       {means: "Packets that are no IP, such as ARP."},
	packet.NotTCP.String():      {means: "Packets that are no TCP, such as UDP and ICMP."},
	packet.Malformed.String():   {means: "Packets whose headers contradict themselves."},
	packet.UnknownLink.String(): {"Packets of a link type that is not read.", "packet", "of link types that are not read"},
	packet.CutShort.String():    {"Packets that the snapshot length cut inside of their headers.", "packet", "cut by the snapshot length inside of their headers"},
	packet.TooDeep.String():     {"Packets with more headers around headers than a sane network has.", "packet", "with too many headers around headers"},
	packet.Encrypted.String():   {"Packets in ESP, MACsec or protected Wi-Fi frames. POP3 may be in them.", "packet", "in ESP, MACsec or protected Wi-Fi frames"},
	"fragments_overlapping":     {means: "IP fragments that overlap others and differ; in IPv6 datagrams, dropped whole."},
	"fragments_malformed":       {means: "IP fragments whose lengths contradict themselves."},
	popscope.NotHashed:          {means: "Messages whose digest was not computed, so as to lose fewer packets."},
}

// mayHide says of what was ignored where POP3 may be in it, the most frequent
// reason first.
func mayHide(ignored map[string]int64) []string {
	var parts []string
	for _, reason := range byFrequency(ignored) {
		if i := ignoredReasons[reason]; i.hides != "" && ignored[reason] > 0 {
			parts = append(parts, count(ignored[reason], i.unit)+" "+i.hides)
		}
	}
	return parts
}

// byFrequency returns the reasons, the most frequent one first.
func byFrequency(ignored map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(ignored), func(a, b string) int {
		return cmp.Or(cmp.Compare(ignored[b], ignored[a]), cmp.Compare(a, b))
	})
}
