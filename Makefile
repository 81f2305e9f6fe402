.PHONY: help build test race lint golden fuzz fuzz-short fuzz-all hostile endurance cover streams memory bench scaling stages browser screenshots live live-load live-service dependencies packages reproducible

help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' Makefile

build: ## build ./popscope, one static program
	CGO_ENABLED=0 go build -trimpath -o popscope ./cmd/popscope

test: ## all tests
	go test ./...

race: ## all tests with the race detector
	go test -race ./...

lint: ## gofmt, vet, staticcheck
	gofmt -l . && go vet ./... && go tool -modfile=tools/go.mod staticcheck ./...

golden: ## rewrite the golden files; look at the difference before committing it
	go test . ./report -update

fuzz: ## fuzz one target: make fuzz P=./pop3parse T=FuzzPairing TIME=10m
	go test $(P) -run '^$$' -fuzz '^$(T)$$' -fuzztime $(or $(TIME),1m) -fuzzminimizetime 10x

fuzz-short: ## a handful of fuzz targets for seconds
	scripts/fuzz.sh -s

fuzz-all: ## all fuzz targets, 20 minutes each: make fuzz-all TIME=20m
	scripts/fuzz.sh -t $(or $(TIME),20m)

hostile: ## hostile captures through popscope within 512 MiB: make hostile ARGS='-kinds holes -scale 0.1'
	go run ./scripts/hostile $(ARGS)

endurance: ## live and file path for half an hour under the race detector (root): make endurance TIME=1800
	scripts/endurance.sh -t $(or $(TIME),1800)

cover: ## coverage by function
	go test -coverprofile=/tmp/popscope.cover ./... && go tool cover -func=/tmp/popscope.cover

streams: ## compare our stream bytes with tshark's
	scripts/compare-streams.sh

memory: ## peak memory on a capture of 1 GB
	scripts/memory.sh

bench: ## compare with tcpdump, tcpflow, dsniff and tshark: make bench ARGS='-rounds 3 -slow'
	go run ./scripts/bench $(ARGS)

scaling: ## time by workers, size and connections: make scaling ARGS=-slow
	go run ./scripts/bench -scaling $(ARGS)

stages: ## Go benchmarks of all stages, kept by date and compared with those before
	scripts/stages.sh

browser: ## test the html report in a real Chromium
	cd test/browser && go test ./...

screenshots: ## make the pictures in docs/img anew
	scripts/screenshots.sh

live: ## real Dovecot sniffed live, against tcpdump (root)
	scripts/live/dovecot.sh

live-service: ## the service under a real systemd in a container (root)
	scripts/live/systemd.sh

live-load: ## packets lost under load beside tcpdump, and memory over an hour of sessions (root)
	scripts/live/load.sh

dependencies: ## list the modules in the program and their licences
	go run ./scripts/supply list > docs/dependencies.md.new && mv docs/dependencies.md.new docs/dependencies.md

packages: ## dist/: program, manual, completions, licences, bill of materials, deb and rpm: make packages VERSION=1.2.3
	scripts/packages.sh $(VERSION)

reproducible: ## the same bytes from two folders
	scripts/reproducible.sh
