//! Accounts: whose a key is, and what a credential wakes.

use std::time::Duration;

use hookyard_model::account::AccountStatus;
use hookyard_model::event::Outcome;
use hookyard_store::{AccountPatch, EventEnd, PageRequest, StoreError};

use crate::support::{Fixture, ended, secret};

pub(crate) async fn a_shared_account_key_belongs_to_the_first_tenant(f: &Fixture) {
    let (first, second) = (f.tenant().await, f.tenant().await);
    let shared = |tenant| hookyard_store::NewAccount { shared: true, ..f.account(tenant, "page-1") };
    let account = f.store.account_create(shared(first)).await.unwrap();
    let refused = f.store.account_create(shared(second)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "account key of a shared provider" })), "{refused:?}");
    assert!(f.store.account_list(second, PageRequest::first(10)).await.unwrap().is_empty(), "all or nothing");
    assert!(matches!(f.store.account_create(f.account(first, "page-1")).await, Err(StoreError::Conflict { .. })));
    let found = f.store.account_find_shared("meta_lead_ads", "page-1").await.unwrap();
    assert_eq!(found, Some((first, account.id)));
    assert_eq!(f.store.account_find(account.id).await.unwrap().unwrap().tenant, first);
    f.store.account_create(f.account(second, "page-1")).await.unwrap();
}

pub(crate) async fn a_new_credential_wakes_what_waited_for_it(f: &Fixture) {
    let tenant = f.tenant().await;
    let account = f.store.account_create(f.account(tenant, "page-1")).await.unwrap();
    let id = account.id;
    assert!(f.store.account_mark_unauthorized(tenant, id, "the token was revoked").await.unwrap());
    assert!(!f.store.account_mark_unauthorized(tenant, id, "again").await.unwrap(), "the second to say so");
    let (waiting, claimed) = (f.logged(tenant, id).await, f.logged(tenant, id).await);
    let due_at = f.store.now().plus(Duration::from_secs(3600));
    f.store.settle_event(ended(&waiting, EventEnd::Later { due_at, outcome: Outcome::default() })).await.unwrap();
    let mut changes = f.store.changed();
    let patch = AccountPatch { credentials: Some(vec![("token".into(), secret("new"))]), ..AccountPatch::default() };
    let updated = f.store.account_update(tenant, id, patch).await.unwrap().unwrap();
    assert_eq!((updated.status, updated.status_reason), (AccountStatus::Active, None));
    changes.wait().await;
    let due = f.store.event_claim(10, &[]).await.unwrap();
    assert_eq!(due.iter().map(|due| due.event.id).collect::<Vec<_>>(), [waiting.event.id]);
    assert_ne!(due[0].event.id, claimed.event.id, "what is under way is left alone");
}

pub(crate) async fn a_patch_changes_what_it_names_and_nothing_else(f: &Fixture) {
    let tenant = f.tenant().await;
    let mut new = f.account(tenant, "page-1");
    new.secrets = vec![("app".into(), vec![secret("two"), secret("one")]), ("verify".into(), vec![secret("v")])];
    new.credentials = vec![("token".into(), secret("t"))];
    let id = f.store.account_create(new).await.unwrap().id;
    let patch = AccountPatch {
        name: Some(None),
        settings: Some(r#"{"form":"1"}"#.into()),
        secrets: Some(vec![("verify".into(), vec![]), ("app".into(), vec![secret("three"), secret("two")])]),
        ..AccountPatch::default()
    };
    let account = f.store.account_update(tenant, id, patch).await.unwrap().unwrap();
    assert_eq!((account.name, account.default_country.as_deref()), (None, Some("DE")));
    assert_eq!(f.store.account_get(tenant, id).await.unwrap().unwrap().settings, r#"{"form":"1"}"#);
    let vault = f.store.account_vault(tenant, id).await.unwrap();
    assert_eq!(vault.secrets, [("app".to_owned(), vec![secret("three"), secret("two")])]);
    assert_eq!(vault.credentials, [("token".to_owned(), secret("t"))]);
    assert!(f.store.account_update(tenant, f.id(), AccountPatch::default()).await.unwrap().is_none());
}

pub(crate) async fn a_deleted_account_gives_its_key_back(f: &Fixture) {
    let (first, second) = (f.tenant().await, f.tenant().await);
    let shared = |tenant| hookyard_store::NewAccount { shared: true, ..f.account(tenant, "page-1") };
    let id = f.store.account_create(shared(first)).await.unwrap().id;
    assert!(!f.store.account_delete(second, id).await.unwrap(), "not theirs");
    assert!(f.store.account_delete(first, id).await.unwrap());
    assert!(!f.store.account_delete(first, id).await.unwrap());
    assert_eq!(f.store.account_find_shared("meta_lead_ads", "page-1").await.unwrap(), None);
    f.store.account_create(shared(second)).await.unwrap();
}
