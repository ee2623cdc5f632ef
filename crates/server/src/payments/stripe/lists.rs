//! Reads whole lists of an account, and ends subscriptions with their period: for the import. Calls keep
//! a rate, and one that is refused for now is repeated a few times.

use super::client::Call;
use super::{Stripe, is_id};
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

/// Pages of this size stay far below the largest answer that the client reads.
const PAGE: &str = "50";
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The metadata by which a subscription at Stripe names the one here.
const MOVED_TO: &str = "metadata[unitpay_subscription]";

/// One account, read at a bounded rate.
pub struct Lists {
    stripe: Arc<Stripe>,
    pace: Interval,
}

/// A page of a list, and the id after which the next one starts.
#[derive(Debug)]
pub struct Page {
    pub rows: Vec<Value>,
    pub next: Option<String>,
}

#[derive(Debug)]
pub enum ListError {
    /// Stripe does not accept the key.
    KeyRefused,
    /// The key may not call this path.
    PermissionMissing(String),
    /// Stripe did not answer as it should, however often it was asked.
    Unavailable(String),
}

impl Lists {
    pub fn new(stripe: Arc<Stripe>, calls_per_second: u32) -> Self {
        let mut pace = interval(Duration::from_secs(1) / calls_per_second.max(1));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { stripe, pace }
    }

    /// A page of the account's customers, with their tax ids.
    pub async fn customers(&mut self, after: Option<&str>) -> Result<Page, ListError> {
        let list = || Call::get("/v1/customers").with("expand[]", "data.tax_ids");
        self.page(list, after).await
    }

    /// A page of the account's subscriptions that have not ended.
    pub async fn subscriptions(&mut self, after: Option<&str>) -> Result<Page, ListError> {
        self.page(|| Call::get("/v1/subscriptions"), after).await
    }

    /// All payment methods of a customer, of every kind.
    pub async fn payment_methods(&mut self, customer: &str) -> Result<Vec<Value>, ListError> {
        let path = format!("/v1/customers/{}/payment_methods", checked(customer)?);
        let mut all = Vec::new();
        let mut next = None;
        loop {
            let page = self.page(|| Call::get(&path), next.as_deref()).await?;
            all.extend(page.rows);
            next = page.next;
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    pub async fn subscription(&mut self, id: &str) -> Result<Value, ListError> {
        let path = format!("/v1/subscriptions/{}", checked(id)?);
        self.call(|| Call::get(&path)).await
    }

    /// Ends a subscription with its period. Repeating it changes nothing.
    pub async fn end_with_period(&mut self, id: &str, moved_to: &str) -> Result<Value, ListError> {
        let path = format!("/v1/subscriptions/{}", checked(id)?);
        let call = || {
            let call = Call::post(&path).with("cancel_at_period_end", "true");
            call.with(MOVED_TO, moved_to)
        };
        self.call(call).await
    }

    async fn page(
        &mut self,
        list: impl Fn() -> Call,
        after: Option<&str>,
    ) -> Result<Page, ListError> {
        let paged = || {
            let call = list().with("limit", PAGE);
            after.into_iter().fold(call, |call, after| call.with("starting_after", after))
        };
        let mut page = self.call(paged).await?;
        let has_more = page["has_more"] == true;
        let Value::Array(rows) = page["data"].take() else {
            return Err(ListError::Unavailable("Stripe's list has no data".to_owned()));
        };
        let last = rows.last().and_then(|row| row["id"].as_str()).map(str::to_owned);
        Ok(Page { rows, next: last.filter(|_| has_more) })
    }

    async fn call(&mut self, call: impl Fn() -> Call) -> Result<Value, ListError> {
        let mut tries = 0;
        loop {
            tries += 1;
            self.pace.tick().await;
            let failure = match self.stripe.send(call()).await {
                Ok(answer) if answer.is_success() => return Ok(answer.body),
                Ok(answer) => match answer.status {
                    401 => return Err(ListError::KeyRefused),
                    403 => return Err(ListError::PermissionMissing(call().path().to_owned())),
                    status => {
                        let failure = super::refused(&answer).to_string();
                        if status < 500 && status != 429 && status != 409 {
                            return Err(ListError::Unavailable(failure));
                        }
                        failure
                    }
                },
                Err(error) => error.to_string(),
            };
            if tries == TRIES {
                return Err(ListError::Unavailable(failure));
            }
            sleep(FIRST_WAIT * 2_u32.pow(tries - 1)).await;
        }
    }
}

fn checked(id: &str) -> Result<&str, ListError> {
    let odd = || ListError::Unavailable("Stripe's answer has an odd id".to_owned());
    is_id(id).then_some(id).ok_or_else(odd)
}

impl ListError {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyRefused => "key_refused",
            Self::PermissionMissing(_) => "permission_missing",
            Self::Unavailable(_) => "stripe_unavailable",
        }
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyRefused => f.write_str("Stripe does not accept the secret key"),
            Self::PermissionMissing(path) => {
                write!(f, "the restricted key may not call {path}; see docs/stripe.md")
            }
            Self::Unavailable(reason) => f.write_str(reason),
        }
    }
}

impl Error for ListError {}
