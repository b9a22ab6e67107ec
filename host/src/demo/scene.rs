//! The scene of the demo: who is connected to whom, and what is posted.

use anyhow::Context;
use data_encoding::HEXLOWER;
use hookyard_egress::api_client::ApiClient;
use hookyard_egress::{Config as EgressConfig, Egress, Outbound, Overflow, Purpose};
use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, TenantId};
use hookyard_model::proof::{Digest, hmac};
use hookyard_model::secret::Secret;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;

use super::graph::Graph;
use super::receiver::Receiver;
use super::story::Story;
use super::{APP_SECRET, GITHUB_SECRET, PAGE_TOKEN, VERIFY_TOKEN};
use crate::run::Host;

/// How long one story may take: the longest waits two seconds for a second fetch.
const STORY_WITHIN: Duration = Duration::from_secs(30);
const FIRST_PAGE: &str = "153125381133";
const SECOND_PAGE: &str = "900719925474099312";
/// Beyond 2^53, as Meta's ids are.
const LEADS: [(&str, &[(&str, &str)]); 5] = [
    (
        "1234567890123456789",
        &[("full_name", "Joe  Example"), ("email", " Joe@Example.COM "), ("phone_number", "(650) 555-0123")],
    ),
    (
        "1234567890123456790",
        &[
            ("full_name", "Ludwig van Beethoven"),
            ("email", "ludwig@bonn.example"),
            ("phone_number", "0228 901820"),
            ("country", "DE"),
        ],
    ),
    (
        "1234567890123456791",
        &[
            ("first_name", "Ada"),
            ("last_name", "Lovelace"),
            ("work_email", "ada@engine.example"),
            ("company_name", "Analytical Engines"),
        ],
    ),
    (
        "1234567890123456792",
        &[("full_name", "Prince"), ("email", "prince@paisley.example"), ("which_colour", "purple")],
    ),
    ("1234567890123456793", &[("full_name", "Patience Waiting"), ("email", "patience@example.com")]),
];
/// The lead whose first fetch fails.
const FLAKY: &str = "1234567890123456793";

/// What was connected.
pub(super) struct Scene {
    pub(super) tenant: TenantId,
    pub(super) key: String,
    github_url: String,
    http: Egress,
    base: String,
}

/// What a webhook should come to.
struct Expected {
    http: u16,
    ends: &'static [EventStatus],
    deliveries: usize,
}

impl Scene {
    /// Makes a tenant with two pages, a repository and a subscription, through the API.
    pub(super) async fn set(host: &Host, operator_key: &str, receiver: &Receiver) -> anyhow::Result<Self> {
        let base = format!("http://{}", host.local_addr());
        let operator = ApiClient::new(&base, operator_key, &[])?;
        let tenant = text(&operator.post("/api/v1/tenants", &json!({ "name": "Demo" })).await?, "id")?;
        let keys = format!("/api/v1/tenants/{tenant}/keys");
        let key = operator.post(&keys, &json!({ "name": "demo", "scopes": ["admin"] })).await?;
        let key = text(&key, "key")?;
        let secrets = json!({ "app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN });
        operator.put("/api/v1/providers/meta_lead_ads/secrets", &secrets).await?;

        let api = ApiClient::new(&base, &key, &[])?;
        for (page, country) in [(FIRST_PAGE, "US"), (SECOND_PAGE, "DE")] {
            let account = json!({
                "provider": "meta_lead_ads", "accountKey": page, "name": format!("Page {page}"),
                "credentials": { "access_token": PAGE_TOKEN }, "defaultCountry": country,
            });
            api.post("/api/v1/accounts", &account).await.context("could not connect a page")?;
        }
        let account = json!({
            "provider": "github", "accountKey": "octocat/hello-world", "secrets": { "secret": GITHUB_SECRET },
        });
        let github = api.post("/api/v1/accounts", &account).await.context("could not connect a repository")?;
        let subscription = json!({ "url": format!("{}/hooks", receiver.url()), "events": ["*"] });
        let subscription = api.post("/api/v1/webhooks", &subscription).await.context("could not subscribe")?;
        let secret = text(&subscription, "secret")?;
        receiver.trust(Secret::from_pasted(&secret, hookyard_model::secret::SecretFormat::Whsec)?);

        let loopback = vec!["127.0.0.0/8".parse()?];
        let http = Egress::new(EgressConfig { allowed_networks: loopback, ..EgressConfig::default() })?;
        let github_url = format!("/webhook/github/{}", text(&github, "id")?);
        Ok(Self { tenant: tenant.parse()?, key, github_url, http, base })
    }

    /// Posts everything, one after the other, and tells what comes of it. Whether all of it came out right.
    pub(super) async fn play(
        &self,
        host: &Host,
        graph: &Graph,
        receiver: &Receiver,
        story: &Story,
    ) -> anyhow::Result<bool> {
        LEADS.iter().for_each(|(id, answers)| graph.add(id, answers));
        graph.fail(FLAKY, 1);
        let processed = &[EventStatus::Processed];
        let meta = "/webhook/meta_lead_ads";
        let lead = |index: usize| LEADS.get(index).map_or("", |(id, _)| *id);
        let one = page_body(&[(FIRST_PAGE, lead(0))]);
        let batch = page_body(&[(FIRST_PAGE, lead(1)), (SECOND_PAGE, lead(2)), (SECOND_PAGE, lead(3))]);
        let flaky = page_body(&[(SECOND_PAGE, FLAKY)]);
        let mut forged = meta_headers(&one)?;
        forged.insert(
            "x-hub-signature-256",
            HeaderValue::from_static("sha256=0000000000000000000000000000000000000000000000000000000000000000"),
        );

        let acts = [
            (
                "GitHub's published sample, byte for byte",
                self.github_url.as_str(),
                github_headers(),
                b"Hello, World!".to_vec(),
                Expected { http: 200, ends: processed, deliveries: 1 },
            ),
            (
                "Meta: one lead",
                meta,
                meta_headers(&one)?,
                one.clone(),
                Expected { http: 200, ends: processed, deliveries: 1 },
            ),
            (
                "Meta: a batch of three leads, for two pages",
                meta,
                meta_headers(&batch)?,
                batch,
                Expected { http: 200, ends: &[EventStatus::Processed; 3], deliveries: 3 },
            ),
            (
                "Meta: the first lead again",
                meta,
                meta_headers(&one)?,
                one.clone(),
                Expected { http: 200, ends: &[EventStatus::Duplicate], deliveries: 0 },
            ),
            ("Meta: a forged signature", meta, forged, one, Expected { http: 401, ends: &[], deliveries: 0 }),
            (
                "Meta: a lead whose first fetch fails",
                meta,
                meta_headers(&flaky)?,
                flaky,
                Expected { http: 200, ends: processed, deliveries: 1 },
            ),
        ];
        let mut well = true;
        for (number, (title, path, headers, body, expected)) in acts.into_iter().enumerate() {
            story.act(number + 1, title, path);
            well &= self.act(host, receiver, story, path, headers, body, &expected).await?;
        }
        Ok(well)
    }

    #[expect(clippy::too_many_arguments, reason = "one act is told here whole, and nowhere else")]
    async fn act(
        &self,
        host: &Host,
        receiver: &Receiver,
        story: &Story,
        path: &str,
        headers: HeaderMap,
        body: Vec<u8>,
        expected: &Expected,
    ) -> anyhow::Result<bool> {
        let before = receiver.arrivals().len();
        let (status, events) = self.post(path, headers, body).await?;
        story.answered(status, events.len());
        let mut well = status == expected.http && events.len() == expected.ends.len();
        for (event, end) in events.iter().zip(expected.ends) {
            let told = tokio::time::timeout(STORY_WITHIN, story.follow(host.store(), self.tenant, *event, receiver));
            well &= told.await.context("a story took too long")?? == *end;
        }
        let arrived = receiver.arrivals().split_off(before);
        well &= arrived.len() == expected.deliveries && arrived.iter().all(|arrival| arrival.is_authentic);
        story.judged(well);
        Ok(well)
    }

    async fn post(&self, path: &str, headers: HeaderMap, body: Vec<u8>) -> anyhow::Result<(u16, Vec<EventId>)> {
        let outbound = Outbound {
            purpose: Purpose::Delivery,
            method: hyper::Method::POST,
            url: format!("{}{path}", self.base).parse()?,
            headers,
            body: body.into(),
            timeout: STORY_WITHIN,
            response_bytes_max: 64 * 1024,
            overflow: Overflow::Refuse,
        };
        let response = self.http.send(outbound).await.outcome.context("the host did not answer")?;
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let events = body.get("events").cloned().map(serde_json::from_value).transpose()?.unwrap_or_default();
        Ok((response.status, events))
    }
}

/// Meta's documented shape: an entry for each page, a change for each lead; ids as strings.
pub(super) fn page_body(leads: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(page, lead): &(&str, &str)| {
        json!({ "id": page, "time": 1_795_251_600, "changes": [{ "field": "leadgen", "value": {
            "leadgen_id": lead, "page_id": page, "form_id": "98765432101", "adgroup_id": "12312312312",
            "ad_id": "12312312312", "created_time": 1_795_251_554,
        }}]})
    };
    let entries: Vec<Value> = leads.iter().map(entry).collect();
    json!({ "object": "page", "entry": entries }).to_string().into_bytes()
}

fn meta_headers(body: &[u8]) -> anyhow::Result<HeaderMap> {
    let secret = Secret::from_bytes(APP_SECRET.as_bytes().to_vec())?;
    let signature = format!("sha256={}", HEXLOWER.encode(&hmac(Digest::Sha256, &secret, body)));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-hub-signature-256", HeaderValue::try_from(signature)?);
    Ok(headers)
}

fn github_headers() -> HeaderMap {
    [
        ("x-github-event", "ping"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .collect()
}

fn text(answer: &Value, field: &str) -> anyhow::Result<String> {
    let text = answer.get(field).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("the API's answer has no `{field}`"))
}
