//! `hookyard event publish`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::remote::OnBehalf;
use super::{block_on, given, output};

/// Events: publish them
#[derive(Debug, Subcommand)]
pub(super) enum Event {
    Publish(Publish),
}

/// Publish an event, as an application would
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard event publish deal.won --data '{\"dealId\": \"42\", \"amount\": 1500}'
  hookyard event publish deal.won --data @deal.json --id deal-42-won
  jq .deal export.json | hookyard event publish deal.won --data -

Its id alone is on standard output. An id of your own makes a second one with it a duplicate, which goes nowhere.
")]
pub(super) struct Publish {
    /// Its type, as subscriptions and flows match it
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// Its data: JSON, @FILE, or - for standard input
    #[arg(long, default_value = "{}", value_name = "JSON|@FILE|-")]
    data: String,
    /// Your own id of it
    #[arg(long)]
    id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

impl Event {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Publish(publish) => publish.run(),
        }
    }
}

impl Publish {
    fn run(self) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let data = given::json("--data", &self.data)?;
        let body = Body { event_type: &self.event_type, data: &data, id: self.id.as_deref() };
        let published = block_on(async { Ok(client.post("/api/v1/events", &body).await?) })?;
        if self.json {
            return output::json(&published);
        }
        output::say(&format!("published `{}`", self.event_type));
        let ids = published.get("events").and_then(Value::as_array).into_iter().flatten();
        output::text(&ids.filter_map(Value::as_str).map(|id| format!("{id}\n")).collect::<String>())
    }
}
