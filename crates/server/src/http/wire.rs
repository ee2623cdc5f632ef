//! Requests that are declared once: a struct with `#[derive(Request)]` is the reader of a body or a
//! query and its OpenAPI schema.
//!
//! A field's type, or the leaf that `#[request(with = …)]` names, reads the value and describes it.
//! `Option<T>` may be absent and is never null. `Option<Option<T>>` may be null in a patch, which
//! clears it.

use super::Fields;
use utoipa::ToSchema;
use utoipa::openapi::schema::{OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Required, Schema};

pub use unitpay_request::Request;

/// A declared request, or the part of one that is flattened into others.
pub trait Request: Sized {
    /// The name of its schema.
    const NAME: &'static str;
    const DESCRIPTION: &'static str;

    /// Reads its fields and notes every mistake; `None` when there was one.
    fn read(fields: &mut Fields) -> Option<Self>;

    /// Describes its fields.
    fn describe(description: &mut Description);
}

/// Reads and describes one value.
pub trait Field {
    type Value;

    /// Reads the field of this name, which is there; notes what is wrong with it.
    fn read(fields: &mut Fields, name: &str) -> Option<Self::Value>;

    fn schema() -> RefOr<Schema>;

    /// Whether `null` clears it in a patch although its value is no `Option`.
    const CLEARABLE: bool = false;

    /// Adds the schemas that [`schema`](Self::schema) refers to.
    fn components(_: &mut Components) {}
}

/// Named schemas, as utoipa collects them.
pub type Components = Vec<(String, RefOr<Schema>)>;

/// The name of a field, its schema, and whether it must be there.
pub type DescribedField = (&'static str, RefOr<Schema>, Required);

/// Whether a field may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    /// Optional; in a patch `null` clears it.
    Patch,
    /// Optional, and `null` is the same as absent.
    Nullable,
}

/// The fields of a request, as its schema or its parameters show them.
#[derive(Default)]
pub struct Description {
    patch: bool,
    fields: Vec<DescribedField>,
    components: Components,
}

impl Description {
    pub fn describe<T: Request>() -> Self {
        let mut description = Self::default();
        T::describe(&mut description);
        description
    }

    /// Sets whether `null` clears fields, and returns whether it did.
    pub fn set_patch(&mut self, patch: bool) -> bool {
        let outer = self.patch;
        self.patch |= patch;
        outer
    }

    pub fn restore_patch(&mut self, patch: bool) {
        self.patch = patch;
    }

    pub fn field<T: Field>(
        &mut self,
        name: &'static str,
        description: &str,
        presence: Presence,
        key_only: bool,
    ) {
        let (required, nullable) = match presence {
            Presence::Required => (Required::True, false),
            Presence::Optional => (Required::False, T::CLEARABLE && self.patch),
            Presence::Patch => (Required::False, self.patch),
            Presence::Nullable => (Required::False, true),
        };
        let space = if description.is_empty() || !key_only { "" } else { " " };
        let only = if key_only { "Only with a secret key." } else { "" };
        let mut schema = T::schema();
        set_description(&mut schema, format!("{description}{space}{only}"));
        T::components(&mut self.components);
        self.fields.push((name, if nullable { or_null(schema) } else { schema }, required));
    }

    /// The schema of an object with these fields, and the schemas that it refers to.
    pub fn object(self, description: &str) -> (Schema, Components) {
        let mut object = ObjectBuilder::new().schema_type(Type::Object);
        if !description.is_empty() {
            object = object.description(Some(description));
        }
        for (name, schema, required) in self.fields {
            object = object.property(name, schema);
            if required == Required::True {
                object = object.required(name);
            }
        }
        (object.build().into(), self.components)
    }

    /// The fields as they are, and the schemas that they refer to.
    pub fn into_parts(self) -> (Vec<DescribedField>, Components) {
        (self.fields, self.components)
    }
}

/// The readers that the derive calls for each field.
impl Fields {
    pub fn required_field<T: Field>(&mut self, name: &str) -> Option<T::Value> {
        if !self.has(name) {
            self.required(&[name]);
            return None;
        }
        T::read(self, name)
    }

    pub fn optional_field<T: Field>(&mut self, name: &str) -> Option<Option<T::Value>> {
        if !self.has(name) {
            return Some(None);
        }
        T::read(self, name).map(Some)
    }

    pub fn patch_field<T: Field>(&mut self, name: &str) -> Option<Option<Option<T::Value>>> {
        match self.is_patch() && self.take_null(name) {
            true => Some(Some(None)),
            false => Some(self.optional_field::<T>(name)?.map(Some)),
        }
    }

    pub fn nullable_field<T: Field>(&mut self, name: &str) -> Option<Option<T::Value>> {
        if self.take_null(name) { Some(None) } else { self.optional_field::<T>(name) }
    }
}

/// A reference to the schema of a type, which [`named_component`] adds.
pub fn named<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

pub fn named_component<T: ToSchema>(components: &mut Components) {
    components.push((T::name().into_owned(), T::schema()));
    T::schemas(components);
}

/// Replaces the description of a schema, unless the text is empty.
pub fn set_description(schema: &mut RefOr<Schema>, text: String) {
    if text.is_empty() {
        return;
    }
    match schema {
        RefOr::Ref(reference) => reference.description = text,
        RefOr::T(schema) => {
            if let Schema::Object(object) = schema {
                object.description = Some(text);
            } else if let Schema::Array(array) = schema {
                array.description = Some(text);
            }
        }
    }
}

fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    let with_null = |types: &mut SchemaType| {
        if let SchemaType::Type(one) = types {
            *types = SchemaType::Array(vec![one.clone(), Type::Null]);
        }
    };
    match schema {
        RefOr::Ref(_) => {
            let null = ObjectBuilder::new().schema_type(Type::Null);
            OneOfBuilder::new().item(schema).item(null).into()
        }
        RefOr::T(mut inner) => {
            if let Schema::Object(object) = &mut inner {
                with_null(&mut object.schema_type);
            } else if let Schema::Array(array) = &mut inner {
                with_null(&mut array.schema_type);
            }
            RefOr::T(inner)
        }
    }
}
