//! `#[derive(Request)]`: one declaration of a request is its reader and its OpenAPI schema.
//!
//! Each field's type reads and describes itself (`http::wire::Field` of the server). The derive
//! adds what only the declaration knows: the names, the doc comments, which fields may be absent
//! (`Option<T>`) or cleared by `null` (`Option<Option<T>>`), and these attributes.
//!
//! - `#[request(patch)]` on the struct: `null` clears its fields of type `Option<Option<T>>`.
//! - `#[request(before = path)]` on the struct: a function of `&mut Fields` that checks which fields
//!   are there, before they are read.
//! - `#[request(name = "…")]`: another name than the camel-case one, of the schema or of a field.
//! - `#[request(with = Leaf)]` on a field: the type that reads and describes it, where its own type
//!   has no bounds.
//! - `#[request(default = expression)]` on a field: its value when it is absent.
//! - `#[request(nullable)]` on a field: `null` is the same as absent.
//! - `#[request(flatten)]` on a field: the fields of another declaration stand beside it.
//! - `#[request(key_only)]` on a field: a portal token may not set it.
//!
//! `#[response]` declares a response, which is serialized in camel case; see `response.rs`.

mod response;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, Field, Fields, GenericArgument, Ident, Lit, LitStr,
    Meta, Path, PathArguments, Type, parse_macro_input,
};

#[proc_macro_derive(Request, attributes(request))]
pub fn request(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

#[proc_macro_attribute]
pub fn response(_: TokenStream, input: TokenStream) -> TokenStream {
    response::expand(parse_macro_input!(input as syn::ItemStruct)).into()
}

/// The attributes of a struct or of a field.
#[derive(Default)]
struct Options {
    patch: bool,
    flatten: bool,
    key_only: bool,
    nullable: bool,
    with: Option<Type>,
    default: Option<Expr>,
    name: Option<String>,
    before: Option<Path>,
}

impl Options {
    fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|one| one.path().is_ident("request")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("patch") {
                    options.patch = true;
                } else if meta.path.is_ident("flatten") {
                    options.flatten = true;
                } else if meta.path.is_ident("key_only") {
                    options.key_only = true;
                } else if meta.path.is_ident("nullable") {
                    options.nullable = true;
                } else if meta.path.is_ident("with") {
                    options.with = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("default") {
                    options.default = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("name") {
                    options.name = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.path.is_ident("before") {
                    options.before = Some(meta.value()?.parse()?);
                } else {
                    return Err(meta.error("unknown attribute of a request"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

fn expand(input: &DeriveInput) -> syn::Result<Tokens> {
    let wrong = || Error::new_spanned(input, "a request is a struct with named fields");
    let Data::Struct(data) = &input.data else { return Err(wrong()) };
    let Fields::Named(fields) = &data.fields else { return Err(wrong()) };
    let options = Options::read(&input.attrs)?;
    let ident = &input.ident;
    let name = options.name.unwrap_or_else(|| ident.to_string());
    let description = doc(&input.attrs);
    let patch = options.patch;
    let before = options.before.map(|check| quote! { #check(fields); });
    let (mut idents, mut reads, mut describes) = (Vec::new(), Vec::new(), Vec::new());
    for field in &fields.named {
        let ident = field.ident.as_ref().ok_or_else(wrong)?;
        let (read, describe) = expand_field(field, ident)?;
        idents.push(ident);
        reads.push(quote! { let #ident = #read; });
        describes.push(describe);
    }
    Ok(quote! {
        impl crate::http::wire::Request for #ident {
            const NAME: &'static str = #name;
            const DESCRIPTION: &'static str = #description;

            fn read(fields: &mut crate::http::Fields) -> Option<Self> {
                let outer = fields.set_patch(#patch);
                #before
                #(#reads)*
                fields.restore_patch(outer);
                Some(Self { #(#idents: #idents?),* })
            }

            fn describe(description: &mut crate::http::wire::Description) {
                let outer = description.set_patch(#patch);
                #(#describes)*
                description.restore_patch(outer);
            }
        }
    })
}

/// The expressions that read and describe a field.
fn expand_field(field: &Field, ident: &Ident) -> syn::Result<(Tokens, Tokens)> {
    let options = Options::read(&field.attrs)?;
    if options.flatten {
        let part = &field.ty;
        let part = quote! { <#part as crate::http::wire::Request> };
        return Ok((quote! { #part::read(fields) }, quote! { #part::describe(description); }));
    }
    let once = inside_option(&field.ty);
    let twice = once.and_then(inside_option);
    let leaf = options.with.as_ref().or(twice).or(once).unwrap_or(&field.ty);
    let (reader, presence) = match (once, twice) {
        (_, Some(_)) => ("patch_field", "Patch"),
        (Some(_), None) if options.nullable => ("nullable_field", "Nullable"),
        (Some(_), None) => ("optional_field", "Optional"),
        (None, None) if options.default.is_some() => ("optional_field", "Optional"),
        (None, None) => ("required_field", "Required"),
    };
    let name = options.name.unwrap_or_else(|| camel_case(&ident.to_string()));
    let (key_only, description) = (options.key_only, doc(&field.attrs));
    let reader = Ident::new(reader, ident.span());
    let presence = Ident::new(presence, ident.span());
    let mut read = quote! { fields.#reader::<#leaf>(#name) };
    let mut absent = quote! { None };
    if let Some(default) = &options.default {
        read = quote! { #read.map(|value| value.unwrap_or_else(|| #default)) };
        absent = quote! { #default };
    }
    if key_only {
        read = quote! { if fields.is_of_key() { #read } else { Some(#absent) } };
    }
    let presence = quote! { crate::http::wire::Presence::#presence };
    let describe =
        quote! { description.field::<#leaf>(#name, #description, #presence, #key_only); };
    Ok((read, describe))
}

/// The `T` of an `Option<T>`.
fn inside_option(ty: &Type) -> Option<&Type> {
    inside(ty, "Option")
}

/// The `T` of a `Name<T>`.
fn inside<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

/// The doc comment, its lines joined as utoipa joins them.
fn doc(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(meta) = &attribute.meta
            && meta.path.is_ident("doc")
            && let Expr::Lit(literal) = &meta.value
            && let Lit::Str(text) = &literal.lit
        {
            lines.push(text.value().trim().to_owned());
        }
    }
    lines.join("\n").trim().to_owned()
}

fn camel_case(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for letter in name.trim_start_matches("r#").chars() {
        match letter {
            '_' => upper = true,
            letter if std::mem::take(&mut upper) => camel.extend(letter.to_uppercase()),
            letter => camel.push(letter),
        }
    }
    camel
}
