//! A PgBouncer in front of the tests' PostgreSQL.

use crate::support::Folder;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

#[derive(Clone, Copy, Debug)]
pub enum PoolMode {
    Session,
    Transaction,
}

pub struct PgBouncer {
    /// Of the same database, by the pooler.
    pub url: String,
    child: Child,
    _folder: Folder,
}

impl PgBouncer {
    /// Starts one and waits until it listens.
    pub fn start(url: &str, mode: PoolMode) -> Self {
        let (server, database) = url.rsplit_once('/').unwrap();
        let to = server.rsplit_once(':').unwrap().1;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
        };
        let folder = Folder::make();
        let config = folder.0.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={to} user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\n"
        );
        std::fs::write(&config, text).unwrap();
        // It refuses to be root. Debian puts it where only root looks for programs.
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0");
        let mut command = Command::new(if is_root { "setpriv" } else { "env" });
        if is_root {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).arg("pgbouncer");
        command.arg(&config).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("PgBouncer is not installed; run `make test`");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let is_up = log.by_ref().map_while(Result::ok).any(|line| line.contains("process up"));
        assert!(is_up, "PgBouncer did not start");
        std::thread::spawn(move || log.for_each(drop));
        Self {
            url: format!("postgres://postgres@127.0.0.1:{port}/{database}"),
            child,
            _folder: folder,
        }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
