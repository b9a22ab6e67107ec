//! What a request says of an account, and what of it may be.

use std::collections::BTreeMap;

use hookyard_model::account::{Account, AccountStatus};
use hookyard_model::id::TenantId;
use hookyard_model::instant::Instant;
use hookyard_model::manifest::{Manifest, Scope};
use hookyard_store::{AccountPatch, NewAccount};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::body::given;
use crate::http::pasted::{self, PastedByName, PastedText};
use crate::http::problem::Problem;
use crate::http::{checks, settings};
use crate::ids;

/// An account to be connected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccountInput {
    /// Such as `meta_lead_ads`.
    #[schema(example = "meta_lead_ads")]
    pub(super) provider: String,
    /// Which account that is, in the provider's words: a page id, a shop domain.
    #[serde(alias = "account_key")]
    account_key: String,
    /// For people.
    #[serde(default)]
    name: Option<String>,
    /// What proves its requests: by name, a value or a list of live values.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, pasted::Pasted>)]
    secrets: PastedByName,
    /// What is attached to the plugin's fetches on its behalf, by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, PastedText>,
    /// After the provider's schema.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Box<RawValue>>,
    /// Where national phone numbers of its leads belong, such as `DE` (ISO 3166).
    #[serde(default, alias = "default_country")]
    default_country: Option<String>,
    /// Whether unproved events are taken as hints; only where the provider's plugin offers it.
    #[serde(default)]
    unsigned: bool,
}

/// What to change of an account; what is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountChange {
    /// For people; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// Values for the names given; null takes a name away.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, pasted::Pasted>)]
    secrets: PastedByName,
    /// Values for the names given.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, PastedText>,
    /// All settings anew.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Box<RawValue>>,
    /// Where national phone numbers belong; null takes it away.
    #[serde(default, deserialize_with = "given", alias = "default_country")]
    #[schema(value_type = Option<String>)]
    default_country: Option<Option<String>>,
    /// Whether unproved events are taken as hints.
    #[serde(default)]
    unsigned: Option<bool>,
}

impl NewAccountInput {
    /// Holds it against the provider's manifest.
    ///
    /// # Errors
    /// 422 with the field.
    pub(super) fn check(self, tenant: TenantId, at: Instant, manifest: &Manifest) -> Result<NewAccount, Problem> {
        let settings = self.settings.map_or_else(|| "{}".to_owned(), |settings| settings.get().to_owned());
        settings::check(&manifest.settings_schema, &settings)?;
        check_unsigned(manifest, self.unsigned)?;
        let account = Account {
            id: ids::new_id(at),
            tenant,
            provider: manifest.id.clone(),
            account_key: checks::account_key("accountKey", &self.account_key)?,
            name: self.name.map(|name| checks::name("name", &name)).transpose()?,
            settings,
            default_country: country(self.default_country)?,
            unsigned: self.unsigned,
            status: AccountStatus::Active,
            status_reason: None,
            created_at: at,
        };
        let secrets = pasted::secrets(manifest, Scope::Account, &self.secrets)?;
        let credentials = pasted::credentials(manifest, &self.credentials)?;
        Ok(NewAccount { account, secrets, credentials, shared: manifest.is_shared() })
    }
}

impl AccountChange {
    /// Holds it against the provider's manifest, where the provider still runs.
    ///
    /// # Errors
    /// 422 with the field; 409 where it takes a manifest to check and there is none.
    pub(super) fn check(self, manifest: Option<&Manifest>) -> Result<AccountPatch, Problem> {
        let mut patch = AccountPatch {
            name: self.name.map(|name| name.map(|name| checks::name("name", &name)).transpose()).transpose()?,
            default_country: self.default_country.map(country).transpose()?,
            unsigned: self.unsigned,
            ..AccountPatch::default()
        };
        let plain = self.secrets.is_empty() && self.credentials.is_empty() && self.settings.is_none();
        if plain && self.unsigned != Some(true) {
            return Ok(patch);
        }
        let gone = "the provider of this account does not run any more: its plugin has to come back first";
        let manifest = manifest.ok_or_else(|| Problem::conflict(gone))?;
        check_unsigned(manifest, self.unsigned.unwrap_or_default())?;
        if let Some(settings) = self.settings {
            settings::check(&manifest.settings_schema, settings.get())?;
            patch.settings = Some(settings.get().to_owned());
        }
        patch.secrets = Some(pasted::secrets(manifest, Scope::Account, &self.secrets)?);
        patch.credentials = Some(pasted::credentials(manifest, &self.credentials)?);
        Ok(patch)
    }
}

fn country(code: Option<String>) -> Result<Option<String>, Problem> {
    code.map(|code| checks::country("defaultCountry", &code)).transpose()
}

fn check_unsigned(manifest: &Manifest, unsigned: bool) -> Result<(), Problem> {
    if unsigned && !manifest.unsigned {
        let detail = format!("the plugin of `{}` takes nothing that is not proved: leave it out", manifest.id);
        return Err(Problem::invalid("unsigned", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
