//! The whole store: versions of its configuration, bounds, retention, the end.

use std::time::Duration;

use hookyard_model::delivery::{DeliveryStatus, Next};
use hookyard_model::limits;
use hookyard_store::{Backlog, EventFilter, IdempotentAnswer, PageRequest, RefusalSample, StoreError};

use crate::support::{Fixture, attempted, items, secret};

pub(crate) async fn every_management_write_counts_the_configuration_up(f: &Fixture) {
    let mut changes = f.store.config_changed();
    let before = f.store.config_version().await.unwrap();
    let tenant = f.tenant().await;
    let subscription = f.subscription(tenant);
    f.store.subscription_create(subscription.clone(), vec![]).await.unwrap();
    f.store.subscription_disable(tenant, subscription.id, "asked for").await.unwrap();
    let account = f.store.account_create(f.account(tenant, "1")).await.unwrap();
    f.store.account_mark_unauthorized(tenant, account.id, "revoked").await.unwrap();
    f.store.account_delete(tenant, account.id).await.unwrap();
    f.store.application_secret_put("meta", "app", vec![secret("s")]).await.unwrap();
    assert_eq!(f.store.config_version().await.unwrap(), before + 7);
    changes.wait().await;
    f.store.subscription_disable(tenant, subscription.id, "asked for again").await.unwrap();
    assert_eq!(f.store.config_version().await.unwrap(), before + 7, "nothing changed");
}

pub(crate) async fn deleting_a_subscription_kills_what_waited_for_it(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let subscription = f.subscription(tenant);
    f.store.subscription_create(subscription.clone(), vec![secret("s")]).await.unwrap();
    let waiting = f.processed((tenant, account), "1", &[subscription.id]).await;
    let done = f.processed((tenant, account), "2", &[subscription.id]).await;
    let delivered = items(&done)[0].deliveries[0].clone();
    f.store.settle_delivery(attempted(&delivered, 1, 1, 200, Next::Delivered)).await.unwrap();
    assert!(f.store.subscription_delete(tenant, subscription.id).await.unwrap());
    assert!(!f.store.subscription_delete(tenant, subscription.id).await.unwrap());
    let pending = items(&waiting)[0].deliveries[0].clone();
    let (row, _) = f.store.delivery_get(tenant, pending.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at), (DeliveryStatus::Dead, None));
    assert_eq!(row.last_error.as_deref(), Some("the subscription was deleted"));
    assert!(!f.store.settle_delivery(attempted(&pending, 1, 1, 200, Next::Delivered)).await.unwrap());
    let (row, _) = f.store.delivery_get(tenant, delivered.id).await.unwrap().unwrap();
    assert_eq!(row.status, DeliveryStatus::Delivered);
    assert!(f.store.subscription_targets(tenant).await.unwrap().is_empty());
}

pub(crate) async fn refusals_are_kept_within_bounds(f: &Fixture) {
    let most = usize::try_from(limits::REFUSALS_KEPT_MAX).unwrap();
    for number in 0..most + 5 {
        let sample = RefusalSample {
            provider: "meta".into(),
            account: None,
            reason: "signature".into(),
            detail: number.to_string(),
            at: f.store.now(),
        };
        f.store.refusal_record(sample).await.unwrap();
        f.clock.advance(Duration::from_millis(1));
    }
    let (mut count, mut after) = (0, None);
    loop {
        let page = f.store.refusal_list(PageRequest { after, limit: 250 }).await.unwrap();
        let Some((last, sample)) = page.last() else { break };
        assert!(sample.detail.parse::<usize>().unwrap() >= 5, "the oldest went first");
        after = Some(*last);
        count += page.len();
    }
    assert_eq!(count, most);
}

pub(crate) async fn the_first_idempotent_answer_stays_for_a_day(f: &Fixture) {
    let tenant = Some(f.tenant().await);
    let answer = |byte| IdempotentAnswer { request_hash: [byte; 32], status: 201, body: vec![byte] };
    assert!(f.store.idempotency_save(tenant, "k", answer(1)).await.unwrap());
    assert!(!f.store.idempotency_save(tenant, "k", answer(2)).await.unwrap(), "the first wins");
    assert!(f.store.idempotency_save(None, "k", answer(3)).await.unwrap(), "another owner's key is another key");
    assert_eq!(f.store.idempotency_find(tenant, "k").await.unwrap(), Some(answer(1)));
    f.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(f.store.idempotency_find(tenant, "k").await.unwrap(), None);
    assert!(f.store.idempotency_save(tenant, "k", answer(2)).await.unwrap());
    assert_eq!(f.store.idempotency_purge(100).await.unwrap(), 1);
    assert_eq!(f.store.idempotency_find(tenant, "k").await.unwrap(), Some(answer(2)));
}

pub(crate) async fn old_ended_events_go_and_waiting_ones_stay(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let waiting = f.processed((tenant, account), "waits", &[f.id()]).await;
    let unfinished = f.logged(tenant, account).await;
    let done = f.processed((tenant, account), "done", &[f.id()]).await;
    let delivery = items(&done)[0].deliveries[0].clone();
    f.store.settle_delivery(attempted(&delivery, 1, 1, 200, Next::Delivered)).await.unwrap();
    f.clock.advance(Duration::from_secs(3600));
    let young = f.processed((tenant, account), "young", &[]).await;
    let older_than = f.store.now().minus(Duration::from_secs(60));
    assert_eq!(f.store.purge(older_than, 1).await.unwrap(), 1);
    assert_eq!(f.store.purge(older_than, 1).await.unwrap(), 0);
    let left = f.store.event_list(tenant, EventFilter::default(), PageRequest::first(10)).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|event| event.id).collect();
    assert_eq!(left, [young.event, unfinished.event.id, waiting.event]);
    assert!(f.store.delivery_get(tenant, delivery.id).await.unwrap().is_none());
    let lead = items(&done)[0].lead.as_ref().unwrap().0;
    assert!(f.store.lead_get(tenant, lead).await.unwrap().is_some(), "leads stay");
}

pub(crate) async fn the_backlog_counts_what_is_due(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    f.processed((tenant, account), "1", &[f.id(), f.id()]).await;
    f.logged(tenant, account).await;
    assert_eq!(f.store.backlog().await.unwrap(), Backlog::default());
    let oldest_due_at = Some(f.store.now().plus(limits::LEASE));
    f.clock.advance(limits::LEASE);
    assert_eq!(
        f.store.backlog().await.unwrap(),
        Backlog { events_due: 1, deliveries_due: 2, oldest_due_at, ..Backlog::default() }
    );
}

pub(crate) async fn a_closed_store_is_unavailable(f: &Fixture) {
    let tenant = f.tenant().await;
    f.store.ping().await.unwrap();
    f.store.close().await;
    assert!(matches!(f.store.ping().await, Err(StoreError::Unavailable(_))));
    let event = f.event(tenant, f.id());
    let logged = hookyard_store::LoggedEvent { event, claim: hookyard_store::Claim::Due };
    assert!(matches!(f.store.log_events(vec![logged]).await, Err(StoreError::Unavailable(_))));
}
