package packet

import "bytes"

// What a Path is made of. The numbers go into the hash.
const (
	pathVLAN byte = 1 + iota
	pathPPPoE
	pathIPinIP
	pathGRE
	pathGREKey
	pathERSPAN
	pathEtherIP
	pathMPLS
	pathVXLAN
	pathGeneve
	pathGTP
	pathL2TP
	pathVXLANGPE
	pathTZSP
)

// FNV-1a, 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// pathAdd returns the path that leads one VLAN, session or tunnel deeper.
func pathAdd(path uint64, kind byte, id uint32) uint64 {
	if path == 0 {
		path = fnvOffset
	}
	path = (path ^ uint64(kind)) * fnvPrime
	for shift := 24; shift >= 0; shift -= 8 {
		path = (path ^ uint64(byte(id>>shift))) * fnvPrime
	}
	return pathNotPlain(path)
}

// pathAddrs adds the two ends of a tunnel, in sorted order: both directions
// of the tunnel are one path.
func pathAddrs(path uint64, a, b *Addr) uint64 {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	for _, c := range a {
		path = (path ^ uint64(c)) * fnvPrime
	}
	for _, c := range b {
		path = (path ^ uint64(c)) * fnvPrime
	}
	return pathNotPlain(path)
}

// pathNotPlain keeps 0 for plain IP.
func pathNotPlain(path uint64) uint64 {
	if path == 0 {
		return 1
	}
	return path
}
