package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"popscope/capture"
	"popscope/report"
	"popscope/report/mailfile"
)

// extractFlags are the flags of `popscope extract` besides those of every
// command, as they were given.
type extractFlags struct {
	dir         string
	as          string
	attachments bool
	top         bool
	fillGaps    bool
	force       bool
	list        listFlags
}

// extraction is what `popscope extract` writes: checked flags.
type extraction struct {
	dir   string
	files mailfile.Options
	list  listing
}

// extractCommand returns `popscope extract`.
func (p *program) extractCommand() *cobra.Command {
	var in trafficFlags
	var out extractFlags
	cmd := &cobra.Command{
		Use:   "extract [flags] -o DIR FILE...",
		Short: "Write the messages of captures to files",
		Long: `extract writes every message that clients fetched or sent into the folder
DIR, byte for byte as the server or the client meant it, and lists the files.
DIR/` + mailfile.ManifestName + ` tells of each file where in the capture it came from, what
was claimed of it, its SHA-256, and which bytes of it are missing.

The names of the files are the same on every run. Nothing outside of DIR is
written, and no file is replaced unless --force is given. What bytes are
missing is left out, unless --fill-gaps is given.`,
		Example: `  popscope extract -o evidence mail.pcap
  popscope extract -o evidence --attachments --top mail.pcap
  popscope extract -o alice --as maildir --user alice day*.pcapng.gz
  popscope extract -o evidence --json mail.pcap | jq 'select(.verdict != "complete")'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := in.check(args)
			if err != nil {
				return err
			}
			o, err := out.check(cmd, t, p.terminal)
			if err != nil {
				return err
			}
			return p.extract(t, o)
		},
	}
	cmd.Flags().SortFlags = false
	out.register(p, cmd)
	in.register(p, cmd)
	return cmd
}

// register adds the flags to a command.
func (f *extractFlags) register(p *program, cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVarP(&f.dir, "output", "o", "", "write into the folder `DIR`, which is made if need be")
	s.StringVar(&f.as, "as", mailfile.Forms()[0], "`FORM` of the messages: "+strings.Join(mailfile.Forms(), ", "))
	s.BoolVar(&f.attachments, "attachments", false, "write decoded attachments too, into DIR/attachments")
	s.BoolVar(&f.top, "top", false, "write what TOP fetched too: headers and beginnings of messages")
	s.BoolVar(&f.fillGaps, "fill-gaps", false, "put a filler where bytes are missing, so that the rest keeps its place")
	s.BoolVar(&f.force, "force", false, "replace files that exist")
	f.list.register(p, cmd, report.ManifestFormats())
	p.completeValues(cmd, map[string][]string{"as": mailfile.Forms()})
	_ = cmd.MarkFlagDirname("output")
}

// check checks the flags. Everything it returns an error for is wrong usage.
func (f *extractFlags) check(cmd *cobra.Command, t *traffic, term terminal) (*extraction, error) {
	switch f.dir {
	case "":
		return nil, usage("add -o DIR", "no folder to write to")
	case "-":
		return nil, usage("name a folder, as in -o evidence; analyze -f transcript --bodies all shows what messages say", "messages go to a folder, not to standard output")
	}
	as := slices.Index(mailfile.Forms(), f.as)
	if as < 0 {
		return nil, usage(strings.Join(mailfile.Forms(), ", "), "unknown form of messages %q", f.as)
	}
	list, err := f.list.check(cmd, t, term)
	if err != nil {
		return nil, err
	}
	return &extraction{dir: f.dir, list: *list, files: mailfile.Options{
		As: mailfile.Form(as), Attachments: f.attachments, Top: f.top, FillGaps: f.fillGaps, Force: f.force,
	}}, nil
}

// extract writes the messages of captures into a folder.
func (p *program) extract(t *traffic, o *extraction) error {
	src, err := p.open(t)
	if err != nil {
		return err
	}
	defer src.Close()
	out, err := mailfile.Open(o.dir, o.files)
	var exists *mailfile.ExistError
	switch {
	case errors.As(err, &exists):
		return usage("choose another folder, or add --force to replace files", "%s: %s is there already", o.dir, exists.Name)
	case err != nil:
		return outputFailure(o.dir, err)
	}
	result := p.extractTo(out, t, o, src)
	closed := out.Close()
	rep := out.Report()
	if rep.LinksLost && !t.quiet {
		p.say("warning: too many messages to tell of each whether it was fetched before")
	}
	failed := p.sayNotWritten(o.dir, "message", &rep.Messages)
	failed = p.sayNotWritten(o.dir, "attachment", &rep.Attachments) || failed
	if closed != nil {
		p.complain(outputFailure(o.dir, closed))
		failed = true
	}
	if failed && result == nil {
		return &failure{status: statusIncomplete}
	}
	return result
}

// extractTo writes the messages of src to out, and lists them.
func (p *program) extractTo(out *mailfile.Folder, t *traffic, o *extraction, src *capture.Timeline) error {
	manifest, err := report.NewManifest("jsonl", out.Manifest(), o.list.report)
	if err != nil {
		return err
	}
	shown, err := report.NewManifest(o.list.format, p.stdout, o.list.report)
	if err != nil {
		return err
	}
	t.analysis.Body, t.analysis.NoMail = out.Body, false
	t.analysis.NoSoftware = true // neither list tells of software
	run := p.analysis(t, src)
	var unread error // whoever read the list has seen enough; the files are what counts
	for r := range run.results() {
		saved := out.Save(r)
		if err := manifest.Write(saved); err != nil {
			return outputFailure(o.dir, err)
		}
		if unread == nil {
			unread = shown.Write(saved)
		}
	}
	sum := run.Summary()
	if err := manifest.Close(sum); err != nil {
		return outputFailure(o.dir, err)
	}
	if unread == nil {
		unread = shown.Close(sum)
	}
	p.warn(t, &sum)
	if err := run.err(); err != nil || unread == nil {
		return err
	}
	return broken("standard output", unread)
}

// sayNotWritten tells which files were written and which were not, if some
// were not, and reports that.
func (p *program) sayNotWritten(dir, what string, t *mailfile.Tally) bool {
	if t.Failed == 0 {
		return false
	}
	err := fmt.Errorf("%s: %w", t.First, reason(t.Err))
	text := fmt.Sprintf("%s: not written: %s, the first one %v", dir, plural(t.Failed, what), err)
	if t.Written > 0 {
		text += fmt.Sprintf("; written: %s, the last one %s", plural(t.Written, what), t.Last)
	}
	p.say(text + "; " + mailfile.ManifestName + " tells of each")
	return true
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
