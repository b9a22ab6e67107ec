//! Short ways to say what a plugin is and needs. Every field stays public: what is missing here is written out.

use crate::{
    Attachment, CredentialSpec, DestinationManifest, FlowManifest, HeaderPlace, Manifest, Scope, SecretFormat,
    SecretSpec,
};

/// The schema of a plugin that has no settings.
const NO_SETTINGS: &str = r#"{"type":"object","additionalProperties":false}"#;

impl Manifest {
    /// Nothing claimed and nothing asked for, to be filled in with `..Manifest::empty()`.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            event_types: Vec::new(),
            secrets: Vec::new(),
            credentials: Vec::new(),
            hosts: Vec::new(),
            oauth: None,
            polls: false,
            imports: false,
            unsigned: false,
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }
}

impl DestinationManifest {
    /// Nothing claimed and nothing asked for, to be filled in with `..DestinationManifest::empty()`.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            credentials: Vec::new(),
            hosts: Vec::new(),
            oauth: None,
            fields: Vec::new(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }
}

impl FlowManifest {
    /// Nothing claimed and nothing asked for, to be filled in with `..FlowManifest::empty()`.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            triggers: Vec::new(),
            hosts: Vec::new(),
            credentials: Vec::new(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }
}

impl SecretSpec {
    /// A secret of the operator's, one for all tenants, pasted as text.
    #[must_use]
    pub fn application(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self { name: name.into(), scope: Scope::Application, format: SecretFormat::Text, summary: summary.into() }
    }

    /// A secret of one account, pasted as text.
    #[must_use]
    pub fn account(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self { scope: Scope::Account, ..Self::application(name, summary) }
    }

    /// How the pasted text becomes key bytes.
    #[must_use]
    pub fn format(mut self, format: SecretFormat) -> Self {
        self.format = format;
        self
    }
}

impl CredentialSpec {
    /// A credential that goes out as `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::attached(name, summary, Attachment::Bearer)
    }

    /// A credential that goes out in the header, after the prefix, which may be empty.
    #[must_use]
    pub fn header(
        name: impl Into<String>,
        summary: impl Into<String>,
        header: impl Into<String>,
        prefix: impl Into<String>,
    ) -> Self {
        let place = HeaderPlace { name: header.into(), prefix: prefix.into() };
        Self::attached(name, summary, Attachment::Header(place))
    }

    fn attached(name: impl Into<String>, summary: impl Into<String>, attach: Attachment) -> Self {
        Self { name: name.into(), summary: summary.into(), attach, proof: None }
    }
}
