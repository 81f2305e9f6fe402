package popscope

// fingerprints gathers what the exchanges of r tell of the software on both
// sides, and names it when the session is over. Of one side alone nothing
// is known of the other.
func (t *track) fingerprints(r *Result) {
	if t.shard.opt.NoSoftware {
		return
	}
	for i := range r.Exchanges {
		t.print.Exchange(&r.Exchanges[i])
	}
	if r.Last {
		r.ServerSoftware, r.ClientSoftware = t.print.Server(r.Session), t.print.Client()
	}
}
