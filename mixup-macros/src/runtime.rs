//! What the runtime takes from the table: the hooks' names; the events, the trait `Callback`, what each hook may return.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::hooks::{Access, HOOKS, Hook, Name};

/// What is passed to a hook, and what it may return.
pub(crate) fn events() -> TokenStream {
    let events = HOOKS.iter().map(event);
    let callback = callback_trait();
    let returns = HOOKS.iter().map(returns);
    let pass = HOOKS.iter().flat_map(|hook| hook.adds).map(pass);
    quote! {
        #(#events)*
        #callback
        #(#returns)*

        /// For each value, the types that its parameter may have: `#[callback]` passes values through these traits, so that
        /// a wrong type is reported in one sentence.
        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "they have the names of the values")]
        pub mod pass {
            use super::*;
            /// The source of all values.
            pub struct Passed;
            /// A type that no parameter can have.
            pub struct Nothing;
            #(#pass)*
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
    let deferred = HOOKS.iter().map(|hook| {
        let names = hook.names().into_iter().filter(|name| name.deferred.is_some()).map(|name| name.name);
        quote! { &[#(#names),*] }
    });
    let flows = HOOKS.iter().map(|hook| hook.flows).map(|flows| quote! { &[#(#flows),*] });
    let always = HOOKS.iter().filter_map(|hook| {
        let end = Hook::find(hook.always?)?;
        let begin = end.name.replace("_end", "_begin");
        let begin = format_ident!("{}", Hook::find(&begin)?.event);
        let always = format_ident!("{}", hook.event);
        Some(quote! { Hook::#begin => Some(Hook::#always), })
    });
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

            /// Those of them that wait for the device when they are read.
            #[must_use]
            pub const fn deferred(self) -> &'static [&'static str] {
                match self { #(Hook::#variants => #deferred,)* }
            }

            /// For a hook that begins a phase: the hook that runs for every callback that entered it, however the phase ends.
            #[must_use]
            pub const fn always(self) -> Option<Hook> {
                match self { #(#always)* _ => None }
            }

            /// The requests that this hook may return.
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
        let made = if name.deferred.is_some() {
            format!(" Set by [`read_{ident}`](Self::read_{ident}).")
        } else {
            String::new()
        };
        let doc = format!("{}{made}", name.doc);
        quote! { #[doc = #doc] pub #ident: #ty }
    });
    let views = hook.names().into_iter().map(view);
    let on_demand: Vec<_> = hook.names().into_iter().filter(|name| name.deferred.is_some()).collect();
    let field = (!on_demand.is_empty()).then(|| quote! { deferred: Deferred<'a>, });
    let fill = (!on_demand.is_empty()).then(|| quote! { deferred: state.internal.deferred(), });
    let makes = on_demand.into_iter().map(make);
    quote! {
        #[doc = #doc]
        #[non_exhaustive]
        #[allow(missing_debug_implementations, reason = "models and optimizers need not implement it")]
        pub struct #event<'a> {
            #(#fields,)*
            #field
            #[doc(hidden)]
            pub __links: Links<'a>,
        }

        impl<'a> #event<'a> {
            /// The part of the state that exists in this hook.
            pub(crate) fn view(state: &'a mut State, links: Links<'a>) -> Self {
                Self { #(#views,)* #fill __links: links }
            }

            #(#makes)*

            /// The learner's callback of this type, if it has one.
            #[must_use]
            pub fn callback<C: Callback>(&self) -> Option<Ref<'a, C>> {
                self.__links.get()
            }

            /// The learner's callback of this type, if it has one, to change it.
            #[must_use]
            pub fn callback_mut<C: Callback>(&mut self) -> Option<RefMut<'a, C>> {
                self.__links.get_mut()
            }

            /// The value that a [`Request`] of this callback in this hook asks for, to read it.
            ///
            /// # Errors
            /// If the callback has not declared that it reads it here.
            pub fn value(&self, name: &str) -> Result<Ref<'a, Value>, BoxError> {
                self.__links.value(name)
            }

            /// The value that a [`Request`] of this callback in this hook publishes.
            ///
            /// # Errors
            /// If the callback has not declared that it publishes it here.
            pub fn publish(&mut self, name: &str) -> Result<RefMut<'a, Value>, BoxError> {
                self.__links.publish(name)
            }
        }
    }
}

fn ty(name: &Name) -> TokenStream {
    let ty: TokenStream = name.ty.parse().unwrap_or_default();
    match name.access {
        Access::Copied => ty,
        Access::Shared => quote! { &'a #ty },
        Access::Mutable => quote! { &'a mut #ty },
    }
}

/// The method that reads a deferred value.
fn make(name: &Name) -> TokenStream {
    let (ident, make) = (format_ident!("{}", name.name), format_ident!("read_{}", name.name));
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
            self.#ident = self.deferred.#ident(self.#ident)?;
            Ok(())
        }
    }
}

fn view(name: &Name) -> TokenStream {
    let ident = format_ident!("{}", name.name);
    if let Some(deferred) = name.deferred {
        let deferred: TokenStream = deferred.parse().unwrap_or_default();
        return quote! { #ident: #deferred };
    }
    match name.access {
        Access::Copied => quote! { #ident: state.#ident },
        Access::Shared => quote! { #ident: &state.#ident },
        // A value that is boxed in the state is borrowed without its box.
        Access::Mutable if name.ty.starts_with("dyn ") => quote! { #ident: &mut *state.#ident },
        Access::Mutable => quote! { #ident: &mut state.#ident },
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
        /// `#[callback]` implements it: it takes the hooks from an `impl` block and writes `handlers` from them. A hook that
        /// `handlers` leaves out is never called; in debug builds, a run that reaches it ends with an error that says so.
        #[diagnostic::on_unimplemented(
            message = "`{Self}` is not a callback",
            label = "put `#[callback]` on an `impl` block with hooks, or `#[callback(on_epoch_end)]` on a function, or pass a closure to `hook!`; unpack a `Result` with `?` first"
        )]
        pub trait Callback: std::any::Any + Send {
            /// The name in messages and listings.
            const NAME: &'static str;
            /// The order among callbacks: a smaller number runs earlier, and later in the hooks named `…_end`.
            const ORDER: i32 = 0;

            /// Its hooks, and what it asks for in each: called when the learner is built and before each run.
            fn handlers(&self) -> Vec<Handler>;

            /// The callbacks before which it runs, if the learner has them.
            fn before(&self) -> Vec<Peer> { Vec::new() }

            /// The callbacks after which it runs, if the learner has them.
            fn after(&self) -> Vec<Peer> { Vec::new() }

            /// What a learner's summary shows: the name, and the fields that are chosen with `describe`.
            fn describe(&self) -> String { Self::NAME.to_owned() }

            /// The part that is saved with the learner's state: `Some(self)` if it is [`Stateful`].
            fn stateful(&mut self) -> Option<&mut dyn Stateful> { None }

            /// Whether a training that goes on after a break needs nothing that the callback remembers. A learner with
            /// checkpoints refuses a callback that is neither stateless nor [`stateful`](Self::stateful). Defaults to whether it
            /// has nothing to remember in, which is so for a type without fields and for a closure that captures nothing;
            /// `#[callback]` returns true if no hook takes `&mut self`, and with the option `stateless`.
            fn is_stateless(&self) -> bool
            where
                Self: Sized,
            {
                size_of::<Self>() == 0
            }

            #(
                #[doc = #docs]
                ///
                /// # Errors
                /// Any error of the callback. It ends the training, whose error says where it happened.
                #[allow(unused_variables, reason = "a hook does nothing by default")]
                fn #hooks(&mut self, event: &mut #events<'_>) -> HookResult { Ok(Requests::unserved()) }
            )*
        }

        /// A callback in the learner's list.
        pub(crate) trait AnyCallback: std::any::Any + Send {
            fn name(&self) -> &'static str;
            fn order(&self) -> i32;
            fn handlers(&self) -> Vec<Handler>;
            fn before(&self) -> Vec<Peer>;
            fn after(&self) -> Vec<Peer>;
            fn describe(&self) -> String;
            fn stateful(&mut self) -> Option<&mut dyn Stateful>;
            fn is_stateless(&self) -> bool;
            #(fn #hooks(&mut self, event: &mut #events<'_>) -> HookResult;)*
        }

        impl<C: Callback> AnyCallback for C {
            fn name(&self) -> &'static str { C::NAME }
            fn order(&self) -> i32 { C::ORDER }
            fn handlers(&self) -> Vec<Handler> { Callback::handlers(self) }
            fn before(&self) -> Vec<Peer> { Callback::before(self) }
            fn after(&self) -> Vec<Peer> { Callback::after(self) }
            fn describe(&self) -> String { Callback::describe(self) }
            fn stateful(&mut self) -> Option<&mut dyn Stateful> { Callback::stateful(self) }
            fn is_stateless(&self) -> bool { Callback::is_stateless(self) }
            #(fn #hooks(&mut self, event: &mut #events<'_>) -> HookResult { Callback::#hooks(self, event) })*
        }

        impl Callbacks {
            #(
                #[allow(dead_code, reason = "the hooks that always run are called for one callback at a time")]
                pub(crate) fn #hooks(&mut self, state: &mut State) -> Result<Decision, Error> {
                    self.run(Hook::#events, state, |callback, state, links| {
                        callback.#hooks(&mut #events::view(state, links))
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
            format!("return nothing, {flows}, an `Option` or a tuple of these, or a `Result` of any of these {error}")
        }
    };
    let flows: Vec<_> = hook.flows.iter().map(|flow| format_ident!("{flow}")).collect();
    let tuples = [&["A", "B"][..], &["A", "B", "C"]].into_iter().filter(|_| !flows.is_empty()).map(|letters| {
        let letters: Vec<_> = letters.iter().map(|letter| format_ident!("{letter}")).collect();
        let places = (0..letters.len()).map(syn::Index::from);
        quote! {
            #[diagnostic::do_not_recommend]
            impl<#(#letters: #returns),*> #returns for (#(#letters,)*) {
                fn into_requests(self) -> HookResult {
                    Ok(Requests::none()#(.and(self.#places.into_requests()?))*)
                }
            }
        }
    });
    let optional = (!flows.is_empty()).then(|| {
        quote! {
            #[diagnostic::do_not_recommend]
            impl<T: #returns> #returns for Option<T> {
                fn into_requests(self) -> HookResult { self.map_or(Ok(Requests::none()), T::into_requests) }
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[diagnostic::on_unimplemented(message = #message, label = #label)]
        pub trait #returns {
            /// What it asks of the loop.
            ///
            /// # Errors
            /// The error that the hook returned.
            fn into_requests(self) -> HookResult;
        }
        #[diagnostic::do_not_recommend]
        impl #returns for () {
            fn into_requests(self) -> HookResult { Ok(Requests::none()) }
        }
        #[diagnostic::do_not_recommend]
        impl<T: #returns, E: Into<BoxError>> #returns for Result<T, E> {
            fn into_requests(self) -> HookResult { self.map_err(Into::into)?.into_requests() }
        }
        #optional
        #(#tuples)*
        #(
            #[diagnostic::do_not_recommend]
            impl #returns for #flows {
                fn into_requests(self) -> HookResult { Ok(self.into()) }
            }
        )*
    }
}

/// The trait that passes a value to a parameter of its name, with the message for a parameter of another type.
fn pass(name: &Name) -> TokenStream {
    let (ident, ty, spelt) = (format_ident!("{}", name.name), name.ty, name.spelt());
    let (is, write) = match name.access {
        Access::Copied => (ty.to_owned(), format!("write `{spelt}`")),
        Access::Shared => (format!("&{ty}"), format!("write `{spelt}`")),
        Access::Mutable => {
            let read = name.written.map_or_else(
                || format!(", or `{ident}: &{ty}` to only read it"),
                |_| format!(", another type that the model returns, or `{ident}: &mut {ty}`"),
            );
            (format!("&mut {ty}"), format!("write `{spelt}`{read}"))
        }
    };
    let message = format!("`{ident}` has type `{is}`, not `{{T}}`");
    let ty: TokenStream = ty.parse().unwrap_or_default();
    let (from, other) = match name.access {
        Access::Copied => (quote! { &'a #ty }, Some((quote! { #ty }, quote! { *value }))),
        // If there were only one type, the compiler would infer it and report something else.
        Access::Shared => (quote! { &'a #ty }, Some((quote! { Nothing }, quote! { { let _ = value; Nothing } }))),
        Access::Mutable => (quote! { &'a mut #ty }, Some((quote! { &'a mut #ty }, quote! { value }))),
    };
    let taken = [(quote! { &'a #ty }, quote! { value })].into_iter().chain(other).map(|(taken, value)| {
        quote! {
            #[diagnostic::do_not_recommend]
            impl<'a> #ident<'a, #taken> for Passed {
                fn pass(value: #from) -> #taken { #value }
            }
        }
    });
    quote! {
        #[diagnostic::on_unimplemented(message = #message, label = #write)]
        pub trait #ident<'a, T> {
            fn pass(value: #from) -> T;
        }
        #(#taken)*
    }
}
