//! The version, the completion scripts and the manual pages.

use crate::support::{Folder, Program, ok};
use std::process::Command;

#[test]
fn version_names_commit_and_target() {
    let version = ok(&mut Program::bare(&["--version"]));
    let rest = version.strip_prefix(concat!("unitpay ", env!("CARGO_PKG_VERSION"), " (commit "));
    let (commit, target) = rest.unwrap().split_once(", ").unwrap();
    assert!(!commit.is_empty());
    let triple: Vec<&str> = target.trim_end_matches(")\n").split('-').collect();
    assert!(triple[0] == std::env::consts::ARCH && triple.len() > 2, "{target}");
    assert_eq!(
        ok(&mut Program::bare(&["-V"])),
        concat!("unitpay ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = Folder::make();
    let script = folder.0.join("unitpay.bash");
    std::fs::write(&script, ok(&mut Program::bare(&["completions", "bash"]))).unwrap();
    let complete = |words: &str| {
        let steps = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _unitpay unitpay \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        ok(Command::new("bash").args(["-euc", &steps]))
    };
    assert_eq!(complete("unitpay signing-keys rot"), "rotate\n");
    assert_eq!(complete("unitpay restore --revoke"), "--revoke-api-keys\n");
    for shell in ["zsh", "fish"] {
        assert!(ok(&mut Program::bare(&["completions", shell])).contains("accept-clock"));
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::make();
    let pages = folder.0.join("man1");
    ok(Program::bare(&["manual"]).arg(&pages));
    let read = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    let first = read("unitpay.1");
    let commands: Vec<&str> =
        first.lines().filter_map(|line| line.strip_prefix("unitpay\\-")).collect();
    assert!(commands.len() > 12, "{first}");
    for command in commands {
        let name = command.replace("\\-", "-").replace("(1)", ".1");
        assert!(read(&format!("unitpay-{name}")).contains(".SH SYNOPSIS"), "{name}");
    }
    assert!(read("unitpay-keys-create.1").contains("sandbox"));
}
