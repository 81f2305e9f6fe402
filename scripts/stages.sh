#!/usr/bin/env bash
# Runs the Go benchmarks of all stages, keeps their results in docs/bench by
# date, and compares them with those kept before:
#
#	scripts/stages.sh [-n COUNT] [PACKAGE...]
#
# What is compared says nothing if the machines differ: the first lines of
# each file describe them.
set -euo pipefail
cd "$(dirname "$0")/.."

count=6
if [ "${1:-}" = -n ]; then
	count=$2
	shift 2
fi
packages=("$@")
[ $# -gt 0 ] || packages=(. ./capture/... ./reassembly/... ./pop3parse/... ./report/... ./sanitize)

mkdir -p docs/bench
before=$(find docs/bench -name '*.txt' | sort | tail -n 1)
now=docs/bench/$(date +%Y-%m-%d).txt
if [ "$before" = "$now" ]; then
	before=$(find docs/bench -name '*.txt' ! -path "$now" | sort | tail -n 1)
fi
{
	echo "processors: $(nproc)"
	go version
	go test -run '^$' -bench . -benchtime 300ms -count "$count" -benchmem "${packages[@]}" | grep -v '^ok\|no test files\|^PASS'
} | tee "$now.new"
mv "$now.new" "$now"
if [ -n "$before" ]; then
	go tool -modfile=tools/go.mod benchstat "$before" "$now"
else
	go tool -modfile=tools/go.mod benchstat "$now"
fi
