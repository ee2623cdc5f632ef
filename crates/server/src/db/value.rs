//! Statement parameters and column values.

use super::DbError;
use crate::base::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use std::error::Error;
use std::marker::PhantomData;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

/// A parameter.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(std::borrow::Cow<'a, str>),
    Blob(&'a [u8]),
}

/// The value of a column, borrowed from its row.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// The columns of one row, read from left to right in the order of the statement.
pub struct Columns<'r> {
    row: Row<'r>,
    next: usize,
}

enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// A type that can be read from a column.
pub trait Column: Sized {
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

/// A type that a record writes to a column.
pub trait ToColumn {
    /// The column's type in PostgreSQL.
    const TYPE: &'static str;

    fn to_column(&self) -> Value<'_>;
}

impl<'r> Columns<'r> {
    pub(super) fn sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Self { row: Row::Sqlite(row), next: 0 }
    }

    pub(super) fn postgres(row: &'r tokio_postgres::Row) -> Self {
        Self { row: Row::Postgres(row), next: 0 }
    }

    /// Reads the next column.
    pub fn take<T: Column>(&mut self) -> Result<T, DbError> {
        let (at, cell) = (self.next, self.cell()?);
        self.next += 1;
        T::from_cell(cell).ok_or_else(|| {
            let wanted = std::any::type_name::<T>();
            DbError::Unexpected(format!("column {at} is not a {wanted}").into())
        })
    }

    /// Whether the next column is NULL; it stays the next.
    pub(super) fn is_null(&self) -> Result<bool, DbError> {
        Ok(matches!(self.cell()?, Cell::Null))
    }

    pub(super) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    fn cell(&self) -> Result<Cell<'r>, DbError> {
        match self.row {
            Row::Sqlite(row) => sqlite_cell(row, self.next),
            Row::Postgres(row) => {
                row.try_get::<_, Cell<'_>>(self.next).map_err(|e| DbError::Unexpected(e.into()))
            }
        }
    }
}

pub(super) fn sqlite_cell<'r>(row: &'r rusqlite::Row<'r>, at: usize) -> Result<Cell<'r>, DbError> {
    use rusqlite::types::ValueRef;
    match row.get_ref(at).map_err(|e| DbError::Unexpected(e.into()))? {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(int) => Ok(Cell::Int(int)),
        ValueRef::Text(text) => {
            std::str::from_utf8(text).map(Cell::Text).map_err(|e| DbError::Unexpected(e.into()))
        }
        ValueRef::Blob(blob) => Ok(Cell::Blob(blob)),
        ValueRef::Real(_) => Err(DbError::Unexpected("a real number in a column".into())),
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Bool(bool) => ValueRef::Integer(i64::from(*bool)),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(int), &Type::INT8) => int.to_sql(ty, out),
            (Self::Bool(bool), &Type::BOOL) => bool.to_sql(ty, out),
            (Self::Text(text), &Type::TEXT) => text.to_sql(ty, out),
            (Self::Blob(blob), &Type::BYTEA) => blob.to_sql(ty, out),
            (value, ty) => Err(format!("{value:?} does not fit a parameter of type {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Int),
            Type::BOOL => bool::from_sql(ty, raw).map(Self::Bool),
            Type::TEXT => <&str>::from_sql(ty, raw).map(Self::Text),
            Type::BYTEA => Ok(Self::Blob(raw)),
            _ => Err(format!("a column of type {ty}").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl<'a> From<Cell<'a>> for Value<'a> {
    fn from(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Int(int) => Self::Int(int),
            Cell::Bool(bool) => Self::Bool(bool),
            Cell::Text(text) => Self::Text(text.into()),
            Cell::Blob(blob) => Self::Blob(blob),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text.as_str().into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value<'_> {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<bool> for Value<'_> {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<Time> for Value<'_> {
    fn from(time: Time) -> Self {
        Self::Int(time.0)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Blob(bytes)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(bytes)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Into::into)
    }
}

impl Column for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Int(int) = cell { Some(int) } else { None }
    }
}

impl Column for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bool(bool) => Some(bool),
            Cell::Int(int) => Some(int != 0),
            Cell::Null | Cell::Text(_) | Cell::Blob(_) => None,
        }
    }
}

impl Column for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text.to_owned()) } else { None }
    }
}

impl Column for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(blob) = cell { Some(blob.to_vec()) } else { None }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(blob) = cell { blob.try_into().ok() } else { None }
    }
}

impl Column for Time {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(Self)
    }
}

impl<T: Column> Column for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Null = cell { Some(None) } else { T::from_cell(cell).map(Some) }
    }
}

impl ToColumn for serde_json::Value {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> Value<'_> {
        self.to_string().into()
    }
}

/// Implements [`ToColumn`] by a type's conversion into a parameter.
macro_rules! to_column {
    ($($name:ty: $type:literal = |$value:ident| $into:expr),* $(,)?) => {$(
        impl ToColumn for $name {
            const TYPE: &'static str = $type;

            fn to_column(&self) -> Value<'_> {
                let $value = self;
                $into
            }
        }
    )*};
}
to_column!(
    i64: "BIGINT" = |int| Value::Int(*int),
    bool: "BOOLEAN" = |bool| Value::Bool(*bool),
    Time: "BIGINT" = |time| Value::Int(time.0),
    String: "TEXT" = |text| text.into(),
    str: "TEXT" = |text| text.into(),
    Vec<u8>: "BYTEA" = |bytes| Value::Blob(bytes),
);

impl<const N: usize> ToColumn for [u8; N] {
    const TYPE: &'static str = "BYTEA";

    fn to_column(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<T: ToColumn> ToColumn for Option<T> {
    const TYPE: &'static str = T::TYPE;

    fn to_column(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToColumn::to_column)
    }
}

impl<T: ToColumn + ?Sized> ToColumn for &T {
    const TYPE: &'static str = T::TYPE;

    fn to_column(&self) -> Value<'_> {
        T::to_column(self)
    }
}

/// A JSON column that this program wrote.
#[derive(Debug)]
pub struct JsonText<T>(pub T);

impl<T: DeserializeOwned> Column for JsonText<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { serde_json::from_str(text).ok().map(Self) } else { None }
    }
}

/// Stored JSON that a response passes on as it is. It is parsed only when a rule needs a value.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    json: Box<RawValue>,
    form: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Stored<T> {
    pub fn new(value: &T) -> Result<Self, DbError> {
        let json = to_raw_value(value).map_err(|error| DbError::Unexpected(error.into()))?;
        Ok(Self { json, form: PhantomData })
    }

    pub fn read(&self) -> Result<T, DbError> {
        serde_json::from_str(self.json.get()).map_err(|error| DbError::Unexpected(error.into()))
    }
}

impl<T> Column for Stored<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        let json = RawValue::from_string(String::from_cell(cell)?).ok()?;
        Some(Self { json, form: PhantomData })
    }
}

impl<'a, T> From<&'a Stored<T>> for Value<'a> {
    fn from(stored: &'a Stored<T>) -> Self {
        Self::from(stored.json.get())
    }
}

impl<T> ToColumn for Stored<T> {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> Value<'_> {
        self.into()
    }
}

impl<T> Serialize for Stored<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

/// Serializes JSON for storage. Our types cannot fail to serialize.
pub fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Columns for closed lists that are stored as words: types with `ALL` and `as_str`.
macro_rules! word_columns {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::db::Column for $name {
            fn from_cell(cell: $crate::db::Cell<'_>) -> Option<Self> {
                let $crate::db::Cell::Text(text) = cell else { return None };
                <$name>::ALL.into_iter().find(|word| word.as_str() == text)
            }
        }

        impl $crate::db::ToColumn for $name {
            const TYPE: &'static str = "TEXT";

            fn to_column(&self) -> $crate::db::Value<'_> {
                $crate::db::Value::from(self.as_str())
            }
        }

        impl From<$name> for $crate::db::Value<'_> {
            fn from(word: $name) -> Self {
                Self::from(word.as_str())
            }
        }
    )*};
}

/// Types that are stored as JSON.
macro_rules! json_columns {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::db::Column for $name {
            fn from_cell(cell: $crate::db::Cell<'_>) -> Option<Self> {
                <$crate::db::JsonText<Self> as $crate::db::Column>::from_cell(cell).map(|json| json.0)
            }
        }

        impl $crate::db::ToColumn for $name {
            const TYPE: &'static str = "TEXT";

            fn to_column(&self) -> $crate::db::Value<'_> {
                $crate::db::json(self).into()
            }
        }
    )*};
}
pub(crate) use {json_columns, word_columns};

/// Columns for types that are stored as the text that they print and parse.
macro_rules! text_columns {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::db::Column for $name {
            fn from_cell(cell: $crate::db::Cell<'_>) -> Option<Self> {
                if let $crate::db::Cell::Text(text) = cell { text.parse().ok() } else { None }
            }
        }

        impl $crate::db::ToColumn for $name {
            const TYPE: &'static str = "TEXT";

            fn to_column(&self) -> $crate::db::Value<'_> {
                $crate::db::Value::Text(self.to_string().into())
            }
        }

        impl From<$name> for $crate::db::Value<'_> {
            fn from(value: $name) -> Self {
                Self::Text(value.to_string().into())
            }
        }
    )*};
}
pub(crate) use text_columns;

text_columns!(
    crate::base::OrganizationId,
    crate::base::ApiKeyId,
    crate::base::CustomerId,
    crate::base::PortalSessionId,
    crate::base::LoginId,
    crate::base::EventId,
    crate::base::ProductId,
    crate::base::PlanId,
    crate::base::FeatureId,
    crate::base::MetricId,
    crate::base::CreditCurrencyId,
    crate::base::CreditPackageId,
    crate::base::SubscriptionId,
    crate::base::InvoiceId,
    crate::base::PaymentMethodId,
    crate::base::PaymentAttemptId,
    crate::base::CreditAccountId,
    crate::base::GrantId,
    crate::base::LedgerEntryId,
    crate::base::WebhookEndpointId,
    crate::base::WebhookDeliveryId,
    crate::base::EmailId,
    crate::base::BalanceEntryId,
    crate::base::CreditNoteId,
    crate::base::RefundId,
    crate::base::CouponId,
    crate::base::PromotionCodeId,
    crate::base::CouponRedemptionId,
    crate::base::Currency,
    crate::base::Decimal,
);
json_columns!(
    crate::base::Address,
    crate::base::LineDiscount,
    crate::base::TaxDeclaration,
    crate::base::TaxRate,
    Vec<crate::base::TaxId>,
    Vec<String>
);
