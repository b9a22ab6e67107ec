//! Secrets: sealed to their place, and in order.

use hookyard_store::{Config, MasterKey, NewKey, OpenError, PageRequest, Store, StoreError};

use crate::support::{Fixture, secret};

pub(crate) async fn ciphertext_moved_to_another_row_is_refused(f: &Fixture) {
    let tenant = f.tenant().await;
    let mut accounts = vec![];
    for key in ["page-1", "page-2"] {
        let mut new = f.account(tenant, key);
        new.secrets = vec![("app".into(), vec![secret(key)])];
        accounts.push(f.store.account_create(new).await.unwrap().id);
    }
    let (from, to) = (accounts[0], accounts[1]);
    let moved = f
        .tamper(&format!(
            "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE holder = '{from}') WHERE holder = '{to}'"
        ))
        .await;
    assert_eq!(moved, 1);
    assert_eq!(f.store.account_vault(tenant, from).await.unwrap().secrets[0].1, [secret("page-1")]);
    let refused = f.store.account_vault(tenant, to).await;
    assert!(matches!(refused, Err(StoreError::Undecodable { table: "secrets", column: "sealed", .. })), "{refused:?}");
}

pub(crate) async fn a_wrong_master_key_does_not_open(f: &Fixture) {
    f.store.close().await;
    let wrong = Config { master_key: MasterKey::from_hex(&"00".repeat(32)).unwrap(), ..f.config.clone() };
    let refused = Store::open(wrong, f.clock.clone()).await;
    assert!(matches!(refused, Err(OpenError::WrongMasterKey)), "{:?}", refused.err());
    f.another().await.close().await;
}

pub(crate) async fn secrets_come_back_in_order_and_by_name(f: &Fixture) {
    let store = &f.store;
    store.application_secret_put("meta", "app", vec![secret("old")]).await.unwrap();
    store.application_secret_put("meta", "app", vec![secret("new"), secret("old")]).await.unwrap();
    store.application_secret_put("meta", "verify", vec![secret("v")]).await.unwrap();
    store.application_secret_put("other", "app", vec![secret("x")]).await.unwrap();
    let app = ("app".to_owned(), vec![secret("new"), secret("old")]);
    assert_eq!(store.application_secrets("meta").await.unwrap(), [app.clone(), ("verify".into(), vec![secret("v")])]);
    assert_eq!(store.application_secret_names("meta").await.unwrap(), ["app", "verify"]);
    store.application_secret_put("meta", "verify", vec![]).await.unwrap();
    assert_eq!(store.application_secrets("meta").await.unwrap(), [app]);
    let tenant = f.tenant().await;
    let (first, second) = (f.subscription(tenant), f.subscription(tenant));
    store.subscription_create(first.clone(), vec![secret("b"), secret("a")]).await.unwrap();
    store.subscription_create(second.clone(), vec![]).await.unwrap();
    let targets = store.subscription_targets(tenant).await.unwrap();
    let targets: Vec<_> = targets.into_iter().map(|(subscription, secrets)| (subscription.id, secrets)).collect();
    assert_eq!(targets, [(first.id, vec![secret("b"), secret("a")]), (second.id, vec![])]);
    let (target, secrets) = store.subscription_target(tenant, first.id).await.unwrap().unwrap();
    assert_eq!((target.retry_seconds, secrets.len()), (Some(vec![1, 2]), 2));
    assert_eq!(f.store.derive_key("cursor"), f.store.derive_key("cursor"));
    assert_ne!(f.store.derive_key("cursor"), f.store.derive_key("code"));
}

pub(crate) async fn keys_are_found_by_hash_until_they_are_revoked(f: &Fixture) {
    let tenant = f.tenant().await;
    let new = |tenant, byte| NewKey {
        tenant,
        name: "ci".into(),
        scopes: vec!["read".into(), "publish".into()],
        expires_at: Some(f.store.now()),
        sha256: [byte; 32],
        prefix: "hy_abcd".into(),
    };
    let key = f.store.key_create(new(Some(tenant), 1)).await.unwrap();
    let operators = f.store.key_create(new(None, 2)).await.unwrap();
    assert!(matches!(f.store.key_create(new(None, 1)).await, Err(StoreError::Conflict { what: "key" })));
    assert_eq!(f.store.key_find(&[1; 32]).await.unwrap().unwrap(), key);
    assert_eq!(f.store.key_find(&[2; 32]).await.unwrap().unwrap(), operators);
    assert!(!f.store.key_revoke(None, key.id).await.unwrap(), "not the operator's");
    assert!(f.store.key_revoke(Some(tenant), key.id).await.unwrap());
    assert!(!f.store.key_revoke(Some(tenant), key.id).await.unwrap());
    assert!(f.store.key_find(&[1; 32]).await.unwrap().is_none());
    let listed = f.store.key_list(Some(tenant), PageRequest::first(10)).await.unwrap();
    assert_eq!((listed.len(), listed[0].revoked_at), (1, Some(f.store.now())));
}
