//! Writes `testdata/tokens.json`. Run it after a change of the token format:
//! `cargo run -p unitpay-token --example tokens`.

#[allow(clippy::unwrap_used, dead_code, unreachable_pub)]
#[path = "../tests/it/vectors/mod.rs"]
mod vectors;

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tokens.json");
    std::fs::write(path, vectors::text())
}
