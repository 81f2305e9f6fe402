package report

import (
	"bytes"
	"io"

	"popscope"
)

// csvDefault is the record type of csv when none is asked for: a table has
// one kind of row.
const csvDefault = "session"

// csvWriter writes records as comma-separated values (RFC 4180), a line
// for each record below one header. Its records are those of jsonl, with
// the same masks, and its columns are the keys of the schema, so that a
// new key becomes a column by itself:
//
//	{"session":"a1","client":{"ip":"192.0.2.1","port":9},"notes":["x","y"]}
//
//	session,client_ip,client_port,notes
//	a1,192.0.2.1,9,x;y
//
// The package comment says what is done to the cells.
type csvWriter struct {
	w       io.Writer
	records *jsonl
	kinds   map[string]*csvNode // by record type
	cells   []csvCell           // of the line being made, by column
	out     []byte
}

// csvCell is a cell being filled.
type csvCell struct {
	text  []byte
	items int // of a list
}

func newCSV(w io.Writer, o Options) (Writer, error) {
	if o.Records == nil {
		o.Records = []string{csvDefault}
	}
	c := &csvWriter{w: w}
	records, err := newJSONL(csvLines{c}, o)
	if err != nil {
		return nil, err
	}
	c.records = records.(*jsonl)
	names, kinds := csvColumns(c.records.want, o.ShowSecrets)
	c.kinds, c.cells = kinds, make([]csvCell, len(names))
	for i, name := range names {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, name...)
	}
	if len(names) > 0 {
		c.out = append(c.out, '\n') // stays in the buffer until there is more to write
	}
	return c, nil
}

// TakeHeader implements Headed.
func (c *csvWriter) TakeHeader() []byte {
	header := bytes.Clone(c.out)
	c.out = c.out[:0]
	return header
}

// Write implements Writer.
func (c *csvWriter) Write(r *popscope.Result) error { return c.records.Write(r) }

// Close implements Writer.
func (c *csvWriter) Close(s popscope.Summary) error {
	if err := c.records.Close(s); err != nil {
		return err
	}
	return c.flush()
}

// flush hands on what is in the buffer.
func (c *csvWriter) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.w.Write(c.out)
	c.out = c.out[:0]
	if cap(c.out) > maxIdleBuffer {
		c.out = nil
	}
	return err
}

// csvLines is where the records come from: jsonl writes to it.
type csvLines struct{ c *csvWriter }

// Write takes whole lines of jsonl.
func (l csvLines) Write(p []byte) (int, error) {
	for record := range bytes.Lines(p) {
		l.c.line(record)
		if len(l.c.out) >= flushAt {
			if err := l.c.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), l.c.flush()
}

// line turns one record into a line.
func (c *csvWriter) line(record []byte) {
	for i := range c.cells {
		c.cells[i] = csvCell{text: c.cells[i].text[:0]}
	}
	in := jsonReader{b: record}
	var kind *csvNode
	in.object(func(key string) {
		if kind == nil { // "type", the first key
			name := in.text()
			kind = c.kinds[string(name)]
			c.set(kind.keys[key], name)
			return
		}
		c.value(&in, kind.keys[key])
	})
	for i := range c.cells {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = appendCSV(c.out, c.cells[i].text)
	}
	c.out = append(c.out, '\n')
}

// value puts the next value into the columns of n. A nil n has none.
func (c *csvWriter) value(in *jsonReader, n *csvNode) {
	switch in.peek() {
	case '{':
		in.object(func(key string) {
			if n.isMap() {
				c.item(n, n.nextItem(c), append([]byte(key+"="), in.literal()...))
				return
			}
			c.value(in, n.key(key))
		})
	case '[':
		c.list(in, n)
	case '"':
		c.set(n, appendSafe(nil, in.text()))
	default:
		c.set(n, in.literal())
	}
}

// list puts a list into the columns of n: its items joined, or for a list
// of objects those of each key, with nothing in the place of a key that an
// item has not.
func (c *csvWriter) list(in *jsonReader, n *csvNode) {
	length := 0
	in.array(func() {
		switch in.peek() {
		case '{':
			in.object(func(key string) { c.scalarItem(in, n.key(key), length) })
		default:
			c.scalarItem(in, n, length)
		}
		length++
	})
	n.leaves(func(n *csvNode) {
		if have := c.cells[n.column].items; have > 0 && have < length {
			c.item(n, length-1, nil)
		}
	})
}

// scalarItem puts the next value into a list as its item number i.
func (c *csvWriter) scalarItem(in *jsonReader, n *csvNode, i int) {
	switch in.peek() {
	case '{', '[':
		in.skip() // the schema has no lists in lists
	case '"':
		c.item(n, i, bytes.ReplaceAll(appendSafe(nil, in.text()), []byte(csvJoint), []byte(csvJointEscape)))
	default:
		c.item(n, i, in.literal())
	}
}

// set fills a cell.
func (c *csvWriter) set(n *csvNode, text []byte) {
	if n != nil {
		cell := &c.cells[n.column]
		cell.text = append(cell.text, text...)
	}
}

// item adds item number i to a list.
func (c *csvWriter) item(n *csvNode, i int, text []byte) {
	if n == nil {
		return
	}
	cell := &c.cells[n.column]
	for cell.items <= i {
		if cell.items > 0 {
			cell.text = append(cell.text, csvJoint...)
		}
		cell.items++
	}
	cell.text = append(cell.text, text...)
}
