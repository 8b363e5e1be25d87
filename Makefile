# FAME: one command for each thing one does here. `make` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

GO       ?= go
TIMEOUT  ?= 10m
FUZZTIME ?= 10s

# The tools are pinned in module files of their own, so that what they need
# never reaches go.mod. Go builds each once and keeps it in its cache.
OGEN       := $(GO) tool -modfile=tools/go.mod ogen
SQLC       := $(GO) tool -modfile=tools/go.mod sqlc
LINT       := $(GO) tool -modfile=tools/lint/go.mod golangci-lint
GOVULN     := $(GO) tool -modfile=tools/vuln/go.mod govulncheck

OGEN_CONFIGS := $(wildcard api/ogen-*.yaml)
OGEN_DUTIES  := $(patsubst api/ogen-%.yaml,%,$(OGEN_CONFIGS))

# What ogen and sqlc write, and nothing else may. sql/schema.sql is generated
# too, but compared by its own test, which knows one pg_dump from another.
GENERATED = api/*oas */internal/*db

# Packages whose code runs beside itself: one appender for many askers, caches
# that many requests share, servers that start and stop.
RACE_FIRST = ./api/... ./relmgr/... ./internal/seal/... ./internal/serve/... ./internal/pg/...

.PHONY: help judges prerequisites prerequisites-go demo build test race race-first check oracle bad-input flips histories generate generate-oas generate-sql \
	generate-schema verify-generated fmt vet lint archtest trace vuln bench fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prerequisites: ## check for Go and PostgreSQL 15 or newer, and say what to type
	@tools/prerequisites

prerequisites-go:
	@tools/prerequisites go

build: prerequisites-go ## build every program into bin/
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./cmd/...

demo: prerequisites ## build and show a hub with synthetic people; ONCE=1 ends after the story
	@mkdir -p bin
	$(GO) build -trimpath -o bin/fame ./cmd/fame
	bin/fame demo$(if $(ONCE), --once)

test: prerequisites ## run all tests
	$(GO) test -timeout $(TIMEOUT) ./...

race: prerequisites ## run all tests with the race detector
	$(GO) test -race -timeout 15m ./...

oracle: prerequisites ## every operation in every hidden case against somebody who is not there
	FAME_THOROUGH=1 $(GO) test -count=1 -timeout $(TIMEOUT) -run '^TestWhatIsHiddenCannotBeToldFromWhatIsNotThere$$' ./internal/edgetest

bad-input: prerequisites ## every row of the table of bad input, of which the tests try a ninth of those that follow from openapi.yaml
	FAME_THOROUGH=1 $(GO) test -count=1 -timeout 30m -run '^TestBadInputIsRefusedAndLeavesNothing$$' ./internal/edgetest

flips: prerequisites ## a byte flipped in every column and a row taken from every table, of which the tests try a quarter
	FAME_THOROUGH=1 $(GO) test -count=1 -timeout 30m -run '^(TestOneFlippedByteOfAnyKindIsFound|TestARowThatIsGoneIsFound)$$' ./internal/edgetest

histories: prerequisites ## 10,000 histories, and 100 of eight writers, against a plain model
	FAME_THOROUGH=1 $(GO) test -count=1 -timeout 60m -run '^(TestEveryHistoryIsWhatThePlainModelSays|TestEightWritersAreToldOfOneOrderOfTheirActs)$$' ./relmgr -rapid.checks=2500

judges: prerequisites-go ## the hubs' statements judged by 2,019 published policies and by two other implementations (downloads them)
	cd test/federation && $(GO) mod download && GOEXPERIMENT=jsonv2 $(GO) test -count=1 -timeout $(TIMEOUT) ./...

race-first: prerequisites
	$(GO) test -race -timeout $(TIMEOUT) $(RACE_FIRST)

check: prerequisites verify-generated fmt vet lint archtest trace vuln race oracle bad-input fuzz ## judge everything: what a change must pass
	@echo 'check: all is well'

generate: generate-oas generate-sql generate-schema ## write all generated files again

generate-oas: prerequisites-go
	@set -e; for duty in $(OGEN_DUTIES); do \
		echo "ogen: api/$${duty}oas"; \
		$(OGEN) -config api/ogen-$$duty.yaml -loglevel warn -target api/$${duty}oas -package $${duty}oas -clean openapi.yaml; \
	done

generate-sql: prerequisites-go
	@echo 'sqlc: sql/sqlc.yaml'
	@$(SQLC) generate -f sql/sqlc.yaml

generate-schema: prerequisites
	@echo 'pg_dump: sql/schema.sql'
	@CI=1 $(GO) test -count=1 -run '^TestSchemaSQLIsCurrent$$' ./internal/archtest -update

verify-generated: prerequisites ## generate again and fail if that changes a file
	@before=$$(find $(GENERATED) -type f -exec cksum {} + 2>/dev/null | sort -k 3) || true; \
	$(MAKE) generate-oas generate-sql || exit 1; \
	after=$$(find $(GENERATED) -type f -exec cksum {} + 2>/dev/null | sort -k 3) || true; \
	if [ "$$before" != "$$after" ]; then \
		echo 'verify-generated: generated files were not what their sources say. They are now: commit them.' >&2; \
		git --no-pager diff --stat -- $(GENERATED) >&2 2>/dev/null || true; exit 1; \
	fi
	@CI=1 $(GO) test -count=1 -v -run '^TestSchemaSQLIsCurrent$$' ./internal/archtest

fmt: prerequisites-go ## fail if a Go file is not as gofmt writes it
	@bad=$$(find . -name '*.go' -not -path './.git/*' -not -path '*/node_modules/*' -exec gofmt -l {} +); \
	if [ -n "$$bad" ]; then printf '%s\n' 'fmt: type `gofmt -w` and these names:' "$$bad" >&2; exit 1; fi

vet: prerequisites-go ## go vet
	$(GO) vet ./...

lint: prerequisites-go ## golangci-lint (the first time builds it: minutes)
	$(LINT) run

archtest: prerequisites ## who may import whom, the walls of the database, the schema, the glossary
	CI=1 $(GO) test -count=1 -timeout $(TIMEOUT) ./internal/archtest

trace: prerequisites-go ## which CORE requirement is named by which test
	@$(GO) test -count=1 -v -run '^TestTrace$$' ./internal/archtest

vuln: prerequisites-go ## govulncheck; skips loudly where its database cannot be reached
	@out=$$($(GOVULN) ./... 2>&1); code=$$?; \
	if [ $$code -eq 0 ] || [ $$code -eq 3 ]; then printf '%s\n' "$$out"; exit $$code; fi; \
	if printf '%s' "$$out" | grep -qE 'fetching vulnerabilities|dial tcp|no such host|HTTP GET|connection refused|Forbidden|proxyconnect|certificate'; then \
		printf '%s\n' "$$out" | tail -n 3 >&2; \
		echo 'vuln: SKIPPED, NOT CHECKED: the vulnerability database cannot be reached from here. Run `make vuln` where it can.' >&2; \
		exit 0; \
	fi; \
	printf '%s\n' "$$out" >&2; exit $$code

bench: prerequisites ## run all benchmarks; each program in bench/ prints its result as JSON on its last line
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...
	@set -e; for program in $(patsubst %/main.go,%,$(wildcard bench/*/main.go)); do \
		echo "bench: $$program"; $(GO) run ./$$program; \
	done

fuzz: prerequisites ## run every fuzz target for FUZZTIME (10s)
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			echo "fuzz: $$(dirname $$file) $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
		done; \
	done

clean: ## remove what the build leaves
	rm -rf bin
