package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// workload is a capture whose truth is known.
type workload struct {
	name  string
	file  string
	bytes int64
	truth truth
}

// truth is what bigcapture says of a capture; see its type of that name.
type truth struct {
	Packets       int64  `json:"packets"`
	Sessions      int64  `json:"sessions"`
	Logins        int64  `json:"logins"`
	LoginsFailed  int64  `json:"logins_failed"`
	LoginsAPOP    int64  `json:"logins_apop"`
	LoginsPlain   int64  `json:"logins_plain"`
	Messages      int64  `json:"messages"`
	MessageOctets int64  `json:"message_octets"`
	MessageHash   string `json:"message_hash"`
}

// sizes are those of the full captures, in MB.
var sizes = []struct {
	kind string
	mb   float64
}{{"mail", 1000}, {"needle", 1000}, {"flood", 300}}

// connections is how many are open at once.
const connections = 2000

// workloads makes the captures that are not there yet.
func workloads(generator, dir string, scale float64) (map[string]*workload, error) {
	loads := make(map[string]*workload)
	for _, k := range sizes {
		w, err := load(generator, dir, k.kind, k.mb*scale, connections)
		if err != nil {
			return nil, err
		}
		loads[k.kind] = w
	}
	return loads, nil
}

// load makes a capture of a kind of about so many MB, with so many
// connections at once, if it is not there yet.
func load(generator, dir, kind string, mb float64, connections int) (*workload, error) {
	w := &workload{name: kind, file: filepath.Join(dir, fmt.Sprintf("%s-%g-%d.pcap", kind, mb, connections))}
	if _, err := os.Stat(w.file + ".truth.json"); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "making", w.file)
		cmd := exec.Command(generator, "-kind", kind, "-size", fmt.Sprint(mb), "-connections", strconv.Itoa(connections), "-o", w.file)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("bigcapture: %w", err)
		}
	}
	text, err := os.ReadFile(w.file + ".truth.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &w.truth); err != nil {
		return nil, err
	}
	info, err := os.Stat(w.file)
	if err != nil {
		return nil, err
	}
	w.bytes = info.Size()
	return w, nil
}

// remove deletes the capture.
func (w *workload) remove() error {
	return errors.Join(os.Remove(w.file), os.Remove(w.file+".truth.json"))
}

// build compiles a command of this module into dir.
func build(dir, pkg string) (string, error) {
	out := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build %s: %w", pkg, err)
	}
	return out, nil
}
