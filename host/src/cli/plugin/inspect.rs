//! A component under the loupe: loaded as a host would load it, in a sandbox that leaves nothing behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hookyard_model::manifest::{Attachment, Manifest, Scope};
use hookyard_model::plugin::World;
use hookyard_sandbox::{CodeCache, Compiler, Config, Guest, Refusal, Sandbox};
use serde::Serialize;
use tempfile::TempDir;

use crate::cli::COMPILE_ARGUMENT;
use crate::cli::failure::{Failure, chain};
use crate::cli::output;
use crate::ids;

/// What there is to know of a component.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inspected {
    pub(super) path: PathBuf,
    pub(super) bytes: usize,
    pub(super) sha256: String,
    pub(super) world: World,
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    pub(super) manifest: Manifest,
}

/// A component that is ready to be called, and where it lives meanwhile.
pub(super) struct Running {
    pub(super) sandbox: Sandbox,
    pub(super) guest: Arc<Guest>,
    _cache: TempDir,
}

/// Loads a component and asks it to describe itself.
pub(super) async fn inspect(path: &Path) -> Result<(Inspected, Running), Failure> {
    let component = read(path)?;
    let bytes = component.len();
    let (sandbox, cache) = sandbox()?;
    let checked = sandbox.check(component).await.map_err(|refusal| refused(&refusal, path))?;
    let inspected = Inspected {
        path: path.to_owned(),
        bytes,
        sha256: checked.guest.digest.hex(),
        world: checked.guest.world,
        imports: checked.guest.interface.imports.clone(),
        exports: checked.guest.interface.exports.clone(),
        manifest: checked.manifest,
    };
    Ok((inspected, Running { sandbox, guest: checked.guest, _cache: cache }))
}

/// A component's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
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
    /// For a person: a label and what it says, line by line.
    pub(super) fn lines(&self) -> Vec<Vec<String>> {
        let manifest = &self.manifest;
        // Interfaces that only name types ask for nothing.
        let ours = |names: &[String]| -> Vec<String> {
            let ours = names.iter().filter_map(|name| name.strip_prefix("hookyard:plugin/"));
            let ours = ours.map(|name| name.split('@').next().unwrap_or(name).to_owned());
            ours.filter(|name| !["types", "manifests"].contains(&name.as_str())).collect()
        };
        let others = self.imports.iter().filter(|name| !name.starts_with("hookyard:")).count();
        let scope = |scope: Scope| match scope {
            Scope::Application => "application",
            Scope::Account => "account",
        };
        let secrets = manifest.secrets.iter().map(|spec| format!("{} ({})", spec.name, scope(spec.scope)));
        let credentials = manifest.credentials.iter().map(|spec| format!("{} ({})", spec.name, attach(&spec.attach)));
        let or_none = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
        let offers = [
            ("events", true),
            ("polls", manifest.polls),
            ("imports", manifest.imports),
            ("unsigned events", manifest.unsigned),
        ];
        let offers = offers.into_iter().filter(|(_, offered)| *offered).map(|(offer, _)| offer.to_owned());
        [
            (
                "component",
                format!("{} ({}, sha256 {:.12})", self.path.display(), output::size(self.bytes), self.sha256),
            ),
            ("world", format!("{}, exports {}", self.world.as_str(), or_none(ours(&self.exports)))),
            ("imports", format!("{}; {others} of WASI, all virtual", or_none(ours(&self.imports)))),
            ("plugin", format!("{} {} ({})", manifest.id, manifest.version, manifest.name).replace("  ", " ")),
            ("offers", or_none(offers.collect())),
            ("hosts", or_none(manifest.hosts.clone())),
            ("secrets", or_none(secrets.collect())),
            ("credentials", or_none(credentials.collect())),
        ]
        .map(|(label, text)| vec![label.to_owned(), text])
        .to_vec()
    }
}

fn attach(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Bearer => "bearer".to_owned(),
        Attachment::Basic => "basic".to_owned(),
        Attachment::Header { name, .. } => format!("header {name}"),
        Attachment::Query(name) => format!("query {name}"),
    }
}
