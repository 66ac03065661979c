//! `#[derive(Output)]`: a struct is what its fields are, one after another.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Field, Fields, Generics, Path, parse_quote};

use crate::{
    mistakes::Mistakes,
    parse::is_called,
    tokens::{ends, generated},
};

/// The implementation of `Output` for a struct. For anything else it comes with the mistake, so that code that uses the type has no errors of
/// its own.
pub(crate) fn output(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let mut mistakes = Mistakes::default();
    let facade = facade(&item, &mut mistakes);
    let fields = fields(&item, &mut mistakes);
    let each = format_ident!("__each");
    let whole = fields.filter(|_| mistakes.is_empty()).map(|fields| whole(fields, &each));
    let body =
        whole.map_or_else(|| quote! { ::core::unreachable!() }, |whole| quote! { ::core::result::Result::Ok(#whole) });
    let (name, generics) = (&item.ident, bounded(&item.generics));
    let (head, arguments, bounds) = generics.split_for_impl();
    let mistakes = mistakes.into_compile_errors();
    quote! {
        const _: () = {
            use #facade::batch as __mixup;
            #[automatically_derived]
            impl #head __mixup::Output for #name #arguments #bounds {
                fn map(&self, #each: &mut __mixup::EachTensor<'_>) -> __mixup::Mapped<Self> { #body }
            }
        };
        #mistakes
    }
}

/// The path of the facade: `::mixup`, unless `#[output(crate = my::mixup)]` gives another.
fn facade(item: &DeriveInput, mistakes: &mut Mistakes) -> TokenStream {
    let mut path = None;
    for attr in item.attrs.iter().filter(|attr| is_called(attr, "output")) {
        let parsed = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                path = Some(meta.value()?.call(Path::parse_mod_style)?);
                return Ok(());
            }
            Err(meta.error("`#[output]` takes only the path of `mixup`: write `#[output(crate = my::mixup)]`"))
        });
        if let Err(error) = parsed {
            mistakes.extend(error);
        }
    }
    path.map_or_else(|| quote! { ::mixup }, |path| path.to_token_stream())
}

/// The fields, of which there must be at least one.
fn fields<'a>(item: &'a DeriveInput, mistakes: &mut Mistakes) -> Option<&'a Fields> {
    let name = &item.ident;
    match &item.data {
        Data::Struct(of) if of.fields.is_empty() => {
            let message = format!("`{name}` has no fields, but an output consists of tensors: give it a field for each");
            mistakes.add(name, message);
        }
        Data::Struct(of) => return Some(&of.fields),
        Data::Enum(of) => mistakes.add(
            of.enum_token,
            "`Output` can be derived for a struct only, since an output must always have the same tensors: write a struct, or \
             implement `Output` by hand",
        ),
        Data::Union(of) => mistakes.add(
            of.union_token,
            "`Output` can be derived for a struct only, since a union does not know which of its fields it has: write a struct",
        ),
    }
    None
}

/// `Self { mean: …, variance: … }` or `Self(…, …)`, in the order of the fields.
fn whole(fields: &Fields, each: &Ident) -> TokenStream {
    let values = fields.iter().zip(fields.members()).map(|(Field { ident, ty, .. }, member)| {
        let (first, last) = ends(ty);
        let span = first.join(last).unwrap_or(first);
        // An error about a field's type is shown on the type.
        let map = quote_spanned! { generated(span)=> <#ty as __mixup::Output>::map };
        let named = ident.as_ref().map(|ident| quote! { #ident: });
        quote! { #named #map(&self.#member, #each)? }
    });
    if matches!(fields, Fields::Named(_)) {
        quote! { Self { #(#values),* } }
    } else {
        quote! { Self(#(#values),*) }
    }
}

/// The generics, with each type that the struct is generic over as an output.
fn bounded(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote! { __mixup::Output });
    }
    generics
}
