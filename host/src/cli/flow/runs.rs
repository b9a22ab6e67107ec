//! `hookyard flow runs`, `run` and `retry`: what ran.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::find;
use super::list::{Paging, shown};
use super::tried::{cost, list, numbered};
use crate::cli::failure::Failure;
use crate::cli::remote::OnBehalf;
use crate::cli::tenant::text;
use crate::cli::{block_on, output};

pub(super) const RUNS: &str = "/api/v1/runs";

/// List a flow's runs, the newest first
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow runs lead_router
  hookyard flow runs lead_router --status failed      RUNNING, SUCCEEDED, FAILED or LIMITED
  hookyard flow runs flow_… --json --limit 250
")]
pub(in crate::cli) struct Runs {
    /// Its id, or its name if only one flow has it
    flow: String,
    /// Only runs that have come so far: running, succeeded, failed or limited
    #[arg(long)]
    status: Option<String>,
    /// Only runs that this event started
    #[arg(long, value_name = "evt_…")]
    event: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    on: OnBehalf,
}

/// Show a run: what it decided, what it asked for, and what it wrote to its log
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow run run_…
  hookyard flow run run_… --json | jq .journal        what each effect was answered with
")]
pub(in crate::cli) struct Run {
    #[command(flatten)]
    which: WhichRun,
}

/// Go on with a run that failed or was limited: its last fetch is done anew
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow retry run_…
  hookyard flow runs router --status failed --json | jq -r .data[].id |
    xargs -n1 hookyard flow retry                     all that failed
")]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    which: WhichRun,
}

/// A run of a tenant.
#[derive(Debug, Args)]
struct WhichRun {
    /// Its id
    #[arg(value_name = "run_…")]
    run: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

impl Runs {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let status = self.status.as_ref().map(|status| status.to_uppercase());
        let filters = [("status", status.as_deref()), ("event", self.event.as_deref())];
        let filters: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page = block_on(async {
            let path = find::path(&client, &self.flow).await?;
            self.paging.get(&client, &format!("{path}/runs"), &filters).await
        })?;
        self.paging.show(&page, ["ID", "STATUS", "VERSION", "STEPS", "STARTED", "EVENT", "REASON"], |run| {
            let reason = text(run, "reason").lines().next().unwrap_or_default().chars().take(80).collect();
            let [id, status, started, event] =
                ["id", "status", "startedAt", "event"].map(|name| text(run, name).to_owned());
            let [version, steps] = ["version", "steps"].map(|name| shown(run.get(name)));
            [id, status, version, steps, started, event, reason]
        })
    }
}

impl Run {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.which.on.client()?;
        let run = block_on(async { Ok(client.get(&format!("{RUNS}/{}", self.which.run), &[]).await?) })?;
        if self.which.json { output::json(&run) } else { output::text(&told(&run)) }
    }
}

impl Retry {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.which.on.client()?;
        let path = format!("{RUNS}/{}/retry", self.which.run);
        let retried = block_on(async { Ok(client.post(&path, &json!({})).await?) })?;
        if self.which.json {
            return output::json(&retried);
        }
        output::say(&format!("`{}` goes on; see: hookyard flow run {0}", text(&retried, "id")));
        output::line(text(&retried, "id"))
    }
}

fn told(run: &Value) -> String {
    let field = |name: &str| shown(run.get(name));
    let status = match text(run, "reason") {
        "" => field("status"),
        reason => format!("{} ({}): {reason}", field("status"), field("blame")),
    };
    let mut lines = vec![
        format!("{:<9}{}", "run", field("id")),
        format!(
            "{:<9}{}, stage {}, plugin {} version {}",
            "flow",
            field("flow"),
            field("stage"),
            field("plugin"),
            field("version")
        ),
        format!("{:<9}{}", "event", field("event")),
        format!("{:<9}{status}", "status"),
        format!(
            "{:<9}{} to {}",
            "time",
            field("startedAt"),
            run.get("endedAt").and_then(Value::as_str).unwrap_or("now")
        ),
    ];
    if let Some(until) = run.get("waitingUntil").and_then(Value::as_str) {
        lines.push(format!("{:<9}until {until}", "waits"));
    }
    numbered("actions", list(run, "actions"), &mut lines, Value::to_string);
    numbered("writes", list(run, "writes"), &mut lines, Value::to_string);
    numbered("journal", list(run, "journal"), &mut lines, |step| {
        format!("{}  {}  {}", text(step, "at"), text(step, "effect"), reply(step.get("reply")))
    });
    numbered("log", list(run, "log"), &mut lines, |line| line.as_str().unwrap_or_default().to_owned());
    lines.push(format!("{:<9}{}", "cost", cost(run)));
    lines.join("\n") + "\n"
}

/// What came of an effect, without what it brought.
fn reply(reply: Option<&Value>) -> String {
    let Some(reply) = reply else { return String::new() };
    if let Some(response) = reply.get("response") {
        return format!("-> {}", shown(response.get("status")));
    }
    if let Some(error) = reply.get("fetchError") {
        return format!("-> no response: {}", shown(Some(error)));
    }
    match reply.get("state") {
        Some(Value::Null) => "-> nothing".to_owned(),
        Some(found) => format!("-> {}", shown(found.get("value")).chars().take(60).collect::<String>()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_with_what_came_of_each_effect() {
        let run = json!({
            "id": "run_1", "flow": "flow_1", "stage": "after", "plugin": "p", "version": 2, "event": "evt_1",
            "status": "FAILED", "reason": "no such contact", "blame": "refused", "startedAt": "T1", "endedAt": "T2",
            "actions": [], "writes": [], "log": ["info: x"], "cpuMicros": 10, "memoryBytes": 1024, "calls": 3,
            "journal": [
                {"step": 1, "effect": "http.fetch GET https://a/", "at": "T1", "reply": {"response": {"status": 404}}},
                {"step": 2, "effect": "state.get k", "at": "T1", "reply": {"state": null}},
                {"step": 3, "effect": "clock.sleep 5 ms", "at": "T2", "reply": "slept"},
            ],
        });
        let told = told(&run);
        for line in [
            "status   FAILED (refused): no such contact",
            "journal  3",
            "  T1  http.fetch GET https://a/  -> 404",
            "  T1  state.get k  -> nothing",
            "  info: x",
        ] {
            assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        }
    }
}
