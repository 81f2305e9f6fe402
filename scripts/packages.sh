#!/usr/bin/env bash
# Makes dist/: the program, a deb, an rpm, a bill of materials and digests.
#
#	scripts/packages.sh [VERSION]      1.2.3; without it one made from the commit
#
# ARCH chooses the processor (amd64, arm64, ...). The same commit and version
# give the same bytes: times are that of the commit.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=$(git rev-parse --short HEAD)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
: "${ARCH:=$(go env GOHOSTARCH)}"
VERSION=${1:-0.0.0-dev.$(git log -1 --format=%cd --date=format:%Y%m%d)+$commit}
export SOURCE_DATE_EPOCH ARCH VERSION

# build OS ARCH FILE
build() {
	CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X main.version=$VERSION" -o "$3" ./cmd/popscope
}

rm -rf dist
stage=dist/stage
mkdir -p $stage/man $stage/completions $stage/doc
build linux "$ARCH" $stage/popscope

# The manual and the completions come from the program itself, on this machine.
host=$stage/popscope
if [ "$ARCH" != "$(go env GOHOSTARCH)" ] || [ "$(go env GOHOSTOS)" != linux ]; then
	host=dist/host
	build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" $host
fi
$host man -o $stage/man
gzip -9n $stage/man/*.1
for shell in bash fish zsh; do
	$host completion $shell >$stage/completions/popscope.$shell
done
go run ./scripts/supply texts >$stage/doc/third-party-licences.txt
go run ./scripts/supply sbom -version "$VERSION" $stage/popscope >$stage/doc/popscope.cdx.json
cp README.md SECURITY.md CHANGELOG.md docs/rules.md $stage/doc/
cp LICENSE packaging/systemd/popscope.service packaging/systemd/popscope.default $stage/

find $stage -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
for format in deb rpm; do
	go tool -modfile=tools/release.mod nfpm package --config packaging/nfpm.yaml --packager $format --target dist/
done
cp $stage/doc/popscope.cdx.json "dist/popscope_${VERSION}_linux_$ARCH.cdx.json"
cp $stage/popscope "dist/popscope_${VERSION}_linux_$ARCH"
rm -rf $stage dist/host
(cd dist && sha256sum popscope* >SHA256SUMS && cat SHA256SUMS)
