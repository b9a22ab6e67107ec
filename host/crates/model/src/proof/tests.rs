//! Published vectors, and every way of falling short of them.

use data_encoding::{BASE64, HEXLOWER};

use super::*;
use crate::secret::SecretFormat;

struct Known(Vec<(&'static str, Secret)>);

impl Secrets for Known {
    fn live(&self, name: &str) -> Vec<Secret> {
        self.0.iter().filter(|(known, _)| *known == name).map(|(_, secret)| secret.clone()).collect()
    }
}

fn text(value: &str) -> Secret {
    Secret::from_pasted(value, SecretFormat::Text).unwrap()
}

fn known(value: &str) -> Known {
    Known(vec![("key", text(value))])
}

const HELLO: &[u8] = b"Hello, World!";
const HELLO_MAC: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const NOW: Instant = Instant::EPOCH;

fn hmac_proof(signatures: &[&str]) -> HmacProof {
    HmacProof {
        secret: "key".into(),
        digest: Digest::Sha256,
        signed: vec![Part::Body],
        signatures: signatures.iter().map(|hex| HEXLOWER.decode(hex.as_bytes()).unwrap()).collect(),
        signed_at: None,
    }
}

fn check(proof: HmacProof, body: &[u8], secrets: &Known) -> Result<Proved, Refusal> {
    prove(&Proof::Hmac(proof), body, secrets, NOW, 1)
}

#[test]
fn githubs_published_sample_is_authentic() {
    let secrets = known("It's a Secret to Everybody");
    assert_eq!(check(hmac_proof(&[HELLO_MAC]), HELLO, &secrets), Ok(Proved::Authentic));
}

#[test]
fn every_changed_byte_of_body_or_signature_is_refused() {
    let secrets = known("It's a Secret to Everybody");
    for place in 0..HELLO.len() {
        let mut body = HELLO.to_vec();
        body[place] ^= 1;
        assert!(check(hmac_proof(&[HELLO_MAC]), &body, &secrets).is_err(), "body byte {place}");
    }
    for place in 0..32 {
        let mut proof = hmac_proof(&[HELLO_MAC]);
        proof.signatures[0][place] ^= 1;
        assert!(check(proof, HELLO, &secrets).is_err(), "signature byte {place}");
    }
    let mut short = hmac_proof(&[HELLO_MAC]);
    short.signatures[0].truncate(16);
    assert!(check(short, HELLO, &secrets).is_err(), "half a signature");
}

#[test]
fn nothing_is_proved_without_signature_secret_or_part() {
    let secrets = known("It's a Secret to Everybody");
    assert_eq!(check(hmac_proof(&[]), HELLO, &secrets), Err(Refusal::Missing));
    assert_eq!(check(hmac_proof(&[HELLO_MAC]), HELLO, &Known(vec![])), Err(Refusal::NoSecret("key".into())));
    let empty = HmacProof { signed: vec![], ..hmac_proof(&[HELLO_MAC]) };
    assert_eq!(check(empty, HELLO, &secrets), Err(Refusal::Empty));
    assert_eq!(check(hmac_proof(&[HELLO_MAC; 17]), HELLO, &secrets), Err(Refusal::TooMany));
}

#[test]
fn any_signature_may_match_any_live_secret() {
    let rotating = Known(vec![("key", text("new")), ("key", text("It's a Secret to Everybody"))]);
    let proof = hmac_proof(&["00", HELLO_MAC]);
    assert_eq!(check(proof, HELLO, &rotating), Ok(Proved::Authentic));
}

#[test]
fn a_signed_time_outside_the_tolerance_is_stale_either_way() {
    let secrets = known("It's a Secret to Everybody");
    for (seconds, authentic) in [(299, true), (300, true), (301, false)] {
        for at in [NOW.plus(Duration::from_secs(seconds)), NOW.minus(Duration::from_secs(seconds))] {
            let proof = HmacProof { signed_at: Some(at), ..hmac_proof(&[HELLO_MAC]) };
            assert_eq!(check(proof, HELLO, &secrets).is_ok(), authentic, "{seconds} s");
        }
    }
}

#[test]
fn tokens_are_compared_whole() {
    let secrets = known("verify-me");
    let token = |candidate: &str| {
        prove(&Proof::Token { secret: "key".into(), candidate: candidate.into() }, b"", &secrets, NOW, 0)
    };
    assert_eq!(token("verify-me"), Ok(Proved::Authentic));
    assert_eq!(token(""), Err(Refusal::Missing));
    for wrong in ["verify-m", "verify-me ", "Verify-me"] {
        assert!(token(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_plain_hash_needs_a_secret_among_its_parts() {
    let secrets = known("s3cret");
    let hash = |signed: Vec<Part>| {
        let hashes = vec![Sha256::digest(b"s3cretbody").to_vec()];
        prove(&Proof::Hash(HashProof { digest: Digest::Sha256, signed, hashes }), b"body", &secrets, NOW, 1)
    };
    assert_eq!(hash(vec![Part::Secret("key".into()), Part::Body]), Ok(Proved::Authentic));
    assert_eq!(hash(vec![Part::Text("s3cret".into()), Part::Body]), Err(Refusal::Empty));
}

#[test]
fn the_published_ed25519_vector_is_authentic_and_its_neighbours_are_not() {
    let key = Secret::from_pasted("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", SecretFormat::Base64).unwrap();
    let secrets = Known(vec![("key", key)]);
    let signature = "hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    let proof = |head: &str, signature: Vec<u8>| {
        Proof::PublicKey(PublicKeyProof {
            algorithm: KeyAlgorithm::Ed25519,
            key: "key".into(),
            signed: vec![Part::Text(head.into()), Part::Body],
            signatures: vec![signature],
            signed_at: None,
        })
    };
    let body = br#"{"test": 2432232314}"#;
    let signature = BASE64.decode(signature.as_bytes()).unwrap();
    let head = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.";
    assert_eq!(prove(&proof(head, signature.clone()), body, &secrets, NOW, 1), Ok(Proved::Authentic));
    assert!(prove(&proof("other.1614265330.", signature.clone()), body, &secrets, NOW, 1).is_err());
    assert!(prove(&proof(head, signature[..63].to_vec()), body, &secrets, NOW, 1).is_err());
    let wrong_key = known("not thirty-two bytes");
    assert_eq!(prove(&proof(head, signature), body, &wrong_key, NOW, 1), Err(Refusal::Key("key".into())));
}

#[test]
fn a_handshake_brings_no_events() {
    assert_eq!(prove(&Proof::Handshake, b"", &Known(vec![]), NOW, 0), Ok(Proved::Handshake));
    assert_eq!(prove(&Proof::Handshake, b"", &Known(vec![]), NOW, 1), Err(Refusal::HandshakeEvents));
}
