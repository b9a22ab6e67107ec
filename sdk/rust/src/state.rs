//! What a flow remembers between runs.
//!
//! Reads are effects, except of what this run wrote itself. Writes take hold only when the run ends well, and only if
//! nobody changed meanwhile what it read; otherwise the host has the run go on anew from that read. So a run that sleeps
//! reads after its sleep: read before it, every change in between would make it sleep again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;
#[cfg(target_arch = "wasm32")]
use crate::bindings::flow::hookyard::plugin::state as world;
#[cfg(not(target_arch = "wasm32"))]
use crate::fixtures::host::state as world;

/// What stands under the key, this run's own writes included.
#[must_use]
pub fn get(key: &str) -> Option<Vec<u8>> {
    world::get(key)
}

/// What stands under the key, as JSON.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Failure> {
    let read = get(key).map(|value| serde_json::from_slice(&value));
    read.transpose().map_err(|error| {
        Failure::permanent(format!("the state under `{key}` is not what was expected: {}", crate::json::reason(&error)))
    })
}

/// Remembers a value.
pub fn set(key: &str, value: impl AsRef<[u8]>) {
    world::set(key, value.as_ref());
}

/// Remembers a value, as JSON.
pub fn set_json(key: &str, value: &impl Serialize) {
    world::set(key, crate::json::text(value).as_bytes());
}

/// Forgets what stands under the key.
pub fn delete(key: &str) {
    world::delete(key);
}
