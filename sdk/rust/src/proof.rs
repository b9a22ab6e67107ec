//! Saying what would prove a request authentic.
//!
//! A guest sees no secret and compares nothing. It names the secret, lists what was signed, and decodes the
//! signatures that came along; the host computes and compares, on the raw bytes, in constant time. Everything here
//! fails closed: what cannot be decoded is no signature, and a proof without signatures is refused with a 401.
//!
//! ```
//! use hookyard_sdk::{HttpRequest, Proof, Reception, proof};
//!
//! fn receive(request: &HttpRequest) -> Reception {
//!     let signature = proof::hex_header(request, "X-Hub-Signature-256", "sha256=");
//!     let proof = Proof::hmac_sha256("secret").signed_body().signatures(signature);
//!     Reception::new(proof, Vec::new())
//! }
//! ```

use data_encoding::BASE64;

use crate::{
    Digest, HashProof, HmacProof, HttpRequest, Instant, KeyAlgorithm, Proof, PublicKeyProof, SignedPart, TokenProof,
};

/// The header's value, where all headers of this name agree; nothing where there is none or where two disagree.
#[must_use]
pub fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.header(name).ok().flatten()
}

/// The signature in a header like `X-Hub-Signature-256: sha256=<hex>`; the prefix's case matters.
#[must_use]
pub fn hex_header(request: &HttpRequest, name: &str, prefix: &str) -> Option<Vec<u8>> {
    hex(header(request, name)?.strip_prefix(prefix)?)
}

/// The signature in a header like `X-Shopify-Hmac-Sha256: <base64>`; the prefix's case matters.
#[must_use]
pub fn base64_header(request: &HttpRequest, name: &str, prefix: &str) -> Option<Vec<u8>> {
    base64(header(request, name)?.strip_prefix(prefix)?)
}

/// Lower-case hex, the whole of it. By hand, because the library's table of encodings is 32 KiB of code in a guest.
#[must_use]
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?));
    decoded(bytes.collect::<Option<_>>().filter(|_| odd.is_empty())?)
}

/// Standard base64 with its padding, the whole of it.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    decoded(BASE64.decode(text.as_bytes()).ok()?)
}

/// The values of one key in a list like `t=1614265330,v1=ab,v1=cd`, in order; blanks around a pair are ignored.
pub fn list_values<'a>(list: &'a str, separator: char, key: &'a str) -> impl Iterator<Item = &'a str> {
    list.split(separator)
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(move |(name, value)| (name == key).then_some(value))
}

/// The one value of a key in such a list; nothing where it is missing or there twice.
#[must_use]
pub fn list_value<'a>(list: &'a str, separator: char, key: &'a str) -> Option<&'a str> {
    let mut values = list_values(list, separator, key);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn decoded(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (!bytes.is_empty()).then_some(bytes)
}

impl Proof {
    /// A keyed hash under the named secret.
    #[must_use]
    pub fn hmac(secret: impl Into<String>, digest: Digest) -> HmacProof {
        HmacProof { secret: secret.into(), digest, signed: Vec::new(), signatures: Vec::new(), signed_at: None }
    }

    /// HMAC-SHA256 under the named secret.
    #[must_use]
    pub fn hmac_sha256(secret: impl Into<String>) -> HmacProof {
        Self::hmac(secret, Digest::Sha256)
    }

    /// A plain digest over bytes that include a secret.
    #[must_use]
    pub fn hash(digest: Digest) -> HashProof {
        HashProof { digest, signed: Vec::new(), hashes: Vec::new() }
    }

    /// A signature under the provider's private key; the named secret holds its public one.
    #[must_use]
    pub fn public_key(key: impl Into<String>, algorithm: KeyAlgorithm) -> PublicKeyProof {
        PublicKeyProof { algorithm, key: key.into(), signed: Vec::new(), signatures: Vec::new(), signed_at: None }
    }

    /// The request carries the named secret itself.
    #[must_use]
    pub fn token(secret: impl Into<String>, candidate: impl Into<String>) -> Self {
        Self::Token(TokenProof { secret: secret.into(), candidate: candidate.into() })
    }
}

/// The parts of a signed message, in order, for each proof that signs one.
macro_rules! signed_parts {
    ($proof:ident, $variant:ident) => {
        impl $proof {
            /// Next, the request's raw body.
            #[must_use]
            pub fn signed_body(self) -> Self {
                self.signed(SignedPart::Body)
            }

            /// Next, this text.
            #[must_use]
            pub fn signed_text(self, text: impl Into<String>) -> Self {
                self.signed(SignedPart::Text(text.into()))
            }

            /// Next, these bytes.
            #[must_use]
            pub fn signed_bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
                self.signed(SignedPart::Bytes(bytes.into()))
            }

            /// Next, the named secret's own bytes.
            #[must_use]
            pub fn signed_secret(self, name: impl Into<String>) -> Self {
                self.signed(SignedPart::Secret(name.into()))
            }

            fn signed(mut self, part: SignedPart) -> Self {
                self.signed.push(part);
                self
            }
        }

        impl From<$proof> for Proof {
            fn from(proof: $proof) -> Self {
                Self::$variant(proof)
            }
        }
    };
}

signed_parts!(HmacProof, Hmac);
signed_parts!(HashProof, Hash);
signed_parts!(PublicKeyProof, PublicKey);

impl HmacProof {
    /// The signatures that came along, of which any one may match. One of the wrong length is none.
    #[must_use]
    pub fn signatures(mut self, signatures: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let bytes = digest_bytes(self.digest);
        let fitting = signatures.into_iter().filter(|one| one.len() == bytes);
        self.signatures.extend(fitting);
        self
    }

    /// One signature.
    #[must_use]
    pub fn signature(self, signature: Vec<u8>) -> Self {
        self.signatures([signature])
    }

    /// Where the scheme signs a time: the host refuses it outside the tolerance, either way.
    #[must_use]
    pub fn signed_at(mut self, instant: Instant) -> Self {
        self.signed_at = Some(instant);
        self
    }
}

impl HashProof {
    /// The hashes that came along, of which any one may match. One of the wrong length is none.
    #[must_use]
    pub fn hashes(mut self, hashes: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let bytes = digest_bytes(self.digest);
        let fitting = hashes.into_iter().filter(|one| one.len() == bytes);
        self.hashes.extend(fitting);
        self
    }
}

impl PublicKeyProof {
    /// The signatures that came along, of which any one may match.
    #[must_use]
    pub fn signatures(mut self, signatures: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.signatures.extend(signatures);
        self
    }

    /// Where the scheme signs a time: the host refuses it outside the tolerance, either way.
    #[must_use]
    pub fn signed_at(mut self, instant: Instant) -> Self {
        self.signed_at = Some(instant);
        self
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn digest_bytes(digest: Digest) -> usize {
    match digest {
        Digest::Sha1 => 20,
        Digest::Sha256 => 32,
        Digest::Sha512 => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_exactly_hex_or_base64_is_no_signature() {
        for text in ["", "a", "AB", "abc", "0xab", "ab ", "zz"] {
            assert_eq!(hex(text), None, "{text}");
        }
        assert_eq!(hex("00ff"), Some(vec![0, 255]));
        for text in ["", "AA", "AA=", "AA==\n", "A-==", "AB=="] {
            assert_eq!(base64(text), None, "{text}");
        }
        assert_eq!(base64("AP8="), Some(vec![0, 255]));
    }

    #[test]
    fn a_signature_of_the_wrong_length_is_none() {
        let proof = Proof::hmac_sha256("s").signature(vec![0; 31]).signature(vec![1; 32]);
        assert_eq!(proof.signatures, [vec![1; 32]]);
    }

    #[test]
    fn a_list_gives_all_signatures_and_only_a_sole_time() {
        let list = "t=1614265330, v1=ab,v0=ee,v1=cd";
        assert_eq!(list_values(list, ',', "v1").collect::<Vec<_>>(), ["ab", "cd"]);
        assert_eq!(list_value(list, ',', "t"), Some("1614265330"));
        assert_eq!(list_value("t=1,t=2", ',', "t"), None);
        assert_eq!(list_value("v1=ab", ',', "t"), None);
    }
}
