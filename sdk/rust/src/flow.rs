//! The world of flows: a tenant's automation.
//!
//! A flow reads as straight-line code. At each effect whose reply is not known yet the host ends the instance,
//! performs the effect, and runs the flow again from the start with the reply at hand; so a flow must be a
//! function of its arguments and of the replies, and it sees neither clock nor chance of its own.
//! [`http`](crate::http), [`state`](crate::state) and [`clock`](crate::clock) are all that it can ask for.
//!
//! ```
//! use hookyard_sdk::{Action, Failure, Flow, FlowManifest, Json, Trigger, state};
//!
//! struct FirstOfForm;
//!
//! impl Flow for FirstOfForm {
//!     fn describe() -> FlowManifest {
//!         FlowManifest { id: "first_of_form".into(), triggers: vec!["leadgen".into()], ..FlowManifest::empty() }
//!     }
//!
//!     fn run(trigger: Trigger, _settings: Json) -> Result<Vec<Action>, Failure> {
//!         let Some(form) = trigger.lead.and_then(|lead| lead.form_id) else { return Ok(Vec::new()) };
//!         let key = format!("seen/{form}");
//!         if state::get(&key).is_some() {
//!             return Ok(Vec::new());
//!         }
//!         state::set(&key, "yes");
//!         Ok(vec![Action::push_lead("showcase")])
//!     }
//! }
//!
//! hookyard_sdk::export!(FirstOfForm as flow);
//! ```

use serde::de::DeserializeOwned;

use crate::bindings::flow::exports::hookyard::plugin::flow as world;
use crate::{Event, Failure, Json};

pub use world::{Action, Change, FlowManifest, NewEvent, Push, Trigger};

/// An automation. Its functions take no `self`: each step runs in a fresh instance.
pub trait Flow {
    /// What starts it and what it may ask for. Called once, at upload, with every import closed.
    fn describe() -> FlowManifest;

    /// What shall happen. All of it, and what was written to [`state`](crate::state), is committed in one transaction;
    /// a failure commits nothing. `settings` are the flow's, after the manifest's schema.
    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure>;
}

impl Action {
    /// A new event, delivered to subscriptions and flows like any other.
    #[must_use]
    pub fn emit(event_type: impl Into<String>, data: &impl serde::Serialize) -> Self {
        Self::Emit(NewEvent { event_type: event_type.into(), data: crate::json::text(data) })
    }

    /// Changes the triggering event's lead.
    #[must_use]
    pub fn update_lead(changes: impl IntoIterator<Item = Change>) -> Self {
        Self::UpdateLead(changes.into_iter().collect())
    }

    /// Pushes the triggering event's lead to the destination of this name or id.
    #[must_use]
    pub fn push_lead(destination: impl Into<String>) -> Self {
        Self::PushLead(Push { destination: destination.into() })
    }

    /// Ends the triggering event here: no delivery, no push. In stage `before` only; the reason is a sentence.
    #[must_use]
    pub fn drop(reason: impl Into<String>) -> Self {
        Self::Drop(reason.into())
    }
}

impl Change {
    /// Sets a field: `email`, `first-name`, `last-name`, `full-name`, `phone-number`, `company`, or a custom field by its
    /// name. The host cleans the value as it cleans a provider's.
    #[must_use]
    pub fn set(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self { field: field.into(), value: Some(value.into()) }
    }

    /// Empties a field.
    #[must_use]
    pub fn clear(field: impl Into<String>) -> Self {
        Self { field: field.into(), value: None }
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
