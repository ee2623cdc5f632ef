//! The hosted page's files: built with Node from `portal/`, committed in `dist/`, and embedded
//! here, so that the server needs neither Node nor a folder next to it.

/// A file, plain and compressed.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub plain: &'static [u8],
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The page itself. Its name never changes, so its content may.
pub const fn page() -> &'static Asset {
    &PAGE
}

/// The page with Stripe's form.
pub const fn pay_page() -> &'static Asset {
    &PAY_PAGE
}

/// The sign-in page.
pub const fn login_page() -> &'static Asset {
    &LOGIN_PAGE
}

/// The assets of the pages, by a name that contains a hash of the content.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
