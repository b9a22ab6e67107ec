//! The Meta Lead Ads provider.
//!
//! Meta's webhook carries ids only: `webhook` makes one event of each changed lead, and `graph` fetches what the
//! person answered, with the page's own token. Polls and imports read the same leads from the form's list, whose
//! items are complete, so that normalizing them needs no fetch. `answer` turns either into a lead.

mod webhook;
mod graph;
mod answer;
mod history;
mod trouble;

use hookyard_sdk::{
    Attachment, CredentialProof, CredentialSpec, Failure, HttpRequest, Inbound, Json, Malformed, Manifest, Normalized,
    OauthSpec, Page, PageQuery, Provider, Reception, SecretSpec, TokenRequest,
};

/// Leads of Facebook and Instagram forms.
pub struct MetaLeadAds;

hookyard_sdk::export!(MetaLeadAds as provider);

/// The one event type that there is.
const LEADGEN: &str = "leadgen";
/// The application secret that signs events, and proves that a token is used by its application.
const APP_SECRET: &str = "app_secret";
/// The application secret that the operator also typed into Meta's webhook form.
const VERIFY_TOKEN: &str = "verify_token";
/// The page's token.
const ACCESS_TOKEN: &str = "access_token";

impl Provider for MetaLeadAds {
    fn describe() -> Manifest {
        let token = CredentialSpec {
            name: ACCESS_TOKEN.into(),
            summary: "A page access token with leads_retrieval, made from a long-lived user token.".into(),
            attach: Attachment::Query("access_token".into()),
            proof: Some(CredentialProof { secret: APP_SECRET.into(), query: "appsecret_proof".into() }),
        };
        Manifest {
            id: "meta_lead_ads".into(),
            name: "Meta Lead Ads".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Leads of Facebook and Instagram forms: webhook, polling and import.".into(),
            event_types: vec![LEADGEN.into()],
            secrets: vec![
                SecretSpec::application(APP_SECRET, "The app secret, from the app's basic settings."),
                SecretSpec::application(VERIFY_TOKEN, "The verify token typed into the app's webhook form."),
            ],
            credentials: vec![token],
            hosts: vec![graph::HOST.into()],
            oauth: Some(OauthSpec {
                authorize_url: "https://www.facebook.com/v25.0/dialog/oauth".into(),
                token_url: "https://graph.facebook.com/v25.0/oauth/access_token".into(),
                scopes: SCOPES.iter().map(|scope| (*scope).into()).collect(),
                credential: ACCESS_TOKEN.into(),
                token_request: TokenRequest::Form,
                keeps: Vec::new(),
            }),
            polls: true,
            imports: true,
            settings_schema: graph::SETTINGS_SCHEMA.into(),
            ..Manifest::empty()
        }
    }

    fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
        match request.method.as_str() {
            "GET" => webhook::handshake(&request),
            "POST" => webhook::notification(&request),
            method => Err(format!("Meta sends GET and POST, not {method}").into()),
        }
    }

    fn normalize(event: Inbound, settings: Json) -> Result<Vec<Normalized>, Failure> {
        answer::normalize(&event, &settings).map(|normalized| vec![normalized])
    }

    fn list_page(query: PageQuery, settings: Json) -> Result<Page, Failure> {
        history::list_page(&query, &settings)
    }
}

/// What Meta asks the person to allow. The last two serve to subscribe the page and to see its forms.
const SCOPES: [&str; 6] = [
    "leads_retrieval",
    "pages_manage_ads",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_metadata",
    "ads_management",
];
