//go:build !linux

package live

import "net"

const hasAny = false

// whyNot says what is missing for capturing at all.
func whyNot() string {
	if HasLibpcap {
		return "" // the rights show when it is tried
	}
	return "this program is built without libpcap"
}

func linkName(*net.Interface) string { return "unknown" }
