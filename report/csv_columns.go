package report

import (
	"bytes"
	"encoding/json"
	"strings"
)

// csvNode is a place in a record: a column, or what holds several.
type csvNode struct {
	column int                 // valid iff keys == nil
	keys   map[string]*csvNode // of an object, or of the objects of a list
	any    bool                // an object with keys of all kinds, in one column
}

// key returns what a key stands for, or nil.
func (n *csvNode) key(k string) *csvNode {
	if n == nil {
		return nil
	}
	return n.keys[k]
}

func (n *csvNode) isMap() bool { return n != nil && n.any }

// nextItem returns the number of the next item of a map.
func (n *csvNode) nextItem(c *csvWriter) int { return c.cells[n.column].items }

// leaves calls f for each column of n.
func (n *csvNode) leaves(f func(*csvNode)) {
	switch {
	case n == nil:
	case n.keys == nil:
		f(n)
	default:
		for _, sub := range n.keys {
			sub.leaves(f)
		}
	}
}

// csvColumns returns the names of the columns for the record types that
// are wanted, and where the keys of each type belong. Types share the
// columns of keys that they have in common. Columns of exact bytes come
// behind all others: few lines need them.
func csvColumns(want map[string]bool, secrets bool) (names []string, kinds map[string]*csvNode) {
	b := csvBuilder{secrets: secrets, columns: make(map[string][]*csvNode)}
	if err := json.Unmarshal([]byte(schema), &b.schema); err != nil {
		panic("report: internal error: schema.json: " + err.Error())
	}
	kinds = make(map[string]*csvNode)
	for _, kind := range RecordTypes() {
		if want[kind] {
			kinds[kind] = b.node("", b.schema.Defs[kind])
		}
	}
	for _, exact := range [...]bool{false, true} {
		for _, name := range b.order {
			if strings.HasSuffix(name, "_base64") != exact {
				continue
			}
			for _, n := range b.columns[name] {
				n.column = len(names)
			}
			names = append(names, name)
		}
	}
	return names, kinds
}

// csvBuilder walks the schema.
type csvBuilder struct {
	schema struct {
		Defs map[string]*schemaNode `json:"$defs"`
	}
	secrets bool
	order   []string              // of the columns, as they are met
	columns map[string][]*csvNode // by name
}

// node returns the place that s describes; name is that of the keys that
// lead to it.
func (b *csvBuilder) node(name string, s *schemaNode) *csvNode {
	for s.Ref != "" {
		s = b.schema.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	}
	if s.Items != nil {
		return b.node(name, s.Items)
	}
	if len(s.Properties) == 0 {
		n := &csvNode{any: s.Type == "object"}
		if b.columns[name] == nil {
			b.order = append(b.order, name)
		}
		b.columns[name] = append(b.columns[name], n)
		return n
	}
	n := &csvNode{keys: make(map[string]*csvNode)}
	for _, p := range s.Properties {
		if !b.secrets && (p.key == "secret" || p.key == "secret_base64") {
			continue // never there
		}
		sub := p.key
		if name != "" {
			sub = name + "_" + p.key
		}
		n.keys[p.key] = b.node(sub, p.schema)
	}
	return n
}

// schemaNode is what csv needs to know of a JSON Schema.
type schemaNode struct {
	Ref        string `json:"$ref"`
	Type       string
	Items      *schemaNode
	Properties schemaProperties
}

// schemaProperties are the keys of an object in the order of the text.
type schemaProperties []schemaProperty

type schemaProperty struct {
	key    string
	schema *schemaNode
}

// UnmarshalJSON implements json.Unmarshaler.
func (ps *schemaProperties) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		p := schemaProperty{key: key.(string)}
		if err := d.Decode(&p.schema); err != nil {
			return err
		}
		*ps = append(*ps, p)
	}
	return nil
}
