package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestQuoted(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "abc", `"abc"`},
		{"HTML is left alone", "<b>&</b>", `"<b>&</b>"`},
		{"quotes and backslashes", `a"b\c`, `"a\"b\\c"`},
		{"line ends and tabs", "a\r\n\t", `"a\r\n\t"`},
		{"controls", "\x00\x1b\x7f\u0085", `"\u0000\u001b\u007f\u0085"`},
		{"direction", "\u202e\u2066\u200f\u061c\u2028", `"\u202e\u2066\u200f\u061c\u2028"`},
		{"other characters stay", "é日\u2010\u2030\U0001f600\u200d", "\"é日\u2010\u2030\U0001f600\u200d\""},
		{"bad bytes", "a\xffb\xc3", "\"a\ufffdb\ufffd\""},
		{"replacement character itself", "\ufffd", "\"\ufffd\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, valid := appendQuoted(nil, c.in)
			if string(got) != c.want || valid != utf8.ValidString(c.in) {
				t.Errorf("\n got %s, valid %v\nwant %s", got, valid, c.want)
			}
		})
	}
}

// FuzzQuoted: a JSON reader gets the string back, the bad bytes replaced;
// bytes and strings are written alike; base64 stands beside it exactly
// when something was replaced.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "a\xff", "\"\\\x00\u2028", "\xed\xa0\x80", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var o object
		o.open()
		o.str("s", s)
		o.bytes("b", []byte(s))
		writeStrings(&o, "l", []string{s, "x"})
		o.close()
		var got struct {
			S, B             string
			SBase64, BBase64 *[]byte
			L                []string
			LBase64          *[][]byte
		}
		keyed := bytes.ReplaceAll(o.buf, []byte(`_base64":`), []byte(`Base64":`))
		if err := json.Unmarshal(keyed, &got); err != nil {
			t.Fatalf("%q: %v", o.buf, err)
		}
		want := string([]rune(s))
		if got.S != want || got.B != want || len(got.L) != 2 || got.L[0] != want || got.L[1] != "x" {
			t.Errorf("%q: got %q", s, o.buf)
		}
		if utf8.ValidString(s) {
			if got.SBase64 != nil || got.BBase64 != nil || got.LBase64 != nil {
				t.Errorf("%q: needless base64 in %q", s, o.buf)
			}
			return
		}
		if got.SBase64 == nil || string(*got.SBase64) != s || got.BBase64 == nil || string(*got.BBase64) != s ||
			got.LBase64 == nil || string((*got.LBase64)[0]) != s || string((*got.LBase64)[1]) != "x" {
			t.Errorf("%q: the exact bytes are not in %q", s, o.buf)
		}
	})
}

func TestMaskedTextHasNoExactBytes(t *testing.T) {
	var o object
	o.open()
	o.maskable("a", []byte("x\xff"), false)
	o.maskable("b", []byte("x\xff"), true)
	o.close()
	want := `{"a":"x` + "\ufffd" + `","b":"x` + "\ufffd" + `","b_base64":"` + base64.StdEncoding.EncodeToString([]byte("x\xff")) + `"}`
	if string(o.buf) != want {
		t.Errorf("\n got %s\nwant %s", o.buf, want)
	}
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		in   time.Duration
		want string
	}{
		{0, "0"}, {1, "0.000000001"}, {time.Second, "1"}, {1500 * time.Millisecond, "1.5"}, {-1, "-0.000000001"},
		{-time.Second, "-1"}, {86_400 * time.Second, "86400"}, {120*time.Second + 30, "120.00000003"},
		{math.MaxInt64, "9223372036.854775807"}, {math.MinInt64, "-9223372036.854775808"},
	} {
		if got := string(appendSeconds(nil, c.in)); got != c.want {
			t.Errorf("%d: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	const layout = "2006-01-02T15:04:05.000000000Z"
	var o object
	for _, n := range []int64{0, 1, -1, 999_999_999, 1_000_000_000, 1_000_000_001, -1_000_000_000, -1_000_000_001, 1_767_323_045_123_456_789, math.MaxInt64, math.MinInt64, 5} {
		o.buf = o.buf[:0]
		o.nanos("t", n)
		want := `"t":"` + time.Unix(0, n).UTC().Format(layout) + `"`
		if string(o.buf) != want {
			t.Errorf("%d:\n got %s\nwant %s", n, o.buf, want)
		}
	}
	for _, c := range []struct {
		name string
		in   time.Time
		want string
	}{
		{"another zone", time.Date(2026, 1, 1, 0, 30, 0, 5, time.FixedZone("", 3600)), `"t":"2025-12-31T23:30:00.000000005Z"`},
		{"year 9999", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), `"t":"9999-12-31T23:59:59.000000000Z"`},
		{"a year that cannot be written", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{"a year that the zone moves out of range", time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)), ""},
		{"before the year 0", time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), ""},
	} {
		o.buf = o.buf[:0]
		o.time("t", c.in)
		if string(o.buf) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, o.buf, c.want)
		}
	}
}

func TestElapsed(t *testing.T) {
	for _, c := range []struct {
		in   int64
		want string
	}{{0, "0.000000"}, {1499, "0.000001"}, {1500, "0.000002"}, {999_999_500, "1.000000"}, {12_345_678_000, "12.345678"}, {-2_000, "-0.000002"}} {
		if got := elapsed(c.in); got != c.want {
			t.Errorf("%d: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestCommas(t *testing.T) {
	for _, c := range []struct {
		in   int64
		want string
	}{{0, "0"}, {999, "999"}, {1000, "1,000"}, {123456, "123,456"}, {1234567, "1,234,567"}, {-1000, "-1,000"}, {-999, "-999"}, {math.MinInt64, "-9,223,372,036,854,775,808"}} {
		if got := commas(c.in); got != c.want {
			t.Errorf("%s: got %s, want %s", strconv.FormatInt(c.in, 10), got, c.want)
		}
	}
	if got := count(1, "line") + ", " + count(int64(2000), "line"); got != "1 line, 2,000 lines" {
		t.Errorf("got %s", got)
	}
}

func TestWrap(t *testing.T) {
	items := []string{"one", "two", "three", strings.Repeat("x", 30)}
	if got, want := wrap("All: ", items[:3], ", ", 0), "All: one, two, three\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := "All: one, two,\n  three,\n  " + items[3] + "\n"
	if got := wrap("All: ", items, ", ", 14); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
