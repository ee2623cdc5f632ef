//! Placement rules: the invariants of ARCHITECTURE.md that neither types nor lints enforce.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Returns every source file of the server with its path below `src`.
fn sources() -> Vec<(PathBuf, String)> {
    sources_below("src")
}

fn sources_below(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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

/// Asserts that these words occur in files of one kind only, and that they do occur there.
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
fn sql_is_only_in_sql_files_and_the_database_layer() {
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
fn status_codes_are_only_in_http_code() {
    let may = |path: &Path| {
        path.iter().any(|part| part == "http")
            || path.file_name().unwrap().to_string_lossy().starts_with("http")
    };
    only_in(may, &["StatusCode"]);
}

#[test]
fn columns_are_read_by_records_only() {
    only_in(|path| path.starts_with("db"), &["row.take()", ".take::<"]);
}

#[test]
fn randomness_comes_from_one_place() {
    only_in(|path| path.ends_with("base/random.rs"), &["aws_lc_rs::rand", "SystemRandom"]);
    // The nonce of a sealed value is drawn where it is used.
    only_in(|path| path.ends_with("signing/seal.rs"), &["Randomized"]);
    let sources = sources();
    for other in ["getrandom", "RandomState", "rand::rng", "rand::random", "thread_rng", "/dev/"] {
        let found = sources.iter().find(|(_, text)| text.contains(other));
        assert_eq!(found.map(|(path, _)| path), None, "{other}");
    }
}

/// The floors, from the ground up: a module uses what is on lower floors only. A slice's handlers
/// (`http.rs`, `http_*.rs` or `http/`) are a module of their own, such as `usage::http`.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["config"],
    &["db", "limits", "log", "outbound"],
    &["organizations", "idempotency", "signing", "clock_guard", "smtp"],
    &["events"],
    &["audit", "test_clock"],
    &["work", "keys", "customers", "catalog", "branding", "billing_settings"],
    &["coupons", "invoices", "payments"],
    &["subscriptions", "app"],
    &["credits", "portal", "http"],
    &["usage", "settlement", "auth", "webhooks", "logins"],
    &["emails"],
    &["entitlements", "flows", "export"],
    &["HANDLERS"],
    &["routes", "jobs", "import"],
    &["cli"],
];

type Imports = BTreeMap<String, BTreeSet<String>>;

/// Returns the module of a file.
fn module_of(path: &Path) -> String {
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    let top = parts.next().unwrap().trim_end_matches(".rs").to_owned();
    let is_http = |part: Cow<'_, str>| {
        let name = part.trim_end_matches(".rs");
        name == "http" || name.starts_with("http_")
    };
    if parts.any(is_http) { format!("{top}::http") } else { top }
}

/// Returns the module that a path behind `crate::` leads to.
fn module_named(path: &str) -> String {
    let mut parts = path.split("::");
    let word = |part: &str| -> String {
        part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let top = word(parts.next().unwrap_or_default());
    let next = word(parts.next().unwrap_or_default());
    if next == "http" || next.starts_with("http_") { format!("{top}::http") } else { top }
}

/// Splits a braced group, one level deep: `{a, b::{c, d}}` gives `a` and `b::{c, d}`.
fn group(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut paths) = (0, 1, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 1 => {
                paths.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            paths.push(&text[start..at]);
            break;
        }
    }
    paths
}

/// Returns what each module imports, from every `crate::` path outside comments.
fn imports() -> Imports {
    let mut imports = Imports::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if ["lib", "main", "testing"].contains(&module.as_str()) {
            continue;
        }
        let used = imports.entry(module.clone()).or_default();
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
        let code = code.join("\n");
        for (at, found) in code.match_indices("crate::") {
            let rest = &code[at + found.len()..];
            let paths = if rest.starts_with('{') { group(rest) } else { vec![rest] };
            used.extend(paths.into_iter().map(module_named).filter(|name| !name.is_empty()));
        }
        used.remove(&module);
    }
    let modules: BTreeSet<String> = imports.keys().cloned().collect();
    for used in imports.values_mut() {
        used.retain(|name| modules.contains(name));
    }
    imports
}

/// Returns the first cycle that a walk from a module finds.
fn cycle(imports: &Imports, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<String> {
    let module = path.last().unwrap().clone();
    for next in &imports[&module] {
        if let Some(at) = path.iter().position(|before| before == next) {
            return Some(format!("{} -> {next}", path[at..].join(" -> ")));
        }
        if !done.contains(next) {
            path.push(next.clone());
            let found = cycle(imports, path, done);
            path.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    done.insert(module);
    None
}

#[test]
fn modules_import_in_no_cycle() {
    let imports = imports();
    let mut done = BTreeSet::new();
    for module in imports.keys() {
        assert_eq!(cycle(&imports, &mut vec![module.clone()], &mut done), None);
    }
}

#[test]
fn modules_use_lower_floors_only() {
    let floor = |module: &str| {
        let name = if module.ends_with("::http") { "HANDLERS" } else { module };
        let found = FLOORS.iter().position(|floor| floor.contains(&name));
        found.unwrap_or_else(|| panic!("{module} stands on no floor"))
    };
    for (module, used) in imports() {
        for used in used {
            let are_handlers = module.ends_with("::http") && used.ends_with("::http");
            assert!(are_handlers || floor(&used) < floor(&module), "{module} uses {used}");
        }
    }
}

#[test]
fn cycle_search_finds_a_cycle() {
    let names_of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let imports: Imports =
        [("a", names_of(&["b"])), ("b", names_of(&["c"])), ("c", names_of(&["b"]))]
            .map(|(k, v)| (k.to_owned(), v))
            .into();
    let found = cycle(&imports, &mut vec!["a".to_owned()], &mut BTreeSet::new());
    assert_eq!(found.as_deref(), Some("b -> c -> b"));
    assert_eq!(group("{a, b::{c, d}, e::http};"), ["a", " b::{c, d}", " e::http"]);
    assert_eq!(module_named(" e::http::f}"), "e::http");
}

/// Returns the length of the comment, text or character that starts here.
fn literal(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let (start, end) = (hashes + 2, format!("\"{}", "#".repeat(hashes)));
            return Some(start + rest[start..].find(&end).unwrap() + end.len());
        }
    }
    if let Some(text) = rest.strip_prefix('"') {
        let mut is_escaped = false;
        let ends = |byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        };
        return Some(text.bytes().position(ends).unwrap() + 2);
    }
    let mut characters = rest.strip_prefix('\'')?.chars();
    match (characters.next()?, characters.next()?) {
        ('\\', _) => Some(3 + rest[3..].find('\'').unwrap() + 1),
        (character, '\'') => Some(character.len_utf8() + 2),
        _ => None,
    }
}

/// Returns the code of a file, without comments and literals.
fn code(text: &str) -> String {
    let (mut code, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = literal(rest);
        code.push(if length.is_some() { ' ' } else { first });
        rest = &rest[length.unwrap_or(first.len_utf8())..];
    }
    code
}

#[test]
fn names_say_what_they_name() {
    const FUNCTIONS: [&str; 2] = ["made", "living"];
    const NAMES: [&str; 6] = ["of", "way", "told", "own", "seen", "meant"];
    let is_empty = |text: &str| {
        let code = code(text);
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| NAMES.contains(&word))
            || FUNCTIONS.iter().any(|name| code.contains(&format!("fn {name}(")))
    };
    assert!(is_empty("pub const fn way() {}") && is_empty("let (of, now) = two;"));
    assert!(!is_empty(r#"'"'; b'\''; fn owner(x: &'a str) { r"\"; "a \" of"; } // seen"#));
    let files = ["src", "tests"].into_iter().flat_map(sources_below);
    let found: Vec<_> = files.filter(|(_, text)| is_empty(text)).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn library_exports_the_program_and_the_testing_module() {
    // So the compiler sees an item that neither the program nor a test uses.
    let sources = sources();
    let (_, library) = sources.iter().find(|(path, _)| path.ends_with("lib.rs")).unwrap();
    let public: Vec<&str> = library.lines().filter(|line| line.starts_with("pub ")).collect();
    assert_eq!(public, ["pub mod testing;", "pub use cli::main;"]);
}

#[test]
fn callers_reach_objects_in_one_way() {
    // `Viewer::reach` compares the customer of an object with the caller's.
    let makes_viewers =
        |path: &Path| ["auth", "catalog", "base"].iter().any(|module| path.starts_with(module));
    only_in(makes_viewers, &["Viewer::Customer("]);
}

#[test]
fn no_type_exists_only_to_describe_a_request() {
    let sources = sources();
    let found: Vec<&Path> = sources
        .iter()
        .filter(|(_, text)| text.contains("allow(dead_code)"))
        .map(|(path, _)| path.as_path())
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn credentials_stand_only_in_the_signatures_of_handlers() {
    let sources = sources();
    let found = sources.iter().find(|(_, text)| text.contains("security("));
    assert_eq!(found.map(|(path, _)| path), None);
}

#[test]
fn metrics_are_in_the_guide_of_operators() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = std::fs::read_to_string(repository.join("docs/operate.md")).unwrap();
    let sources = sources();
    let names: BTreeSet<&str> = sources
        .iter()
        .flat_map(|(_, text)| text.split("metrics::").skip(1))
        .filter_map(|rest| rest.split_once("!(\"")?.1.split('"').next())
        .filter(|name| name.starts_with("unitpay_"))
        .collect();
    assert!(names.len() > 4, "{names:?}");
    let missing: Vec<_> =
        names.iter().filter(|name| !guide.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
