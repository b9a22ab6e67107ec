//! Plugins: versions, switches, shadows.

use std::collections::BTreeSet;

use hookyard_model::id::TenantId;
use hookyard_model::manifest::Manifest;
use hookyard_model::plugin::{Digest, Origin, World};
use hookyard_store::{NewVersion, PageRequest, StoreError};

use crate::support::Fixture;

fn version(tenant: Option<TenantId>, component: &[u8], activate: bool) -> NewVersion {
    let manifest = Manifest {
        id: "shop".into(),
        name: "Shop".into(),
        version: "1".into(),
        summary: "A shop.".into(),
        event_types: vec![],
        secrets: vec![],
        credentials: vec![],
        hosts: vec![],
        oauth: None,
        polls: false,
        imports: false,
        unsigned: false,
        fields: vec![],
        settings_schema: "{}".into(),
    };
    NewVersion {
        tenant,
        world: World::Provider,
        name: "shop".into(),
        component: component.to_vec(),
        digest: Digest::of(component),
        manifest,
        origin: Origin::Uploaded,
        activate,
    }
}

pub(crate) async fn versions_are_counted_under_concurrency_and_the_same_component_is_one(f: &Fixture) {
    let tenant = Some(f.tenant().await);
    let adding = (0..12_u8).map(|number| {
        let store = f.store.clone();
        tokio::spawn(async move { store.plugin_add_version(version(tenant, &[number / 2], true)).await.unwrap() })
    });
    let mut plugins = BTreeSet::new();
    let mut versions = BTreeSet::new();
    for added in adding.collect::<Vec<_>>() {
        let (plugin, version) = added.await.unwrap();
        plugins.insert(plugin.id);
        versions.insert((version.version, version.digest));
    }
    assert_eq!(plugins.len(), 1);
    assert_eq!(versions.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let id = *plugins.first().unwrap();
    let page = PageRequest { after: Some(6), limit: 3 };
    let listed = f.store.plugin_version_list(tenant, id, page).await.unwrap();
    assert_eq!(listed.iter().map(|version| version.version).collect::<Vec<_>>(), [5, 4, 3]);
    assert_eq!(f.store.plugin_list(tenant, PageRequest::first(10)).await.unwrap().len(), 1);
}

pub(crate) async fn a_rollback_swaps_and_needs_a_version_before(f: &Fixture) {
    let (plugin, _) = f.store.plugin_add_version(version(None, b"1", true)).await.unwrap();
    assert_eq!((plugin.active, plugin.previous), (Some(1), None));
    let refused = f.store.plugin_rollback(None, plugin.id).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "no previous version" })));
    let (plugin, _) = f.store.plugin_add_version(version(None, b"2", false)).await.unwrap();
    assert_eq!(plugin.active, Some(1));
    let plugin = f.store.plugin_activate(None, plugin.id, 2).await.unwrap().unwrap();
    assert_eq!((plugin.active, plugin.previous), (Some(2), Some(1)));
    let plugin = f.store.plugin_rollback(None, plugin.id).await.unwrap().unwrap();
    assert_eq!((plugin.active, plugin.previous), (Some(1), Some(2)));
    assert!(f.store.plugin_activate(None, plugin.id, 3).await.unwrap().is_none());
    assert!(f.store.plugin_rollback(Some(f.tenant().await), plugin.id).await.unwrap().is_none());
    assert_eq!(f.store.plugin_get(None, plugin.id).await.unwrap().unwrap().active, Some(1));
}

pub(crate) async fn a_tenants_plugin_shadows_the_operators(f: &Fixture) {
    let (tenant, other) = (f.tenant().await, f.tenant().await);
    let resolve = |tenant| f.store.plugin_resolve(tenant, World::Provider, "shop");
    assert!(resolve(Some(tenant)).await.unwrap().is_none());
    f.store.plugin_add_version(version(None, b"operator", true)).await.unwrap();
    f.store.plugin_add_version(version(Some(tenant), b"tenant", false)).await.unwrap();
    assert_eq!(resolve(Some(tenant)).await.unwrap().unwrap().digest, Digest::of(b"operator"), "not active yet");
    f.store.plugin_add_version(version(Some(tenant), b"tenant", true)).await.unwrap();
    assert_eq!(resolve(Some(tenant)).await.unwrap().unwrap().digest, Digest::of(b"tenant"));
    assert_eq!(resolve(Some(other)).await.unwrap().unwrap().digest, Digest::of(b"operator"));
    assert_eq!(resolve(None).await.unwrap().unwrap().digest, Digest::of(b"operator"));
}

pub(crate) async fn a_component_that_changed_on_disk_is_refused(f: &Fixture) {
    f.store.plugin_add_version(version(None, b"component", true)).await.unwrap();
    let digest = Digest::of(b"component");
    assert_eq!(f.store.component_bytes(digest).await.unwrap().as_deref(), Some(b"component".as_slice()));
    let hex = if f.is_sqlite() { "x'00'" } else { "'\\x00'" };
    f.tamper(&format!("UPDATE components SET bytes = {hex}")).await;
    let refused = f.store.component_bytes(digest).await;
    assert!(
        matches!(refused, Err(StoreError::Undecodable { table: "components", column: "bytes", .. })),
        "{refused:?}"
    );
    assert!(f.store.component_bytes(Digest::of(b"other")).await.unwrap().is_none());
}

pub(crate) async fn a_paused_version_gives_way_once_and_comes_back_by_hand(f: &Fixture) {
    let mut plugin = None;
    for component in [b"1", b"2", b"3", b"4"] {
        plugin = Some(f.store.plugin_add_version(version(None, component, component != b"4")).await.unwrap().0.id);
    }
    let id = plugin.unwrap();
    let before = f.store.config_version().await.unwrap();
    let pausing = (0..8).map(|_| {
        let store = f.store.clone();
        tokio::spawn(async move { store.plugin_pause_version(None, id, 3, "it crashed\0 often").await.unwrap() })
    });
    let mut said = vec![];
    for paused in pausing.collect::<Vec<_>>() {
        said.extend(paused.await.unwrap());
    }
    assert_eq!(said.len(), 1, "only the first is told");
    assert_eq!((said[0].active, said[0].previous), (Some(2), None), "the one before, and not the newest");
    assert_eq!(f.store.config_version().await.unwrap(), before + 1);
    let paused = async || -> Vec<u32> {
        let versions = f.store.plugin_version_list(None, id, PageRequest::first(10)).await.unwrap();
        versions.iter().filter(|version| version.paused.is_some()).map(|version| version.version).collect()
    };
    assert_eq!(paused().await, [3]);
    let plugin = f.store.plugin_pause_version(None, id, 1, "by hand").await.unwrap().unwrap();
    assert_eq!(plugin.active, Some(2), "it did not run");
    let plugin = f.store.plugin_pause_version(None, id, 2, "too").await.unwrap().unwrap();
    assert_eq!(plugin.active, Some(4), "the newest that is in service");
    let plugin = f.store.plugin_pause_version(None, id, 4, "too").await.unwrap().unwrap();
    assert_eq!(plugin.active, None);
    assert!(f.store.plugin_resolve(None, World::Provider, "shop").await.unwrap().is_none());
    let plugin = f.store.plugin_activate(None, id, 3).await.unwrap().unwrap();
    assert_eq!((plugin.active, paused().await), (Some(3), vec![4, 2, 1]));
    let resolved = f.store.plugin_resolve(None, World::Provider, "shop").await.unwrap().unwrap();
    assert_eq!((resolved.version, resolved.paused), (3, None));
    assert!(f.store.plugin_pause_version(None, id, 9, "none").await.unwrap().is_none());
    assert!(f.store.plugin_pause_version(Some(f.tenant().await), id, 3, "not theirs").await.unwrap().is_none());
}

pub(crate) async fn a_paused_version_that_is_found_again_stays_paused(f: &Fixture) {
    let (plugin, _) = f.store.plugin_add_version(version(None, b"1", true)).await.unwrap();
    f.store.plugin_pause_version(None, plugin.id, 1, "it crashed").await.unwrap();
    for origin in [Origin::Builtin, Origin::Folder] {
        let found = NewVersion { origin, ..version(None, b"1", true) };
        let (plugin, found) = f.store.plugin_add_version(found).await.unwrap();
        assert_eq!((plugin.active, found.paused.as_deref()), (None, Some("it crashed")));
    }
    let (plugin, uploaded) = f.store.plugin_add_version(version(None, b"1", true)).await.unwrap();
    assert_eq!((plugin.active, uploaded.paused), (Some(1), None));
}
