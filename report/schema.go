package report

import _ "embed"

//go:embed schema.json
var schema string

// Schema returns the JSON Schema (draft 2020-12) of a line of jsonl.
func Schema() string { return schema }

//go:embed manifest.schema.json
var manifestSchema string

// ManifestSchema returns the JSON Schema of a line of a manifest. It refers
// to Schema as schema.json.
func ManifestSchema() string { return manifestSchema }

//go:embed maildrop.schema.json
var maildropSchema string

// MaildropSchema returns the JSON Schema of a line of a ledger of
// mailboxes. It refers to Schema as schema.json.
func MaildropSchema() string { return maildropSchema }
