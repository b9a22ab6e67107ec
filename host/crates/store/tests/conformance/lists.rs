//! Lists: newest first, whole, and of nobody else's.

use hookyard_model::delivery::{DeliveryStatus, Next};
use hookyard_model::event::{EventStatus, Outcome};
use hookyard_model::limits;
use hookyard_store::{Claim, DeliveryFilter, EventEnd, EventFilter, LoggedEvent, PageRequest};

use crate::support::{Fixture, attempted, ended, items, understood};

const ALL: u32 = 250;

pub(crate) async fn pages_have_no_gaps_and_no_repeats_while_rows_arrive(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let mut expected = vec![];
    for _ in 0..25 {
        expected.push(f.logged(tenant, account).await.event.id);
        f.clock.advance(std::time::Duration::from_millis(1));
    }
    expected.reverse();
    for filter in [EventFilter::default(), EventFilter { account: Some(account), ..EventFilter::default() }] {
        let (mut seen, mut after) = (vec![], None);
        loop {
            let page = PageRequest { after, limit: 4 };
            let events = f.store.event_list(tenant, filter.clone(), page).await.unwrap();
            let Some(last) = events.last() else { break };
            after = Some(last.id);
            seen.extend(events.iter().map(|event| event.id));
            f.logged(tenant, account).await;
            f.clock.advance(std::time::Duration::from_millis(1));
        }
        assert_eq!(&seen[seen.len() - 25..], expected);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
    }
}

pub(crate) async fn every_filter_of_events_finds_what_fits_and_nothing_else(f: &Fixture) {
    let tenant = f.tenant().await;
    let accounts = [f.id(), f.id()];
    for (number, account) in accounts.iter().cycle().take(12).enumerate() {
        let mut event = f.event(tenant, *account);
        event.event_type = ["leadgen", "feed", "order"][number % 3].into();
        event.provider = Some(if *account == accounts[0] { "meta_lead_ads".into() } else { "shop".into() });
        let claimed = hookyard_model::event::ClaimedEvent { event: event.clone(), tries: 1 };
        f.store.log_events(vec![LoggedEvent { event, claim: Claim::BornClaimed }]).await.unwrap();
        let mut item = f.item(&claimed, claimed.event.id, if number == 6 { "0" } else { "x" }, &[]);
        item.event_type.clone_from(&claimed.event.event_type);
        item.dedup = hookyard_model::dedup::DedupKey::of_event(&(number % 10).to_string());
        let settlement = match number {
            0..=8 | 10 => understood(&claimed, vec![item]),
            9 => ended(&claimed, EventEnd::Failed { outcome: Outcome::default() }),
            _ => continue,
        };
        f.store.settle_event(settlement).await.unwrap();
        f.clock.advance(std::time::Duration::from_millis(10));
    }
    let page = PageRequest::first(ALL);
    let everything = f.store.event_list(tenant, EventFilter::default(), page).await.unwrap();
    assert_eq!(everything.len(), 12);
    let statuses = [None].into_iter().chain(EventStatus::ALL.map(Some));
    for status in statuses {
        for event_type in [None, Some("feed"), Some("nothing")] {
            for provider in [None, Some("shop")] {
                for account in [None, Some(accounts[0])] {
                    for since in [None, Some(everything[6].received_at)] {
                        let filter = EventFilter {
                            event_type: event_type.map(str::to_owned),
                            provider: provider.map(str::to_owned),
                            account,
                            status,
                            since,
                            until: since.map(|since| since.plus(std::time::Duration::from_millis(30))),
                        };
                        let expected = everything.iter().filter(|event| {
                            event_type.is_none_or(|t| t == event.event_type)
                                && provider.is_none_or(|p| Some(p) == event.provider.as_deref())
                                && account.is_none_or(|a| Some(a) == event.account)
                                && status.is_none_or(|s| s == event.status)
                                && since.is_none_or(|s| (s..filter.until.unwrap()).contains(&event.received_at))
                        });
                        let found = f.store.event_list(tenant, filter.clone(), page).await.unwrap();
                        assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{filter:?}");
                    }
                }
            }
        }
    }
}

pub(crate) async fn deliveries_are_listed_by_event_subscription_and_status(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let to = [f.id(), f.id()];
    let mut all = vec![];
    for key in ["1", "2", "3"] {
        let settlement = f.processed((tenant, account), key, &to).await;
        all.extend(items(&settlement)[0].deliveries.clone());
    }
    f.store.settle_delivery(attempted(&all[0], 1, 1, 500, Next::Dead)).await.unwrap();
    f.store.settle_delivery(attempted(&all[1], 1, 1, 200, Next::Delivered)).await.unwrap();
    let page = PageRequest::first(ALL);
    let everything = f.store.delivery_list(tenant, DeliveryFilter::default(), page).await.unwrap();
    assert_eq!(everything.len(), 6);
    assert!(everything.windows(2).all(|pair| pair[0].id > pair[1].id));
    for event in [None, Some(all[0].event)] {
        for subscription in [None, Some(to[0]), Some(to[1])] {
            for status in [None].into_iter().chain(DeliveryStatus::ALL.map(Some)) {
                let filter = DeliveryFilter { event, subscription, status };
                let expected = everything.iter().filter(|delivery| {
                    event.is_none_or(|e| e == delivery.event)
                        && subscription.is_none_or(|s| s == delivery.subscription)
                        && status.is_none_or(|s| s == delivery.status)
                });
                let found = f.store.delivery_list(tenant, filter, page).await.unwrap();
                assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{filter:?}");
            }
        }
    }
}

pub(crate) async fn leads_are_listed_for_all_and_for_one_account(f: &Fixture) {
    let tenant = f.tenant().await;
    let accounts = [f.id(), f.id()];
    for key in ["1", "2", "3"] {
        f.processed((tenant, accounts[0]), key, &[]).await;
    }
    f.processed((tenant, accounts[1]), "4", &[]).await;
    let leads = f.store.lead_list(tenant, Some(accounts[0]), PageRequest::first(2)).await.unwrap();
    assert_eq!(leads.iter().map(|lead| lead.lead.provider_lead_id.as_str()).collect::<Vec<_>>(), ["3", "2"]);
    let after = Some(leads[1].id);
    let rest = f.store.lead_list(tenant, Some(accounts[0]), PageRequest { after, limit: 2 }).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(f.store.lead_list(tenant, None, PageRequest::first(ALL)).await.unwrap().len(), 4);
}

pub(crate) async fn another_tenant_sees_nothing(f: &Fixture) {
    let (tenant, other, account) = (f.tenant().await, f.tenant().await, f.id());
    let settlement = f.processed((tenant, account), "1", &[f.id()]).await;
    let item = &items(&settlement)[0];
    assert!(f.store.event_get(other, settlement.event).await.unwrap().is_none());
    assert!(f.store.lead_get(other, item.lead.as_ref().unwrap().0).await.unwrap().is_none());
    assert!(f.store.delivery_get(other, item.deliveries[0].id).await.unwrap().is_none());
    assert_eq!(f.store.delivery_retry(other, item.deliveries[0].id).await.unwrap(), None);
    assert!(f.store.event_list(other, EventFilter::default(), PageRequest::first(ALL)).await.unwrap().is_empty());
    f.clock.advance(limits::LEASE);
    let mut stolen = settlement.clone();
    stolen.tenant = other;
    assert_eq!(f.store.settle_event(stolen).await.unwrap(), hookyard_store::Settled::Lost);
}
