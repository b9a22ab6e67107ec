//! Every bound of the product, by name and with its unit.
//!
//! A loop, queue, body, log or guest without a line here is a defect. What an operator may change is configuration
//! and has its default here; the rest is the contract that the documentation quotes.

use std::time::Duration;

// What comes in.

/// Largest body of a provider's request, in bytes. GitHub caps its own at 25 MB; leads are a thousandth of this.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Largest body of a call to the API, in bytes; uploads of components have their own.
pub const API_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Largest header section of a request, in bytes.
pub const REQUEST_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Most header fields in a request.
pub const REQUEST_HEADERS_MAX: usize = 100;
/// How long a connection may take to bring a whole request head.
pub const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's body may take.
pub const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Most connections that one listener holds open.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Most events in one provider's request; Meta promises at most 1000.
pub const EVENTS_PER_REQUEST_MAX: usize = 1_000;
/// Largest payload of one logged event, in bytes.
pub const EVENT_PAYLOAD_BYTES_MAX: usize = WEBHOOK_BODY_BYTES_MAX;
/// Longest event type, in bytes.
pub const EVENT_TYPE_BYTES_MAX: usize = 128;
/// Longest account key, in bytes.
pub const ACCOUNT_KEY_BYTES_MAX: usize = 256;

// What proves it.

/// How far a signed time may be from ours, either way.
pub const PROOF_TOLERANCE: Duration = Duration::from_secs(300);
/// Most signatures that one request may offer.
pub const PROOF_SIGNATURES_MAX: usize = 16;
/// Most parts of what was signed.
pub const PROOF_PARTS_MAX: usize = 32;
/// Most live values of one secret.
pub const SECRET_VALUES_MAX: usize = 8;
/// Longest secret or credential as pasted, in bytes.
pub const SECRET_BYTES_MAX: usize = 8 * 1024;

// What runs inside.

/// Largest component that compiles to itself (Rust, C, Go without a runtime), in bytes.
pub const COMPONENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest component that carries an interpreter, in bytes.
pub const COMPONENT_INTERPRETED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Guest memory, summed over all memories of an instance, in bytes.
pub const GUEST_MEMORY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The same for a component that carries an interpreter.
pub const GUEST_INTERPRETED_MEMORY_BYTES_MAX: usize = 128 * 1024 * 1024;
/// How many times the CPU of the other limits a component that carries an interpreter may use.
pub const GUEST_INTERPRETED_CPU_FACTOR: u32 = 10;
/// Elements of all tables of an instance together.
pub const GUEST_TABLE_ELEMENTS_MAX: usize = 20_000;
/// CPU that `receive` may use.
pub const RECEIVE_CPU: Duration = Duration::from_millis(20);
/// CPU that one step of `normalize` or `list-page` may use: from a start to the next effect or the end.
pub const NORMALIZE_CPU: Duration = Duration::from_millis(50);
/// CPU that one step of a flow or a push may use: from a start to the next effect or the end.
pub const FLOW_CPU: Duration = Duration::from_millis(50);
/// CPU that `describe` may use.
pub const DESCRIBE_CPU: Duration = Duration::from_millis(100);
/// Wall time that a call may take as a multiple of its CPU, for a machine that is busy with other things.
pub const GUEST_WALL_FACTOR: u32 = 20;
/// Log lines of one run, in bytes of text.
pub const GUEST_LOG_BYTES_MAX: usize = 16 * 1024;
/// What a guest may hand over in one call, in bytes: a request's whole body as payloads, and as much again.
pub const GUEST_OUTPUT_BYTES_MAX: usize = 2 * WEBHOOK_BODY_BYTES_MAX;
/// What a guest may hand to the host in one host call or result, canonical ABI included, in bytes.
pub const GUEST_HOSTCALL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Resource handles of one instance.
pub const GUEST_HANDLES_MAX: usize = 1_000;
/// Host calls of one call, whatever they are: few enough that a flood ends here and not by its CPU, many enough for a
/// line of log for each event of a request.
pub const GUEST_HOST_CALLS_MAX: u32 = 20_000;
/// Effects of one run.
pub const EFFECTS_PER_RUN_MAX: usize = 64;
/// CPU seconds that compiling one component may take.
pub const COMPILE_CPU: Duration = Duration::from_secs(20);
/// Wall time that compiling one component may take.
pub const COMPILE_WALL: Duration = Duration::from_secs(60);
/// Address space of the compiling process, in bytes.
pub const COMPILE_ADDRESS_SPACE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Uploads that compile at the same time, in one process.
pub const COMPILES_AT_ONCE: usize = 1;
/// Machine code of loaded components that one process keeps mapped, in bytes.
pub const LOADED_CODE_BYTES_MAX: u64 = 512 * 1024 * 1024;

// What a flow does.

/// Most flows of one tenant.
pub const FLOWS_PER_TENANT_MAX: usize = 250;
/// How long a flow of stage `before`, or a transform, may take in all, its fetches included.
pub const BEFORE_WITHIN: Duration = Duration::from_secs(10);
/// Actions of one run.
pub const ACTIONS_PER_RUN_MAX: usize = 100;
/// The longest sleep that a flow may ask for.
pub const SLEEP_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// Replies in one run's journal together, in bytes.
pub const JOURNAL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Events before an event in its chain: a flow that emits what starts it ends here.
pub const EVENT_CHAIN_MAX: u32 = 8;
/// Longest key of a flow's state, in bytes.
pub const STATE_KEY_BYTES_MAX: usize = 256;
/// Largest value of a flow's state, in bytes.
pub const STATE_VALUE_BYTES_MAX: usize = 64 * 1024;
/// State keys that one run may write.
pub const STATE_WRITES_PER_RUN_MAX: usize = 100;
/// State keys of one flow.
pub const STATE_KEYS_PER_FLOW_MAX: u32 = 100_000;
/// Runs that are under way at the same time, in one process; one that sleeps is not.
pub const RUN_CONCURRENCY: usize = 256;
/// Runs of one tenant that are under way at the same time, in one process.
pub const RUNS_PER_TENANT_AT_ONCE: usize = 16;
/// CPU that one tenant's flows may use, in one process, for each second of time.
pub const FLOW_CPU_PER_SECOND: Duration = Duration::from_millis(200);
/// Runs that one tenant may begin in a day (UTC); more are `LIMITED`.
pub const RUNS_PER_DAY_MAX: u32 = 100_000;
/// How often a run is tried again because its guest asked for it or the host was at fault: with its backoff, about a day.
pub const RUN_FAILURES_MAX: u32 = 30;
/// Crashes of one version of a plugin within [`TRAP_WINDOW`] after which it is paused.
pub const TRAPS_MAX: usize = 20;
/// See [`TRAPS_MAX`].
pub const TRAP_WINDOW: Duration = Duration::from_secs(300);
/// Runs that one comparison replays.
pub const COMPARED_RUNS_MAX: u32 = 100;

// What a plugin asks of the outside.

/// How long a plugin's `fetch` may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(15);
/// Largest answer to a plugin's `fetch`, in bytes.
pub const FETCH_RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

// What waits.

/// How long a claim holds before another worker may take the row.
pub const LEASE: Duration = Duration::from_secs(60);
/// Rows between two stages that wait in memory, in one process.
pub const HANDOFF_ROWS_MAX: usize = 4_096;
/// Largest payload that is handed from stage to stage through memory, in bytes; a larger one is read back from its row.
pub const HANDOFF_BYTES_MAX: usize = 32 * 1024;
/// Events that are being normalized at the same time, in one process.
pub const NORMALIZE_CONCURRENCY: usize = 256;
/// Events of one tenant that are being normalized at the same time, in one process.
pub const NORMALIZE_CONCURRENCY_PER_TENANT: usize = 128;
/// Deliveries that are under way at the same time, in one process.
pub const DELIVER_CONCURRENCY: usize = 512;
/// Deliveries to one subscription that are under way at the same time.
pub const DELIVER_CONCURRENCY_PER_SUBSCRIPTION: usize = 64;
/// Deliveries that wait in memory for their subscription's share, in one process.
pub const PARKED_ROWS_MAX: usize = 4_096;
/// How long one may wait there: well within its lease, or another worker could have claimed it meanwhile.
pub const PARKED_FOR_MAX: Duration = Duration::from_secs(20);
/// Tries of `normalize` before an event has failed: with its backoff, about a day.
pub const NORMALIZE_TRIES_MAX: u32 = 36;
/// After how long an event that waits for a person (`unauthorized`) is looked at again, should nobody reconnect the
/// account, which makes it due at once.
pub const UNAUTHORIZED_RECHECK: Duration = Duration::from_secs(24 * 3600);

/// Pushes that are under way at the same time, in one process.
pub const PUSH_CONCURRENCY: usize = 64;
/// Pushes to one destination that are under way at the same time.
pub const PUSH_CONCURRENCY_PER_DESTINATION: usize = 8;

// What goes out.

/// How long a receiver has, unless the subscription says otherwise.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest that a subscription may give its receiver.
pub const DELIVERY_TIMEOUT_MAX: Duration = Duration::from_secs(30);
/// What is kept of a receiver's answer, in bytes.
pub const ATTEMPT_BODY_BYTES_MAX: usize = 16 * 1024;
/// The latest that a Retry-After may put off the next attempt.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// Most subscriptions of one tenant.
pub const SUBSCRIPTIONS_PER_TENANT_MAX: usize = 1_000;
/// Most event types in one subscription.
pub const SUBSCRIPTION_EVENT_TYPES_MAX: usize = 100;
/// Subscriptions that an event's story names one by one.
pub const FANOUT_RECORDED_MAX: usize = 1_000;

// What is listed.

/// Rows of a page where the caller does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Most rows of a page.
pub const PAGE_MAX: u32 = 250;
/// Samples of refused requests that are kept, in rows.
pub const REFUSALS_KEPT_MAX: i64 = 1_000;
/// Refused requests that are sampled, in one process and minute, for each provider.
pub const REFUSALS_SAMPLED_PER_MINUTE: u32 = 10;
