//! An SMTP server that others run, with good and bad manners.

use super::{Engine, Test};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, split,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use unitpay::testing::config::Config;

/// The behavior of an SMTP server.
#[derive(Clone, Debug)]
pub enum SmtpManner {
    Accept,
    /// Answers this to a recipient with this address.
    AnswerRecipient(&'static str, &'static str),
    /// Answers this to the sender.
    AnswerSender(&'static str),
    /// Answers this to the message.
    AnswerMessage(&'static str),
    /// Answers nothing at all.
    Hang,
    /// Answers nothing to this command, where `.` is the end of the message.
    HangAt(&'static str),
    /// Closes the connection in place of an answer to this.
    CloseAt(&'static str),
    /// Answers this command with a line that is repeated without end.
    Endless(&'static str, &'static str),
    /// Offers STARTTLS, and sends this after its answer, before TLS.
    Starttls(&'static str),
    /// Accepts this many messages, then kills the process before it can read the answer.
    Kill(usize, u32),
}

/// A message that a server accepted.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    /// The message as it was sent, with its headers.
    pub text: String,
}

pub struct SmtpServer {
    pub port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    manner: Mutex<SmtpManner>,
    mails: Mutex<Vec<Mail>>,
    /// The bytes of endless answers.
    endless: AtomicU64,
    tls: Option<TlsAcceptor>,
}

impl SmtpServer {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a server that can do TLS, and returns it with the file of its certificate, which is for
    /// `localhost`.
    pub async fn start_with_tls() -> (Self, std::path::PathBuf) {
        let file = super::postgres_certificate().await;
        let certificate = CertificateDer::from_pem_file(&file).unwrap();
        let key = PrivateKeyDer::from_pem_file(file.with_file_name("server.key")).unwrap();
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(Arc::new(provider));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).unwrap();
        (Self::start_with(Some(TlsAcceptor::from(Arc::new(config)))).await, file)
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let manner = Mutex::new(SmtpManner::Accept);
        let inner = Inner { manner, mails: Mutex::default(), endless: AtomicU64::new(0), tls };
        let inner = Arc::new(inner);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&shared);
                // An error ends the connection.
                tokio::spawn(async move { drop(talk(stream, &inner).await) });
            }
        });
        Self { port, inner }
    }

    pub fn set(&self, manner: SmtpManner) {
        *self.inner.manner.lock().unwrap() = manner;
    }

    /// Returns the bytes of endless answers that it could send.
    pub fn endless_bytes(&self) -> u64 {
        self.inner.endless.load(Ordering::Relaxed)
    }

    /// Returns what it read so far, and forgets it.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.inner.mails.lock().unwrap())
    }
}

async fn talk(mut stream: TcpStream, inner: &Inner) -> std::io::Result<()> {
    let manner = inner.manner.lock().unwrap().clone();
    if matches!(manner, SmtpManner::Hang) {
        return std::future::pending().await;
    }
    if !converse(&mut stream, inner, &manner, "220 test ready\r\n").await? {
        return Ok(());
    }
    let tls = inner.tls.as_ref().unwrap().accept(stream).await?;
    converse(tls, inner, &SmtpManner::Accept, "").await.map(|_| ())
}

/// Talks until the end; `true` if TLS follows.
async fn converse(
    stream: impl AsyncRead + AsyncWrite,
    inner: &Inner,
    manner: &SmtpManner,
    greeting: &str,
) -> std::io::Result<bool> {
    let (reader, mut writer) = split(stream);
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(greeting.as_bytes()).await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let command = line.split([' ', ':']).next().unwrap();
        let answer = match (command, manner) {
            ("STARTTLS", SmtpManner::Starttls(more)) => {
                writer.write_all(format!("220 go on\r\n{more}").as_bytes()).await?;
                return Ok(true);
            }
            (command, SmtpManner::HangAt(at)) if command == *at => {
                return std::future::pending().await;
            }
            (command, SmtpManner::CloseAt(at)) if command == *at => return Ok(false),
            (command, SmtpManner::Endless(at, line)) if command == *at => loop {
                writer.write_all(line.as_bytes()).await?;
                inner.endless.fetch_add(line.len() as u64, Ordering::Relaxed);
            },
            ("EHLO", SmtpManner::Starttls(_)) => "250-test\r\n250 STARTTLS",
            ("EHLO", _) => "250-test\r\n250 8BITMIME",
            ("MAIL", SmtpManner::AnswerSender(answer)) => answer,
            ("RCPT", SmtpManner::AnswerRecipient(address, answer)) if line.contains(address) => {
                answer
            }
            ("RCPT", _) => {
                line.trim_start_matches("RCPT TO:<").trim_end_matches('>').clone_into(&mut to);
                "250 ok"
            }
            ("DATA", _) => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                loop {
                    // A message without its end is none.
                    let Some(line) = lines.next_line().await? else { return Ok(false) };
                    if line == "." {
                        break;
                    }
                    // The client doubles a dot that begins a line (RFC 5321, section 4.5.2).
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
                match inner.took(manner, Mail { to: to.clone(), text }) {
                    Some(answer) => answer,
                    None if matches!(manner, SmtpManner::CloseAt(_)) => return Ok(false),
                    None => return std::future::pending().await,
                }
            }
            ("QUIT", _) => "221 bye",
            _ => "250 ok",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if let SmtpManner::Kill(_, id) = manner
            && inner.is_last(manner)
            && command == "DATA"
        {
            signal("-KILL", *id);
        }
    }
    Ok(false)
}

fn signal(name: &str, id: u32) {
    drop(Command::new("kill").arg(name).arg(id.to_string()).status());
}

impl Inner {
    fn is_last(&self, manner: &SmtpManner) -> bool {
        matches!(manner, SmtpManner::Kill(count, _) if self.mails.lock().unwrap().len() >= *count)
    }

    /// Keeps a message that was read, and returns the answer; `None` if there is none.
    fn took(&self, manner: &SmtpManner, mail: Mail) -> Option<&'static str> {
        if let SmtpManner::AnswerMessage(answer) = manner {
            return Some(answer);
        }
        self.mails.lock().unwrap().push(mail);
        match manner {
            SmtpManner::HangAt(".") | SmtpManner::CloseAt(".") => return None,
            SmtpManner::Kill(_, id) if self.is_last(manner) => signal("-STOP", *id),
            _ => {}
        }
        Some("250 taken")
    }
}

impl Mail {
    /// Returns a header, with its folded lines joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\n\n").next().unwrap().replace("\n ", " ").replace("\n\t", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let mut lines = head.lines();
        let found = lines.find(|line| line.to_ascii_lowercase().starts_with(&prefix))?;
        Some(found[prefix.len()..].trim().to_owned())
    }

    /// Returns the decoded part of this content type.
    pub fn part(&self, kind: &str) -> Vec<u8> {
        let part = self.text.split(&format!("Content-Type: {kind}")).nth(1).unwrap();
        let (head, body) = part.split_once("\n\n").unwrap();
        let body = body.split("\n--").next().unwrap();
        match head.split("Content-Transfer-Encoding: ").nth(1).unwrap().lines().next().unwrap() {
            "base64" => STANDARD.decode(body.replace('\n', "")).unwrap(),
            "7bit" => body.as_bytes().to_vec(),
            "quoted-printable" => unquoted(body),
            other => panic!("{other}"),
        }
    }
}

/// Decodes quoted-printable text.
fn unquoted(text: &str) -> Vec<u8> {
    let (joined, mut bytes) = (text.replace("=\n", ""), Vec::new());
    let mut rest = joined.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'=' {
            let hex = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// Sends the e-mail of sandboxes to this port, which has one second to accept a message.
pub fn mail_to(config: &mut Config, port: u16) {
    let server = format!("smtp://127.0.0.1:{port}");
    config.email.server = server.try_into().unwrap();
    config.email.sender = "billing@shop.example".to_owned().try_into().unwrap();
    config.email.sandbox = true;
    config.email.timeout_seconds = 1;
}

impl Test {
    /// A server that sends the e-mail of its sandbox to this SMTP server.
    pub async fn with_email(engine: Engine, smtp: &SmtpServer) -> Self {
        Self::start_with(engine, |config| mail_to(config, smtp.port)).await
    }

    /// Publishes what was recorded and sends the e-mail that is due.
    pub async fn send_email(&self) {
        self.publish().await;
        unitpay::testing::jobs::mail(&self.app).await.unwrap();
    }
}
