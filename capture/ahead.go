package capture

import "io"

const (
	aheadAfter  = 4 * blockSize // bytes that are read of a file as they are wanted, before any are read ahead
	aheadBlocks = 5             // with three, reader and goroutine waited for each other a tenth of the time
	headroom    = 68 << 10      // of a block: the longest IP packet fits, with the headers around it
)

// ahead reads an input before anybody wants it: while the decoder walks
// one block, a goroutine fills the next ones.
//
//	goroutine --- full ---> buffer
//	          <--- free ---
//
// Each block has room in front of its data, for the beginning of the record
// that ends in it:
//
//	block [ headroom | data ]
//
// It serves one input at a time, and keeps its blocks for the next one.
type ahead struct {
	room   int // in front of the data of a block
	blocks [][]byte
	busy   bool // from start to end

	// Of the input at hand. Neither channel ever blocks who sends.
	full chan filled // in the order of the input; the last one has the error
	free chan []byte
	stop chan struct{} // closed when no more is wanted
	done chan struct{} // closed by the goroutine, which then has let go of the input
}

// filled is a block, or what there was of it.
type filled struct {
	block []byte
	end   int   // of its data
	err   error // why there is no more
}

// newAhead returns an ahead of n blocks, each with size bytes of data behind
// its room. There must be two at least: one is walked until the next has come.
func newAhead(n, room, size int) *ahead {
	a := &ahead{room: room}
	for range n {
		a.blocks = append(a.blocks, make([]byte, room+size))
	}
	return a
}

// start begins to read src, which from then on belongs to the goroutine.
func (a *ahead) start(src io.Reader) {
	a.busy = true
	a.full, a.free = make(chan filled, len(a.blocks)), make(chan []byte, len(a.blocks))
	a.stop, a.done = make(chan struct{}), make(chan struct{})
	for _, b := range a.blocks {
		a.free <- b
	}
	go func() {
		defer close(a.done)
		a.read(src)
	}()
}

// end stops the goroutine and waits for it: src is the caller's again, and no
// block is in use any more. A read that is under way is waited for.
func (a *ahead) end() {
	close(a.stop)
	<-a.done
	a.busy = false
}

// read fills block after block. Only a whole one is handed over, or the last.
func (a *ahead) read(src io.Reader) {
	for {
		var f filled
		select {
		case f.block = <-a.free:
		case <-a.stop:
			return
		}
		f.end = a.room
		for f.end < len(f.block) && f.err == nil {
			select {
			case <-a.stop: // a slow decompressor takes a while for a block
				return
			default:
			}
			var n int
			n, f.err = readSome(src, f.block[f.end:])
			f.end += n
		}
		a.full <- f
		if f.err != nil {
			return
		}
	}
}

// readSome reads at least one byte, unless there is an error.
func readSome(src io.Reader, b []byte) (int, error) {
	for range maxEmpty {
		if n, err := src.Read(b); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
