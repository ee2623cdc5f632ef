//! Records: structs whose columns are declared once, by `#[derive(FromRow)]` and
//! `#[derive(ToRow)]`. Statements take their column lists from the declaration when the program is
//! compiled ([`query!`], [`command!`]), so a row is read and written by name without a name being
//! looked up at run time.

pub use super::value::{Columns, ToColumn};
pub use unitpay_record::{FromRow, ToRow};

use super::text::Source;
use super::{Column, DbError, Sql, Value, sql};
use crate::base::{Period, Time};
use std::marker::PhantomData;
use std::sync::Arc;

/// A record that is read from a row.
pub trait FromRow: Sized {
    const FIELDS: &'static [Field];

    /// Reads the columns of `FIELDS`, from left to right.
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError>;
}

/// A record that is written to a row.
pub trait ToRow {
    const FIELDS: &'static [Field];

    /// The value of a column, counted over `FIELDS` from left to right.
    fn value(&self, column: usize) -> Value<'_>;
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Column {
        usage: Usage,
        /// The column's type in PostgreSQL.
        ty: &'static str,
    },
    /// A record whose columns are in the same table, with a prefix.
    Embedded { prefix: &'static str, fields: &'static [Field] },
    /// A record of another table of the statement.
    Joined { fields: &'static [Field] },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// In the lists of `INSERT` and of `SET`.
    Stored,
    /// In the list of `INSERT` only.
    InsertOnly,
    /// In no list; a statement may name it.
    ReadOnly,
    /// No column: the statement says what the field is read from.
    Computed,
}

/// Returns the number of columns of a record.
pub const fn width(fields: &[Field]) -> usize {
    let (mut columns, mut at) = (0, 0);
    while at < fields.len() {
        columns += match fields[at].kind {
            Kind::Column { .. } => 1,
            Kind::Embedded { fields, .. } | Kind::Joined { fields } => width(fields),
        };
        at += 1;
    }
    columns
}

/// A statement whose rows are read as this record.
#[derive(Debug)]
pub struct Query<R> {
    pub(super) sql: Sql,
    row: PhantomData<fn() -> R>,
}

/// A statement that writes this record.
#[derive(Debug)]
pub struct Command<R> {
    pub(super) sql: Sql,
    /// The source of each parameter, in the text of each engine.
    sqlite: &'static [Source],
    postgres: &'static [Source],
    /// The number of values that the caller passes beside the record.
    given: usize,
    row: PhantomData<fn() -> R>,
}

/// A page of a list: the statement walking to older rows (index 0) and to newer ones (1).
pub type Pages<R> = [Query<R>; 2];

/// A statement whose rows have one column.
#[derive(Debug)]
pub struct Scalar<T> {
    pub(super) sql: Sql,
    row: PhantomData<fn() -> T>,
}

impl<R> Query<R> {
    pub const fn new(sql: Sql) -> Self {
        Self { sql, row: PhantomData }
    }
}

impl<R> Command<R> {
    pub const fn new(sql: Sql, sqlite: &'static [Source], postgres: &'static [Source]) -> Self {
        let (mut given, mut at) = (0, 0);
        while at < sqlite.len() {
            if let Source::Given(number) = sqlite[at]
                && given <= number
            {
                given = number + 1;
            }
            at += 1;
        }
        Self { sql, sqlite, postgres, given, row: PhantomData }
    }
}

impl<R: ToRow> Command<R> {
    /// The parameters of the statement: columns of the record, and what the caller gives beside it.
    pub(super) fn values<'v>(
        &self,
        postgres: bool,
        record: &'v R,
        given: &[Value<'v>],
    ) -> Result<Vec<Value<'v>>, DbError> {
        if given.len() != self.given {
            return Err(DbError::Broken("a command is given too many values or too few"));
        }
        let sources = if postgres { self.postgres } else { self.sqlite };
        let value = |source: &Source| match source {
            Source::Column(column) => record.value(*column),
            Source::Given(at) => given.get(*at).cloned().unwrap_or(Value::Null),
        };
        Ok(sources.iter().map(value).collect())
    }
}

/// A statement that returns one column.
pub const fn scalar<T: Column>(text: &'static str) -> Scalar<T> {
    Scalar { sql: sql(text), row: PhantomData }
}

/// None where the record's first column is NULL: a join found no row, or the record's columns in
/// this row are not set.
impl<R: FromRow> FromRow for Option<R> {
    const FIELDS: &'static [Field] = R::FIELDS;

    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        if row.is_null()? {
            row.skip(const { width(R::FIELDS) });
            return Ok(None);
        }
        R::read(row).map(Some)
    }
}

impl<R: ToRow> ToRow for Option<R> {
    const FIELDS: &'static [Field] = R::FIELDS;

    fn value(&self, column: usize) -> Value<'_> {
        self.as_ref().map_or(Value::Null, |record| record.value(column))
    }
}

impl<R: ToRow> ToRow for &R {
    const FIELDS: &'static [Field] = R::FIELDS;

    fn value(&self, column: usize) -> Value<'_> {
        R::value(self, column)
    }
}

impl<R: ToRow> ToRow for Arc<R> {
    const FIELDS: &'static [Field] = R::FIELDS;

    fn value(&self, column: usize) -> Value<'_> {
        R::value(self, column)
    }
}

impl<R: FromRow> FromRow for Box<R> {
    const FIELDS: &'static [Field] = R::FIELDS;

    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        R::read(row).map(Self::new)
    }
}

const fn stored<T: ToColumn>(name: &'static str) -> Field {
    Field { name, kind: Kind::Column { usage: Usage::Stored, ty: T::TYPE } }
}

const PERIOD: &[Field] = &[stored::<Time>("start"), stored::<Time>("end")];

impl FromRow for Period {
    const FIELDS: &'static [Field] = PERIOD;

    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self { start: row.take()?, end: row.take()? })
    }
}

impl ToRow for Period {
    const FIELDS: &'static [Field] = PERIOD;

    fn value(&self, column: usize) -> Value<'_> {
        if column == 0 { self.start.into() } else { self.end.into() }
    }
}

/// A [`Query`] of the record `$row`. In the text, `{}` is the list of its columns and `{a}` the
/// same under the alias `a`; `{a, tenant: t}` reads the joined record `tenant` from `t`. `{lock}`
/// locks the rows for change. A computed column follows the text: `total = "a.net + a.tax"`; so
/// does any other that this statement reads from elsewhere.
macro_rules! query {
    ($row:ty, sqlite = $sqlite:expr, postgres = $postgres:expr $(, $column:ident = $sql:expr)* $(,)?) => {{
        const GIVEN: &[(&str, &str)] = &[$((stringify!($column), $sql)),*];
        $crate::db::Query::<$row>::new($crate::db::sql_of_each(
            $crate::db::text::query_text!($sqlite, $row, GIVEN, $crate::db::text::SQLITE),
            $crate::db::text::query_text!($postgres, $row, GIVEN, $crate::db::text::POSTGRES),
        ))
    }};
    ($row:ty, $template:expr $(, $column:ident = $sql:expr)* $(,)?) => {{
        const TEMPLATE: &str = $template;
        $crate::db::query!($row, sqlite = TEMPLATE, postgres = TEMPLATE $(, $column = $sql)*)
    }};
}

/// The two statements of [`Pages`]; the text has `{order}` after the column that it is ordered by.
macro_rules! pages {
    ($row:ty, $template:expr $(, $column:ident = $sql:expr)* $(,)?) => {{
        const TEMPLATE: &str = $template;
        const GIVEN: &[(&str, &str)] = &[$((stringify!($column), $sql)),*];
        [
            $crate::db::Query::<$row>::new($crate::db::sql(
                $crate::db::text::query_text!(TEMPLATE, $row, GIVEN, $crate::db::text::OLDER),
            )),
            $crate::db::Query::<$row>::new($crate::db::sql(
                $crate::db::text::query_text!(TEMPLATE, $row, GIVEN, $crate::db::text::NEWER),
            )),
        ]
    }};
}

/// A [`Command`] of the record `$row`. In the text, `{columns}` and `{values}` are what an `INSERT`
/// writes, `{set}` what an `UPDATE` sets, `{set excluded}` the same from the row `excluded`, and
/// `{name}` the value of this column. `$1`, `$2`, … are values that the caller gives beside the
/// record. For many records at once, `{rows}` is the `VALUES` of one on SQLite and the `SELECT` of
/// all on PostgreSQL, and `{arrays}` the parameters of the latter.
macro_rules! command {
    ($row:ty, sqlite = $sqlite:expr, postgres = $postgres:expr $(,)?) => {{
        const S: $crate::db::text::Written =
            $crate::db::text::command_text!($sqlite, $row, $crate::db::text::SQLITE);
        const P: $crate::db::text::Written =
            $crate::db::text::command_text!($postgres, $row, $crate::db::text::POSTGRES);
        $crate::db::Command::<$row>::new(
            $crate::db::sql_of_each(S.text, P.text),
            S.sources,
            P.sources,
        )
    }};
    ($row:ty, $template:expr $(,)?) => {{
        const TEMPLATE: &str = $template;
        $crate::db::command!($row, sqlite = TEMPLATE, postgres = TEMPLATE)
    }};
}

pub(crate) use {command, pages, query};
