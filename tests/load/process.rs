//! The host under load: a process of its own, and the CPU that it and its database used.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use hookyard_egress::api_client::ApiClient;
use serde_json::{Value, json};
use support::{Databases, TestDatabase, sign};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hookyard-under-test");
const OPERATOR_KEY: &str = "hy_operator_key_of_the_load";
const SECRET: &str = "secret of a repository";
/// Clock ticks a second in /proc (USER_HZ), the same on every Linux that Rust supports.
const TICKS: f64 = 100.0;

/// A host that is set up with one tenant and one GitHub account.
pub(crate) struct Loaded {
    child: Child,
    _database: TestDatabase,
    is_postgres: bool,
    /// Where it listens.
    pub address: SocketAddr,
    /// The tenant's way in.
    pub api: ApiClient,
    /// The path of the account's webhook.
    pub path: String,
}

impl Loaded {
    /// Starts one.
    pub(crate) async fn start(databases: Databases) -> anyhow::Result<Self> {
        let database = TestDatabase::new(databases);
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", &address.to_string(), "--allow-private-network", "127.0.0.0/8", "--data"]);
        command.arg(database.folder()).env("HOOKYARD_OPERATOR_KEY", OPERATOR_KEY).env("HOOKYARD_LOG", "warn");
        if let Some(url) = database.url() {
            command.args(["--database", &url]);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let base = format!("http://{address}");
        let operator = ApiClient::new(&base, OPERATOR_KEY, &[])?;
        while operator.get("/healthz", &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let tenant = operator.post("/api/v1/tenants", &json!({ "name": "load" })).await?;
        let tenant = tenant.get("id").and_then(Value::as_str).context("a tenant")?.to_owned();
        let api = ApiClient::for_tenant(&base, OPERATOR_KEY, &tenant, &[])?;
        let account = json!({ "provider": "github", "accountKey": "a/b", "secrets": { "secret": SECRET } });
        let account = api.post("/api/v1/accounts", &account).await?;
        let account = account.get("id").and_then(Value::as_str).context("an account")?;
        let path = format!("/webhook/github/{account}");
        let is_postgres = databases == Databases::Postgres;
        Ok(Self { child, _database: database, is_postgres, address, api, path })
    }

    /// Another tenant's way in.
    pub(crate) async fn another_tenant(&self, name: &str) -> anyhow::Result<ApiClient> {
        let base = format!("http://{}", self.address);
        let operator = ApiClient::new(&base, OPERATOR_KEY, &[])?;
        let tenant = operator.post("/api/v1/tenants", &json!({ "name": name })).await?;
        let tenant = tenant.get("id").and_then(Value::as_str).context("a tenant")?.to_owned();
        Ok(ApiClient::for_tenant(&base, OPERATOR_KEY, &tenant, &[])?)
    }

    /// Signed posts of `count` different events of about 600 bytes, numbered from `first`.
    pub(crate) fn posts(&self, first: usize, count: usize) -> Vec<Vec<u8>> {
        let filler = "x".repeat(500);
        let post = |number: usize| {
            let body = json!({ "number": number, "filler": filler, "zen": "Keep it logically awesome." }).to_string();
            let signature = sign::hub(SECRET, body.as_bytes());
            let delivery = format!("delivery-{number}");
            let headers = [
                ("content-type", "application/json"),
                ("x-github-event", "push"),
                ("x-github-delivery", &delivery),
                ("x-hub-signature-256", &signature),
            ];
            super::blast::request(&self.path, &headers, body.as_bytes())
        };
        (first..first + count).map(post).collect()
    }

    /// CPU seconds that the host, and PostgreSQL's processes where it runs on them, have used until now.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let host = cpu_of(&format!("/proc/{}/stat", self.child.id()));
        if self.is_postgres { host + postgres_cpu() } else { host }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // It holds nothing that anybody needs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn postgres_cpu() -> f64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0.0 };
    let is_postgres =
        |folder: &Path| std::fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim() == "postgres");
    let folders = processes.flatten().map(|entry| entry.path()).filter(|folder| is_postgres(folder));
    folders.map(|folder| cpu_of(&folder.join("stat").to_string_lossy())).sum()
}

/// User and system time of a process and of its children that have ended (proc(5), fields 14 to 17).
fn cpu_of(stat: &str) -> f64 {
    let Ok(text) = std::fs::read_to_string(stat) else { return 0.0 };
    let fields = text.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}
