//! Writes one PDF per sample into a directory: `cargo run -p unitpay-invoice-pdf --example samples
//! -- DIRECTORY`

#[path = "../tests/it/samples.rs"]
mod samples;

use std::error::Error;
use std::path::PathBuf;

use unitpay_invoice_pdf::{Fonts, render};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("which directory?")?);
    let fonts = Fonts::built_in()?;
    for (name, invoice) in samples::all() {
        std::fs::write(directory.join(name).with_extension("pdf"), render(&invoice, &fonts)?)?;
    }
    Ok(())
}
