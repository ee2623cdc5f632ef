//! `#[derive(FromRow)]` and `#[derive(ToRow)]` for the server's `db::record`.
//!
//! A field is a column of its own name unless `#[record(…)]` says otherwise:
//!
//! | attribute | meaning |
//! |---|---|
//! | `name = "x"` | the column has another name |
//! | `insert_only` | an `INSERT` writes the column, `SET` lists leave it out |
//! | `read_only` | the column is read, and written by statements that name it |
//! | `computed` | no column of the table: the statement says what the field is read from |
//! | `prefix = "x_"` | a record whose columns are in the same table, with this prefix |
//! | `join` | a record of another table, whose alias the statement names |
//! | `default` | with `prefix` or `join`: `Default` if the record is missing (its first column is NULL) |
//! | `json` | stored as JSON, `None` as `null` |
//! | `skip` | not in the table: `Default` when read |

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Type, parse_macro_input};

/// Derives reading: the columns in their order, and the fields from them.
#[proc_macro_derive(FromRow, attributes(record))]
pub fn from_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    reader(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Derives writing: the columns, and the value of each from its field.
#[proc_macro_derive(ToRow, attributes(record))]
pub fn to_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    writer(&input).unwrap_or_else(Error::into_compile_error).into()
}

struct Member {
    field: Ident,
    ty: Type,
    column: String,
    kind: Kind,
    default: bool,
    json: bool,
}

enum Kind {
    Column(&'static str),
    Computed,
    Embedded(String),
    Joined,
    Skipped,
}

fn reader(input: &DeriveInput) -> Result<Tokens, Error> {
    let members = members(input)?;
    let fields = members.iter().filter_map(|member| {
        let (ty, name) = (&member.ty, &member.column);
        let kind = match &member.kind {
            Kind::Column(_) => quote!(Column { usage: Usage::ReadOnly, ty: "" }),
            Kind::Computed => quote!(Column { usage: Usage::Computed, ty: "" }),
            Kind::Embedded(prefix) => {
                quote!(Embedded { prefix: #prefix, fields: <#ty as FromRow>::FIELDS })
            }
            Kind::Joined => quote!(Joined { fields: <#ty as FromRow>::FIELDS }),
            Kind::Skipped => return None,
        };
        Some(quote!(Field { name: #name, kind: Kind::#kind }))
    });
    let read = members.iter().map(|Member { field, ty, kind, default, json, .. }| match kind {
        Kind::Column(_) if *json => quote!(#field: row.take::<crate::db::JsonText<#ty>>()?.0),
        Kind::Embedded(_) | Kind::Joined if *default => {
            quote!(#field: <Option<#ty> as FromRow>::read(row)?.unwrap_or_default())
        }
        Kind::Column(_) | Kind::Computed => quote!(#field: row.take()?),
        Kind::Embedded(_) | Kind::Joined => quote!(#field: <#ty as FromRow>::read(row)?),
        Kind::Skipped => quote!(#field: ::core::default::Default::default()),
    });
    let fields: Vec<_> = fields.collect();
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        const _: () = {
            #[allow(unused_imports)]
            use crate::db::record::{Field, FromRow, Kind, Usage};
            impl #generics FromRow for #name #arguments #bounds {
                const FIELDS: &'static [Field] = &[#(#fields),*];

                fn read(row: &mut crate::db::record::Columns<'_>) -> Result<Self, crate::db::DbError> {
                    Ok(Self { #(#read),* })
                }
            }
        };
    })
}

fn writer(input: &DeriveInput) -> Result<Tokens, Error> {
    let members: Vec<Member> = members(input)?
        .into_iter()
        .filter(|member| matches!(member.kind, Kind::Column(_) | Kind::Embedded(_)))
        .collect();
    let fields = members.iter().map(|member| {
        let (ty, name) = (&member.ty, &member.column);
        let kind = match &member.kind {
            Kind::Embedded(prefix) => {
                quote!(Embedded { prefix: #prefix, fields: <#ty as ToRow>::FIELDS })
            }
            Kind::Column(usage) => {
                let usage = Ident::new(usage, member.field.span());
                let ty = match member.json {
                    true => quote!("TEXT"),
                    false => quote!(<#ty as ToColumn>::TYPE),
                };
                quote!(Column { usage: Usage::#usage, ty: #ty })
            }
            Kind::Computed | Kind::Joined | Kind::Skipped => Tokens::new(),
        };
        quote!(Field { name: #name, kind: Kind::#kind })
    });
    let values = members.iter().map(|Member { field, ty, kind, json, .. }| match kind {
        Kind::Column(_) if *json => quote! {
            if at == 0 {
                return crate::db::json(&self.#field).into();
            }
            at -= 1;
        },
        Kind::Embedded(_) => quote! {
            let columns = const { width(<#ty as ToRow>::FIELDS) };
            if at < columns {
                return ToRow::value(&self.#field, at);
            }
            at -= columns;
        },
        Kind::Column(_) | Kind::Computed | Kind::Joined | Kind::Skipped => quote! {
            if at == 0 {
                return ToColumn::to_column(&self.#field);
            }
            at -= 1;
        },
    });
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        const _: () = {
            #[allow(unused_imports)]
            use crate::db::record::{Field, Kind, ToColumn, ToRow, Usage, width};
            impl #generics ToRow for #name #arguments #bounds {
                const FIELDS: &'static [Field] = &[#(#fields),*];

                #[allow(unused_assignments)]
                fn value(&self, column: usize) -> crate::db::Value<'_> {
                    let mut at = column;
                    #(#values)*
                    crate::db::Value::Null
                }
            }
        };
    })
}

fn members(input: &DeriveInput) -> Result<Vec<Member>, Error> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().map(member).collect(),
            Fields::Unnamed(_) | Fields::Unit => {
                Err(Error::new_spanned(&input.ident, "a record has named fields"))
            }
        },
        Data::Enum(_) | Data::Union(_) => {
            Err(Error::new_spanned(&input.ident, "a record is a struct"))
        }
    }
}

fn member(field: &Field) -> Result<Member, Error> {
    let Some(name) = field.ident.clone() else {
        return Err(Error::new_spanned(field, "a record has named fields"));
    };
    let mut column = name.to_string().trim_start_matches("r#").to_owned();
    let mut kind = Kind::Column("Stored");
    let (mut default, mut json) = (false, false);
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("record")) {
        attribute.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            match word.as_str() {
                "name" => column = meta.value()?.parse::<LitStr>()?.value(),
                "prefix" => kind = Kind::Embedded(meta.value()?.parse::<LitStr>()?.value()),
                "insert_only" => kind = Kind::Column("InsertOnly"),
                "read_only" => kind = Kind::Column("ReadOnly"),
                "computed" => kind = Kind::Computed,
                "join" => kind = Kind::Joined,
                "default" => default = true,
                "json" => json = true,
                "skip" => kind = Kind::Skipped,
                _ => return Err(meta.error("not an attribute of a record")),
            }
            Ok(())
        })?;
    }
    Ok(Member { field: name, ty: field.ty.clone(), column, kind, default, json })
}
