package packet

import (
	"encoding/binary"
	"math/bits"
)

// The Internet checksum (RFC 1071) is a sum in ones' complement, which comes
// out the same, bytes swapped, when the words are read in the other byte
// order. A correct segment adds up to all ones, which is its own swap: so
// everything here is added up in little-endian words of 8 bytes.

// checksumWrong tells whether the checksum of a whole TCP segment is wrong,
// given the sum of its pseudo header.
func checksumWrong(segment []byte, pseudo uint64) bool {
	return onesFold(onesSum(segment, pseudo)) != onesAll
}

// pseudoSum adds protocol and length of a pseudo header to the sum of its
// addresses (RFC 9293 section 3.1). It is never 0.
func pseudoSum(addrs uint64, length int) uint64 {
	sum := onesAdd(addrs, uint64(protoTCP)<<8)
	return onesAdd(sum, uint64(bits.ReverseBytes32(uint32(length))))
}

// unfilled tells whether the checksum of a whole TCP segment is what a system
// writes that leaves it to its network card: the sum of the pseudo header, the
// same without the length where the card cuts the segment into several, or
// nothing.
func unfilled(segment []byte, pseudo uint64) bool {
	check, whole := uint32(binary.LittleEndian.Uint16(segment[tcpChecksum:])), uint32(onesFold(pseudo))
	with := check + uint32(bits.ReverseBytes16(uint16(len(segment))))
	return check == whole || check == 0 || with&0xffff+with>>16 == whole
}

// onesAll is what a correct segment adds up to.
const onesAll = 0xffff

// onesSum adds b to sum. An odd last byte counts as the first one of a word.
func onesSum(b []byte, sum uint64) uint64 {
	var c, carries uint64
	for len(b) >= 64 {
		w := b[:64:64]
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[0:]), 0)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[8:]), c)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[16:]), c)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[24:]), c)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[32:]), c)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[40:]), c)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[48:]), c)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(w[56:]), c)
		carries, _ = bits.Add64(carries, 0, c) // to go around at the end; no branch, no wait for it here
		b = b[64:]
	}
	sum = onesAdd(sum, carries)
	for len(b) >= 16 {
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(b), 0)
		sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(b[8:]), c)
		sum += c
		b = b[16:]
	}
	if len(b) >= 8 {
		sum = onesAdd(sum, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	return onesAdd(sum, shortWord(b))
}

// shortWord returns up to seven bytes as the low end of a word.
func shortWord(b []byte) (w uint64) {
	if len(b) >= 4 {
		w, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		for i, c := range b {
			w |= uint64(c) << (32 + 8*i)
		}
		return w
	}
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

// onesAdd adds two sums, the carry going around to the low end.
func onesAdd(a, b uint64) uint64 {
	sum, c := bits.Add64(a, b, 0)
	return sum + c
}

// onesHalf brings a sum of 64 bits down to 32; only 0 becomes 0.
func onesHalf(sum uint64) uint32 {
	sum = sum>>32 + sum&0xffffffff
	return uint32(sum>>32 + sum)
}

// onesFold brings a sum of 64 bits down to 16.
func onesFold(sum uint64) uint16 {
	sum = uint64(onesHalf(sum))
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum)
}
