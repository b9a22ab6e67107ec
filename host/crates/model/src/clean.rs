//! Cleaning: one shape for every person, whatever the form they filled in.
//!
//! Cleaning never loses anything and never refuses a lead. What it can read it rewrites (an e-mail address in
//! lowercase, a phone number in E.164, names in NFC with single spaces); what it cannot read it leaves as given, less
//! control characters, and names in `unparsed`. The raw answers are kept beside it all.
//!
//! It refuses to guess: a national number without a country stays as it is.

use std::panic::catch_unwind;

use phonenumber::country;
use unicode_normalization::UnicodeNormalization;

use crate::instant::Instant;
use crate::lead::{CleanLead, Lead};

/// Longest text of a field after cleaning, in characters.
const FIELD_CHARS_MAX: usize = 1_000;
/// Longest text that is tried as a phone number, in bytes; the parser has panicked on longer ones.
const PHONE_BYTES_MAX: usize = 64;
/// Longest e-mail address (RFC 5321), in bytes.
const EMAIL_BYTES_MAX: usize = 254;

/// Cleans what `provider`'s plugin made of a person. `default_country` is where national phone numbers belong, as an
/// ISO 3166 code, unless the person named a country.
#[must_use]
pub fn clean(lead: Lead, provider: &str, default_country: Option<&str>, received_at: Instant) -> CleanLead {
    let mut unparsed = Vec::new();
    let country = answered_country(&lead).or_else(|| country_id(default_country?));
    let email = lead.email.as_deref().and_then(tidy).map(|text| {
        email(&text).unwrap_or_else(|| {
            unparsed.push("email".to_owned());
            text
        })
    });
    let phone_number = lead.phone_number.as_deref().and_then(tidy).map(|text| {
        phone(&text, country).unwrap_or_else(|| {
            unparsed.push("phoneNumber".to_owned());
            text
        })
    });
    let names = names(&lead);
    CleanLead {
        provider_type: provider.to_owned(),
        provider_lead_id: lead.provider_lead_id,
        email,
        first_name: names.first,
        last_name: names.last,
        full_name: names.full,
        phone_number,
        company: lead.company.as_deref().and_then(tidy),
        raw_field_data: lead.raw_field_data,
        custom_fields: lead.custom_fields,
        form_id: lead.form_id,
        campaign_id: lead.campaign_id,
        ad_id: lead.ad_id,
        created_at: lead.created_at,
        consents: lead.consents,
        is_test: lead.is_test,
        unparsed,
        received_at,
    }
}

struct Names {
    first: Option<String>,
    last: Option<String>,
    full: Option<String>,
}

/// First and last name as given; a full name alone is split after its first word, and a single word is a last name,
/// which is the one that CRMs insist on.
fn names(lead: &Lead) -> Names {
    let first = lead.first_name.as_deref().and_then(tidy);
    let last = lead.last_name.as_deref().and_then(tidy);
    let full = lead.full_name.as_deref().and_then(tidy);
    match (first, last, full) {
        (None, None, Some(full)) => match full.split_once(' ') {
            Some((first, last)) => {
                Names { first: Some(first.to_owned()), last: Some(last.to_owned()), full: Some(full) }
            }
            None => Names { first: None, last: Some(full.clone()), full: Some(full) },
        },
        (first, last, None) => {
            let full = match (&first, &last) {
                (Some(first), Some(last)) => Some(format!("{first} {last}")),
                (one, None) | (None, one) => one.clone(),
            };
            Names { first, last, full }
        }
        (first, last, full) => Names { first, last, full },
    }
}

/// A text as a cleaned field holds it; nothing where nothing is left.
pub(crate) fn text(text: &str) -> Option<String> {
    tidy(text)
}

/// E.164, with national numbers belonging to `default_country`.
pub(crate) fn phone_in(text: &str, default_country: Option<&str>) -> Option<String> {
    phone(text, default_country.and_then(country_id))
}

/// NFC, control and format characters out, white space collapsed, bounded; nothing where nothing is left.
fn tidy(text: &str) -> Option<String> {
    let mut clean = String::with_capacity(text.len().min(FIELD_CHARS_MAX));
    let visible = text.nfc().map(|letter| if letter.is_control() { ' ' } else { letter });
    for letter in visible.filter(|letter| !is_invisible(*letter)).take(FIELD_CHARS_MAX) {
        if !letter.is_whitespace() {
            clean.push(letter);
        } else if !clean.is_empty() && !clean.ends_with(' ') {
            clean.push(' ');
        }
    }
    clean.truncate(clean.trim_end().len());
    (!clean.is_empty()).then_some(clean)
}

/// Marks that reorder or hide text: zero-width and bidirectional controls, the byte order mark.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

pub(crate) fn email(text: &str) -> Option<String> {
    let text = text.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(text);
    let text = text
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
        .map_or(text, |_| text.get(7..).unwrap_or(text));
    let (local, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    let dotted = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
    let plain = !local.is_empty()
        && local.len() <= 64
        && !local.contains(|c: char| c.is_whitespace() || "@<>,;:\"()[]\\".contains(c));
    let address = format!("{}@{domain}", local.to_lowercase());
    (dotted && plain && address.len() <= EMAIL_BYTES_MAX).then_some(address)
}

fn phone(text: &str, country: Option<country::Id>) -> Option<String> {
    let text = text.strip_prefix("tel:").unwrap_or(text);
    if text.len() > PHONE_BYTES_MAX {
        return None;
    }
    let ascii: String = text
        .chars()
        .map(|c| c.to_digit(10).or_else(|| other_digit(c)).and_then(|d| char::from_digit(d, 10)).unwrap_or(c))
        .collect();
    // An international number may begin with 00 as well as with a plus.
    let ascii = match ascii.strip_prefix("00") {
        Some(rest) if country.is_none() => format!("+{rest}"),
        _ => ascii,
    };
    // The parser has had panics that strangers could reach (RUSTSEC-2024-0369); one more would cost this field only.
    let number = catch_unwind(|| {
        let number = phonenumber::parse(country, &ascii).ok()?;
        // Possible lengths of a number: ITU E.164 allows 15 digits with the country's, and none has under 7.
        let digits = number.national().value().to_string().len();
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        let e164 = e164.split(";ext=").next()?.to_owned();
        ((4..=14).contains(&digits) && (8..=16).contains(&e164.len())).then_some(e164)
    });
    number.ok().flatten()
}

/// Digits of other scripts that people's keyboards write phone numbers with.
fn other_digit(letter: char) -> Option<u32> {
    let zero =
        [0x0660, 0x06f0, 0x0966, 0xff10].into_iter().find(|zero| (*zero..*zero + 10).contains(&u32::from(letter)))?;
    Some(u32::from(letter) - zero)
}

/// The country that the person answered, where the form asked and the answer is an ISO 3166 code.
fn answered_country(lead: &Lead) -> Option<country::Id> {
    let asked = |name: &str| name.eq_ignore_ascii_case("country") || name.eq_ignore_ascii_case("country_code");
    lead.raw_field_data.iter().find(|field| asked(&field.name)).and_then(|field| country_id(field.value.trim()))
}

fn country_id(code: &str) -> Option<country::Id> {
    if code.len() != 2 {
        return None;
    }
    code.to_ascii_uppercase().parse().ok()
}

/// Whether `code` is a country that phone numbers can be read for.
#[must_use]
pub fn is_country(code: &str) -> bool {
    country_id(code).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Field;
    use proptest::prelude::*;

    fn cleaned(lead: Lead, country: Option<&str>) -> CleanLead {
        clean(lead, "meta_lead_ads", country, Instant::from_millis(0))
    }

    #[test]
    fn emails_are_lowercase_with_an_ascii_domain_or_left_as_given() {
        for (given, expected, parsed) in [
            (" Joe@Example.COM ", "joe@example.com", true),
            ("mailto:Joe.Bloggs+ads@Example.com", "joe.bloggs+ads@example.com", true),
            ("<joe@bücher.example>", "joe@xn--bcher-kva.example", true),
            ("joe@localhost", "joe@localhost", false),
            ("joe at example.com", "joe at example.com", false),
            ("a@b@example.com", "a@b@example.com", false),
            ("joe@example.com\r\nBcc: x@y.z", "joe@example.com Bcc: x@y.z", false),
        ] {
            let lead = cleaned(Lead { email: Some(given.into()), ..Lead::default() }, None);
            assert_eq!(lead.email.as_deref(), Some(expected), "{given:?}");
            assert_eq!(lead.unparsed.is_empty(), parsed, "{given:?}");
        }
    }

    #[test]
    fn phones_become_e164_by_the_accounts_country_or_stay_as_given() {
        for (given, country, expected, parsed) in [
            ("+1 (650) 555-0123", None, "+16505550123", true),
            ("tel:+49 30 901820", None, "+4930901820", true),
            ("030 901820", Some("DE"), "+4930901820", true),
            ("0049 30 901820", None, "+4930901820", true),
            ("0044 20 7946 0958", Some("DE"), "+442079460958", true),
            ("(650) 555-0123", Some("us"), "+16505550123", true),
            ("+1 650-555-0123 x42", None, "+16505550123", true),
            ("٠٣٠ ٩٠١٨٢٠", Some("DE"), "+4930901820", true),
            ("030 901820", None, "030 901820", false),
            ("call me", Some("DE"), "call me", false),
            ("123", Some("DE"), "123", false),
        ] {
            let lead = cleaned(Lead { phone_number: Some(given.into()), ..Lead::default() }, country);
            assert_eq!(lead.phone_number.as_deref(), Some(expected), "{given:?} in {country:?}");
            assert_eq!(lead.unparsed.is_empty(), parsed, "{given:?}");
        }
    }

    #[test]
    fn the_country_that_the_person_answered_comes_before_the_accounts() {
        let lead = Lead {
            phone_number: Some("020 7946 0958".into()),
            raw_field_data: vec![Field { name: "COUNTRY".into(), value: "GB".into() }],
            ..Lead::default()
        };
        assert_eq!(cleaned(lead, Some("DE")).phone_number.as_deref(), Some("+442079460958"));
    }

    #[test]
    fn names_are_split_and_joined_but_never_recapitalised() {
        let full = |text: &str| cleaned(Lead { full_name: Some(text.into()), ..Lead::default() }, None);
        let lead = full("  Ludwig   van\tBeethoven ");
        assert_eq!((lead.first_name.as_deref(), lead.last_name.as_deref()), (Some("Ludwig"), Some("van Beethoven")));
        assert_eq!(lead.full_name.as_deref(), Some("Ludwig van Beethoven"));
        assert_eq!(full("Prince").last_name.as_deref(), Some("Prince"));
        assert_eq!(full("e\u{301}mile zola").first_name.as_deref(), Some("\u{e9}mile"));
        let both = Lead { first_name: Some("Ada".into()), last_name: Some("Lovelace".into()), ..Lead::default() };
        assert_eq!(cleaned(both, None).full_name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(full("ab\u{202e}c\u{0}").full_name.as_deref(), Some("abc"));
    }

    proptest! {
        #[test]
        fn no_text_makes_cleaning_panic_or_leave_control_characters(text in "\\PC{0,80}|[0-9+() -]{0,70}", country in "[A-Z]{2}") {
            let lead = Lead {
                email: Some(text.clone()), phone_number: Some(text.clone()), full_name: Some(text.clone()), company: Some(text),
                ..Lead::default()
            };
            let lead = cleaned(lead, Some(&country));
            for field in [lead.email, lead.phone_number, lead.full_name, lead.company].into_iter().flatten() {
                prop_assert!(!field.chars().any(char::is_control));
            }
        }
    }
}
