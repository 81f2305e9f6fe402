#!/usr/bin/env bash
# Builds the program in two folders, the second time with an empty build
# cache, and compares the bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! git rev-parse --git-dir >/dev/null 2>&1; then
	echo 'skipped: git says which files are the source, and this is no checkout'
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one=$work/one two="$work/a second folder/deeper"
for folder in "$one" "$two"; do
	mkdir -p "$folder"
	git ls-files -z -- '*.go' go.mod go.sum cmd report sanitize pop3parse | # what is embedded, too
		tar --null --files-from=- --create --file=- | tar -xf - -C "$folder"
done
# build FOLDER
build() {
	(cd "$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o popscope ./cmd/popscope)
}
build "$one"
GOCACHE=$work/cache build "$two"
if ! cmp "$one/popscope" "$two/popscope"; then
	echo 'the programs differ' >&2
	exit 1
fi
if grep -qaF "$work" "$one/popscope"; then
	echo 'the program knows the folder it was built in' >&2
	exit 1
fi
sha256sum "$one/popscope" "$two/popscope"
