//! What only several nodes have: each other.

use std::time::Duration;

use hookyard_model::instant::{Clock, Instant};
use hookyard_store::{Changes, Claim, Config, LoggedEvent, Store};

use crate::support::Fixture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_hears_of_work_and_of_configuration() {
    let f = Fixture::postgres().await;
    let other = f.another().await;
    let (mut work, mut config) = (other.changed(), other.config_changed());
    // Whoever begins to listen is woken once, in case something was said before; the second time it was told.
    for _ in 0..2 {
        let tenant = until(&mut config, || f.tenant()).await;
        let due = || async {
            let event = f.event(tenant, f.id());
            f.store.log_events(vec![LoggedEvent { event, claim: Claim::Due }]).await.unwrap();
        };
        until(&mut work, due).await;
    }
    other.close().await;
    f.end().await;
}

/// Does something until the other node is woken, a few times a second.
async fn until<T, F: Future<Output = T>>(changes: &mut Changes, act: impl Fn() -> F) -> T {
    for _ in 0..40 {
        let done = act().await;
        if tokio::time::timeout(Duration::from_millis(500), changes.wait()).await.is_ok() {
            return done;
        }
    }
    panic!("the other node heard nothing");
}

/// A node whose clock is an hour slow.
#[derive(Debug)]
struct Slow;

impl Clock for Slow {
    fn now(&self) -> Instant {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Instant::from_millis(i64::try_from(since.as_millis()).unwrap()).minus(Duration::from_secs(3600))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_follow_the_databases_clock() {
    let f = Fixture::postgres().await;
    let config = Config { trust_clock: false, ..f.config.clone() };
    let node = Store::open(config, std::sync::Arc::new(Slow)).await.unwrap();
    let ahead = node.now().since(Slow.now());
    assert!(ahead > Duration::from_secs(3590) && ahead < Duration::from_secs(3610), "{ahead:?}");
    node.close().await;
    f.end().await;
}
