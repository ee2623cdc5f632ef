//! Handlers that describe themselves: what an extractor takes of a request is in the
//! description of the operation, so that the two cannot differ.

use super::body::FormBody;
use super::page::{ListQuery, Query};
use super::wire::{Components, Description, Request};
use super::{Body, IdempotencyKey, NoBody, PathText, PathTexts, RawJsonBody};
use crate::app::App;
use crate::base::page::MAX_LIMIT;
use axum::extract::State;
use http::{HeaderMap, Uri};
use std::sync::Arc;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{KnownFormat, OneOfBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, Required, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

/// An extractor that adds what it takes to the description of an operation.
pub trait Describe {
    fn describe(_: &mut Operation, _: &mut Components) {}
}

/// A handler, by its arguments.
pub trait Handler<Arguments> {
    fn describe(operation: &mut Operation, components: &mut Components);
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        impl<F, R, $($argument: Describe),*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R,
        {
            #[allow(unused_variables)] // A handler without arguments has nothing to describe.
            fn describe(operation: &mut Operation, components: &mut Components) {
                $($argument::describe(operation, components);)*
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);

/// Adds to a route's description what the extractors of its handler take.
pub fn described<H: Handler<A>, A>(
    (mut components, mut paths, router): UtoipaMethodRouter<Arc<App>>,
    _: &H,
) -> UtoipaMethodRouter<Arc<App>> {
    for (path, item) in &mut paths.paths {
        for operation in super::description::operations(item) {
            let written = operation.parameters.take().unwrap_or_default();
            let named = path_parameters(path);
            operation.parameters = (!named.is_empty()).then_some(named);
            H::describe(operation, &mut components);
            if !written.is_empty() {
                operation.parameters.get_or_insert_default().extend(written);
            }
        }
    }
    (components, paths, router)
}

/// The names in braces in a route.
fn path_parameters(path: &str) -> Vec<RefOr<Parameter>> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of_path = |name| parameter(name, ParameterIn::Path, Required::True, string());
    names.map(|name| RefOr::T(of_path(name))).collect()
}

fn string() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn parameter(
    name: &str,
    place: ParameterIn,
    required: Required,
    schema: RefOr<Schema>,
) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
    parameter.schema(Some(schema)).build()
}

fn add(operation: &mut Operation, parameter: Parameter) {
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

impl Describe for State<Arc<App>> {}
impl Describe for Uri {}
impl Describe for HeaderMap {}
impl Describe for PathText {}
impl Describe for PathTexts {}
impl Describe for NoBody {}
impl<const MOST: usize> Describe for RawJsonBody<MOST> {}

impl Describe for IdempotencyKey {
    fn describe(operation: &mut Operation, _: &mut Components) {
        let types = SchemaType::Array(vec![Type::String, Type::Null]);
        let schema = ObjectBuilder::new().schema_type(types).into();
        let header = ParameterIn::Header;
        add(operation, parameter("Idempotency-Key", header, Required::False, schema));
    }
}

impl<T: Request> Describe for Body<T> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let body = RequestBodyBuilder::new().required(Some(Required::True));
        set_body::<T>(operation, body.content("application/json", content::<T>()), components);
    }
}

impl<T: Request> Describe for FormBody<T> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let body = RequestBodyBuilder::new().required(Some(Required::True));
        let body = body.content("application/json", content::<T>());
        let body = body.content("application/x-www-form-urlencoded", content::<T>());
        set_body::<T>(operation, body, components);
    }
}

impl<T: Request> Describe for Option<Body<T>> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let null = ObjectBuilder::new().schema_type(Type::Null);
        let or_null = OneOfBuilder::new().item(Ref::from_schema_name(T::NAME)).item(null);
        let content = Content::new(Some(or_null));
        let body = RequestBodyBuilder::new().content("application/json", content);
        set_body::<T>(operation, body, components);
    }
}

fn content<T: Request>() -> Content {
    Content::new(Some(Ref::from_schema_name(T::NAME)))
}

fn set_body<T: Request>(
    operation: &mut Operation,
    body: RequestBodyBuilder,
    components: &mut Components,
) {
    let body: RequestBody = body.build();
    operation.request_body = Some(body.into());
    let (schema, inner) = Description::describe::<T>().object(T::DESCRIPTION);
    components.push((T::NAME.to_owned(), schema.into()));
    components.extend(inner);
}

impl<T: Request> Describe for Query<T> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let (fields, inner) = Description::describe::<T>().into_parts();
        for (name, schema, required) in fields {
            add(operation, parameter(name, ParameterIn::Query, required, schema));
        }
        components.extend(inner);
    }
}

impl<T: Request> Describe for ListQuery<T> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        Query::<T>::describe(operation, components);
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1_i64))
            .maximum(Some(MAX_LIMIT));
        let query = ParameterIn::Query;
        add(operation, parameter("limit", query.clone(), Required::False, limit.into()));
        add(operation, parameter("cursor", query, Required::False, string()));
    }
}
