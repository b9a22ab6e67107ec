//! A host in a box.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookyard::config::Config;
use hookyard::demo::graph::Graph;
use hookyard::demo::receiver::Receiver;
use hookyard::run::{Host, Surroundings};
use hookyard::worker::Pace;
use hookyard_egress::{Config as EgressConfig, Egress, Outbound, Overflow, Purpose, ResolverChoice};
use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, FlowId, TenantId};
use hookyard_model::instant::Clock;
use hookyard_model::run::RunStatus;
use hookyard_model::secret::{Secret, SecretFormat};
use hookyard_store::{EventFilter, EventRow, MasterKey, PageRequest, RunFilter, RunRow};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::clock::TestClock;
use crate::databases::{Databases, TestDatabase};
use crate::sign;

/// The operator's key in every test.
const OPERATOR_KEY: &str = "hy_operator_key_of_the_tests";
/// The app secret that Meta's webhooks are signed with.
pub const APP_SECRET: &str = "app-secret-of-the-tests";
/// The page token with which leads are fetched.
pub const PAGE_TOKEN: &str = "EAAB-page-token-of-the-tests";
/// What no test may wait longer for.
const WITHIN: Duration = Duration::from_secs(60);

/// A host, its database, a Graph API and a receiver.
pub struct TestApp {
    /// The host; taken out by [`TestApp::restart`].
    host: Option<Host>,
    /// Time.
    pub clock: Arc<TestClock>,
    /// What leads are fetched from.
    pub graph: Graph,
    /// Who subscribes.
    pub receiver: Receiver,
    database: TestDatabase,
    config: Config,
    compiler: &'static str,
    http: Egress,
}

/// What a request came back with.
#[derive(Debug)]
pub struct Answer {
    /// Such as 200.
    pub status: StatusCode,
    /// As received.
    pub headers: HeaderMap,
    /// As received.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// A string of the body, by a JSON pointer.
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The ids of the events that a webhook was logged as.
    #[must_use]
    pub fn events(&self) -> Vec<EventId> {
        self.json().get("events").cloned().and_then(|events| serde_json::from_value(events).ok()).unwrap_or_default()
    }
}

impl TestApp {
    /// Starts one. `compiler` is `env!("CARGO_BIN_EXE_hookyard-under-test")`, which only a test target knows.
    pub async fn start(databases: Databases, compiler: &'static str) -> Self {
        Self::start_with(databases, compiler, |_| {}).await
    }

    /// Starts one with a configuration of the test's own.
    pub async fn start_with(databases: Databases, compiler: &'static str, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new(databases);
        let clock = Arc::new(TestClock::default());
        let graph = Graph::start(PAGE_TOKEN, APP_SECRET).await.expect("a simulated Graph API");
        let receiver = Receiver::start().await.expect("a receiver");
        let mut config = config(&database, &graph);
        change(&mut config);
        let host = start(config.clone(), Arc::clone(&clock), compiler).await;
        let loopback = vec!["127.0.0.0/8".parse().expect("a network")];
        let http = EgressConfig { allowed_networks: loopback, ..EgressConfig::default() };
        let http = Egress::new(http).expect("a client");
        Self { host: Some(host), clock, graph, receiver, database, config, compiler, http }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        self.host.as_ref().expect("a host that runs")
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.database.folder()
    }

    /// Ends the host softly and starts another on the same database.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.host = Some(start(self.config.clone(), Arc::clone(&self.clock), self.compiler).await);
    }

    /// Another node on the same database, with a folder of its own. PostgreSQL only.
    pub async fn another_node(&self, folder: &Path) -> Host {
        let key = MasterKey::load_or_create(&self.folder().join("master.key")).expect("the first node's key");
        let config = Config { data: folder.to_owned(), master_key: Some(key), ..self.config.clone() };
        start(config, Arc::clone(&self.clock), self.compiler).await
    }

    /// Sends requests to another host from now on; the one that they went to until now.
    pub fn switch_to(&mut self, host: Host) -> Option<Host> {
        self.host.replace(host)
    }

    /// Ends the host softly.
    pub async fn stop(&mut self) {
        if let Some(host) = self.host.take() {
            host.shutdown();
            host.wait().await.expect("a soft end");
        }
    }

    /// A request to the host.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header's name");
            map.append(name, HeaderValue::try_from(*value).expect("a header's value"));
        }
        let outbound = Outbound {
            purpose: Purpose::Delivery,
            method,
            url: format!("http://{}{path}", self.host().local_addr()).parse().expect("a URL"),
            headers: map,
            body: body.into().into(),
            timeout: WITHIN,
            response_bytes_max: 8 * 1024 * 1024,
            overflow: Overflow::Refuse,
        };
        let response = self.http.send(outbound).await.outcome.expect("an answer");
        let status = StatusCode::from_u16(response.status).expect("a status");
        Answer { status, headers: response.headers, bytes: response.body.into() }
    }

    /// A webhook.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.send(Method::POST, path, headers, body).await
    }

    /// A call to the API with a key.
    pub async fn call(&self, method: Method, path: &str, key: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let headers = if body.is_some() { &headers[..] } else { &headers[..1] };
        self.send(method, path, headers, body.map(Value::to_string).unwrap_or_default()).await
    }

    /// A call by the operator.
    pub async fn operate(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.call(method, path, OPERATOR_KEY, body).await
    }

    /// Uploads a component with a key.
    pub async fn upload(&self, key: &str, component: &[u8]) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/wasm")];
        self.send(Method::POST, "/api/v1/plugins", &headers, component).await
    }

    /// The operator's key.
    #[must_use]
    pub fn operator_key(&self) -> &'static str {
        OPERATOR_KEY
    }

    /// A new tenant and a key of it that may do everything.
    pub async fn tenant(&self, name: &str) -> (TenantId, String) {
        let made = self.operate(Method::POST, "/api/v1/tenants", Some(&json!({ "name": name }))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        let tenant = made.text("/id");
        let key = json!({ "name": "all", "scopes": ["admin", "publish"] });
        let made = self.operate(Method::POST, &format!("/api/v1/tenants/{tenant}/keys"), Some(&key)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        (tenant.parse().expect("an id"), made.text("/key"))
    }

    /// Sets the operator's secrets for Meta.
    pub async fn set_up_meta(&self) {
        let secrets = json!({ "app_secret": APP_SECRET, "verify_token": "verify-me" });
        let path = "/api/v1/providers/meta_lead_ads/secrets";
        let set = self.operate(Method::PUT, path, Some(&secrets)).await;
        assert!(set.status.is_success(), "{}", set.json());
    }

    /// Connects a page; its account's id.
    pub async fn page(&self, key: &str, page: &str) -> String {
        let account = json!({
            "provider": "meta_lead_ads", "accountKey": page, "credentials": { "access_token": PAGE_TOKEN },
        });
        let made = self.call(Method::POST, "/api/v1/accounts", key, Some(&account)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        made.text("/id")
    }

    /// Connects a GitHub repository; the path of its webhook.
    pub async fn repository(&self, key: &str, name: &str, secret: &str) -> String {
        let account = json!({ "provider": "github", "accountKey": name, "secrets": { "secret": secret } });
        let made = self.call(Method::POST, "/api/v1/accounts", key, Some(&account)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        format!("/webhook/github/{}", made.text("/id"))
    }

    /// Subscribes the receiver, in style `standard`, and has it trust the secret; the subscription's id.
    pub async fn subscribe(&self, key: &str, path: &str, events: &[&str]) -> String {
        let subscription = json!({ "url": format!("{}{path}", self.receiver.url()), "events": events });
        let made = self.call(Method::POST, "/api/v1/webhooks", key, Some(&subscription)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        let secret = Secret::from_pasted(&made.text("/secret"), SecretFormat::Whsec).expect("a secret");
        self.receiver.trust(secret);
        made.text("/id")
    }

    /// Uploads a flow's component; its plugin's name.
    pub async fn flow_plugin(&self, key: &str, component: &[u8]) -> String {
        let uploaded = self.upload(key, component).await;
        assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.json());
        uploaded.text("/manifest/id")
    }

    /// Makes a flow of a plugin that was uploaded; `more` are the other fields. Its id.
    pub async fn flow(&self, key: &str, plugin: &str, more: Value) -> FlowId {
        let mut flow = json!({ "plugin": plugin });
        if let (Some(flow), Value::Object(more)) = (flow.as_object_mut(), more) {
            flow.extend(more);
        }
        let made = self.call(Method::POST, "/api/v1/flows", key, Some(&flow)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        made.text("/id").parse().expect("a flow's id")
    }

    /// Publishes an application's event.
    pub async fn publish(&self, key: &str, event_type: &str, data: Value) -> EventId {
        let event = json!({ "type": event_type, "data": data });
        let published = self.call(Method::POST, "/api/v1/events", key, Some(&event)).await;
        assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.json());
        published.events()[0]
    }

    /// The runs that an event started.
    pub async fn runs(&self, tenant: TenantId, event: EventId) -> Vec<RunRow> {
        let filter = RunFilter { event: Some(event), ..RunFilter::default() };
        self.host().store().run_list(tenant, filter, PageRequest::first(100)).await.expect("runs")
    }

    /// Waits until an event's only run is as `enough` says.
    pub async fn run_until(&self, tenant: TenantId, event: EventId, enough: impl Fn(&RunRow) -> bool) -> RunRow {
        self.until("a run", async || self.runs(tenant, event).await.into_iter().next().filter(&enough)).await
    }

    /// Waits for an event's only run to end.
    pub async fn run_ended(&self, tenant: TenantId, event: EventId) -> RunRow {
        self.run_until(tenant, event, |row| row.status != RunStatus::Running).await
    }

    /// Events of a type, newest first.
    pub async fn events_of(&self, tenant: TenantId, event_type: &str) -> Vec<EventRow> {
        let filter = EventFilter { event_type: Some(event_type.to_owned()), ..EventFilter::default() };
        self.host().store().event_list(tenant, filter, PageRequest::first(250)).await.expect("events")
    }

    /// A signed Meta webhook on the shared route.
    pub async fn leadgen(&self, leads: &[(&str, &str)]) -> Answer {
        let body = sign::leadgen(leads);
        let signature = sign::hub(APP_SECRET, &body);
        self.post("/webhook/meta_lead_ads", &[("x-hub-signature-256", &signature)], body).await
    }

    /// Waits for an event to end.
    pub async fn ended(&self, tenant: TenantId, event: EventId) -> EventRow {
        let ended = |row: &EventRow| row.status != EventStatus::Received;
        self.event_until(tenant, event, ended).await
    }

    /// Waits until an event is as `enough` says.
    pub async fn event_until(&self, tenant: TenantId, event: EventId, enough: impl Fn(&EventRow) -> bool) -> EventRow {
        self.until("an event", async || {
            let found = self.host().store().event_get(tenant, event).await.expect("a look");
            found.map(|(row, _)| row).filter(&enough)
        })
        .await
    }

    /// Waits until `look` finds something.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let found = tokio::time::timeout(WITHIN, async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("{what} did not come in {WITHIN:?}"))
    }
}

fn config(database: &TestDatabase, graph: &Graph) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data: database.folder().to_owned(),
        database: database.url(),
        operator_key: Secret::from_bytes(OPERATOR_KEY.as_bytes().to_vec()).ok(),
        allow_private_network: "127.0.0.0/8".parse().into_iter().collect(),
        provider_host: format!("graph.facebook.com={}", graph.url()).parse().into_iter().collect(),
        sandbox_threads: 2,
        // The clock is moved by years; what a test logged shall not be tidied away under it.
        retention_days: None,
        ..Config::default()
    }
}

async fn start(config: Config, clock: Arc<TestClock>, compiler: &str) -> Host {
    let around = Surroundings {
        clock: clock as Arc<dyn Clock>,
        trust_clock: true,
        pace: Pace { poll: Duration::from_millis(20), rest: Duration::from_millis(5) },
        compiler: compiler.into(),
        resolver: ResolverChoice::System,
        commit_watch: None,
    };
    Host::start_in(config, around).await.expect("a host")
}
