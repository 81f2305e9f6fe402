package report

import (
	"math"
	"strconv"
	"time"
)

// This file writes measured values with three digits and a unit, as people
// compare them. Exact values are in the records of jsonl.

// duration writes nanoseconds: "350 µs", "1.25 ms", "2.01 s", "3 min 20 s".
func duration(nanos int64) string {
	if nanos < 0 { // a clock ran backwards
		return "-" + duration(-max(nanos, -math.MaxInt64))
	}
	switch {
	case nanos == 0:
		return "0"
	case nanos < 999_500:
		return three(float64(nanos)/1e3) + " µs"
	case nanos < 999_500_000:
		return three(float64(nanos)/1e6) + " ms"
	case nanos < int64(99_950*time.Millisecond):
		return three(float64(nanos)/1e9) + " s"
	}
	seconds := nanos/1e9 + nanos%1e9/5e8
	for _, u := range [...]struct {
		size, part   int64
		large, small string
	}{{86_400, 3600, " d ", " h"}, {3600, 60, " h ", " min"}, {60, 1, " min ", " s"}} {
		if seconds >= u.size {
			return commas(seconds/u.size) + u.large + strconv.FormatInt(seconds%u.size/u.part, 10) + u.small
		}
	}
	return strconv.FormatInt(seconds, 10) + " s"
}

// octets writes a size: "56 B", "1.45 KB", "12.3 MB". K is 1000.
func octets(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n)
	for _, unit := range [...]string{" KB", " MB", " GB"} {
		if v /= 1000; v < 999.5 {
			return three(v) + unit
		}
	}
	return three(v/1000) + " TB"
}

// rate writes octets a second: "1.45 MB/s".
func rate(perSecond int64) string { return octets(perSecond) + "/s" }

// percent writes a share of all: "0", "12 %", "<1 %".
func percent(part, all int64) string {
	switch {
	case part <= 0 || all <= 0:
		return "0 %"
	case part >= all:
		return "100 %"
	}
	p := float64(part) / float64(all) * 100
	switch {
	case p < 1:
		return "<1 %"
	case p > 99:
		return ">99 %"
	}
	return strconv.FormatInt(int64(p+0.5), 10) + " %"
}

// three writes a number of 0 to 999 with three digits.
func three(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
