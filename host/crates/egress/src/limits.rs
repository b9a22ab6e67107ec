//! Every bound of the way out, by name and with its unit.
//!
//! What a caller may choose (the timeout of an attempt, the bytes of a response) comes with each request; what stands
//! here holds for all of them.

use std::time::Duration;

// What is asked for.

/// Longest URL, in bytes. Long enough for a query full of field names and a token.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// Longest host name, in bytes, without the trailing dot: DNS's own bound.
pub const HOST_BYTES_MAX: usize = 253;
/// Ports that need no permission.
pub const PORTS: [u16; 3] = [80, 443, 8443];
/// Longest attempt, whatever its caller wishes: a mistake there must not hold a slot for ever.
pub const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(120);

// Finding the host and reaching it.

/// How long a name may take to resolve, all servers and retries together.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one DNS server may take; two tries fit into [`DNS_TIMEOUT`].
pub const DNS_TRY_TIMEOUT: Duration = Duration::from_millis(900);
/// Tries after the first one.
pub const DNS_RETRIES_MAX: usize = 1;
/// How long one address may take to accept a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Most addresses of one name that one attempt dials.
pub const ADDRESSES_MAX: usize = 4;

// What comes back.

/// Largest head of a response, in bytes.
pub const RESPONSE_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most header fields of a response. It is the number that hyper parses without touching the heap, so it is not set
/// but tested.
pub const RESPONSE_HEADERS_MAX: usize = 100;

// What is kept for the next request.

/// How long a connection may wait to be used again; receivers close theirs after 5 to 75 seconds.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most connections that wait for the same host at the same address.
pub const IDLE_PER_LANE_MAX: usize = 128;
/// Most connections that wait, all together; each is a file descriptor.
pub const IDLE_TOTAL_MAX: usize = 1024;
/// How often the waiting connections are looked through for expired ones, at most.
pub const IDLE_SWEEP_INTERVAL: Duration = Duration::from_secs(1);

// The command line's client.

/// How long the command line waits for a connection to the API.
pub const API_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the command line waits for an answer; long enough for an upload that is compiled meanwhile.
pub const API_TIMEOUT: Duration = Duration::from_secs(120);
/// Largest answer that the command line reads, in bytes.
pub const API_RESPONSE_BYTES_MAX: usize = 64 * 1024 * 1024;
