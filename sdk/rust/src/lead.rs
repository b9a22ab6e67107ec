//! A form's answers, made a lead by the well-known names of their fields.
//!
//! Meta writes `phone_number`, Google `PHONE_NUMBER`, TikTok `Phone number`: compared without case, and with blanks
//! and hyphens as underscores, they are one name. Values stay as the person typed them; making an E.164 number out
//! of a phone number, or two names out of one, is the host's work, and is the same for every provider.

use crate::{Field, Lead};

/// Where a well-known answer belongs.
enum Place {
    Email,
    WorkEmail,
    FirstName,
    LastName,
    FullName,
    Phone,
    WorkPhone,
    Company,
}

impl Lead {
    /// A lead out of a form's answers; an answer with several values comes as several fields of one name.
    ///
    /// The first value that is not blank takes its place. The work address and number stand in where there are no
    /// others. What has no place, further values included, becomes a custom field under the form's own key, and
    /// `raw_field_data` keeps everything in order. Ids, times and consents are the caller's to add.
    #[must_use]
    pub fn from_fields(provider_lead_id: impl Into<String>, fields: Vec<Field>) -> Self {
        let mut lead = Self { provider_lead_id: provider_lead_id.into(), ..Self::default() };
        let mut work_email = None;
        let mut work_phone = None;
        for field in &fields {
            let value = field.value.trim();
            let place = match place(&field.name) {
                Some(Place::Email) => Some(&mut lead.email),
                Some(Place::FirstName) => Some(&mut lead.first_name),
                Some(Place::LastName) => Some(&mut lead.last_name),
                Some(Place::FullName) => Some(&mut lead.full_name),
                Some(Place::Phone) => Some(&mut lead.phone_number),
                Some(Place::Company) => Some(&mut lead.company),
                // Kept as custom fields, too: a work address is no home address.
                Some(Place::WorkEmail) => {
                    fill(&mut work_email, value);
                    None
                }
                Some(Place::WorkPhone) => {
                    fill(&mut work_phone, value);
                    None
                }
                None => None,
            };
            let placed = value.is_empty() || place.is_some_and(|place| fill(place, value));
            if !placed {
                lead.custom_fields.push(field.clone());
            }
        }
        lead.email = lead.email.or(work_email);
        lead.phone_number = lead.phone_number.or(work_phone);
        lead.raw_field_data = fields;
        lead
    }

    /// The first custom field of this exact name.
    #[must_use]
    pub fn custom_field(&self, name: &str) -> Option<&str> {
        self.custom_fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }
}

/// Whether the value is now, or was already, what stands there.
fn fill(place: &mut Option<String>, value: &str) -> bool {
    if value.is_empty() {
        return false;
    }
    place.get_or_insert_with(|| value.to_owned()) == value
}

fn place(name: &str) -> Option<Place> {
    let name: String = name
        .trim()
        .chars()
        .map(|letter| match letter {
            ' ' | '-' => '_',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    match name.as_str() {
        "email" | "e_mail" | "email_address" => Some(Place::Email),
        "work_email" => Some(Place::WorkEmail),
        "first_name" => Some(Place::FirstName),
        "last_name" => Some(Place::LastName),
        "full_name" | "name" => Some(Place::FullName),
        "phone_number" | "phone" | "phone_number_verified" => Some(Place::Phone),
        "work_phone_number" | "work_phone" => Some(Place::WorkPhone),
        "company_name" | "company" => Some(Place::Company),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(fields: &[(&str, &str)]) -> Lead {
        let field = |(name, value): &(&str, &str)| Field { name: (*name).to_owned(), value: (*value).to_owned() };
        Lead::from_fields("1", fields.iter().map(field).collect())
    }

    fn custom(lead: &Lead) -> Vec<(&str, &str)> {
        let fields = lead.custom_fields.iter();
        fields.map(|field| (field.name.as_str(), field.value.as_str())).collect()
    }

    #[test]
    fn the_names_of_every_provider_are_known() {
        for names in [
            ["full_name", "first_name", "last_name", "email", "phone_number", "company_name"],
            ["FULL_NAME", "FIRST_NAME", "LAST_NAME", "EMAIL", "PHONE_NUMBER", "COMPANY_NAME"],
            ["Name", "First name", "Last name", "Email", "Phone number", "Company name"],
        ] {
            let fields: Vec<_> = names.iter().zip(["f", "g", "l", "e", "p", "c"]).collect();
            let fields: Vec<_> = fields.into_iter().map(|(name, value)| (*name, value)).collect();
            let lead = lead(&fields);
            let found =
                [&lead.full_name, &lead.first_name, &lead.last_name, &lead.email, &lead.phone_number, &lead.company];
            assert_eq!(found.map(|value| value.as_deref().unwrap()), ["f", "g", "l", "e", "p", "c"]);
            assert!(lead.custom_fields.is_empty());
            assert_eq!(lead.raw_field_data.len(), 6);
        }
    }

    #[test]
    fn work_details_stand_in_and_are_kept() {
        let only_work = lead(&[("work_email", "w@x"), ("WORK_PHONE", "1")]);
        assert_eq!(only_work.email.as_deref(), Some("w@x"));
        assert_eq!(only_work.phone_number.as_deref(), Some("1"));
        assert_eq!(custom(&only_work), [("work_email", "w@x"), ("WORK_PHONE", "1")]);
        let both = lead(&[("work_email", "w@x"), ("email", "h@x")]);
        assert_eq!(both.email.as_deref(), Some("h@x"));
        assert_eq!(custom(&both), [("work_email", "w@x")]);
    }

    #[test]
    fn several_values_and_unknown_names_are_custom_fields_and_blanks_are_nothing() {
        let lead = lead(&[
            ("email", " "),
            ("email", " a@x "),
            ("email", "b@x"),
            ("wofür?", "x"),
            ("wofür?", "y"),
            ("empty", ""),
        ]);
        assert_eq!(lead.email.as_deref(), Some("a@x"));
        assert_eq!(custom(&lead), [("email", "b@x"), ("wofür?", "x"), ("wofür?", "y")]);
        assert_eq!(lead.raw_field_data.len(), 6);
    }
}
