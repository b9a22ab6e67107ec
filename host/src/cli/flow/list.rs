//! `hookyard flow list` and `show`.

use std::process::ExitCode;

use clap::Args;
use hookyard_egress::api_client::ApiClient;
use serde_json::Value;

use super::find::{self, FLOWS};
use crate::cli::failure::Failure;
use crate::cli::remote::OnBehalf;
use crate::cli::tenant::text;
use crate::cli::{block_on, output};

/// List a tenant's flows, the newest first
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow list
  hookyard flow list --json --limit 250
")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    on: OnBehalf,
}

/// Show a flow: what starts it, what it may do, and which version of it runs
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow show lead_router                      by its name, if only one flow has it
  hookyard flow show flow_… --json
")]
pub(in crate::cli) struct Show {
    /// Its id or name
    flow: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

/// Which page of a list, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct Paging {
    /// Rows of the page, from 1 to 250
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let page = block_on(self.paging.get(&client, FLOWS, &[]))?;
        self.paging.show(&page, ["ID", "NAME", "STAGE", "STATUS", "VERSION"], |flow| {
            let version = flow.get("running").and_then(|running| running.get("version"));
            let version = version.map_or_else(|| "none".to_owned(), Value::to_string);
            let [id, name, stage, status] = ["id", "name", "stage", "status"].map(|field| text(flow, field).to_owned());
            [id, name, stage, status, version]
        })
    }
}

impl Show {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let flow = block_on(async { Ok(client.get(&find::path(&client, &self.flow).await?, &[]).await?) })?;
        if self.json { output::json(&flow) } else { output::text(&output::table(&rows(&flow))) }
    }
}

impl Paging {
    /// Asks for the page.
    pub(super) async fn get(&self, client: &ApiClient, path: &str, more: &[(&str, &str)]) -> Result<Value, Failure> {
        let limit = self.limit.to_string();
        let cursor = self.cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query = std::iter::once(("limit", limit.as_str())).chain(cursor).chain(more.iter().copied());
        Ok(client.get(path, &query.collect::<Vec<_>>()).await?)
    }

    /// A page as rows under a head, or as JSON.
    pub(super) fn show<const N: usize>(
        &self,
        page: &Value,
        head: [&str; N],
        row: impl Fn(&Value) -> [String; N],
    ) -> Result<ExitCode, Failure> {
        if self.json {
            return output::json(page);
        }
        let rows = page.get("data").and_then(Value::as_array).into_iter().flatten();
        let head = head.map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(head).chain(rows.map(|one| row(one).to_vec())).collect();
        let code = output::text(&output::table(&rows))?;
        if let Some(next) = page.get("nextCursor").and_then(Value::as_str) {
            output::say(&format!("there are more: --cursor {next}"));
        }
        Ok(code)
    }
}

/// A flow, field by field.
fn rows(flow: &Value) -> Vec<Vec<String>> {
    let field = |name: &str| shown(flow.get(name));
    let running = flow.get("running").filter(|running| !running.is_null());
    let of_plugin = |name: &str| running.and_then(|running| running.get(name));
    let or_plugins = |name: &str| match flow.get(name).filter(|own| !own.is_null()) {
        Some(own) => shown(Some(own)),
        None => format!("{}, as its plugin says", shown(of_plugin(name))),
    };
    let plugin = match running {
        Some(running) => {
            format!("{} version {} ({})", field("plugin"), shown(running.get("version")), shown(running.get("digest")))
        }
        None => format!("{}, of which no version runs", field("plugin")),
    };
    let status = match text(flow, "statusReason") {
        "" => field("status"),
        reason => format!("{}: {reason}", field("status")),
    };
    let missing = flow.get("missingCredentials").and_then(Value::as_array).filter(|missing| !missing.is_empty());
    let missing = missing.map(|missing| format!("; missing: {}", shown(Some(&Value::Array(missing.clone())))));
    [
        ("flow", format!("{} ({})", text(flow, "name"), text(flow, "id"))),
        ("plugin", plugin),
        ("status", status),
        ("stage", field("stage")),
        ("triggers", or_plugins("triggers")),
        ("providers", field("providers")),
        ("filter", field("filter")),
        ("settings", field("settings")),
        ("hosts", or_plugins("hosts")),
        ("credentials", format!("{}{}", field("credentials"), missing.unwrap_or_default())),
        ("on failure", field("onFailure")),
        ("made", field("createdAt")),
    ]
    .map(|(label, text)| vec![label.to_owned(), text])
    .to_vec()
}

/// A value for a person.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.is_empty() => "none".to_owned(),
        Some(Value::Array(list)) => list.iter().map(|one| shown(Some(one))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_flow_is_shown_with_what_its_plugin_says_where_it_says_nothing() {
        let flow = json!({
            "id": "flow_1", "name": "Router", "plugin": "lead_router", "stage": "after", "triggers": null,
            "providers": [], "filter": {"country": "DE"}, "settings": {}, "hosts": ["a.example"],
            "credentials": ["a"], "missingCredentials": ["b"], "onFailure": "skip", "status": "paused",
            "statusReason": "it was paused by hand", "running": {"version": 3, "digest": "abc", "triggers": ["leadgen"]},
            "createdAt": "2026-01-01T00:00:00.000Z",
        });
        let shown = output::table(&rows(&flow));
        for line in [
            "flow         Router (flow_1)",
            "plugin       lead_router version 3 (abc)",
            "status       paused: it was paused by hand",
            "triggers     leadgen, as its plugin says",
            "providers    none",
            "filter       {\"country\":\"DE\"}",
            "hosts        a.example",
            "credentials  a; missing: b",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
        }
    }
}
