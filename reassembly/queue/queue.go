package queue

import "iter"

// Node is a place in a Queue. It is part of what it links, so that joining and
// leaving a queue allocates nothing. The zero value is in none.
type Node[T any] struct {
	prev, next *Node[T]
	of         *T // what the node is part of; nil while it is in no queue
}

// Waits reports whether the node is in a queue.
func (n *Node[T]) Waits() bool { return n.of != nil }

// Queue is a doubly linked list: joined at the back, left from anywhere. The
// zero value is empty.
type Queue[T any] struct {
	head, tail *Node[T]
	len        int
}

// Push puts n, which is part of what of points to and in no queue, at the back.
func (q *Queue[T]) Push(n *Node[T], of *T) {
	n.of, n.prev, n.next = of, q.tail, nil
	if q.tail != nil {
		q.tail.next = n
	} else {
		q.head = n
	}
	q.tail = n
	q.len++
}

// Remove takes n out of the queue, if it is there. It must be in no other one.
func (q *Queue[T]) Remove(n *Node[T]) {
	if n.of == nil {
		return
	}
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		q.head = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		q.tail = n.prev
	}
	*n = Node[T]{}
	q.len--
}

// Len returns how many wait.
func (q *Queue[T]) Len() int { return q.len }

// First returns what has waited longest, nil if nothing waits.
func (q *Queue[T]) First() *T { return q.head.owner() }

// Last returns what came last, nil if nothing waits.
func (q *Queue[T]) Last() *T { return q.tail.owner() }

func (n *Node[T]) owner() *T {
	if n == nil {
		return nil
	}
	return n.of
}

// All returns what waits, what has waited longest first. The queue must not
// change meanwhile.
func (q *Queue[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for n := q.head; n != nil && yield(n.of); n = n.next {
		}
	}
}
