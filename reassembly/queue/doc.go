// Package queue is a list in which things wait, and which they may leave from
// anywhere without being searched for:
//
//	type session struct {
//		place queue.Node[session]
//	}
//	var idle queue.Queue[session]
//	idle.Push(&s.place, s)
//	oldest := idle.First()
//	idle.Remove(&oldest.place)
package queue
