//! Tracking: each event counts once. A request is one transaction. It runs one statement for each kind
//! of record, for any number of events with different keys.

use super::judge::{Adds, Counted, NotCounted, Now, World};
use super::sql::{self, InPeriod, ToStore};
use super::{NewUsageEvent, Rejection, RejectionReason, limit};
use crate::base::CreditCurrencyId;
use crate::credits::{self, Wallet};
use crate::db::{DbError, Tx};
use crate::work::Work;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The result of tracking a request's events.
#[derive(Clone, Debug)]
pub struct Tracked {
    pub accepted: usize,
    /// In the order of the events.
    pub rejections: Vec<Rejection>,
    /// Debited wallets whose balance is now below their top-up threshold.
    pub low: Vec<(i64, CreditCurrencyId)>,
}

/// An event that counts, unless its key is taken.
struct Candidate<'a> {
    index: usize,
    stored: ToStore<'a>,
    counted: Counted,
}

impl Candidate<'_> {
    /// Returns the usage periods in which it counts and that have a limit.
    fn limits<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (InPeriod, i64)> + 'a {
        let customer_no = self.stored.customer_no;
        self.counted.parts.iter().filter_map(move |part| {
            let limit = world.limit(customer_no, part.metric_id)?;
            Some((part.place(customer_no).any_payment(), limit))
        })
    }
}

/// The result of a batch of events.
struct Round<'a> {
    counted: Vec<Candidate<'a>>,
    rejections: Vec<Rejection>,
    low: Vec<(i64, CreditCurrencyId)>,
}

/// Counts events in their order. Those between two repeated keys are taken at once.
pub async fn track(
    work: &mut Work<'_, '_, '_>,
    events: &[NewUsageEvent],
) -> Result<Tracked, DbError> {
    let world = sql::world(work.tx, work.tenant, events).await?;
    let now = Now { billing: work.at, real: work.by.now };
    let (mut rejections, mut low, mut limits) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    let mut next = 0;
    while next < events.len() {
        let mut keys = HashSet::new();
        let (mut candidates, mut refused) = (Vec::new(), Vec::new());
        // A repeated key ends the round: the events after it come after it.
        for (index, event) in events.iter().enumerate().skip(next) {
            let customer_no = world.customers.get(&event.customer).copied();
            if !keys.insert((customer_no, &event.key)) {
                break;
            }
            next = index + 1;
            let Some(customer_no) = customer_no else {
                rejections.push(Rejection::new(index, RejectionReason::UnknownCustomer));
                continue;
            };
            match world.judge(customer_no, event, now) {
                Ok(counted) => {
                    let stored =
                        ToStore { customer_no, id: work.by.ids.event(), event, at: counted.at };
                    candidates.push(Candidate { index, stored, counted });
                }
                Err(NotCounted { reason, detail }) => {
                    refused.push((customer_no, Rejection { index, reason, detail }));
                }
            }
        }
        rejections.extend(refuse(work.tx, events, refused).await?);
        let round = count(work, candidates).await?;
        rejections.extend(round.rejections);
        low.extend(round.low);
        limits.extend(round.counted.iter().flat_map(|one| one.limits(&world)));
    }
    limit::announce_reached(work, &world, &limits).await?;
    rejections.sort_unstable_by_key(|rejection| rejection.index);
    Ok(Tracked {
        accepted: events.len() - rejections.len(),
        rejections,
        low: low.into_iter().collect(),
    })
}

/// Rejects events, except repetitions of counted ones.
async fn refuse(
    tx: &mut Tx<'_, '_>,
    events: &[NewUsageEvent],
    mut refused: Vec<(i64, Rejection)>,
) -> Result<Vec<Rejection>, DbError> {
    let key = |customer_no: i64, rejection: &Rejection| {
        (customer_no, events[rejection.index].key.as_str())
    };
    let known = sql::find(tx, refused.iter().map(|(no, rejection)| key(*no, rejection))).await?;
    refused.retain_mut(|(no, rejection)| {
        let event = &events[rejection.index];
        match known.get(&(*no, event.key.clone())) {
            None => true,
            Some(stored) if stored.content == event.content => false,
            Some(_) => {
                *rejection = Rejection::new(rejection.index, RejectionReason::Duplicate);
                true
            }
        }
    });
    Ok(refused.into_iter().map(|(_, rejection)| rejection).collect())
}

/// Counts events with unused keys and sufficient credits.
async fn count<'a>(
    work: &mut Work<'_, '_, '_>,
    mut candidates: Vec<Candidate<'a>>,
) -> Result<Round<'a>, DbError> {
    let mut rejections = Vec::new();
    // Sorted, so that concurrent requests lock rows in one order and cannot deadlock.
    candidates.sort_by_key(|one| (one.stored.customer_no, &one.stored.event.key));
    let to_store: Vec<_> = candidates.iter().map(|one| one.stored).collect();
    if sql::store(work.tx, &to_store).await? < to_store.len() as u64 {
        let keys = to_store.iter().map(|one| (one.customer_no, one.event.key.as_str()));
        let known = sql::find(work.tx, keys).await?;
        candidates.retain(|Candidate { index, stored, .. }| {
            let key = (stored.customer_no, stored.event.key.clone());
            let Some(found) = known.get(&key).filter(|found| found.id != stored.id) else {
                return true;
            };
            if found.content != stored.event.content {
                rejections.push(Rejection::new(*index, RejectionReason::Duplicate));
            }
            false
        });
    }
    candidates.sort_unstable_by_key(|one| one.index);
    let (short, low) = debit(work, &mut candidates).await?;
    let unpaid: Vec<_> = short.iter().map(|one| one.stored).collect();
    sql::delete(work.tx, &unpaid).await?;
    let reason = RejectionReason::InsufficientCredits;
    rejections.extend(short.iter().map(|one| Rejection::new(one.index, reason)));
    aggregate(work.tx, &candidates).await?;
    Ok(Round { counted: candidates, rejections, low })
}

/// Debits the cost of the events in their order, and removes those without sufficient credits.
/// Returns these, and the wallets to top up.
async fn debit<'a>(
    work: &mut Work<'_, '_, '_>,
    candidates: &mut Vec<Candidate<'a>>,
) -> Result<(Vec<Candidate<'a>>, Vec<(i64, CreditCurrencyId)>), DbError> {
    let wanted: BTreeSet<_> = candidates
        .iter()
        .flat_map(|one| {
            one.counted.debits.iter().map(|(currency, _)| (one.stored.customer_no, *currency))
        })
        .collect();
    if wanted.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let wallets = credits::lock(work, &wanted).await?;
    let mut wallets: BTreeMap<_, Wallet> = wallets
        .into_iter()
        .map(|wallet| ((wallet.account.customer_no, wallet.account.currency_id), wallet))
        .collect();
    let (paid, short) = std::mem::take(candidates).into_iter().partition(|one| {
        let customer_no = one.stored.customer_no;
        let mut due = BTreeMap::new();
        for (currency, amount) in &one.counted.debits {
            *due.entry((customer_no, *currency)).or_insert(0_i64) += amount;
        }
        let suffices = due.iter().all(|(key, amount)| {
            *amount == 0 || wallets.get(key).is_some_and(|wallet| wallet.can_pay(*amount))
        });
        if suffices {
            for (key, amount) in due {
                if let Some(wallet) = wallets.get_mut(&key) {
                    wallet.debit(amount, one.stored.id, work.stamp());
                }
            }
        }
        suffices
    });
    *candidates = paid;
    let low = wallets.iter().filter(|(_, wallet)| wallet.wants_top_up()).map(|(key, _)| *key);
    let low = low.collect();
    let wallets: Vec<Wallet> = wallets.into_values().collect();
    credits::save(work, &wallets).await?;
    Ok((short, low))
}

/// Adds the events to the aggregates of their metrics and the daily totals of their names.
async fn aggregate(tx: &mut Tx<'_, '_>, candidates: &[Candidate<'_>]) -> Result<(), DbError> {
    let mut sums: BTreeMap<InPeriod, [i64; 2]> = BTreeMap::new();
    let mut maxima: BTreeMap<InPeriod, [i64; 2]> = BTreeMap::new();
    let mut values = BTreeSet::new();
    let mut days: BTreeMap<(i64, i64, &str), [i64; 2]> = BTreeMap::new();
    for Candidate { stored, counted, .. } in candidates {
        let customer_no = stored.customer_no;
        for part in &counted.parts {
            let place = part.place(customer_no);
            match &part.adds {
                Adds::Sum(quantity) => add(sums.entry(place).or_default(), quantity.parts()),
                Adds::Max(quantity) => {
                    let (whole, millionths) = quantity.parts();
                    let most = maxima.entry(place).or_default();
                    *most = (*most).max([whole, millionths]);
                }
                Adds::Value(value) => {
                    values.insert((place, value.as_str()));
                }
            }
        }
        let day = (customer_no, credits::day(counted.at), stored.event.name.as_str());
        add(days.entry(day).or_default(), stored.event.quantity.parts());
    }
    let values: Vec<_> = values.into_iter().collect();
    for place in sql::add_values(tx, &values).await? {
        add(sums.entry(place).or_default(), (1, 0));
    }
    sql::add(tx, sums.into_iter()).await?;
    sql::raise(tx, maxima.into_iter()).await?;
    sql::add_days(tx, days.into_iter()).await
}

const fn add(sum: &mut [i64; 2], (whole, millionths): (i64, i64)) {
    sum[0] += whole;
    sum[1] += millionths;
}
