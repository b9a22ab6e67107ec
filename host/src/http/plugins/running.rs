//! Which plugins run for a tenant, of whichever world: its own, or else the operator's.
//!
//! Which one that is, is asked of the directory, as the pipeline does. What does not run is told of in a sentence that
//! names what does.

use std::collections::BTreeSet;
use std::sync::Arc;

use hookyard_model::id::{PluginId, TenantId};
use hookyard_model::limits;
use hookyard_model::plugin::{Plugin, PluginVersion, World};
use hookyard_store::PageRequest;

use crate::http::Api;
use crate::http::pasted::there_are;
use crate::http::problem::Problem;

/// Plugins that a sentence names.
const NAMED_MAX: usize = 20;
/// Longest id of a manifest, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Whether a text could be a plugin's name: what cannot is not looked up, and not remembered either.
pub(crate) fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(letter)
}

/// The version of a plugin that runs for a tenant, or for the operator.
///
/// # Errors
/// The store's.
pub(crate) async fn find(
    api: &Api,
    tenant: Option<TenantId>,
    world: World,
    name: &str,
) -> Result<Option<Arc<PluginVersion>>, Problem> {
    if !is_name(name) {
        return Ok(None);
    }
    Ok(api.directory.version(tenant, world, name).await?)
}

/// What to tell whoever names a plugin that does not run.
///
/// # Errors
/// The store's.
pub(crate) async fn unknown(api: &Api, tenant: Option<TenantId>, world: World) -> Result<String, Problem> {
    let plugins = both(api, tenant, PageRequest::first(limits::PAGE_MAX)).await?;
    let runs = |plugin: &Plugin| plugin.world == world && plugin.active.is_some();
    let names: BTreeSet<String> = plugins.into_iter().filter(runs).map(|plugin| plugin.name).collect();
    let (noun, list) = match world {
        World::Provider => ("provider", "providers"),
        World::Destination => ("destination plugin", "plugins"),
        World::Flow => ("flow plugin", "plugins"),
    };
    let running = there_are(names.iter().take(NAMED_MAX).map(String::as_str));
    let more = if names.len() > NAMED_MAX { format!(" and more, see /api/v1/{list}") } else { String::new() };
    Ok(format!("no {noun} of this name runs here: {running}{more}; another one comes with its plugin"))
}

/// Plugins of a tenant and of the operator, newest first.
///
/// # Errors
/// The store's.
pub(crate) async fn both(
    api: &Api,
    tenant: Option<TenantId>,
    page: PageRequest<PluginId>,
) -> Result<Vec<Plugin>, Problem> {
    let mut plugins = api.store.plugin_list(None, page).await?;
    if tenant.is_some() {
        plugins.extend(api.store.plugin_list(tenant, page).await?);
        plugins.sort_by_key(|plugin| std::cmp::Reverse(plugin.id));
        plugins.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    }
    Ok(plugins)
}

/// An owner's plugin of a name, whether or not a version of it runs.
///
/// # Errors
/// The store's.
pub(crate) async fn of_owner(
    api: &Api,
    owner: Option<TenantId>,
    world: World,
    name: &str,
) -> Result<Option<Plugin>, Problem> {
    // Most often a version runs, and says which plugin that is.
    if let Some(running) = find(api, owner, world, name).await?
        && let Some(plugin) = api.store.plugin_get(owner, running.plugin).await?
    {
        return Ok(Some(plugin));
    }
    let mut page = PageRequest::first(limits::PAGE_MAX);
    loop {
        let plugins = api.store.plugin_list(owner, page).await?;
        if let Some(found) = plugins.iter().find(|plugin| plugin.world == world && plugin.name == name) {
            return Ok(Some(found.clone()));
        }
        let Some(last) = plugins.last() else { return Ok(None) };
        page.after = Some(last.id);
    }
}

/// One version of an owner's plugin, by its number.
///
/// # Errors
/// The store's.
pub(crate) async fn version(
    api: &Api,
    owner: Option<TenantId>,
    plugin: PluginId,
    number: u32,
) -> Result<Option<PluginVersion>, Problem> {
    // The page that begins behind the next number begins with this one.
    let page = PageRequest { after: number.checked_add(1), limit: 1 };
    let found = api.store.plugin_version_list(owner, plugin, page).await?.into_iter().next();
    Ok(found.filter(|found| found.version == number))
}
