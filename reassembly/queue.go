package reassembly

// node is a place in a queue. It is part of what it links, so that
// joining and leaving a queue allocates nothing.
type node[T any] struct {
	prev, next *node[T]
	of         *T // what the node is part of; nil while it is in no queue
}

// queue is a doubly linked list: joined at the back, left from anywhere.
type queue[T any] struct {
	head, tail *node[T]
	len        int
}

func (q *queue[T]) push(n *node[T], of *T) {
	n.of, n.prev, n.next = of, q.tail, nil
	if q.tail != nil {
		q.tail.next = n
	} else {
		q.head = n
	}
	q.tail = n
	q.len++
}

func (q *queue[T]) remove(n *node[T]) {
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
	*n = node[T]{}
	q.len--
}

// first returns what has waited longest, nil if nothing waits.
func (q *queue[T]) first() *T {
	if q.head == nil {
		return nil
	}
	return q.head.of
}
