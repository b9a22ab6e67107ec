//! What a request says of a destination, and what of it may be.

use std::collections::BTreeMap;

use hookyard_model::id::TenantId;
use hookyard_model::manifest::Manifest;
use hookyard_model::secret::Secret;
use hookyard_store::{DestinationPatch, DestinationStatus, NewDestination};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::pasted::{self, PastedText, there_are};
use crate::http::plugins::running::is_name;
use crate::http::problem::Problem;
use crate::http::{checks, settings};

/// What asks for nothing.
const ANY: &str = "{}";
/// Longest mapping, in bytes of JSON.
const MAPPING_BYTES_MAX: usize = 16 * 1024;
/// Why a destination is paused that was paused by a call to the API.
const PAUSED_BY_HAND: &str = "it was paused by hand";

/// A destination to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDestinationInput {
    /// What flows call it; one of a name for each tenant.
    #[schema(example = "sales-crm")]
    name: String,
    /// The destination plugin, by its name.
    #[schema(example = "hubspot")]
    plugin: String,
    /// After the plugin's schema.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Box<RawValue>>,
    /// From the lead's fields to its own.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"email": "email", "fullName": "name"}))]
    mapping: Option<Box<RawValue>>,
    /// What is attached to its fetches, by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, PastedText>,
}

/// What to change of a destination; what is not given stays. Its plugin is what it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationChange {
    /// What flows call it.
    #[serde(default)]
    name: Option<String>,
    /// All settings anew.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Box<RawValue>>,
    /// The whole mapping anew.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    mapping: Option<Box<RawValue>>,
    /// Values for the names given.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, PastedText>,
    /// `active` or `paused`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "paused")]
    status: Option<Wanted>,
}

/// What a person may say of whether a destination gets anything.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Wanted {
    Active,
    Paused,
}

impl NewDestinationInput {
    /// The plugin that it names.
    pub(super) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Holds it against the plugin's manifest, where a version of it runs.
    ///
    /// # Errors
    /// 422 with the field.
    pub(super) fn check(self, tenant: TenantId, manifest: Option<&Manifest>) -> Result<NewDestination, Problem> {
        if !is_name(&self.plugin) {
            let detail = "a plugin is named by lowercase letters, digits and underscores, as in its manifest";
            return Err(Problem::invalid("plugin", detail));
        }
        let text = |given: Option<Box<RawValue>>| given.map_or_else(|| ANY.to_owned(), |given| given.get().to_owned());
        Ok(NewDestination {
            tenant,
            name: checks::name("name", &self.name)?,
            plugin: self.plugin,
            settings: check_settings(manifest, text(self.settings))?,
            mapping: check_mapping(manifest, text(self.mapping))?,
            credentials: credentials(manifest, &self.credentials)?,
        })
    }
}

impl DestinationChange {
    /// Holds it against the plugin's manifest, where a version of it runs.
    ///
    /// # Errors
    /// 422 with the field.
    pub(super) fn check(self, manifest: Option<&Manifest>) -> Result<DestinationPatch, Problem> {
        let settings = self.settings.map(|given| check_settings(manifest, given.get().to_owned()));
        let mapping = self.mapping.map(|given| check_mapping(manifest, given.get().to_owned()));
        Ok(DestinationPatch {
            name: self.name.map(|name| checks::name("name", &name)).transpose()?,
            settings: settings.transpose()?,
            mapping: mapping.transpose()?,
            status: self.status.map(because),
            credentials: credentials(manifest, &self.credentials)?,
        })
    }
}

fn because(wanted: Wanted) -> (DestinationStatus, Option<String>) {
    match wanted {
        Wanted::Active => (DestinationStatus::Active, None),
        Wanted::Paused => (DestinationStatus::Paused, Some(PAUSED_BY_HAND.to_owned())),
    }
}

fn check_settings(manifest: Option<&Manifest>, given: String) -> Result<String, Problem> {
    settings::check(manifest.map_or(ANY, |manifest| manifest.settings_schema.as_str()), &given)?;
    Ok(given)
}

/// An object of texts; where the plugin names its fields, the texts are among them.
fn check_mapping(manifest: Option<&Manifest>, given: String) -> Result<String, Problem> {
    let detail = "this has to be a JSON object of texts: the lead's fields, each with the destination's own";
    let wrong = || Problem::invalid("mapping", detail);
    if given.len() > MAPPING_BYTES_MAX {
        return Err(Problem::invalid("mapping", format!("a mapping has at most {MAPPING_BYTES_MAX} bytes")));
    }
    let Ok(Value::Object(fields)) = serde_json::from_str(&given) else { return Err(wrong()) };
    let known = manifest.map_or(&[][..], |manifest| manifest.fields.as_slice());
    for (name, to) in fields {
        let to = to.as_str().ok_or_else(wrong)?;
        if !known.is_empty() && known.iter().all(|field| field != to) {
            let detail = format!("the destination has no such field: {}", there_are(known.iter().map(String::as_str)));
            return Err(Problem::invalid(&format!("mapping.{name}"), detail));
        }
    }
    Ok(given)
}

fn credentials(
    manifest: Option<&Manifest>,
    given: &BTreeMap<String, PastedText>,
) -> Result<Vec<(String, Secret)>, Problem> {
    match manifest {
        Some(manifest) => pasted::credentials(manifest, given),
        None if given.is_empty() => Ok(Vec::new()),
        None => {
            let detail = "no version of its plugin runs, so nothing says which credentials it takes: upload the plugin \
                          first, and then give them";
            Err(Problem::invalid("credentials", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_an_object_of_texts() {
        assert!(check_mapping(None, r#"{"email":"mail"}"#.to_owned()).is_ok());
        for text in ["[]", r#"{"email":1}"#, "null", r#""email""#] {
            let problem = check_mapping(None, text.to_owned()).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("mapping"), "{text}");
        }
    }

    #[test]
    fn credentials_wait_for_the_plugin_that_says_which_there_are() {
        let given = serde_json::from_str(r#"{"token":"hunter2"}"#).unwrap();
        let problem = credentials(None, &given).unwrap_err();
        assert!(problem.detail.contains("upload") && !problem.detail.contains("hunter2"));
        assert!(credentials(None, &BTreeMap::new()).is_ok());
    }
}
