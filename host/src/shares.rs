//! Shares: how much of the way out one subscription may take.
//!
//! A subscription has so many attempts under way at a time. What comes for it beyond that is parked in memory and let in
//! as others leave, in the order in which it came; so a burst to one receiver costs nothing but its turn. Parking is
//! bounded, in rows and in time: what finds no room is put back in the table, what has waited long is dropped (its lease
//! runs out, and it falls due), and a subscription that has used its share up is left out of the next claims. A receiver
//! that hangs therefore holds up a share and some memory, and nobody else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookyard_model::delivery::ClaimedDelivery;
use hookyard_model::id::SubscriptionId;
use hookyard_model::limits;
use tokio::time::Instant;

/// Who uses how much. Cheap to clone.
#[derive(Clone, Default)]
pub struct Shares {
    lanes: Arc<Mutex<Lanes>>,
}

#[derive(Default)]
struct Lanes {
    by_subscription: HashMap<SubscriptionId, Lane>,
    parked: usize,
}

#[derive(Default)]
struct Lane {
    under_way: usize,
    parked: VecDeque<(Instant, ClaimedDelivery)>,
}

/// What became of a delivery that wanted in.
pub(super) enum Entered {
    /// It is in.
    Now(Share, ClaimedDelivery),
    /// It waits for somebody to leave.
    Parked,
    /// There is no room to wait in.
    Full(ClaimedDelivery),
}

/// One attempt of a subscription's share; given back when dropped.
pub(super) struct Share {
    shares: Shares,
    subscription: SubscriptionId,
}

impl Shares {
    pub(super) fn enter(&self, row: ClaimedDelivery) -> Entered {
        let subscription = row.delivery.subscription;
        let mut lanes = self.lock();
        let has_room = lanes.parked < limits::PARKED_ROWS_MAX;
        let lane = lanes.by_subscription.entry(subscription).or_default();
        if lane.under_way < limits::DELIVER_CONCURRENCY_PER_SUBSCRIPTION {
            lane.under_way += 1;
            return Entered::Now(Share { shares: self.clone(), subscription }, row);
        }
        if !has_room {
            return Entered::Full(row);
        }
        lane.parked.push_back((Instant::now(), row));
        lanes.parked += 1;
        Entered::Parked
    }

    /// Those for which nothing should be claimed at the moment.
    pub(super) fn used_up(&self) -> Vec<SubscriptionId> {
        let lanes = self.lock();
        let full = |lane: &Lane| lane.under_way >= limits::DELIVER_CONCURRENCY_PER_SUBSCRIPTION;
        lanes.by_subscription.iter().filter(|(_, lane)| full(lane)).map(|(subscription, _)| *subscription).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Gives it back; who has waited longest for it, and not too long.
    pub(super) fn leave(self) -> Option<ClaimedDelivery> {
        let mut lanes = self.shares.lock();
        let lane = lanes.by_subscription.get_mut(&self.subscription)?;
        let (mut left, mut found) = (0, None);
        while let Some((since, row)) = lane.parked.pop_front() {
            left += 1;
            if since.elapsed() <= limits::PARKED_FOR_MAX {
                found = Some(row);
                break;
            }
        }
        lanes.parked = lanes.parked.saturating_sub(left);
        drop(lanes);
        found
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut lanes = self.shares.lock();
        if let Some(lane) = lanes.by_subscription.get_mut(&self.subscription) {
            lane.under_way = lane.under_way.saturating_sub(1);
            if lane.under_way == 0 && lane.parked.is_empty() {
                lanes.by_subscription.remove(&self.subscription);
            }
        }
    }
}
