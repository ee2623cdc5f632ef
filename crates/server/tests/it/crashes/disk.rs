//! A full disk: a small file system with a ballast file.

use crate::support::{Folder, Program};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A small file system in a mount namespace of its own, which ends with the shell that holds it.
struct SmallDisk {
    holder: Child,
    folder: Folder,
}

impl SmallDisk {
    fn make() -> Self {
        let folder = Folder::make();
        let script = format!(
            "mount -t tmpfs -o size=4m,mode=700 tmpfs '{}' && echo ready && exec cat",
            folder.0.display()
        );
        let mut command = Command::new("unshare");
        // A user that is not root becomes root in a namespace of its own.
        command.args(["--user", "--map-root-user", "--mount", "--propagation", "private"]);
        command.args(["sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("a small filesystem needs the command unshare");
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "this machine does not permit mounting a small filesystem");
        Self { holder, folder }
    }

    /// A command of the program on this disk.
    fn command(&self, arguments: &[&str]) -> Command {
        let program = Program::command(&self.folder.0, arguments);
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        command.arg(self.holder.id().to_string()).arg(program.get_program());
        command.args(program.get_args()).stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Returns a path on this disk as seen from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = Path::new("/proc").join(self.holder.id().to_string()).join("root");
        root.join(self.folder.0.strip_prefix("/").unwrap()).join(name)
    }

    /// Fills the disk.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.path("ballast")).unwrap();
        while ballast.write_all(&[1; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_returns_503_and_recovers() {
    let disk = SmallDisk::make();
    let mut server = Program::start(disk.command(&["serve", "--listen", "127.0.0.1:0"]));
    let key = crate::support::ok(&mut disk.command(&["keys", "create", "--env", "sandbox"]));
    let key = key.trim();
    server.customer(key, "a").await.expect(201);
    let (mut living, mut revoked) = (Vec::new(), Vec::new());
    // Twice, because the second time the log has been checkpointed and restarted.
    for round in 0..2 {
        let minted = server.mint(key, json!({ "customerId": "a" })).await.expect(201);
        living.push((minted.text("token"), minted.text("jti")));
        disk.fill();
        let mut refusals = 0;
        // The log may still have allocated space.
        for _ in 0..2_000 {
            let minted = server.mint(key, json!({ "customerId": "a" })).await;
            if minted.status == 201 {
                living.push((minted.text("token"), minted.text("jti")));
                continue;
            }
            assert_eq!(minted.header("retry-after"), Some("1"));
            minted.refused(503, "unavailable");
            refusals += 1;
            if refusals == 20 {
                break;
            }
        }
        assert_eq!(refusals, 20, "the disk did not fill up");
        // Reads continue, and a revocation reports its failure.
        server.read(&living[0].0).await.expect(200);
        let (token, jti) = living.pop().unwrap();
        let answer = server.revoke(key, json!({ "jti": jti })).await;
        match answer.status {
            204 => revoked.push(token),
            _ => {
                answer.refused(503, "unavailable");
                server.read(&token).await.expect(200);
                living.push((token, jti));
            }
        }
        assert!(server.runs());
        disk.make_room();
        let minted = server.mint(key, json!({ "customerId": "a" })).await.expect(201);
        living.push((minted.text("token"), minted.text("jti")));
        let (token, jti) = living.pop().unwrap();
        server.revoke(key, json!({ "jti": jti })).await.expect(204);
        revoked.push(token);
        server.client.call(crate::support::get("/readyz")).await.expect(200);
        if round == 0 {
            check(&server, &living, &revoked).await;
        }
    }
    server.kill();
    let server = Program::start(disk.command(&["serve", "--listen", "127.0.0.1:0"]));
    check(&server, &living, &revoked).await;
}

async fn check(server: &Program, living: &[(String, String)], revoked: &[String]) {
    for (token, _) in living {
        server.read(token).await.expect(200);
    }
    for token in revoked {
        server.read(token).await.refused(401, "session_revoked");
    }
}
