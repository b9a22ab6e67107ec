//! What a plugin says of itself, as the API shows it.

use hookyard_model::manifest::{CredentialSpec, Manifest, Scope, SecretSpec};
use hookyard_model::secret::SecretFormat;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::raw;

/// A plugin's manifest: claims of its author, which grant nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Manifest)]
#[serde(rename_all = "camelCase")]
pub struct ManifestView {
    /// Its name, as it stands in URLs: a provider's type, a flow's or a destination's name.
    #[schema(example = "meta_lead_ads")]
    pub id: String,
    /// For people.
    pub name: String,
    /// The author's version text; the host counts its own.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// The provider's own words for its events; what starts a flow, unless it says otherwise.
    pub event_types: Vec<String>,
    /// Secrets that prove requests.
    pub secrets: Vec<SecretSpecView>,
    /// Credentials that the host attaches to fetches.
    pub credentials: Vec<CredentialSpecView>,
    /// Hosts that it may fetch from.
    pub hosts: Vec<String>,
    /// Whether an account can be connected by OAuth.
    pub oauth: bool,
    /// Whether it can be polled.
    pub polls: bool,
    /// Whether leads can be imported in bulk.
    pub imports: bool,
    /// Whether unproved events are worth taking as hints.
    pub unsigned: bool,
    /// A destination's own fields, which a mapping may name.
    pub fields: Vec<String>,
    /// JSON Schema of the settings of an account, flow or destination.
    #[schema(value_type = Object)]
    pub settings_schema: Box<RawValue>,
}

/// A secret that a provider declares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecretSpec)]
#[serde(rename_all = "camelCase")]
pub struct SecretSpecView {
    /// Its name.
    pub name: String,
    /// `application`: the operator's, one for all tenants; `account`: each account's own.
    #[schema(value_type = String, example = "account")]
    pub scope: Scope,
    /// How it is written: `text`, `hex`, `base64` or `whsec`.
    #[schema(value_type = String, example = "text")]
    pub format: SecretFormat,
    /// Where a person finds it.
    pub summary: String,
    /// Whether the application's secret is set; absent where that is each account's business, or was not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_set: Option<bool>,
}

/// A credential that a plugin declares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CredentialSpec)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSpecView {
    /// Its name.
    pub name: String,
    /// Where a person finds it.
    pub summary: String,
}

impl From<&Manifest> for ManifestView {
    fn from(manifest: &Manifest) -> Self {
        Self {
            id: manifest.id.clone(),
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            summary: manifest.summary.clone(),
            event_types: manifest.event_types.clone(),
            secrets: manifest.secrets.iter().map(SecretSpecView::from).collect(),
            credentials: manifest.credentials.iter().map(CredentialSpecView::from).collect(),
            hosts: manifest.hosts.clone(),
            oauth: manifest.oauth.is_some(),
            polls: manifest.polls,
            imports: manifest.imports,
            unsigned: manifest.unsigned,
            fields: manifest.fields.clone(),
            settings_schema: raw::json(manifest.settings_schema.clone()),
        }
    }
}

impl From<&CredentialSpec> for CredentialSpecView {
    fn from(spec: &CredentialSpec) -> Self {
        Self { name: spec.name.clone(), summary: spec.summary.clone() }
    }
}

impl From<&SecretSpec> for SecretSpecView {
    fn from(spec: &SecretSpec) -> Self {
        Self {
            name: spec.name.clone(),
            scope: spec.scope,
            format: spec.format,
            summary: spec.summary.clone(),
            is_set: None,
        }
    }
}
