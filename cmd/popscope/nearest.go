package main

import (
	"math"
	"strings"
)

// nearest returns the word that somebody who typed something else most
// likely meant: one letter in three wrong at most, or the beginning of a
// single word. It returns "" if none comes near.
func nearest(typed string, words []string) string {
	typed = strings.ToLower(typed)
	if typed == "" {
		return ""
	}
	best, least := "", max(1, len(typed)/3)
	begun, begins := "", 0
	for _, w := range words {
		if d := editDistance(typed, strings.ToLower(w)); d <= least && (best == "" || d < least) {
			best, least = w, d
		}
		if strings.HasPrefix(strings.ToLower(w), typed) {
			begun = w
			begins++
		}
	}
	if best == "" && begins == 1 {
		return begun
	}
	return best
}

// maxTyped bounds the words that are compared: nobody means a longer one.
const maxTyped = 100

// editDistance counts the bytes to be put in, taken out, changed, or
// exchanged with their neighbour, to make b of a.
func editDistance(a, b string) int {
	if len(a) > maxTyped || len(b) > maxTyped {
		return math.MaxInt
	}
	var rows [3][maxTyped + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		now, above, twoAbove := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			now[j] = min(now[j-1]+1, above[j]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], twoAbove[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

// otherNames are what other programs call our formats.
var otherNames = map[string]string{"json": "jsonl", "ndjson": "jsonl", "md": "markdown", "gfm": "markdown", "text": "table", "txt": "table", "dialog": "transcript", "htm": "html", "tsv": "csv"}

// meant returns advice for a value that does not exist: the one that was
// meant, or all there are.
func meant(flag, typed string, words []string, all string) string {
	word := nearest(typed, words)
	if word == "" && flag == "--format" {
		word = nearest(otherNames[typed], words)
	}
	if word == "" {
		return all
	}
	return "did you mean: " + flag + " " + word
}
