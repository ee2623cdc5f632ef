//! Extractors for the body, the path and the idempotency key.

use super::request::RequestInfo;
use super::wire::Request as Declared;
use super::{Code, Fields, Problem};
use crate::app::App;
use crate::audit::Actor;
use crate::base::Time;
use crate::idempotency::Idempotency;
use axum::body::{Body as AxumBody, Bytes};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request};
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// The maximum size of a body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A JSON body, read strictly.
struct JsonBody {
    fields: Fields,
    raw: Bytes,
}

/// A body of JSON that `T` declares. With `Option`, the body may be absent.
#[derive(Debug)]
pub struct Body<T> {
    pub fields: Fields,
    pub raw: Bytes,
    declared: PhantomData<fn() -> T>,
}

/// No body, or an empty object: a client that sends more expects something that will not happen.
#[derive(Debug)]
pub struct NoBody;

/// A JSON body up to this size, which the handler parses.
#[derive(Debug)]
pub struct RawJsonBody<const MOST: usize>(pub Bytes);

/// A body of JSON or of a form, that `T` declares.
#[derive(Debug)]
pub struct FormBody<T>(Fields, PhantomData<fn() -> T>);

impl<T: Declared> FormBody<T> {
    pub fn read(mut self) -> Result<T, Problem> {
        let declared = T::read(&mut self.0);
        self.0.build(|| declared)
    }
}

/// The path segment that names an object.
#[derive(Debug)]
pub struct PathText(pub String);

/// The path segments that name two objects.
#[derive(Debug)]
pub struct PathTexts(pub String, pub String);

/// The `Idempotency-Key` header, with the data that is hashed with it.
#[derive(Debug)]
pub struct IdempotencyKey {
    key: Option<String>,
    method: http::Method,
    path: String,
}

impl FromRequest<Arc<App>> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers) != Some("application/json") {
            return Err(unsupported("The body must be application/json."));
        }
        let raw = read(app, &parts.headers, body, MAX_BODY_BYTES).await?;
        Ok(Self { fields: Fields::from_json(&raw)?, raw })
    }
}

impl<T: Declared> Body<T> {
    /// Reads the whole body; every mistake in it is in the answer.
    pub fn read(mut self) -> Result<(T, Bytes), Problem> {
        let declared = T::read(&mut self.fields);
        Ok((self.fields.build(|| declared)?, self.raw))
    }

    /// Reads a body that may be absent: that is the same as an empty object.
    pub fn read_optional(body: Option<Self>) -> Result<(T, Bytes), Problem> {
        let absent =
            || Self { fields: Fields::default(), raw: Bytes::new(), declared: PhantomData };
        body.unwrap_or_else(absent).read()
    }
}

/// Whether a secret key sent the request: then every field may be set.
fn is_of_key(extensions: &http::Extensions) -> bool {
    let info = extensions.get::<Arc<RequestInfo>>();
    info.and_then(|info| info.caller()).is_some_and(|caller| matches!(caller, Actor::ApiKey(_)))
}

impl<T> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let of_key = is_of_key(request.extensions());
        let body = <JsonBody as FromRequest<Arc<App>>>::from_request(request, app).await?;
        let fields = body.fields.from_key(of_key);
        Ok(Self { fields, raw: body.raw, declared: PhantomData })
    }
}

impl<T> OptionalFromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Option<Self>, Problem> {
        if is_absent(&request) {
            return Ok(None);
        }
        <Self as FromRequest<Arc<App>>>::from_request(request, app).await.map(Some)
    }
}

fn is_absent(request: &Request) -> bool {
    !request.headers().contains_key(header::CONTENT_TYPE) && request.body().is_end_stream()
}

impl<const MOST: usize> FromRequest<Arc<App>> for RawJsonBody<MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers) != Some("application/json") {
            return Err(unsupported("The body must be application/json."));
        }
        read(app, &parts.headers, body, MOST).await.map(Self)
    }
}

impl FromRequest<Arc<App>> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self);
        }
        let body = <JsonBody as FromRequest<Arc<App>>>::from_request(request, app).await?;
        body.fields.finish().map(|()| Self)
    }
}

impl<T> FromRequest<Arc<App>> for FormBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let form = match media_type(&parts.headers) {
            Some("application/json") => false,
            Some("application/x-www-form-urlencoded") => true,
            Some(_) | None => {
                let accepted = "application/json or application/x-www-form-urlencoded";
                return Err(unsupported(format!("The body must be {accepted}.")));
            }
        };
        let raw = read(app, &parts.headers, body, MAX_BODY_BYTES).await?;
        let fields = if form { Fields::from_pairs(&raw)? } else { Fields::from_json(&raw)? };
        Ok(Self(fields, PhantomData))
    }
}

async fn read(
    app: &App,
    headers: &HeaderMap,
    body: AxumBody,
    most: usize,
) -> Result<Bytes, Problem> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported("The body must not be compressed."));
    }
    let whole = Limited::new(body, most).collect();
    let timeout = Duration::from_secs(app.config.http.body_timeout_seconds);
    match tokio::time::timeout(timeout, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("The body is larger than {} KiB.", most / 1024);
            Err(Problem::new(Code::PayloadTooLarge, detail))
        }
        Ok(Err(_)) => Err(Problem::new(Code::MalformedRequest, "The body ended early.")),
        Err(_) => Err(Problem::new(Code::RequestTimeout, "The body did not arrive in time.")),
    }
}

fn unsupported(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Code::UnsupportedMediaType, detail)
}

/// Returns the media type without parameters, in lower case, if there is exactly one.
fn media_type(headers: &HeaderMap) -> Option<&'static str> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (media, parameters) =
        value.to_str().ok()?.split_once(';').unwrap_or((value.to_str().ok()?, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    let utf8 = ["", "charset=utf-8", "charset=\"utf-8\""].contains(&parameters.as_str());
    ["application/json", "application/x-www-form-urlencoded"]
        .into_iter()
        .find(|known| utf8 && media.trim().eq_ignore_ascii_case(known))
}

impl FromRequestParts<Arc<App>> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, app).await.ok();
        let text = text.filter(|Path(text)| is_plain(text));
        text.map(|Path(text)| Self(text)).ok_or_else(malformed_path)
    }
}

impl FromRequestParts<Arc<App>> for PathTexts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let texts = Path::<(String, String)>::from_request_parts(parts, app).await.ok();
        let texts = texts.filter(|Path((one, other))| is_plain(one) && is_plain(other));
        texts.map(|Path((one, other))| Self(one, other)).ok_or_else(malformed_path)
    }
}

/// PostgreSQL accepts no U+0000 in texts, so no stored object has one in its id.
fn is_plain(text: &str) -> bool {
    !text.contains('\0')
}

fn malformed_path() -> Problem {
    Problem::new(Code::MalformedRequest, "The path is not valid UTF-8 text.")
}

impl FromRequestParts<Arc<App>> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        const NAME: &str = "Idempotency-Key";
        let mut values = parts.headers.get_all(NAME).iter();
        let key = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => {
                let visible = |key: &&str| {
                    (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
                };
                let key = value.to_str().ok().filter(visible);
                let wrong =
                    || Problem::invalid_param(NAME, "must be 1 to 255 visible ASCII characters");
                Some(key.ok_or_else(wrong)?.to_owned())
            }
            (Some(_), Some(_)) => return Err(Problem::invalid_param(NAME, "must not be repeated")),
        };
        Ok(Self { key, method: parts.method.clone(), path: parts.uri.path().to_owned() })
    }
}

impl IdempotencyKey {
    /// Returns the idempotency data of this request, if it has a key.
    pub fn bind(self, caller: impl ToString, body: &[u8], now: Time) -> Option<Idempotency> {
        let key = self.key?;
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in [self.method.as_str().as_bytes(), self.path.as_bytes(), body] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut request = [0; 32];
        request.copy_from_slice(context.finish().as_ref());
        Some(Idempotency { caller: caller.to_string(), key, request, now })
    }
}
