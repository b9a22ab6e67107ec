//! What only a file has: its bytes, its lock.

use hookyard_store::{Config, Database, OpenError, Store};

use crate::support::{Fixture, secret};

const CANARY: &str = "canary-4f1d6a-canary";

#[tokio::test]
async fn no_byte_of_a_secret_is_in_the_files() {
    let f = Fixture::sqlite().await;
    let tenant = f.tenant().await;
    let mut new = f.account(tenant, "page-1");
    new.secrets = vec![("app".into(), vec![secret(CANARY)])];
    new.credentials = vec![("token".into(), secret(CANARY))];
    f.store.account_create(new).await.unwrap();
    f.store.application_secret_put("meta", "app", vec![secret(CANARY)]).await.unwrap();
    f.store.subscription_create(f.subscription(tenant), vec![secret(CANARY)]).await.unwrap();
    let holds = |needle: &str| {
        let files = std::fs::read_dir(f.folder()).unwrap();
        let mut bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        bytes.any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
    };
    assert!(holds("page-1"), "this looks at the right files");
    assert!(!holds(CANARY));
    f.store.close().await;
    assert!(!holds(CANARY));
}

#[tokio::test]
async fn a_second_process_is_refused_and_a_later_one_is_not() {
    let f = Fixture::sqlite().await;
    let refused = Store::open(f.config.clone(), f.clock.clone()).await;
    assert!(matches!(refused, Err(OpenError::Locked { .. })), "{:?}", refused.err());
    f.store.close().await;
    f.another().await.close().await;
}

#[tokio::test]
async fn a_damaged_file_does_not_open() {
    let f = Fixture::sqlite().await;
    f.tenant().await;
    f.store.close().await;
    let path = f.folder().join("hookyard.db");
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4096).skip(2) {
        page[..64].fill(0xa5);
    }
    std::fs::write(&path, bytes).unwrap();
    let refused = Store::open(f.config.clone(), f.clock.clone()).await;
    assert!(matches!(refused, Err(OpenError::Damaged { .. })), "{:?}", refused.err());
}

#[tokio::test]
async fn a_store_that_is_dropped_gives_its_lock_up() {
    let folder = tempfile::tempdir().unwrap();
    let f = Fixture::sqlite().await;
    let database = Database::Sqlite { path: folder.path().join("hookyard.db") };
    let config = Config { database, ..f.config.clone() };
    drop(Store::open(config.clone(), f.clock.clone()).await.unwrap());
    Store::open(config, f.clock.clone()).await.unwrap().close().await;
    f.end().await;
}
