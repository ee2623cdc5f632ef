//! Statement texts with the columns of records in them. All of this runs in the compiler.

use super::record::{Field, Kind, Usage};

/// The maximum number of parameters of a statement.
const PARAMETERS: usize = 64;

/// Where a parameter's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column of the record, counted over all of its columns.
    Column(usize),
    /// A value that the caller gives beside the record.
    Given(usize),
}

/// The parts that differ between the engines and between the directions of a list.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    postgres: bool,
    lock: &'static str,
    order: &'static str,
}

// SQLite has one writer, so a row that is read in a write is locked already.
pub const SQLITE: Words = Words { postgres: false, lock: "", order: "" };
pub const POSTGRES: Words = Words { postgres: true, lock: "FOR NO KEY UPDATE", order: "" };
pub const OLDER: Words = Words { postgres: false, lock: "", order: "DESC" };
pub const NEWER: Words = Words { postgres: false, lock: "", order: "ASC" };

/// A text that writes a record, and what its parameters are.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub text: &'static str,
    pub sources: &'static [Source],
}

/// A text in the making. What does not fit is counted only, so that a first pass with `N = 0` tells
/// how long the text is.
#[derive(Debug)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
    sources: [Source; PARAMETERS],
    parameters: usize,
}

#[allow(clippy::panic)] // Runs in the compiler: a panic is a compile error.
impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], length: 0, sources: [Source::Given(0); PARAMETERS], parameters: 0 }
    }

    pub const fn length(&self) -> usize {
        self.length
    }

    pub const fn parameters(&self) -> usize {
        self.parameters
    }

    pub const fn bytes(&self) -> [u8; N] {
        self.bytes
    }

    pub const fn sources<const P: usize>(&self) -> [Source; P] {
        let mut sources = [Source::Given(0); P];
        let mut at = 0;
        while at < P {
            sources[at] = self.sources[at];
            at += 1;
        }
        sources
    }

    const fn push(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            if self.length < N {
                self.bytes[self.length] = bytes[at];
            }
            self.length += 1;
            at += 1;
        }
    }

    const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    /// A parameter, under the number that it has already or under the next one.
    const fn push_parameter(&mut self, source: Source) {
        let mut at = 0;
        while at < self.parameters && !same(self.sources[at], source) {
            at += 1;
        }
        if at == self.parameters {
            self.sources[at] = source;
            self.parameters += 1;
        }
        self.push(b"$");
        self.push_number(at + 1);
    }

    const fn push_comma(&mut self, first: &mut bool) {
        if !*first {
            self.push(b", ");
        }
        *first = false;
    }

    /// The columns of a record for a `SELECT` or a `RETURNING`.
    const fn push_read(
        &mut self,
        fields: &[Field],
        (alias, prefix): (&[u8], &[u8]),
        (placeholder, given): (&[u8], &[(&str, &str)]),
        first: &mut bool,
    ) {
        let mut at = 0;
        while at < fields.len() {
            let Field { name, kind } = fields[at];
            let name = name.as_bytes();
            match kind {
                Kind::Column { usage, .. } => {
                    self.push_comma(first);
                    match find(given, prefix, name) {
                        Some(sql) => self.push(sql),
                        None => {
                            let computed = matches!(usage, Usage::Computed);
                            assert!(!computed, "the statement does not say how to read a column");
                            self.push_column(alias, prefix, name);
                        }
                    }
                }
                Kind::Embedded { prefix: inner, fields } => {
                    let prefix = joined_prefix(prefix, inner.as_bytes());
                    self.push_read(fields, (alias, prefix), (placeholder, given), first);
                }
                Kind::Joined { fields } => {
                    let alias = alias_of(placeholder, name);
                    self.push_read(fields, (alias, b""), (placeholder, given), first);
                }
            }
            at += 1;
        }
    }

    const fn push_column(&mut self, alias: &[u8], prefix: &[u8], name: &[u8]) {
        if !alias.is_empty() {
            self.push(alias);
            self.push(b".");
        }
        self.push(prefix);
        self.push(name);
    }

    /// Expands a placeholder of a writing statement, column by column.
    const fn push_written(
        &mut self,
        fields: &[Field],
        prefix: &[u8],
        list: List<'_>,
        place: &mut Place,
    ) {
        let mut at = 0;
        while at < fields.len() {
            let Field { name, kind } = fields[at];
            match kind {
                Kind::Column { usage, ty } => {
                    let name = name.as_bytes();
                    self.push_item((prefix, name), (usage, ty), list, place);
                    place.column += 1;
                }
                Kind::Embedded { prefix: inner, fields } => {
                    let prefix = joined_prefix(prefix, inner.as_bytes());
                    self.push_written(fields, prefix, list, place);
                }
                Kind::Joined { .. } => panic!("a joined record is not written"),
            }
            at += 1;
        }
    }

    const fn push_item(
        &mut self,
        (prefix, name): (&[u8], &[u8]),
        (usage, ty): (Usage, &str),
        list: List<'_>,
        place: &mut Place,
    ) {
        let Place { column, first } = place;
        let column = *column;
        let inserted = matches!(usage, Usage::Stored | Usage::InsertOnly);
        let set = matches!(usage, Usage::Stored);
        match list {
            List::Columns if inserted => {
                self.push_comma(first);
                self.push_column(b"", prefix, name);
            }
            List::Values if inserted => {
                self.push_comma(first);
                self.push_parameter(Source::Column(column));
            }
            List::Arrays if inserted => {
                self.push_comma(first);
                self.push_parameter(Source::Column(column));
                self.push(b"::");
                self.push(ty.as_bytes());
                self.push(b"[]");
            }
            List::Set if set => {
                self.push_comma(first);
                self.push_column(b"", prefix, name);
                self.push(b" = ");
                self.push_parameter(Source::Column(column));
            }
            List::SetFrom(row) if set => {
                self.push_comma(first);
                self.push_column(b"", prefix, name);
                self.push(b" = ");
                self.push_column(row, prefix, name);
            }
            List::One(wanted) if is(wanted, prefix, name) => {
                self.push_comma(first);
                self.push_parameter(Source::Column(column));
            }
            List::Columns
            | List::Values
            | List::Arrays
            | List::Set
            | List::SetFrom(_)
            | List::One(_) => {}
        }
    }
}

/// The progress of writing a list.
struct Place {
    /// The record's next column.
    column: usize,
    /// Nothing of the list is written yet.
    first: bool,
}

#[derive(Clone, Copy)]
enum List<'a> {
    Columns,
    Values,
    Arrays,
    Set,
    SetFrom(&'a [u8]),
    /// The column of this name.
    One(&'a [u8]),
}

/// Puts a record's columns into the text of a query.
pub const fn query<const N: usize>(
    template: &str,
    fields: &[Field],
    given: &[(&str, &str)],
    words: Words,
) -> Text<N> {
    let mut text = Text::new();
    let (mut rest, mut lists) = (template.as_bytes(), 0);
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'{' {
            text.push(&[byte]);
            rest = after;
            continue;
        }
        let placeholder = until(after, b'}');
        rest = after.split_at(placeholder.len() + 1).1;
        if equal(placeholder, b"order") {
            text.push(words.order.as_bytes());
        } else if equal(placeholder, b"lock") {
            text.push(words.lock.as_bytes());
        } else {
            let alias = alias_of(placeholder, b"");
            let mut first = true;
            text.push_read(fields, (alias, b""), (placeholder, given), &mut first);
            lists += 1;
        }
    }
    assert!(lists == 1, "a query has one list of columns");
    let mut at = 0;
    while at < given.len() {
        let name = given[at].0.as_bytes();
        assert!(count(fields, b"", name) == 1, "the record has no such column, or several");
        at += 1;
    }
    text
}

/// Puts a record's columns and parameters into the text of a command.
pub const fn command<const N: usize>(template: &str, fields: &[Field], words: Words) -> Text<N> {
    let mut text = Text::new();
    let mut rest = template.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'$' {
            let (mut number, mut digits) = (0, 0);
            while digits < after.len() && after[digits].is_ascii_digit() {
                number = number * 10 + (after[digits] - b'0') as usize;
                digits += 1;
            }
            assert!(number > 0, "parameters are $1, $2, …");
            text.push_parameter(Source::Given(number - 1));
            rest = after.split_at(digits).1;
        } else if byte == b'{' {
            let placeholder = until(after, b'}');
            rest = after.split_at(placeholder.len() + 1).1;
            push_placeholder(&mut text, placeholder, fields, words);
        } else {
            text.push(&[byte]);
            rest = after;
        }
    }
    text
}

const fn push_placeholder<const N: usize>(
    text: &mut Text<N>,
    placeholder: &[u8],
    fields: &[Field],
    words: Words,
) {
    if placeholder.is_empty() {
        return text.push(b"{}"); // An empty JSON object.
    }
    let set_from = b"set ";
    let list = if equal(placeholder, b"columns") {
        List::Columns
    } else if equal(placeholder, b"values") {
        List::Values
    } else if equal(placeholder, b"arrays") {
        List::Arrays
    } else if equal(placeholder, b"set") {
        List::Set
    } else if placeholder.len() > set_from.len()
        && equal(placeholder.split_at(set_from.len()).0, set_from)
    {
        List::SetFrom(placeholder.split_at(set_from.len()).1)
    } else if equal(placeholder, b"rows") {
        text.push(if words.postgres { b"SELECT * FROM unnest(" } else { b"VALUES (" });
        if words.postgres { List::Arrays } else { List::Values }
    } else {
        assert!(count(fields, b"", placeholder) == 1, "the record has no such column, or several");
        List::One(placeholder)
    };
    text.push_written(fields, b"", list, &mut Place { column: 0, first: true });
    if equal(placeholder, b"rows") {
        text.push(b")");
    }
}

/// The alias that a placeholder gives a joined record, or the statement's own table (no name).
#[allow(clippy::panic)] // Runs in the compiler: a panic is a compile error.
const fn alias_of<'a>(placeholder: &'a [u8], name: &[u8]) -> &'a [u8] {
    let mut rest = placeholder;
    loop {
        let item = until_or_end(rest, b',').trim_ascii();
        let key = until_or_end(item, b':');
        if key.len() == item.len() {
            if name.is_empty() {
                return item;
            }
        } else if equal(key.trim_ascii(), name) {
            return item.split_at(key.len() + 1).1.trim_ascii();
        }
        let length = until_or_end(rest, b',').len();
        if length == rest.len() {
            assert!(name.is_empty(), "the statement does not name the alias of a joined record");
            return b"";
        }
        rest = rest.split_at(length + 1).1;
    }
}

/// The text of these bytes, which come from texts.
#[allow(clippy::panic)] // Runs in the compiler: a panic is a compile error.
pub const fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a text that is not UTF-8"),
    }
}

const fn joined_prefix<'a>(outer: &'a [u8], inner: &'a [u8]) -> &'a [u8] {
    assert!(outer.is_empty() || inner.is_empty(), "a prefix within a prefix");
    if outer.is_empty() { inner } else { outer }
}

const fn find<'a>(given: &[(&str, &'a str)], prefix: &[u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut at = 0;
    while at < given.len() {
        if is(given[at].0.as_bytes(), prefix, name) {
            return Some(given[at].1.as_bytes());
        }
        at += 1;
    }
    None
}

/// Returns the number of columns with this name.
const fn count(fields: &[Field], prefix: &[u8], wanted: &[u8]) -> usize {
    let (mut columns, mut at) = (0, 0);
    while at < fields.len() {
        columns += match fields[at].kind {
            Kind::Column { .. } => is(wanted, prefix, fields[at].name.as_bytes()) as usize,
            Kind::Embedded { prefix: inner, fields } => {
                count(fields, joined_prefix(prefix, inner.as_bytes()), wanted)
            }
            Kind::Joined { fields } => count(fields, b"", wanted),
        };
        at += 1;
    }
    columns
}

/// Whether a name is this prefix and this name.
const fn is(whole: &[u8], prefix: &[u8], name: &[u8]) -> bool {
    if whole.len() != prefix.len() + name.len() {
        return false;
    }
    let (start, end) = whole.split_at(prefix.len());
    equal(start, prefix) && equal(end, name)
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn same(a: Source, b: Source) -> bool {
    match (a, b) {
        (Source::Column(a), Source::Column(b)) | (Source::Given(a), Source::Given(b)) => a == b,
        (Source::Column(_), Source::Given(_)) | (Source::Given(_), Source::Column(_)) => false,
    }
}

const fn until(bytes: &[u8], end: u8) -> &[u8] {
    let found = until_or_end(bytes, end);
    assert!(found.len() < bytes.len(), "a placeholder without an end");
    found
}

const fn until_or_end(bytes: &[u8], end: u8) -> &[u8] {
    let mut at = 0;
    while at < bytes.len() && bytes[at] != end {
        at += 1;
    }
    bytes.split_at(at).0
}

/// The text of a query on one engine, exactly as long as it is.
macro_rules! query_text {
    ($template:expr, $row:ty, $given:expr, $words:expr) => {{
        const FIELDS: &[$crate::db::record::Field] = <$row as $crate::db::FromRow>::FIELDS;
        const LENGTH: usize =
            $crate::db::text::query::<0>($template, FIELDS, $given, $words).length();
        const BYTES: [u8; LENGTH] =
            $crate::db::text::query($template, FIELDS, $given, $words).bytes();
        $crate::db::text::text(&BYTES)
    }};
}

/// The text of a command on one engine, and what its parameters are.
macro_rules! command_text {
    ($template:expr, $row:ty, $words:expr) => {{
        const FIELDS: &[$crate::db::record::Field] = <$row as $crate::db::ToRow>::FIELDS;
        const LENGTH: usize = $crate::db::text::command::<0>($template, FIELDS, $words).length();
        const TEXT: $crate::db::text::Text<LENGTH> =
            $crate::db::text::command($template, FIELDS, $words);
        const BYTES: [u8; LENGTH] = TEXT.bytes();
        const SOURCES: [$crate::db::text::Source; TEXT.parameters()] = TEXT.sources();
        $crate::db::text::Written { text: $crate::db::text::text(&BYTES), sources: &SOURCES }
    }};
}

pub(crate) use {command_text, query_text};

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: Kind = Kind::Column { usage: Usage::Stored, ty: "TEXT" };
    const PERIOD: &[Field] =
        &[Field { name: "start", kind: STORED }, Field { name: "end", kind: STORED }];
    const TENANT: &[Field] = &[Field { name: "no", kind: STORED }];
    const READ: &[Field] = &[
        Field { name: "id", kind: STORED },
        Field { name: "tenant", kind: Kind::Joined { fields: TENANT } },
        Field { name: "owner", kind: Kind::Column { usage: Usage::Computed, ty: "" } },
        Field { name: "period", kind: Kind::Embedded { prefix: "period_", fields: PERIOD } },
    ];
    const WRITTEN: &[Field] = &[
        Field { name: "no", kind: Kind::Column { usage: Usage::ReadOnly, ty: "BIGINT" } },
        Field { name: "id", kind: Kind::Column { usage: Usage::InsertOnly, ty: "TEXT" } },
        Field { name: "name", kind: STORED },
        Field { name: "period", kind: Kind::Embedded { prefix: "period_", fields: PERIOD } },
    ];

    fn selected(template: &str, given: &[(&str, &str)], words: Words) -> String {
        let text = query::<400>(template, READ, given, words);
        std::str::from_utf8(&text.bytes[..text.length()]).unwrap().to_owned()
    }

    fn written(template: &str, words: Words) -> (String, Vec<Source>) {
        let text = command::<400>(template, WRITTEN, words);
        let bytes = text.bytes[..text.length()].to_vec();
        (String::from_utf8(bytes).unwrap(), text.sources[..text.parameters()].to_vec())
    }

    #[test]
    fn select_names_each_column_with_its_alias() {
        let text = selected("SELECT {a, tenant: t} FROM a {lock}", &[("owner", "c.id")], POSTGRES);
        let columns = "a.id, t.no, c.id, a.period_start, a.period_end";
        assert_eq!(text, format!("SELECT {columns} FROM a FOR NO KEY UPDATE"));
    }

    #[test]
    fn select_takes_another_text_for_a_named_column() {
        let given = [("owner", "$1"), ("period_end", "NULL")];
        let text = selected("SELECT {tenant: t} ORDER BY id {order}", &given, OLDER);
        assert_eq!(text, "SELECT id, t.no, $1, period_start, NULL ORDER BY id DESC");
    }

    #[test]
    #[should_panic(expected = "does not say how to read a column")]
    fn select_is_refused_without_a_computed_column() {
        selected("SELECT {a, tenant: t}", &[], SQLITE);
    }

    #[test]
    #[should_panic(expected = "does not name the alias")]
    fn select_is_refused_without_a_joined_alias() {
        selected("SELECT {a}", &[("owner", "c.id")], SQLITE);
    }

    #[test]
    #[should_panic(expected = "has no such column, or several")]
    fn select_is_refused_with_an_unknown_column() {
        selected("SELECT {a, tenant: t}", &[("owner", "c.id"), ("ownr", "c.id")], SQLITE);
    }

    #[test]
    fn insert_writes_all_but_read_only_columns() {
        let (text, sources) = written("INSERT INTO a (t, {columns}) VALUES ($1, {values})", SQLITE);
        let columns = "id, name, period_start, period_end";
        assert_eq!(text, format!("INSERT INTO a (t, {columns}) VALUES ($1, $2, $3, $4, $5)"));
        let columns = (1..=4).map(Source::Column);
        assert_eq!(sources, [Source::Given(0)].into_iter().chain(columns).collect::<Vec<_>>());
    }

    #[test]
    fn update_numbers_parameters_by_appearance() {
        let (text, sources) = written("UPDATE a SET {set} WHERE t = $1 AND no = {no}", SQLITE);
        let set = "name = $1, period_start = $2, period_end = $3";
        assert_eq!(text, format!("UPDATE a SET {set} WHERE t = $4 AND no = $5"));
        let columns = [Source::Column(2), Source::Column(3), Source::Column(4)];
        assert_eq!(sources, [&columns[..], &[Source::Given(0), Source::Column(0)]].concat());
    }

    #[test]
    fn rows_are_values_or_arrays() {
        let template = "INSERT INTO a ({columns}) {rows} DO UPDATE SET {set excluded}";
        let set = "name = excluded.name, period_start = excluded.period_start, \
                   period_end = excluded.period_end";
        let columns = "id, name, period_start, period_end";
        let start = format!("INSERT INTO a ({columns})");
        assert_eq!(
            written(template, SQLITE).0,
            format!("{start} VALUES ($1, $2, $3, $4) DO UPDATE SET {set}")
        );
        let arrays = "$1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[]";
        assert_eq!(
            written(template, POSTGRES).0,
            format!("{start} SELECT * FROM unnest({arrays}) DO UPDATE SET {set}")
        );
    }

    #[test]
    #[should_panic(expected = "has no such column, or several")]
    fn write_is_refused_with_an_unknown_column() {
        written("UPDATE a SET name = {nam}", SQLITE);
    }
}
