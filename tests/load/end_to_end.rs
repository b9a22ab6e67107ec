//! End to end: posted, verified and normalized in wasm, logged, delivered, signed and settled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use hookyard::http::server;
use serde_json::{Value, json};
use support::Databases;
use tokio_util::sync::CancellationToken;

use crate::blast::{self, Connection};
use crate::process::Loaded;

const EVENTS: usize = 20_000;
const CONNECTIONS: usize = 128;
const PACED: usize = 500;
const PACE: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Counter {
    arrived: AtomicUsize,
    at: Mutex<HashMap<u64, Instant>>,
}

/// Measures and prints, on each database that there is.
pub(crate) async fn run() -> anyhow::Result<()> {
    on(Databases::Sqlite, "SQLite FULL").await?;
    if std::env::var_os("HOOKYARD_TEST_POSTGRES").is_some() {
        on(Databases::Postgres, "PostgreSQL").await?;
    }
    Ok(())
}

async fn on(databases: Databases, name: &str) -> anyhow::Result<()> {
    println!(
        "end to end on {name}: {EVENTS} signed posts, one subscription each, load generator and receiver on the same cores"
    );
    let counter = Arc::new(Counter::default());
    let router = Router::new().fallback(post(receive)).with_state(Arc::clone(&counter));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let receiver = format!("http://{}/hooks", listener.local_addr()?);
    let stop = CancellationToken::new();
    tokio::spawn(server::serve(listener, router, stop.clone()));
    let host = Loaded::start(databases).await?;
    host.api.post("/api/v1/webhooks", &json!({ "url": receiver, "events": ["*"] })).await?;
    blast::all(host.address, Arc::new(host.posts(1_000_000, 1_000)), CONNECTIONS).await?;
    settled(&host, &counter, 1_000).await?;

    let requests = Arc::new(host.posts(0, EVENTS));
    let (began, before) = (Instant::now(), host.cpu_seconds());
    let posted = blast::all(host.address, requests, CONNECTIONS).await?;
    settled(&host, &counter, 1_000 + EVENTS).await?;
    let took = began.elapsed();
    let cpu = (host.cpu_seconds() - before) / (EVENTS as f64 / 1_000.0);
    println!("  acknowledged {:>8.0} events/s", EVENTS as f64 / posted.as_secs_f64());
    println!(
        "  delivered    {:>8.0} events/s; {cpu:.3} CPU s of host and database per 1,000 events",
        EVENTS as f64 / took.as_secs_f64()
    );

    let mut waits = paced(&host, &counter).await?;
    waits.sort();
    let at = |share: usize| waits[waits.len() * share / 100];
    println!("  at 100 a second, from post to receiver: p50 {:.2?}, p99 {:.2?}", at(50), at(99));
    stop.cancel();
    Ok(())
}

/// Posts one event each 10 ms; how long each took to arrive.
async fn paced(host: &Loaded, counter: &Counter) -> anyhow::Result<Vec<Duration>> {
    let first = 2_000_000;
    let mut connection = Connection::open(host.address).await?;
    let mut sent = Vec::new();
    let mut tick = tokio::time::interval(PACE);
    for request in host.posts(first, PACED) {
        tick.tick().await;
        sent.push(Instant::now());
        connection.send(&request).await?;
    }
    settled(host, counter, 1_000 + EVENTS + PACED).await?;
    let at = counter.at.lock().unwrap_or_else(PoisonError::into_inner);
    let arrived = |(index, sent): (usize, Instant)| Some(at.get(&((first + index) as u64))?.duration_since(sent));
    Ok(sent.into_iter().enumerate().filter_map(arrived).collect())
}

/// Waits until so many deliveries have arrived and been settled.
async fn settled(host: &Loaded, counter: &Counter, count: usize) -> anyhow::Result<()> {
    while counter.arrived.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    loop {
        let pending = host.api.get("/api/v1/deliveries", &[("status", "PENDING"), ("limit", "1")]).await?;
        if pending.get("data").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn receive(State(counter): State<Arc<Counter>>, body: Bytes) -> StatusCode {
    let now = Instant::now();
    // The number stands first in the data; a whole parse would cost the cores that are measured.
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let number = text.split("\"number\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
    if let Some(number) = number.and_then(|number| number.parse().ok()).filter(|number: &u64| *number >= 2_000_000) {
        counter.at.lock().unwrap_or_else(PoisonError::into_inner).insert(number, now);
    }
    counter.arrived.fetch_add(1, Ordering::Relaxed);
    StatusCode::OK
}
