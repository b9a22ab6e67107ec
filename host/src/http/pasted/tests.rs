//! Secrets as people paste them go in, decode by their format, and never come out.

use super::*;
use hookyard_model::manifest::{Attachment, CredentialSpec, SecretSpec};

fn manifest() -> Manifest {
    let secret = |name: &str, scope, format| SecretSpec { name: name.into(), scope, format, summary: String::new() };
    Manifest {
        id: "shop".into(),
        name: "Shop".into(),
        version: "1.0.0".into(),
        summary: String::new(),
        event_types: vec![],
        secrets: vec![
            secret("app_secret", Scope::Application, SecretFormat::Text),
            secret("key", Scope::Account, SecretFormat::Hex),
        ],
        credentials: vec![CredentialSpec {
            name: "token".into(),
            summary: String::new(),
            attach: Attachment::Bearer,
            proof: None,
        }],
        hosts: vec![],
        oauth: None,
        polls: false,
        imports: false,
        unsigned: false,
        fields: vec![],
        settings_schema: "{}".into(),
    }
}

fn pasted(text: &str) -> PastedByName {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_secret_is_a_text_a_list_or_null() {
    for (text, count) in [(r#""00ff""#, 1), (r#"["00ff","01"]"#, 2), ("null", 0), ("[]", 0)] {
        let given = pasted(&format!(r#"{{"key":{text}}}"#));
        let decoded = secrets(&manifest(), Scope::Account, &given).unwrap();
        assert_eq!(decoded.first().map(|(_, values)| values.len()), Some(count), "{text}");
    }
    for text in ["1", "true", "{}", "[1]"] {
        assert!(serde_json::from_str::<Pasted>(text).is_err(), "{text}");
    }
}

#[test]
fn a_secret_that_cannot_be_is_told_by_its_field_and_never_by_its_value() {
    for (text, says) in [
        (r#"{"hunter":"x"}"#, "there are `key`"),
        (r#"{"app_secret":"hunter2"}"#, "the operator sets it"),
        (r#"{"key":"hunter2"}"#, "hexadecimal"),
        (r#"{"key":""}"#, "empty"),
        (r#"{"key":["00","00","00","00","00","00","00","00","00"]}"#, "at most 8"),
    ] {
        let problem = secrets(&manifest(), Scope::Account, &pasted(text)).unwrap_err();
        assert!(problem.field.is_some_and(|field| field.starts_with("secrets.")), "{text}");
        assert!(problem.detail.contains(says) && !problem.detail.contains("hunter2"), "{}", problem.detail);
    }
}

#[test]
fn the_application_s_secrets_are_not_an_account_s() {
    let problem = secrets(&manifest(), Scope::Application, &pasted(r#"{"key":"00"}"#)).unwrap_err();
    assert!(problem.detail.contains("give it with the account"), "{}", problem.detail);
}

#[test]
fn an_undeclared_credential_is_refused_with_those_there_are() {
    let given = BTreeMap::from([("tokn".to_owned(), PastedText("hunter2".into()))]);
    let problem = credentials(&manifest(), &given).unwrap_err();
    assert!(problem.detail.contains("there are `token`"), "{}", problem.detail);
    assert_eq!(format!("{given:?}"), r#"{"tokn": [redacted]}"#);
}
