-- Hookyard's tables. Columns are TEXT, BIGINT (milliseconds, counts, 0 or 1) and BYTEA; JSON and free text are bytes,
-- because TEXT cannot hold \0 in PostgreSQL. `owner_id` is a tenant's id, or `operator`. Times come from our clock.
-- COLLATE "C": text compares by its bytes, as it does in SQLite, and no upgrade of the system's locales unsorts an index.

-- What the whole installation knows of itself; the operator's, hence without a tenant.
CREATE TABLE config (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- `version`
    value BIGINT NOT NULL           -- read by config_version, counted up by every management write
);
INSERT INTO config (name, value) VALUES ('version', 1);

-- Data keys, wrapped under the master key; the operator's also proves, at every start, that it is the right one.
CREATE TABLE data_keys (
    owner_id TEXT COLLATE "C" NOT NULL,
    key_id BIGINT NOT NULL,         -- part of what seals a secret, so that a key can be replaced
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, key_id)
);

-- Every secret and credential, sealed to its place: its columns are authenticated with it.
CREATE TABLE secrets (
    owner_id TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,           -- the id of what it belongs to, or `provider:` and its name
    kind TEXT COLLATE "C" NOT NULL,             -- `secret` or `credential`
    name TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,       -- 0 is the newest
    key_id BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (owner_id, holder, kind, name, position)
);

CREATE TABLE tenants (
    tenant_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

-- API keys, by hash.
CREATE TABLE keys (
    owner_id TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    scopes BYTEA NOT NULL,        -- a JSON list of words
    sha256 BYTEA NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL,           -- what people see
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (owner_id, key_id)
);
-- key_find: whose key this is, is what it answers.
CREATE UNIQUE INDEX keys_by_hash ON keys (sha256);

-- Components by their digest: the same bytes are stored once, whoever uploaded them.
CREATE TABLE components (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    bytes BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE plugins (
    owner_id TEXT COLLATE "C" NOT NULL,
    plugin_id TEXT COLLATE "C" NOT NULL,
    world TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    active BIGINT,                  -- the version that runs
    previous BIGINT,                -- the one that a rollback goes to
    versions BIGINT NOT NULL,       -- how many there have been; counts the next
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, plugin_id)
);
-- plugin_resolve, and plugin_add_version: one plugin of a name for each owner.
CREATE UNIQUE INDEX plugins_by_name ON plugins (owner_id, world, name);

CREATE TABLE plugin_versions (
    owner_id TEXT COLLATE "C" NOT NULL,
    plugin_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL REFERENCES components (digest),
    manifest BYTEA NOT NULL,
    bytes BIGINT NOT NULL,          -- the component's size
    origin TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    paused BYTEA,                    -- why the host took it out of service, where it did
    PRIMARY KEY (owner_id, plugin_id, version),
    FOREIGN KEY (owner_id, plugin_id) REFERENCES plugins (owner_id, plugin_id)
);
-- plugin_add_version: the same component again is the same version.
CREATE UNIQUE INDEX plugin_versions_by_digest ON plugin_versions (owner_id, plugin_id, digest);

CREATE TABLE accounts (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (tenant_id),
    account_id TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    account_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    settings BYTEA NOT NULL,      -- JSON
    default_country TEXT COLLATE "C",
    unsigned BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    status_reason BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
);
-- account_create: one account of a key for each tenant and provider.
CREATE UNIQUE INDEX accounts_by_key ON accounts (tenant_id, provider, account_key);
-- account_find: an account's own route names no tenant.
CREATE UNIQUE INDEX accounts_by_id ON accounts (account_id);

-- Whose account key it is on a provider's shared route: the tenant's that came first.
CREATE TABLE account_routes (
    provider TEXT COLLATE "C" NOT NULL,
    account_key TEXT COLLATE "C" NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (provider, account_key)
);

CREATE TABLE subscriptions (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (tenant_id),
    subscription_id TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    event_types BYTEA NOT NULL,   -- a JSON list of patterns
    provider TEXT COLLATE "C",
    style TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    status_reason BYTEA,
    retry_seconds BYTEA,          -- a JSON list of numbers; the style's where none
    timeout_ms BIGINT NOT NULL,
    transform TEXT COLLATE "C",                 -- the flow whose emitted event is the body
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id)
);

-- A tenant's automations. Settling a run that touches its flow's state locks the flow's row first.
CREATE TABLE flows (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (tenant_id),
    flow_id TEXT COLLATE "C" NOT NULL,
    name BYTEA NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    triggers BYTEA,                  -- a JSON list of patterns; the manifest's where none
    providers BYTEA NOT NULL,        -- a JSON list
    filter BYTEA,                    -- JSON
    settings BYTEA NOT NULL,         -- JSON
    hosts BYTEA,                     -- a JSON list; all of the manifest's where none
    on_failure TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    status_reason BYTEA,
    state_keys BIGINT NOT NULL,     -- rows of flow_state; counted here because they may be many
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, flow_id)
);

-- Where a tenant's leads are pushed.
CREATE TABLE destinations (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (tenant_id),
    destination_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,             -- what flows call it
    plugin TEXT COLLATE "C" NOT NULL,
    settings BYTEA NOT NULL,         -- JSON
    mapping BYTEA NOT NULL,          -- JSON
    status TEXT COLLATE "C" NOT NULL,
    status_reason BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, destination_id)
);
-- destination_find, and destination_create: one of a name for each tenant.
CREATE UNIQUE INDEX destinations_by_name ON destinations (tenant_id, name);

-- From here on rows are many, and every index is paid for by each event. No table below refers to another by a
-- foreign key, for the same reason: rows are deleted by purge alone, which knows what hangs on what.

-- Logged facts, and the queue of those that are not understood yet: RECEIVED and "has a due_at" are the same.
CREATE TABLE events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL, -- '' where it has none, as for provider
    provider TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    kind BIGINT NOT NULL,           -- a hash of account and type; see event_kinds
    provider_event_id BYTEA,
    occurred_at BIGINT,
    received_at BIGINT NOT NULL,
    received_by BYTEA,               -- JSON: which plugin version received or emitted it
    caused_by TEXT COLLATE "C",                 -- the event that it came of
    run_id TEXT COLLATE "C",                    -- the run that emitted it
    lead_id TEXT COLLATE "C",                   -- the lead of the event that it came of; not its own
    depth BIGINT NOT NULL,          -- how many events there are before it in its chain
    status TEXT COLLATE "C" NOT NULL,
    due_at BIGINT,                  -- when it may be claimed; none where it has ended
    tries BIGINT NOT NULL,          -- the number of its last claim, which fences every write
    payload BYTEA NOT NULL,       -- the provider's own JSON
    PRIMARY KEY (tenant_id, event_id) -- event_get, event_list, purge
) WITH (
    fillfactor = 80,                -- room for the settled version of a row on its own page
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02
);
-- event_claim, backlog, event_list of RECEIVED: small, because only what is not done is in it.
CREATE INDEX events_due ON events (due_at) WHERE due_at IS NOT NULL;
-- event_list by type, provider, account or any of them together: each is a set of kinds, and each kind a range.
CREATE INDEX events_by_kind ON events (tenant_id, kind, event_id);
-- event_list of the ends that people look for; PROCESSED is nearly all, and found by the primary key.
CREATE INDEX events_ended_badly ON events (tenant_id, status, event_id) WHERE status = 'FAILED' OR status = 'DUPLICATE';

-- What became of an event. Not in its row: that would grow as it is settled, and a row that grows moves.
CREATE TABLE event_outcomes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    lead_id TEXT COLLATE "C",                   -- settle_event, for duplicates of it; purge
    dedup_key BYTEA,                 -- the key that it owns; purge
    data BYTEA,                      -- JSON for receivers
    outcome BYTEA NOT NULL,          -- JSON
    delivery_ids BYTEA,              -- its deliveries' ids in lines; delivery_list and purge: a column here costs
                                    -- nothing, an index over deliveries would cost each of them
    PRIMARY KEY (tenant_id, event_id) -- event_get, event_list, delivery_claim, purge
);

-- Which kinds of events a tenant has: one row for each account and type. Two may share a hash; a reader compares both.
CREATE TABLE event_kinds (
    tenant_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    kind BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, account_id, event_type)
);

-- What was seen already: the primary key is the whole of deduplication.
CREATE TABLE dedup_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    dedup_key BYTEA NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,         -- the first one; the others point to it
    PRIMARY KEY (tenant_id, account_id, dedup_key)
);

CREATE TABLE leads (
    tenant_id TEXT COLLATE "C" NOT NULL,
    lead_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    lead BYTEA NOT NULL,          -- JSON
    PRIMARY KEY (tenant_id, lead_id) -- lead_get, lead_list
);
-- lead_list of one account.
CREATE INDEX leads_by_account ON leads (tenant_id, account_id, lead_id);

-- One event for one subscription, and the queue of those that wait.
CREATE TABLE deliveries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    due_at BIGINT,                  -- when it may be claimed; none where it has ended
    tries BIGINT NOT NULL,          -- the number of its last claim, which fences every write
    attempts BIGINT NOT NULL,
    last_status BIGINT,
    last_error BYTEA,
    PRIMARY KEY (tenant_id, delivery_id) -- delivery_get, delivery_list, purge
) WITH (
    fillfactor = 80,                -- room for the settled version of a row on its own page
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02
);
-- delivery_claim (which passes over the excluded subscriptions without leaving the index), backlog.
CREATE INDEX deliveries_due ON deliveries (due_at, subscription_id) WHERE due_at IS NOT NULL;
-- delivery_list of one subscription, subscription_delete.
CREATE INDEX deliveries_by_subscription ON deliveries (tenant_id, subscription_id, delivery_id);
-- delivery_list of what needs a person.
CREATE INDEX deliveries_dead ON deliveries (tenant_id, delivery_id) WHERE status = 'DEAD';

CREATE TABLE attempts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,         -- from 1
    started_at BIGINT NOT NULL,
    status BIGINT,
    error BYTEA,
    detail BYTEA,
    request_headers BYTEA NOT NULL, -- JSON, secrets redacted
    response_headers BYTEA NOT NULL, -- JSON
    response_body BYTEA NOT NULL,
    response_truncated BIGINT NOT NULL,
    address TEXT COLLATE "C",
    timings BYTEA NOT NULL,       -- JSON, microseconds
    PRIMARY KEY (tenant_id, delivery_id, number) -- delivery_get, purge
);

-- One execution of a flow, and the queue of those that have not ended: RUNNING and "has a due_at" are the same.
CREATE TABLE runs (
    tenant_id TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,           -- begins with the moment of its event
    flow_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    run_by BYTEA NOT NULL,           -- JSON: which plugin version
    digest TEXT COLLATE "C" NOT NULL,           -- of the component that it keeps to
    status TEXT COLLATE "C" NOT NULL,
    due_at BIGINT,                  -- when it may be claimed; none where it has ended
    tries BIGINT NOT NULL,          -- the number of its last claim, which fences every write
    failures BIGINT NOT NULL,
    steps BIGINT NOT NULL,          -- rows of its journal
    input BYTEA NOT NULL,            -- JSON: all that its guest is given
    outcome BYTEA NOT NULL,          -- JSON
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (tenant_id, run_id) -- run_get, run_list, run_count_since, purge
) WITH (
    fillfactor = 80,                -- room for the settled version of a row on its own page
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02
);
-- run_claim, backlog, run_list of RUNNING. Without the tenant, or run_settle would go by it while the table is small.
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
-- run_list of one flow, flow_delete.
CREATE INDEX runs_by_flow ON runs (tenant_id, flow_id, run_id);
-- run_list of one event, purge.
CREATE INDEX runs_by_event ON runs (tenant_id, event_id, run_id);
-- run_list of the ends that people look for.
CREATE INDEX runs_ended_badly ON runs (tenant_id, status, run_id) WHERE status = 'FAILED' OR status = 'LIMITED';

-- What each run was told, effect by effect: with its input, all that it takes to have it again.
CREATE TABLE run_journal (
    tenant_id TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    step BIGINT NOT NULL,           -- from 1
    entry BYTEA NOT NULL,            -- JSON
    PRIMARY KEY (tenant_id, run_id, step) -- run_claim, run_journal, purge
);

-- What each flow remembers. Written and checked under the lock of the flow's row; counted there, too.
CREATE TABLE flow_state (
    tenant_id TEXT COLLATE "C" NOT NULL,
    flow_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    written_by TEXT COLLATE "C" NOT NULL,       -- the run: tells whether the value is still the one that was read
    PRIMARY KEY (tenant_id, flow_id, key)
);

-- One lead for one destination, and the queue of those that wait.
CREATE TABLE pushes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    push_id TEXT COLLATE "C" NOT NULL,
    destination_id TEXT COLLATE "C" NOT NULL,
    lead_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C",
    run_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    due_at BIGINT,                  -- when it may be claimed; none where it has ended
    tries BIGINT NOT NULL,          -- the number of its last claim, which fences every write
    attempts BIGINT NOT NULL,
    receipt BYTEA,                   -- JSON: what the destination said of the lead
    last_error BYTEA,
    PRIMARY KEY (tenant_id, push_id) -- push_get, push_list
);
-- push_claim, backlog, push_list of PENDING.
CREATE INDEX pushes_due ON pushes (due_at) WHERE due_at IS NOT NULL;
-- push_claim (what the destination said of this lead before), push_list of one lead, purge.
CREATE INDEX pushes_by_lead ON pushes (tenant_id, lead_id, destination_id, push_id);
-- push_list of one destination, destination_delete.
CREATE INDEX pushes_by_destination ON pushes (tenant_id, destination_id, push_id);
-- purge, with their events.
CREATE INDEX pushes_by_event ON pushes (tenant_id, event_id) WHERE event_id IS NOT NULL;
-- push_list of what needs a person, purge.
CREATE INDEX pushes_dead ON pushes (tenant_id, push_id) WHERE status = 'DEAD';

CREATE TABLE push_attempts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    push_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,         -- from 1
    started_at BIGINT NOT NULL,
    ok BIGINT NOT NULL,
    error BYTEA,
    detail BYTEA,
    log BYTEA NOT NULL,              -- a JSON list of lines
    PRIMARY KEY (tenant_id, push_id, number) -- push_get, purge
);

-- Samples of refused requests, which belong to nobody yet; bounded by refusal_record.
CREATE TABLE refusals (
    refusal_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    provider BYTEA NOT NULL,
    account_id TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL,
    detail BYTEA NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE idempotency_answers (
    owner_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request_hash BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, key)
);
-- idempotency_purge.
CREATE INDEX idempotency_answers_by_age ON idempotency_answers (created_at);
