//! Commit 2: fencing, deduplication, and all that follows or none of it.

use std::time::Duration;

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::event::{EventStatus, FanoutNote, Outcome};
use hookyard_model::limits;
use hookyard_store::{DeliveryFilter, EventEnd, PageRequest, Settled};

use crate::support::{Fixture, ended, items, run, understood};

const ALL: u32 = 250;

pub(crate) async fn an_understood_event_has_its_lead_and_its_deliveries(f: &Fixture) {
    let (tenant, account, to) = (f.tenant().await, f.id(), f.id());
    let claimed = f.logged(tenant, account).await;
    let mut item = f.item(&claimed, claimed.event.id, "444", &[to]);
    item.event_type = "lead.created".into();
    item.outcome_fanout = vec![FanoutNote { subscription: to, matched: true, why: "it asks for everything".into() }];
    let settled = f.store.settle_event(understood(&claimed, vec![item.clone()])).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false] });
    let (event, bodies) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!((event.status, event.due_at), (EventStatus::Processed, None));
    assert_eq!(event.event_type, "lead.created");
    let (lead_id, clean) = item.lead.unwrap();
    assert_eq!(event.outcome.lead, Some(lead_id));
    assert_eq!(event.outcome.fanout, item.outcome_fanout);
    assert_eq!((bodies.payload, bodies.data), (claimed.event.payload, Some(item.data)));
    let lead = f.store.lead_get(tenant, lead_id).await.unwrap().unwrap();
    assert_eq!((lead.lead, lead.event, lead.account), (clean, claimed.event.id, Some(account)));
    let (delivery, attempts) = f.store.delivery_get(tenant, item.deliveries[0].id).await.unwrap().unwrap();
    assert_eq!((delivery.status, delivery.tries, delivery.attempts), (DeliveryStatus::Pending, 1, 0));
    assert!(attempts.is_empty());
    assert!(f.store.delivery_claim(10, &[]).await.unwrap().is_empty(), "born claimed");
    f.clock.advance(limits::LEASE);
    let due = f.store.delivery_claim(10, &[]).await.unwrap();
    assert_eq!((due.len(), due[0].event_type.as_str(), due[0].tries), (1, "lead.created", 2));
}

pub(crate) async fn a_zombie_loses_and_writes_nothing(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let zombie = f.logged(tenant, account).await;
    f.clock.advance(limits::LEASE);
    let replacement = f.store.event_claim(1, &[]).await.unwrap().remove(0);
    let late = understood(&zombie, vec![f.item(&zombie, zombie.event.id, "zombie", &[f.id()])]);
    assert_eq!(f.store.settle_event(late).await.unwrap(), Settled::Lost);
    assert!(f.store.lead_list(tenant, None, PageRequest::first(ALL)).await.unwrap().is_empty());
    let item = f.item(&replacement, replacement.event.id, "zombie", &[]);
    let settled = f.store.settle_event(understood(&replacement, vec![item])).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false] }, "the zombie left no key behind");
}

pub(crate) async fn a_claim_that_is_settled_twice_is_settled_once(f: &Fixture) {
    let claimed = f.logged(f.tenant().await, f.id()).await;
    let settlement = understood(&claimed, vec![f.item(&claimed, claimed.event.id, "1", &[])]);
    let both = tokio::join!(f.store.settle_event(settlement.clone()), f.store.settle_event(settlement));
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert!(both.contains(&Settled::Lost) && both.contains(&Settled::Done { duplicates: vec![false] }), "{both:?}");
}

pub(crate) async fn a_hundred_settlements_of_one_lead_store_one(f: &Fixture) {
    let (tenant, account, to) = (f.tenant().await, f.id(), f.id());
    let mut settlements = vec![];
    for _ in 0..100 {
        let claimed = f.logged(tenant, account).await;
        settlements.push(understood(&claimed, vec![f.item(&claimed, claimed.event.id, "444", &[to])]));
    }
    let settling = settlements.into_iter().map(|settlement| {
        let store = f.store.clone();
        tokio::spawn(async move { store.settle_event(settlement).await.unwrap() })
    });
    let mut firsts = 0;
    for settled in settling.collect::<Vec<_>>() {
        match settled.await.unwrap() {
            Settled::Done { duplicates } => firsts += usize::from(duplicates == [false]),
            other => panic!("nobody else claimed it: {other:?}"),
        }
    }
    assert_eq!(firsts, 1);
    assert_eq!(f.store.lead_list(tenant, None, PageRequest::first(ALL)).await.unwrap().len(), 1);
    let deliveries = f.store.delivery_list(tenant, DeliveryFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!(deliveries.len(), 1);
}

pub(crate) async fn two_items_of_one_key_in_one_batch_are_one_and_its_duplicate(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let claimed = f.logged(tenant, account).await;
    let further = f.id();
    let both = vec![f.item(&claimed, claimed.event.id, "444", &[f.id()]), f.item(&claimed, further, "444", &[f.id()])];
    let lead = both[0].lead.clone().unwrap().0;
    let settled = f.store.settle_event(understood(&claimed, both)).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false, true] });
    let (duplicate, _) = f.store.event_get(tenant, further).await.unwrap().unwrap();
    assert_eq!(duplicate.status, EventStatus::Duplicate);
    assert_eq!(duplicate.outcome.duplicate_of, Some(claimed.event.id));
    assert_eq!(duplicate.outcome.lead, Some(lead));
    assert_eq!(f.store.lead_list(tenant, None, PageRequest::first(ALL)).await.unwrap().len(), 1);
}

pub(crate) async fn a_duplicate_names_the_first_event_and_its_lead(f: &Fixture) {
    let (tenant, account, to) = (f.tenant().await, f.id(), f.id());
    let first = f.processed((tenant, account), "444", &[to]).await;
    let second = f.logged(tenant, account).await;
    let mut item = f.item(&second, second.event.id, "444", &[to]);
    item.event_type = "lead.created".into();
    let settled = f.store.settle_event(understood(&second, vec![item])).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![true] });
    let (event, _) = f.store.event_get(tenant, second.event.id).await.unwrap().unwrap();
    assert_eq!((event.status, event.due_at), (EventStatus::Duplicate, None));
    assert_eq!(event.outcome.duplicate_of, Some(first.event));
    assert_eq!(event.outcome.lead, items(&first)[0].lead.as_ref().map(|(id, _)| *id));
    let filter = DeliveryFilter { event: Some(second.event.id), ..DeliveryFilter::default() };
    assert!(f.store.delivery_list(tenant, filter, PageRequest::first(ALL)).await.unwrap().is_empty());
    // Another account's lead of the same id is another lead.
    let other = f.processed((tenant, f.id()), "444", &[]).await;
    let (event, _) = f.store.event_get(tenant, other.event).await.unwrap().unwrap();
    assert_eq!(event.status, EventStatus::Processed);
}

pub(crate) async fn a_processed_event_is_no_duplicate_of_itself(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "444", &[]).await;
    let id = settlement.event;
    // Back to before it was settled, its key still there.
    f.tamper(&format!("UPDATE events SET status = 'FAILED' WHERE event_id = '{id}'")).await;
    f.store.event_reprocess(tenant, id).await.unwrap();
    let claimed = f.store.event_claim(1, &[]).await.unwrap().remove(0);
    let settled = f.store.settle_event(understood(&claimed, items(&settlement).to_vec())).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false] });
}

pub(crate) async fn further_items_become_events_that_name_their_cause(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let claimed = f.logged(tenant, account).await;
    let further = f.id();
    let both = vec![f.item(&claimed, claimed.event.id, "1", &[]), f.item(&claimed, further, "2", &[f.id()])];
    f.store.settle_event(understood(&claimed, both)).await.unwrap();
    let (event, bodies) = f.store.event_get(tenant, further).await.unwrap().unwrap();
    assert_eq!((event.caused_by, event.status), (Some(claimed.event.id), EventStatus::Processed));
    assert_eq!((event.account, event.received_at), (Some(account), claimed.event.received_at));
    assert_eq!((event.received_by, event.depth, event.run), (Some(run()), 1, None));
    assert_eq!((bodies.payload.as_str(), bodies.data.as_deref()), ("{}", Some(r#"{"key":"2"}"#)));
    let filter = DeliveryFilter { event: Some(further), ..DeliveryFilter::default() };
    assert_eq!(f.store.delivery_list(tenant, filter, PageRequest::first(ALL)).await.unwrap().len(), 1);
}

pub(crate) async fn an_event_put_off_waits_until_then(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let claimed = f.logged(tenant, account).await;
    let due_at = f.store.now().plus(Duration::from_secs(3600));
    let outcome = Outcome { reason: Some("the provider is down".into()), ..Outcome::default() };
    let settled = f.store.settle_event(ended(&claimed, EventEnd::Later { due_at, outcome })).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![] });
    f.clock.advance(Duration::from_secs(3599));
    assert!(f.store.event_claim(1, &[]).await.unwrap().is_empty());
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.store.event_claim(1, &[]).await.unwrap()[0].tries, 2);
}

pub(crate) async fn payloads_have_the_same_fate_whatever_is_in_them(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    for text in ["\"a\\u0000b\"", "\"\\ud800\"", "\"a\0b\"", "\u{feff}", "{\"n\":1e400}"] {
        let mut event = f.event(tenant, account);
        event.payload = text.into();
        event.provider_event_id = Some(text.into());
        let claimed = hookyard_model::event::ClaimedEvent { event: event.clone(), tries: 1 };
        let logged = hookyard_store::LoggedEvent { event, claim: hookyard_store::Claim::BornClaimed };
        f.store.log_events(vec![logged]).await.unwrap();
        let mut item = f.item(&claimed, claimed.event.id, text, &[]);
        item.data = text.into();
        f.store.settle_event(understood(&claimed, vec![item])).await.unwrap();
        let (event, bodies) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
        assert_eq!((bodies.payload.as_str(), bodies.data.as_deref()), (text, Some(text)));
        assert_eq!(event.provider_event_id.as_deref(), Some(text));
    }
}
