//! Hookyard's nouns and its pure decisions.
//!
//! Everything that can be decided without touching a disk, a socket or a clock is decided here: what an id looks
//! like, whether a request is authentic, what a lead becomes when it is cleaned, which subscription an event
//! matches, what the bytes of a delivery are and how they are signed, and what follows a failed attempt. The other
//! crates do things; this one knows things, and so it can be tested by tables and properties alone.
//!
//! It refuses to know storage rows, wire frames and WIT bindings: their twins are private to `store`, `http` and
//! `sandbox`, and are converted there by hand. Time and randomness come in as arguments.
//!
//! Read in the order in which an event meets it.

pub mod id;
pub mod instant;
pub mod limits;
pub mod secret;
mod bytes;

pub mod manifest;
pub mod plugin;

pub mod account;
pub mod provider;
pub mod proof;
pub mod http;
pub mod effect;

pub mod event;
pub mod lead;
pub mod clean;
pub mod dedup;

pub mod filter;
pub mod flow;
pub mod run;
pub mod destination;

pub mod subscription;
pub mod style;
pub mod retry;
pub mod delivery;
