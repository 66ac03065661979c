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

        /// For each value, the types that its parameter may have: `#[callback]` passes values through these traits, so that
        /// a wrong type is reported in one sentence.
        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "they have the names of the values")]
        pub mod lent {
            use super::*;
            /// The source of all values.
            pub struct Value;
            /// A type that no parameter can have.
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

            /// The hook's name, which is the name of its method.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { #(Hook::#variants => #names,)* }
            }

            /// The values that a callback can ask for in this hook.
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

/// The type that contains the values of a hook.
fn event(hook: &Hook) -> TokenStream {
    let event = format_ident!("{}", hook.event);
    let doc = format!("The values of `{}`. {}", hook.name, hook.doc);
    let fields = hook.names().into_iter().map(|name| {
        let (ident, ty) = (format_ident!("{}", name.name), ty(name));
        let made = if name.unmade.is_some() {
            format!(" Set by [`make_{ident}`](Self::make_{ident}).")
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
        #[allow(missing_debug_implementations, reason = "models and optimizers need not implement it")]
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

            /// The learner's callback of this type, if it has one.
            #[must_use]
            pub fn callback<C: Callback>(&self) -> Option<&C> {
                self.__others.get()
            }

            /// The learner's callback of this type, if it has one, to change it.
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

/// The method that reads a deferred value.
fn make(name: &Name) -> TokenStream {
    let (ident, make) = (format_ident!("{}", name.name), format_ident!("make_{}", name.name));
    let doc = format!(
        "Reads `{ident}`, and waits for the device if it has to. `#[callback]` calls this right before a method that asks for \
         `{ident}`; an implementation of the trait by hand must call it before it uses the field."
    );
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        /// libtorch's error if the values can't be read.
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
        // A value that is boxed in the state is borrowed without its box.
        Lent::Changed if name.ty.starts_with("dyn ") => quote! { #ident: &mut *state.#ident },
        Lent::Changed => quote! { #ident: &mut state.#ident },
    }
}

/// The trait `Callback`, its object-safe form for the learner's list, and the list's method for each hook.
fn callback_trait() -> TokenStream {
    let hooks: Vec<_> = HOOKS.iter().map(|hook| format_ident!("{}", hook.name)).collect();
    let events: Vec<_> = HOOKS.iter().map(|hook| format_ident!("{}", hook.event)).collect();
    let docs = HOOKS.iter().map(|hook| hook.doc);
    quote! {
        /// Code that runs at named moments of a training and may change the values that it gets there.
        ///
        /// `#[callback]` implements it: it takes the hooks from an `impl` block and fills in the constants. A hook that is not
        /// in `HOOKS` is never called.
        #[diagnostic::on_unimplemented(
            message = "`{Self}` is not a callback",
            label = "put `#[callback]` on an `impl` block with hooks, or `#[callback(on_epoch_end)]` on a function, or pass a closure to `hook!`"
        )]
        pub trait Callback: std::any::Any + Send {
            /// The name in messages and listings.
            const NAME: &'static str;
            /// The order among callbacks: a smaller number runs earlier, and later in the hooks named `…_end`.
            const ORDER: i32 = 0;
            /// Its hooks, and the values that it asks for in each.
            const HOOKS: &'static [Asked];
            /// The callbacks before which it runs, if the learner has them.
            const BEFORE: &'static [Peer] = &[];
            /// The callbacks after which it runs, if the learner has them.
            const AFTER: &'static [Peer] = &[];

            /// What a learner's summary shows: the name, and the fields that are chosen with `describe`.
            fn describe(&self) -> String { Self::NAME.to_owned() }

            /// The state that a checkpoint saves, if there is one.
            ///
            /// # Errors
            /// The error of a type that can't be serialized.
            fn save(&self) -> Result<Option<CallbackState>, BoxError> { Ok(None) }

            /// Restores a state that [`save`](Self::save) returned, completely or not at all.
            ///
            /// # Errors
            /// [`StateError`] if it is the state of something else.
            fn load(&mut self, state: &CallbackState) -> Result<(), BoxError> {
                let _ = state;
                Err(StateError::NoState.into())
            }

            #(
                #[doc = #docs]
                ///
                /// # Errors
                /// Any error of the callback. It ends the training, whose error says where it happened.
                #[allow(unused_variables, reason = "a hook does nothing by default")]
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
                #[allow(dead_code, reason = "`on_train_end` is called for one callback at a time")]
                pub(crate) fn #hooks(&mut self, state: &mut State) -> Result<Decision, Error> {
                    self.run(Hook::#events, state, |callback, state, others| {
                        callback.#hooks(&mut #events::view(state, others))
                    })
                }
            )*
        }
    }
}

/// The trait of all types that a hook may return, with the message for other types.
fn returns(hook: &Hook) -> TokenStream {
    let (returns, name) = (format_ident!("{}Returns", hook.event), hook.name);
    let doc = format!("What `{name}` may return.");
    let message = format!("`{name}` cannot return `{{Self}}`");
    let error = "whose error is a `std::error::Error + Send + Sync`";
    let label = match hook.flows {
        [] => format!("return nothing, or a `Result<(), _>` {error}"),
        flows => {
            let flows: Vec<_> = flows.iter().map(|flow| format!("`{flow}`")).collect();
            let flows = flows.join(", ");
            format!("return nothing, {flows}, an `Option` of a flow value, or a `Result` of any of these {error}")
        }
    };
    let flows: Vec<_> = hook.flows.iter().map(|flow| format_ident!("{flow}")).collect();
    quote! {
        #[doc = #doc]
        #[diagnostic::on_unimplemented(message = #message, label = #label)]
        pub trait #returns {
            /// The flow that the learner follows.
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

/// The trait that passes a value to a parameter of its name, with the message for a parameter of another type.
fn lent(name: &Name) -> TokenStream {
    let (ident, ty, spelt) = (format_ident!("{}", name.name), name.ty, name.spelt());
    let (is, write) = match name.lent {
        Lent::Copied => (ty.to_owned(), format!("write `{spelt}`")),
        Lent::Read => (format!("&{ty}"), format!("write `{spelt}`")),
        Lent::Changed => (format!("&mut {ty}"), format!("write `{spelt}`, or `{ident}: &{ty}` to only read it")),
    };
    let message = format!("`{ident}` has type `{is}`, not `{{T}}`");
    let ty: TokenStream = ty.parse().unwrap_or_default();
    let (from, other) = match name.lent {
        Lent::Copied => (quote! { &'a #ty }, Some((quote! { #ty }, quote! { *value }))),
        // If there were only one type, the compiler would infer it and report something else.
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
