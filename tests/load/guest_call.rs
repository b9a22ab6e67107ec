//! A guest call: fresh instance, limits and log, beside bare pooled wasmtime and beside native code.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hookyard_model::http::{Field, Request};
use hookyard_model::instant;
use hookyard_sandbox::{Call, CodeCache, Compiler, Config, NoSecrets, Sandbox};
use hookyard_sdk::Provider;
use support::{guests, sign};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const CALLS: u32 = 20_000;
const ROUNDS: u32 = 5;

mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "provider-plugin" });
}

/// Imports that nothing calls here.
struct Nothing;

impl bindings::hookyard::plugin::types::Host for Nothing {}
impl bindings::hookyard::plugin::manifests::Host for Nothing {}
impl bindings::hookyard::plugin::log::Host for Nothing {
    fn write(&mut self, _: bindings::hookyard::plugin::log::Level, _: String) {}
}
impl bindings::hookyard::plugin::secrets::Host for Nothing {
    fn hmac(
        &mut self,
        name: String,
        _: bindings::hookyard::plugin::secrets::Digest,
        _: Vec<u8>,
    ) -> Result<Vec<u8>, bindings::hookyard::plugin::secrets::SecretError> {
        Err(bindings::hookyard::plugin::secrets::SecretError::Unknown(name))
    }
}
impl bindings::hookyard::plugin::http::Host for Nothing {
    fn fetch(
        &mut self,
        _: bindings::hookyard::plugin::types::HttpRequest,
        _: Vec<String>,
    ) -> Result<bindings::hookyard::plugin::types::HttpResponse, bindings::hookyard::plugin::http::HttpError> {
        Err(bindings::hookyard::plugin::http::HttpError::TimedOut)
    }
}

/// Measures and prints.
pub(crate) async fn run() -> anyhow::Result<()> {
    let body = sign::leadgen(&[
        ("900719925474099312", "1234567890123456789"),
        ("900719925474099312", "1234567890123456790"),
        ("153125381133", "1234567890123456791"),
    ]);
    println!("guest call: `receive` of meta_lead_ads on {} bytes, median of {ROUNDS} × {CALLS}", body.len());
    let native = median(|| native(&body));
    let (engine, bare) = bare()?;
    let bare = median(|| bare_calls(&engine, &bare, &body).unwrap_or_default());
    let folder = tempfile::tempdir()?;
    let compiler =
        Compiler::new(PathBuf::from(env!("CARGO_BIN_EXE_hookyard-under-test")), hookyard::cli::COMPILE_ARGUMENT);
    let cache = CodeCache::new(folder.path(), [0; 32]);
    let sandbox = Sandbox::start(Config { threads: 1, compiler, cache })?;
    let checked = sandbox.check(guests::META_LEAD_ADS.to_vec()).await?;
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut cpu = Duration::ZERO;
        for _ in 0..CALLS {
            let call = Call { secrets: Arc::new(NoSecrets), now: instant::Instant::EPOCH, seed: 1 };
            let finished = sandbox.receive(&checked.guest, call, request(&body)).await;
            cpu += finished.ok().context("a call that ends well")?.cpu;
        }
        outside.push(began.elapsed() / CALLS);
        inside.push(cpu / CALLS);
    }
    inside.sort();
    outside.sort();
    let (inside, outside) = (inside[inside.len() / 2], outside[outside.len() / 2]);
    let ratio = |time: Duration| time.as_secs_f64() / bare.as_secs_f64();
    println!("  native code                          {native:>9.2?}   {:.2} of bare", ratio(native));
    println!("  bare wasmtime, pooled, no limits     {bare:>9.2?}   1.00");
    println!("  sandbox, on its thread               {inside:>9.2?}   {:.2} of bare", ratio(inside));
    println!("  sandbox, with the way there and back {outside:>9.2?}   {:.2} of bare", ratio(outside));
    Ok(())
}

fn median(mut round: impl FnMut() -> Duration) -> Duration {
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort();
    rounds[rounds.len() / 2]
}

fn request(body: &[u8]) -> Request {
    let signature = format!("sha256={}", "0".repeat(64));
    Request {
        method: "POST".into(),
        url: "https://hooks.example.com/webhook/meta_lead_ads".into(),
        headers: vec![Field { name: "x-hub-signature-256".into(), value: signature }],
        body: body.to_vec(),
    }
}

fn native(body: &[u8]) -> Duration {
    let began = Instant::now();
    for _ in 0..CALLS {
        let request = request(body);
        let headers =
            request.headers.into_iter().map(|field| hookyard_sdk::Field { name: field.name, value: field.value });
        let request = hookyard_sdk::HttpRequest {
            method: request.method,
            url: request.url,
            headers: headers.collect(),
            body: request.body,
        };
        let _ = black_box(meta_lead_ads::MetaLeadAds::receive(request));
    }
    began.elapsed() / CALLS
}

fn bare() -> anyhow::Result<(Engine, bindings::ProviderPluginPre<Nothing>)> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(4).total_core_instances(64).total_memories(8).total_tables(16);
    pool.max_memory_size(64 * 1024 * 1024).linear_memory_keep_resident(512 * 1024).table_keep_resident(64 * 1024);
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let pre = (|| {
        let component = Component::from_binary(&engine, guests::META_LEAD_ADS)?;
        let mut linker = Linker::new(&engine);
        bindings::ProviderPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        linker.define_unknown_imports_as_traps(&component)?;
        bindings::ProviderPluginPre::new(linker.instantiate_pre(&component)?)
    })();
    Ok((engine, pre.map_err(|error| anyhow::anyhow!("{error:#}"))?))
}

fn bare_calls(engine: &Engine, pre: &bindings::ProviderPluginPre<Nothing>, body: &[u8]) -> wasmtime::Result<Duration> {
    use bindings::hookyard::plugin::types;
    let began = Instant::now();
    for _ in 0..CALLS {
        let request = request(body);
        let headers = request.headers.into_iter().map(|field| types::Field { name: field.name, value: field.value });
        let request = types::HttpRequest {
            method: request.method,
            url: request.url,
            headers: headers.collect(),
            body: request.body,
        };
        let mut store = Store::new(engine, Nothing);
        let plugin = pre.instantiate(&mut store)?;
        let _ = black_box(plugin.hookyard_plugin_provider().call_receive(&mut store, &request)?);
    }
    Ok(began.elapsed() / CALLS)
}
