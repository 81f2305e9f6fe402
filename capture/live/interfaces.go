package live

import (
	"net"
	"slices"
)

// Interface is something that can be captured, or says why it cannot.
type Interface struct {
	Name      string   `json:"name"`
	Index     int      `json:"index"`     // 0 for Any
	State     string   `json:"state"`     // "up" or "down"
	Addresses []string `json:"addresses"` // with the length of the prefix
	Link      string   `json:"link_type"` // as LinkType.String
	Sniff     bool     `json:"can_sniff"`
	Why       string   `json:"why,omitempty"` // it cannot be captured; "" if it can
}

// Interfaces lists what there is on this system, by index.
func Interfaces() ([]Interface, error) {
	faces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	why := whyNot()
	var out []Interface
	for _, i := range faces {
		f := Interface{Name: i.Name, Index: i.Index, State: "down", Link: linkName(&i), Why: why, Addresses: []string{}}
		if i.Flags&net.FlagUp != 0 {
			f.State = "up"
		}
		addrs, _ := i.Addrs() // none, if the interface goes at this moment
		for _, a := range addrs {
			f.Addresses = append(f.Addresses, a.String())
		}
		if f.Why == "" && f.State == "down" {
			f.Why = "it is down"
		}
		f.Sniff = f.Why == ""
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Interface) int { return a.Index - b.Index })
	if hasAny {
		all := Interface{Name: Any, State: "up", Addresses: []string{}, Link: "of each packet", Why: why, Sniff: why == ""}
		out = append(out, all)
	}
	return out, nil
}
