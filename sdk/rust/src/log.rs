//! Lines for the run's log, which the tenant reads beside the event.
//!
//! Past the run's limit lines are counted and dropped. Write no answers of a person's and no secret into them.

use std::fmt::Display;

#[cfg(target_arch = "wasm32")]
use crate::bindings::provider::hookyard::plugin::log::{Level, write};
#[cfg(not(target_arch = "wasm32"))]
use crate::{bindings::provider::hookyard::plugin::log::Level, fixtures::host::log as write};

/// A detail for who debugs the plugin.
pub fn debug(message: impl Display) {
    write(Level::Debug, &message.to_string());
}

/// Something worth knowing.
pub fn info(message: impl Display) {
    write(Level::Info, &message.to_string());
}

/// Degraded, going on.
pub fn warn(message: impl Display) {
    write(Level::Warn, &message.to_string());
}

/// A person should act.
pub fn error(message: impl Display) {
    write(Level::Error, &message.to_string());
}
