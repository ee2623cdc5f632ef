//! The values that fields of requests have: how each is read, and the bounds that its schema shows.

use super::Fields;
use super::wire::{Components, Field, named, named_component};
use crate::base::words::Word;
use crate::base::{
    Address, CouponId, CreditCurrencyId, CreditPackageId, Currency, Decimal, MetricId, PlanId,
    ProductId, TaxId, TaxRate, Time,
};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

/// Declares leaves: the type, what is read, how, and its schema.
macro_rules! leaves {
    ($($(#[$doc:meta])* $name:ident $(<$(const $parameter:ident: $kind:ty),*>)? -> $value:ty {
        |$fields:ident, $field:ident| $read:expr; $schema:expr
    })*) => {$(
        $(#[$doc])*
        pub struct $name $(<$(const $parameter: $kind),*>)?;

        impl $(<$(const $parameter: $kind),*>)? Field for $name $(<$($parameter),*>)? {
            type Value = $value;

            fn read($fields: &mut Fields, $field: &str) -> Option<$value> {
                $read
            }

            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }
    )*};
}

leaves! {
    /// A text of a length in bytes, without control characters.
    Text<const LEAST: usize, const MOST: usize> -> String {
        |fields, name| fields.text(name, LEAST..=MOST); text(LEAST, MOST)
    }

    /// A name that people read: a text with a character that can be seen.
    Name<const MOST: usize> -> String {
        |fields, name| fields.name(name, 1..=MOST); text(1, MOST)
    }

    /// A text whose bounds its schema does not show.
    ShortText<const MOST: usize> -> String {
        |fields, name| fields.text(name, 1..=MOST); string()
    }

    /// A text that may be empty, whose bounds its schema does not show.
    TextUpTo<const MOST: usize> -> String {
        |fields, name| fields.text(name, 0..=MOST); string()
    }

    /// Reads a string of any length and content.
    AnyText -> String {
        |fields, name| fields.any_text(name); string()
    }

    /// The name by which code refers to an object.
    Slug -> String {
        |fields, name| fields.slug(name); text(1, 64)
    }

    Email -> String {
        |fields, name| fields.email(name); text(3, 254)
    }

    /// A BCP 47 language tag.
    Locale -> String {
        |fields, name| fields.locale(name); text(2, 35)
    }

    /// An image as a `data:` URI.
    Image -> String {
        |fields, name| fields.image(name);
        string().max_length(Some(super::words::MAX_IMAGE_BYTES))
    }

    /// Exact origins, as browsers send them.
    Origins -> Vec<String> {
        |fields, name| fields.origins(name);
        ArrayBuilder::new().items(string()).max_items(Some(10))
    }

    /// An array of at most this many texts.
    Texts<const MOST: usize> -> Vec<String> {
        |fields, name| fields.texts(name, MOST);
        ArrayBuilder::new().items(string()).max_items(Some(MOST))
    }

    Integer<const LEAST: i64, const MOST: i64> -> i64 {
        |fields, name| fields.integer(name, LEAST..=MOST);
        integer(LEAST).maximum(Some(MOST))
    }

    /// Money or credits in minor units, up to `MAX_AMOUNT`.
    Amount<const LEAST: i64> -> i64 {
        |fields, name| fields.amount(name, LEAST); integer(LEAST)
    }

    /// A decimal in a string, with at most this many fraction digits.
    DecimalText<const DIGITS: usize> -> Decimal {
        |fields, name| fields.decimal(name, DIGITS); string()
    }

    /// Reads a quantity of usage: a decimal, as a string or a number.
    Quantity -> Decimal {
        |fields, name| fields.quantity(name);
        ObjectBuilder::new().schema_type(SchemaType::Array(vec![Type::String, Type::Number]))
    }

    /// Reads a UTC day, counted from 1970.
    Day -> i64 {
        |fields, name| fields.day(name);
        string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
    }
}

/// The integrator's own notes, as they are stored. In a patch `null` empties them.
pub struct Metadata;

impl Field for Metadata {
    type Value = String;
    const CLEARABLE: bool = true;

    fn read(fields: &mut Fields, name: &str) -> Option<String> {
        match fields.is_patch() {
            true => fields.clearable_metadata(name),
            false => fields.metadata(name),
        }
    }

    fn schema() -> RefOr<Schema> {
        let notes = ObjectBuilder::new().schema_type(Type::Object).property_names(Some(string()));
        notes.additional_properties(Some(Schema::from(string()))).into()
    }
}

/// Types of ours that read and describe themselves.
macro_rules! themselves {
    ($($type:ty: |$fields:ident, $field:ident| $read:expr => $schema:expr),* $(,)?) => {$(
        impl Field for $type {
            type Value = Self;

            fn read($fields: &mut Fields, $field: &str) -> Option<Self> {
                $read
            }

            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }
    )*};
}

themselves! {
    bool: |fields, name| fields.boolean(name) => ObjectBuilder::new().schema_type(Type::Boolean),
    Currency: |fields, name| fields.currency(name) => string(),
    Time: |fields, name| fields.time(name) =>
        string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
    CouponId: |fields, name| fields.parsed(name, "the id of a coupon") => string(),
    ProductId: |fields, name| fields.parsed(name, "the id of a product") => string(),
    PlanId: |fields, name| fields.parsed(name, "the id of a plan") => string(),
    MetricId: |fields, name| fields.parsed(name, "the id of a billable metric") => string(),
    CreditCurrencyId: |fields, name| fields.parsed(name, "the id of a credit currency") => string(),
    CreditPackageId: |fields, name| fields.parsed(name, "the id of a credit package") => string(),
}

/// Objects whose schemas have names.
macro_rules! objects {
    ($($type:ty: |$fields:ident, $field:ident| $read:expr),* $(,)?) => {$(
        impl Field for $type {
            type Value = Self;

            fn read($fields: &mut Fields, $field: &str) -> Option<Self> {
                $read
            }

            fn schema() -> RefOr<Schema> {
                named::<Self>()
            }

            fn components(components: &mut Components) {
                named_component::<Self>(components);
            }
        }
    )*};
}
pub(crate) use objects;

objects! {
    Address: |fields, name| fields.address(name),
    TaxRate: |fields, name| fields.tax_rate(name),
}

impl<T: Word> Field for T {
    type Value = Self;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.word(name, T::WORDS, T::word)
    }

    fn schema() -> RefOr<Schema> {
        named::<T>()
    }

    fn components(components: &mut Components) {
        named_component::<T>(components);
    }
}

/// An item of an array of objects.
pub trait Item: utoipa::ToSchema + Sized {
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// An array of at most this many objects.
pub struct List<T, const MOST: usize>(std::marker::PhantomData<T>);

impl<T: Item, const MOST: usize> Field for List<T, MOST> {
    type Value = Vec<T>;

    fn read(fields: &mut Fields, name: &str) -> Option<Vec<T>> {
        fields.objects(name, MOST, T::read)
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(named::<T>()).max_items(Some(MOST)).into()
    }

    fn components(components: &mut Components) {
        named_component::<T>(components);
    }
}

impl Item for TaxId {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required(&["type", "value"]);
        let (r#type, value) = (fields.slug("type"), fields.text("value", 1..=40));
        Some(Self { r#type: r#type?, value: value? })
    }
}

/// Declares that a set of scopes is read from a list of their names, which must not be empty.
macro_rules! scope_set {
    ($set:ty) => {
        impl $crate::http::wire::Field for $set {
            type Value = Self;

            fn read(fields: &mut $crate::http::Fields, name: &str) -> Option<Self> {
                let names = fields.texts(name, Self::NAMES.len())?;
                let scopes =
                    names.iter().try_fold(Self::default(), |set, name| set.with_name(name));
                let scopes = scopes.filter(|scopes| !scopes.is_empty());
                if scopes.is_none() {
                    fields.wrong(name, format!("must be some of {}", Self::NAMES.join(", ")));
                }
                scopes
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let names = $crate::http::description::names(Self::NAMES);
                utoipa::openapi::RefOr::T(names.into())
            }
        }
    };
}
pub(crate) use scope_set;

pub fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub fn text(least: usize, most: usize) -> ObjectBuilder {
    string().min_length(Some(least)).max_length(Some(most))
}

fn integer(least: i64) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format)).minimum(Some(least))
}
