//! Deliveries: the second queue, and the attempts that it remembers.

use std::collections::HashSet;
use std::time::Duration;

use hookyard_model::delivery::{DeliveryStatus, Next};
use hookyard_model::limits;
use hookyard_model::subscription::SubscriptionStatus;
use hookyard_store::DeliverySettlement;

use crate::support::{Fixture, attempted, items};

pub(crate) async fn a_delivery_goes_from_attempt_to_attempt_to_its_end(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "1", &[f.id()]).await;
    let delivery = items(&settlement)[0].deliveries[0].clone();
    let again = f.store.now().plus(Duration::from_secs(5));
    assert!(f.store.settle_delivery(attempted(&delivery, 1, 1, 500, Next::RetryAt(again))).await.unwrap());
    assert!(!f.store.settle_delivery(attempted(&delivery, 2, 2, 200, Next::Delivered)).await.unwrap(), "not claimed");
    f.clock.advance(Duration::from_secs(5));
    let claimed = f.store.delivery_claim(10, &[]).await.unwrap().remove(0);
    assert_eq!((claimed.delivery.id, claimed.tries, claimed.attempts), (delivery.id, 2, 1));
    assert_eq!((claimed.data.as_str(), claimed.provider.as_deref()), (r#"{"key":"1"}"#, Some("meta_lead_ads")));
    assert!(!f.store.settle_delivery(attempted(&delivery, 1, 2, 200, Next::Delivered)).await.unwrap(), "a zombie");
    let last = attempted(&delivery, 2, 2, 204, Next::Delivered);
    assert!(f.store.settle_delivery(last.clone()).await.unwrap());
    assert!(!f.store.settle_delivery(last.clone()).await.unwrap(), "settled already");
    let (row, attempts) = f.store.delivery_get(tenant, delivery.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at, row.attempts), (DeliveryStatus::Delivered, None, 2));
    assert_eq!(row.last_status, Some(204));
    assert_eq!(attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(500), Some(204)]);
    assert_eq!(Some(&attempts[1]), last.attempt.as_ref());
}

pub(crate) async fn an_excluded_subscription_is_passed_over(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let (slow, quick) = (f.id(), f.id());
    f.processed((tenant, account), "1", &[slow, quick]).await;
    f.clock.advance(limits::LEASE);
    let claimed = f.store.delivery_claim(10, &[slow]).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.delivery.subscription).collect::<Vec<_>>(), [quick]);
    let many: Vec<_> = (0..20).map(|_| f.id()).collect();
    let claimed = f.store.delivery_claim(10, &many).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.delivery.subscription).collect::<Vec<_>>(), [slow]);
}

pub(crate) async fn a_released_delivery_is_due_at_once(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "1", &[f.id()]).await;
    let delivery = items(&settlement)[0].deliveries[0].clone();
    assert!(!f.store.delivery_release(tenant, delivery.id, 7).await.unwrap(), "another claim's number");
    assert!(f.store.delivery_release(tenant, delivery.id, 1).await.unwrap());
    assert_eq!(f.store.delivery_claim(10, &[]).await.unwrap().len(), 1);
}

pub(crate) async fn a_dead_delivery_is_retried_when_asked_and_a_delivered_one_is_not(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "1", &[f.id()]).await;
    let delivery = items(&settlement)[0].deliveries[0].clone();
    f.store.settle_delivery(attempted(&delivery, 1, 1, 500, Next::Dead)).await.unwrap();
    f.clock.advance(limits::LEASE);
    assert!(f.store.delivery_claim(10, &[]).await.unwrap().is_empty());
    assert_eq!(f.store.delivery_retry(tenant, delivery.id).await.unwrap(), Some(true));
    let claimed = f.store.delivery_claim(10, &[]).await.unwrap().remove(0);
    assert_eq!((claimed.tries, claimed.attempts), (2, 1));
    f.store.settle_delivery(attempted(&delivery, 2, 2, 200, Next::Delivered)).await.unwrap();
    assert_eq!(f.store.delivery_retry(tenant, delivery.id).await.unwrap(), Some(false));
    assert_eq!(f.store.delivery_retry(tenant, f.id()).await.unwrap(), None);
}

pub(crate) async fn a_receiver_that_is_gone_disables_its_subscription(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let subscription = f.subscription(tenant);
    f.store.subscription_create(subscription.clone(), vec![]).await.unwrap();
    let settlement = f.processed((tenant, account), "1", &[subscription.id]).await;
    let version = f.store.config_version().await.unwrap();
    let delivery = items(&settlement)[0].deliveries[0].clone();
    assert!(f.store.settle_delivery(attempted(&delivery, 1, 1, 410, Next::DeadAndDisable)).await.unwrap());
    let stored = f.store.subscription_get(tenant, subscription.id).await.unwrap().unwrap();
    assert_eq!(stored.status, SubscriptionStatus::Disabled);
    assert_eq!(stored.status_reason.as_deref(), Some("its receiver answered 410 Gone"));
    assert_eq!(f.store.config_version().await.unwrap(), version + 1);
}

pub(crate) async fn two_claimers_never_share_a_delivery(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let to: Vec<_> = (0..120).map(|_| f.id()).collect();
    f.processed((tenant, account), "1", &to).await;
    f.clock.advance(limits::LEASE);
    let claimers = (0..4).map(|_| {
        let store = f.store.clone();
        tokio::spawn(async move {
            let mut ids = vec![];
            loop {
                let claimed = store.delivery_claim(7, &[]).await.unwrap();
                if claimed.is_empty() {
                    return ids;
                }
                ids.extend(claimed.into_iter().map(|claimed| claimed.delivery.id));
            }
        })
    });
    let mut ids = vec![];
    for claimer in claimers.collect::<Vec<_>>() {
        ids.extend(claimer.await.unwrap());
    }
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (120, 120));
}

pub(crate) async fn a_delivery_whose_event_is_gone_is_dead(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "1", &[f.id()]).await;
    f.tamper(&format!("DELETE FROM events WHERE event_id = '{}'", settlement.event)).await;
    f.clock.advance(limits::LEASE);
    assert!(f.store.delivery_claim(10, &[]).await.unwrap().is_empty());
    let id = items(&settlement)[0].deliveries[0].id;
    let (row, _) = f.store.delivery_get(tenant, id).await.unwrap().unwrap();
    assert_eq!((row.status, row.last_error.as_deref()), (DeliveryStatus::Dead, Some("its event is gone")));
}

pub(crate) async fn a_delivery_ends_or_waits_without_an_attempt_and_says_why(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "1", &[f.id(), f.id(), f.id()]).await;
    let deliveries = &items(&settlement)[0].deliveries;
    let again = f.store.now().plus(Duration::from_secs(5));
    let without = |at: usize, next: Next| DeliverySettlement {
        attempt: None,
        reason: Some("its transform trapped".into()),
        ..attempted(&deliveries[at], 1, 1, 200, next)
    };
    for (at, next, status, due_at, why) in [
        (0, Next::Skipped("it emitted nothing".into()), DeliveryStatus::Skipped, None, "it emitted nothing"),
        (1, Next::Dead, DeliveryStatus::Dead, None, "its transform trapped"),
        (2, Next::RetryAt(again), DeliveryStatus::Pending, Some(again), "its transform trapped"),
    ] {
        assert!(f.store.settle_delivery(without(at, next)).await.unwrap());
        let (row, attempts) = f.store.delivery_get(tenant, deliveries[at].id).await.unwrap().unwrap();
        assert_eq!((row.status, row.due_at, row.last_error.as_deref()), (status, due_at, Some(why)));
        assert_eq!((row.attempts, attempts.len()), (0, 0));
    }
    f.clock.advance(Duration::from_secs(5));
    let claimed = f.store.delivery_claim(10, &[]).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempts, claimed[0].delivery.id), (1, 0, deliveries[2].id));
    let failed = attempted(&deliveries[2], 2, 1, 500, Next::RetryAt(f.store.now()));
    assert!(f.store.settle_delivery(failed).await.unwrap());
    f.store.delivery_claim(10, &[]).await.unwrap();
    let skipped = DeliverySettlement { tries: 3, ..without(2, Next::Skipped("nothing".into())) };
    assert!(f.store.settle_delivery(skipped).await.unwrap());
    let (row, attempts) = f.store.delivery_get(tenant, deliveries[2].id).await.unwrap().unwrap();
    assert_eq!((row.status, row.attempts, attempts.len()), (DeliveryStatus::Skipped, 1, 1), "the attempts stay");
    assert_eq!(f.store.delivery_retry(tenant, deliveries[0].id).await.unwrap(), Some(true));
}
