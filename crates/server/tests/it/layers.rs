//! Which file may hold what: the invariants of ARCHITECTURE.md that neither types nor lints hold.

use std::path::{Path, PathBuf};

/// Every source file of the server, with its path below `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found
}

/// Asserts that these words stand in files of one kind alone, and that they do stand there.
fn only_in(allowed: impl Fn(&Path) -> bool, words: &[&str]) {
    let sources = sources();
    let holds = |text: &str| words.iter().any(|word| text.contains(word));
    let (right, wrong): (Vec<_>, Vec<_>) =
        sources.iter().filter(|(_, text)| holds(text)).partition(|(path, _)| allowed(path));
    let wrong: Vec<&Path> = wrong.iter().map(|(path, _)| path.as_path()).collect();
    assert!(wrong.is_empty(), "{words:?} in {wrong:?}");
    assert!(!right.is_empty(), "{words:?} are nowhere");
}

#[test]
fn sql_stands_in_the_slices_sql_and_in_the_database_layer_alone() {
    let may = |path: &Path| {
        let in_folder = |name: &str| path.parent().unwrap().iter().any(|part| part == name);
        path.starts_with("db") || path.ends_with("sql.rs") || in_folder("sql")
    };
    only_in(
        may,
        &[" sql(", "sql_of_each(", "\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE ", "\"PRAGMA "],
    );
    only_in(|path| path.starts_with("db"), &["rusqlite", "tokio_postgres", "deadpool"]);
}

#[test]
fn http_code_alone_knows_status_codes() {
    let may = |path: &Path| {
        path.iter().any(|part| part == "http")
            || path.file_name().unwrap().to_string_lossy().starts_with("http")
    };
    only_in(may, &["StatusCode"]);
}

#[test]
fn randomness_comes_from_one_place() {
    only_in(|path| path.ends_with("base/random.rs"), &["aws_lc_rs::rand", "SystemRandom"]);
    // The nonce of a sealed signing key is drawn where it is used.
    only_in(|path| path.ends_with("signing/seal.rs"), &["Randomized"]);
    let sources = sources();
    for other in ["getrandom", "RandomState", "rand::rng", "rand::random", "thread_rng", "/dev/"] {
        let found = sources.iter().find(|(_, text)| text.contains(other));
        assert_eq!(found.map(|(path, _)| path), None, "{other}");
    }
}
