//! Pasted secrets: how the API takes values in that it never gives out.
//!
//! A secret comes as a text, as a list of texts that are all live (a rotation), or as null, which takes it away. The
//! manifest says how the text is written. Nothing here can be printed, and no sentence repeats a value.

use std::collections::BTreeMap;
use std::fmt;

use hookyard_model::limits;
use hookyard_model::manifest::{Manifest, Scope};
use hookyard_model::secret::{Secret, SecretFormat};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::problem::Problem;

/// What a request says of one secret.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "this has to be a text, a list of texts, or null")]
pub enum Pasted {
    /// Its value.
    One(String),
    /// All its live values.
    Several(Vec<String>),
    /// It is taken away.
    None,
}

/// Secrets by name, as a request gives them.
pub type PastedByName = BTreeMap<String, Pasted>;

impl Pasted {
    /// The values as key bytes.
    ///
    /// # Errors
    /// 422: too many, or not written as `format`.
    pub fn decode(&self, field: &str, format: SecretFormat) -> Result<Vec<Secret>, Problem> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts.as_slice(),
            Self::None => &[],
        };
        if texts.len() > limits::SECRET_VALUES_MAX {
            let detail = format!("at most {} values of a secret are live at a time", limits::SECRET_VALUES_MAX);
            return Err(Problem::invalid(field, detail));
        }
        let decode = |text: &String| Secret::from_pasted(text, format);
        let decoded: Result<Vec<Secret>, _> = texts.iter().map(decode).collect();
        decoded.map_err(|error| Problem::invalid(field, error.to_string()))
    }
}

/// Decodes the secrets that a request gives for `scope`.
///
/// # Errors
/// 422: one that the manifest does not declare, or declares for the other scope, or that is not written as it says.
pub fn secrets(
    manifest: &Manifest,
    scope: Scope,
    pasted: &PastedByName,
) -> Result<Vec<(String, Vec<Secret>)>, Problem> {
    let decode = |(name, pasted): (&String, &Pasted)| {
        let field = format!("secrets.{name}");
        let spec = manifest.secret(name).filter(|spec| spec.scope == scope);
        let spec = spec.ok_or_else(|| Problem::invalid(&field, undeclared(manifest, scope, name)))?;
        Ok((name.clone(), pasted.decode(&field, spec.format)?))
    };
    pasted.iter().map(decode).collect()
}

/// Decodes the credentials that a request gives.
///
/// # Errors
/// 422: one that the manifest does not declare, or that is empty or too long.
pub fn credentials(
    manifest: &Manifest,
    pasted: &BTreeMap<String, PastedText>,
) -> Result<Vec<(String, Secret)>, Problem> {
    let decode = |(name, text): (&String, &PastedText)| {
        let field = format!("credentials.{name}");
        if manifest.credential(name).is_none() {
            let known = manifest.credentials.iter().map(|spec| spec.name.as_str());
            let detail = format!("`{}` declares no such credential: {}", manifest.id, there_are(known));
            return Err(Problem::invalid(&field, detail));
        }
        let secret = Secret::from_pasted(&text.0, SecretFormat::Text);
        Ok((name.clone(), secret.map_err(|error| Problem::invalid(&field, error.to_string()))?))
    };
    pasted.iter().map(decode).collect()
}

fn undeclared(manifest: &Manifest, scope: Scope, name: &str) -> String {
    let elsewhere = match scope {
        Scope::Application => "is each account's own: give it with the account",
        Scope::Account => "is the application's: the operator sets it, for all tenants",
    };
    if manifest.secret(name).is_some() {
        return format!("this secret of `{}` {elsewhere}", manifest.id);
    }
    let known = manifest.secrets.iter().filter(|spec| spec.scope == scope).map(|spec| spec.name.as_str());
    format!("`{}` declares no such secret: {}", manifest.id, there_are(known))
}

/// A list of names for a sentence.
pub(super) fn there_are<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) }
}

/// One text that is not printed.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PastedText(pub(super) String);

impl fmt::Debug for Pasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for PastedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests;
