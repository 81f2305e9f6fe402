package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/reassembly/stream"
)

// tlsRow is one line of the table of TLS.
type tlsRow struct {
	session *sessionRow
	info    *stream.TLSInfo
}

// addTLS notes the TLS of a session.
func (t *table) addTLS(row *sessionRow, r *popscope.Result) {
	if t.opt.Verbose && r.TLSInfo != nil && r.TLSInfo.HelloSeen() && len(t.tls) < t.most.messages {
		t.tls = append(t.tls, tlsRow{row, r.TLSInfo})
	}
}

// obstacleCell writes in a word why TLS was not opened, or not all of it.
func obstacleCell(t *stream.TLSInfo) string {
	if t.Obstacle == stream.NoObstacle {
		return ""
	}
	return ", " + strings.ReplaceAll(t.Obstacle.String(), "_", " ")
}

// writeTLS writes what is known of each session's TLS.
func (t *table) writeTLS(w io.Writer) error {
	slices.SortStableFunc(t.tls, func(a, b tlsRow) int { return cmp.Compare(a.session.order(), b.session.order()) })
	g := &grid{columns: []column{
		{title: "#", right: true},
		{title: "Cipher", soft: 20, hard: 12},
		{title: "Server name", wire: true, soft: 12, hard: 8},
		{title: "Certificate", wire: true, soft: 16, hard: 8, drop: 1},
		{title: "Until", drop: 3},
		{title: "Key", wire: true, drop: 4},
		{title: "Resumed", drop: 5},
		{title: "Est. msgs", right: true, drop: 6},
		{title: "JA4", drop: 2},
	}}
	for _, row := range t.tls {
		i, num := row.info, "-"
		if row.session.num > 0 {
			num = strconv.Itoa(row.session.num)
		}
		cells := []string{num, "-", orDash(inertUpTo([]byte(i.SNI), maxCell)), "-", "-", "-", "-", "-", orDash(i.JA4)}
		if i.CipherChosen() {
			cells[1] = strings.TrimPrefix(tlsCipher(i.Cipher), "TLS_")
		}
		if c := i.Certificate; c != nil {
			cells[3], cells[4], cells[5] = certificateName(c), c.NotAfter.UTC().Format("2006-01-02"), orDash(Inert(c.Key))
		}
		if i.Resumed {
			cells[6] = "yes"
		}
		if i.Estimate != nil {
			cells[7] = "~" + commas(int64(i.Estimate.Messages))
		}
		g.add(cells...)
	}
	return t.section(w, "TLS", g, "")
}

// certificateName names a certificate by the most telling name it has.
func certificateName(c *stream.Certificate) string {
	name := c.CommonName
	switch {
	case name != "":
	case len(c.Names) > 0:
		name = c.Names[0]
	default:
		name = c.Subject
	}
	name = orDash(inertUpTo([]byte(name), maxCell))
	if c.SelfSigned {
		name += " (self-signed)"
	}
	return name
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
