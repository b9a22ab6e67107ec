//! The state is the queue: what is claimed, when, and by whom.

use std::collections::HashSet;
use std::time::Duration;

use hookyard_model::event::{EventStatus, Outcome};
use hookyard_model::limits;
use hookyard_store::{Claim, EventEnd, LoggedEvent, Reprocess};

use crate::support::{Fixture, ended, understood};

pub(crate) async fn an_event_born_claimed_is_left_alone_until_its_lease_ends(f: &Fixture) {
    let claimed = f.logged(f.tenant().await, f.id()).await;
    f.clock.advance(limits::LEASE - Duration::from_millis(1));
    assert!(f.store.event_claim(10, &[]).await.unwrap().is_empty());
    f.clock.advance(Duration::from_millis(1));
    let again = f.store.event_claim(10, &[]).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].event.id, again[0].tries), (claimed.event.id, 2));
    assert_eq!(again[0].event.payload, claimed.event.payload);
    assert!(f.store.event_claim(10, &[]).await.unwrap().is_empty(), "claimed again only after another lease");
}

pub(crate) async fn an_event_that_is_due_is_claimed_at_once_and_once(f: &Fixture) {
    let event = f.event(f.tenant().await, f.id());
    f.store.log_events(vec![LoggedEvent { event: event.clone(), claim: Claim::Due }]).await.unwrap();
    let claimed = f.store.event_claim(10, &[]).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| (claimed.event.id, claimed.tries)).collect::<Vec<_>>(), [(event.id, 1)]);
    assert!(f.store.event_claim(10, &[]).await.unwrap().is_empty());
}

pub(crate) async fn two_claimers_never_share_an_event(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let logged = |_| LoggedEvent { event: f.event(tenant, account), claim: Claim::Due };
    f.store.log_events((0..200).map(logged).collect()).await.unwrap();
    let claimers = (0..4).map(|_| {
        let store = f.store.clone();
        tokio::spawn(async move {
            let mut ids = vec![];
            loop {
                let claimed = store.event_claim(7, &[]).await.unwrap();
                if claimed.is_empty() {
                    return ids;
                }
                ids.extend(claimed.into_iter().map(|claimed| claimed.event.id));
            }
        })
    });
    let mut ids = vec![];
    for claimer in claimers.collect::<Vec<_>>() {
        ids.extend(claimer.await.unwrap());
    }
    assert_eq!(ids.len(), 200);
    assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), 200);
}

pub(crate) async fn an_event_whose_process_died_falls_due_in_the_next_one(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let claimed = f.logged(tenant, account).await;
    f.store.close().await;
    let next = f.another().await;
    assert!(next.event_claim(10, &[]).await.unwrap().is_empty());
    f.clock.advance(limits::LEASE);
    let again = next.event_claim(10, &[]).await.unwrap();
    assert_eq!(again.len(), 1);
    let settled = next.settle_event(understood(&again[0], vec![])).await.unwrap();
    assert_eq!(settled, hookyard_store::Settled::Done { duplicates: vec![] });
    let (event, _) = next.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!((event.status, event.due_at, event.tries), (EventStatus::Processed, None, 2));
    next.close().await;
}

pub(crate) async fn a_failed_event_is_processed_again_when_asked(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let claimed = f.logged(tenant, account).await;
    let outcome = Outcome { reason: Some("no such form".into()), ..Outcome::default() };
    let id = claimed.event.id;
    let waiting = f.store.event_reprocess(tenant, id).await.unwrap();
    assert_eq!(waiting, Reprocess::NotFailed(EventStatus::Received));
    f.store.settle_event(ended(&claimed, EventEnd::Failed { outcome: outcome.clone() })).await.unwrap();
    assert_eq!(f.store.event_get(tenant, id).await.unwrap().unwrap().0.outcome, outcome);
    assert_eq!(f.store.event_reprocess(tenant, id).await.unwrap(), Reprocess::Queued);
    let again = f.store.event_claim(10, &[]).await.unwrap();
    assert_eq!((again.len(), again[0].tries), (1, 2));
    f.store.settle_event(understood(&again[0], vec![f.item(&again[0], id, "1", &[])])).await.unwrap();
    let done = f.store.event_reprocess(tenant, id).await.unwrap();
    assert_eq!(done, Reprocess::NotFailed(EventStatus::Processed));
    assert_eq!(f.store.event_reprocess(tenant, f.id()).await.unwrap(), Reprocess::NotFound);
}

pub(crate) async fn logging_the_same_event_twice_is_one_event(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let claimed = f.logged(tenant, account).await;
    let mut again = claimed.event.clone();
    again.payload = "{}".into();
    f.store.log_events(vec![LoggedEvent { event: again, claim: Claim::Due }]).await.unwrap();
    let (_, bodies) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!(bodies.payload, claimed.event.payload, "the first stays");
}

pub(crate) async fn an_event_that_cannot_be_read_is_parked_and_not_claimed_for_ever(f: &Fixture) {
    let tenant = f.tenant().await;
    let (bad, good) = (f.logged(tenant, f.id()).await, f.logged(tenant, f.id()).await);
    let hex = if f.is_sqlite() { "x'ff'" } else { "'\\xff'" };
    let id = bad.event.id;
    assert_eq!(f.tamper(&format!("UPDATE events SET received_by = {hex} WHERE event_id = '{id}'")).await, 1);
    f.clock.advance(limits::LEASE);
    let claimed = f.store.event_claim(10, &[]).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.event.id).collect::<Vec<_>>(), [good.event.id]);
    f.clock.advance(limits::LEASE);
    assert_eq!(f.store.event_claim(10, &[]).await.unwrap().len(), 1, "the bad one is not in the queue any more");
}

pub(crate) async fn due_rows_wake_whoever_listens(f: &Fixture) {
    let mut changes = f.store.changed();
    let event = f.event(f.tenant().await, f.id());
    f.store.log_events(vec![LoggedEvent { event, claim: Claim::Due }]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), changes.wait()).await.unwrap();
}
