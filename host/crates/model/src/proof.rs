//! Proofs: whether a request is what it claims to be.
//!
//! A provider's guest says what *would* prove a request authentic; [`prove`] does the proving, natively, over the raw
//! bytes, with secrets that the guest never sees. It fails closed: no live secret, no signature, an unknown name, a
//! stale time, too many of anything, and the request is refused. Every offered signature is compared with every live
//! secret, in constant time and without an early exit, so that neither timing nor the answer tells which one was near.
//!
//! It refuses to know headers and encodings (the guest decoded them) and HTTP statuses (`http::problem` maps them).

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

use crate::instant::Instant;
use crate::limits;
use crate::secret::Secret;

/// What would prove a request authentic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A keyed hash.
    Hmac(HmacProof),
    /// A plain digest over bytes that include the secret.
    Hash(HashProof),
    /// A signature that a public key verifies.
    PublicKey(PublicKeyProof),
    /// The request carries the secret itself.
    Token {
        /// Which secret.
        secret: String,
        /// What the request carries.
        candidate: String,
    },
    /// Nothing is claimed; only a reply may come of it.
    Handshake,
    /// Events that nothing proves.
    Unsigned,
}

/// A keyed hash over parts of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacProof {
    /// The key.
    pub secret: String,
    /// The hash.
    pub digest: Digest,
    /// What was hashed, in order.
    pub signed: Vec<Part>,
    /// What the request offers; any one may match.
    pub signatures: Vec<Vec<u8>>,
    /// The signed time, where the scheme has one.
    pub signed_at: Option<Instant>,
}

/// A plain digest over parts, the secret among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashProof {
    /// The hash.
    pub digest: Digest,
    /// What was hashed, in order.
    pub signed: Vec<Part>,
    /// What the request offers.
    pub hashes: Vec<Vec<u8>>,
}

/// A signature over parts of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyProof {
    /// The scheme.
    pub algorithm: KeyAlgorithm,
    /// The secret that holds the provider's public key.
    pub key: String,
    /// What was signed, in order.
    pub signed: Vec<Part>,
    /// What the request offers.
    pub signatures: Vec<Vec<u8>>,
    /// The signed time, where the scheme has one.
    pub signed_at: Option<Instant>,
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1, for providers that still sign with it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A signature scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RFC 8032; the key is 32 raw bytes.
    Ed25519,
    /// ECDSA on P-256 over SHA-256; the key is SEC1 or SPKI, the signature DER or 64 raw bytes.
    EcdsaP256Sha256,
}

/// One part of what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The request's raw body.
    Body,
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The named secret's own bytes.
    Secret(String),
}

/// Where [`prove`] finds the live values of a secret: none, one, or several during a rotation.
pub trait Secrets {
    /// The live values under this name.
    fn live(&self, name: &str) -> Vec<Secret>;
}

/// What was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// Its events may be logged.
    Authentic,
    /// Only its reply may be given.
    Handshake,
    /// Its events are hints, where the account's owner agreed to that.
    Unsigned,
}

/// Why a request is refused. For the operator's eyes: the caller gets a bare 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request carries no signature or token in the expected form.
    #[error("the request carries no usable signature")]
    Missing,
    /// None of the signatures matches.
    #[error("no signature matches any live value of the secret `{0}`")]
    Mismatch(String),
    /// The signed time is outside the tolerance.
    #[error("the signed time is {0} s from ours, more than the tolerance")]
    Stale(u64),
    /// No value is known under this name.
    #[error("the secret `{0}` has no live value")]
    NoSecret(String),
    /// More signatures or parts than are looked at.
    #[error("the request offers more signatures, or the proof has more parts, than are looked at")]
    TooMany,
    /// The guest's proof proves nothing: no part, or no secret among them.
    #[error("the plugin's proof covers nothing that a stranger could not make")]
    Empty,
    /// The key is not one.
    #[error("the secret `{0}` is not a public key of the scheme")]
    Key(String),
    /// A handshake that brings events.
    #[error("a handshake cannot bring events")]
    HandshakeEvents,
}

/// Proves `proof` over `body` with the live `secrets`, at `now`.
///
/// # Errors
/// Whatever keeps it from being proved.
pub fn prove(
    proof: &Proof,
    body: &[u8],
    secrets: &dyn Secrets,
    now: Instant,
    events: usize,
) -> Result<Proved, Refusal> {
    match proof {
        Proof::Hmac(proof) => prove_hmac(proof, body, secrets, now),
        Proof::Hash(proof) => prove_hash(proof, body, secrets),
        Proof::PublicKey(proof) => prove_public_key(proof, body, secrets, now),
        Proof::Token { secret, candidate } => prove_token(secret, candidate, secrets),
        Proof::Handshake if events > 0 => Err(Refusal::HandshakeEvents),
        Proof::Handshake => Ok(Proved::Handshake),
        Proof::Unsigned => Ok(Proved::Unsigned),
    }
}

/// The keyed hash of a message, as `secrets.hmac` gives it to a guest and the `connect` style to a receiver.
#[must_use]
pub fn hmac(digest: Digest, secret: &Secret, message: &[u8]) -> Vec<u8> {
    keyed(digest, secret, &[message])
}

fn prove_hmac(proof: &HmacProof, body: &[u8], secrets: &dyn Secrets, now: Instant) -> Result<Proved, Refusal> {
    check_offer(&proof.signed, &proof.signatures)?;
    check_time(proof.signed_at, now)?;
    let mut matched = Choice::from(0);
    for secret in live(secrets, &proof.secret)? {
        for message in messages(&proof.signed, body, secrets)? {
            let expected = keyed(proof.digest, &secret, &message.slices());
            matched |= any_equal(&expected, &proof.signatures);
        }
    }
    decide(matched, &proof.secret)
}

fn prove_hash(proof: &HashProof, body: &[u8], secrets: &dyn Secrets) -> Result<Proved, Refusal> {
    check_offer(&proof.signed, &proof.hashes)?;
    let named = proof.signed.iter().find_map(|part| match part {
        Part::Secret(name) => Some(name),
        Part::Body | Part::Text(_) | Part::Bytes(_) => None,
    });
    let name = named.ok_or(Refusal::Empty)?;
    let mut matched = Choice::from(0);
    for message in messages(&proof.signed, body, secrets)? {
        let expected = plain(proof.digest, &message.slices());
        matched |= any_equal(&expected, &proof.hashes);
    }
    decide(matched, name)
}

fn prove_public_key(
    proof: &PublicKeyProof,
    body: &[u8],
    secrets: &dyn Secrets,
    now: Instant,
) -> Result<Proved, Refusal> {
    check_offer(&proof.signed, &proof.signatures)?;
    check_time(proof.signed_at, now)?;
    let mut matched = false;
    for key in live(secrets, &proof.key)? {
        for message in messages(&proof.signed, body, secrets)? {
            let message = message.slices().concat();
            for signature in &proof.signatures {
                matched |= match proof.algorithm {
                    KeyAlgorithm::Ed25519 => ed25519(&key, &message, signature),
                    KeyAlgorithm::EcdsaP256Sha256 => ecdsa_p256(&key, &message, signature),
                }
                .ok_or_else(|| Refusal::Key(proof.key.clone()))?;
            }
        }
    }
    decide(Choice::from(u8::from(matched)), &proof.key)
}

fn prove_token(name: &str, candidate: &str, secrets: &dyn Secrets) -> Result<Proved, Refusal> {
    if candidate.is_empty() {
        return Err(Refusal::Missing);
    }
    // Hashes have one length, so the comparison tells nothing of the secret's.
    let candidate = Sha256::digest(candidate.as_bytes());
    let mut matched = Choice::from(0);
    for secret in live(secrets, name)? {
        matched |= Sha256::digest(secret.expose()).as_slice().ct_eq(candidate.as_slice());
    }
    decide(matched, name)
}

fn check_offer(signed: &[Part], offered: &[Vec<u8>]) -> Result<(), Refusal> {
    if offered.is_empty() {
        return Err(Refusal::Missing);
    }
    if offered.len() > limits::PROOF_SIGNATURES_MAX || signed.len() > limits::PROOF_PARTS_MAX {
        return Err(Refusal::TooMany);
    }
    if signed.is_empty() {
        return Err(Refusal::Empty);
    }
    Ok(())
}

fn check_time(signed_at: Option<Instant>, now: Instant) -> Result<(), Refusal> {
    let Some(signed_at) = signed_at else { return Ok(()) };
    let apart: Duration = now.since(signed_at).max(signed_at.since(now));
    if apart > limits::PROOF_TOLERANCE {
        return Err(Refusal::Stale(apart.as_secs()));
    }
    Ok(())
}

fn live(secrets: &dyn Secrets, name: &str) -> Result<Vec<Secret>, Refusal> {
    let mut values = secrets.live(name);
    values.truncate(limits::SECRET_VALUES_MAX);
    if values.is_empty() {
        return Err(Refusal::NoSecret(name.to_owned()));
    }
    Ok(values)
}

fn decide(matched: Choice, name: &str) -> Result<Proved, Refusal> {
    if bool::from(matched) { Ok(Proved::Authentic) } else { Err(Refusal::Mismatch(name.to_owned())) }
}

/// What was signed, once for each live value of a secret part.
struct Message<'a>(Vec<Piece<'a>>);

enum Piece<'a> {
    Borrowed(&'a [u8]),
    Secret(Secret),
}

impl Message<'_> {
    fn slices(&self) -> Vec<&[u8]> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Borrowed(bytes) => bytes,
                Piece::Secret(secret) => secret.expose(),
            })
            .collect()
    }
}

fn messages<'a>(signed: &'a [Part], body: &'a [u8], secrets: &dyn Secrets) -> Result<Vec<Message<'a>>, Refusal> {
    let name = signed.iter().find_map(|part| match part {
        Part::Secret(name) => Some(name),
        Part::Body | Part::Text(_) | Part::Bytes(_) => None,
    });
    let Some(name) = name else { return Ok(vec![message(signed, body, None)]) };
    if signed.iter().any(|part| matches!(part, Part::Secret(other) if other != name)) {
        return Err(Refusal::TooMany);
    }
    Ok(live(secrets, name)?.iter().map(|secret| message(signed, body, Some(secret))).collect())
}

fn message<'a>(signed: &'a [Part], body: &'a [u8], secret: Option<&Secret>) -> Message<'a> {
    let pieces = signed.iter().filter_map(|part| match part {
        Part::Body => Some(Piece::Borrowed(body)),
        Part::Text(text) => Some(Piece::Borrowed(text.as_bytes())),
        Part::Bytes(bytes) => Some(Piece::Borrowed(bytes)),
        Part::Secret(_) => secret.map(|secret| Piece::Secret(secret.clone())),
    });
    Message(pieces.collect())
}

fn any_equal(expected: &[u8], offered: &[Vec<u8>]) -> Choice {
    offered.iter().fold(Choice::from(0), |matched, one| matched | expected.ct_eq(one.as_slice()))
}

fn keyed(digest: Digest, secret: &Secret, message: &[&[u8]]) -> Vec<u8> {
    fn run<M: Mac + KeyInit>(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
        // A key of any length fits: longer ones are hashed first. The empty vector, which matches nothing, is for
        // an error that HMAC does not have.
        let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
        message.iter().for_each(|piece| mac.update(piece));
        mac.finalize().into_bytes().to_vec()
    }
    match digest {
        Digest::Sha1 => run::<Hmac<Sha1>>(secret.expose(), message),
        Digest::Sha256 => run::<Hmac<Sha256>>(secret.expose(), message),
        Digest::Sha512 => run::<Hmac<Sha512>>(secret.expose(), message),
    }
}

fn plain(digest: Digest, message: &[&[u8]]) -> Vec<u8> {
    fn run<D: sha2::Digest>(message: &[&[u8]]) -> Vec<u8> {
        message.iter().fold(D::new(), |hash, piece| hash.chain_update(piece)).finalize().to_vec()
    }
    match digest {
        Digest::Sha1 => run::<Sha1>(message),
        Digest::Sha256 => run::<Sha256>(message),
        Digest::Sha512 => run::<Sha512>(message),
    }
}

/// `None` where the key is none; a signature of the wrong shape is merely false.
fn ed25519(key: &Secret, message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.expose().try_into().ok()?).ok()?;
    let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return Some(false) };
    Some(key.verify_strict(message, &signature).is_ok())
}

fn ecdsa_p256(key: &Secret, message: &[u8], signature: &[u8]) -> Option<bool> {
    use p256::ecdsa::signature::Verifier;
    use p256::ecdsa::{Signature, VerifyingKey};
    use p256::pkcs8::DecodePublicKey;
    let key = VerifyingKey::from_sec1_bytes(key.expose())
        .ok()
        .or_else(|| VerifyingKey::from_public_key_der(key.expose()).ok())?;
    let signature = Signature::from_der(signature).or_else(|_| Signature::from_slice(signature));
    Some(signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
}

#[cfg(test)]
mod tests;
