//! The world of flows: a tenant's automation.
//!
//! A flow reads as straight-line code. At each effect whose reply is not known yet the host ends the instance,
//! performs the effect, and runs the flow again from the start with the reply at hand; so a flow must be a
//! function of its arguments and of the replies, and it sees neither clock nor chance of its own.

use serde::de::DeserializeOwned;

use crate::bindings::flow::exports::hookyard::plugin::flow as world;
use crate::{Event, Failure, Json};

pub use world::{Action, Change, FlowManifest, NewEvent, Push, Trigger};

/// An automation. Its functions take no `self`: each step runs in a fresh instance.
pub trait Flow {
    /// What starts it and what it may ask for. Called once, at upload, with every import closed.
    fn describe() -> FlowManifest;

    /// What shall happen. All of it is committed in one transaction, or none.
    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure>;
}

impl Action {
    /// A new event, delivered to subscriptions and flows like any other.
    #[must_use]
    pub fn emit(event_type: impl Into<String>, data: &impl serde::Serialize) -> Self {
        Self::Emit(NewEvent { event_type: event_type.into(), data: crate::json::text(data) })
    }

    /// Sets one field of the triggering lead, or clears it.
    #[must_use]
    pub fn set(field: impl Into<String>, value: Option<String>) -> Self {
        Self::UpdateLead(vec![Change { field: field.into(), value }])
    }

    /// Pushes the lead to the named destination.
    #[must_use]
    pub fn push_lead(destination: impl Into<String>) -> Self {
        Self::PushLead(Push { destination: destination.into() })
    }

    /// Ends the triggering event here: no delivery, no push.
    #[must_use]
    pub fn drop(reason: impl Into<String>) -> Self {
        Self::Drop(reason.into())
    }
}

impl Event {
    /// The event's data in a shape of the author's.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        crate::json::parse("the event's data", &self.data)
    }
}

impl<F: Flow> world::Guest for F {
    fn describe() -> FlowManifest {
        F::describe()
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        F::run(trigger, settings)
    }
}
