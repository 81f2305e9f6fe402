// Package invisible knows the characters that count as letters or marks and
// show nothing. With them two texts look alike that are not, or hold what nobody
// sees.
//
//	if invisible.Is(r) {
//		continue // not in the name of a file
//	}
package invisible
