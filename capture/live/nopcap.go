//go:build !libpcap

package live

import "context"

// HasLibpcap reports whether this program can use libpcap.
const HasLibpcap = false

func openLibpcap(context.Context, Options) (Source, error) { return nil, ErrNoLibpcap }
