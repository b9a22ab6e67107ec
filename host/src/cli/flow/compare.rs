//! `hookyard flow compare`: what a version would have done where the flow's last runs did what they did.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::list::shown;
use super::tried::list;
use super::{compared, find};
use crate::cli::failure::{Exit, Failure};
use crate::cli::remote::OnBehalf;
use crate::cli::tenant::text;
use crate::cli::{block_on, output};

/// Replay a flow's last runs on another version, and show what would differ
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin push --no-activate && hookyard flow compare lead_router --version 4
  hookyard flow compare lead_router --version 4 --runs 100
  hookyard flow compare lead_router --version 4 && hookyard flow activate lead_router 4

Each run is replayed from its journal: nothing is fetched, written or emitted. Exit code 1 where anything differs.
")]
pub(in crate::cli) struct Compare {
    /// Its id, or its name if only one flow has it
    flow: String,
    /// The version of its plugin
    #[arg(long)]
    version: u32,
    /// How many runs, the newest first: 1 to 100
    #[arg(long, default_value_t = 20)]
    runs: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

impl Compare {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let body = json!({ "version": self.version, "runs": self.runs });
        let result = block_on(async {
            let path = find::path(&client, &self.flow).await?;
            Ok(client.post(&format!("{path}/compare"), &body).await?)
        })?;
        if self.json {
            output::json(&result)?;
        } else {
            output::text(&told(&result, output::is_coloured(&std::io::stdout())))?;
        }
        Ok(if list(&result, "different").is_empty() { Exit::Fine } else { Exit::Failed }.into())
    }
}

fn told(result: &Value, coloured: bool) -> String {
    let number = |name: &str| shown(result.get(name));
    let different = list(result, "different");
    let mut text_of = format!(
        "version {}: {} runs replayed, {} the same, {} different",
        number("version"),
        number("compared"),
        number("same"),
        different.len()
    );
    if result.get("skipped").and_then(Value::as_u64).is_some_and(|skipped| skipped > 0) {
        text_of.push_str(&format!("; {} passed over", number("skipped")));
    }
    text_of.push('\n');
    for one in different {
        text_of.push_str(&format!("\n{}  of {}\n", text(one, "run"), text(one, "event")));
        compared::told(one, coloured).lines().for_each(|line| text_of.push_str(&format!("  {line}\n")));
    }
    text_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_counts_and_shows_what_differs() {
        let result = json!({
            "version": 4, "compared": 3, "same": 2, "skipped": 1,
            "different": [{"run": "run_1", "event": "evt_1", "result": "askedLess", "before": 2, "now": 1}],
        });
        assert_eq!(
            told(&result, false),
            "version 4: 3 runs replayed, 2 the same, 1 different; 1 passed over\n\nrun_1  of evt_1\n  it asks for 1 \
             effects, and the run asked for 2\n"
        );
    }
}
