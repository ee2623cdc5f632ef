//! Embeds `dist/`, each file plain and compressed. It builds nothing; `make portal` does.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=dist");
    let dist = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("dist");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut code = String::new();
    for (constant, file) in
        [("PAGE", "index.html"), ("PAY_PAGE", "pay.html"), ("LOGIN_PAGE", "login.html")]
    {
        let _ = writeln!(code, "const {constant}: Asset = {};", embed(&dist.join(file), &out)?);
    }
    let mut assets = fs::read_dir(dist.join("assets"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    assets.sort();
    code.push_str("const ASSETS: &[Asset] = &[\n");
    for path in &assets {
        let _ = writeln!(code, "    {},", embed(path, &out)?);
    }
    code.push_str("];\n");
    fs::write(out.join("assets.rs"), code)
}

/// Returns the expression for a file.
fn embed(path: &Path, out: &Path) -> io::Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let content_type = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => return Err(io::Error::other(format!("what is {name}?"))),
    };
    let plain = fs::read(path)?;
    let compressed = out.join(format!("{name}.gz"));
    let mut encoder = GzEncoder::new(fs::File::create(&compressed)?, Compression::best());
    encoder.write_all(&plain)?;
    encoder.finish()?;
    Ok(format!(
        "Asset {{ name: {name:?}, content_type: {content_type:?}, \
         plain: include_bytes!({path:?}), gzip: include_bytes!({compressed:?}) }}"
    ))
}
