//! What an event costs in CPU, from log to settled delivery, beside a floor: the same bytes in the fewest rows that
//! SQLite could hold them in, through the same driver.
//!
//! `cargo bench -p hookyard-store` (SQLite), and with `HOOKYARD_TEST_POSTGRES` on PostgreSQL too, where the number
//! is this process's share alone. `HOOKYARD_BENCH_EVENTS` says how many events (default 40,000), and
//! `HOOKYARD_BENCH_PRELOAD` how many are there already (default none); `HOOKYARD_BENCH_WRITERS` measures one
//! number of writers alone, for a profiler.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where something does not hold")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Stopwatch, SystemTime, UNIX_EPOCH};

use hookyard_model::dedup::DedupKey;
use hookyard_model::delivery::{Attempt, NewDelivery, Next, Timings};
use hookyard_model::event::{FanoutNote, NewEvent, Outcome, PluginRun};
use hookyard_model::id::{AccountId, Id, LeadId, Noun, SubscriptionId, TenantId};
use hookyard_model::instant::{Clock, Instant};
use hookyard_model::lead::{CleanLead, Lead};
use hookyard_store::{
    Claim, Config, Database, DeliverySettlement, EventEnd, EventFilter, EventSettlement, Item, LoggedEvent, MasterKey,
    PageRequest, Store,
};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

const PAYLOAD_BYTES: usize = 600;
const DATA_BYTES: usize = 500;

#[derive(Debug)]
struct Machine;

impl Clock for Machine {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or_default())
    }
}

/// Where the events come through.
#[derive(Clone)]
struct Source {
    /// Made once: this measures storing, not cleaning.
    lead: CleanLead,
    tenant: TenantId,
    account: AccountId,
    subscription: SubscriptionId,
    with_lead: bool,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let events = setting("HOOKYARD_BENCH_EVENTS", 40_000);
    let folder = tempfile::tempdir_in(std::env::var("HOOKYARD_BENCH_FOLDER").unwrap_or_else(|_| ".".into())).unwrap();
    let writers = setting("HOOKYARD_BENCH_WRITERS", 0);
    let all_writers = if writers == 0 { vec![1, 32, 128, 512] } else { vec![writers] };
    for batch in [32, 128].into_iter().filter(|_| writers == 0) {
        floor(&folder.path().join(format!("floor-{batch}.db")), batch, events).await;
    }
    let mut databases = vec![("sqlite", Database::Sqlite { path: folder.path().join("store.db") })];
    if let Ok(url) = std::env::var("HOOKYARD_TEST_POSTGRES") {
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        connection.execute("DROP DATABASE IF EXISTS hookyard_bench").await.unwrap();
        connection.execute("CREATE DATABASE hookyard_bench").await.unwrap();
        let (base, _) = url.rsplit_once('/').unwrap();
        databases.push(("postgres", Database::Postgres { url: format!("{base}/hookyard_bench") }));
    }
    for (name, database) in databases {
        let master_key = MasterKey::from_hex(&"5e".repeat(32)).unwrap();
        let store = Store::open(Config::new(database, master_key), Arc::new(Machine)).await.unwrap();
        let tenant = store.tenant_create("Acme").await.unwrap().id;
        let lead =
            Lead { email: Some("joe@example.com".into()), full_name: Some("Joe Bloggs".into()), ..Lead::default() };
        let lead = hookyard_model::clean::clean(lead, "meta_lead_ads", None, Machine.now());
        let source = Source { lead, tenant, account: id(), subscription: id(), with_lead: true };
        let preload = setting("HOOKYARD_BENCH_PRELOAD", 0);
        if preload > 0 {
            measure(&format!("{name}: filling up"), &store, &source, 512, preload).await;
        }
        for writers in all_writers.clone() {
            let events = if writers == 1 { events / 20 } else { events };
            measure(&format!("{name}: lead, {writers} writers"), &store, &source, writers, events).await;
        }
        if writers == 0 {
            measure(
                &format!("{name}: no lead, 128 writers"),
                &store,
                &Source { with_lead: false, ..source.clone() },
                128,
                events,
            )
            .await;
            pages(name, &store, &source).await;
        }
        store.close().await;
    }
}

/// `writers` at a time, each taking one event after the other from log to settled delivery.
async fn measure(name: &str, store: &Store, source: &Source, writers: u64, events: u64) {
    let left = Arc::new(AtomicU64::new(events));
    let (started, cpu) = (Stopwatch::now(), cpu_time());
    let writing = (0..writers).map(|_| {
        let (store, left, source) = (store.clone(), Arc::clone(&left), source.clone());
        tokio::spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                one(&store, &source).await;
            }
        })
    });
    for writer in writing.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    report(name, events, started.elapsed(), cpu_time() - cpu);
}

async fn one(store: &Store, source: &Source) {
    let now = store.now();
    let event = NewEvent {
        id: id(),
        tenant: source.tenant,
        provider: Some("meta_lead_ads".into()),
        account: Some(source.account),
        event_type: "leadgen".into(),
        provider_event_id: Some("444444444444".into()),
        occurred_at: Some(now),
        received_at: now,
        payload: "p".repeat(PAYLOAD_BYTES),
        received_by: Some(plugin()),
        cause: None,
    };
    let (event_id, delivery_id) = (event.id, id());
    store.log_events(vec![LoggedEvent { event, claim: Claim::BornClaimed }]).await.unwrap();
    let delivery =
        NewDelivery { id: delivery_id, tenant: source.tenant, event: event_id, subscription: source.subscription };
    let lead_id: LeadId = id();
    let item = Item {
        id: event_id,
        event_type: "leadgen".into(),
        data: "d".repeat(DATA_BYTES),
        dedup: DedupKey::of_lead(&event_id.text()),
        lead: source.with_lead.then(|| (lead_id, source.lead.clone())),
        deliveries: vec![delivery],
        claim: Claim::BornClaimed,
        outcome_fanout: vec![FanoutNote {
            subscription: source.subscription,
            matched: true,
            why: "asks for everything".into(),
        }],
        runs: vec![],
        run_claim: Claim::BornClaimed,
        limited: vec![],
        pushes: vec![],
        flows: vec![],
        dropped: None,
    };
    let outcome = Outcome { normalized_by: Some(plugin()), ..Outcome::default() };
    let settlement = EventSettlement {
        tenant: source.tenant,
        event: event_id,
        account: Some(source.account),
        provider: Some("meta_lead_ads".into()),
        received_at: now,
        tries: 1,
        end: EventEnd::Understood { items: vec![item], outcome },
        before: vec![],
    };
    store.settle_event(settlement).await.unwrap();
    let (tenant, subscription, delivery) = (source.tenant, source.subscription, delivery_id);
    let settlement = DeliverySettlement {
        tenant,
        delivery,
        subscription,
        tries: 1,
        attempt: Some(attempt(now)),
        reason: None,
        next: Next::Delivered,
    };
    assert!(store.settle_delivery(settlement).await.unwrap());
}

fn attempt(now: Instant) -> Attempt {
    Attempt {
        number: 1,
        started_at: now,
        status: Some(200),
        error: None,
        detail: None,
        request_headers: "h".repeat(300),
        response_headers: "h".repeat(150),
        response_body: b"ok".to_vec(),
        response_truncated: false,
        address: Some("203.0.113.7:443".into()),
        timings: Timings { total_us: 900, ..Timings::default() },
    }
}

/// How long a page of the event list takes, whatever its filter.
async fn pages(name: &str, store: &Store, source: &Source) {
    use hookyard_model::event::EventStatus;
    let all = EventFilter::default();
    let filters = [
        ("all", all.clone()),
        ("an account", EventFilter { account: Some(source.account), ..all.clone() }),
        ("a rare type", EventFilter { event_type: Some("none".into()), ..all.clone() }),
        ("a provider", EventFilter { provider: Some("meta_lead_ads".into()), ..all.clone() }),
        ("failed", EventFilter { status: Some(EventStatus::Failed), ..all.clone() }),
        ("received", EventFilter { status: Some(EventStatus::Received), ..all.clone() }),
        ("processed", EventFilter { status: Some(EventStatus::Processed), ..all }),
    ];
    for (filter_name, filter) in filters {
        let started = Stopwatch::now();
        for _ in 0..10 {
            store.event_list(source.tenant, filter.clone(), PageRequest::first(50)).await.unwrap();
        }
        print(&format!("{name}: a page of {filter_name}: {:.2} ms", started.elapsed().as_secs_f64() * 100.0));
    }
}

/// The same bytes under integer keys, without indexes: three inserts and two updates an event.
async fn floor(path: &std::path::Path, batch: u64, events: u64) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let options = options.synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let tables = "CREATE TABLE events (id INTEGER PRIMARY KEY, payload BLOB, data BLOB);
        CREATE TABLE deliveries (id INTEGER PRIMARY KEY, status INT);
        CREATE TABLE attempts (id INTEGER PRIMARY KEY, headers BLOB);";
    connection.execute(tables).await.unwrap();
    let rows = |row: &str| vec![row; usize::try_from(batch).unwrap()].join(", ");
    let statement = |text: String| sqlx::query(sqlx::AssertSqlSafe(text));
    let (started, cpu) = (Stopwatch::now(), cpu_time());
    for start in (0..events).step_by(usize::try_from(batch).unwrap()) {
        let range = (i64::try_from(start).unwrap(), i64::try_from(start + batch).unwrap());
        let insert = |table: &str| format!("INSERT INTO {table} VALUES {}", rows("(?, ?)"));
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        let mut query = statement(insert("events (id, payload)"));
        for id in range.0..range.1 {
            query = query.bind(id).bind("p".repeat(PAYLOAD_BYTES).into_bytes());
        }
        query.execute(&mut connection).await.unwrap();
        connection.execute("COMMIT").await.unwrap();
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        let update = "UPDATE events SET data = ? WHERE id >= ? AND id < ?".to_owned();
        let query = statement(update).bind("d".repeat(DATA_BYTES).into_bytes()).bind(range.0).bind(range.1);
        query.execute(&mut connection).await.unwrap();
        let mut query = statement(insert("deliveries (id, status)"));
        for id in range.0..range.1 {
            query = query.bind(id).bind(0_i64);
        }
        query.execute(&mut connection).await.unwrap();
        connection.execute("COMMIT").await.unwrap();
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        let update = "UPDATE deliveries SET status = 1 WHERE id >= ? AND id < ?".to_owned();
        statement(update).bind(range.0).bind(range.1).execute(&mut connection).await.unwrap();
        let mut query = statement(insert("attempts (id, headers)"));
        for id in range.0..range.1 {
            query = query.bind(id).bind("h".repeat(450).into_bytes());
        }
        query.execute(&mut connection).await.unwrap();
        connection.execute("COMMIT").await.unwrap();
    }
    report(&format!("floor: bare SQLite, batches of {batch}"), events, started.elapsed(), cpu_time() - cpu);
}

fn report(name: &str, events: u64, wall: Duration, cpu: Duration) {
    let count = f64::from(u32::try_from(events).unwrap());
    let (micros, rate) = (cpu.as_secs_f64() * 1e6 / count, count / wall.as_secs_f64());
    print(&format!("{name:40} {micros:7.1} us of CPU an event, {rate:8.0} events a second"));
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
fn print(line: &str) {
    println!("{line}");
}

/// User and system time of this process, in the kernel's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn plugin() -> PluginRun {
    PluginRun { plugin: "meta_lead_ads".into(), version: 1, digest: "0123456789ab".into() }
}

fn id<N: Noun>() -> Id<N> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 10];
    // As random as an id is; the count alone would be kinder to the indexes than life is.
    let count = COUNT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    random[2..].copy_from_slice(&count.to_be_bytes());
    Id::at(Machine.now(), random)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
