//! What every component carries beside the author's modules: the SDK in JavaScript, and the contract in WIT.
//!
//! Both are part of this binary, so that a component never depends on what happens to lie on the author's machine.

use std::fmt;
use std::str::FromStr;

/// What kind of plugin is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// An automation.
    Flow,
    /// A source of events.
    Provider,
    /// A place that leads are pushed to.
    Destination,
}

impl World {
    /// The name of the world's export, of the SDK's function for it, and of `world` in `hookyard.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Provider => "provider",
            Self::Destination => "destination",
        }
    }

    /// Its name in the WIT.
    pub(crate) fn wit_name(self) -> &'static str {
        match self {
            Self::Flow => "flow-plugin",
            Self::Provider => "provider-plugin",
            Self::Destination => "destination-plugin",
        }
    }

    /// The module that imports what the world grants.
    fn host(self) -> &'static str {
        match self {
            Self::Flow => include_str!("../../runtime/host/flow.js"),
            Self::Provider => include_str!("../../runtime/host/provider.js"),
            Self::Destination => include_str!("../../runtime/host/destination.js"),
        }
    }

    /// The modules of the SDK, by their path in its folder.
    pub(crate) fn sdk(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        SDK.iter().copied().chain([("runtime/host.js", self.host())])
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for World {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let worlds = [Self::Flow, Self::Provider, Self::Destination];
        let found = worlds.into_iter().find(|world| world.name() == name || world.wit_name() == name);
        found.ok_or_else(|| format!("there is no world `{name}`; it is flow, provider or destination"))
    }
}

const SDK: [(&str, &str); 19] = [
    ("hookyard.js", include_str!("../../hookyard.js")),
    ("prelude.js", include_str!("../../prelude.js")),
    ("runtime/bytes.js", include_str!("../../runtime/bytes.js")),
    ("runtime/call.js", include_str!("../../runtime/call.js")),
    ("runtime/check.js", include_str!("../../runtime/check.js")),
    ("runtime/clock.js", include_str!("../../runtime/clock.js")),
    ("runtime/clone.js", include_str!("../../runtime/clone.js")),
    ("runtime/destination.js", include_str!("../../runtime/destination.js")),
    ("runtime/expose.js", include_str!("../../runtime/expose.js")),
    ("runtime/failure.js", include_str!("../../runtime/failure.js")),
    ("runtime/flow.js", include_str!("../../runtime/flow.js")),
    ("runtime/http.js", include_str!("../../runtime/http.js")),
    ("runtime/lead.js", include_str!("../../runtime/lead.js")),
    ("runtime/log.js", include_str!("../../runtime/log.js")),
    ("runtime/manifest.js", include_str!("../../runtime/manifest.js")),
    ("runtime/proof.js", include_str!("../../runtime/proof.js")),
    ("runtime/provider.js", include_str!("../../runtime/provider.js")),
    ("runtime/state.js", include_str!("../../runtime/state.js")),
    ("runtime/url.js", include_str!("../../runtime/url.js")),
];

/// The contract, file by file.
pub(crate) const WIT: [(&str, &str); 6] = [
    ("destination.wit", include_str!("../../../../wit/destination.wit")),
    ("flow.wit", include_str!("../../../../wit/flow.wit")),
    ("host.wit", include_str!("../../../../wit/host.wit")),
    ("manifests.wit", include_str!("../../../../wit/manifests.wit")),
    ("provider.wit", include_str!("../../../../wit/provider.wit")),
    ("types.wit", include_str!("../../../../wit/types.wit")),
];
