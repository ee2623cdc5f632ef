//! One call of the protocol: signed, bounded in time and size, never redirected, its answer read by its
//! type.

use super::Remote;
use super::protocol::{Refusal, Signed, Wrong, is_reference};
use crate::base::Time;
use crate::outbound::{Answer, OutboundError};
use crate::payments::ProcessorError;
use crate::signing::SigningSecrets;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use hyper::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt;

pub const MAX_ANSWER_BYTES: usize = 64 * 1024;
const MAX_CODE: usize = 60;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[derive(Debug)]
pub enum CallError {
    /// Our own request could not be written.
    NotWritten,
    /// No answer: the call may have been carried out.
    NoAnswer(OutboundError),
    /// Refused with a code.
    Refused {
        status: u16,
        code: String,
    },
    /// Another status than 200, without a code.
    Status(u16),
    TooLarge,
    /// Not JSON, or not of the declared type. Only `check` shows the cause: it may repeat a value.
    Malformed(serde_json::Error),
    /// JSON of the right type that means nothing here.
    Wrong(Wrong),
}

impl Remote {
    pub(super) async fn call<T, A>(
        &self,
        operation: &'static str,
        key: Option<&str>,
        request: &T,
    ) -> Result<A, CallError>
    where
        T: Serialize + Sync,
        A: DeserializeOwned,
    {
        let secrets = (&self.secrets, self.clock.now());
        self.call_signed(operation, key, request, secrets).await
    }

    /// The same with other secrets or at another time.
    pub(super) async fn call_signed<T, A>(
        &self,
        operation: &'static str,
        key: Option<&str>,
        request: &T,
        (secrets, at): (&SigningSecrets, Time),
    ) -> Result<A, CallError>
    where
        T: Serialize + Sync,
        A: DeserializeOwned,
    {
        let signed = Signed { operation, environment: self.environment.as_str(), request };
        let body = Bytes::from(serde_json::to_vec(&signed).map_err(|_| CallError::NotWritten)?);
        let id = format!("req_{}", URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()));
        let headers = secrets.headers(&id, at, &body);
        let mut headers = headers.map_err(|_| CallError::NotWritten)?;
        if let Some(key) = key {
            let key = HeaderValue::from_str(key).map_err(|_| CallError::NotWritten)?;
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        // One byte more than is taken, by which a longer answer is told.
        let bounds = (MAX_ANSWER_BYTES + 1, self.within);
        let answer = self.peer.post_below(operation, &headers, &body, bounds).await;
        let answer = answer.map_err(CallError::NoAnswer)?;
        tracing::debug!(operation, status = answer.status, call = id, "a processor answered");
        read(&answer)
    }
}

fn read<A: DeserializeOwned>(answer: &Answer) -> Result<A, CallError> {
    let Answer { status, body } = answer;
    if body.len() > MAX_ANSWER_BYTES {
        return Err(CallError::TooLarge);
    }
    if *status == 200 {
        return serde_json::from_slice(body).map_err(CallError::Malformed);
    }
    let refusal = serde_json::from_slice::<Refusal>(body).ok().filter(|_| *status >= 400);
    let code = refusal.map(|refusal| refusal.error.code);
    match code.filter(|code| is_reference(code) && code.len() <= MAX_CODE) {
        Some(code) => Err(CallError::Refused { status: *status, code }),
        None => Err(CallError::Status(*status)),
    }
}

impl CallError {
    /// Whether the call was refused with this code.
    pub fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused { status: 400..500, code: given } if given == code)
    }

    /// The error with its cause, which may repeat a value of the answer: for `check`, and not for logs.
    pub fn explain(&self) -> String {
        match self {
            Self::Malformed(error) => format!("its answer is malformed: {error}"),
            Self::NotWritten
            | Self::NoAnswer(_)
            | Self::Refused { .. }
            | Self::Status(_)
            | Self::TooLarge
            | Self::Wrong(_) => self.to_string(),
        }
    }

    /// Whether there was an answer, so that asking again at once may help.
    pub const fn has_answer(&self) -> bool {
        !matches!(self, Self::NotWritten | Self::NoAnswer(_))
    }
}

impl From<Wrong> for CallError {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<CallError> for ProcessorError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWritten => f.write_str("the request could not be written"),
            Self::NoAnswer(error) => write!(f, "there was no answer: {}", error.as_str()),
            Self::Refused { status, code } => write!(f, "it answered {status} {code}"),
            Self::Status(status) => write!(f, "it answered {status} without a code"),
            Self::TooLarge => write!(f, "its answer has more than {MAX_ANSWER_BYTES} bytes"),
            Self::Malformed(error) => {
                let (line, column) = (error.line(), error.column());
                write!(f, "its answer is malformed at line {line}, column {column}")
            }
            Self::Wrong(wrong) => f.write_str(wrong),
        }
    }
}

impl Error for CallError {}
