package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"popscope/reassembly/tlsdec"
)

// keyLogVariable names the key log where --keylog does not, as it does for
// browsers, curl and others who write it.
const keyLogVariable = "SSLKEYLOGFILE"

// loadKeyLog reads the TLS secrets that the user has. A log that the
// environment names may be missing: it is said, and no more.
func (p *program) loadKeyLog(t *traffic) error {
	name, named := t.keylog, t.keylog != ""
	if !named {
		if name = os.Getenv(keyLogVariable); name == "" {
			return nil
		}
	}
	keys := new(tlsdec.KeyLog)
	err := readKeyLog(keys, name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		if named {
			return &failure{status: statusIncomplete, err: fmt.Errorf("%s: %w", name, err), hint: "--keylog takes a file of TLS secrets such as " + keyLogVariable + " has clients write"}
		}
		if !t.quiet {
			p.say(fmt.Sprintf("warning: %s, which %s names: %v", name, keyLogVariable, err))
		}
		return nil
	}
	t.analysis.Keys = keys
	if t.quiet {
		return nil
	}
	n := keys.Counts()
	if n.Secrets == 0 {
		p.say(fmt.Sprintf("warning: %s holds no TLS secrets", name))
	}
	if n.Forgotten > 0 {
		p.say(fmt.Sprintf("warning: %s is too large: the secrets of its first %d connections are not used", name, n.Forgotten))
	}
	if t.verbose {
		p.say(fmt.Sprintf("%s: secrets: %d, other lines: %d, not understood: %d", name, n.Secrets, n.Spare, n.Ignored))
	}
	return nil
}

func readKeyLog(keys *tlsdec.KeyLog, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = keys.ReadFrom(f)
	return err
}
