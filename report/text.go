package report

import (
	"strconv"
	"strings"
	"time"
)

// commas writes a count with a comma between each three digits, as every
// number for people is written here.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// count writes a number of things: "1 line", "2,000 lines".
func count[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return commas(int64(n)) + " " + one + "s"
}

// Count writes a number of things as the formats for people do: "1
// session", "2,000 sessions".
func Count(n int64, one string) string { return count(n, one) }

// clock is how times are shown to people, always in UTC.
const clock = "2006-01-02 15:04:05"

// utc returns the time of a number of nanoseconds since 1970.
func utc(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// elapsed writes a duration in seconds with six digits.
func elapsed(nanos int64) string { return string(appendElapsed(nil, nanos)) }

func appendElapsed(dst []byte, nanos int64) []byte {
	if nanos < 0 {
		dst, nanos = append(dst, '-'), -nanos
	}
	micros := (nanos + 500) / 1000
	dst = append(strconv.AppendInt(dst, micros/1e6, 10), '.')
	var nine [9]byte
	return append(dst, appendNine(nine[:0], micros%1e6)[3:]...)
}

// words turns a name of ours into words: "bare_lf" into "bare LF".
func words(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts {
		switch p {
		case "ip", "tcp", "tls", "stls", "pop3", "sasl", "lf", "cr", "nul":
			parts[i] = strings.ToUpper(p)
		}
	}
	return strings.Join(parts, " ")
}

// wrap writes items after a title, in lines of width columns where that
// is possible; 0 means one line.
func wrap(title string, items []string, sep string, width int) string {
	var b strings.Builder
	b.WriteString(title)
	used := displayWidth(title)
	for i, item := range items {
		if i < len(items)-1 {
			item += strings.TrimRight(sep, " ")
		}
		switch w := displayWidth(item); {
		case i == 0:
			used += w
		case width > 0 && used+1+w > width:
			b.WriteString("\n  ")
			used = 2 + w
		default:
			b.WriteByte(' ')
			used += 1 + w
		}
		b.WriteString(item)
	}
	b.WriteByte('\n')
	return b.String()
}

// wrapText writes words in lines of width columns where that is possible,
// with a line feed at the end; 0 means one line. Lines after the first are
// indented.
func wrapText(text string, width int) string {
	words := strings.Split(text, " ")
	return wrap(words[0], append([]string{""}, words[1:]...), "", width)
}

// paint colours text for a terminal, or leaves it alone.
type paint bool

// colour is the code of a way to show text.
type colour string

const (
	boldText   colour = "1"
	dimText    colour = "2"
	redText    colour = "31"
	greenText  colour = "32"
	yellowText colour = "33"
	cyanText   colour = "36"
)

// begin appends what has the text behind it shown in a colour, up to end.
func (p paint) begin(dst []byte, c colour) []byte {
	if !p {
		return dst
	}
	return append(append(append(dst, "\x1b["...), c...), 'm')
}

func (p paint) end(dst []byte) []byte {
	if !p {
		return dst
	}
	return append(dst, "\x1b[0m"...)
}

func (p paint) with(c colour, s string) string {
	if !p || s == "" {
		return s
	}
	return string(p.end(append(p.begin(nil, c), s...)))
}

func (p paint) bold(s string) string   { return p.with(boldText, s) }
func (p paint) dim(s string) string    { return p.with(dimText, s) }
func (p paint) red(s string) string    { return p.with(redText, s) }
func (p paint) green(s string) string  { return p.with(greenText, s) }
func (p paint) yellow(s string) string { return p.with(yellowText, s) }
func (p paint) cyan(s string) string   { return p.with(cyanText, s) }
