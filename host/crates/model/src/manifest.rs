//! What a plugin says of itself, once, at upload.
//!
//! A manifest is a claim by a guest: it names what the plugin would like, and grants nothing. The host shows it to
//! a person, stores it beside the component's digest, and holds the plugin to it ever after. [`Manifest::check`]
//! refuses one that a route, a column or a log line could not carry.

use serde::{Deserialize, Serialize};

use crate::secret::SecretFormat;

/// A plugin's manifest, of whichever world: what a world does not have is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// As it stands in URLs: a provider's type, `meta_lead_ads`, or a flow's name, `lead_router`.
    pub id: String,
    /// For people.
    pub name: String,
    /// The author's version text; the host counts its own.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// The provider's own words for its events; a flow's triggers.
    pub event_types: Vec<String>,
    /// Secrets that prove requests.
    pub secrets: Vec<SecretSpec>,
    /// Credentials that the host attaches to fetches.
    pub credentials: Vec<CredentialSpec>,
    /// Hosts that `fetch` may ask: https, port 443, unless it says otherwise.
    pub hosts: Vec<String>,
    /// How an account is connected by OAuth.
    pub oauth: Option<OauthSpec>,
    /// Whether `list-page` serves polling.
    pub polls: bool,
    /// Whether `list-page` serves bulk import.
    pub imports: bool,
    /// Whether unproved events are worth taking as hints.
    pub unsigned: bool,
    /// A destination's own fields, which a mapping may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// A JSON Schema of the settings of an account, destination or flow, as text.
    pub settings_schema: String,
}

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// The operator's, one for all tenants.
    Application,
    /// One account's.
    Account,
}

/// A secret that proves requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretSpec {
    /// Its name in proofs and in the API.
    pub name: String,
    /// Whose it is.
    pub scope: Scope,
    /// How it is written.
    pub format: SecretFormat,
    /// Where a person finds it.
    pub summary: String,
}

/// A credential that the host attaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSpec {
    /// Its name in `fetch` and in the API.
    pub name: String,
    /// Where a person finds it.
    pub summary: String,
    /// Where it goes.
    pub attach: Attachment,
    /// A second parameter that proves possession of a secret.
    pub proof: Option<CredentialProof>,
}

/// Where in a request a credential goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attachment {
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header of the provider's own, behind a prefix that may be empty.
    Header {
        /// The header's name.
        name: String,
        /// What stands before the value.
        prefix: String,
    },
    /// A query parameter of this name.
    Query(String),
    /// `Authorization: Basic …` of the value (`user:password`).
    Basic,
}

/// A query parameter: hex HMAC-SHA256 of the credential under a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialProof {
    /// The secret that keys it.
    pub secret: String,
    /// The parameter's name.
    pub query: String,
}

/// How an account is connected by OAuth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OauthSpec {
    /// Where the person is sent.
    pub authorize_url: String,
    /// Where the code becomes a token.
    pub token_url: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The credential that the access token becomes.
    pub credential: String,
    /// The token request's shape.
    pub token_request: TokenRequest,
    /// Fields of the token's answer that go to the settings.
    pub keeps: Vec<String>,
}

/// The shape of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenRequest {
    /// A form that carries client id and secret.
    Form,
    /// A form, the client in HTTP Basic.
    Basic,
    /// JSON.
    Json,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The id cannot stand in a URL.
    #[error(
        "the manifest's id `{0}` is not 1 to 64 lowercase letters, digits and underscores, beginning with a letter"
    )]
    Id(String),
    /// A text is too long or holds control characters.
    #[error("the manifest's {0} is longer than 1,000 bytes, or holds control characters")]
    Text(&'static str),
    /// A list is too long.
    #[error("the manifest's {0} has more than 100 entries")]
    Many(&'static str),
    /// A host is not one.
    #[error("the manifest's host `{0}` is not a public host name with an optional port")]
    Host(String),
    /// A name that is used was not declared, or was declared twice.
    #[error("the manifest names {what} `{name}` {problem}")]
    Name {
        /// Secret or credential.
        what: &'static str,
        /// Which one.
        name: String,
        /// Twice, or not at all.
        problem: &'static str,
    },
    /// The settings' schema is not a JSON object.
    #[error("the manifest's settings-schema is not a JSON object")]
    Schema,
}

impl Manifest {
    /// Whether the host can work with it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ManifestError> {
        check_id(&self.id)?;
        for (what, text) in [("name", &self.name), ("version", &self.version), ("summary", &self.summary)] {
            check_text(what, text)?;
        }
        for (what, count) in [
            ("event-types", self.event_types.len()),
            ("secrets", self.secrets.len()),
            ("credentials", self.credentials.len()),
            ("hosts", self.hosts.len()),
            ("fields", self.fields.len().div_ceil(10)),
        ] {
            if count > 100 {
                return Err(ManifestError::Many(what));
            }
        }
        self.hosts.iter().try_for_each(|host| check_host(host))?;
        check_unique("secret", self.secrets.iter().map(|spec| spec.name.as_str()))?;
        check_unique("credential", self.credentials.iter().map(|spec| spec.name.as_str()))?;
        for proof in self.credentials.iter().filter_map(|spec| spec.proof.as_ref()) {
            if self.secret(&proof.secret).is_none() {
                return Err(ManifestError::Name {
                    what: "secret",
                    name: proof.secret.clone(),
                    problem: "in a credential's proof, and does not declare it",
                });
            }
        }
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&self.settings_schema) {
            Ok(_) => Ok(()),
            Err(_) => Err(ManifestError::Schema),
        }
    }

    /// The declared secret of this name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretSpec> {
        self.secrets.iter().find(|spec| spec.name == name)
    }

    /// The declared credential of this name.
    #[must_use]
    pub fn credential(&self, name: &str) -> Option<&CredentialSpec> {
        self.credentials.iter().find(|spec| spec.name == name)
    }

    /// Whether one application's secret proves the requests of all tenants: then the provider has a shared route.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.secrets.iter().any(|spec| spec.scope == Scope::Application)
    }
}

fn check_id(id: &str) -> Result<(), ManifestError> {
    let letters = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if id.len() <= 64 && id.starts_with(|first: char| first.is_ascii_lowercase()) && letters {
        return Ok(());
    }
    Err(ManifestError::Id(id.chars().take(80).collect()))
}

fn check_text(what: &'static str, text: &str) -> Result<(), ManifestError> {
    if text.len() > 1_000 || text.chars().any(char::is_control) {
        return Err(ManifestError::Text(what));
    }
    Ok(())
}

fn check_host(host: &str) -> Result<(), ManifestError> {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let labels = name.split('.').all(|label| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let port_reads = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    if name.contains('.') && name.len() <= 253 && labels && !numeric && port_reads {
        return Ok(());
    }
    Err(ManifestError::Host(host.chars().take(80).collect()))
}

fn check_unique<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ManifestError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if check_id(name).is_err() {
            return Err(ManifestError::Name {
                what,
                name: name.chars().take(80).collect(),
                problem: "which is not lowercase letters, digits and underscores",
            });
        }
        if !seen.insert(name) {
            return Err(ManifestError::Name { what, name: name.to_owned(), problem: "twice" });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            id: "shop".into(),
            name: "Shop".into(),
            version: "1.0.0".into(),
            summary: "A shop.".into(),
            event_types: vec![],
            secrets: vec![],
            credentials: vec![],
            hosts: vec!["api.example.com".into(), "api.example.com:8443".into()],
            oauth: None,
            polls: false,
            imports: false,
            unsigned: false,
            fields: vec![],
            settings_schema: "{}".into(),
        }
    }

    #[test]
    fn a_sound_manifest_passes() {
        assert_eq!(manifest().check(), Ok(()));
    }

    #[test]
    fn ids_that_cannot_stand_in_a_url_are_refused() {
        for id in ["", "../../x", "Shop", "1shop", "a\0b", "a b", &"a".repeat(65), "a\u{202e}b"] {
            assert!(matches!(Manifest { id: id.into(), ..manifest() }.check(), Err(ManifestError::Id(_))), "{id:?}");
        }
    }

    #[test]
    fn hosts_are_names_and_never_addresses_urls_or_wildcards() {
        for host in
            ["127.0.0.1", "localhost", "https://a.b", "*.a.b", "a.b:0", "a.b:99999", "a..b", "[::1]", "a.b/c", "u@a.b"]
        {
            assert!(Manifest { hosts: vec![host.into()], ..manifest() }.check().is_err(), "{host}");
        }
    }

    #[test]
    fn a_credential_proof_needs_a_declared_secret() {
        let credential = CredentialSpec {
            name: "token".into(),
            summary: String::new(),
            attach: Attachment::Bearer,
            proof: Some(CredentialProof { secret: "app_secret".into(), query: "proof".into() }),
        };
        assert!(Manifest { credentials: vec![credential], ..manifest() }.check().is_err());
    }
}
