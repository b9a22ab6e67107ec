//! Group commit: what shares a transaction, and what does not share its fate.

use hookyard_store::{Claim, LoggedEvent, StoreError};

use crate::support::Fixture;

pub(crate) async fn one_bad_change_does_not_fail_its_neighbours(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let writing = (0..64).map(|number| {
        let mut event = f.event(tenant, account);
        if number % 8 == 3 {
            event.event_type = "a type with \0 in it".into();
        }
        let (id, store) = (event.id, f.store.clone());
        tokio::spawn(async move {
            let logged = store.log_events(vec![LoggedEvent { event, claim: Claim::BornClaimed }]).await;
            (number, id, logged)
        })
    });
    for written in writing.collect::<Vec<_>>() {
        let (number, id, logged) = written.await.unwrap();
        let stored = f.store.event_get(tenant, id).await.unwrap().is_some();
        if number % 8 == 3 {
            assert!(matches!(logged, Err(StoreError::Query(_))), "{logged:?}");
            assert!(!stored);
        } else {
            logged.unwrap();
            assert!(stored);
        }
    }
}

pub(crate) async fn many_writers_are_all_answered(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let writing = (0..500).map(|number: u64| {
        let events: Vec<_> = (0..=number % 3)
            .map(|_| LoggedEvent { event: f.event(tenant, account), claim: Claim::BornClaimed })
            .collect();
        let store = f.store.clone();
        tokio::spawn(async move {
            let ids: Vec<_> = events.iter().map(|logged| logged.event.id).collect();
            store.log_events(events).await.unwrap();
            ids
        })
    });
    let mut count = 0;
    for written in writing.collect::<Vec<_>>() {
        for id in written.await.unwrap() {
            assert!(f.store.event_get(tenant, id).await.unwrap().is_some(), "answered is stored");
            count += 1;
        }
    }
    assert_eq!(count, 999);
}
