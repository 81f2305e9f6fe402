package live

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// assembler collects a filter with jumps to labels. Classic BPF jumps
// forward only, and conditional ones reach 255 instructions; those that
// would have to reach further are made of two.
type assembler struct {
	items []item
	at    map[label]int // labels to places in items
	fresh label
}

// label names a place. next stands for the instruction that follows.
type label int

const next label = 0

// item is an instruction; one with targets is a jump.
type item struct {
	ins      bpf.Instruction // nil for a jump
	test     bpf.JumpTest
	val      uint32
	always   bool
	yes, no  label
	far      [2]bool // the yes and no targets go through a jump of their own
	position int     // in the program
}

func newAssembler() *assembler { return &assembler{at: make(map[label]int)} }

// label returns a new label, which has no place yet.
func (a *assembler) label() label {
	a.fresh++
	return a.fresh
}

// here gives a label the place of the next instruction.
func (a *assembler) here(l label) { a.at[l] = len(a.items) }

func (a *assembler) add(ins ...bpf.Instruction) {
	for _, i := range ins {
		a.items = append(a.items, item{ins: i})
	}
}

func (a *assembler) jump(to label) { a.items = append(a.items, item{always: true, yes: to}) }

// when jumps by a test of register A.
func (a *assembler) when(test bpf.JumpTest, val uint32, yes, no label) {
	a.items = append(a.items, item{test: test, val: val, yes: yes, no: no})
}

// equal jumps if register A is one of the values.
func (a *assembler) equal(yes label, values ...uint32) {
	for _, v := range values {
		a.when(bpf.JumpEqual, v, yes, next)
	}
}

// size returns how many instructions an item takes.
func (it *item) size() int {
	n := 1
	for _, far := range it.far {
		if far {
			n++
		}
	}
	return n
}

// program resolves the labels.
func (a *assembler) program() ([]bpf.Instruction, error) {
	for grown := true; grown; { // each pass makes further jumps far, or is the last
		pos := 0
		for i := range a.items {
			a.items[i].position = pos
			pos += a.items[i].size()
		}
		grown = false
		for i := range a.items {
			it := &a.items[i]
			if it.ins != nil || it.always {
				continue
			}
			for side, to := range [...]label{it.yes, it.no} {
				if !it.far[side] && a.distance(i, to) > 255 {
					it.far[side], grown = true, true
				}
			}
		}
	}
	var out []bpf.Instruction
	for i := range a.items {
		it := &a.items[i]
		switch {
		case it.ins != nil:
			out = append(out, it.ins)
		case it.always:
			out = append(out, bpf.Jump{Skip: uint32(a.distance(i, it.yes))})
		default:
			out = append(out, a.conditional(i)...)
		}
	}
	if len(out) > maxProgram {
		return nil, fmt.Errorf("live: the filter has %d instructions, the kernel takes %d", len(out), maxProgram)
	}
	return out, nil
}

// maxProgram is BPF_MAXINSNS.
const maxProgram = 4096

// distance returns how many instructions a jump from the end of item i's
// first instruction to a label passes over.
func (a *assembler) distance(i int, to label) int {
	from := a.items[i].position + 1
	if to == next {
		return a.items[i].size() - 1
	}
	place, ok := a.at[to]
	if !ok {
		panic("live: internal error: jump to a label without a place")
	}
	if place <= i {
		panic("live: internal error: jump backwards")
	}
	if place == len(a.items) {
		panic("live: internal error: jump behind the end")
	}
	return a.items[place].position - from
}

// conditional encodes a jump as [test] [jump for yes] [jump for no], the
// latter two where they are needed.
func (a *assembler) conditional(i int) []bpf.Instruction {
	it := &a.items[i]
	var skip [2]uint8
	var jumps []bpf.Instruction
	for side, to := range [...]label{it.yes, it.no} {
		d := a.distance(i, to)
		if !it.far[side] {
			skip[side] = uint8(d)
			continue
		}
		skip[side] = uint8(len(jumps))
		jumps = append(jumps, bpf.Jump{Skip: uint32(d - len(jumps) - 1)})
	}
	test := bpf.JumpIf{Cond: it.test, Val: it.val, SkipTrue: skip[0], SkipFalse: skip[1]}
	return append([]bpf.Instruction{test}, jumps...)
}
