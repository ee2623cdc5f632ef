# `make run` shows it working; `make test` proves it.

.PHONY: run test test-rust test-node test-python test-docs docs test-release release release-compare keep-release lint openapi portal vectors bench deny fuzz python-requirements

run:
	cargo run --release -- demo

test: lint test-rust test-node test-python test-docs

lint:
	./scripts/require nodejs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	node scripts/plain-english.mjs

# Both stores; PostgreSQL is started by the tests themselves.
test-rust:
	./scripts/require postgresql pgbouncer openssl curl python3-jwt python3-cryptography
	cargo test --workspace --locked

# The packages against the real program, which `test-rust` has built, and in a real browser.
test-node:
	./scripts/require nodejs chromium curl openssl
	cargo build --locked
	cargo build --locked -p unitpay-server --example stripe_stand_in
	npm ci --no-audit --no-fund
	npm test

# The Python package against the same program.
test-python: target/python/ready
	cargo build --locked
	cargo build --locked -p unitpay-server --example stripe_stand_in
	target/python/bin/python sdk/python/scripts/generate.py
	cd sdk/python && ../../target/python/bin/ruff format --check . ../../examples
	cd sdk/python && ../../target/python/bin/ruff check . ../../examples
	cd sdk/python && ../../target/python/bin/mypy
	cd sdk/python && ../../target/python/bin/python -m pytest

# Builds the documentation site in target/docs/site.
docs: target/python/ready
	target/python/bin/python scripts/docs/build.py

# Builds it, and checks every link, the reference and the collection of requests.
test-docs: target/python/ready
	target/python/bin/ruff format --check --config sdk/python/pyproject.toml scripts/docs
	target/python/bin/ruff check --config sdk/python/pyproject.toml scripts/docs
	cd scripts/docs && ../../target/python/bin/mypy --strict --cache-dir ../../target/mypy .
	cd scripts/docs && ../../target/python/bin/python -m pytest -p no:cacheprovider

target/python/ready: scripts/requirements.txt
	./scripts/require python3-venv
	python3 -m venv --clear target/python
	target/python/bin/pip install --quiet --only-binary :all: --require-hashes -r $<
	touch $@

# Pins the newest versions of the Python tools and packages that the tests use.
python-requirements: target/python/ready
	target/python/bin/pip install --quiet uv
	cd scripts && ../target/python/bin/uv pip compile --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --quiet requirements.in -o requirements.txt

# What is shipped: the image, the files of a release, the manifests. Needs root, for the image.
test-release:
	./scripts/require nodejs buildah runc curl openssh-client strace systemd shellcheck python3-venv
	cargo build --locked
	npm ci --no-audit --no-fund
	npm run build --workspace @unitpay/node --workspace @unitpay/react
	python3 -m venv target/checks
	target/checks/bin/pip install --quiet --only-binary :all: --requirement deploy/test/requirements.txt
	shellcheck scripts/build-release scripts/compare-builds scripts/keep-release scripts/release scripts/require scripts/rootfs .ci/run
	node --test deploy/test/*.test.mjs
	UNITPAY_SEED=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ') cargo test --locked -p unitpay-server --test it -- histories
	UNITPAY_KILL_CYCLES=7 cargo test --locked -p unitpay-server --test it -- stripe_moves_money_once

# The files of a release, in target/release-files; see docs/operate.md.
release:
	./scripts/require nodejs openssh-client
	npm ci --no-audit --no-fund
	npm run generate -w @unitpay/wire --silent
	./scripts/release

# Builds the program twice, in different folders, and compares the bytes.
release-compare:
	./scripts/compare-builds

# Keeps what the tests of later versions compare with and upgrade; after each release. Commit it.
keep-release:
	cargo build --locked
	npm run build --workspace @unitpay/node --workspace @unitpay/react
	./scripts/keep-release

# Writes again what is generated and committed.
openapi:
	cargo run -- openapi > openapi.json
	npm run generate --workspaces --if-present

# Builds the hosted page into the crate that embeds it; `test-node` fails where that was forgotten.
portal:
	npm ci --no-audit --no-fund
	npm run build -w portal

vectors:
	cargo run -p unitpay-token --example tokens

bench:
	cargo build --release -p unitpay-server -p unitpay-bench
	target/release/unitpay-bench $(ARGS)

# Licences, bans and sources of the dependencies; needs cargo-deny.
deny:
	cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked
	cargo deny check licenses bans sources

# Needs cargo-fuzz and a nightly toolchain. TARGET (token_parser or request_bodies) and SECONDS choose.
fuzz:
	cd crates/$(if $(filter request_bodies,$(TARGET)),server,token) && cargo +nightly fuzz run $(or $(TARGET),token_parser) -- -max_total_time=$(or $(SECONDS),60)
