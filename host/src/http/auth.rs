//! Keys: who calls, for which tenant, and what they may do.
//!
//! A key is `hy_` and 32 random bytes, sent as a bearer token; the store holds its SHA-256. A tenant's key is its
//! tenant's; the operator's works on every tenant, and says which one in `X-Hookyard-Tenant`. What belongs to another
//! tenant is not forbidden but absent: the same 404 as for an id that never was.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use data_encoding::BASE64URL_NOPAD;
use hookyard_model::id::{KeyId, TenantId};
use hookyard_store::Key;
use sha2::{Digest, Sha256};

use crate::http::Api;
use crate::http::problem::Problem;
use crate::ids;

const PREFIX: &str = "hy_";
/// Where the operator says on whose behalf it calls.
const TENANT_HEADER: &str = "x-hookyard-tenant";
/// Characters of a key that are shown for ever.
const VISIBLE_CHARS: usize = 10;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Everything but keys.
    Manage,
    /// Post events.
    Publish,
    /// Look.
    Read,
}

impl Scope {
    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manage => "manage",
            Self::Publish => "publish",
            Self::Read => "read",
        }
    }

    /// Reads what a request says.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        [Self::Admin, Self::Manage, Self::Publish, Self::Read].into_iter().find(|scope| scope.as_str() == text)
    }

    fn is_covered_by(self, held: Self) -> bool {
        match held {
            Self::Admin => true,
            Self::Manage => self != Self::Admin,
            Self::Publish => self == Self::Publish,
            Self::Read => self == Self::Read,
        }
    }
}

/// A new key: the text is shown once.
#[derive(Clone)]
pub struct MintedKey {
    /// What its holder sends.
    pub text: String,
    /// What the store holds.
    pub sha256: [u8; 32],
    /// What is shown for ever.
    pub prefix: String,
}

impl MintedKey {
    /// A random one.
    #[must_use]
    pub fn random() -> Self {
        Self::from_text(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&ids::random::<32>())))
    }

    /// One that the operator brought.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        let sha256 = Sha256::digest(text.as_bytes()).into();
        let prefix = text.chars().take(VISIBLE_CHARS).collect();
        Self { text, sha256, prefix }
    }
}

/// A call by a key that is valid.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key.
    pub key: KeyId,
    /// Its tenant; none for the operator's.
    pub tenant: Option<TenantId>,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Whether it may do this.
    ///
    /// # Errors
    /// 403 with what is missing.
    pub fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.iter().any(|held| scope.is_covered_by(*held)) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("this needs a key with the scope `{}`", scope.as_str())))
    }
}

/// A call on behalf of one tenant: its own key, or the operator's with `X-Hookyard-Tenant`.
#[derive(Debug, Clone)]
pub struct TenantCaller {
    /// Whose things it is about.
    pub tenant: TenantId,
    /// Who calls.
    pub caller: Caller,
}

impl TenantCaller {
    /// See [`Caller::may`].
    ///
    /// # Errors
    /// 403 with what is missing.
    pub fn may(&self, scope: Scope) -> Result<(), Problem> {
        self.caller.may(scope)
    }
}

/// A call about what an owner has of its own, such as plugins: a tenant, or the operator, whose things are for all
/// tenants and who acts for itself where it names none in `X-Hookyard-Tenant`.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Whose things it is about; the operator's where none.
    pub tenant: Option<TenantId>,
    /// Who calls.
    pub caller: Caller,
}

impl Owner {
    /// See [`Caller::may`].
    ///
    /// # Errors
    /// 403 with what is missing.
    pub fn may(&self, scope: Scope) -> Result<(), Problem> {
        self.caller.may(scope)
    }
}

/// A call by the operator.
#[derive(Debug, Clone)]
pub struct Operator(pub Caller);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let missing = || Problem::unauthenticated("send your API key as `Authorization: Bearer hy_…`");
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
        let (scheme, text) = header.split_once(' ').ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        let sha256: [u8; 32] = Sha256::digest(text.trim().as_bytes()).into();
        let key = api.store.key_find(&sha256).await?.filter(|key| is_live(key, api));
        let key = key.ok_or_else(|| Problem::unauthenticated("this API key is unknown, revoked or expired"))?;
        let scopes = key.scopes.iter().filter_map(|name| Scope::from_name(name)).collect();
        let caller = Self { key: key.id, tenant: key.tenant, scopes };
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

fn is_live(key: &Key, api: &Api) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|end| api.clock.now() < end)
}

impl FromRequestParts<Api> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let named = parts.headers.get(TENANT_HEADER);
        let tenant = match (caller.tenant, named) {
            (tenant, None) => tenant,
            (Some(tenant), Some(named)) if named.as_bytes() == tenant.text().as_bytes() => Some(tenant),
            (Some(_), Some(_)) => return Err(Problem::not_found("tenant")),
            (None, Some(named)) => {
                let tenant = named.to_str().ok().and_then(|text| text.parse().ok());
                let tenant: TenantId = tenant.ok_or_else(|| Problem::not_found("tenant"))?;
                Some(api.store.tenant_get(tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?.id)
            }
        };
        Ok(Self { tenant, caller })
    }
}

impl FromRequestParts<Api> for TenantCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Owner { tenant, caller } = Owner::from_request_parts(parts, api).await?;
        let unsaid = || {
            let detail = "the operator's key works on every tenant: say which one in `X-Hookyard-Tenant`";
            Problem::bad_request(detail).about("X-Hookyard-Tenant")
        };
        Ok(Self { tenant: tenant.ok_or_else(unsaid)?, caller })
    }
}

impl FromRequestParts<Api> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        if caller.tenant.is_some() {
            return Err(Problem::forbidden("this needs the operator's key"));
        }
        Ok(Self(caller))
    }
}
