//! What the runtime takes from the table: the hooks' names; the events, the trait `Callback`, what each hook may return.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::hooks::{HOOKS, Hook, Lent, Name};

/// All that speaks of what a hook is lent and may return.
pub(crate) fn events() -> TokenStream {
    let events = HOOKS.iter().map(event);
    let callback = callback_trait();
    let returns = HOOKS.iter().map(returns);
    let lent = HOOKS.iter().flat_map(|hook| hook.adds).map(lent);
    quote! {
        #(#events)*
        #callback
        #(#returns)*

        /// For each value the types of a parameter that may take it: `#[callback]` hands in through these traits, so that
        /// a wrong type is told in one sentence.
        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "they are called as the values are")]
        pub mod lent {
            use super::*;
            /// What is lent.
            pub struct Value;
            /// A type that no parameter has.
            pub struct Nothing;
            #(#lent)*
        }
    }
}

/// `enum Hook`, its names and its list: all that messages need.
pub(crate) fn hooks() -> TokenStream {
    let variants: Vec<_> = HOOKS.iter().map(|hook| format_ident!("{}", hook.event)).collect();
    let names = HOOKS.iter().map(|hook| hook.name);
    let docs = HOOKS.iter().map(|hook| format!("`{}`: {}", hook.name, hook.doc));
    let known = HOOKS.iter().map(|hook| {
        let names = hook.names().into_iter().map(|name| name.name);
        quote! { &[#(#names),*] }
    });
    let flows = HOOKS.iter().map(|hook| hook.flows).map(|flows| quote! { &[#(#flows),*] });
    quote! {
        /// The moments of a training at which callbacks run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Hook { #(#[doc = #docs] #variants,)* }

        impl Hook {
            /// All hooks, in the order in which a training reaches them first.
            pub const ALL: &[Hook] = &[#(Hook::#variants),*];

            /// The hook's name, as the method that serves it is called.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { #(Hook::#variants => #names,)* }
            }

            /// The names that a callback may ask for in this hook.
            #[must_use]
            pub const fn names(self) -> &'static [&'static str] {
                match self { #(Hook::#variants => #known,)* }
            }

            /// The flow values that this hook may return.
            #[must_use]
            pub const fn flows(self) -> &'static [&'static str] {
                match self { #(Hook::#variants => #flows,)* }
            }
        }
    }
}

/// The type that carries what exists in a hook.
fn event(hook: &Hook) -> TokenStream {
    let event = format_ident!("{}", hook.event);
    let doc = format!("What exists in `{}`. {}", hook.name, hook.doc);
    let fields = hook.names().into_iter().map(|name| {
        let (ident, ty) = (format_ident!("{}", name.name), ty(name));
        let made = if name.unmade.is_some() {
            format!(" Filled in by [`make_{ident}`](Self::make_{ident}).")
        } else {
            String::new()
        };
        let doc = format!("{}{made}", name.doc);
        quote! { #[doc = #doc] pub #ident: #ty }
    });
    let views = hook.names().into_iter().map(view);
    let on_demand: Vec<_> = hook.names().into_iter().filter(|name| name.unmade.is_some()).collect();
    let untold = (!on_demand.is_empty()).then(|| quote! { untold: Untold<'a>, });
    let tell = (!on_demand.is_empty()).then(|| quote! { untold: state.beside.untold(), });
    let makes = on_demand.into_iter().map(make);
    quote! {
        #[doc = #doc]
        #[non_exhaustive]
        #[allow(missing_debug_implementations, reason = "models and optimizers need not have it")]
        pub struct #event<'a> {
            #(#fields,)*
            #untold
            #[doc(hidden)]
            pub __others: Others<'a>,
        }

        impl<'a> #event<'a> {
            /// The part of the state that exists in this hook.
            pub(crate) fn view(state: &'a mut State, others: Others<'a>) -> Self {
                Self { #(#views,)* #tell __others: others }
            }

            #(#makes)*

            /// Another callback of the learner, where it has one of this type.
            #[must_use]
            pub fn callback<C: Callback>(&self) -> Option<&C> {
                self.__others.get()
            }

            /// The same, to change.
            #[must_use]
            pub fn callback_mut<C: Callback>(&mut self) -> Option<&mut C> {
                self.__others.get_mut()
            }
        }
    }
}

fn ty(name: &Name) -> TokenStream {
    let ty: TokenStream = name.ty.parse().unwrap_or_default();
    match name.lent {
        Lent::Copied => ty,
        Lent::Read => quote! { &'a #ty },
        Lent::Changed => quote! { &'a mut #ty },
    }
}

/// The method that fills in what costs something.
fn make(name: &Name) -> TokenStream {
    let (ident, make) = (format_ident!("{}", name.name), format_ident!("make_{}", name.name));
    let doc = format!(
        "Fills in `{ident}`, and waits for the device where it has to. `#[callback]` calls this for a method that asks for \
         `{ident}`, once it is known that the method runs now; who implements the trait by hand calls it before a look."
    );
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        /// What libtorch says where the values can't be read.
        pub fn #make(&mut self) -> Result<(), ReadError> {
            self.#ident = self.untold.#ident(self.#ident)?;
            Ok(())
        }
    }
}

fn view(name: &Name) -> TokenStream {
    let ident = format_ident!("{}", name.name);
    if let Some(unmade) = name.unmade {
        let unmade: TokenStream = unmade.parse().unwrap_or_default();
        return quote! { #ident: #unmade };
    }
    match name.lent {
        Lent::Copied => quote! { #ident: state.#ident },
        Lent::Read => quote! { #ident: &state.#ident },
        // What is boxed in the state is lent without its box.
        Lent::Changed if name.ty.starts_with("dyn ") => quote! { #ident: &mut *state.#ident },
        Lent::Changed => quote! { #ident: &mut state.#ident },
    }
}

/// The trait, the same without its constants for the learner's list, and the list's way to each hook.
fn callback_trait() -> TokenStream {
    let hooks: Vec<_> = HOOKS.iter().map(|hook| format_ident!("{}", hook.name)).collect();
    let events: Vec<_> = HOOKS.iter().map(|hook| format_ident!("{}", hook.event)).collect();
    let docs = HOOKS.iter().map(|hook| hook.doc);
    quote! {
        /// Something that runs at named moments of a training and may change what it is lent there.
        ///
        /// Written by `#[callback]`, which takes hooks from an `impl` block and fills in the constants; a hook that
        /// is not in `HOOKS` is never called.
        #[diagnostic::on_unimplemented(
            message = "`{Self}` is not a callback",
            label = "put `#[callback]` on an `impl` block with hooks, or `#[callback(on_epoch_end)]` on a function; `hook!` makes one of a closure"
        )]
        pub trait Callback: std::any::Any + Send {
            /// What messages and listings call it.
            const NAME: &'static str;
            /// Its place among the others: the smaller runs earlier, in hooks named `…_end` later.
            const ORDER: i32 = 0;
            /// The hooks that it has, and the names that it asks for in each.
            const HOOKS: &'static [Asked];
            /// The callbacks that it runs before, where the learner has them.
            const BEFORE: &'static [Peer] = &[];
            /// The callbacks that it runs after, where the learner has them.
            const AFTER: &'static [Peer] = &[];

            /// What a learner's summary tells of it: its name, and of its fields those that it chooses.
            fn describe(&self) -> String { Self::NAME.to_owned() }

            /// Its state, where it has one that belongs to a checkpoint.
            ///
            /// # Errors
            /// What the state's types say when they can't be written down.
            fn save(&self) -> Result<Option<CallbackState>, BoxError> { Ok(None) }

            /// Takes up a state that [`save`](Self::save) gave, whole or not at all.
            ///
            /// # Errors
            /// [`StateError`] where it is the state of something else.
            fn load(&mut self, state: &CallbackState) -> Result<(), BoxError> {
                let _ = state;
                Err(StateError::NoState.into())
            }

            #(
                #[doc = #docs]
                ///
                /// # Errors
                /// Whatever the callback returns: training then ends with an error that says where.
                #[allow(unused_variables, reason = "a hook that is not there does nothing")]
                fn #hooks(&mut self, event: &mut #events<'_>) -> HookResult { Ok(Flow::Continue) }
            )*
        }

        /// A callback in the learner's list.
        pub(crate) trait AnyCallback: std::any::Any + Send {
            fn name(&self) -> &'static str;
            fn order(&self) -> i32;
            fn hooks(&self) -> &'static [Asked];
            fn before(&self) -> &'static [Peer];
            fn after(&self) -> &'static [Peer];
            fn describe(&self) -> String;
            fn save(&self) -> Result<Option<CallbackState>, BoxError>;
            fn load(&mut self, state: &CallbackState) -> Result<(), BoxError>;
            #(fn #hooks(&mut self, event: &mut #events<'_>) -> HookResult;)*
        }

        impl<C: Callback> AnyCallback for C {
            fn name(&self) -> &'static str { C::NAME }
            fn order(&self) -> i32 { C::ORDER }
            fn hooks(&self) -> &'static [Asked] { C::HOOKS }
            fn before(&self) -> &'static [Peer] { C::BEFORE }
            fn after(&self) -> &'static [Peer] { C::AFTER }
            fn describe(&self) -> String { Callback::describe(self) }
            fn save(&self) -> Result<Option<CallbackState>, BoxError> { Callback::save(self) }
            fn load(&mut self, state: &CallbackState) -> Result<(), BoxError> { Callback::load(self, state) }
            #(fn #hooks(&mut self, event: &mut #events<'_>) -> HookResult { Callback::#hooks(self, event) })*
        }

        impl Callbacks {
            #(
                #[allow(dead_code, reason = "`on_train_end` is owed one by one, not run like the others")]
                pub(crate) fn #hooks(&mut self, state: &mut State) -> Result<Decision, Error> {
                    self.run(Hook::#events, state, |callback, state, others| {
                        callback.#hooks(&mut #events::view(state, others))
                    })
                }
            )*
        }
    }
}

/// The trait of all that a hook may return, with the sentence for what it may not.
fn returns(hook: &Hook) -> TokenStream {
    let (returns, name) = (format_ident!("{}Returns", hook.event), hook.name);
    let doc = format!("What `{name}` may return.");
    let message = format!("`{name}` may not return `{{Self}}`");
    let label = match hook.flows {
        [] => "return nothing here, or a `Result<(), _>` whose error is a `std::error::Error + Send + Sync`".to_owned(),
        flows => {
            let flows: Vec<_> = flows.iter().map(|flow| format!("`{flow}`")).collect();
            format!(
                "return nothing here, or {}, an `Option` of it, or a `Result` of these whose error is a `std::error::Error + Send + Sync`",
                flows.join(" or ")
            )
        }
    };
    let flows: Vec<_> = hook.flows.iter().map(|flow| format_ident!("{flow}")).collect();
    quote! {
        #[doc = #doc]
        #[diagnostic::on_unimplemented(message = #message, label = #label)]
        pub trait #returns {
            /// As the learner understands it.
            ///
            /// # Errors
            /// The error that the hook returned.
            fn into_flow(self) -> HookResult;
        }
        #[diagnostic::do_not_recommend]
        impl #returns for () {
            fn into_flow(self) -> HookResult { Ok(Flow::Continue) }
        }
        #[diagnostic::do_not_recommend]
        impl<T: #returns, E: Into<BoxError>> #returns for Result<T, E> {
            fn into_flow(self) -> HookResult { self.map_err(Into::into)?.into_flow() }
        }
        #(
            #[diagnostic::do_not_recommend]
            impl #returns for #flows {
                fn into_flow(self) -> HookResult { Ok(self.into()) }
            }
            #[diagnostic::do_not_recommend]
            impl #returns for Option<#flows> {
                fn into_flow(self) -> HookResult { Ok(self.map_or(Flow::Continue, Into::into)) }
            }
        )*
    }
}

/// The trait that hands a value to a parameter of its name, with the sentence for a parameter of another type.
fn lent(name: &Name) -> TokenStream {
    let (ident, ty, spelt) = (format_ident!("{}", name.name), name.ty, name.spelt());
    let (is, write) = match name.lent {
        Lent::Copied => (ty.to_owned(), format!("write `{spelt}`")),
        Lent::Read => (format!("&{ty}"), format!("write `{spelt}`")),
        Lent::Changed => (format!("&mut {ty}"), format!("write `{spelt}`, or `{ident}: &{ty}` if it stays as it is")),
    };
    let message = format!("`{ident}` is a `{is}`, not a `{{T}}`");
    let ty: TokenStream = ty.parse().unwrap_or_default();
    let (from, other) = match name.lent {
        Lent::Copied => (quote! { &'a #ty }, Some((quote! { #ty }, quote! { *value }))),
        // Were there one type only, the compiler would take it for the one that is meant, and say something else.
        Lent::Read => (quote! { &'a #ty }, Some((quote! { Nothing }, quote! { { let _ = value; Nothing } }))),
        Lent::Changed => (quote! { &'a mut #ty }, Some((quote! { &'a mut #ty }, quote! { value }))),
    };
    let taken = [(quote! { &'a #ty }, quote! { value })].into_iter().chain(other).map(|(taken, value)| {
        quote! {
            #[diagnostic::do_not_recommend]
            impl<'a> #ident<'a, #taken> for Value {
                fn lend(value: #from) -> #taken { #value }
            }
        }
    });
    quote! {
        #[diagnostic::on_unimplemented(message = #message, label = #write)]
        pub trait #ident<'a, T> {
            fn lend(value: #from) -> T;
        }
        #(#taken)*
    }
}
