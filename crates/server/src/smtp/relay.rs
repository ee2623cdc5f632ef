//! Sends messages through the SMTP server of the configuration.

use super::guarded::Guarded;
use super::{SendError, TlsError};
use crate::config::{EmailConfig, SmtpServer, Starttls};
use crate::outbound::tls_config;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use parking_lot::Mutex;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// An SMTP server and the way to it.
pub struct Relay {
    server: SmtpServer,
    security: Security,
    credentials: Option<Credentials>,
    /// The domain of the sender, by which we introduce ourselves.
    domain: String,
    root_certificates: Option<PathBuf>,
    /// Read at the first use.
    tls: Mutex<Option<Tls>>,
    within: Duration,
}

/// The protection of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, without which nothing is sent.
    Starttls,
    None,
}

/// The settings of TLS.
#[derive(Clone)]
enum Tls {
    FromFirstByte(TlsConnector),
    Starttls(TlsParameters),
    None,
}

/// The step of a delivery.
#[derive(Clone, Copy)]
enum Step {
    /// Before the server knows the recipient.
    Before,
    Recipient,
    Message,
}

impl Relay {
    pub fn new(server: SmtpServer, domain: String, config: &EmailConfig) -> Self {
        let security = match (server.tls, config.starttls) {
            (true, _) => Security::Tls,
            (false, Starttls::Auto) if server.is_loopback() => Security::None,
            (false, Starttls::Auto | Starttls::Required) => Security::Starttls,
            (false, Starttls::Off) => Security::None,
        };
        let credentials = (!config.user.is_empty())
            .then(|| Credentials::new(config.user.clone(), config.password.clone()));
        let roots = &config.root_certificates;
        Self {
            server,
            security,
            credentials,
            domain,
            root_certificates: (!roots.as_os_str().is_empty()).then(|| roots.clone()),
            tls: Mutex::default(),
            within: Duration::from_secs(config.timeout_seconds),
        }
    }

    /// Whether the certificates can be read.
    pub fn check_tls(&self) -> Result<(), TlsError> {
        self.tls().map(|_| ())
    }

    /// Returns the settings of TLS, and reads the certificates at the first call.
    fn tls(&self) -> Result<Tls, TlsError> {
        let mut known = self.tls.lock();
        if let Some(tls) = &*known {
            return Ok(tls.clone());
        }
        let tls = match self.security {
            Security::None => Tls::None,
            Security::Starttls => Tls::Starttls(self.starttls()?),
            Security::Tls => {
                let config = tls_config(self.root_certificates.as_ref());
                let config = config.map_err(|error| TlsError(error.to_string()))?;
                Tls::FromFirstByte(TlsConnector::from(Arc::new(config)))
            }
        };
        *known = Some(tls.clone());
        Ok(tls)
    }

    fn starttls(&self) -> Result<TlsParameters, TlsError> {
        let mut builder = TlsParameters::builder(self.server.host.clone());
        if let Some(file) = &self.root_certificates {
            let pem = std::fs::read(file).map_err(|error| TlsError(error.to_string()))?;
            let roots = Certificate::from_pem(&pem)?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(roots);
        }
        Ok(builder.build_rustls()?)
    }

    /// Sends a message to one recipient, within the time of the configuration.
    pub async fn send(
        &self,
        (from, to): (&Address, &Address),
        message: &[u8],
    ) -> Result<(), SendError> {
        let mut connection = match timeout(self.within, self.accepted(from, to, message)).await {
            Ok(connection) => connection?,
            Err(_) => return Err(SendError::Later("timed_out".to_owned())),
        };
        // The server has the message; a missing goodbye changes nothing.
        drop(timeout(Duration::from_secs(1), connection.abort()).await);
        Ok(())
    }

    /// Delivers a message up to the answer that accepts it.
    async fn accepted(
        &self,
        from: &Address,
        to: &Address,
        message: &[u8],
    ) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection = self.connect().await?;
        if let Some(credentials) = &self.credentials {
            let answer = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            answer.map_err(|error| classify(Step::Before, &error))?;
        }
        let mut parameters = Vec::new();
        if !AsRef::<str>::as_ref(to).is_ascii() {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(SendError::Message("smtputf8_missing".to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(from.clone()), parameters);
        let answer = connection.command(mail).await;
        answer.map_err(|error| classify(Step::Before, &error))?;
        let answer = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
        answer.map_err(|error| classify(Step::Recipient, &error))?;
        let answer = connection.command(Data).await;
        answer.map_err(|error| classify(Step::Message, &error))?;
        let answer = connection.message(message).await;
        answer.map_err(|error| classify(Step::Message, &error))?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let later = |word: &str| SendError::Later(word.to_owned());
        let tls = self.tls().map_err(|_| later("certificates_invalid"))?;
        let hello = ClientId::Domain(self.domain.clone());
        let opened = TcpStream::connect((self.server.host.as_str(), self.server.port)).await;
        let opened = opened.and_then(Guarded::new).map_err(|_| later("connection_failed"))?;
        let opened: Box<dyn AsyncTokioStream> = match &tls {
            Tls::FromFirstByte(tls) => {
                let name = self.server.host.clone().try_into().map_err(|_| later("tls_failed"))?;
                Box::new(opened.wrap(tls, name).await.map_err(|_| later("tls_failed"))?)
            }
            Tls::Starttls(_) | Tls::None => Box::new(opened),
        };
        let opened = AsyncSmtpConnection::connect_with_transport(opened, &hello).await;
        let mut connection = opened.map_err(|error| classify(Step::Before, &error))?;
        if let Tls::Starttls(parameters) = tls {
            if !connection.can_starttls() {
                return Err(SendError::Later("starttls_missing".to_owned()));
            }
            let secured = connection.starttls(parameters, &hello).await;
            secured.map_err(|error| classify(Step::Before, &error))?;
        }
        Ok(connection)
    }
}

/// Classifies an error. A refusal before the recipient is about this sender and ends when an operator
/// mends it; so does a refusal of relaying or of a policy (530, 5.7.x). A full mailbox (552) empties.
fn classify(step: Step, error: &SmtpError) -> SendError {
    let text = match error.status() {
        Some(code) => code.to_string(),
        None if error.is_timeout() => "timed_out".to_owned(),
        None if error.is_tls() => "tls_failed".to_owned(),
        None => "connection_failed".to_owned(),
    };
    let about_us = |text: &str| text.trim_start().starts_with("5.7.");
    let about_us = error.source().is_some_and(|answer| about_us(&answer.to_string()));
    match step {
        Step::Recipient | Step::Message if !error.is_permanent() => SendError::Later(text),
        Step::Recipient if about_us || matches!(text.as_str(), "530" | "552") => {
            SendError::Later(text)
        }
        Step::Before => SendError::Later(text),
        Step::Recipient => SendError::Recipient(text),
        Step::Message => SendError::Message(text),
    }
}

impl From<SmtpError> for TlsError {
    fn from(error: SmtpError) -> Self {
        Self(error.to_string())
    }
}
