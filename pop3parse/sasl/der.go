package sasl

// Tags of DER (X.690 section 8.1.2) that tokens hold.
const (
	derInteger     = 0x02
	derOctetString = 0x04
	derOID         = 0x06
	derEnumerated  = 0x0a
	derSequence    = 0x30
	derToken       = 0x60 // [APPLICATION 0], the frame of RFC 2743 section 3.1
)

// Context tags [0] to [9] and application tags, both constructed.
const (
	derContext     = 0xa0
	derApplication = 0x60
)

// der cuts the first element off b. An element that is longer than b is
// clipped: what can be read of a token that was cut is worth reading. ok is
// false when there is no tag and length. Tags of more than one byte and
// indefinite lengths do not occur in tokens.
func der(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, nil, nil, false
	}
	length, head := int(b[1]), 2
	if length >= 0x80 {
		count := length & 0x7f
		if count == 0 || count > 4 || len(b) < head+count {
			return 0, nil, nil, false
		}
		wide := uint64(0)
		for _, c := range b[head : head+count] {
			wide = wide<<8 | uint64(c)
		}
		head += count
		length = int(min(wide, uint64(len(b)))) // clipped below
	}
	end := min(head+length, len(b))
	return b[0], b[head:end], b[end:], true
}

// derChild returns the body of the first element with that tag in b.
func derChild(b []byte, want byte) (body []byte, ok bool) {
	for {
		tag, body, rest, ok := der(b)
		if !ok {
			return nil, false
		}
		if tag == want {
			return body, true
		}
		b = rest
	}
}

// derPath follows tags inwards from b.
func derPath(b []byte, tags ...byte) (body []byte, ok bool) {
	for _, tag := range tags {
		if b, ok = derChild(b, tag); !ok {
			return nil, false
		}
	}
	return b, true
}

// derInt reads a small integer; ok is false for those of more than 4 bytes.
func derInt(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 4 {
		return 0, false
	}
	v := int32(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int32(c)
	}
	return int(v), true
}
