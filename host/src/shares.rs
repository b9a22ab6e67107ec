//! Shares: how much of a stage one of its users may take.
//!
//! A user (a subscription of `deliver`, a tenant of `flows`) has so many rows under way at a time. What comes for it
//! beyond that is parked in memory and let in as others leave, in the order in which it came; so a burst for one user
//! costs nothing but its turn. Parking is bounded, in rows and in time: what finds no room is put back in the table, what
//! has waited long is dropped (its lease runs out, and it falls due), and a user that has used its share up is left out
//! of the next claims. A user that hangs therefore holds up a share and some memory, and nobody else.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookyard_model::limits;
use tokio::time::Instant;

use crate::worker::Handoff;

/// Who uses how much. Cheap to clone.
pub struct Shares<U, R> {
    lanes: Arc<Mutex<Lanes<U, R>>>,
    share: usize,
}

struct Lanes<U, R> {
    by_user: HashMap<U, Lane<R>>,
    parked: usize,
}

struct Lane<R> {
    under_way: usize,
    parked: VecDeque<(Instant, R)>,
}

/// What became of a row that wanted in.
pub enum Entered<U: Copy + Eq + Hash, R> {
    /// It is in.
    Now(Share<U, R>, R),
    /// It waits for somebody to leave.
    Parked,
    /// There is no room to wait in.
    Full(R),
}

/// One row's part of its user's share; given back when dropped.
pub struct Share<U: Copy + Eq + Hash, R> {
    shares: Shares<U, R>,
    user: U,
}

impl<U, R> Clone for Shares<U, R> {
    fn clone(&self) -> Self {
        Self { lanes: Arc::clone(&self.lanes), share: self.share }
    }
}

impl<U: Copy + Eq + Hash, R> Shares<U, R> {
    /// Each user has `share` rows under way at most.
    #[must_use]
    pub fn new(share: usize) -> Self {
        Self { lanes: Arc::new(Mutex::new(Lanes { by_user: HashMap::new(), parked: 0 })), share }
    }

    /// Lets a row in, or parks it.
    pub fn enter(&self, user: U, row: R) -> Entered<U, R> {
        let mut lanes = self.lock();
        let has_room = lanes.parked < limits::PARKED_ROWS_MAX;
        let lane = lanes.by_user.entry(user).or_insert_with(|| Lane { under_way: 0, parked: VecDeque::new() });
        if lane.under_way < self.share {
            lane.under_way += 1;
            return Entered::Now(Share { shares: self.clone(), user }, row);
        }
        if !has_room {
            return Entered::Full(row);
        }
        lane.parked.push_back((Instant::now(), row));
        lanes.parked += 1;
        Entered::Parked
    }

    /// Those for which nothing should be claimed at the moment.
    #[must_use]
    pub fn used_up(&self) -> Vec<U> {
        let lanes = self.lock();
        let full = |lane: &Lane<R>| lane.under_way >= self.share;
        lanes.by_user.iter().filter(|(_, lane)| full(lane)).map(|(user, _)| *user).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Lanes<U, R>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<U: Copy + Eq + Hash, R> Share<U, R> {
    /// Gives it back, and lets in who has waited longest for it; the row, if there is no place for it in `again`.
    #[must_use]
    pub fn leave_to(self, again: &Handoff<R>) -> Option<R> {
        let row = self.leave()?;
        match again.reserve() {
            Some(place) => {
                place.send(row);
                None
            }
            None => Some(row),
        }
    }

    fn leave(self) -> Option<R> {
        let mut lanes = self.shares.lock();
        let lane = lanes.by_user.get_mut(&self.user)?;
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

impl<U: Copy + Eq + Hash, R> Drop for Share<U, R> {
    fn drop(&mut self) {
        let mut lanes = self.shares.lock();
        if let Some(lane) = lanes.by_user.get_mut(&self.user) {
            lane.under_way = lane.under_way.saturating_sub(1);
            if lane.under_way == 0 && lane.parked.is_empty() {
                lanes.by_user.remove(&self.user);
            }
        }
    }
}
