# Thin: each target is one thing to type. The build itself is CMake with presets (CMakePresets.json).

JOBS ?= $(shell nproc)
SECONDS_PER_FUZZER ?= 20
SOURCES = git ls-files --cached --others --exclude-standard '*.c' '*.h'

export CTEST_PARALLEL_LEVEL ?= $(JOBS)
# Most of these tests wait, for a lease or a minute of the clock; one a core left the cores idle half the time.
WAITING_JOBS ?= $(shell expr 2 '*' $(JOBS))

.PHONY: help deps build install run test lint check prove bench format format-check tidy tidy-quick cppcheck sim fuzz-smoke \
        coverage clean build-dev build-release
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

deps: ## install what is missing (apt-get, as root or with sudo)
	@deploy/deps.sh

build: build/release/build.ninja ## the program, at build/weft
	@cmake --build --preset release --target weft -- --quiet -j $(JOBS)
	@ln -sfn release/weft build/weft

install: build/release/build.ninja ## the program and libweft, below PREFIX=/usr/local
	@cmake --build --preset release --target weft weft_shared -- --quiet -j $(JOBS)
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local) --component weft
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local) --component libweft

build-dev build-release: build-%: build/%/build.ninja
	@echo "== build/$*"
	@cmake --build --preset $* -- --quiet -j $(JOBS)

build/%/build.ninja:
	@cmake --preset $* >/dev/null

run: deps build ## see real work done: this machine's package database through two workers
	@WEFT_BIN="$(CURDIR)/build/weft" deploy/demo/run.sh

test: deps build-dev ## all tests; what CI runs
	@tests/all -j $(WAITING_JOBS)

lint: format-check tidy-quick cppcheck ## format and static analysis; CI runs it too

check: lint ## before every push: lint and the quick tests in dev
	@ctest --preset dev -L '^(arch|unit|fuzz|sim|integration)$$'

prove: build-release build ## the long campaigns, 10 minutes of them (MINUTES=…); they resume and add up
	@tests/prove/run $(if $(MINUTES),--minutes $(MINUTES))

bench: ## figures of this machine, as a table and as JSON
	@deploy/deps.sh --bench
	@cmake --preset release >/dev/null
	@$(MAKE) --no-print-directory build-release build
	@tests/bench/run

format: ## rewrite all sources in the house style
	@$(SOURCES) | xargs -r clang-format -i

format-check:
	@$(SOURCES) | xargs -r clang-format --dry-run -Werror

tidy: build-dev ## clang-tidy with path analysis (minutes); check runs it without
	@cmake/tidy.sh build/dev

tidy-quick: build-dev
	@cmake/tidy.sh build/dev --quick

cppcheck:
	@$(SOURCES) | grep -v '^tests/' | xargs -r cppcheck --quiet --std=c11 --language=c --error-exitcode=1 \
	    --enable=warning,portability --inline-suppr --suppressions-list=cmake/cppcheck.supp -j $(JOBS) -I .

sim: build-release ## the simulator, 1,000 seeds (SEEDS=…)
	@build/release/tests/weft-sim --seeds $(or $(SEEDS),1000)

fuzz-smoke: build/fuzz/build.ninja ## each fuzzer for 20 seconds
	@cmake --build --preset fuzz -- --quiet -j $(JOBS)
	@cmake/fuzz_smoke.sh build/fuzz $(SECONDS_PER_FUZZER)

coverage: build/coverage/build.ninja ## a report per folder; pure folders hold a floor
	@cmake --build --preset coverage -- --quiet -j $(JOBS)
	@ctest --preset coverage -L '^(unit|sim|fuzz)$$' >/dev/null
	@/usr/bin/python3 cmake/coverage.py build/coverage

clean: ## remove all builds
	@rm -rf build
