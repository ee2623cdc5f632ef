//! Records for accounting as flat rows: invoices, their lines, payments, credit notes, unpaid
//! invoices, ledgers of credits, and usage.
//!
//! Rows are read page by page, oldest first, without a transaction around them: a server goes on
//! beside it, and its changes meanwhile may or may not be among them.

mod rows;

use crate::base::page::Direction;
use crate::base::words::words;
use crate::base::{Cursor, PageQuery, Time};
use crate::customers::{self, CustomerSearch};
use crate::db::{Db, DbError, Tx};
use crate::invoices::{self, Invoice, InvoiceFilter, InvoiceStatus, credit_notes};
use crate::organizations::Tenant;
use crate::{credits, usage};
use rows::{CREDIT_NOTES, INVOICES, LEDGER, LINES, PAYMENTS, RECEIVABLES, USAGE, names, row};
pub use rows::{Cell, Row};

const PAGE: usize = 500;

words! {
    Records {
        Invoices = "invoices",
        /// The lines of invoices.
        Lines = "lines",
        /// Payments of invoices.
        Payments = "payments",
        CreditNotes = "credit-notes",
        /// Invoices with an amount due, by age.
        Receivables = "receivables",
        /// The ledgers of all credit accounts.
        Ledger = "ledger",
        Usage = "usage",
    }
}

impl Records {
    /// Returns the names of the columns, in their order.
    pub fn columns(self) -> Vec<&'static str> {
        match self {
            Self::Invoices => names(INVOICES),
            Self::Lines => names(LINES),
            Self::Payments => names(PAYMENTS),
            Self::CreditNotes => names(CREDIT_NOTES),
            Self::Receivables => names(RECEIVABLES),
            Self::Ledger => names(LEDGER),
            Self::Usage => names(USAGE),
        }
    }
}

/// The rows to export.
#[derive(Clone, Debug)]
pub struct Export {
    pub tenant: Tenant,
    pub records: Records,
    /// The first instant. Of invoices, lines, credit notes and receivables, of their issue; of the
    /// others, of the payment, entry or event.
    pub since: Option<Time>,
    /// The first instant that is out of range.
    pub before: Option<Time>,
    pub now: Time,
}

impl Export {
    /// Reads the rows and passes each to `write`.
    pub async fn run<E, W>(&self, db: &Db, write: W) -> Result<(), E>
    where
        E: From<DbError>,
        W: FnMut(Row) -> Result<(), E>,
    {
        let mut reader = Reader { export: self, tx: db.read().await?, write };
        match self.records {
            Records::Invoices => reader.invoices().await,
            Records::Receivables => reader.receivables().await,
            Records::Lines => reader.lines().await,
            Records::Payments => reader.payments().await,
            Records::CreditNotes => reader.credit_notes().await,
            Records::Ledger => reader.ledger().await,
            Records::Usage => reader.usage().await,
        }
    }

    fn covers(&self, at: Option<Time>) -> bool {
        let is_late_enough = |at| self.since.is_none_or(|since| at >= since);
        let is_early_enough = |at| self.before.is_none_or(|before| at < before);
        at.is_some_and(|at| is_late_enough(at) && is_early_enough(at))
    }
}

/// Reads the rows of an export, page by page.
struct Reader<'a, W> {
    export: &'a Export,
    tx: Tx<'static, 'static>,
    write: W,
}

impl<E, W> Reader<'_, W>
where
    E: From<DbError>,
    W: FnMut(Row) -> Result<(), E>,
{
    async fn invoices(&mut self) -> Result<(), E> {
        let mut last = String::new();
        while let Some(page) = self.invoice_page(&mut last).await? {
            for invoice in page.iter().filter(|invoice| self.export.covers(invoice.issued_at)) {
                (self.write)(row(INVOICES, invoice, &invoice.buyer.read()?))?;
            }
        }
        Ok(())
    }

    async fn receivables(&mut self) -> Result<(), E> {
        let mut last = String::new();
        while let Some(page) = self.invoice_page(&mut last).await? {
            let due = page.iter().filter(|invoice| invoice.amount_due() > 0);
            for invoice in due.filter(|invoice| self.export.covers(invoice.issued_at)) {
                let due = invoice.due_date.or(invoice.issued_at);
                let days = due.map_or(0, |due| invoices::days_late(due, self.export.now));
                (self.write)(row(RECEIVABLES, invoice, &(invoice.buyer.read()?, days)))?;
            }
        }
        Ok(())
    }

    async fn lines(&mut self) -> Result<(), E> {
        let mut last = String::new();
        while let Some(page) = self.invoice_page(&mut last).await? {
            for invoice in page.iter().filter(|invoice| self.export.covers(invoice.issued_at)) {
                let whole = invoices::get(&mut self.tx, &self.export.tenant, invoice.id).await?;
                let lines =
                    whole.ok_or(DbError::Broken("an issued invoice is gone"))?.lines.read()?;
                for line in (1..).zip(lines) {
                    (self.write)(row(LINES, invoice, &line))?;
                }
            }
        }
        Ok(())
    }

    async fn payments(&mut self) -> Result<(), E> {
        let mut last = String::new();
        while let Some(page) = self.invoice_page(&mut last).await? {
            // A dispute may have taken back all that was paid.
            let has_paid =
                |invoice: &&Invoice| invoice.amount_paid > 0 || invoice.dispute_status.is_some();
            for invoice in page.iter().filter(has_paid) {
                let payments =
                    invoices::payments(&mut self.tx, &self.export.tenant, invoice.id).await?;
                for payment in payments.iter().filter(|one| self.export.covers(Some(one.paid_at))) {
                    (self.write)(row(PAYMENTS, invoice, payment))?;
                }
            }
        }
        Ok(())
    }

    async fn credit_notes(&mut self) -> Result<(), E> {
        let mut last = String::new();
        loop {
            let page =
                credit_notes::page(&mut self.tx, &self.export.tenant, None, None, &after(&last))
                    .await?;
            let Some(end) = page.last() else { return Ok(()) };
            last = end.id.to_string();
            for note in page.iter().filter(|note| self.export.covers(Some(note.issued_at))) {
                (self.write)(row(CREDIT_NOTES, note, &note.buyer.read()?))?;
            }
        }
    }

    async fn ledger(&mut self) -> Result<(), E> {
        let mut last = String::new();
        loop {
            let accounts =
                credits::page(&mut self.tx, &self.export.tenant, None, &after(&last)).await?;
            let Some(end) = accounts.last() else { return Ok(()) };
            last = end.account.id.to_string();
            for account in &accounts {
                let mut last_entry = String::new();
                loop {
                    let page =
                        credits::ledger(&mut self.tx, account.account.no, &after(&last_entry))
                            .await?;
                    let Some(end) = page.last() else { break };
                    last_entry = end.id.to_string();
                    for entry in page.iter().filter(|entry| self.export.covers(Some(entry.at))) {
                        (self.write)(row(LEDGER, account, entry))?;
                    }
                }
            }
        }
    }

    async fn usage(&mut self) -> Result<(), E> {
        let (tenant, all) = (self.export.tenant, CustomerSearch::default());
        let mut last = String::new();
        loop {
            let customers = customers::page(&mut self.tx, &tenant, &all, &after(&last)).await?;
            let Some((end, _)) = customers.last() else { return Ok(()) };
            last = end.id.to_string();
            for (customer, _) in &customers {
                let mut last_key = String::new();
                loop {
                    let page = usage::events(&mut self.tx, customer.no, &last_key, PAGE).await?;
                    let Some(end) = page.last() else { break };
                    last_key.clone_from(&end.key);
                    for event in page.iter().filter(|event| self.export.covers(Some(event.at))) {
                        (self.write)(row(USAGE, customer, event))?;
                    }
                }
            }
        }
    }

    /// Returns the next page of issued invoices, without their lines; `None` at the end.
    async fn invoice_page(&mut self, last: &mut String) -> Result<Option<Vec<Invoice>>, DbError> {
        let filter = InvoiceFilter::default();
        let mut page =
            invoices::page(&mut self.tx, &self.export.tenant, filter, &after(last)).await?;
        let Some(end) = page.last() else { return Ok(None) };
        *last = end.id.to_string();
        page.retain(|invoice| invoice.status != InvoiceStatus::Draft);
        Ok(Some(page))
    }
}

/// The page of a list after a row, oldest first.
fn after(id: &str) -> PageQuery {
    let cursor = Cursor { direction: Direction::Newer, id: id.to_owned() };
    PageQuery { limit: PAGE, cursor: Some(cursor), list: String::new() }
}
