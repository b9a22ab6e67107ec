//! `hookyard key create`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::remote::{Prefer, Remote};
use super::tenant::text;
use super::{block_on, output};

/// API keys of a tenant
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    Create(Create),
}

/// Create an API key; it is shown this once (with the operator's key)
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  export HOOKYARD_KEY=$(hookyard key create --tenant ten_… --name laptop)
  hookyard key create --tenant ten_… --name app --scope publish
  hookyard key create --tenant ten_… --name report --scope read --json

The key alone is on standard output; everything else is on standard error.
")]
pub(super) struct Create {
    /// Whose key it will be
    #[arg(long, env = "HOOKYARD_TENANT", value_name = "ten_…", hide_env_values = true)]
    tenant: String,
    /// What it is for
    #[arg(long)]
    name: String,
    /// What it may do: admin (everything), manage, publish, read; several with commas
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', default_value = "manage")]
    scope: Vec<String>,
    /// When it ends, as RFC 3339 [default: never]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Key {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(),
        }
    }
}

impl Create {
    fn run(self) -> Result<ExitCode, Failure> {
        let client = self.remote.client(Prefer::Operators, None)?;
        let path = format!("/api/v1/tenants/{}/keys", self.tenant);
        let mut body = json!({ "name": self.name, "scopes": self.scope });
        if let (Some(at), Some(fields)) = (&self.expires_at, body.as_object_mut()) {
            fields.insert("expiresAt".to_owned(), at.as_str().into());
        }
        let key = block_on(async { Ok(client.post(&path, &body).await?) })?;
        if self.json {
            return output::json(&key);
        }
        let scopes = self.scope.join(", ");
        output::say(&format!("created {} for {} ({scopes}); keep it: it is shown once", text(&key, "id"), self.tenant));
        output::line(text(&key, "key"))
    }
}
