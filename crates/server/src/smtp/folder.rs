//! Writes messages into a folder instead of sending them: for development, and for the demo.

use super::SendError;
use crate::base::EmailId;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Writes a message to `ID.eml`. Only the user of the server may read it. The same e-mail replaces its
/// file.
pub async fn write(folder: &Path, id: EmailId, message: &[u8]) -> Result<(), SendError> {
    let (folder, message) = (folder.to_owned(), message.to_owned());
    let written = tokio::task::spawn_blocking(move || write_now(&folder, id, &message)).await;
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(SendError::Later("folder_failed".to_owned())),
    }
}

fn write_now(folder: &Path, id: EmailId, message: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (part, whole): (PathBuf, PathBuf) =
        (folder.join(format!("{id}.part")), folder.join(format!("{id}.eml")));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(message)?;
    fs::rename(part, whole)
}
