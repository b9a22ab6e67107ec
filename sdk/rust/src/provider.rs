//! The world of providers: where events come from.
//!
//! [`Provider`] is the whole of what an author writes; `bindings` carries its answers over the wall.
//! The proof that `receive` describes is carried out by the host: see [`crate::proof`].

use crate::bindings::provider::exports::hookyard::plugin::provider as world;
use crate::{Failure, HttpRequest, HttpResponse, Inbound, Json};

pub use world::{
    HashProof, HmacProof, KeyAlgorithm, Manifest, Normalized, Page, PageQuery, Proof, PublicKeyProof, Reception,
    SignedPart, TokenProof,
};

/// A source of events. Its functions take no `self`: each call runs in a fresh instance.
pub trait Provider {
    /// Who this is and what it may ask for. Called once, at upload, with every import closed.
    fn describe() -> Manifest;

    /// Says what would prove the request authentic, and which events it carries. No effects here.
    ///
    /// A request that cannot be authentic (no signature, an unreadable one) is no error: return its proof without
    /// signatures, which the host refuses with a 401.
    fn receive(request: HttpRequest) -> Result<Reception, Malformed>;

    /// Turns one logged event into what it means; may call [`crate::http`].
    ///
    /// The default suits providers of plain events: the event as it is, its payload as data, no lead.
    fn normalize(event: Inbound, settings: Json) -> Result<Vec<Normalized>, Failure> {
        let _ = settings;
        Ok(vec![Normalized { event_type: event.event_type, lead: None, data: event.payload }])
    }

    /// One page of history, for polls and imports. The default refuses.
    fn list_page(query: PageQuery, settings: Json) -> Result<Page, Failure> {
        let _ = (query, settings);
        Err(Failure::permanent("this provider does not list history"))
    }
}

/// Why a request cannot be read: a sentence for the operator. The caller gets a 400 and none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

impl From<&str> for Malformed {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl From<String> for Malformed {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<serde_json::Error> for Malformed {
    /// Keeps the field, the line and the column that the parser stumbled over.
    fn from(error: serde_json::Error) -> Self {
        Self(format!("the body is not the JSON that was expected: {}", crate::json::reason(&error)))
    }
}

impl Reception {
    /// A request that, once proved, carries these events and is answered by the host's own 200.
    #[must_use]
    pub fn new(proof: impl Into<Proof>, events: Vec<Inbound>) -> Self {
        Self { proof: proof.into(), reply: None, events }
    }

    /// Answers the caller in the provider's own way, such as with a challenge's echo.
    #[must_use]
    pub fn reply(mut self, reply: HttpResponse) -> Self {
        self.reply = Some(reply);
        self
    }
}

impl<P: Provider> world::Guest for P {
    fn describe() -> Manifest {
        P::describe()
    }

    fn receive(request: HttpRequest) -> Result<Reception, String> {
        P::receive(request).map_err(|malformed| malformed.0)
    }

    fn normalize(event: Inbound, settings: Json) -> Result<Vec<Normalized>, Failure> {
        P::normalize(event, settings)
    }

    fn list_page(query: PageQuery, settings: Json) -> Result<Page, Failure> {
        P::list_page(query, settings)
    }
}
