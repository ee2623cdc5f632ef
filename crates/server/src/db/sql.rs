//! Statement texts, checked at compile time.

/// One statement, in the dialects of both engines. Parameters are `$1`, `$2`, … in the order of
/// their first appearance. SQLite numbers them by appearance and PostgreSQL by name, so a text out
/// of order would bind swapped values on one of the two. Such a text does not compile.
#[derive(Debug)]
pub struct Sql {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// Declares a statement that both engines accept.
pub const fn sql(text: &'static str) -> Sql {
    sql_of_each(text, text)
}

/// Declares a statement with a different text per engine.
pub const fn sql_of_each(sqlite: &'static str, postgres: &'static str) -> Sql {
    check(sqlite);
    check(postgres);
    Sql { sqlite, postgres }
}

#[allow(clippy::panic)] // Runs in the compiler: a panic is a compile error.
const fn check(text: &str) {
    let bytes = text.as_bytes();
    let mut next = 1;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'$' {
            let mut number = 0;
            while at + 1 < bytes.len() && bytes[at + 1].is_ascii_digit() {
                at += 1;
                number = number * 10 + (bytes[at] - b'0') as usize;
            }
            assert!(number >= 1 && number <= next, "parameters must appear in order: $1, $2, …");
            if number == next {
                next += 1;
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn sql_accepts_parameters_in_order() {
        check("SELECT 1");
        check("SELECT $1, $2, $1, $3");
    }

    #[test]
    #[should_panic(expected = "parameters must appear in order")]
    fn sql_refuses_parameters_out_of_order() {
        check("UPDATE t SET a = $2 WHERE b = $1");
    }
}
