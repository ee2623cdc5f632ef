//! Sends messages through the SMTP server of the configuration, or writes them into a folder. Nothing here
//! logs an address, a text or a password.

mod folder;
mod guarded;
mod relay;

use crate::base::EmailId;
use crate::config::EmailConfig;
use lettre::Address;
use relay::Relay;
use std::fmt;
use std::path::PathBuf;

/// The destination of messages, and the sender of those that have no other one.
pub struct Mailer {
    destination: Destination,
    sender: Address,
    /// Whether e-mail of sandbox environments is sent, too.
    pub sends_sandbox: bool,
}

enum Destination {
    Server(Box<Relay>),
    /// Each message is a file here, and none leaves the machine.
    Folder(PathBuf),
}

/// The reason that a message was not sent. The text is a word or a status code: the text of a server
/// may contain an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// May succeed later: no connection, no answer, a temporary refusal, or a server that refuses
    /// this sender.
    Later(String),
    /// The server refuses the recipient for good.
    Recipient(String),
    /// The server refuses the message for good.
    Message(String),
}

/// The certificates of the configuration cannot be used.
#[derive(Debug)]
pub struct TlsError(String);

impl Mailer {
    /// Returns the mailer of the configuration; `None` if it names neither a server nor a folder.
    pub fn new(config: &EmailConfig) -> Option<Self> {
        let sender = config.sender.0.clone()?;
        let destination = match (&config.server.0, config.folder()) {
            (Some(server), _) => {
                let relay = Relay::new(server.clone(), sender.domain().to_owned(), config);
                Destination::Server(Box::new(relay))
            }
            (None, Some(folder)) => Destination::Folder(folder.to_owned()),
            (None, None) => return None,
        };
        Some(Self { destination, sender, sends_sandbox: config.sandbox })
    }

    pub const fn sender(&self) -> &Address {
        &self.sender
    }

    /// Whether the certificates can be read.
    pub fn check_tls(&self) -> Result<(), TlsError> {
        match &self.destination {
            Destination::Server(relay) => relay.check_tls(),
            Destination::Folder(_) => Ok(()),
        }
    }

    /// Sends a message to one recipient.
    pub async fn send(
        &self,
        id: EmailId,
        (from, to): (&Address, &Address),
        message: &[u8],
    ) -> Result<(), SendError> {
        match &self.destination {
            Destination::Server(relay) => relay.send((from, to), message).await,
            Destination::Folder(folder) => folder::write(folder, id, message).await,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}
