//! Which e-mail addresses say where a person works.

/// Longer than any company's, and short enough for a key of state.
const BYTES_MAX: usize = 200;
/// Where anybody can have an address. A few of many: add those of your own country.
const FREE_MAIL: [&str; 14] = [
    "aol.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.ru",
    "outlook.com",
    "proton.me",
    "web.de",
    "yahoo.com",
    "yandex.ru",
];

/// The domain of a company's address; nothing for free mail, or for what is no address.
pub(crate) fn of_company(email: &str) -> Option<String> {
    let (_, domain) = email.rsplit_once('@')?;
    let domain = domain.to_ascii_lowercase();
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_domain = domain.len() <= BYTES_MAX && domain.contains('.') && domain.split('.').all(is_label);
    (is_domain && !FREE_MAIL.contains(&domain.as_str())).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_company_s_address_names_a_company() {
        assert_eq!(of_company("Jo@ACME.example").as_deref(), Some("acme.example"));
        let long = format!("jo@{}.example", "a".repeat(200));
        for email in ["jo@GMail.com", "jo", "jo@", "jo@localhost", "jo@a..b", "jo@a/b.example", "jo@-ü.example", &long]
        {
            assert_eq!(of_company(email), None, "{email}");
        }
    }
}
