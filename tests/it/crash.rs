//! kill -9 under load: whatever was acknowledged reaches its end, and its lead its receiver.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookyard::demo::graph::Graph;
use hookyard::demo::receiver::Receiver;
use hookyard_egress::api_client::ApiClient;
use hookyard_egress::{Config, Egress, Outbound, Overflow, Purpose};
use hyper::Method;
use hyper::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use support::{APP_SECRET, Databases, PAGE_TOKEN, TestDatabase, sign};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::{PROGRAM, on_both_databases};

on_both_databases! {
    every_acknowledged_event_survives_a_kill_under_load;
}

const OPERATOR_KEY: &str = "hy_operator_key_of_the_crash_test";
const KILLS: usize = 3;
const WITHIN: Duration = Duration::from_secs(240);

/// Starts `serve` and waits until it listens; the process and its address.
async fn serve(database: &TestDatabase, graph: &Graph) -> (Child, String) {
    let port = free_port();
    let mut command = Command::new(PROGRAM);
    command
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data", &path(database.folder())])
        .args(["--allow-private-network", "127.0.0.0/8"])
        .args(["--provider-host", &format!("graph.facebook.com={}", graph.url())])
        .env("HOOKYARD_OPERATOR_KEY", OPERATOR_KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(url) = database.url() {
        command.args(["--database", &url]);
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let base = format!("http://127.0.0.1:{port}");
    let api = ApiClient::new(&base, OPERATOR_KEY, &[]).unwrap();
    tokio::spawn(async move {
        // Read to the end, or the host would block on a full pipe.
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("ERROR") {
                eprintln!("host: {line}");
            }
        }
    });
    tokio::time::timeout(WITHIN, async {
        while api.get("/healthz", &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a host that listens");
    (child, base)
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One signed post of a lead; the events that were acknowledged, if they were.
async fn post(http: &Egress, base: &str, lead: &str) -> Option<Vec<String>> {
    let body = sign::leadgen(&[("111", lead)]);
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature-256", HeaderValue::try_from(sign::hub(APP_SECRET, &body)).unwrap());
    let outbound = Outbound {
        purpose: Purpose::Provider,
        method: Method::POST,
        url: format!("{base}/webhook/meta_lead_ads").parse().unwrap(),
        headers,
        body: body.into(),
        timeout: Duration::from_secs(10),
        response_bytes_max: 64 * 1024,
        overflow: Overflow::Refuse,
    };
    let response = http.send(outbound).await.outcome.ok().filter(|response| response.status == 200)?;
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    Some(body["events"].as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
}

async fn every_acknowledged_event_survives_a_kill_under_load(databases: Databases) {
    let database = TestDatabase::new(databases);
    let graph = Graph::start(PAGE_TOKEN, APP_SECRET).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let (mut child, mut base) = serve(&database, &graph).await;
    let operator = ApiClient::new(&base, OPERATOR_KEY, &[]).unwrap();
    let tenant = operator.post("/api/v1/tenants", &json!({ "name": "acme" })).await.unwrap();
    let tenant = tenant["id"].as_str().unwrap().to_owned();
    let secrets = json!({ "app_secret": APP_SECRET, "verify_token": "verify-me" });
    operator.put("/api/v1/providers/meta_lead_ads/secrets", &secrets).await.unwrap();
    let of_tenant = |base: &str| ApiClient::for_tenant(base, OPERATOR_KEY, &tenant, &[]).unwrap();
    let account = json!({
        "provider": "meta_lead_ads", "accountKey": "111", "credentials": { "access_token": PAGE_TOKEN },
    });
    of_tenant(&base).post("/api/v1/accounts", &account).await.unwrap();
    let subscription = json!({ "url": format!("{}/hooks", receiver.url()), "events": ["leadgen"] });
    of_tenant(&base).post("/api/v1/webhooks", &subscription).await.unwrap();

    let loopback = vec!["127.0.0.0/8".parse().unwrap()];
    let http = Egress::new(Config { allowed_networks: loopback, ..Config::default() }).unwrap();
    // What was answered 2xx: event and lead.
    let ledger: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
    let mut number = 0;
    for _ in 0..KILLS {
        let killed = Arc::new(AtomicBool::new(false));
        let mut posts = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let (http, base, ledger, killed) = (http.clone(), base.clone(), Arc::clone(&ledger), Arc::clone(&killed));
            let first = number + worker * 100_000;
            for lead in first..first + 2_000 {
                graph.add(&lead.to_string(), &[("email", "a@example.com")]);
            }
            posts.spawn(async move {
                for lead in (first..first + 2_000).map(|lead| lead.to_string()) {
                    if killed.load(Ordering::SeqCst) {
                        break;
                    }
                    if let Some(events) = post(&http, &base, &lead).await {
                        let mut ledger = ledger.lock().await;
                        events.into_iter().for_each(|event| drop(ledger.insert(event, lead.clone())));
                    }
                }
            });
        }
        number += 10_000;
        let before = ledger.lock().await.len();
        tokio::time::timeout(WITHIN, async {
            while ledger.lock().await.len() < before + 150 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("a load that gets through");
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        killed.store(true, Ordering::SeqCst);
        while posts.join_next().await.is_some() {}
        (child, base) = serve(&database, &graph).await;
    }

    let ledger = ledger.lock().await.clone();
    let api = of_tenant(&base);
    let checked = tokio::time::timeout(WITHIN, async {
        for (event, lead) in &ledger {
            loop {
                let story = api.get(&format!("/api/v1/events/{event}"), &[]).await.unwrap();
                match story["status"].as_str() {
                    Some("PROCESSED" | "DUPLICATE" | "FAILED") => break,
                    Some("RECEIVED") => tokio::time::sleep(Duration::from_millis(50)).await,
                    other => panic!("{event} is {other:?}"),
                }
            }
            receiver
                .wait_until(|arrivals| {
                    arrivals.iter().any(|arrival| {
                        let body: Value = serde_json::from_slice(&arrival.body).unwrap_or_default();
                        body["data"]["providerLeadId"].as_str() == Some(lead)
                    })
                })
                .await;
        }
    });
    checked.await.expect("every acknowledged event ends, and every lead arrives");
    println!("{} acknowledged events, {KILLS} kills, none lost", ledger.len());
}
