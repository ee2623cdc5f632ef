# `make run` shows it working; `make test` proves it.

.PHONY: run test test-rust test-node lint openapi portal vectors bench deny fuzz

run:
	cargo run --release -- demo

test: lint test-rust test-node

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
	./scripts/require nodejs chromium
	cargo build --locked
	npm ci --no-audit --no-fund
	npm test

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
