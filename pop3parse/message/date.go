package message

import (
	"strconv"
	"strings"
	"time"
)

var months = [...]string{
	"january", "february", "march", "april", "may", "june",
	"july", "august", "september", "october", "november", "december",
}

var weekdays = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// zones are the named zones of RFC 5322 section 4.3, in hours, and others
// that mails use. Names with several meanings are left out, and so are the
// military letters, which RFC 5322 declares to be meaningless.
var zones = map[string]struct {
	minutes int
	usual   bool // named by RFC 5322
}{
	"ut": {0, true}, "gmt": {0, true}, "z": {0, true},
	"est": {-5 * 60, true}, "edt": {-4 * 60, true}, "cst": {-6 * 60, true}, "cdt": {-5 * 60, true},
	"mst": {-7 * 60, true}, "mdt": {-6 * 60, true}, "pst": {-8 * 60, true}, "pdt": {-7 * 60, true},
	"utc": {0, false}, "wet": {0, false}, "west": {60, false}, "cet": {60, false}, "cest": {120, false},
	"met": {60, false}, "mez": {60, false}, "mest": {120, false}, "mesz": {120, false}, "eet": {120, false}, "eest": {180, false},
	"msk": {180, false}, "jst": {9 * 60, false}, "kst": {9 * 60, false}, "hkt": {8 * 60, false},
	"akst": {-9 * 60, false}, "akdt": {-8 * 60, false}, "hst": {-10 * 60, false},
	"aest": {10 * 60, false}, "aedt": {11 * 60, false}, "nzst": {12 * 60, false}, "nzdt": {13 * 60, false},
}

// parseDate reads a date of RFC 5322 section 3.3 and 4.3 in any of the forms
// that are in use: the parts in other order, without seconds or zone, with
// comments, as asctime and ISO 8601 have them. usual says that RFC 5322
// allows the form. A date without a zone is taken as UTC.
func parseDate(s string) (t time.Time, usual, ok bool) {
	d := dateReader{usual: true}
	text, _ := withoutComments(strings.ToLower(s))
	for _, w := range d.joinTimes(strings.Fields(strings.ReplaceAll(text, ",", " "))) {
		d.word(w)
	}
	return d.time()
}

// joinTimes joins the words of a time with white space around its colons
// (RFC 5322 section 4.3).
func (d *dateReader) joinTimes(words []string) []string {
	joined := words[:0]
	for i := 0; i < len(words); {
		from := i
		for i++; i < len(words) && isTimePart(words[i-1]) && isTimePart(words[i]) &&
			(strings.HasSuffix(words[i-1], ":") != strings.HasPrefix(words[i], ":")); i++ {
			d.usual = false
		}
		joined = append(joined, strings.Join(words[from:i], ""))
	}
	return joined
}

// isTimePart reports whether w is made of digits and colons, and is no year.
func isTimePart(w string) bool {
	return strings.Trim(w, "0123456789:") == "" && (len(w) <= 2 || strings.IndexByte(w, ':') >= 0)
}

// withoutComments replaces comments by a blank; open is the rest of s from one
// on that is not closed.
func withoutComments(s string) (text, open string) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '(' {
			b.WriteByte(s[i])
			i++
			continue
		}
		end := commentEnd(s, i)
		if end < 0 {
			return b.String(), s[i:]
		}
		b.WriteByte(' ')
		i = end
	}
	return b.String(), ""
}

// dateReader collects the parts of a date. Parts not seen are below 0, months count from 1.
type dateReader struct {
	day, month, year  int // 0 when not seen; a year of 0 is none
	hour, minute, sec int
	clock, afternoon  bool // a time was seen; "pm" was
	morning           bool
	offset            int // seconds east of UTC
	zone              bool
	usual             bool
	wrong             bool // a part has an impossible value
}

func (d *dateReader) word(w string) {
	switch c := w[0]; {
	case c >= '0' && c <= '9':
		d.number(w)
	case c == '+' || c == '-':
		d.numericZone(w)
	case c >= 'a' && c <= 'z':
		d.name(w)
	default:
		d.usual = false
	}
}

// number takes a day, a year, a time, or several of them in one word.
func (d *dateReader) number(w string) {
	if i := strings.IndexByte(w, ':'); i >= 0 {
		if i > 2 { // 2024-01-02t03:04:05
			day, clock, found := strings.Cut(w, "t")
			d.usual = false
			if found && strings.IndexByte(day, ':') < 0 && clock != "" {
				d.number(day)
				d.word(clock)
			}
			return
		}
		d.time24(w)
		return
	}
	if i := strings.IndexAny(w, "-/"); i >= 0 {
		d.usual = false
		parts := strings.FieldsFunc(w, func(r rune) bool { return r == '-' || r == '/' })
		if len(parts) != 3 || strings.IndexByte(w, '/') >= 0 && i != 4 { // 01/02/2024 is day or month first: nobody knows
			return
		}
		if i == 4 {
			d.setYear(parts[0])
			if _, err := strconv.Atoi(parts[1]); err == nil {
				d.month = d.small(parts[1], 1, 12)
			} else {
				d.name(parts[1])
			}
			d.day = d.small(parts[2], 1, 31)
			return
		}
		d.day = d.small(parts[0], 1, 31)
		if parts[1][0] >= 'a' && parts[1][0] <= 'z' {
			d.name(parts[1])
		}
		d.setYear(parts[2])
		return
	}
	switch {
	case len(w) <= 2 && d.day == 0:
		if d.month != 0 {
			d.usual = false // asctime
		}
		d.day = d.small(w, 1, 31)
	case d.year == 0 && len(w) <= 4:
		d.setYear(w)
	default:
		d.usual = false
	}
}

func (d *dateReader) small(w string, least, most int) int {
	n, err := strconv.Atoi(w)
	if err != nil || n < least || n > most {
		d.wrong = true
		return 0
	}
	return n
}

// setYear applies RFC 5322 section 4.3 to years of two and three digits.
func (d *dateReader) setYear(w string) {
	n, err := strconv.Atoi(w)
	switch {
	case err != nil || n < 0 || n > 9999 || len(w) < 2:
		d.wrong = true
		return
	case len(w) == 2 && n < 50:
		n += 2000
	case len(w) <= 3:
		n += 1900
	}
	d.year = n
	if len(w) < 4 {
		d.usual = false
	}
	if n == 0 {
		d.wrong = true
	}
}

// time24 takes hour:minute, with seconds and a zone perhaps.
func (d *dateReader) time24(w string) {
	if d.clock {
		d.usual = false
		return
	}
	end := strings.IndexFunc(w, func(r rune) bool { return r != ':' && r != '.' && (r < '0' || r > '9') })
	rest := ""
	if end >= 0 {
		w, rest = w[:end], w[end:]
		d.usual = false
	}
	w, fraction, _ := strings.Cut(w, ".")
	if fraction != "" {
		d.usual = false
	}
	parts := strings.Split(w, ":")
	if len(parts) < 2 || len(parts) > 3 {
		d.wrong = true
		return
	}
	d.clock = true
	d.hour, d.minute = d.small(parts[0], 0, 23), d.small(parts[1], 0, 59)
	if len(parts) == 3 {
		d.sec = d.small(parts[2], 0, 60)
	}
	if rest != "" {
		d.word(rest)
	}
}

// name takes a month, a weekday, a zone, "am" or "pm".
func (d *dateReader) name(w string) {
	w = strings.TrimRight(w, ".")
	if n := d.prefix(w, months[:]); n > 0 && d.month == 0 {
		d.month = n
		return
	}
	if d.prefix(w, weekdays[:]) > 0 {
		return
	}
	switch w {
	case "am", "pm":
		d.morning, d.afternoon, d.usual = w == "am", w == "pm", false
		return
	}
	if i := strings.IndexAny(w, "+-"); i > 0 { // gmt+0100
		d.usual = false
		d.numericZone(w[i:])
		return
	}
	if z, ok := zones[w]; ok && d.clock && !d.zone {
		d.zone, d.offset = true, z.minutes*60
		d.usual = d.usual && z.usual
		return
	}
	d.usual = false
}

// prefix returns the number from 1 of the name that w abbreviates, or 0.
func (d *dateReader) prefix(w string, names []string) int {
	for i, name := range names {
		if len(w) >= 3 && strings.HasPrefix(name, w) {
			if len(w) > 3 {
				d.usual = false
			}
			return i + 1
		}
	}
	return 0
}

// numericZone takes +hhmm, +hh:mm or +hh.
func (d *dateReader) numericZone(w string) {
	sign := 1
	if w[0] == '-' {
		sign = -1
	}
	digits := strings.Replace(w[1:], ":", "", 1)
	if len(digits) != len(w)-1 || len(digits) != 4 {
		d.usual = false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if len(digits) <= 2 {
		n *= 100
	}
	if err != nil || len(digits) == 3 || n/100 > 23 || n%100 > 59 || d.zone || !d.clock {
		d.usual = false
		return
	}
	d.zone, d.offset = true, sign*int(n/100*3600+n%100*60)
}

func (d *dateReader) time() (t time.Time, usual, ok bool) {
	if d.wrong || d.day == 0 || d.month == 0 || d.year == 0 {
		return time.Time{}, false, false
	}
	if d.afternoon && d.hour < 12 {
		d.hour += 12
	} else if d.morning && d.hour == 12 {
		d.hour = 0
	}
	at := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.sec, 0, time.FixedZone("", d.offset))
	if d.offset == 0 {
		at = at.UTC()
	}
	if d.day > daysIn(d.month, d.year) {
		return time.Time{}, false, false
	}
	return at, d.usual && d.clock && d.zone, true
}

func daysIn(month, year int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
