//! What a request says of a flow, and what of it may be.

use std::collections::BTreeMap;

use hookyard_model::filter::Filter;
use hookyard_model::flow::{Flow, FlowStage, FlowStatus, OnFailure};
use hookyard_model::id::TenantId;
use hookyard_model::manifest::Manifest;
use hookyard_model::plugin::World;
use hookyard_store::{FlowPatch, NewFlow};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::Api;
use crate::http::body::given;
use crate::http::pasted::{self, PastedText, there_are};
use crate::http::plugins::running;
use crate::http::problem::Problem;
use crate::http::{checks, settings};

/// Most providers that a flow names.
const PROVIDERS_MAX: usize = 100;
/// Why a flow is paused that was paused by a call to the API.
const PAUSED_BY_HAND: &str = "it was paused by hand";

/// A flow to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewFlowInput {
    /// A flow plugin that runs for the tenant: its own, or the operator's.
    #[schema(example = "lead_router")]
    plugin: String,
    /// For people; the plugin's where it is not given.
    #[serde(default)]
    #[schema(example = "Leads to the CRM")]
    name: Option<String>,
    /// `before`: it may change the lead or drop the event, before anybody gets it. `after`: once the event is
    /// processed; it may take days; this is where it is not said. `transform`: it makes the body of a subscription's
    /// deliveries.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "after")]
    stage: Option<FlowStage>,
    /// Event types that start it, `prefix.*` or `*`, in place of its plugin's.
    #[serde(default)]
    #[schema(example = json!(["leadgen"]))]
    triggers: Option<Vec<String>>,
    /// Only events of these providers; of all, and of none, where it is empty.
    #[serde(default)]
    #[schema(example = json!(["meta_lead_ads"]))]
    providers: Vec<String>,
    /// Only events whose data is like this: `{"country": "DE", "deal": {"amount": {"$gte": 1000}}}`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<Box<RawValue>>,
    /// After the plugin's schema.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Box<RawValue>>,
    /// Hosts that it may fetch from, of its plugin's; all of those where it is not given.
    #[serde(default)]
    hosts: Option<Vec<String>>,
    /// What is attached to its fetches, by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, PastedText>,
    /// What becomes of an event where a flow of stage `before` fails on it: `skip` (it goes on as if the flow were not
    /// there; this is where it is not said) or `hold` (it waits, and the flow is tried again).
    #[serde(default, alias = "on_failure")]
    #[schema(value_type = Option<String>, example = "skip")]
    on_failure: Option<OnFailure>,
}

/// What to change of a flow; what is not given stays. Its plugin and its stage are what they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlowChange {
    /// For people.
    #[serde(default)]
    name: Option<String>,
    /// Event types that start it; null goes back to its plugin's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    triggers: Option<Option<Vec<String>>>,
    /// Only events of these providers; an empty list is for all.
    #[serde(default)]
    providers: Option<Vec<String>>,
    /// Only events whose data is like this; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Option<Box<RawValue>>>,
    /// All settings anew.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Box<RawValue>>,
    /// Hosts that it may fetch from; null is for all of its plugin's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    hosts: Option<Option<Vec<String>>>,
    /// Values for the names given.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, PastedText>,
    /// `skip` or `hold`.
    #[serde(default, alias = "on_failure")]
    #[schema(value_type = Option<String>, example = "hold")]
    on_failure: Option<OnFailure>,
    /// `active` or `paused`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "paused")]
    status: Option<FlowStatus>,
}

impl NewFlowInput {
    /// The plugin that it names.
    pub(super) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Holds it against the plugin's manifest.
    ///
    /// # Errors
    /// 422 with the field.
    pub(super) async fn check(self, api: &Api, tenant: TenantId, manifest: &Manifest) -> Result<NewFlow, Problem> {
        let stage = self.stage.unwrap_or(FlowStage::After);
        let says_when = self.triggers.is_some() || !self.providers.is_empty() || self.filter.is_some();
        check_stage(stage, says_when, self.on_failure)?;
        let settings = self.settings.map_or_else(|| "{}".to_owned(), |settings| settings.get().to_owned());
        settings::check(&manifest.settings_schema, &settings)?;
        let named = if manifest.name.trim().is_empty() { &manifest.id } else { &manifest.name };
        Ok(NewFlow {
            tenant,
            name: self.name.map_or_else(|| Ok(named.clone()), |name| checks::name("name", &name))?,
            plugin: manifest.id.clone(),
            stage,
            triggers: self.triggers.map(|triggers| checks::event_types("triggers", triggers)).transpose()?,
            providers: providers(api, tenant, self.providers).await?,
            filter: self.filter.map(|filter| read_filter(&filter)).transpose()?,
            settings,
            hosts: self.hosts.map(|wanted| hosts(manifest, wanted)).transpose()?,
            on_failure: self.on_failure.unwrap_or(OnFailure::Skip),
            credentials: pasted::credentials(manifest, &self.credentials)?,
        })
    }
}

impl FlowChange {
    /// Holds it against the plugin's manifest, where a version of it still runs.
    ///
    /// # Errors
    /// 422 with the field; 409 where it takes a manifest to check and there is none.
    pub(super) async fn check(self, api: &Api, flow: &Flow, manifest: Option<&Manifest>) -> Result<FlowPatch, Problem> {
        let says_when = matches!(self.triggers, Some(Some(_)))
            || self.providers.as_ref().is_some_and(|providers| !providers.is_empty())
            || matches!(self.filter, Some(Some(_)));
        check_stage(flow.stage, says_when, self.on_failure)?;
        let triggers = self.triggers.map(|given| given.map(|given| checks::event_types("triggers", given)).transpose());
        let mut patch = FlowPatch {
            name: self.name.map(|name| checks::name("name", &name)).transpose()?,
            triggers: triggers.transpose()?,
            filter: self.filter.map(|given| given.map(|given| read_filter(&given)).transpose()).transpose()?,
            on_failure: self.on_failure,
            status: self.status.map(because),
            ..FlowPatch::default()
        };
        if let Some(given) = self.providers {
            patch.providers = Some(providers(api, flow.tenant, given).await?);
        }
        let wants_hosts = matches!(self.hosts, Some(Some(_)));
        if !wants_hosts && self.settings.is_none() && self.credentials.is_empty() {
            patch.hosts = self.hosts;
            return Ok(patch);
        }
        let gone = "no version of this flow's plugin runs any more: one has to be active first";
        let manifest = manifest.ok_or_else(|| Problem::conflict(gone))?;
        if let Some(settings) = self.settings {
            settings::check(&manifest.settings_schema, settings.get())?;
            patch.settings = Some(settings.get().to_owned());
        }
        patch.hosts = self.hosts.map(|given| given.map(|given| hosts(manifest, given)).transpose()).transpose()?;
        patch.credentials = pasted::credentials(manifest, &self.credentials)?;
        Ok(patch)
    }
}

/// What its stage does not look at would be ignored in silence.
fn check_stage(stage: FlowStage, says_when: bool, on_failure: Option<OnFailure>) -> Result<(), Problem> {
    if stage == FlowStage::Transform && says_when {
        let detail = "a transform runs for the subscription that names it: leave out `triggers`, `providers` and \
                      `filter`, and let the subscription say which events it gets";
        return Err(Problem::invalid("stage", detail));
    }
    if stage != FlowStage::Before && on_failure == Some(OnFailure::Hold) {
        let detail = "only a flow of stage `before` can hold an event: leave this out";
        return Err(Problem::invalid("onFailure", detail));
    }
    Ok(())
}

fn because(status: FlowStatus) -> (FlowStatus, Option<String>) {
    match status {
        FlowStatus::Active => (status, None),
        FlowStatus::Paused => (status, Some(PAUSED_BY_HAND.to_owned())),
    }
}

fn read_filter(given: &RawValue) -> Result<Filter, Problem> {
    Filter::parse(given.get()).map_err(|error| Problem::invalid("filter", error.to_string()))
}

/// Hosts that the manifest names, each once.
fn hosts(manifest: &Manifest, wanted: Vec<String>) -> Result<Vec<String>, Problem> {
    let mut granted = Vec::new();
    for host in wanted {
        if !manifest.hosts.contains(&host) {
            let known = there_are(manifest.hosts.iter().map(String::as_str));
            let detail = format!("a flow fetches from hosts of its plugin's manifest only: {known}");
            return Err(Problem::invalid("hosts", detail));
        }
        if !granted.contains(&host) {
            granted.push(host);
        }
    }
    Ok(granted)
}

/// Providers that run for the tenant, each once: a misspelt one would never be met.
async fn providers(api: &Api, tenant: TenantId, wanted: Vec<String>) -> Result<Vec<String>, Problem> {
    if wanted.len() > PROVIDERS_MAX {
        return Err(Problem::invalid("providers", format!("name at most {PROVIDERS_MAX} providers")));
    }
    let mut known: Vec<String> = Vec::new();
    for provider in wanted {
        if running::find(api, Some(tenant), World::Provider, &provider).await?.is_none() {
            let detail = running::unknown(api, Some(tenant), World::Provider).await?;
            return Err(Problem::invalid("providers", detail));
        }
        if !known.contains(&provider) {
            known.push(provider);
        }
    }
    Ok(known)
}
