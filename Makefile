# The few commands that a person needs. Each installs what it lacks (scripts/setup) and can be run
# on a machine where nothing of this was ever installed.

TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO   := out/launch.mp4

.DEFAULT_GOAL := help
.PHONY: help setup build demo fixtures test chaos lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, the Temporal CLI, an S3 server for tests
	@scripts/setup --tests

build: ## compile the release binary
	scripts/setup cargo build --release --locked -p framewright

demo: build ## render examples/launch to out/launch.mp4
	@mkdir -p $(dir $(DEMO))
	$(TARGET)/release/framewright render examples/launch -o $(DEMO)

fixtures: ## three stills of every fixture and example, on out/fixtures.html and out/fixtures.png
	@scripts/fixtures

# Compiled first, while setup still compiles the Temporal CLI; both are there when the tests begin.
# RUST_TEST_THREADS (cargo's own) limits how many tests, and so browsers, run side by side.
test: ## run all tests, with the real Chromium, ffmpeg and Temporal (RUST_TEST_THREADS=n)
	scripts/setup --tests cargo test --workspace --locked --no-run
	cargo test --workspace --locked

# Printed seeds repeat what failed: make chaos FAULTS=kills SEED=17 N=1.
chaos: ## faults at random moments of renders (SEED=n N=n FAULTS=kills|freezes|…; docs/chaos.md)
	scripts/setup --tests cargo test -p framewright --test chaos --locked --no-run
	SEED=$(SEED) N=$(N) cargo test -p framewright --test chaos --locked -- \
	  --ignored --nocapture --test-threads=1 $(FAULTS)

lint: ## formatting, clippy, dependencies: nothing may be said
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/deny

clean: ## remove what was built, the demo's film and the stills of fixtures
	cargo clean
	rm -rf $(DEMO) out/fixtures out/fixtures.html out/fixtures.png
