# What can be done with this repository. `make` alone lists it.

export CARGO_TARGET_DIR ?= $(HOME)/.cache/tidegate/target
export TIDEGATE_CACHE ?= $(HOME)/.cache/tidegate

# Optimised without link-time optimisation: what tests and `make run` use.
PROFILE ?= fast
# For `make run`: further flags of `tidegate serve`.
ARGS ?=
# For `make test`: names of suites, all of them if empty.
SUITES ?=
# For `make bench`, `make crash`, `make kgo`, `make fuzz` and the load tests: further arguments.
OPTIONS ?=

.PHONY: help run build release test check fmt bench registry-bench crash kgo fuzz registry-crash registry-large offsets-bench
.PHONY: metrics-manual settings-manual conformance conformance-check conformance-record conformance-accept
LOAD_TESTS = quick-test standard-test stress-test endurance-test schema-test
.PHONY: load-seaweedfs load-bench $(LOAD_TESTS)

help:
	@echo 'make run      build and start the gateway on 127.0.0.1:9092 (ARGS="--storage memory")'
	@echo 'make build    build the gateway with the profile of the tests'
	@echo 'make release  build the gateway with all optimisations'
	@echo 'make test     run every suite (SUITES="rust clients"; tests/run.py --list names them)'
	@echo 'make check    formatting, lints, tidy, and licences if cargo-deny is installed'
	@echo 'make settings-manual    write the tables of docs/settings.md from the code'
	@echo 'make metrics-manual     the same for docs/metrics.md'
	@echo 'make bench    measure against Apache Kafka on this machine'
	@echo 'make registry-bench  measure the schema registry against Apicurio on this machine'
	@echo 'make offsets-bench  commits and fetches a second with offsets in the log, in memory and in a filer'
	@echo 'make quick-test, standard-test, stress-test, endurance-test, schema-test'
	@echo '              load tests of a gateway of their own (OPTIONS="--report a.html"; docs/load.md)'
	@echo 'make crash    kill the gateway again and again and look for what is lost (OPTIONS="--hours 1")'
	@echo 'make registry-crash      the same while schemas are registered and deleted (OPTIONS="--rounds 500")'
	@echo 'make registry-large      20,000 subjects, and how long a start with them takes'
	@echo 'make load-seaweedfs  the load test on SeaweedFS'"'"'s own Kafka gateway; writes docs/reports'
	@echo 'make load-bench  what the load test can offer, beside what rdkafka_performance can'
	@echo 'make kgo      the tests of franz-go'"'"'s client with as many records as its authors run'
	@echo 'make conformance         ask Apache Kafka and Tidegate the same, print where they differ'
	@echo 'make conformance-check   Tidegate beside what is recorded (OPTIONS="--filter topics")'
	@echo 'make conformance-record  record the answers of Apache Kafka anew'
	@echo 'make conformance-accept  record the differences that differences.toml names'
	@echo 'make fuzz     feed random bytes to the decoders (needs cargo-fuzz and a nightly toolchain)'

run:
	@cargo run --profile $(PROFILE) --bin tidegate -- serve $(ARGS)

build:
	cargo build --profile $(PROFILE) --bin tidegate
	@echo "built $(CARGO_TARGET_DIR)/$(PROFILE)/tidegate"

release:
	cargo build --release --bin tidegate
	@echo "built $(CARGO_TARGET_DIR)/release/tidegate"

test:
	@python3 tests/run.py $(SUITES)

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --profile $(PROFILE) -- -D warnings
	cargo test --profile $(PROFILE) -p tidegate-tidy
	@if command -v cargo-deny >/dev/null; then cargo deny check; \
	else echo 'cargo-deny is not installed: licences and advisories are not checked'; fi

fmt:
	cargo fmt --all

metrics-manual:
	TIDEGATE_UPDATE_MANUAL=1 cargo test --profile $(PROFILE) -p tidegate-cli --bin tidegate the_manual_has_every_metric

settings-manual:
	TIDEGATE_UPDATE_MANUAL=1 cargo test --profile $(PROFILE) -p tidegate-cli --bin tidegate the_manual_has

bench: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate tests/java/bench/bench.sh $(OPTIONS)

registry-bench: build
	cargo build --profile $(PROFILE) -p tidegate-registry-load
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate REGISTRY_LOAD=$(CARGO_TARGET_DIR)/$(PROFILE)/registry-load \
	    python3 tests/registry/bench/registry_bench.py

offsets-bench:
	cargo build --profile $(PROFILE) -p tidegate-cli --example offset_storages
	OFFSET_STORAGES=$(CARGO_TARGET_DIR)/$(PROFILE)/examples/offset_storages \
	    $(TIDEGATE_CACHE)/venv/bin/python tests/filer/bench.py $(OPTIONS)

# `quick-test` runs `tidegate load quick`, and so on. OPTIONS may name another target: it wins over --embedded.
$(LOAD_TESTS): build
	$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate load $(@:-test=) \
	    $(if $(findstring --bootstrap,$(OPTIONS)),,--embedded) $(OPTIONS)

crash: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate python3 tests/run.py --no-build --options '$(OPTIONS)' crash

registry-crash: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate $(TIDEGATE_CACHE)/venv/bin/python tests/crash/registry.py --rounds 200 $(OPTIONS)

registry-large: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate $(TIDEGATE_CACHE)/venv/bin/python tests/registry/large.py $(OPTIONS)

load-seaweedfs: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate python3 tests/seaweedfs/gateway_load.py $(OPTIONS)

load-bench: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate python3 tests/load/offered.py $(OPTIONS)

kgo: build
	TIDEGATE_BIN=$(CARGO_TARGET_DIR)/$(PROFILE)/tidegate python3 tests/kgo/kgo.py --records 500000 $(OPTIONS)

conformance: CONFORMANCE_COMMAND = compare
conformance-check: CONFORMANCE_COMMAND = check
conformance-record: CONFORMANCE_COMMAND = record
conformance-accept: CONFORMANCE_COMMAND = accept
conformance conformance-check conformance-record conformance-accept:
	cargo build --profile $(PROFILE) --bin tidegate --bin conformance
	PROFILE=$(PROFILE) python3 tests/conformance/conformance.py $(CONFORMANCE_COMMAND) $(OPTIONS)

fuzz:
	python3 fuzz/seed.py
	cd fuzz && for target in $$(cargo +nightly fuzz list); do \
	    cargo +nightly fuzz run $$target -- -max_total_time=60 $(OPTIONS) || exit 1; done
