package mailfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync/atomic"
)

// folder is the folder that is written to. Every path goes through its
// root, which nothing can lead out of.
type folder struct {
	root  *os.Root
	temp  *os.Root // for temporary files
	name  string   // of the temporary folder, in root
	force bool
	count atomic.Int64 // of temporary files made
}

// filePerm and dirPerm: mail is private.
const (
	filePerm = 0o600
	dirPerm  = 0o700
)

// openFolder makes the folder, if it is not there, and a folder for
// temporary files inside.
func openFolder(dir string, force bool) (*folder, error) {
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, force: force, name: tempDir}
	for i := 2; ; i++ {
		err = root.Mkdir(f.name, dirPerm)
		if !errors.Is(err, fs.ErrExist) || i > maxTempDirs {
			break
		}
		f.name = tempDir + "-" + strconv.Itoa(i) // of another run, or left by one that was killed
	}
	if err == nil {
		f.temp, err = root.OpenRoot(f.name)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

// maxTempDirs is how many runs may write to one folder at once, or have
// been killed in it.
const maxTempDirs = 1000

// close removes what is temporary.
func (f *folder) close() error {
	f.temp.Close()
	err := f.root.RemoveAll(f.name)
	return errors.Join(err, f.root.Close())
}

// exists reports whether there is anything of this name.
func (f *folder) exists(name string) bool {
	_, err := f.root.Lstat(name)
	return err == nil
}

// mkdir makes a folder, unless it is there. A link to one is no folder.
func (f *folder) mkdir(name string) error {
	err := f.root.Mkdir(name, dirPerm)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := f.root.Lstat(name)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "mkdir", Path: name, Err: errors.New("exists and is no folder")}
	}
	return err
}

// createTemp makes a temporary file and returns its name in f.temp.
func (f *folder) createTemp() (*os.File, string, error) {
	name := strconv.FormatInt(f.count.Add(1), 36)
	file, err := f.temp.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, filePerm)
	return file, name, err
}

// create makes a new file of what content writes. If it cannot be written to
// its end, it is removed again.
func (f *folder) create(name string, content func(io.Writer) error) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
	if f.force && errors.Is(err, fs.ErrExist) {
		return f.replace(name, content)
	}
	if err != nil {
		return err
	}
	err = content(file)
	if e := file.Close(); err == nil {
		err = e
	}
	if err != nil {
		f.root.Remove(name)
	}
	return err
}

// replace writes a file beside the one it then takes the place of.
func (f *folder) replace(name string, content func(io.Writer) error) error {
	file, temp, err := f.createTemp()
	if err != nil {
		return err
	}
	err = content(file)
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = f.root.Rename(path.Join(f.name, temp), name)
	}
	if err != nil {
		f.temp.Remove(temp)
	}
	return err
}

// place gives a temporary file its final name. Whether it can or not, the
// temporary one is gone.
func (f *folder) place(temp, name string) error {
	from := path.Join(f.name, temp)
	if f.force {
		err := f.root.Rename(from, name)
		if err != nil {
			f.temp.Remove(temp)
		}
		return err
	}
	// A link, other than a new name, never replaces a file.
	err := f.root.Link(from, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		f.temp.Remove(temp)
		return err
	}
	// Not all file systems have links.
	if f.exists(name) {
		f.temp.Remove(temp)
		return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrExist}
	}
	if err = f.root.Rename(from, name); err != nil {
		f.temp.Remove(temp)
	}
	return err
}

// ExistError says that something is in the way.
type ExistError struct{ Name string }

func (e *ExistError) Error() string { return fmt.Sprintf("mailfile: %s: exists", e.Name) }

// Is makes it an fs.ErrExist.
func (e *ExistError) Is(target error) bool { return target == fs.ErrExist }
