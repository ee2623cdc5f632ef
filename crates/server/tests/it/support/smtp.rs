//! An SMTP server that others run, with good and bad manners.

use super::{Engine, Test};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
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
    /// Closes the connection after it has read the message.
    CloseAfterData,
}

/// A message that a server accepted.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    /// The message as it was sent, with its headers.
    pub text: String,
}

#[derive(Debug)]
pub struct SmtpServer {
    pub port: u16,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    manner: Mutex<SmtpManner>,
    mails: Mutex<Vec<Mail>>,
}

impl SmtpServer {
    pub async fn start() -> Self {
        let manner = Mutex::new(SmtpManner::Accept);
        let inner = Arc::new(Inner { manner, mails: Mutex::default() });
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

    /// Returns what it accepted so far, and forgets it.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.inner.mails.lock().unwrap())
    }
}

async fn talk(stream: TcpStream, inner: &Inner) -> std::io::Result<()> {
    let manner = inner.manner.lock().unwrap().clone();
    if matches!(manner, SmtpManner::Hang) {
        return std::future::pending().await;
    }
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test ready\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let answer = match (line.split([' ', ':']).next().unwrap(), &manner) {
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
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    text.push_str(&line);
                    text.push('\n');
                }
                match &manner {
                    SmtpManner::CloseAfterData => return Ok(()),
                    SmtpManner::AnswerMessage(answer) => answer,
                    _ => {
                        inner.mails.lock().unwrap().push(Mail { to: to.clone(), text });
                        "250 taken"
                    }
                }
            }
            ("QUIT", _) => "221 bye",
            _ => "250 ok",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
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
        unitpay::testing::emails::deliver_due(&self.app).await.unwrap();
    }
}
