//! One PostgreSQL server for the whole run, started on a free port and stopped with this process.
//!
//! It runs as the user `postgres` if the tests run as root, which PostgreSQL refuses. A shell holds
//! it and stops it when the pipe to this process closes, however this process ends.

use super::server::Folder;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

struct Cluster {
    port: u16,
    certificate: PathBuf,
    /// Stops the server when it is closed.
    _held: ChildStdin,
    _shell: Child,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Creates an empty database and returns its URL.
pub async fn fresh_database() -> String {
    fresh_database_with(&[]).await
}

/// The same, with settings for its sessions.
pub async fn fresh_database_with(settings: &[&str]) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let url = |name: &str| format!("postgres://postgres@127.0.0.1:{}/{name}", cluster.port);
    let (client, connection) =
        tokio_postgres::connect(&url("postgres"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    for setting in settings {
        client.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.unwrap();
    }
    url(&name)
}

/// PostgreSQL's certificate and its authority, for `localhost` and `database.example.com`.
pub async fn postgres_certificate() -> PathBuf {
    CLUSTER.get_or_init(start).await.certificate.clone()
}

const CERTIFICATE: &str = "[req]\ndistinguished_name = name\nx509_extensions = more\nprompt = no\n\
    [name]\nCN = test\n[more]\nbasicConstraints = critical, CA:FALSE\n\
    subjectAltName = DNS:localhost, DNS:database.example.com\n";

async fn start() -> Cluster {
    let bin = find_postgres();
    // The folder outlives this function; the shell removes it.
    let folder = std::mem::ManuallyDrop::new(Folder::make());
    let port = free_port();
    std::fs::write(folder.0.join("certificate.cnf"), CERTIFICATE).unwrap();
    let script = format!(
        "set -e; cd '{dir}'; '{bin}/initdb' -D data -U postgres -A trust -E UTF8 --locale=C -N >initdb.log 2>&1; \
         openssl req -x509 -config certificate.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
         -keyout server.key -out server.crt >>initdb.log 2>&1; \
         '{bin}/postgres' -D data -h 127.0.0.1 -p {port} -k '{dir}' -c fsync=off -c full_page_writes=off \
         -c ssl=on -c ssl_cert_file='{dir}/server.crt' -c ssl_key_file='{dir}/server.key' \
         -c logging_collector=off -c log_destination=stderr -c max_connections=300 -c shared_buffers=64MB & \
         server=$!; read held || true; kill -INT $server; wait $server || true; rm -rf '{dir}'",
        dir = folder.0.display(),
        bin = bin.display(),
    );
    let mut command = if am_root() {
        let owner = Command::new("chown").arg("postgres").arg(&folder.0).status().unwrap();
        assert!(owner.success(), "there is no user postgres to run PostgreSQL as");
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "sh",
            "-c",
            &script,
        ]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let held = child.stdin.take().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = log.by_ref().map_while(Result::ok).any(|line| line.contains("ready to accept"));
    assert!(ready, "PostgreSQL did not start; see {}/initdb.log", folder.0.display());
    // A thread must keep reading, or the pipe fills up and the server blocks.
    std::thread::spawn(move || log.for_each(drop));
    let certificate = folder.0.join("server.crt");
    Cluster { port, certificate, _held: held, _shell: child }
}

fn am_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0")
}

/// The newest PostgreSQL of the system, from the folders of Debian and others or the path.
fn find_postgres() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    let on_path = Command::new("pg_config").arg("--bindir").output();
    let on_path = on_path.ok().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    found.extend(on_path.map(PathBuf::from));
    let usable = |bin: &PathBuf| Path::new(bin).join("initdb").exists();
    found.into_iter().rfind(usable).expect("PostgreSQL is not installed; run `make test`")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
