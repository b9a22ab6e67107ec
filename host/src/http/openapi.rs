//! The API's description, OpenAPI 3.1, made from the handlers themselves.
//!
//! Routes and description are one list ([`super::router`]), so neither has what the other has not. What holds for all
//! of them is added here once: how a caller shows who it is, how a POST is made safe to repeat, and what a failure
//! looks like.

mod inbound;

use utoipa::OpenApi as _;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::http::problem::Problem;

const KEY: &str = "key";
/// Groups of routes that ask for no API key.
const KEYLESS: [&str; 2] = ["inbound", "operations"];

/// What the description says of each group of routes.
const TAGS: [(&str, &str); 16] = [
    ("inbound", "Webhooks of providers, proved by what they sign"),
    ("tenants", "Organisations, for the operator"),
    ("keys", "API keys of a tenant; shown once"),
    ("providers", "What can be connected, and the application's secrets"),
    ("plugins", "WebAssembly components and their versions"),
    ("accounts", "A tenant's connections to providers"),
    ("connect", "Subscriptions to one provider's events, at the paths of the connect products"),
    ("webhooks", "Subscriptions: where events are forwarded"),
    ("events", "What was logged, and its whole story"),
    ("deliveries", "Events on their way to subscriptions"),
    ("flows", "Automations: which events start them, with which settings, and what they would do"),
    ("runs", "Executions of flows, with all that they were given and told"),
    ("destinations", "CRMs that leads are pushed to"),
    ("leads", "People's details, in one shape"),
    ("refusals", "Samples of webhooks that were not believed, for the operator"),
    ("operations", "Health and numbers; no key"),
];

/// The description before any route is in it.
pub(super) fn empty() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Hookyard")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("A self-hosted gateway for webhooks and leads, with sandboxed plugins."));
    let tag = |(name, description)| TagBuilder::new().name(name).description(Some(description)).build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key: `hy_…`. The operator's says in `X-Hookyard-Tenant` which tenant it is about."));
    let components = ComponentsBuilder::new()
        .security_scheme(KEY, SecurityScheme::Http(bearer.build()))
        .schema(Problem::name(), Problem::schema());
    OpenApiBuilder::new()
        .info(info.build())
        .tags(Some(TAGS.map(tag)))
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(KEY, [])]))
        .build()
}

/// Providers' webhooks, whose router keeps no description.
pub(super) fn webhooks() -> OpenApi {
    inbound::Webhooks::openapi()
}

/// Adds to every operation what holds for all.
pub(super) fn complete(mut description: OpenApi) -> OpenApi {
    for item in description.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, patch, .. } = item;
        for operation in [get, put, &mut *post, delete, patch].into_iter().flatten() {
            complete_operation(operation);
        }
        post.iter_mut().filter(|operation| asks_for_a_key(operation)).for_each(|post| add(post, idempotency_key()));
    }
    description
}

fn asks_for_a_key(operation: &Operation) -> bool {
    !operation.tags.iter().flatten().any(|tag| KEYLESS.contains(&tag.as_str()))
}

fn complete_operation(operation: &mut Operation) {
    if asks_for_a_key(operation) {
        add(operation, tenant());
    } else {
        operation.security = Some(vec![SecurityRequirement::default()]);
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let problem = ResponseBuilder::new()
        .description("A problem, and what to do about it")
        .content("application/problem+json", content)
        .header("Retry-After", Header::new(ObjectBuilder::new().schema_type(Type::Integer)));
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.build()));
}

fn add(operation: &mut Operation, parameter: Parameter) {
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

fn idempotency_key() -> Parameter {
    let text = "Makes the request safe to send again within 24 hours: the same key, path and body get the same answer, \
                with `idempotency-replayed: true`. A secret that was shown once is null then.";
    header("Idempotency-Key", text)
}

fn tenant() -> Parameter {
    header("X-Hookyard-Tenant", "With the operator's key: the tenant that it is about, `ten_…`.")
}

fn header(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

#[cfg(test)]
mod tests;
