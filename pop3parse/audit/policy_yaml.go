package audit

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// PolicyError tells what is wrong with the text of a policy, and where.
type PolicyError struct {
	Line int    // from 1; 0 where the text as a whole is wrong
	Err  error  // what
	Hint string // what would have been right; "" without one
}

func (e *PolicyError) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *PolicyError) Unwrap() error { return e.Err }

// maxPolicy bounds the text of a policy: a rule takes some hundred octets.
const maxPolicy = 1 << 20

// ParsePolicy reads a policy in YAML:
//
//	rules:
//	  unknown-command: off
//	  stls-not-offered: high
//	  password-guessing:
//	    severity: critical
//	    failures: 20
//	    window: 5m
//	ignore:
//	  accounts: [monitor]
//	  clients: [192.0.2.250, 2001:db8:1::/48]
//	  servers: [192.0.2.25]
//
// A rule is named with off, with on, with a severity, or with any of
// severity, enabled and its settings. Names that do not exist are errors.
// An error is a *PolicyError.
func ParsePolicy(text []byte) (Policy, error) {
	var p Policy
	if len(text) > maxPolicy {
		return p, &PolicyError{Err: fmt.Errorf("more than %d octets", maxPolicy)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return p, yamlError(err)
	}
	if len(doc.Content) == 0 {
		return p, nil // nothing but comments
	}
	err := eachKey(doc.Content[0], func(key, value *yaml.Node) error {
		switch key.Value {
		case "rules":
			return p.readRules(value)
		case "ignore":
			return p.readIgnore(value)
		}
		return unknown(key, "part of a policy", []string{"rules", "ignore"})
	})
	return p, err
}

// yamlError takes the line out of an error of the library.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			return &PolicyError{Line: n, Err: errors.New(what)}
		}
	}
	return &PolicyError{Err: errors.New(text)}
}

func wrong(at *yaml.Node, hint, format string, args ...any) error {
	return &PolicyError{Line: at.Line, Err: fmt.Errorf(format, args...), Hint: hint}
}

// unknown says that a name is none of those that there are.
func unknown(key *yaml.Node, what string, names []string) error {
	hint := "there are " + strings.Join(names, ", ")
	if like := closest(key.Value, names); like != "" {
		hint = "did you mean " + like + "?"
	}
	return wrong(key, hint, "%q is no %s", key.Value, what)
}

// eachKey calls f for each key of a mapping and its value.
func eachKey(n *yaml.Node, f func(key, value *yaml.Node) error) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // a key with nothing below it
	}
	if n.Kind != yaml.MappingNode {
		return wrong(n, "", "not a list of names with values")
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			return wrong(key, "", "%q a second time", key.Value)
		}
		seen[key.Value] = true
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *Policy) readRules(n *yaml.Node) error {
	p.Rules = make(map[string]Choice)
	rules := make(map[string]*Rule)
	var slugs []string
	for _, r := range allRules() {
		rules[r.Slug] = r
		slugs = append(slugs, r.Slug)
	}
	return eachKey(n, func(key, value *yaml.Node) error {
		r := rules[key.Value]
		if r == nil {
			err := unknown(key, "rule", slugs).(*PolicyError)
			if strings.HasPrefix(err.Hint, "there are") {
				err.Hint = "popscope audit --rules lists them"
			}
			return err
		}
		c, err := readChoice(r, value)
		p.Rules[r.Slug] = c
		return err
	})
}

// readChoice reads what a policy says about a rule.
func readChoice(r *Rule, n *yaml.Node) (Choice, error) {
	var c Choice
	if n.Kind == yaml.ScalarNode {
		return c, c.word(n)
	}
	names := []string{"severity", "enabled"}
	for _, s := range r.Settings {
		names = append(names, s.Name)
	}
	err := eachKey(n, func(key, value *yaml.Node) error {
		switch key.Value {
		case "severity":
			if _, ok := ParseSeverity(value.Value); !ok {
				return unknown(value, "severity", Severities())
			}
			return c.word(value)
		case "enabled":
			on, ok := onOff(value.Value)
			if !ok {
				return wrong(value, "yes or no", "%q is neither yes nor no", value.Value)
			}
			c.Off = !on
			return nil
		}
		for _, s := range r.Settings {
			if s.Name == key.Value {
				v, err := readSetting(s, value)
				if c.Settings == nil {
					c.Settings = make(map[string]int64)
				}
				c.Settings[s.Name] = v
				return err
			}
		}
		return unknown(key, "setting of "+r.Slug, names)
	})
	return c, err
}

// word reads off, on or a severity.
func (c *Choice) word(n *yaml.Node) error {
	if s, ok := ParseSeverity(n.Value); ok {
		c.Severity = &s
		return nil
	}
	on, ok := onOff(n.Value)
	if !ok {
		return unknown(n, "severity, nor on or off", append([]string{"on", "off"}, Severities()...))
	}
	c.Off = !on
	return nil
}

// onOff reads the words that people write for yes and no.
func onOff(word string) (on, ok bool) {
	switch strings.ToLower(word) {
	case "on", "yes", "true":
		return true, true
	case "off", "no", "false":
		return false, true
	}
	return false, false
}

// readSetting reads a threshold, which must be above zero.
func readSetting(s Setting, n *yaml.Node) (int64, error) {
	if s.Time {
		d, err := time.ParseDuration(n.Value)
		if err != nil || d <= 0 {
			return 0, wrong(n, "a time as 90s, 10m or 24h", "%s: %q is not a time above zero", s.Name, n.Value)
		}
		return int64(d), nil
	}
	v, err := strconv.ParseInt(n.Value, 10, 32)
	if err != nil || v <= 0 {
		return 0, wrong(n, "a whole number", "%s: %q is not a number above zero", s.Name, n.Value)
	}
	return v, nil
}

func (p *Policy) readIgnore(n *yaml.Node) error {
	return eachKey(n, func(key, value *yaml.Node) error {
		switch key.Value {
		case "accounts":
			return eachItem(value, func(item *yaml.Node) error {
				p.Ignore.Accounts = append(p.Ignore.Accounts, item.Value)
				return nil
			})
		case "clients":
			return eachItem(value, func(item *yaml.Node) error { return readNetwork(item, &p.Ignore.Clients) })
		case "servers":
			return eachItem(value, func(item *yaml.Node) error { return readNetwork(item, &p.Ignore.Servers) })
		}
		return unknown(key, "thing to ignore", []string{"accounts", "clients", "servers"})
	})
}

// eachItem calls f for each item of a list.
func eachItem(n *yaml.Node, f func(*yaml.Node) error) error {
	if n.Kind != yaml.SequenceNode {
		return wrong(n, "write [one, two]", "not a list")
	}
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode {
			return wrong(item, "write [one, two]", "not a plain word")
		}
		if err := f(item); err != nil {
			return err
		}
	}
	return nil
}

// readNetwork reads an address or a network.
func readNetwork(n *yaml.Node, to *[]netip.Prefix) error {
	if a, err := netip.ParseAddr(n.Value); err == nil && a.Zone() == "" {
		a = a.Unmap()
		*to = append(*to, netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(n.Value)
	if err != nil {
		return wrong(n, "as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", "%q is neither an address nor a network", n.Value)
	}
	*to = append(*to, p.Masked())
	return nil
}

// closest returns the name that a mistyped word is likely to mean: one
// that is a few keystrokes away, or "".
func closest(word string, names []string) string {
	best, most := "", 2+len(word)/6
	for _, n := range names {
		if d := distance(word, n); d <= most {
			best, most = n, d-1
		}
	}
	return best
}

// distance is how many letters have to be put in, taken out or replaced
// to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := above
			if a[i] != b[j] {
				cost++
			}
			above, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
