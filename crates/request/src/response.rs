//! `#[response]`: derives `Debug`, `Serialize` in camel case and `ToSchema`, and describes the types
//! that JSON has no word for: an id, currency, decimal or secret is a string, a `Time` a date-time,
//! `metadata` a map of strings, and `Stored<T>` is `T`.
//!
//! An `Option` is required and may be null, or it is left out (`skip_serializing_if`) and then not
//! required. A field with a `#[schema(…)]` of its own, or a flattened one, is described by that alone.

use super::inside;
use proc_macro2::TokenStream as Tokens;
use quote::{ToTokens, quote};
use syn::{Attribute, Field, ItemStruct, Type, parse_quote};

pub fn expand(mut item: ItemStruct) -> Tokens {
    for field in &mut item.fields {
        field.attrs.extend(schema(field));
    }
    quote! {
        #[derive(Debug, ::serde::Serialize, ::utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        #item
    }
}

/// The attribute that describes a field whose type does not describe itself.
fn schema(field: &Field) -> Option<Attribute> {
    let has = |name: &str, word: &str| {
        field.attrs.iter().any(|attribute| {
            attribute.path().is_ident(name)
                && attribute.to_token_stream().to_string().contains(word)
        })
    };
    if has("schema", "") || has("serde", "flatten") {
        return None;
    }
    let is_left_out = has("serde", "skip_serializing_if");
    let inner = inside(&field.ty, "Option");
    let described = match &field.ident {
        Some(name) if name == "metadata" => {
            Some(Leaf::plain(quote! { ::std::collections::BTreeMap<String, String> }))
        }
        _ => leaf(inner.unwrap_or(&field.ty)),
    };
    let required = !is_left_out;
    Some(match (inner, described) {
        (None, None) => return None,
        (Some(_), None) => parse_quote! { #[schema(required = #required)] },
        (Some(_), Some(leaf)) if required => {
            let (ty, format) = (leaf.ty, leaf.format);
            parse_quote! { #[schema(value_type = Option<#ty>, #format required = true)] }
        }
        (Some(_), Some(Leaf { ty, format })) => {
            parse_quote! { #[schema(value_type = #ty, #format required = false)] }
        }
        (None, Some(Leaf { ty, format })) => parse_quote! { #[schema(value_type = #ty, #format)] },
    })
}

/// A type as JSON has it.
struct Leaf {
    ty: Tokens,
    format: Option<Tokens>,
}

impl Leaf {
    fn plain(ty: Tokens) -> Self {
        Self { ty, format: None }
    }
}

/// Describes a type that does not describe itself.
fn leaf(ty: &Type) -> Option<Leaf> {
    if let Some(stored) = inside(ty, "Stored") {
        return Some(Leaf::plain(stored.to_token_stream()));
    }
    if let Some(item) = inside(ty, "Vec") {
        let item = leaf(item)?.ty;
        return Some(Leaf::plain(quote! { Vec<#item> }));
    }
    let Type::Path(path) = ty else { return None };
    match path.path.segments.last()?.ident.to_string().as_str() {
        "Time" => Some(Leaf { ty: quote!(String), format: Some(quote! { format = DateTime, }) }),
        // A tax id has a type and a value.
        "TaxId" => None,
        "Currency" | "Decimal" | "Secret" => Some(Leaf::plain(quote!(String))),
        name if name.ends_with("Id") => Some(Leaf::plain(quote!(String))),
        _ => None,
    }
}
