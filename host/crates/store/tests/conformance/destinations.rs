//! Destinations, and pushes to them: claimed, settled, tried again, listed.

use std::time::Duration;

use hookyard_model::destination::Receipt;
use hookyard_model::id::TenantId;
use hookyard_model::limits;
use hookyard_store::{
    DestinationPatch, DestinationStatus, NewDestination, PageRequest, PushAttempt, PushFilter, PushNext,
    PushSettlement, PushStatus, StoreError,
};

use crate::support::{Fixture, secret};

const ALL: u32 = 250;

fn new_destination(tenant: TenantId, name: &str) -> NewDestination {
    NewDestination {
        tenant,
        name: name.into(),
        plugin: "hubspot".into(),
        settings: "{}".into(),
        mapping: r#"{"email":"mail"}"#.into(),
        credentials: vec![("token".into(), secret(name))],
    }
}

fn receipt(id: &str) -> Receipt {
    Receipt { external_id: id.into(), url: None }
}

fn attempted(f: &Fixture, push: &hookyard_store::NewPush, tries: u32, next: PushNext) -> PushSettlement {
    let attempt = PushAttempt {
        number: tries,
        started_at: f.store.now(),
        ok: matches!(next, PushNext::Done(_)),
        error: (!matches!(next, PushNext::Done(_))).then(|| "status".into()),
        detail: Some("a sentence with \0 in it".into()),
        log: vec!["a line".into()],
    };
    PushSettlement { tenant: push.tenant, push: push.id, tries, next, attempt }
}

pub(crate) async fn a_destination_is_found_by_its_name_or_its_id(f: &Fixture) {
    let (tenant, other) = (f.tenant().await, f.tenant().await);
    let version = f.store.config_version().await.unwrap();
    let crm = f.store.destination_create(new_destination(tenant, "crm")).await.unwrap();
    let refused = f.store.destination_create(new_destination(tenant, "crm")).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "destination of this name" })), "{refused:?}");
    f.store.destination_create(new_destination(other, "crm")).await.unwrap();
    f.clock.advance(Duration::from_millis(1));
    let second = f.store.destination_create(new_destination(tenant, "sheet")).await.unwrap();
    for text in ["crm", &crm.id.text()] {
        assert_eq!(f.store.destination_find(tenant, text).await.unwrap(), Some(crm.clone()), "{text}");
    }
    for text in ["", "a\0b", "nothing", &f.id::<hookyard_model::id::DestinationNoun>().text()] {
        assert_eq!(f.store.destination_find(tenant, text).await.unwrap(), None, "{text:?}");
    }
    assert_eq!(f.store.destination_find(other, &crm.id.text()).await.unwrap(), None);
    let unauthorized = (DestinationStatus::Unauthorized, Some("the token was revoked".into()));
    let patch = DestinationPatch { status: Some(unauthorized), ..DestinationPatch::default() };
    let patched = f.store.destination_patch(tenant, crm.id, patch).await.unwrap().unwrap();
    assert_eq!((patched.status, patched.mapping), (DestinationStatus::Unauthorized, crm.mapping.clone()));
    let patch = DestinationPatch { credentials: vec![("token".into(), secret("new"))], ..DestinationPatch::default() };
    let patched = f.store.destination_patch(tenant, crm.id, patch).await.unwrap().unwrap();
    assert_eq!((patched.status, patched.status_reason), (DestinationStatus::Active, None));
    let patch = DestinationPatch { name: Some("sheet".into()), ..DestinationPatch::default() };
    let refused = f.store.destination_patch(tenant, crm.id, patch).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(f.store.destination_vault(tenant, crm.id).await.unwrap(), [("token".into(), secret("new"))]);
    let all = f.store.destinations_of(tenant).await.unwrap();
    let all: Vec<_> = all.into_iter().map(|(destination, credentials)| (destination.id, credentials)).collect();
    assert_eq!(
        all,
        [(crm.id, vec![("token".into(), secret("new"))]), (second.id, vec![("token".into(), secret("sheet"))])]
    );
    let listed = f.store.destination_list(tenant, PageRequest::first(ALL)).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [second.id, crm.id]);
    assert_eq!(f.store.config_version().await.unwrap(), version + 5);
}

pub(crate) async fn the_credentials_of_destinations_are_sealed_in_their_rows(f: &Fixture) {
    let tenant = f.tenant().await;
    let from = f.store.destination_create(new_destination(tenant, "one")).await.unwrap().id;
    let to = f.store.destination_create(new_destination(tenant, "two")).await.unwrap().id;
    let moved = format!(
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE holder = '{from}') WHERE holder = '{to}'"
    );
    assert_eq!(f.tamper(&moved).await, 1);
    assert_eq!(f.store.destination_vault(tenant, from).await.unwrap(), [("token".into(), secret("one"))]);
    let refused = f.store.destination_vault(tenant, to).await;
    assert!(matches!(refused, Err(StoreError::Undecodable { table: "secrets", .. })), "{refused:?}");
}

pub(crate) async fn a_push_goes_from_attempt_to_attempt_to_its_receipt(f: &Fixture) {
    let tenant = f.tenant().await;
    let push = f.push(tenant, f.id(), f.id());
    let mut changes = f.store.changed();
    f.store.push_create(vec![push.clone()]).await.unwrap();
    f.store.push_create(vec![push.clone()]).await.unwrap();
    changes.wait().await;
    let claimed = f.store.push_claim(10).await.unwrap();
    assert_eq!((claimed.len(), &claimed[0].push, claimed[0].tries, claimed[0].attempts), (1, &push, 1, 0));
    assert!(claimed[0].previous.is_none());
    let again = f.store.now().plus(Duration::from_secs(5));
    assert!(f.store.settle_push(attempted(f, &push, 1, PushNext::RetryAt(again))).await.unwrap());
    assert!(!f.store.settle_push(attempted(f, &push, 2, PushNext::Dead)).await.unwrap(), "not claimed");
    f.clock.advance(Duration::from_secs(5));
    assert_eq!(f.store.push_claim(10).await.unwrap()[0].attempts, 1);
    assert!(!f.store.settle_push(attempted(f, &push, 1, PushNext::Dead)).await.unwrap(), "a zombie");
    assert!(f.store.settle_push(attempted(f, &push, 2, PushNext::Done(receipt("77")))).await.unwrap());
    let (row, attempts) = f.store.push_get(tenant, push.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at, row.attempts, row.tries), (PushStatus::Done, None, 2, 2));
    assert_eq!((row.receipt, row.last_error), (Some(receipt("77")), None));
    assert_eq!(
        attempts.iter().map(|attempt| (attempt.number, attempt.ok)).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    assert_eq!((attempts[0].error.as_deref(), attempts[0].log.len()), (Some("status"), 1));
    assert_eq!(f.store.push_retry(tenant, push.id).await.unwrap(), Some(false));
    assert_eq!(f.store.push_retry(tenant, f.id()).await.unwrap(), None);
    assert!(f.store.push_get(f.tenant().await, push.id).await.unwrap().is_none());
}

pub(crate) async fn a_push_is_told_what_the_destination_said_of_its_lead_before(f: &Fixture) {
    let (tenant, lead, destination) = (f.tenant().await, f.id(), f.id());
    for number in ["1", "2"] {
        let push = f.push(tenant, destination, lead);
        f.store.push_create(vec![push.clone()]).await.unwrap();
        f.store.push_claim(10).await.unwrap();
        f.store.settle_push(attempted(f, &push, 1, PushNext::Done(receipt(number)))).await.unwrap();
        f.clock.advance(Duration::from_millis(1));
    }
    let dead = f.push(tenant, destination, lead);
    f.store.push_create(vec![dead.clone()]).await.unwrap();
    f.store.push_claim(10).await.unwrap();
    f.store.settle_push(attempted(f, &dead, 1, PushNext::Dead)).await.unwrap();
    let pushes = vec![
        f.push(tenant, destination, lead),
        f.push(tenant, f.id(), lead),
        f.push(tenant, destination, f.id()),
        f.push(tenant, destination, lead),
    ];
    f.store.push_create(pushes.clone()).await.unwrap();
    assert_eq!(f.store.push_retry(tenant, dead.id).await.unwrap(), Some(true));
    let claimed = f.store.push_claim(10).await.unwrap();
    assert_eq!(claimed.len(), 5);
    for claimed in claimed {
        let same = claimed.push.lead == lead && claimed.push.destination == destination;
        assert_eq!(claimed.previous, same.then(|| receipt("2")), "{:?}", claimed.push);
    }
}

pub(crate) async fn pushes_are_listed_by_destination_lead_and_status(f: &Fixture) {
    let (tenant, lead) = (f.tenant().await, f.id());
    let destinations = [f.id(), f.id()];
    let pushes: Vec<_> = (0..8_usize)
        .map(|number| f.push(tenant, destinations[number % 2], if number < 4 { lead } else { f.id() }))
        .collect();
    f.store.push_create(pushes.clone()).await.unwrap();
    f.store.push_claim(10).await.unwrap();
    for (number, push) in pushes.iter().enumerate() {
        let next = match number % 3 {
            0 => PushNext::Dead,
            1 => PushNext::Done(receipt("1")),
            _ => continue,
        };
        f.store.settle_push(attempted(f, push, 1, next)).await.unwrap();
    }
    let page = PageRequest::first(ALL);
    let everything = f.store.push_list(tenant, PushFilter::default(), page).await.unwrap();
    assert_eq!(everything.len(), 8);
    assert!(everything.windows(2).all(|pair| pair[0].push.id > pair[1].push.id));
    for destination in [None, Some(destinations[0])] {
        for lead in [None, Some(lead)] {
            for status in [None].into_iter().chain(PushStatus::ALL.map(Some)) {
                let filter = PushFilter { destination, lead, status };
                let expected = everything.iter().filter(|row| {
                    destination.is_none_or(|destination| destination == row.push.destination)
                        && lead.is_none_or(|lead| lead == row.push.lead)
                        && status.is_none_or(|status| status == row.status)
                });
                let found = f.store.push_list(tenant, filter, page).await.unwrap();
                assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{filter:?}");
            }
        }
    }
}

pub(crate) async fn a_deleted_destination_kills_what_waited_for_it(f: &Fixture) {
    let tenant = f.tenant().await;
    let destination = f.store.destination_create(new_destination(tenant, "crm")).await.unwrap().id;
    let push = f.push(tenant, destination, f.id());
    f.store.push_create(vec![push.clone()]).await.unwrap();
    f.store.push_claim(1).await.unwrap();
    assert!(f.store.destination_delete(tenant, destination).await.unwrap());
    assert!(!f.store.destination_delete(tenant, destination).await.unwrap());
    let (row, _) = f.store.push_get(tenant, push.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.last_error.as_deref()), (PushStatus::Dead, Some("the destination was deleted")));
    assert!(!f.store.settle_push(attempted(f, &push, 1, PushNext::Done(receipt("1")))).await.unwrap());
    assert!(f.store.destination_vault(tenant, destination).await.unwrap().is_empty());
    f.clock.advance(limits::LEASE);
    assert!(f.store.push_claim(10).await.unwrap().is_empty());
}
