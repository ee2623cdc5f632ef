//! `unitpay export`: records for accounting on standard output, as JSON Lines or CSV.

use super::manage::Env;
use super::store::{Purpose, Store};
use crate::base::Time;
use crate::config::Config;
use crate::export::{self, Cell, Records, Row};
use crate::organizations::DEFAULT_ORGANIZATION;
use anyhow::Context;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use std::io::{BufWriter, Write};

#[derive(Args)]
pub struct Export {
    records: Records,
    #[arg(long)]
    env: Env,
    /// An organization's id or name
    #[arg(long, default_value = DEFAULT_ORGANIZATION)]
    org: String,
    #[arg(long, default_value = "jsonl")]
    format: Format,
    /// The first date or instant (RFC 3339), in UTC
    #[arg(long, value_name = "DATE", value_parser = time)]
    since: Option<Time>,
    /// The first date or instant that is not included
    #[arg(long, value_name = "DATE", value_parser = time)]
    before: Option<Time>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// JSON Lines: an object for each record
    Jsonl,
    /// RFC 4180, with a line of headers. Text that a spreadsheet would take for a formula gets a
    /// leading apostrophe
    Csv,
}

impl ValueEnum for Records {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

pub async fn run(config: &Config, export: &Export) -> anyhow::Result<()> {
    let Export { records, since, before, .. } = *export;
    let store = Store::open(config, Purpose::Beside).await?;
    let tenant = store.tenant(&export.org, export.env).await?;
    let wanted = export::Export { tenant, records, since, before, now: store.clock.now() };
    let mut out = BufWriter::new(std::io::stdout().lock());
    match export.format {
        Format::Jsonl => {
            let write = |row: Row| {
                serde_json::to_writer(&mut out, &row)?;
                anyhow::Ok(out.write_all(b"\n")?)
            };
            wanted.run(&store.db, write).await?;
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(records.columns())?;
            wanted
                .run(&store.db, |row| anyhow::Ok(csv.write_record(row.0.iter().map(field))?))
                .await?;
            csv.flush()?;
        }
    }
    out.flush().context("cannot write to standard output")
}

/// Returns a field of a CSV file. A spreadsheet runs text that begins like a formula.
fn field((_, cell): &(&str, Cell)) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Integer(value) => value.to_string(),
        Cell::Plain(text) => text.clone(),
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            format!("'{text}")
        }
        Cell::Text(text) => text.clone(),
    }
}

/// Reads a date, which stands for its first instant, or an instant.
fn time(text: &str) -> Result<Time, String> {
    let instant = if text.len() == "2030-01-01".len() {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let read = Time::deserialize(instant.as_str().into_deserializer());
    read.map_err(|_: serde::de::value::Error| "must be a date or an instant (RFC 3339)".to_owned())
}
