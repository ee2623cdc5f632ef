//! Rate limits per node: a token bucket for each session, customer, key and peer.
//!
//! Full buckets are dropped, so memory is bounded by the recent callers.

use crate::base::{ApiKeyId, InvoiceId, PortalSessionId};
use crate::config::LimitsConfig;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

const HOUR_SECONDS: u32 = 3_600;
const DAY_SECONDS: u32 = 86_400;

/// The rate limit that a request exceeded.
#[derive(Clone, Copy, Debug)]
pub struct LimitHit {
    pub policy: &'static str,
    pub burst: u32,
    /// The time in which the whole burst comes back.
    pub window_seconds: u32,
    pub wait_seconds: u64,
}

/// Whether a call is within its limit.
#[derive(Debug)]
pub enum Limited {
    Pass,
    Hit(LimitHit),
}

pub struct Limits {
    portal_session: Limit<PortalSessionId>,
    /// Writes with portal tokens, by tenant and customer. A link to an invoice has writes of its own.
    customer_writes: Limit<(i64, i64, Option<InvoiceId>)>,
    /// Promotion codes with portal tokens, by tenant and customer.
    promotion_codes: Limit<(i64, i64)>,
    secret_key: Limit<ApiKeyId>,
    bad_credentials: Limit<IpAddr>,
    /// Requests for a code or a link by e-mail.
    logins: Limit<IpAddr>,
    /// Openings of the links to one invoice.
    invoice_links: Limit<InvoiceId>,
    /// Peers with too many bad credentials until this instant.
    shut_out: Mutex<HashMap<IpAddr, (Instant, LimitHit)>>,
}

/// One kind of limit; disabled if the rate is 0.
struct Limit<K: Hash + Eq + Clone> {
    policy: &'static str,
    burst: u32,
    window_seconds: u32,
    buckets: Option<DefaultKeyedRateLimiter<K>>,
}

impl Limits {
    pub fn new(config: &LimitsConfig) -> Self {
        let session = (config.portal_session_per_second, config.portal_session_burst);
        let key = (config.secret_key_per_second, config.secret_key_burst);
        let bad = config.bad_credentials_per_second;
        Self {
            portal_session: Limit::new("portal-session", session.0, session.1),
            customer_writes: Limit::spread(
                "customer-writes",
                config.customer_writes_per_day,
                DAY_SECONDS,
            ),
            promotion_codes: Limit::spread(
                "promotion-codes",
                config.promotion_codes_per_hour,
                HOUR_SECONDS,
            ),
            secret_key: Limit::new("secret-key", key.0, key.1),
            bad_credentials: Limit::new("bad-credentials", bad, bad),
            logins: Limit::spread("logins", config.logins_per_hour, HOUR_SECONDS),
            invoice_links: Limit::spread("invoice-links", config.logins_per_hour, HOUR_SECONDS),
            shut_out: Mutex::default(),
        }
    }

    pub fn portal_session(&self, sid: PortalSessionId) -> Limited {
        self.portal_session.call(&sid)
    }

    /// Counts a write with a portal token. Whatever a customer does, it fills the disk no faster.
    /// The holder of a link to an invoice cannot use up what the customer may write.
    pub fn customer_write(
        &self,
        tenant_no: i64,
        customer_no: i64,
        link: Option<InvoiceId>,
    ) -> Limited {
        self.customer_writes.call(&(tenant_no, customer_no, link))
    }

    /// Counts an opening of a link to an invoice.
    pub fn invoice_link(&self, id: InvoiceId) -> Limited {
        self.invoice_links.call(&id)
    }

    /// Counts a promotion code that a customer sends, right or wrong.
    pub fn promotion_code(&self, tenant_no: i64, customer_no: i64) -> Limited {
        self.promotion_codes.call(&(tenant_no, customer_no))
    }

    pub fn secret_key(&self, id: ApiKeyId) -> Limited {
        self.secret_key.call(&id)
    }

    /// Counts a request for a code or a link by e-mail.
    pub fn login(&self, peer: IpAddr) -> Limited {
        self.logins.call(&network(peer))
    }

    /// Whether a peer has exceeded the limit of bad credentials. Good credentials pass.
    pub fn shuts_out(&self, peer: IpAddr) -> Option<LimitHit> {
        let shut_out = self.shut_out.lock();
        let (until, hit) = shut_out.get(&network(peer))?;
        (Instant::now() < *until).then_some(*hit)
    }

    pub fn note_bad_credentials(&self, peer: IpAddr) {
        let peer = network(peer);
        if let Limited::Hit(hit) = self.bad_credentials.call(&peer) {
            let until = Instant::now() + Duration::from_secs(hit.wait_seconds);
            self.shut_out.lock().insert(peer, (until, hit));
        }
    }

    /// Drops full buckets.
    pub fn forget_idle(&self) {
        self.portal_session.forget_idle();
        self.customer_writes.forget_idle();
        self.promotion_codes.forget_idle();
        self.secret_key.forget_idle();
        self.bad_credentials.forget_idle();
        self.logins.forget_idle();
        self.invoice_links.forget_idle();
        let now = Instant::now();
        self.shut_out.lock().retain(|_, (until, _)| now < *until);
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(policy: &'static str, per_second: u32, burst: u32) -> Self {
        let quota = NonZeroU32::new(per_second).zip(NonZeroU32::new(burst));
        let buckets = quota
            .map(|(rate, burst)| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)));
        Self { policy, burst, window_seconds: burst.div_ceil(per_second.max(1)), buckets }
    }

    /// Allows as many calls in this time, or all of them at once.
    fn spread(policy: &'static str, calls: u32, window_seconds: u32) -> Self {
        let each = Duration::from_secs(window_seconds.into()).checked_div(calls);
        let quota = each.and_then(Quota::with_period).zip(NonZeroU32::new(calls));
        let buckets = quota.map(|(quota, burst)| RateLimiter::keyed(quota.allow_burst(burst)));
        Self { policy, burst: calls, window_seconds, buckets }
    }

    fn call(&self, key: &K) -> Limited {
        let Some(Err(refused)) = self.buckets.as_ref().map(|buckets| buckets.check_key(key)) else {
            return Limited::Pass;
        };
        let wait = refused.wait_time_from(DefaultClock::default().now());
        Limited::Hit(LimitHit {
            policy: self.policy,
            burst: self.burst,
            window_seconds: self.window_seconds,
            wait_seconds: wait.as_secs() + 1,
        })
    }

    fn forget_idle(&self) {
        if let Some(buckets) = &self.buckets {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

/// An IPv6 client controls a /64, so its addresses share one bucket.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
