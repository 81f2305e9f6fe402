package audit

// sessionName is the id of a session in 8 bytes, as there are many: the
// lowest bits are its length, and each five above them are a character, the
// first one in the highest place. The zero value is no name.
type sessionName uint64

const (
	nameLength = 12 // characters, at most
	lengthBits = 4
	charBits   = 5
)

// charValues are the places of characters in IDAlphabet; others have
// noChar.
var charValues = func() (values [256]uint8) {
	for c := range values {
		values[c] = noChar
	}
	for i, c := range []byte(IDAlphabet) {
		values[c] = uint8(i)
	}
	return values
}()

const noChar = 1 << charBits

// nameOf returns the name of an id, which must be as Facts.ID says.
func nameOf(id string) sessionName {
	if len(id) > nameLength {
		panic("audit: internal error: the id of a session is too long: " + id)
	}
	n, all := sessionName(0), uint8(0)
	for i := range len(id) {
		v := charValues[id[i]]
		all |= v
		n = n<<charBits | sessionName(v)
	}
	if all >= noChar {
		panic("audit: internal error: the id of a session has characters that ids have not: " + id)
	}
	return n<<lengthBits | sessionName(len(id))
}

// String returns the id.
func (n sessionName) String() string {
	var id [nameLength]byte
	length := int(n & (1<<lengthBits - 1))
	n >>= lengthBits
	for i := length - 1; i >= 0; i-- {
		id[i] = IDAlphabet[n&(1<<charBits-1)]
		n >>= charBits
	}
	return string(id[:length])
}

// texts returns names as ids.
func texts(names []sessionName) []string {
	if len(names) == 0 {
		return nil
	}
	ids := make([]string, len(names))
	for i, n := range names {
		ids[i] = n.String()
	}
	return ids
}
