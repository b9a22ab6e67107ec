//! The watched folder: a component that is put there becomes the operator's plugin, for all tenants.
//!
//! The folder is looked at twice a second. A file is taken once it has stopped changing, goes through the same checks as
//! an upload, and runs from then on; one that is refused is named in the log, once, and looked at again when it changes.
//! Taking a file away changes nothing: versions are removed by nobody, and going back is `plugin rollback`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hookyard_model::limits;
use hookyard_model::plugin::Origin;
use tokio_util::sync::CancellationToken;

use crate::plugins::Plugins;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// Files of the folder that are looked at.
const FILES_MAX: usize = 1_000;

/// What tells whether a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: SystemTime,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
struct Seen {
    stamp: Stamp,
    is_taken: bool,
}

/// Looks at `folder` until `stop`.
pub async fn watch(folder: PathBuf, plugins: Plugins, stop: CancellationToken) {
    let mut seen = HashMap::new();
    let mut round = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = round.tick() => look(&folder, &plugins, &mut seen).await,
        }
    }
}

async fn look(folder: &Path, plugins: &Plugins, seen: &mut HashMap<PathBuf, Seen>) {
    for (path, stamp) in files(folder).await {
        match seen.get(&path) {
            Some(known) if known.stamp == stamp && known.is_taken => {}
            // It has not changed since the last look: whoever wrote it is done.
            Some(known) if known.stamp == stamp => {
                seen.insert(path.clone(), Seen { stamp, is_taken: true });
                take(&path, stamp, plugins).await;
            }
            Some(_) | None => {
                seen.insert(path, Seen { stamp, is_taken: false });
            }
        }
    }
}

/// Components in the folder. One that cannot be read now is seen at the next look.
async fn files(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let mut files = Vec::new();
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return files };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let path = entry.path();
        if path.extension().is_none_or(|kind| kind != "wasm") || files.len() >= FILES_MAX {
            continue;
        }
        if let Ok(metadata) = entry.metadata().await
            && metadata.is_file()
            && let Ok(modified) = metadata.modified()
        {
            files.push((path, Stamp { bytes: metadata.len(), modified }));
        }
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    files
}

async fn take(path: &Path, stamp: Stamp, plugins: &Plugins) {
    let shown = path.display();
    let most = limits::COMPONENT_INTERPRETED_BYTES_MAX;
    if stamp.bytes > u64::try_from(most).unwrap_or(u64::MAX) {
        tracing::warn!("{shown} was not loaded: it has {} bytes, and a component has at most {most}", stamp.bytes);
        return;
    }
    let component = match tokio::fs::read(path).await {
        Ok(component) => component,
        Err(error) => {
            tracing::warn!(%error, "{shown} was not loaded: it could not be read");
            return;
        }
    };
    match plugins.add(None, component, Origin::Folder, true).await {
        Ok((plugin, version)) => {
            tracing::info!(plugin.id = %plugin.id, "{shown} is version {} of the {} `{}`, and runs", version.version, plugin.world.as_str(), plugin.name);
        }
        Err(error) => tracing::warn!("{shown} was not loaded: {error}"),
    }
}
