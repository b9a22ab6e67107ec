//! The sandbox: where components that strangers wrote are checked, compiled, kept and called.
//!
//! A plugin is pure. It has no socket, file, clock, randomness or secret; it gets arguments and gives an answer.
//! What it cannot do itself it asks for as an *effect*: the import stops the instance by a trap that only this crate
//! knows, the caller performs the effect, and calls again with the reply in the journal. So no instance ever waits:
//! calls are plain functions on threads of our own, with no fibre, no future and no pool slot held across a network.
//!
//! # What it guarantees
//!
//! - A fresh instance and a fresh store for each call: nothing leaks from one event to the next.
//! - Every call ends: CPU by the epoch clock, wall time as a multiple of it, memory summed over all memories, tables,
//!   host calls, log and output each by a limit of its own ([`hookyard_model::limits`]).
//! - Every failure has exactly one [`Blame`]; only [`Blame::Host`] and [`Blame::Busy`] are ours to retry in silence.
//! - No bytes of a stranger are compiled in this process: [`Compiler`] starts a child that may be killed.
//! - No machine code is mapped that this host did not seal itself ([`CodeCache`]).
//!
//! It refuses to know tenants, versions, storage and sockets: it names components by digest and performs no effect.

mod bindings;
mod engine;
mod ticker;
mod threads;

mod walk;
mod compile;
mod cache;
mod contract;

mod state;
mod wasi;
mod lift;
mod blame;
mod guest;
mod sandbox;

pub use blame::{Blame, CallFailure};
pub use cache::CodeCache;
pub use compile::{Compiler, compile_child};
pub use contract::{Class, Interface};
pub use guest::Guest;
pub use sandbox::{Checked, Config, Finished, LoadError, Refusal, Sandbox, StartError, Step};
pub use state::{Call, GuestLog, GuestSecrets, HmacError, NoSecrets};
