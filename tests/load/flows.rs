//! Flows: what a call costs in each language, what many tenants cost, and what one hostile tenant costs the others.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hookyard::demo::receiver::Receiver;
use hookyard_model::id::RunNoun;
use hookyard_model::instant;
use hookyard_model::lead::{CleanLead, Lead};
use hookyard_model::run::{SeenEvent, Trigger};
use hookyard_sandbox::{Call, CodeCache, Compiler, Config, NoSecrets, Sandbox, Step};
use serde_json::json;
use support::{Databases, guests};

use super::process::Loaded;

const CALLS: u32 = 500;
/// Tenants that have a component of their own loaded.
const LOADED: u16 = 1_000;
/// Tenants that have a flow.
const TENANTS: usize = 10_000;
const PROGRAM: &str = env!("CARGO_BIN_EXE_hookyard-under-test");

fn sandbox(folder: &Path) -> anyhow::Result<Sandbox> {
    let compiler = Compiler::new(PathBuf::from(PROGRAM), hookyard::cli::COMPILE_ARGUMENT);
    Ok(Sandbox::start(Config { threads: 1, compiler, cache: CodeCache::new(folder, [0; 32]) })?)
}

/// One whole run of a small flow on a lead, to its decision, replays included.
pub(crate) async fn calls() -> anyhow::Result<()> {
    println!("flow calls: a run on a lead, fresh instance for each call, mean of {CALLS}");
    let people = json!({ "people": [{ "name": "A", "email": "a@acme.example" }] }).to_string();
    let routes = json!({ "rules": [], "default": "crm" }).to_string();
    let always = json!({ "opens": "00:00", "closes": "23:59", "days": ["mon","tue","wed","thu","fri","sat","sun"] });
    let mut components = vec![("Rust: lead_router", guests::LEAD_ROUTER.to_vec(), routes)];
    for (name, flow, settings) in [
        ("JavaScript: round_robin", "round_robin", people),
        ("Python: office_hours", "office_hours", always.to_string()),
    ] {
        match build(flow) {
            Ok(component) => components.push((name, component, settings)),
            Err(error) => println!("  {name:<26} not built ({error}): eval \"$(tests/toolchains)\" first"),
        }
    }
    let folder = tempfile::tempdir()?;
    let sandbox = sandbox(folder.path())?;
    let mut first = None;
    for (name, component, settings) in components {
        let bytes = component.len();
        let began = Instant::now();
        let checked = sandbox.check(component).await.with_context(|| name)?;
        let compiled = began.elapsed();
        let (trigger, settings) = (Arc::new(trigger()), Arc::new(settings));
        let (mut cpu, mut memory, mut guest_calls) = (Duration::ZERO, 0, 0_u32);
        let began = Instant::now();
        for _ in 0..CALLS {
            let mut journal = Arc::new(Vec::new());
            loop {
                let call = Call { secrets: Arc::new(NoSecrets), now: noon(), seed: 1 };
                let (trigger, settings) = (Arc::clone(&trigger), Arc::clone(&settings));
                let done = sandbox.run_flow(&checked.guest, call, trigger, settings, Arc::clone(&journal)).await;
                let done = done.map_err(|failure| anyhow::anyhow!("{failure}"))?;
                (cpu, memory, guest_calls) = (cpu + done.cpu, memory.max(done.memory_bytes), guest_calls + 1);
                let Step::Wants(effect) = done.value else { break };
                let reply = hookyard_model::effect::Reply::State(None);
                let entry = hookyard_model::effect::Entry::new(&effect, reply, noon());
                Arc::make_mut(&mut journal).push(entry);
            }
        }
        let (wall, each) = (began.elapsed() / CALLS, cpu / guest_calls);
        let first = *first.get_or_insert(each);
        println!(
            "  {name:<26} {:>8} KiB  compiled in {compiled:>8.2?}  a call {each:>9.2?} ({:>5.1} × Rust)  a run {wall:>9.2?}  {} KiB",
            bytes / 1024,
            each.as_secs_f64() / first.as_secs_f64(),
            memory / 1024
        );
    }
    Ok(())
}

fn build(flow: &str) -> anyhow::Result<Vec<u8>> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/flows").join(flow);
    let folder = tempfile::tempdir()?;
    anyhow::ensure!(Command::new("cp").arg("-r").arg(&from).arg(folder.path()).status()?.success());
    let output = Command::new(PROGRAM).args(["plugin", "build", flow]).current_dir(folder.path()).output()?;
    anyhow::ensure!(output.status.success(), "the toolchain is not there");
    Ok(std::fs::read(folder.path().join(String::from_utf8(output.stdout)?.trim()))?)
}

fn noon() -> instant::Instant {
    // 2026-11-23, a Monday, 12:00 UTC.
    instant::Instant::from_millis(1_795_435_200_000)
}

fn trigger() -> Trigger {
    let id = hookyard::ids::new_id(noon());
    let lead = Lead { provider_lead_id: "77".into(), email: Some("ada@analytical.example".into()), ..Lead::default() };
    let lead: CleanLead = hookyard_model::clean::clean(lead, "meta_lead_ads", None, noon());
    let data = serde_json::to_string(&lead).unwrap_or_default();
    Trigger {
        event: SeenEvent {
            id,
            event_type: "leadgen".into(),
            provider: Some("meta_lead_ads".into()),
            account: None,
            occurred_at: noon(),
            lead: Some(hookyard::ids::new_id(noon())),
            data,
        },
        lead: Some(lead),
    }
}

/// Resident memory of this process, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// What ten thousand tenants cost, and how fast a version takes over.
pub(crate) async fn many_tenants() -> anyhow::Result<()> {
    println!("many tenants: {TENANTS} flows known, {LOADED} components of their own loaded, in this process");
    let folder = tempfile::tempdir()?;
    let warm = sandbox(folder.path())?;
    for mark in 0..LOADED {
        warm.check(guests::marked(guests::LEAD_ROUTER, mark)).await?;
    }
    drop(warm);
    let store = store(folder.path()).await?;
    let directory = hookyard::directory::Directory::new(store.clone());
    let empty = resident_mib();
    let sandbox = sandbox(folder.path())?;
    let mut tenants = Vec::new();
    for index in 0..TENANTS {
        let tenant = store.tenant_create(&format!("tenant {index}")).await?.id;
        tenants.push(tenant);
        let flow = hookyard_store::NewFlow {
            tenant,
            name: "router".into(),
            plugin: "lead_router".into(),
            stage: hookyard_model::flow::FlowStage::After,
            triggers: None,
            providers: vec![],
            filter: None,
            settings: "{}".into(),
            hosts: None,
            on_failure: hookyard_model::flow::OnFailure::Skip,
            credentials: vec![],
        };
        store.flow_create(flow).await?;
    }
    for tenant in &tenants {
        directory.flows(*tenant).await?;
    }
    let known = resident_mib();
    let mut loads = Vec::new();
    let mut guests_loaded = Vec::new();
    for mark in 0..LOADED {
        let component = guests::marked(guests::LEAD_ROUTER, mark);
        let digest = hookyard_model::plugin::Digest::of(&component);
        let began = Instant::now();
        guests_loaded.push(sandbox.load(digest, async || None).await?);
        loads.push(began.elapsed());
    }
    loads.sort();
    println!(
        "  resident: {empty} MiB empty, {known} MiB with {TENANTS} flows known, {} MiB with {LOADED} loaded (aim 2048)",
        resident_mib()
    );
    println!(
        "  load a compiled component: p50 {:.2?}, p99 {:.2?} (aim 2 ms)",
        loads[loads.len() / 2],
        loads[loads.len() * 99 / 100]
    );

    // A swap: the new version is loaded, the row says so, and the next look-up finds it.
    let tenant = tenants[0];
    let mut plugin = None;
    for mark in [1_u16, 2] {
        let component = guests::marked(guests::LEAD_ROUTER, mark);
        let checked = sandbox.check(component.clone()).await?;
        let new = hookyard_store::NewVersion {
            tenant: Some(tenant),
            world: checked.guest.world,
            name: checked.manifest.id.clone(),
            digest: checked.guest.digest,
            manifest: checked.manifest,
            component,
            origin: hookyard_model::plugin::Origin::Uploaded,
            activate: true,
        };
        plugin = Some(store.plugin_add_version(new).await?.0.id);
    }
    let plugin = plugin.context("a plugin")?;
    let mut swaps = Vec::new();
    for round in 0..50_u32 {
        let version = round % 2 + 1;
        let began = Instant::now();
        store.plugin_activate(Some(tenant), plugin, version).await?;
        directory.forget();
        let flows = directory.flows(tenant).await?;
        let found = flows[0].version.as_ref().context("a version")?;
        let guest = sandbox.load(found.digest, async || None).await?;
        let call =
            Call { secrets: Arc::new(NoSecrets), now: noon(), seed: hookyard::ids::new_id::<RunNoun>(noon()).seed() };
        let (trigger, settings, journal) = (Arc::new(trigger()), Arc::new("{}".to_owned()), Arc::default());
        // Whatever it decides: it is the new version that does.
        let _ = sandbox.run_flow(&guest, call, trigger, settings, journal).await;
        anyhow::ensure!(found.version == version, "the new version runs");
        swaps.push(began.elapsed());
    }
    swaps.sort();
    println!("  swap, from the call to a first run on the new version: p50 {:.2?}, p99 {:.2?}", swaps[25], swaps[49]);
    store.close().await;
    Ok(())
}

async fn store(folder: &Path) -> anyhow::Result<hookyard_store::Store> {
    let key = hookyard_store::MasterKey::load_or_create(&folder.join("master.key"))?;
    let database = hookyard_store::Database::Sqlite { path: folder.join("many.db") };
    let config = hookyard_store::Config::new(database, key);
    Ok(hookyard_store::Store::open(config, Arc::new(hookyard::clock::SystemClock)).await?)
}

/// From an event's publishing to the arrival of what a flow emitted of it, while another tenant's flows spin.
pub(crate) async fn hostile() -> anyhow::Result<()> {
    const EVENTS: usize = 400;
    println!(
        "a hostile tenant: from publishing an event to the arrival of what a flow emitted, {EVENTS} events, 50 a second"
    );
    let host = Loaded::start(Databases::Sqlite).await?;
    let receiver = Receiver::start().await?;
    host.api.post_bytes("/api/v1/plugins", &[], "application/wasm", guests::PATIENT.into()).await?;
    host.api.post("/api/v1/flows", &json!({ "plugin": "patient", "settings": { "fetches": false } })).await?;
    host.api
        .post("/api/v1/webhooks", &json!({ "url": format!("{}/hooks", receiver.url()), "events": ["patient.done"] }))
        .await?;
    let enemy = host.another_tenant("hostile").await?;
    enemy.post_bytes("/api/v1/plugins", &[], "application/wasm", guests::UNRULY_FLOW.into()).await?;
    enemy.post("/api/v1/flows", &json!({ "plugin": "unruly_flow", "triggers": ["unruly"] })).await?;
    let mut quiet_p99 = Duration::ZERO;
    for (name, is_hostile) in
        [("(warm up)", false), ("alone", false), ("beside it", true), ("alone again", false), ("beside it again", true)]
    {
        let spinning = tokio::spawn({
            let enemy = enemy.clone();
            async move {
                let burst =
                    json!((0..100).map(|_| json!({ "type": "unruly", "data": { "do": "spin" } })).collect::<Vec<_>>());
                if !is_hostile {
                    return;
                }
                loop {
                    // Refused or not, it comes back.
                    let _ = enemy.post("/api/v1/events", &burst).await;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        });
        let mut times = Vec::new();
        for _ in 0..EVENTS {
            let before = receiver.arrivals().len();
            let began = Instant::now();
            host.api.post("/api/v1/events", &json!({ "type": "patient.start", "data": {} })).await?;
            receiver.wait_until(|arrivals| arrivals.len() > before).await;
            times.push(began.elapsed());
            tokio::time::sleep(Duration::from_millis(20).saturating_sub(began.elapsed())).await;
        }
        spinning.abort();
        times.sort();
        let (p50, p99) = (times[EVENTS / 2], times[EVENTS * 99 / 100]);
        if !is_hostile {
            quiet_p99 = p99;
        }
        println!(
            "  {name:<16} p50 {p50:>9.2?}  p99 {p99:>9.2?}  {:.2} of alone",
            p99.as_secs_f64() / quiet_p99.as_secs_f64()
        );
    }
    Ok(())
}
