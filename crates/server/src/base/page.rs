//! Pagination: newest first, with opaque cursors in both directions.
//!
//! A cursor contains the direction, the id to continue from and a hash of its list (tenant, route
//! and filters), so that a cursor of another list is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

pub const DEFAULT_LIMIT: usize = 20;
pub const MAX_LIMIT: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Older,
    Newer,
}

/// The start of a page: beyond `id`, in `direction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub direction: Direction,
    pub id: String,
}

/// The page that a request asks for.
#[derive(Clone, Debug)]
pub struct PageQuery {
    pub limit: usize,
    pub cursor: Option<Cursor>,
    /// Identifies the list; hashed into each cursor.
    pub list: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Whether older rows follow.
    pub has_more: bool,
    pub next_cursor: Option<String>,
    pub prev_cursor: Option<String>,
}

impl PageQuery {
    /// Returns the bounds for the statement: `id < before AND id > after`, ascending if `newer`.
    /// Unbounded sides use values that sort after and before every id.
    pub fn bounds(&self) -> (&str, &str, bool) {
        match &self.cursor {
            None => ("~", "", false),
            Some(Cursor { direction: Direction::Older, id }) => (id, "", false),
            Some(Cursor { direction: Direction::Newer, id }) => ("~", id, true),
        }
    }

    /// Returns the number of rows to read: one more than the page shows.
    pub fn fetch(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Builds the page from the rows that the store returned, in the order of the statement.
    pub fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> String) -> Page<T> {
        let beyond = rows.len() > self.limit;
        rows.truncate(self.limit);
        let newer = self.bounds().2;
        if newer {
            rows.reverse();
        }
        let has_more = if newer { !rows.is_empty() } else { beyond };
        let has_newer = if newer { beyond } else { self.cursor.is_some() && !rows.is_empty() };
        let cursor = |row: Option<&T>, direction| {
            row.map(|row| Cursor { direction, id: id(row) }.encode(&self.list))
        };
        Page {
            next_cursor: cursor(rows.last().filter(|_| has_more), Direction::Older),
            prev_cursor: cursor(rows.first().filter(|_| has_newer), Direction::Newer),
            has_more,
            data: rows,
        }
    }

    /// Builds the page of a search that looked at rows up to the one with the id `end` and found fewer
    /// than the page shows. The search continues there.
    pub fn page_up_to<T>(&self, rows: Vec<T>, id: impl Fn(&T) -> String, end: String) -> Page<T> {
        let page = self.page(rows, id);
        let to = |direction| Some(Cursor { direction, id: end.clone() }.encode(&self.list));
        let (next_cursor, prev_cursor) = match &self.cursor {
            Some(Cursor { direction: Direction::Newer, .. }) => {
                (page.next_cursor.or_else(|| to(Direction::Older)), to(Direction::Newer))
            }
            Some(Cursor { direction: Direction::Older, .. }) => {
                (to(Direction::Older), page.prev_cursor.or_else(|| to(Direction::Newer)))
            }
            None => (to(Direction::Older), None),
        };
        Page { has_more: true, next_cursor, prev_cursor, data: page.data }
    }
}

impl<T> Page<T> {
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(f).collect(),
            has_more: self.has_more,
            next_cursor: self.next_cursor,
            prev_cursor: self.prev_cursor,
        }
    }
}

impl Cursor {
    pub fn encode(&self, list: &str) -> String {
        let direction = match self.direction {
            Direction::Older => 'o',
            Direction::Newer => 'n',
        };
        URL_SAFE_NO_PAD.encode(format!("{direction}.{}.{}", self.id, list_hash(list)))
    }

    /// Reads a cursor of this list; `None` for any other text.
    pub fn decode(text: &str, list: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.get(..text.len().min(200))?).ok()?;
        let decoded = String::from_utf8(bytes).ok()?;
        let mut parts = decoded.split('.');
        let direction = match parts.next()? {
            "o" => Direction::Older,
            "n" => Direction::Newer,
            _ => return None,
        };
        let id = parts.next()?.to_owned();
        let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let known = parts.next()? == list_hash(list) && parts.next().is_none();
        (plain && known).then_some(Self { direction, id })
    }
}

fn list_hash(list: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, list.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(cursor: Option<&str>) -> Page<u32> {
        let cursor = cursor.map(|text| Cursor::decode(text, "list").unwrap());
        let query = PageQuery { limit: 2, cursor, list: "list".into() };
        let (before, after, newer) = query.bounds();
        let mut rows: Vec<u32> = (1..=5)
            .filter(|n| n.to_string().as_str() < before && n.to_string().as_str() > after)
            .collect();
        if !newer {
            rows.reverse();
        }
        rows.truncate(3);
        query.page(rows, u32::to_string)
    }

    #[test]
    fn cursors_walk_a_list_to_its_end_and_back() {
        let first = walk(None);
        assert_eq!((first.data.as_slice(), first.has_more), ([5, 4].as_slice(), true));
        assert_eq!(first.prev_cursor, None);
        let second = walk(first.next_cursor.as_deref());
        assert_eq!((second.data.as_slice(), second.has_more), ([3, 2].as_slice(), true));
        let last = walk(second.next_cursor.as_deref());
        assert_eq!((last.data.as_slice(), last.has_more), ([1].as_slice(), false));
        assert_eq!(last.next_cursor, None);
        let back = walk(last.prev_cursor.as_deref());
        assert_eq!((back.data.as_slice(), back.has_more), ([3, 2].as_slice(), true));
        let top = walk(back.prev_cursor.as_deref());
        assert_eq!((top.data.as_slice(), top.has_more), ([5, 4].as_slice(), true));
        assert_eq!(top.prev_cursor, None);
    }

    #[test]
    fn cursor_is_refused_when_foreign_or_damaged() {
        let text = Cursor { direction: Direction::Older, id: "ps_1".into() }.encode("list");
        assert!(Cursor::decode(&text, "list").is_some());
        assert_eq!(Cursor::decode(&text, "other"), None);
        assert_eq!(Cursor::decode(&text[1..], "list"), None);
        assert_eq!(Cursor::decode("é", "list"), None);
    }
}
