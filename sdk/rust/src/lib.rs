//! Write Hookyard plugins in Rust: one trait a world, one macro, no WIT in sight.
//!
//! A plugin is a WebAssembly component that computes and never acts. It has no socket, file, clock or secret; it says
//! what would prove a request authentic, what to fetch, what to write, and the host does it. So a plugin is a type
//! with functions and no state, and the same type runs natively in a test, where [`fixtures`] plays the host.
//!
//! ```
//! use hookyard_sdk::{HttpRequest, Inbound, Malformed, Manifest, Proof, Provider, Reception};
//!
//! struct Example;
//!
//! impl Provider for Example {
//!     fn describe() -> Manifest {
//!         Manifest { id: "example".into(), name: "Example".into(), ..Manifest::empty() }
//!     }
//!
//!     fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
//!         let signature = hookyard_sdk::proof::hex_header(&request, "X-Signature", "");
//!         let proof = Proof::hmac_sha256("secret").signed_body().signatures(signature);
//!         let payload = request.text().ok_or("the body is not UTF-8")?.to_owned();
//!         let event = Inbound { event_type: "example".into(), payload, ..Inbound::default() };
//!         Ok(Reception::new(proof, vec![event]))
//!     }
//! }
//!
//! hookyard_sdk::export!(Example as provider);
//! ```
//!
//! A [`Flow`] is a tenant's automation, a [`Destination`] somewhere that leads are pushed to. The crate's `README.md` goes
//! from nothing to a flow that runs.
//!
//! # Building
//!
//! The crate is a `cdylib` (and an `rlib`, for its tests), built with `cargo build --profile guest --target
//! wasm32-wasip2`. The linker's default is a stack of 1 MiB: with it a guest begins at 17 pages or more, to be cleaned
//! after every call. A `build.rs` beside the plugin's `Cargo.toml` asks for one page, whoever builds it; the
//! first-party providers then begin at two pages, and an ordinary call never asks for a third:
//!
//! ```text
//! if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
//!     println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
//! }
//! ```
//!
//! Where a build script will not do, `CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS="-C link-arg=-zstack-size=65536"` does.
//!
//! # What is deliberately absent
//!
//! No typed settings in the traits (parse them with [`json::parse`] where they are used), no prelude, no logging
//! framework, no async: nothing that a reader of a plugin would have to know before the plugin.

#[doc(hidden)]
pub mod bindings;

mod destination;
mod failure;
mod flow;
mod manifest;
mod provider;

pub mod proof;
pub mod form;
pub mod json;
pub mod time;
mod lead;

pub mod http;
pub mod log;
pub mod secrets;
pub mod state;
pub mod clock;

#[cfg(not(target_arch = "wasm32"))]
pub mod fixtures;

#[doc(hidden)]
pub use wit_bindgen::rt as wit_runtime;

pub use bindings::provider::hookyard::plugin::http::HttpError;
pub use bindings::provider::hookyard::plugin::manifests::{
    Attachment, CredentialProof, CredentialSpec, HeaderPlace, OauthSpec, Scope, SecretFormat, SecretSpec, TokenRequest,
};
pub use bindings::provider::hookyard::plugin::secrets::{Digest, SecretError};
pub use bindings::provider::hookyard::plugin::types::{
    Consent, Event, Failure, Field, HttpRequest, HttpResponse, Inbound, Instant, Json, Lead, RetryLater,
};
pub use destination::{Destination, DestinationManifest, PushOrder, Receipt};
pub use flow::{Action, Change, Flow, FlowManifest, NewEvent, Push, Trigger};
pub use provider::{
    HashProof, HmacProof, KeyAlgorithm, Malformed, Manifest, Normalized, Page, PageQuery, Proof, Provider,
    PublicKeyProof, Reception, SignedPart, TokenProof,
};

/// Makes a type the component's provider, destination or flow: `export!(Example as provider);`, once a crate.
///
/// Outside of WebAssembly it only checks that the type is what it is said to be.
#[macro_export]
macro_rules! export {
    ($plugin:ident as provider) => {
        const _: () = $crate::is_provider::<$plugin>();
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::provider::export_provider!($plugin with_types_in $crate::bindings::provider);
    };
    ($plugin:ident as destination) => {
        const _: () = $crate::is_destination::<$plugin>();
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::destination::export_destination!($plugin with_types_in $crate::bindings::destination);
    };
    ($plugin:ident as flow) => {
        const _: () = $crate::is_flow::<$plugin>();
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::flow::export_flow!($plugin with_types_in $crate::bindings::flow);
    };
}

#[doc(hidden)]
pub const fn is_provider<P: Provider>() {}

#[doc(hidden)]
pub const fn is_destination<D: Destination>() {}

#[doc(hidden)]
pub const fn is_flow<F: Flow>() {}
