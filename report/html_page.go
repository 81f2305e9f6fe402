package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"popscope"
	"popscope/report/timing"
)

// The page is made of the templates, the style sheet and the two scripts
// in the folder html: one file a section. Nothing in it comes from another
// place, and its content security policy lets nothing else in.

//go:embed html
var pageFiles embed.FS

// asset returns the text of a file of the page.
func asset(name string) string {
	b, err := pageFiles.ReadFile("html/" + name)
	if err != nil {
		panic("report: internal error: " + err.Error())
	}
	return string(b)
}

// pageTemplates are parsed when the first page is written.
var pageTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"commas":     func(n any) string { return commas(toInt(n)) },
		"count":      func(n any, one string) string { return count(toInt(n), one) },
		"duration":   duration,
		"octets":     octets,
		"rate":       rate,
		"percent":    func(part, all any) string { return percent(toInt(part), toInt(all)) },
		"clock":      func(nanos int64) string { return utc(nanos).Format(clock) },
		"iso":        func(nanos int64) string { return utc(nanos).Format("2006-01-02T15:04:05.000000000Z") },
		"words":      words,
		"thinkWidth": thinkWidth,
		"share":      func(all any, parts ...any) []bar { return shareBar(toInt(all), toInts(parts)...) },
		"stalled":    func(s timing.Stalls) int64 { return s.ResendNanos + s.ZeroNanos },
	}).ParseFS(pageFiles, "html/*.tmpl"))
})

func toInt(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	}
	panic(fmt.Sprintf("report: internal error: a template counts %T", n))
}

func toInts(ns []any) []int64 {
	out := make([]int64, len(ns))
	for i, n := range ns {
		out[i] = toInt(n)
	}
	return out
}

// sections are the parts of the page in the order in which it has them.
var sections = []struct{ name, title string }{
	{"overview", "Overview"},
	{"findings", "Findings"},
	{"timeline", "Timeline"},
	{"logins", "Logins"},
	{"times", "Times"},
	{"errors", "Errors"},
	{"tls", "TLS"},
	{"sessions", "Sessions"},
	{"dialogues", "Dialogues"},
	{"messages", "Messages"},
	{"unseen", "Not seen"},
}

// Sections returns the names of the sections of html in the order in which
// it has them.
func Sections() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// auditSections are the sections of AuditView: judgement first, and no mail.
var auditSections = []string{"overview", "findings", "logins", "tls", "errors", "timeline", "sessions", "dialogues", "unseen"}

// checkSections returns the first name that is no section as an error.
func checkSections(names []string) error {
	for _, n := range names {
		if !slices.Contains(Sections(), n) {
			return &OptionError{Option: "section", Value: n, Hint: "the sections are " + list(Sections())}
		}
	}
	return nil
}

// pageView is what the templates see.
type pageView struct {
	*html
	Sum      *popscope.Summary
	Title    string
	Files    []fileLine
	Span     string
	Lasted   string
	Nav      []navLine
	Secrets  bool
	Version  string
	CSP      string
	CSS      template.CSS
	Early    template.JS
	JS       template.JS
	Rows     []*pageSession
	Ladders  []*dialogue
	oneDay   bool            // the whole capture lies in it
	linked   map[string]bool // sessions that can be opened
	numbers  map[string]int  // of the sessions that have a row
	included map[string]bool // sections
}

// fileLine is an input.
type fileLine struct {
	Name    string
	Packets int64
}

// navLine is a section in the table of contents.
type navLine struct {
	ID, Title string
	Count     string // of what the section lists; "" where it does not
	Alarm     bool
}

// writePage writes the whole page. It streams: rows go out as they are
// made.
func writePage(w io.Writer, h *html, sum *popscope.Summary) error {
	v := newPageView(h, sum)
	t := pageTemplates()
	if err := t.ExecuteTemplate(w, "head.tmpl", v); err != nil {
		return err
	}
	for _, n := range v.Nav {
		if err := t.ExecuteTemplate(w, n.ID+".tmpl", v); err != nil {
			return err
		}
	}
	return t.ExecuteTemplate(w, "foot.tmpl", v)
}

func newPageView(h *html, sum *popscope.Summary) *pageView {
	v := &pageView{html: h, Sum: sum, Secrets: h.opt.ShowSecrets, Version: h.opt.Version,
		CSS: template.CSS(asset("page.css")), Early: template.JS(asset("early.js")), JS: template.JS(asset("page.js")),
		linked: make(map[string]bool), numbers: make(map[string]int), included: make(map[string]bool),
	}
	v.CSP = "default-src 'none'; style-src " + hashOf(string(v.CSS)) + "; script-src " + hashOf(string(v.Early)) + " " + hashOf(string(v.JS)) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	v.Rows = byStart(h.sessions.values())
	for _, s := range v.Rows {
		v.numbers[s.id] = s.num
	}
	v.Ladders = h.dialogues.values()
	slices.SortFunc(v.Ladders, func(a, b *dialogue) int { return compareStarts(a.pageSession, b.pageSession) })
	slices.SortStableFunc(v.messages, func(a, b pageMessage) int { return compareStarts(a.session, b.session) })
	slices.SortFunc(v.unseen.remarks, compareStarts)
	v.title()
	v.contents()
	if v.included["dialogues"] {
		for _, d := range v.Ladders {
			v.linked[d.id] = true
		}
	}
	return v
}

// hashOf returns how a content security policy names an inline text.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// title says what the page is about: the files and their time.
func (v *pageView) title() {
	for _, f := range v.Sum.Files {
		v.Files = append(v.Files, fileLine{cell(f.Name), f.Packets})
	}
	v.Title = "POP3 sessions"
	switch n := len(v.Files); {
	case n == 1:
		v.Title = "POP3 in " + v.Files[0].Name
	case n > 1:
		v.Title = "POP3 in " + v.Files[0].Name + " and " + count(n-1, "more file")
	}
	if !v.Sum.Start.IsZero() {
		from, to := v.Sum.Start.UTC(), v.Sum.End.UTC()
		layout := clock
		if from.Format("2006-01-02") == to.Format("2006-01-02") {
			layout, v.oneDay = "15:04:05", true
		}
		v.Span = from.Format(clock) + " to " + to.Format(layout) + " UTC"
		v.Lasted = duration(v.Sum.End.Sub(v.Sum.Start).Nanoseconds())
	}
}

// contents lists the sections that were asked for.
func (v *pageView) contents() {
	names := v.opt.Sections
	switch {
	case names != nil:
	case v.opt.View == AuditView:
		names = auditSections
	default:
		names = Sections()
	}
	counts := map[string]int64{"findings": v.Sum.Findings, "sessions": v.Sum.Sessions, "logins": v.Sum.Logins, "messages": v.Sum.Messages,
		"dialogues": int64(len(v.Ladders)), "errors": v.totals.errors, "unseen": int64(v.alarming())}
	for _, name := range names {
		i := slices.Index(Sections(), name)
		if v.included[name] {
			continue
		}
		v.included[name] = true
		n := navLine{ID: name, Title: sections[i].title}
		if k, has := counts[name]; has {
			n.Count = commas(k)
		}
		n.Alarm = name == "findings" && v.findings.bySever[highSeverity-1]+v.findings.bySever[highSeverity] > 0 || name == "unseen" && v.alarming() > 0
		v.Nav = append(v.Nav, n)
	}
}

// alarming counts the reasons not to trust in having seen everything.
func (v *pageView) alarming() int {
	n := 0
	for _, l := range v.unseen.lines(v.Sum) {
		if l.Warn {
			n++
		}
	}
	return n
}

// Methods that the templates call.

func (v *pageView) Linked(id string) bool { return v.linked[id] }
func (v *pageView) Has(section string) bool {
	return v.included[section]
}

// Number returns the number of a session in the table; 0 without a row.
func (v *pageView) Number(id string) int           { return v.numbers[id] }
func (v *pageView) DroppedSessions() int           { return v.sessions.dropped() }
func (v *pageView) DroppedLadders() int            { return v.dialogues.dropped() }
func (v *pageView) MessageRows() []pageMessage     { return v.messages }
func (v *pageView) DroppedMessages() int64         { return v.mailsNo }
func (v *pageView) LoginLines() []loginLine        { return v.logins.lines() }
func (v *pageView) DroppedLogins() int64           { return v.logins.more }
func (v *pageView) ServerLines() []*serverRow      { return v.servers.lines() }
func (v *pageView) FindingGroups() []*findingGroup { return v.findings.lines() }
func (v *pageView) TLSTally() *tlsTally            { return &v.tls }
func (v *pageView) GapLines() []gapLine            { return v.unseen.lines(v.Sum) }
func (v *pageView) RemarkLines() []*pageSession    { return v.unseen.remarks }
func (v *pageView) DroppedRemarks() int64          { return v.unseen.more }
func (v *pageView) Times() *timing.Times           { return v.html.times }
func (v *pageView) TimesInWords() string           { return timesInWords(v.html.times) }
func (v *pageView) Scale() scale                   { return scaleOf(v.html.times.Commands().Rows()) }
func (v *pageView) Spark(f *timing.Figures) spark  { return v.Scale().spark(&f.Response) }
func (v *pageView) Moods() []mood                  { return []mood{alarmed, refused, lossy, calm} }
func (v *pageView) Histogram() *chart              { return v.timeline.histogram() }

// Lanes returns the chart of sessions, or nil when they are too many.
func (v *pageView) Lanes() *chart {
	if len(v.Rows) == 0 || len(v.Rows) > maxLanes || v.DroppedSessions() > 0 {
		return nil
	}
	return lanes(v.Rows, v.linked)
}

// sessionRef is a mention of a session.
type sessionRef struct {
	ID     string
	Num    int
	Linked bool
}

// When writes when a session began, without the day where there is one
// only.
func (v *pageView) When(nanos int64) string {
	if v.oneDay {
		return utc(nanos).Format("15:04:05")
	}
	return utc(nanos).Format(clock)
}

// Ref returns what is needed to mention a session.
func (v *pageView) Ref(id string) sessionRef { return sessionRef{id, v.numbers[id], v.linked[id]} }

// byView is a table of times.
type byView struct {
	Name, Lower string
	Rows        []timeLine
	Others      *timing.Figures
}

// timeLine is a row of it, with the key in inert text.
type timeLine struct {
	*timing.Figures
	Text string
}

// By makes a table of times of a group.
func (v *pageView) By(name string, g *timing.Group) byView {
	b := byView{Name: name, Lower: strings.ToLower(name), Others: g.Others()}
	for _, f := range g.Slowest() {
		b.Rows = append(b.Rows, timeLine{f, cell(f.Key)})
	}
	return b
}
