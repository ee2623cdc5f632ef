//! Compares requests with a bad token to requests with a good token. Rate limits are disabled to
//! measure the work itself; the last row has them enabled.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use super::{Stage, reads, rows};
use crate::context::Context;
use crate::report::Target;
use crate::requests::{self, Requests};
use crate::rounds::rounds;
use crate::server::{NO_LIMITS, Server, Store};
use crate::setup::Session;

const VARIANTS: usize = 2000;
const MOST: Target = Target::AtMost(1.5);
/// The alphabet of the random part of an id.
const ID_LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_RANDOM: usize = 10;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("garbage")?;
    let store = Store::Embedded(&folder);
    let stage = Stage::open(context, store, &NO_LIMITS, 1000).await?;
    let sessions = stage.sessions(20_000).await?;
    let mut random = Random::open()?;
    let plain = variants(&sessions, |token| random.like(token, false))?;
    let shaped = variants(&sessions, |token| random.like(token, true))?;
    let unknown = variants(&sessions, |token| random.unknown_session(token))?;
    let forged = variants(&sessions, |token| random.forged(token))?;

    let subjects = [
        stage.subject("good token", stage.load(&reads(&sessions), &[200])),
        stage.subject("garbage", stage.load(&plain, &[401])),
        stage.subject("garbage of a token's shape", stage.load(&shaped, &[401])),
        stage.subject("forged, unknown session", stage.load(&unknown, &[401])),
        stage.subject("forged, real session", stage.load(&forged, &[401])),
    ];
    let [good, plain, shaped, unknown, real] = rounds(context, subjects).await?;
    stage.server.process.stop()?;

    let limited = Server::start(context, store, &[]).await?;
    let stage = Stage { server: limited, ..stage };
    let subjects = [
        stage.subject("good token", stage.load(&reads(&sessions), &[200])),
        stage.subject("forged, limits on", stage.load(&forged, &[401, 429])),
    ];
    let [good_limited, limited] = rounds(context, subjects).await?;

    rows(context, "garbage", "good token", &good, (Target::None, Target::None));
    for (what, series, base, target) in [
        ("garbage", &plain, &good, MOST),
        ("garbage of a token's shape", &shaped, &good, MOST),
        ("forged, unknown session", &unknown, &good, MOST),
        ("forged, real session, limits off", &real, &good, Target::None),
        ("forged, real session, limits on", &limited, &good_limited, Target::None),
    ] {
        let report = &mut context.report;
        report.row("garbage", format!("{what}: CPU a request"), (series.cpu(), "us"), Target::None);
        let ratio = series.cpu_ratio(base);
        report.row("garbage", format!("{what}: CPU / good"), (ratio, "x"), target);
    }
    stage.server.process.stop()
}

fn variants(
    sessions: &[Session],
    mut change: impl FnMut(&str) -> Result<String>,
) -> Result<Requests> {
    let tokens = sessions.iter().take(VARIANTS).map(|session| change(&session.token));
    tokens.map(|token| Ok(requests::current(&token?))).collect()
}

struct Random {
    source: File,
}

impl Random {
    fn open() -> Result<Random> {
        Ok(Random { source: File::open("/dev/urandom")? })
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Random letters in place of the token, with or without its dots.
    fn like(&mut self, token: &str, dots: bool) -> Result<String> {
        let letters = BASE64URL.encode(self.bytes(token.len())?);
        let pairs = token.chars().zip(letters.chars());
        Ok(pairs.map(|(old, new)| if dots && old == '.' { old } else { new }).collect())
    }

    /// The token with another session id in its claims, well-formed.
    fn unknown_session(&mut self, token: &str) -> Result<String> {
        let &[header, payload, signature] = token.split('.').collect::<Vec<_>>().as_slice() else {
            bail!("a token of another shape");
        };
        let claims = String::from_utf8(BASE64URL.decode(payload)?)?;
        let parsed: serde_json::Value = serde_json::from_str(&claims)?;
        let sid = parsed.get("sid").and_then(|sid| sid.as_str()).context("a token without sid")?;
        let kept = sid.get(..sid.len().saturating_sub(ID_RANDOM)).context("an odd sid")?;
        let letters = self.bytes(ID_RANDOM)?;
        let letters = letters.iter().map(|byte| char::from(ID_LETTERS[usize::from(byte % 32)]));
        let other: String = kept.chars().chain(letters).collect();
        let claims = BASE64URL.encode(claims.replace(sid, &other));
        Ok(format!("{header}.{claims}.{signature}"))
    }

    /// The real header and claims with an invalid signature.
    fn forged(&mut self, token: &str) -> Result<String> {
        let (signed, signature) = token.rsplit_once('.').context("a token of another shape")?;
        let bytes = self.bytes(BASE64URL.decode(signature)?.len())?;
        Ok(format!("{signed}.{}", BASE64URL.encode(bytes)))
    }
}
