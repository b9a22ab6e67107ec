//! `hookyard flow create`.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::find::FLOWS;
use crate::cli::failure::Failure;
use crate::cli::remote::OnBehalf;
use crate::cli::tenant::text;
use crate::cli::{block_on, given, output};

/// What the variables of credentials begin with.
const VARIABLE: &str = "HOOKYARD_CREDENTIAL_";

/// Put a flow plugin to use: it runs from the next event on
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow create lead_router --trigger leadgen
  hookyard flow create enrich --stage before --on-failure hold --settings @enrich.json
  HOOKYARD_CREDENTIAL_API_KEY=… hookyard flow create enrich --credential api_key --host api.example.com
  hookyard flow create lead_router --filter '{\"country\": \"DE\"}' --provider meta_lead_ads

A credential's value is HOOKYARD_CREDENTIAL_<NAME>, or else a line of standard input.
")]
pub(in crate::cli) struct Create {
    /// The flow plugin, by its manifest's id
    plugin: String,
    /// For people [default: the plugin's]
    #[arg(long)]
    name: Option<String>,
    /// When it runs: before an event is handed on, after it is processed, or as a subscription's transform [default: after]
    #[arg(long, value_name = "before|after|transform", value_parser = ["before", "after", "transform"], hide_possible_values = true)]
    stage: Option<String>,
    /// An event type that starts it, in place of the plugin's (repeatable)
    #[arg(long, value_name = "TYPE")]
    trigger: Vec<String>,
    /// Only events of this provider (repeatable)
    #[arg(long)]
    provider: Vec<String>,
    /// Only events whose data is like this
    #[arg(long, value_name = "JSON|@FILE")]
    filter: Option<String>,
    /// After the plugin's schema
    #[arg(long, value_name = "JSON|@FILE")]
    settings: Option<String>,
    /// A host that it may fetch from, in place of all of the plugin's (repeatable)
    #[arg(long)]
    host: Vec<String>,
    /// A credential that its fetches carry (repeatable)
    #[arg(long, value_name = "NAME")]
    credential: Vec<String>,
    /// What becomes of an event where it fails, in stage before [default: skip]
    #[arg(long, value_name = "skip|hold", value_parser = ["skip", "hold"], hide_possible_values = true)]
    on_failure: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    plugin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    triggers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    providers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    credentials: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_failure: Option<String>,
}

impl Create {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let given = |flag: &str, text: &Option<String>| text.as_deref().map(|text| given::json(flag, text)).transpose();
        let body = Body {
            filter: given("--filter", &self.filter)?,
            settings: given("--settings", &self.settings)?,
            credentials: credentials(&self.credential, |name| std::env::var(name).ok(), typed)?,
            plugin: self.plugin,
            name: self.name,
            stage: self.stage,
            triggers: self.trigger,
            providers: self.provider,
            hosts: self.host,
            on_failure: self.on_failure,
        };
        let flow = block_on(async { Ok(client.post(FLOWS, &body).await?) })?;
        if self.json {
            return output::json(&flow);
        }
        let (id, name) = (text(&flow, "id"), text(&flow, "name"));
        output::say(&format!(
            "created flow `{name}`, which runs from now on; next: hookyard flow test {id} --event FILE"
        ));
        let missing = flow.get("missingCredentials").and_then(Value::as_array).into_iter().flatten();
        missing.filter_map(Value::as_str).for_each(|name| {
            output::say(&format!("warning: the credential `{name}` is not set, and the plugin wants it"));
        });
        output::line(id)
    }
}

/// Values of credentials: of the environment, or else from whoever types. Never of the command line, which other users
/// of the machine see and shells keep.
fn credentials(
    names: &[String],
    variable: impl Fn(&str) -> Option<String>,
    mut typed: impl FnMut(&str) -> Result<String, Failure>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for name in names {
        let of_environment = variable(&variable_of(name)).filter(|value| !value.is_empty());
        let value = match of_environment {
            Some(value) => value,
            None => typed(name)?,
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn variable_of(name: &str) -> String {
    let name = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("{VARIABLE}{}", name.collect::<String>())
}

fn typed(name: &str) -> Result<String, Failure> {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        output::say(&format!("the credential `{name}`, in a line:"));
    }
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    let missing = || {
        Failure::usage(format!("the credential `{name}` has no value"))
            .fix(format!("set {}, or give it in a line of standard input", variable_of(name)))
    };
    read.map_err(|error| missing().why(error))?;
    let value = line.trim_end_matches(['\n', '\r']);
    if value.is_empty() { Err(missing()) } else { Ok(value.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_from_the_environment_or_else_line_by_line() {
        let names = ["api-key".to_owned(), "other".to_owned()];
        let variable = |name: &str| (name == "HOOKYARD_CREDENTIAL_API_KEY").then(|| "a".to_owned());
        let values = credentials(&names, variable, |name| Ok(format!("typed {name}"))).unwrap();
        assert_eq!(values["api-key"], "a");
        assert_eq!(values["other"], "typed other");
        assert!(credentials(&names, |_| None, |_| Err(Failure::usage("none"))).is_err());
    }
}
