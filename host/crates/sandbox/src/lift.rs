//! Between the WIT's records and the model's types, by hand and field by field.
//!
//! Lifting is also where a guest's output is bounded: the canonical ABI has bounded what it may cost us, and here it
//! is held to `limits::GUEST_OUTPUT_BYTES_MAX` and to counts that the pipeline can carry. What does not fit is an
//! error in words, which the caller turns into [`crate::Blame::Nonsense`].

use hookyard_model::destination::{PushOrder, Receipt};
use hookyard_model::effect::FetchError;
use hookyard_model::http::{Field, Request, Response};
use hookyard_model::instant::Instant;
use hookyard_model::lead::{CleanLead, Consent, Lead};
use hookyard_model::limits;
use hookyard_model::manifest as m;
use hookyard_model::proof as p;
use hookyard_model::provider::{Failure, Inbound, Normalized, Page, PageQuery, Reception};
use hookyard_model::run::{Action, Change, Decision, Trigger, Write};
use hookyard_model::secret::SecretFormat;

use crate::bindings::destination::exports::hookyard::plugin::destination as destination_guest;
use crate::bindings::flow::exports::hookyard::plugin::flow as flow_guest;
use crate::bindings::provider::exports::hookyard::plugin::provider as guest;
use crate::bindings::provider::hookyard::plugin::{http, manifests, secrets, types};

pub(crate) fn digest(digest: secrets::Digest) -> p::Digest {
    match digest {
        secrets::Digest::Sha1 => p::Digest::Sha1,
        secrets::Digest::Sha256 => p::Digest::Sha256,
        secrets::Digest::Sha512 => p::Digest::Sha512,
    }
}

pub(crate) fn request(request: types::HttpRequest) -> Request {
    Request { method: request.method, url: request.url, headers: fields(request.headers), body: request.body }
}

pub(crate) fn lower_request(request: Request) -> types::HttpRequest {
    types::HttpRequest {
        method: request.method,
        url: request.url,
        headers: lower_fields(request.headers),
        body: request.body,
    }
}

fn response(response: types::HttpResponse) -> Response {
    Response { status: response.status, headers: fields(response.headers), body: response.body }
}

pub(crate) fn lower_response(response: Response) -> types::HttpResponse {
    types::HttpResponse { status: response.status, headers: lower_fields(response.headers), body: response.body }
}

pub(crate) fn lower_fetch_error(error: FetchError) -> http::HttpError {
    match error {
        FetchError::Refused(why) => http::HttpError::Refused(why),
        FetchError::Unreachable(why) => http::HttpError::Unreachable(why),
        FetchError::TimedOut => http::HttpError::TimedOut,
        FetchError::TooLarge(bytes) => http::HttpError::TooLarge(bytes),
    }
}

pub(crate) fn lower_inbound(inbound: &Inbound) -> types::Inbound {
    types::Inbound {
        event_type: inbound.event_type.clone(),
        account_key: inbound.account_key.clone(),
        event_id: inbound.event_id.clone(),
        occurred_at: inbound.occurred_at.map(lower_instant),
        payload: inbound.payload.clone(),
    }
}

pub(crate) fn lower_page_query(query: PageQuery) -> guest::PageQuery {
    guest::PageQuery {
        account_key: query.account_key,
        form_id: query.form_id,
        since: query.since.map(lower_instant),
        cursor: query.cursor,
        limit: query.limit,
    }
}

/// The outer error is nonsense, the inner one the guest's word that the request is malformed.
pub(crate) fn reception(received: Result<guest::Reception, String>) -> Result<Result<Reception, String>, String> {
    let received = match received {
        Ok(received) => received,
        Err(malformed) => return Ok(Err(malformed.chars().take(1_000).collect())),
    };
    let events = inbounds(received.events)?;
    let reply = received.reply.map(response);
    let mut size = Size::default();
    size.add(reply.as_ref().map_or(0, |reply| reply.body.len()))?;
    Ok(Ok(Reception { proof: proof(received.proof), reply, events }))
}

/// The outer error is nonsense, the inner one the guest's own failure.
pub(crate) fn normalized(
    items: Result<Vec<guest::Normalized>, types::Failure>,
) -> Result<Result<Vec<Normalized>, Failure>, String> {
    let items = match items {
        Ok(items) => items,
        Err(error) => return Ok(Err(failure(error))),
    };
    check_count(items.len())?;
    let mut size = Size::default();
    let mut lifted = Vec::with_capacity(items.len());
    for item in items {
        size.add(item.data.len())?;
        size.add(item.lead.as_ref().map_or(0, lead_bytes))?;
        let item = Normalized { event_type: item.event_type, lead: item.lead.map(lead), data: item.data };
        item.check().map_err(|error| error.to_string())?;
        if item.lead.as_ref().is_some_and(|lead| lead.provider_lead_id.is_empty()) {
            return Err("a lead has no provider-lead-id".to_owned());
        }
        lifted.push(item);
    }
    Ok(Ok(lifted))
}

/// The outer error is nonsense, the inner one the guest's own failure.
pub(crate) fn page(page: Result<guest::Page, types::Failure>) -> Result<Result<Page, Failure>, String> {
    match page {
        Ok(page) => Ok(Ok(Page { items: inbounds(page.items)?, next: page.next, total: page.total })),
        Err(error) => Ok(Err(failure(error))),
    }
}

pub(crate) fn manifest(manifest: guest::Manifest) -> m::Manifest {
    m::Manifest {
        id: manifest.id,
        name: manifest.name,
        version: manifest.version,
        summary: manifest.summary,
        event_types: manifest.event_types,
        secrets: manifest.secrets.into_iter().map(secret_spec).collect(),
        credentials: manifest.credentials.into_iter().map(credential_spec).collect(),
        hosts: manifest.hosts,
        oauth: manifest.oauth.map(oauth_spec),
        polls: manifest.polls,
        imports: manifest.imports,
        unsigned: manifest.unsigned,
        fields: Vec::new(),
        settings_schema: manifest.settings_schema,
    }
}

pub(crate) fn destination_manifest(manifest: destination_guest::DestinationManifest) -> m::Manifest {
    m::Manifest {
        id: manifest.id,
        name: manifest.name,
        version: manifest.version,
        summary: manifest.summary,
        event_types: Vec::new(),
        secrets: Vec::new(),
        credentials: manifest.credentials.into_iter().map(credential_spec).collect(),
        hosts: manifest.hosts,
        oauth: manifest.oauth.map(oauth_spec),
        polls: false,
        imports: false,
        unsigned: false,
        fields: manifest.fields,
        settings_schema: manifest.settings_schema,
    }
}

pub(crate) fn flow_manifest(manifest: flow_guest::FlowManifest) -> m::Manifest {
    m::Manifest {
        id: manifest.id,
        name: manifest.name,
        version: manifest.version,
        summary: manifest.summary,
        event_types: manifest.triggers,
        secrets: Vec::new(),
        credentials: manifest.credentials.into_iter().map(credential_spec).collect(),
        hosts: manifest.hosts,
        oauth: None,
        polls: false,
        imports: false,
        unsigned: false,
        fields: Vec::new(),
        settings_schema: manifest.settings_schema,
    }
}

pub(crate) fn lower_trigger(trigger: &Trigger) -> flow_guest::Trigger {
    let event = &trigger.event;
    flow_guest::Trigger {
        event: types::Event {
            id: event.id.text(),
            event_type: event.event_type.clone(),
            provider: event.provider.clone(),
            account_id: event.account.map(|account| account.text()),
            occurred_at: lower_instant(event.occurred_at),
            lead_id: event.lead.map(|lead| lead.text()),
            data: event.data.clone(),
        },
        lead: trigger.lead.as_ref().map(lower_lead),
    }
}

pub(crate) fn lower_order(order: &PushOrder) -> destination_guest::PushOrder {
    destination_guest::PushOrder {
        lead_id: order.lead_id.text(),
        lead: lower_lead(&order.lead),
        mapping: order.mapping.clone(),
        settings: order.settings.clone(),
        previous: order.previous.as_ref().map(|receipt| destination_guest::Receipt {
            external_id: receipt.external_id.clone(),
            url: receipt.url.clone(),
        }),
    }
}

/// The outer error is nonsense, the inner one the guest's own failure. `writes` are what it wrote to its state.
pub(crate) fn decision(
    actions: Result<Vec<flow_guest::Action>, types::Failure>,
    writes: Vec<Write>,
) -> Result<Result<Decision, Failure>, String> {
    let actions = match actions {
        Ok(actions) => actions,
        Err(error) => return Ok(Err(failure(error))),
    };
    let mut size = Size::default();
    let mut lifted = Vec::with_capacity(actions.len().min(limits::ACTIONS_PER_RUN_MAX));
    for action in actions {
        lifted.push(match action {
            flow_guest::Action::Emit(event) => {
                size.add(event.data.len())?;
                Action::Emit { event_type: event.event_type, data: event.data }
            }
            flow_guest::Action::UpdateLead(changes) => {
                for change in &changes {
                    size.add(change.field.len() + change.value.as_ref().map_or(0, String::len))?;
                }
                let change = |change: flow_guest::Change| Change { field: change.field, value: change.value };
                Action::UpdateLead(changes.into_iter().map(change).collect())
            }
            flow_guest::Action::PushLead(push) => {
                Action::PushLead { destination: push.destination.chars().take(200).collect() }
            }
            flow_guest::Action::Drop(reason) => Action::Drop(reason.chars().take(1_000).collect()),
        });
    }
    for write in &writes {
        size.add(write.value.as_ref().map_or(0, Vec::len))?;
    }
    let decision = Decision { actions: lifted, writes };
    decision.check().map_err(|error| error.to_string())?;
    Ok(Ok(decision))
}

/// The outer error is nonsense, the inner one the guest's own failure.
pub(crate) fn receipt(
    receipt: Result<destination_guest::Receipt, types::Failure>,
) -> Result<Result<Receipt, Failure>, String> {
    let receipt = match receipt {
        Ok(receipt) => receipt,
        Err(error) => return Ok(Err(failure(error))),
    };
    let long = |text: &str| text.len() > 1_000 || text.chars().any(char::is_control);
    if receipt.external_id.is_empty() || long(&receipt.external_id) || receipt.url.as_deref().is_some_and(long) {
        return Err("its receipt has no external-id, or a text of more than 1,000 bytes".to_owned());
    }
    Ok(Ok(Receipt { external_id: receipt.external_id, url: receipt.url }))
}

/// The clean lead, in the same shape as a provider's.
fn lower_lead(lead: &CleanLead) -> types::Lead {
    types::Lead {
        provider_lead_id: lead.provider_lead_id.clone(),
        email: lead.email.clone(),
        first_name: lead.first_name.clone(),
        last_name: lead.last_name.clone(),
        full_name: lead.full_name.clone(),
        phone_number: lead.phone_number.clone(),
        company: lead.company.clone(),
        raw_field_data: lower_fields(lead.raw_field_data.clone()),
        custom_fields: lower_fields(lead.custom_fields.clone()),
        form_id: lead.form_id.clone(),
        campaign_id: lead.campaign_id.clone(),
        ad_id: lead.ad_id.clone(),
        created_at: lead.created_at.map(lower_instant),
        consents: lead.consents.iter().map(|c| types::Consent { key: c.key.clone(), given: c.given }).collect(),
        is_test: lead.is_test,
    }
}

fn secret_spec(spec: manifests::SecretSpec) -> m::SecretSpec {
    m::SecretSpec {
        name: spec.name,
        scope: match spec.scope {
            manifests::Scope::Application => m::Scope::Application,
            manifests::Scope::Account => m::Scope::Account,
        },
        format: match spec.format {
            manifests::SecretFormat::Text => SecretFormat::Text,
            manifests::SecretFormat::Hex => SecretFormat::Hex,
            manifests::SecretFormat::Base64 => SecretFormat::Base64,
            manifests::SecretFormat::Whsec => SecretFormat::Whsec,
        },
        summary: spec.summary,
    }
}

fn credential_spec(spec: manifests::CredentialSpec) -> m::CredentialSpec {
    m::CredentialSpec {
        name: spec.name,
        summary: spec.summary,
        attach: match spec.attach {
            manifests::Attachment::Bearer => m::Attachment::Bearer,
            manifests::Attachment::Header(place) => m::Attachment::Header { name: place.name, prefix: place.prefix },
            manifests::Attachment::Query(name) => m::Attachment::Query(name),
            manifests::Attachment::Basic => m::Attachment::Basic,
        },
        proof: spec.proof.map(|proof| m::CredentialProof { secret: proof.secret, query: proof.query }),
    }
}

fn oauth_spec(spec: manifests::OauthSpec) -> m::OauthSpec {
    m::OauthSpec {
        authorize_url: spec.authorize_url,
        token_url: spec.token_url,
        scopes: spec.scopes,
        credential: spec.credential,
        token_request: match spec.token_request {
            manifests::TokenRequest::Form => m::TokenRequest::Form,
            manifests::TokenRequest::Basic => m::TokenRequest::Basic,
            manifests::TokenRequest::Json => m::TokenRequest::Json,
        },
        keeps: spec.keeps,
    }
}

fn proof(proof: guest::Proof) -> p::Proof {
    match proof {
        guest::Proof::Hmac(proof) => p::Proof::Hmac(p::HmacProof {
            secret: proof.secret,
            digest: digest(proof.digest),
            signed: parts(proof.signed),
            signatures: proof.signatures,
            signed_at: proof.signed_at.map(instant),
        }),
        guest::Proof::Hash(proof) => p::Proof::Hash(p::HashProof {
            digest: digest(proof.digest),
            signed: parts(proof.signed),
            hashes: proof.hashes,
        }),
        guest::Proof::PublicKey(proof) => p::Proof::PublicKey(p::PublicKeyProof {
            algorithm: match proof.algorithm {
                guest::KeyAlgorithm::Ed25519 => p::KeyAlgorithm::Ed25519,
                guest::KeyAlgorithm::EcdsaP256Sha256 => p::KeyAlgorithm::EcdsaP256Sha256,
            },
            key: proof.key,
            signed: parts(proof.signed),
            signatures: proof.signatures,
            signed_at: proof.signed_at.map(instant),
        }),
        guest::Proof::Token(proof) => p::Proof::Token { secret: proof.secret, candidate: proof.candidate },
        guest::Proof::Handshake => p::Proof::Handshake,
        guest::Proof::Unsigned => p::Proof::Unsigned,
    }
}

fn parts(parts: Vec<guest::SignedPart>) -> Vec<p::Part> {
    let part = |part| match part {
        guest::SignedPart::Body => p::Part::Body,
        guest::SignedPart::Text(text) => p::Part::Text(text),
        guest::SignedPart::Bytes(bytes) => p::Part::Bytes(bytes),
        guest::SignedPart::Secret(name) => p::Part::Secret(name),
    };
    parts.into_iter().map(part).collect()
}

fn inbounds(items: Vec<types::Inbound>) -> Result<Vec<Inbound>, String> {
    check_count(items.len())?;
    let mut size = Size::default();
    let mut lifted = Vec::with_capacity(items.len());
    for item in items {
        size.add(item.payload.len())?;
        let item = Inbound {
            event_type: item.event_type,
            account_key: item.account_key,
            event_id: item.event_id,
            occurred_at: item.occurred_at.map(instant),
            payload: item.payload,
        };
        item.check().map_err(|error| error.to_string())?;
        lifted.push(item);
    }
    Ok(lifted)
}

fn lead(lead: types::Lead) -> Lead {
    Lead {
        provider_lead_id: lead.provider_lead_id,
        email: lead.email,
        first_name: lead.first_name,
        last_name: lead.last_name,
        full_name: lead.full_name,
        phone_number: lead.phone_number,
        company: lead.company,
        raw_field_data: fields(lead.raw_field_data),
        custom_fields: fields(lead.custom_fields),
        form_id: lead.form_id,
        campaign_id: lead.campaign_id,
        ad_id: lead.ad_id,
        created_at: lead.created_at.map(instant),
        consents: lead.consents.into_iter().map(|c| Consent { key: c.key, given: c.given }).collect(),
        is_test: lead.is_test,
    }
}

fn lead_bytes(lead: &types::Lead) -> usize {
    let fields = lead.raw_field_data.iter().chain(&lead.custom_fields);
    fields.map(|field| field.name.len() + field.value.len()).sum()
}

fn failure(failure: types::Failure) -> Failure {
    let short = |text: String| text.chars().take(1_000).collect::<String>();
    match failure {
        types::Failure::Retry(later) => Failure::Retry { reason: short(later.reason), after_ms: later.after_ms },
        types::Failure::Unauthorized(why) => Failure::Unauthorized(short(why)),
        types::Failure::Permanent(why) => Failure::Permanent(short(why)),
    }
}

fn fields(fields: Vec<types::Field>) -> Vec<Field> {
    fields.into_iter().map(|field| Field { name: field.name, value: field.value }).collect()
}

fn lower_fields(fields: Vec<Field>) -> Vec<types::Field> {
    fields.into_iter().map(|field| types::Field { name: field.name, value: field.value }).collect()
}

fn instant(millis: u64) -> Instant {
    Instant::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

pub(crate) fn lower_instant(instant: Instant) -> u64 {
    u64::try_from(instant.millis()).unwrap_or_default()
}

fn check_count(count: usize) -> Result<(), String> {
    if count > limits::EVENTS_PER_REQUEST_MAX {
        return Err(format!(
            "it gave {count} items at once, and at most {} are allowed",
            limits::EVENTS_PER_REQUEST_MAX
        ));
    }
    Ok(())
}

/// Adds up what a guest handed over.
#[derive(Default)]
struct Size(usize);

impl Size {
    fn add(&mut self, bytes: usize) -> Result<(), String> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 > limits::GUEST_OUTPUT_BYTES_MAX {
            return Err(format!("its output is larger than {} bytes", limits::GUEST_OUTPUT_BYTES_MAX));
        }
        Ok(())
    }
}
