//! Meta's Graph API: which URLs there are, and one GET.
//!
//! Ids and the version stand in the URL's path, so they are checked to be nothing but an id and a version first:
//! a `../` in an id would otherwise spend the page's token on another object.

use hookyard_sdk::{Failure, HttpResponse, http, json};
use serde::Deserialize;

use crate::{ACCESS_TOKEN, trouble};

pub(crate) const HOST: &str = "graph.facebook.com";

pub(crate) const SETTINGS_SCHEMA: &str = r#"{"type":"object","properties":{"graphVersion":{"type":"string","title":"Graph API version","pattern":"^v[0-9]{1,3}\\.[0-9]{1,2}$","default":"v25.0"}},"additionalProperties":false}"#;

/// What is asked of a lead. Names of ads and campaigns are left out, for they need permissions of their own, and one
/// field that may not be seen fails the whole answer.
pub(crate) const LEAD_FIELDS: &str =
    "id,created_time,form_id,ad_id,adset_id,campaign_id,is_organic,platform,field_data,custom_disclaimer_responses";

/// More digits than any id has.
const ID_DIGITS_MAX: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    graph_version: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { graph_version: "v25.0".to_owned() }
    }
}

/// The Graph API at the version that the account's settings name.
pub(crate) struct Graph {
    base_url: String,
}

impl Graph {
    pub(crate) fn open(settings: &str) -> Result<Self, Failure> {
        let Settings { graph_version } = json::parse("the account's settings", settings)?;
        if !is_version(&graph_version) {
            return Err(Failure::permanent("the setting `graphVersion` is not a version like `v25.0`"));
        }
        Ok(Self { base_url: format!("https://{HOST}/{graph_version}") })
    }

    /// Starts a GET of an object, or of a list that hangs on it (`edge`, "leads").
    pub(crate) fn get(&self, id: &str, edge: &str, fields: &str) -> Result<http::Request, Failure> {
        if !is_id(id) {
            return Err(Failure::permanent("Meta's ids are digits, and this one is not"));
        }
        let base_url = &self.base_url;
        let edge = if edge.is_empty() { String::new() } else { format!("/{edge}") };
        Ok(http::get(format!("{base_url}/{id}{edge}?fields={fields}")).credential(ACCESS_TOKEN))
    }
}

/// Sends a request and tells an answer from one of Meta's many ways to say no.
pub(crate) fn answer(request: http::Request) -> Result<HttpResponse, Failure> {
    let response = request.send()?;
    match trouble::of(&response) {
        None => Ok(response),
        Some(failure) => Err(failure),
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_version(text: &str) -> bool {
    let digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v')
        .and_then(|version| version.split_once('.'))
        .is_some_and(|(major, minor)| digits(major, 3) && digits(minor, 2))
}
