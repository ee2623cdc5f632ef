//! A history checker: random concurrent operations, and each response checked against every
//! possible order.
//!
//! An operation happened at one instant between its start and its end, both ticks of one counter.
//! An accepted token is wrong if a revocation surely happened before the check and after the mint.
//! A token refused as revoked is wrong if no revocation possibly happened. The first response
//! decides the result of a mint and a revocation that overlapped, and must hold from then on.

use crate::on_both_stores;
use crate::support::{Answer, Test, claims};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const OPERATIONS: usize = 20_000;
const WORKERS: usize = 16;
const CUSTOMERS: usize = 6;
const TTL_SECONDS: i64 = 60;
const SEED: u64 = 0x5eed_0001;

/// The span of an operation: not before `start`, not after `end`.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    end: u64,
}

/// A token held by a client.
#[derive(Clone, Debug)]
struct Held {
    text: String,
    sid: String,
    customer: usize,
    expires_at: i64,
    minted: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Revoked,
    Expired,
}

/// A token was presented while the server's clock was between the two times.
#[derive(Clone, Debug)]
struct Check {
    token: Held,
    span: Span,
    clock: (i64, i64),
    verdict: Verdict,
}

#[derive(Debug)]
enum Event {
    Check(Check),
    RevokeSession { sid: String, span: Span },
    RevokeCustomer { customer: usize, span: Span },
}

struct World {
    t: Test,
    ticks: AtomicU64,
    left: AtomicUsize,
    held: Mutex<Vec<Held>>,
    events: Mutex<Vec<Event>>,
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

impl World {
    async fn timed(&self, call: impl Future<Output = Answer>) -> (Answer, Span, (i64, i64)) {
        let (start, before) = (self.tick(), self.now());
        let answer = call.await;
        (answer, Span { end: self.tick(), start }, (before, self.now()))
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    fn now(&self) -> i64 {
        self.t.app.clock.now().seconds()
    }

    fn note(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    /// Returns one of the recently issued tokens.
    fn pick(&self, dice: &mut Dice) -> Option<Held> {
        let held = self.held.lock().unwrap();
        let recent = held.len().min(200);
        (recent > 0).then(|| held[held.len() - 1 - dice.next(recent)].clone())
    }

    async fn mint(&self, customer: usize) {
        let body = json!({ "customerId": format!("c{customer}"), "ttlSeconds": TTL_SECONDS });
        let (answer, minted, _) = self.timed(self.t.mint(body)).await;
        let text = answer.expect(201).text("token");
        self.hold(text, customer, minted);
    }

    fn hold(&self, text: String, customer: usize, minted: Span) {
        let claims = claims(&text);
        let sid = claims["sid"].as_str().unwrap().to_owned();
        let expires_at = claims["exp"].as_i64().unwrap();
        self.held.lock().unwrap().push(Held { text, sid, customer, expires_at, minted });
    }

    /// Records whether a token was accepted, and returns the response if it was.
    async fn check(
        &self,
        token: Held,
        call: impl Future<Output = Answer>,
    ) -> Option<(Answer, Span)> {
        let (answer, span, clock) = self.timed(call).await;
        let verdict = match answer.status {
            200 | 204 => Verdict::Accepted,
            _ => match answer.text("code").as_str() {
                "session_revoked" => Verdict::Revoked,
                "token_expired" => Verdict::Expired,
                other => panic!("{other}: {token:?}"),
            },
        };
        self.note(Event::Check(Check { token, span, clock, verdict }));
        (verdict == Verdict::Accepted).then_some((answer, span))
    }

    async fn operate(&self, dice: &mut Dice) {
        let dealt = dice.next(1_000);
        if let 0..160 = dealt {
            return self.mint(dice.next(CUSTOMERS)).await;
        }
        if let 160..168 = dealt {
            let customer = dice.next(CUSTOMERS);
            let body = json!({ "customerId": format!("c{customer}") });
            let (answer, span, _) = self.timed(self.t.revoke(body)).await;
            answer.expect(204);
            return self.note(Event::RevokeCustomer { customer, span });
        }
        if let 168..195 = dealt {
            return self.t.advance(1 + dice.next(7) as u64);
        }
        let Some(token) = self.pick(dice) else { return };
        match dealt {
            195..215 => {
                let jti = claims(&token.text)["jti"].clone();
                let (answer, span, _) = self.timed(self.t.revoke(json!({ "jti": jti }))).await;
                answer.expect(204);
                self.note(Event::RevokeSession { sid: token.sid, span });
            }
            215..230 => {
                let call = self.t.log_out(&token.text);
                let sid = token.sid.clone();
                if let Some((_, span)) = self.check(token.clone(), call).await {
                    self.note(Event::RevokeSession { sid, span });
                }
            }
            230..450 => {
                let call = self.t.refresh(&token.text);
                let refreshed = self.check(token.clone(), call).await;
                let next = refreshed.map(|(answer, _)| answer.text("token"));
                if let Some(next) = next.filter(|next| *next != token.text) {
                    self.hold(next, token.customer, token.minted);
                }
            }
            _ => {
                let call = self.t.read(&token.text);
                self.check(token.clone(), call).await;
            }
        }
    }
}

/// The history of one session besides its checks.
struct Judge<'h> {
    sessions: HashMap<&'h str, Vec<Span>>,
    customers: HashMap<usize, Vec<Span>>,
}

impl<'h> Judge<'h> {
    fn new(events: &'h [Event]) -> Self {
        let mut judge = Self { sessions: HashMap::new(), customers: HashMap::new() };
        for event in events {
            match event {
                Event::Check(_) => {}
                Event::RevokeSession { sid, span } => {
                    judge.sessions.entry(sid).or_default().push(*span);
                }
                Event::RevokeCustomer { customer, span } => {
                    judge.customers.entry(*customer).or_default().push(*span);
                }
            }
        }
        judge.learn(events);
        judge
    }

    /// A token accepted after a customer's revocation ended was minted after it. So the revocation
    /// happened before that mint ended, and affects nothing that was minted later.
    fn learn(&mut self, events: &[Event]) {
        for check in checks(events).filter(|check| check.verdict == Verdict::Accepted) {
            for revoke in self.customers.entry(check.token.customer).or_default() {
                if revoke.end < check.span.start {
                    revoke.end = revoke.end.min(check.token.minted.end);
                }
            }
        }
    }

    /// Returns why a response fits no order of events; `None` if it fits one.
    fn objection(&self, check: &Check) -> Option<&'static str> {
        let Check { token, span, clock, verdict } = check;
        let sessions = self.sessions.get(token.sid.as_str()).into_iter().flatten();
        let customers = self.customers.get(&token.customer).into_iter().flatten();
        match verdict {
            Verdict::Expired if clock.1 < token.expires_at => Some("expired before its end"),
            Verdict::Accepted | Verdict::Revoked if clock.0 >= token.expires_at => {
                Some("not expired after its end")
            }
            Verdict::Accepted => {
                let by_session = sessions.clone().any(|revoke| revoke.end < span.start);
                let by_customer = customers
                    .clone()
                    .any(|revoke| token.minted.end < revoke.start && revoke.end < span.start);
                (by_session || by_customer).then_some("accepted after its revocation")
            }
            Verdict::Revoked => {
                let by_session = sessions.clone().any(|revoke| revoke.start < span.end);
                let by_customer = customers
                    .clone()
                    .any(|revoke| token.minted.start < revoke.end && revoke.start < span.end);
                (!by_session && !by_customer).then_some("revoked by nobody")
            }
            Verdict::Expired => None,
        }
    }
}

fn checks(events: &[Event]) -> impl Iterator<Item = &Check> {
    events.iter().filter_map(|event| match event {
        Event::Check(check) => Some(check),
        Event::RevokeSession { .. } | Event::RevokeCustomer { .. } => None,
    })
}

/// A session refused as revoked is never accepted again, whichever of its tokens is presented.
fn resurrected(events: &[Event]) -> Option<&Check> {
    let mut dead_since: HashMap<&str, u64> = HashMap::new();
    for check in checks(events).filter(|check| check.verdict == Verdict::Revoked) {
        let since = dead_since.entry(&check.token.sid).or_insert(u64::MAX);
        *since = check.span.end.min(*since);
    }
    checks(events).filter(|check| check.verdict == Verdict::Accepted).find(|check| {
        dead_since.get(check.token.sid.as_str()).is_some_and(|since| *since < check.span.start)
    })
}

on_both_stores! {
    async fn random_concurrent_history_is_linearizable(t) {
        for customer in 0..CUSTOMERS {
            t.customer(&format!("c{customer}")).await;
        }
        let world = Arc::new(World {
            t,
            ticks: AtomicU64::new(0),
            left: AtomicUsize::new(OPERATIONS),
            held: Mutex::default(),
            events: Mutex::default(),
        });
        let workers: Vec<_> = (0..WORKERS as u64)
            .map(|worker| {
                let world = Arc::clone(&world);
                tokio::spawn(async move {
                    let mut dice = Dice(SEED + worker);
                    let take = |left: usize| left.checked_sub(1);
                    while world.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        world.operate(&mut dice).await;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap_or_else(|error| panic!("seed {SEED:#x}: {error}"));
        }
        let events = world.events.lock().unwrap();
        let judge = Judge::new(&events);
        let mut counts = [0; 3];
        for check in checks(&events) {
            let objection = judge.objection(check);
            assert_eq!(objection, None, "seed {SEED:#x}: {check:?}");
            counts[check.verdict as usize] += 1;
        }
        assert!(resurrected(&events).is_none(), "seed {SEED:#x}: {:?}", resurrected(&events));
        // A history without events would prove nothing.
        assert!(counts.into_iter().all(|count| count > 500), "{counts:?}");
    }
}
