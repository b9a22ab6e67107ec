//! A store of its own for each test, a clock that only tests move, and things to store.

pub(crate) mod flows;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hookyard_model::account::{Account, AccountStatus};
use hookyard_model::dedup::DedupKey;
use hookyard_model::delivery::{Attempt, NewDelivery, Next, Timings};
use hookyard_model::event::{ClaimedEvent, NewEvent, Outcome, PluginRun};
use hookyard_model::id::{AccountId, EventId, Id, Noun, SubscriptionId, TenantId};
use hookyard_model::instant::{Clock, Instant};
use hookyard_model::lead::{CleanLead, Lead};
use hookyard_model::secret::Secret;
use hookyard_model::style::Style;
use hookyard_model::subscription::{Subscription, SubscriptionStatus};
use hookyard_store::{
    Claim, Config, Database, DeliverySettlement, EventEnd, EventSettlement, Item, LoggedEvent, MasterKey, NewAccount,
    Store,
};
use sqlx::{Connection as _, Executor as _};

/// 2026-11-21T09:30:00Z.
const START_MS: i64 = 1_795_253_400_000;

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// A store with a database of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: Config,
    folder: tempfile::TempDir,
    /// The server and the name of the test's database there.
    server: Option<(String, String)>,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite { path: folder.path().join("hookyard.db") };
        Self::open(database, folder, None).await
    }

    pub(crate) async fn postgres() -> Self {
        let Ok(server) = std::env::var("HOOKYARD_TEST_POSTGRES") else {
            panic!("HOOKYARD_TEST_POSTGRES is not set: run `tests/run`, which starts a PostgreSQL for these tests");
        };
        let name = format!("hookyard_test_{}", any_id::<hookyard_model::id::TenantNoun>(Instant::EPOCH).text());
        let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        connection.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let database = Database::Postgres { url: format!("{base}/{name}") };
        Self::open(database, tempfile::tempdir().unwrap(), Some((server, name))).await
    }

    async fn open(database: Database, folder: tempfile::TempDir, server: Option<(String, String)>) -> Self {
        let clock = Arc::new(ManualClock(AtomicI64::new(START_MS)));
        let master_key = MasterKey::from_hex(&"5e".repeat(32)).unwrap();
        let config = Config { trust_clock: true, connections_max: 8, ..Config::new(database, master_key) };
        let store = Store::open(config.clone(), clock.clone()).await.unwrap();
        Self { store, clock, config, folder, server }
    }

    /// Another store on the same database: another node, or the next process.
    pub(crate) async fn another(&self) -> Store {
        Store::open(self.config.clone(), self.clock.clone()).await.unwrap()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.server.is_none()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Runs a statement behind the store's back. `$1` and so on do not exist here.
    pub(crate) async fn tamper(&self, sql: &str) -> u64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.config.database {
            Database::Sqlite { path } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
                let done = connection.execute(sql).await.unwrap().rows_affected();
                connection.close().await.unwrap();
                done
            }
            Database::Postgres { url } => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                let done = connection.execute(sql).await.unwrap().rows_affected();
                connection.close().await.unwrap();
                done
            }
        }
    }

    pub(crate) async fn end(self) {
        self.store.close().await;
        if let Some((server, name)) = self.server {
            let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            connection.execute(sqlx::AssertSqlSafe(drop)).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    pub(crate) fn id<N: Noun>(&self) -> Id<N> {
        any_id(self.clock.now())
    }

    pub(crate) async fn tenant(&self) -> TenantId {
        self.store.tenant_create("Acme").await.unwrap().id
    }

    pub(crate) fn event(&self, tenant: TenantId, account: AccountId) -> NewEvent {
        NewEvent {
            id: self.id(),
            tenant,
            provider: Some("meta_lead_ads".into()),
            account: Some(account),
            event_type: "leadgen".into(),
            provider_event_id: Some("1234".into()),
            occurred_at: Some(self.clock.now()),
            received_at: self.clock.now(),
            payload: r#"{"leadgen_id":"444"}"#.into(),
            received_by: Some(run()),
            cause: None,
        }
    }

    /// Logs an event and gives it back as claimed.
    pub(crate) async fn logged(&self, tenant: TenantId, account: AccountId) -> ClaimedEvent {
        let event = self.event(tenant, account);
        let logged = LoggedEvent { event: event.clone(), claim: Claim::BornClaimed };
        self.store.log_events(vec![logged]).await.unwrap();
        ClaimedEvent { event, tries: 1 }
    }

    /// Logs and settles an event of this key with a lead, and a delivery for each subscription.
    pub(crate) async fn processed(
        &self,
        account: (TenantId, AccountId),
        key: &str,
        to: &[SubscriptionId],
    ) -> EventSettlement {
        let claimed = self.logged(account.0, account.1).await;
        let settlement = understood(&claimed, vec![self.item(&claimed, claimed.event.id, key, to)]);
        self.store.settle_event(settlement.clone()).await.unwrap();
        settlement
    }

    pub(crate) fn item(&self, claimed: &ClaimedEvent, id: EventId, key: &str, to: &[SubscriptionId]) -> Item {
        let delivery = |to: &SubscriptionId| NewDelivery {
            id: self.id(),
            tenant: claimed.event.tenant,
            event: id,
            subscription: *to,
        };
        Item {
            id,
            event_type: "leadgen".into(),
            data: format!(r#"{{"key":"{key}"}}"#),
            dedup: DedupKey::of_lead(key),
            lead: Some((self.id(), lead(key, claimed.event.received_at))),
            deliveries: to.iter().map(delivery).collect(),
            claim: Claim::BornClaimed,
            outcome_fanout: vec![],
            runs: vec![],
            run_claim: Claim::BornClaimed,
            limited: vec![],
            pushes: vec![],
            flows: vec![],
            dropped: None,
        }
    }

    pub(crate) fn subscription(&self, tenant: TenantId) -> Subscription {
        Subscription {
            id: self.id(),
            tenant,
            url: "https://receiver.example/hook".into(),
            event_types: vec!["*".into()],
            provider: None,
            style: Style::Standard,
            status: SubscriptionStatus::Active,
            status_reason: None,
            retry_seconds: Some(vec![1, 2]),
            timeout: Duration::from_secs(15),
            transform: None,
            created_at: self.clock.now(),
        }
    }

    pub(crate) fn account(&self, tenant: TenantId, account_key: &str) -> NewAccount {
        let account = Account {
            id: self.id(),
            tenant,
            provider: "meta_lead_ads".into(),
            account_key: account_key.into(),
            name: Some("Page".into()),
            settings: "{}".into(),
            default_country: Some("DE".into()),
            unsigned: false,
            status: AccountStatus::Active,
            status_reason: None,
            created_at: self.clock.now(),
        };
        NewAccount { account, secrets: vec![], credentials: vec![], shared: false }
    }
}

pub(crate) fn any_id<N: Noun>(at: Instant) -> Id<N> {
    // Ids of one test sort in the order of their making, and differ between processes.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let process = std::process::id().to_be_bytes();
    Id::at(at, [count[4], count[5], 0, count[6], count[7], 0, process[0], process[1], process[2], process[3]])
}

pub(crate) fn run() -> PluginRun {
    PluginRun { plugin: "meta_lead_ads".into(), version: 1, digest: "0123456789ab".into() }
}

pub(crate) fn lead(id: &str, received_at: Instant) -> CleanLead {
    let lead = Lead { provider_lead_id: id.into(), email: Some("joe@example.com".into()), ..Lead::default() };
    hookyard_model::clean::clean(lead, "meta_lead_ads", None, received_at)
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from_bytes(text.as_bytes().to_vec()).unwrap()
}

pub(crate) fn understood(claimed: &ClaimedEvent, items: Vec<Item>) -> EventSettlement {
    let outcome = Outcome { normalized_by: Some(run()), ..Outcome::default() };
    ended(claimed, EventEnd::Understood { items, outcome })
}

pub(crate) fn ended(claimed: &ClaimedEvent, end: EventEnd) -> EventSettlement {
    let event = &claimed.event;
    EventSettlement {
        tenant: event.tenant,
        event: event.id,
        account: event.account,
        provider: event.provider.clone(),
        received_at: event.received_at,
        tries: claimed.tries,
        end,
        before: vec![],
    }
}

pub(crate) fn items(settlement: &EventSettlement) -> &[Item] {
    match &settlement.end {
        EventEnd::Understood { items, .. } => items,
        other => panic!("{other:?} has no items"),
    }
}

pub(crate) fn attempted(
    delivery: &NewDelivery,
    tries: u32,
    number: u32,
    status: u16,
    next: Next,
) -> DeliverySettlement {
    let attempt = Attempt {
        number,
        started_at: Instant::from_millis(START_MS),
        status: Some(status),
        error: None,
        detail: Some("a sentence with \0 in it".into()),
        request_headers: r#"{"webhook-id":"x"}"#.into(),
        response_headers: "{}".into(),
        response_body: vec![0, 255],
        response_truncated: false,
        address: Some("203.0.113.7:443".into()),
        timings: Timings { total_us: 1200, ..Timings::default() },
    };
    let (tenant, subscription) = (delivery.tenant, delivery.subscription);
    DeliverySettlement {
        tenant,
        delivery: delivery.id,
        subscription,
        tries,
        attempt: Some(attempt),
        reason: None,
        next,
    }
}
