//! `hookyard tenant create` and `list`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Prefer, Remote};
use super::{block_on, output};

const TENANTS: &str = "/api/v1/tenants";

/// Organisations: everything else belongs to one
#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    Create(Create),
    List(List),
}

/// Create a tenant (with the operator's key)
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard tenant create acme
  TENANT=$(hookyard tenant create acme)               its id alone is on standard output
  hookyard tenant create \"Acme GmbH\" --json
")]
pub(super) struct Create {
    /// For people; any text
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// List tenants, the newest first (with the operator's key)
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard tenant list
  hookyard tenant list --json --limit 250
")]
pub(super) struct List {
    /// Rows of the page, from 1 to 250
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Tenant {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
        }
    }
}

impl Create {
    fn run(self) -> Result<ExitCode, Failure> {
        let client = self.remote.client(Prefer::Operators, None)?;
        let tenant = block_on(async { Ok(client.post(TENANTS, &json!({ "name": self.name })).await?) })?;
        if self.json {
            return output::json(&tenant);
        }
        let id = text(&tenant, "id");
        output::say(&format!("created tenant `{}`; next: hookyard key create --tenant {id} --name first", self.name));
        output::line(id)
    }
}

impl List {
    fn run(self) -> Result<ExitCode, Failure> {
        let client = self.remote.client(Prefer::Operators, None)?;
        let limit = self.limit.to_string();
        let query = std::iter::once(("limit", limit.as_str())).chain(self.cursor.as_deref().map(|at| ("cursor", at)));
        let query: Vec<_> = query.collect();
        let page = block_on(async { Ok(client.get(TENANTS, &query).await?) })?;
        if self.json {
            return output::json(&page);
        }
        let tenants = page.get("data").and_then(Value::as_array).into_iter().flatten();
        let row = |tenant| ["id", "name", "createdAt"].map(|field| text(tenant, field).to_owned()).to_vec();
        let code = output::text(&output::table(&tenants.map(row).collect::<Vec<_>>()))?;
        if let Some(next) = page.get("nextCursor").and_then(Value::as_str) {
            output::say(&format!("there are more: --cursor {next}"));
        }
        Ok(code)
    }
}

/// A field's text, or nothing.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
