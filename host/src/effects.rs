//! Effects, performed: what a guest asked for, done by the host on the guest's behalf.
//!
//! A fetch goes to a host that the manifest names and nowhere else, through the egress and its rules. The credential is
//! put in here, after the guest has written the request, and taken out again of whatever comes back: some providers
//! quote it in their answers (Graph's `paging.next` does), and no byte of a secret enters a guest.

use data_encoding::{BASE64, HEXLOWER};
use hookyard_egress::{Egress, Outbound, Overflow, Purpose, SendError, Stage};
use hookyard_model::effect::{Effect, FetchError, Reply};
use hookyard_model::http::{Field, Request, Response};
use hookyard_model::limits;
use hookyard_model::manifest::{Attachment, CredentialSpec, Manifest};
use hookyard_model::proof::{Digest, Secrets, hmac};
use hookyard_model::secret::Secret;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// On whose behalf effects are performed.
pub struct Behalf<'a> {
    /// What the plugin asks for.
    pub manifest: &'a Manifest,
    /// Which of the manifest's hosts were granted; all of them where nobody said.
    pub hosts: Option<&'a [String]>,
    /// The account's credentials.
    pub credentials: &'a [(String, Secret)],
    /// What credential proofs are keyed with.
    pub secrets: &'a (dyn Secrets + Sync),
    /// What a peer may know a repeated request by.
    pub idempotency_key: Option<String>,
}

/// No secret at all: for plugins that have credentials only.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn live(&self, _: &str) -> Vec<Secret> {
        Vec::new()
    }
}

/// A credential is missing that the plugin needs: a person has to give it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it has no credential `{0}`: set it, as when it was made")]
pub struct NoCredential(pub String);

/// Performs a fetch. Whatever the outside does is in the reply. Other effects are for whoever has state and time to
/// give; here there are none of either.
///
/// # Errors
/// A credential is missing.
pub async fn perform(egress: &Egress, behalf: &Behalf<'_>, effect: &Effect) -> Result<Reply, NoCredential> {
    match effect {
        Effect::Fetch { request, credentials } => {
            let mut secrets = Vec::new();
            for name in credentials {
                let known = behalf.credentials.iter().find(|(known, _)| known == name);
                match (behalf.manifest.credential(name), known) {
                    (Some(spec), Some((_, value))) => secrets.push((spec, value)),
                    (Some(_), None) => return Err(NoCredential(name.clone())),
                    (None, _) => {
                        return Ok(refused(&format!("the manifest does not declare the credential `{name}`")));
                    }
                }
            }
            Ok(match fetch(egress, behalf, request, &secrets).await {
                Ok(response) => Reply::Response(response),
                Err(error) => Reply::FetchError(error),
            })
        }
        Effect::StateGet { .. } => Ok(Reply::State(None)),
        Effect::Sleep { .. } => Ok(Reply::Slept),
    }
}

async fn fetch(
    egress: &Egress,
    behalf: &Behalf<'_>,
    request: &Request,
    credentials: &[(&CredentialSpec, &Secret)],
) -> Result<Response, FetchError> {
    let refuse = |why: &str| FetchError::Refused(why.to_owned());
    let mut url = Url::parse(&request.url).map_err(|_| refuse("the URL cannot be read"))?;
    check_host(behalf, &url)?;
    let mut headers = HeaderMap::new();
    for field in &request.headers {
        let name = HeaderName::try_from(field.name.as_str()).map_err(|_| refuse("a header's name cannot be sent"))?;
        let value =
            HeaderValue::try_from(field.value.as_str()).map_err(|_| refuse("a header's value cannot be sent"))?;
        headers.append(name, value);
    }
    if let Some(key) = &behalf.idempotency_key
        && !headers.contains_key(IDEMPOTENCY_KEY)
        && let Ok(key) = HeaderValue::try_from(key.as_str())
    {
        headers.insert(HeaderName::from_static(IDEMPOTENCY_KEY), key);
    }
    for (spec, value) in credentials {
        attach(&mut url, &mut headers, spec, value).ok_or_else(|| refuse("a credential cannot stand in a header"))?;
        if let Some(proof) = &spec.proof
            && let Some(secret) = behalf.secrets.live(&proof.secret).first()
        {
            let proved = HEXLOWER.encode(&hmac(Digest::Sha256, secret, value.expose()));
            url.query_pairs_mut().append_pair(&proof.query, &proved);
        }
    }
    let outbound = Outbound {
        purpose: Purpose::Provider,
        method: request.method.parse().map_err(|_| refuse("the method cannot be sent"))?,
        url,
        headers,
        body: request.body.clone().into(),
        timeout: limits::FETCH_TIMEOUT,
        response_bytes_max: limits::FETCH_RESPONSE_BYTES_MAX,
        overflow: Overflow::Refuse,
    };
    let response = egress.send(outbound).await.outcome.map_err(fetch_error)?;
    let needles = needles(credentials);
    let text = |value: &HeaderValue| String::from_utf8_lossy(&redact(value.as_bytes(), &needles)).into_owned();
    let headers = response.headers.iter();
    Ok(Response {
        status: response.status,
        headers: headers.map(|(name, value)| Field { name: name.to_string(), value: text(value) }).collect(),
        body: redact(&response.body, &needles),
    })
}

/// The URL's host must be one of the manifest's, letter for letter, and on https.
fn check_host(behalf: &Behalf<'_>, url: &Url) -> Result<(), FetchError> {
    let host = url.host_str().unwrap_or_default();
    let asked = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let manifest = behalf.manifest;
    if url.scheme() == "https" && manifest.hosts.contains(&asked) {
        return match behalf.hosts {
            Some(granted) if !granted.contains(&asked) => Err(FetchError::Refused(format!(
                "`{asked}` is a host of the manifest, and was not granted: add it to `hosts`"
            ))),
            _ => Ok(()),
        };
    }
    let granted = manifest.hosts.join("`, `");
    Err(FetchError::Refused(format!("`{asked}` is not a host of the manifest, which has `{granted}`, all on https")))
}

fn attach(url: &mut Url, headers: &mut HeaderMap, spec: &CredentialSpec, value: &Secret) -> Option<()> {
    let sensitive = |bytes: Vec<u8>| {
        let mut value = HeaderValue::from_bytes(&bytes).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    match &spec.attach {
        Attachment::Bearer => {
            headers.insert(AUTHORIZATION, sensitive([b"Bearer ", value.expose()].concat())?);
        }
        Attachment::Basic => {
            let encoded = BASE64.encode(value.expose());
            headers.insert(AUTHORIZATION, sensitive(format!("Basic {encoded}").into_bytes())?);
        }
        Attachment::Header { name, prefix } => {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            headers.insert(name, sensitive([prefix.as_bytes(), value.expose()].concat())?);
        }
        Attachment::Query(name) => {
            let text = std::str::from_utf8(value.expose()).ok()?;
            url.query_pairs_mut().append_pair(name, text);
        }
    }
    Some(())
}

fn fetch_error(error: SendError) -> FetchError {
    let text = error.to_string();
    match error {
        SendError::Refused(_) => FetchError::Refused(text),
        SendError::TimedOut { stage: Stage::Dns | Stage::Connect | Stage::Response | Stage::Body } => {
            FetchError::TimedOut
        }
        SendError::TooLarge { limit_bytes } => FetchError::TooLarge(u64::try_from(limit_bytes).unwrap_or(u64::MAX)),
        SendError::Dns | SendError::Connect(_) | SendError::Tls(_) | SendError::Closed(_) | SendError::Protocol(_) => {
            FetchError::Unreachable(text)
        }
    }
}

fn refused(why: &str) -> Reply {
    Reply::FetchError(FetchError::Refused(why.to_owned()))
}

/// The forms in which a provider might quote a credential: as it is, as a query's value, as Basic.
fn needles(credentials: &[(&CredentialSpec, &Secret)]) -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for (_, value) in credentials {
        let bytes = value.expose();
        needles.push(bytes.to_vec());
        needles.push(url::form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes());
        needles.push(BASE64.encode(bytes).into_bytes());
    }
    // Shorter ones occur by chance, and are no secrets.
    needles.retain(|needle| needle.len() >= 8);
    needles.sort();
    needles.dedup();
    needles
}

fn redact(bytes: &[u8], needles: &[Vec<u8>]) -> Vec<u8> {
    let mut rest = bytes;
    let mut clean = Vec::with_capacity(bytes.len());
    while let Some((first, after)) = rest.split_first() {
        match needles.iter().find(|needle| rest.starts_with(needle)) {
            Some(needle) => {
                clean.extend_from_slice(b"[redacted]");
                rest = rest.get(needle.len()..).unwrap_or_default();
            }
            None => {
                clean.push(*first);
                rest = after;
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_credential_is_taken_out_in_every_form() {
        let spec = CredentialSpec { name: "t".into(), summary: String::new(), attach: Attachment::Bearer, proof: None };
        let value = Secret::from_bytes(b"EAAB/secret+token==".to_vec()).unwrap();
        let needles = needles(&[(&spec, &value)]);
        let quoted = b"a=EAAB/secret+token==&b=EAAB%2Fsecret%2Btoken%3D%3D;".to_vec();
        assert_eq!(redact(&quoted, &needles), b"a=[redacted]&b=[redacted];");
        assert_eq!(redact(b"nothing here", &needles), b"nothing here");
    }
}
