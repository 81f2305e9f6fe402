//go:build !linux

package live

import "context"

func open(ctx context.Context, o Options) (Source, error) {
	if HasLibpcap {
		return openLibpcap(ctx, o)
	}
	return nil, ErrUnsupported
}
