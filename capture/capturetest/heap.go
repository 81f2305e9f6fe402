package capturetest

import "runtime"

// Heap returns how many bytes of memory are in use, garbage left out.
func Heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
