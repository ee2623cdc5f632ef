//! The hosted page's files: built by Node from `portal/`, committed in `dist/`, embedded here, so
//! that the server needs neither Node nor a folder beside it.

/// A file, as it is and compressed.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub plain: &'static [u8],
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The page itself; its name never changes, so its content may.
pub const fn page() -> &'static Asset {
    &PAGE
}

/// What the page loads, by a name that has the content's hash in it.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
