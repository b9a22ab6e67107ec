//! Identifiers: a prefix that says what it is, and a UUIDv7 that says when.
//!
//! `evt_01jd3q…` is readable in a log, cannot be mistaken for another noun's id by the compiler, and sorts by the
//! moment of its making, so that "newest first" is an index scan and a cursor is an id. The text is lowercase
//! Crockford base 32 (26 characters, most significant first), hence text order is time order.
//!
//! Where the random bits come from is the caller's business; see [`Id::at`].

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::instant::Instant;

const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_CHARS: usize = 26;

/// A noun that has ids.
pub trait Noun {
    /// What its ids begin with, underscore included.
    const PREFIX: &'static str;
    /// The noun itself, for messages.
    const NAME: &'static str;
}

/// The id of one `N`. Copies are free; equality, order and hash are those of the UUID.
pub struct Id<N> {
    uuid: Uuid,
    noun: PhantomData<fn() -> N>,
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the id of a {noun}: it begins with `{prefix}` and goes on with 26 lowercase letters and digits"
)]
pub struct IdError {
    text: String,
    noun: &'static str,
    prefix: &'static str,
}

impl<N: Noun> Id<N> {
    /// The id of something made at `at`; `random` makes it differ from its neighbours of the same millisecond.
    #[must_use]
    pub fn at(at: Instant, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.millis()).unwrap_or_default();
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Self { uuid, noun: PhantomData }
    }

    /// The one id that follows from `at` and these parts, the same every time: for what must not be made twice.
    #[must_use]
    pub fn derived(at: Instant, parts: &[&str]) -> Self {
        use sha2::Digest as _;
        let mut hash = sha2::Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 10];
        bytes.iter_mut().zip(hash.finalize()).for_each(|(place, byte)| *place = byte);
        Self::at(at, bytes)
    }

    /// A number that follows from it: what decides a guest's randomness, the same at every replay.
    #[must_use]
    pub fn seed(self) -> u64 {
        use sha2::Digest as _;
        let mut seed = [0; 8];
        seed.iter_mut().zip(sha2::Sha256::digest(self.text().as_bytes())).for_each(|(place, byte)| *place = byte);
        u64::from_le_bytes(seed)
    }

    /// When it was made.
    #[must_use]
    pub fn made_at(self) -> Instant {
        Instant::from_millis(i64::try_from(self.uuid.as_u128() >> 80).unwrap_or(i64::MAX))
    }

    /// The text as it stands everywhere outside this process.
    #[must_use]
    pub fn text(self) -> String {
        let value = self.uuid.as_u128();
        let mut text = String::with_capacity(N::PREFIX.len() + TEXT_CHARS);
        text.push_str(N::PREFIX);
        for place in (0..TEXT_CHARS).rev() {
            let digit = (value >> (place * 5)) & 31;
            let byte = usize::try_from(digit).ok().and_then(|digit| ALPHABET.get(digit)).copied().unwrap_or(b'0');
            text.push(char::from(byte));
        }
        text
    }
}

impl<N: Noun> FromStr for Id<N> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError { text: text.chars().take(64).collect(), noun: N::NAME, prefix: N::PREFIX };
        let digits = text.strip_prefix(N::PREFIX).ok_or_else(error)?;
        if digits.len() != TEXT_CHARS || digits.as_bytes().first().is_none_or(|first| *first > b'7') {
            return Err(error());
        }
        let mut value: u128 = 0;
        for byte in digits.bytes() {
            let digit = ALPHABET.iter().position(|letter| *letter == byte).ok_or_else(error)?;
            value = (value << 5) | u128::try_from(digit).map_err(|_| error())?;
        }
        Ok(Self { uuid: Uuid::from_u128(value), noun: PhantomData })
    }
}

impl<N> Clone for Id<N> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<N> Copy for Id<N> {}
impl<N> PartialEq for Id<N> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<N> Eq for Id<N> {}
impl<N> PartialOrd for Id<N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<N> Ord for Id<N> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<N> std::hash::Hash for Id<N> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<N: Noun> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
impl<N: Noun> fmt::Debug for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
impl<N: Noun> Serialize for Id<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}
impl<'de, N: Noun> Deserialize<'de> for Id<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! nouns {
    ($($(#[$doc:meta])* $noun:ident $id:ident $prefix:literal $name:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $noun {}
        impl Noun for $noun {
            const PREFIX: &'static str = $prefix;
            const NAME: &'static str = $name;
        }
        #[doc = concat!("The id of one ", $name, ": `", $prefix, "…`.")]
        pub type $id = Id<$noun>;
    )+};
}

nouns! {
    /// An organisation; everything below belongs to exactly one.
    TenantNoun TenantId "ten_" "tenant";
    /// An API key.
    KeyNoun KeyId "key_" "key";
    /// An uploaded component and its versions.
    PluginNoun PluginId "plg_" "plugin";
    /// A tenant's connection to a provider.
    AccountNoun AccountId "acc_" "account";
    /// One logged fact.
    EventNoun EventId "evt_" "event";
    /// A person's details.
    LeadNoun LeadId "lead_" "lead";
    /// Where events are forwarded.
    SubscriptionNoun SubscriptionId "sub_" "subscription";
    /// One event for one subscription.
    DeliveryNoun DeliveryId "dlv_" "delivery";
    /// A tenant's automation.
    FlowNoun FlowId "flow_" "flow";
    /// One execution of a flow.
    RunNoun RunId "run_" "run";
    /// A tenant's CRM.
    DestinationNoun DestinationId "dst_" "destination";
    /// One lead for one destination.
    PushNoun PushId "push_" "push";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_and_sorts_by_time(a in 0i64..(1 << 47), b in 0i64..(1 << 47), r in any::<[u8; 10]>()) {
            let first = EventId::at(Instant::from_millis(a), r);
            let second = EventId::at(Instant::from_millis(b), r);
            prop_assert_eq!(first.text().parse::<EventId>().unwrap(), first);
            prop_assert_eq!(first.made_at().millis(), a);
            if a < b {
                prop_assert!(first.text() < second.text());
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = text.parse::<EventId>();
        }
    }

    #[test]
    fn an_id_of_another_noun_is_refused() {
        let lead = LeadId::at(Instant::from_millis(1), [7; 10]).text();
        assert!(lead.parse::<EventId>().is_err());
        assert!("evt_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<EventId>().is_err(), "more than 128 bits");
    }
}
