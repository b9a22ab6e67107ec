//! A component under the loupe: loaded as a host would load it, in a sandbox that leaves nothing behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hookyard_model::limits;
use hookyard_model::manifest::{Attachment, Manifest, Scope};
use hookyard_model::plugin::World;
use hookyard_sandbox::{Class, CodeCache, Compiler, Config, Guest, Refusal, Sandbox};
use serde::Serialize;
use tempfile::TempDir;

use super::build::Component;
use crate::cli::COMPILE_ARGUMENT;
use crate::cli::failure::{Failure, chain};
use crate::cli::output;
use crate::ids;

/// What there is to know of a component.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Inspected {
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) bytes: usize,
    pub(in crate::cli) sha256: String,
    pub(in crate::cli) world: World,
    pub(in crate::cli) class: Class,
    pub(in crate::cli) imports: Vec<String>,
    pub(in crate::cli) exports: Vec<String>,
    pub(in crate::cli) manifest: Manifest,
}

/// A component that is ready to be called, and where it lives meanwhile.
pub(in crate::cli) struct Running {
    pub(in crate::cli) sandbox: Sandbox,
    pub(in crate::cli) guest: Arc<Guest>,
    _cache: TempDir,
}

/// Loads a component and asks it to describe itself. Some tools build a component whose export is missing or of another
/// world without a word: this call is where it comes out.
pub(in crate::cli) async fn inspect(component: &Component) -> Result<(Inspected, Running), Failure> {
    let path = &component.path;
    let (inspected, running) = load(path, read(path)?).await?;
    match component.declared {
        Some(declared) if declared != inspected.world => {
            let (is, said) = (inspected.world.as_str(), declared.as_str());
            Err(Failure::user(format!("the plugin is a {is}, and hookyard.toml says that it is a {said}"))
                .at(path.display().to_string())
                .fix(format!("write there world = \"{is}\", or export a {said}")))
        }
        Some(_) | None => Ok((inspected, running)),
    }
}

/// The same with bytes at hand; `path` is for the person.
pub(in crate::cli) async fn load(path: &Path, component: Vec<u8>) -> Result<(Inspected, Running), Failure> {
    let bytes = component.len();
    let (sandbox, cache) = sandbox()?;
    let checked = sandbox.check(component).await.map_err(|refusal| refused(&refusal, path))?;
    let inspected = Inspected {
        path: path.to_owned(),
        bytes,
        sha256: checked.guest.digest.hex(),
        world: checked.guest.world,
        class: checked.guest.class,
        imports: checked.guest.interface.imports.clone(),
        exports: checked.guest.interface.exports.clone(),
        manifest: checked.manifest,
    };
    Ok((inspected, Running { sandbox, guest: checked.guest, _cache: cache }))
}

/// A component's bytes.
pub(in crate::cli) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage("could not read the component").at(path.display().to_string()).why(error)
    };
    std::fs::read(path).map_err(failed)
}

fn sandbox() -> Result<(Sandbox, TempDir), Failure> {
    let failed = |why: String| Failure::host("could not start the sandbox").why(why);
    let cache = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let config = Config {
        threads: 1,
        compiler: Compiler::new(program, COMPILE_ARGUMENT),
        cache: CodeCache::new(cache.path(), ids::random()),
    };
    Ok((Sandbox::start(config).map_err(|error| failed(chain(&error)))?, cache))
}

fn refused(refusal: &Refusal, path: &Path) -> Failure {
    let failure = Failure::user("Hookyard cannot run this component").at(path.display().to_string());
    let Refusal::Describe(call) = refusal else { return failure.why(chain(refusal)) };
    let log: String = call.log.lines.iter().map(|line| format!("\n{line}")).collect();
    failure.why(format!("{}{log}", chain(refusal)))
}

impl Inspected {
    /// In a line: "flow `lead_router`, compiled, 61 KB".
    pub(in crate::cli) fn line(&self) -> String {
        let (world, id) = (self.world.as_str(), &self.manifest.id);
        format!("{world} `{id}`, {}, {}", class(self.class), output::size(self.bytes))
    }

    /// For a person: a label and what it says, line by line.
    pub(super) fn lines(&self) -> Vec<Vec<String>> {
        let manifest = &self.manifest;
        let others = self.imports.iter().filter(|name| !name.starts_with("hookyard:")).count();
        let credentials = manifest.credentials.iter().map(|spec| format!("{} ({})", spec.name, attach(&spec.attach)));
        let mut lines = vec![
            (
                "component",
                format!("{} ({}, sha256 {:.12})", self.path.display(), output::size(self.bytes), self.sha256),
            ),
            ("world", format!("{}, exports {}", self.world.as_str(), or_none(ours(&self.exports)))),
            ("class", self.limits()),
            ("imports", format!("{}; {others} of WASI, all virtual", or_none(ours(&self.imports)))),
            ("plugin", format!("{} {} ({})", manifest.id, manifest.version, manifest.name).replace("  ", " ")),
        ];
        match self.world {
            World::Provider => lines.extend([
                ("events", or_none(manifest.event_types.clone())),
                ("offers", or_none(offers(manifest))),
                ("secrets", or_none(secrets(manifest))),
            ]),
            World::Flow => lines.push(("triggers", or_none(manifest.event_types.clone()))),
            World::Destination => lines.push(("fields", or_none(manifest.fields.clone()))),
        }
        lines.push(("hosts", or_none(manifest.hosts.clone())));
        lines.push(("credentials", or_none(credentials.collect())));
        lines.into_iter().map(|(label, text)| vec![label.to_owned(), text]).collect()
    }

    fn limits(&self) -> String {
        let memory = self.class.memory_bytes_max() / (1024 * 1024);
        let a_call = match self.world {
            World::Provider => limits::NORMALIZE_CPU,
            World::Flow | World::Destination => limits::FLOW_CPU,
        };
        let cpu = self.class.cpu(a_call).as_millis();
        format!("{}: at most {memory} MiB of memory, and {cpu} ms of CPU a call", class(self.class))
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Compiled => "compiled",
        Class::Interpreted => "interpreted",
    }
}

/// Interfaces of the contract; those that only name types ask for nothing.
fn ours(names: &[String]) -> Vec<String> {
    let ours = names.iter().filter_map(|name| name.strip_prefix("hookyard:plugin/"));
    let ours = ours.map(|name| name.split('@').next().unwrap_or(name).to_owned());
    ours.filter(|name| !["types", "manifests"].contains(&name.as_str())).collect()
}

fn offers(manifest: &Manifest) -> Vec<String> {
    let offers = [("polls", manifest.polls), ("imports", manifest.imports), ("unsigned events", manifest.unsigned)];
    offers.into_iter().filter(|(_, offered)| *offered).map(|(offer, _)| offer.to_owned()).collect()
}

fn secrets(manifest: &Manifest) -> Vec<String> {
    let scope = |scope: Scope| match scope {
        Scope::Application => "application",
        Scope::Account => "account",
    };
    manifest.secrets.iter().map(|spec| format!("{} ({})", spec.name, scope(spec.scope))).collect()
}

fn or_none(list: Vec<String>) -> String {
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

fn attach(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Bearer => "bearer".to_owned(),
        Attachment::Basic => "basic".to_owned(),
        Attachment::Header { name, .. } => format!("header {name}"),
        Attachment::Query(name) => format!("query {name}"),
    }
}
