//! Connections that wait to be used again.
//!
//! They are kept by the address that was vetted for them, then by scheme and host: a connection is never found through
//! a name, so a name that now resolves to another address does not reach the old one, nor the other way round. The
//! lock is held for a few pointer moves and never across an await.
//!
//! No task tidies up. Age is measured when a connection is taken, and the rest is swept, at most once a second, when
//! another is put back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::connection::Connection;
use crate::limits::{IDLE_PER_LANE_MAX, IDLE_SWEEP_INTERVAL, IDLE_TIMEOUT, IDLE_TOTAL_MAX};

/// Who may use a connection at an address: requests of the same scheme, for the same host.
#[derive(Clone, Copy)]
pub(crate) struct LaneKey<'a> {
    pub(crate) tls: bool,
    pub(crate) host: &'a str,
}

pub(crate) struct Pool {
    idle: Mutex<Idle>,
}

struct Idle {
    lanes: HashMap<SocketAddr, Vec<Lane>>,
    total: usize,
    swept: Instant,
}

struct Lane {
    tls: bool,
    host: Box<str>,
    /// In the order in which they were put back: the last one is the youngest.
    waiting: Vec<Waiting>,
}

struct Waiting {
    since: Instant,
    connection: Box<Connection>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self { idle: Mutex::new(Idle { lanes: HashMap::new(), total: 0, swept: Instant::now() }) }
    }

    /// The connection that was used last, if it is young enough. Whether it is still open is for the taker to see.
    pub(crate) fn take(&self, address: SocketAddr, key: LaneKey<'_>, now: Instant) -> Option<Box<Connection>> {
        let mut idle = self.lock();
        let lane = idle.lanes.get_mut(&address)?.iter_mut().find(|lane| lane.serves(key))?;
        let waiting = lane.waiting.pop()?;
        if now.duration_since(waiting.since) < IDLE_TIMEOUT {
            idle.total -= 1;
            return Some(waiting.connection);
        }
        // The others wait even longer.
        let expired = 1 + lane.waiting.drain(..).len();
        idle.total -= expired;
        None
    }

    /// Keeps a connection that can take a request, unless too many wait already.
    pub(crate) fn put(&self, key: LaneKey<'_>, connection: Box<Connection>, now: Instant) {
        let mut idle = self.lock();
        if now.duration_since(idle.swept) >= IDLE_SWEEP_INTERVAL {
            idle.sweep(now);
        }
        if idle.total >= IDLE_TOTAL_MAX {
            return;
        }
        let lanes = idle.lanes.entry(connection.address).or_default();
        let waiting = Waiting { since: now, connection };
        match lanes.iter_mut().find(|lane| lane.serves(key)) {
            Some(lane) if lane.waiting.len() >= IDLE_PER_LANE_MAX => return,
            Some(lane) => lane.waiting.push(waiting),
            None => lanes.push(Lane { tls: key.tls, host: key.host.into(), waiting: vec![waiting] }),
        }
        idle.total += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn sweep(&mut self, now: Instant) {
        let mut total = 0;
        self.lanes.retain(|_, lanes| {
            lanes.retain_mut(|lane| {
                lane.waiting.retain(|waiting| now.duration_since(waiting.since) < IDLE_TIMEOUT);
                total += lane.waiting.len();
                !lane.waiting.is_empty()
            });
            !lanes.is_empty()
        });
        self.total = total;
        self.swept = now;
    }
}

impl Lane {
    fn serves(&self, key: LaneKey<'_>) -> bool {
        self.tls == key.tls && *self.host == *key.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::either::Either;

    const KEY: LaneKey<'static> = LaneKey { tls: false, host: "a.example" };

    async fn connection(listener: &TcpListener) -> Box<Connection> {
        let address = listener.local_addr().expect("an address");
        let stream = TcpStream::connect(address).await.expect("a connection");
        Box::new(Connection::open(Either::Left(stream), address).await.expect("a connection"))
    }

    #[tokio::test]
    async fn a_lane_is_bounded_and_serves_its_own_host_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (pool, now) = (Pool::new(), Instant::now());
        for _ in 0..=IDLE_PER_LANE_MAX {
            pool.put(KEY, connection(&listener).await, now);
        }
        assert_eq!(pool.lock().total, IDLE_PER_LANE_MAX);
        assert!(pool.take(address, LaneKey { tls: true, ..KEY }, now).is_none());
        assert!(pool.take(address, LaneKey { host: "b.example", ..KEY }, now).is_none());
        assert!(pool.take("127.0.0.1:1".parse().expect("an address"), KEY, now).is_none());
        for _ in 0..IDLE_PER_LANE_MAX {
            assert!(pool.take(address, KEY, now).is_some());
        }
        assert!(pool.take(address, KEY, now).is_none());
        assert_eq!(pool.lock().total, 0);
    }

    #[tokio::test]
    async fn what_has_expired_is_neither_taken_nor_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (pool, now) = (Pool::new(), Instant::now());
        let later = now + IDLE_TIMEOUT;
        for _ in 0..3 {
            pool.put(KEY, connection(&listener).await, now);
        }
        assert!(pool.take(address, KEY, later - Duration::from_millis(1)).is_some());
        assert!(pool.take(address, KEY, later).is_none());
        assert_eq!(pool.lock().total, 0, "the ones below are even older");

        pool.put(KEY, connection(&listener).await, now);
        pool.put(LaneKey { host: "b.example", ..KEY }, connection(&listener).await, later);
        assert_eq!(pool.lock().total, 1, "putting one back sweeps the others");
        assert_eq!(pool.lock().lanes.values().map(Vec::len).sum::<usize>(), 1);
    }
}
