//! The world of destinations: where leads are pushed to.

use crate::Failure;
use crate::bindings::destination::exports::hookyard::plugin::destination as world;

pub use world::{DestinationManifest, PushOrder, Receipt};

/// A CRM, or anything else that leads are pushed to. Its functions take no `self`: each call runs in a fresh instance.
pub trait Destination {
    /// Who this is and what it may ask for. Called once, at upload, with every import closed.
    fn describe() -> DestinationManifest;

    /// Brings the destination to hold this lead. Called again after a failure whose outcome is unknown, so it must
    /// find what an earlier call wrote (by `order.previous`, or by a key of the destination's own) and never write twice.
    fn push(order: PushOrder) -> Result<Receipt, Failure>;
}

impl<D: Destination> world::Guest for D {
    fn describe() -> DestinationManifest {
        D::describe()
    }

    fn push(order: PushOrder) -> Result<Receipt, Failure> {
        D::push(order)
    }
}
