//! Turns: of the requests in this process that carry the same key, one goes at a time.
//!
//! A turn is a lock that is held while a request is carried out, across everything that it waits for; that is what it
//! is for. Locks are made when they are wanted and gone when nobody wants them, so there are never more than requests
//! in flight. Nodes do not take turns with each other: there the store says who was first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookyard_model::id::TenantId;
use tokio::sync::OwnedMutexGuard;

/// Whose key, and which.
pub(super) type Name = (Option<TenantId>, String);

type Lock = Arc<tokio::sync::Mutex<()>>;

/// The locks that are wanted now. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Name, Lock>>>);

/// A turn, or a place in the line for it; it ends when it is dropped.
pub(super) struct Turn {
    turns: Turns,
    name: Name,
    lock: Option<Lock>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the turn. Cancel-safe: a place that is given up is free.
    pub(super) async fn take(&self, name: Name) -> Turn {
        let lock = Arc::clone(self.locks().entry(name.clone()).or_default());
        let mut turn = Turn { turns: self.clone(), name, lock: Some(Arc::clone(&lock)), held: None };
        turn.held = Some(lock.lock_owned().await);
        turn
    }

    fn locks(&self) -> MutexGuard<'_, HashMap<Name, Lock>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held.take();
        // Counted under the lock under which others are handed out: this one's clone goes first, then only the
        // map's is left if nobody else wants it.
        let mut locks = self.turns.locks();
        self.lock.take();
        if locks.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn name(key: &str) -> Name {
        (None, key.to_owned())
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_others_do_not() {
        let turns = Turns::default();
        let first = turns.take(name("a")).await;
        let mut second = Box::pin(turns.take(name("a")));
        assert!((&mut second).now_or_never().is_none());
        assert!(turns.take(name("b")).now_or_never().is_some());
        drop(first);
        drop(second.await);
        assert!(turns.locks().is_empty());
    }

    #[tokio::test]
    async fn a_place_that_is_given_up_leaves_nothing_behind() {
        let turns = Turns::default();
        let first = turns.take(name("a")).await;
        let mut second = Box::pin(turns.take(name("a")));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        drop(second);
        assert!(turns.locks().is_empty());
    }
}
