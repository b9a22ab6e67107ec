//! Plugins and their versions.
//!
//! A plugin is a name that an owner holds (the operator for all tenants, or one tenant for itself, which shadows the
//! operator's); a version is a component by its digest. Which version runs is one number on the plugin's row, so a
//! switch is one write and a rollback another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{PluginId, TenantId};
use crate::instant::Instant;
use crate::manifest::Manifest;

/// What a component is for: the WIT world that it implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum World {
    /// `provider-plugin`.
    Provider,
    /// `destination-plugin`.
    Destination,
    /// `flow-plugin`.
    Flow,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Provider, Self::Destination, Self::Flow];

    /// As it stands in rows and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Destination => "destination",
            Self::Flow => "flow",
        }
    }

    /// Reads what a row says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|world| world.as_str() == text)
    }
}

/// SHA-256 of a component's bytes: its name in every store and cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// A plugin as its owner sees it.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its id.
    pub id: PluginId,
    /// Whose it is; the operator's where none.
    pub tenant: Option<TenantId>,
    /// What it is for.
    pub world: World,
    /// The manifest's id: `meta_lead_ads`.
    pub name: String,
    /// The version that runs.
    pub active: Option<u32>,
    /// The version that ran before, to which a rollback goes.
    pub previous: Option<u32>,
    /// When it was first uploaded.
    pub created_at: Instant,
}

/// One version of a plugin.
#[derive(Debug, Clone)]
pub struct PluginVersion {
    /// Whose version.
    pub plugin: PluginId,
    /// Counted from 1.
    pub version: u32,
    /// The component.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The component's size.
    pub bytes: u64,
    /// Where it came from.
    pub origin: Origin,
    /// When it was uploaded.
    pub created_at: Instant,
    /// Why the host took it out of service, where it did.
    pub paused: Option<String>,
}

/// Where a version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// Shipped inside the binary.
    Builtin,
    /// Uploaded through the API.
    Uploaded,
    /// Found in the watched folder.
    Folder,
}

impl Origin {
    /// As it stands in rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Uploaded => "uploaded",
            Self::Folder => "folder",
        }
    }

    /// Reads what a row says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Builtin, Self::Uploaded, Self::Folder].into_iter().find(|origin| origin.as_str() == text)
    }
}
