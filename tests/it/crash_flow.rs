//! kill -9 at every point between two commits of a run: what it decided happens once.
//!
//! The host is told before or behind which of its commits to die; the test goes through them one by one, until a host
//! lives to the end. Before a commit all the work that leads to it is done and nothing of it is durable; behind it all is
//! durable and nobody knows.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hookyard::demo::receiver::Receiver;
use hookyard_egress::api_client::ApiClient;
use serde_json::{Value, json};
use support::{Databases, TestDatabase, guests};
use tokio::process::{Child, Command};

use crate::{PROGRAM, on_both_databases};

on_both_databases! {
    a_run_that_is_killed_between_any_two_commits_acts_exactly_once;
}

const OPERATOR_KEY: &str = "hy_operator_key_of_the_crash_test";
const WITHIN: Duration = Duration::from_secs(30);
/// More commits than a run can have.
const COMMITS_MAX: u32 = 40;
/// A claim of the host that died is over when its lease is: the next host's clock is so much ahead.
const LEASE_MS: u64 = 61_000;

struct Crash {
    database: TestDatabase,
    peer: Receiver,
    receiver: Arc<Receiver>,
    tenant: String,
    ahead_ms: u64,
}

struct Serving {
    child: Child,
    api: ApiClient,
}

impl Crash {
    /// Starts a host that dies as `die` says; `never` lives.
    async fn serve(&mut self, die: &str) -> Serving {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let base = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(PROGRAM);
        command
            .env("HOOKYARD_TEST_DIE", die)
            .env("HOOKYARD_TEST_AHEAD_MS", self.ahead_ms.to_string())
            .env("HOOKYARD_LISTEN", format!("127.0.0.1:{port}"))
            .env("HOOKYARD_DATA", self.database.folder())
            .env("HOOKYARD_ALLOW_PRIVATE_NETWORK", "127.0.0.0/8")
            .env("HOOKYARD_PROVIDER_HOST", format!("peer.example.com={}", self.peer.url()))
            .env("HOOKYARD_OPERATOR_KEY", OPERATOR_KEY)
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some(url) = self.database.url() {
            command.env("HOOKYARD_DATABASE", url);
        }
        let child = command.spawn().unwrap();
        let api = match self.tenant.as_str() {
            "" => ApiClient::new(&base, OPERATOR_KEY, &[]).unwrap(),
            tenant => ApiClient::for_tenant(&base, OPERATOR_KEY, tenant, &[]).unwrap(),
        };
        within("a host that listens", async || api.get("/healthz", &[]).await.ok()).await;
        Serving { child, api }
    }

    async fn set_up(databases: Databases) -> Self {
        let mut crash = Self {
            database: TestDatabase::new(databases),
            peer: Receiver::start().await.unwrap(),
            receiver: Arc::new(Receiver::start().await.unwrap()),
            tenant: String::new(),
            ahead_ms: 0,
        };
        let mut host = crash.serve("never").await;
        let tenant = host.api.post("/api/v1/tenants", &json!({ "name": "acme" })).await.unwrap();
        crash.tenant = tenant["id"].as_str().unwrap().to_owned();
        host.child.kill().await.unwrap();
        let mut host = crash.serve("never").await;
        host.api.post_bytes("/api/v1/plugins", &[], "application/wasm", guests::PATIENT.into()).await.unwrap();
        host.api.post("/api/v1/flows", &json!({ "plugin": "patient" })).await.unwrap();
        let subscription = json!({ "url": format!("{}/hooks", crash.receiver.url()), "events": ["patient.done"] });
        host.api.post("/api/v1/webhooks", &subscription).await.unwrap();
        host.child.kill().await.unwrap();
        crash
    }

    /// One run with a host that dies as `die` says, and one after it that lives. Whether the first one died.
    async fn round(&mut self, die: &str, number: u64) -> bool {
        let mut host = self.serve(die).await;
        let id = format!("app-{number}");
        let event = json!({ "type": "patient.start", "id": id, "data": { "sleepMs": 150 } });
        let acknowledged = host.api.post("/api/v1/events", &event).await.is_ok();
        let receiver = Arc::clone(&self.receiver);
        let is_done = async |api: &ApiClient| {
            let runs = api.get("/api/v1/runs", &[("limit", "250")]).await.ok()?;
            let runs = runs["data"].as_array()?.clone();
            let ended = runs.iter().filter(|run| run["status"] == "SUCCEEDED").count() as u64;
            let arrived = arrivals_by_event(&receiver).len() as u64;
            // To the last commit: nothing is left to be done.
            let pending = api.get("/api/v1/deliveries", &[("status", "PENDING")]).await.ok()?;
            let is_quiet = pending["data"].as_array()?.is_empty();
            (ended == number && arrived == number && is_quiet).then_some(runs)
        };
        let died = tokio::select! {
            _ = host.child.wait() => true,
            () = async { within("a run that ends", async || is_done(&host.api).await).await; }, if acknowledged => false,
        };
        if died {
            self.ahead_ms += LEASE_MS;
            host = self.serve("never").await;
            if !acknowledged {
                // As any sender does that was told nothing. It may be logged already: then this is a duplicate.
                host.api.post("/api/v1/events", &event).await.unwrap();
            }
        }
        let ended = tokio::time::timeout(WITHIN, within("a run that ends", async || is_done(&host.api).await)).await;
        let Ok(runs) = ended else {
            let events = host.api.get("/api/v1/events", &[("limit", "6")]).await;
            let runs = host.api.get("/api/v1/runs", &[("limit", "3")]).await;
            let deliveries = host.api.get("/api/v1/deliveries", &[("limit", "3")]).await;
            panic!("{die}, round {number}: {events:#?} {runs:#?} {deliveries:#?}");
        };
        assert_eq!(runs.len() as u64, number, "{die}: no event started a flow twice");
        let done = host.api.get("/api/v1/events", &[("type", "patient.done"), ("limit", "250")]).await.unwrap();
        assert_eq!(done["data"].as_array().unwrap().len() as u64, number, "{die}: emitted once: {done}");
        host.child.kill().await.unwrap();
        died
    }

    /// What the peer was told: each effect once, or once more with the same key where it was under way at a kill.
    fn check_effects(&self, rounds: u64) {
        let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for arrival in self.peer.arrivals() {
            let key = arrival.header("idempotency-key").expect("a key").to_owned();
            by_key.entry(key).or_default().push(arrival.path.clone());
        }
        assert_eq!(by_key.len() as u64, 2 * rounds, "two effects a run: {by_key:?}");
        for (key, paths) in by_key {
            assert!(paths.len() <= 2 && paths.iter().all(|path| *path == paths[0]), "{key}: {paths:?}");
        }
    }
}

fn arrivals_by_event(receiver: &Receiver) -> BTreeMap<String, Value> {
    let arrivals = receiver.arrivals().into_iter();
    arrivals
        .map(|arrival| {
            let id = arrival.header("webhook-id").unwrap_or_default().to_owned();
            (id, serde_json::from_slice(&arrival.body).unwrap_or_default())
        })
        .collect()
}

async fn within<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let found = tokio::time::timeout(2 * WITHIN, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("{what} did not come in {WITHIN:?}"))
}

async fn a_run_that_is_killed_between_any_two_commits_acts_exactly_once(databases: Databases) {
    let mut crash = Crash::set_up(databases).await;
    let mut rounds = 0;
    for moment in ["before", "after"] {
        let mut commits = 0;
        for commit in 1..=COMMITS_MAX {
            rounds += 1;
            if !crash.round(&format!("{moment}:{commit}"), rounds).await {
                commits = commit - 1;
                break;
            }
        }
        // Logged, understood, read, told, asleep, told, decided, its event understood, delivered.
        assert!((8..COMMITS_MAX).contains(&commits), "killed {moment} {commits} commits");
    }
    crash.check_effects(rounds);
    let counts: Vec<u64> =
        arrivals_by_event(&crash.receiver).values().filter_map(|body| body["data"]["count"].as_u64()).collect();
    let mut sorted = counts.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=rounds).collect::<Vec<_>>(), "each run counted on once");
}
