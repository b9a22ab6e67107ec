//! What an account is asked for: names, values and settings that the manifest knows, and those that it does not.

use super::*;
use hookyard_model::manifest::{Attachment, CredentialSpec, SecretSpec};
use hookyard_model::secret::SecretFormat;

fn manifest() -> Manifest {
    Manifest {
        id: "shop".into(),
        name: "Shop".into(),
        version: "1.0.0".into(),
        summary: String::new(),
        event_types: vec![],
        secrets: vec![SecretSpec {
            name: "key".into(),
            scope: Scope::Account,
            format: SecretFormat::Text,
            summary: String::new(),
        }],
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
        settings_schema: r#"{"additionalProperties": false, "properties": {"region": {"type": "string"}}}"#.into(),
    }
}

fn new(text: &str) -> Result<NewAccount, Problem> {
    let input: NewAccountInput = serde_json::from_str(text).unwrap();
    input.check(ids::new_id(Instant::EPOCH), Instant::EPOCH, &manifest())
}

fn change(text: &str) -> Result<AccountPatch, Problem> {
    serde_json::from_str::<AccountChange>(text).unwrap().check(Some(&manifest()))
}

#[test]
fn an_account_is_taken_in_either_spelling_with_all_it_needs() {
    let created = new(r#"{"provider":"shop","account_key":"1","name":" A ","secrets":{"key":["a","b"]},
            "credentials":{"token":"t"},"settings":{"region":"eu"},"default_country":"de"}"#)
    .unwrap();
    assert_eq!(created.account.account_key, "1");
    assert_eq!(created.account.name.as_deref(), Some("A"));
    assert_eq!(created.account.default_country.as_deref(), Some("DE"));
    assert_eq!(created.account.settings, r#"{"region":"eu"}"#);
    assert_eq!(created.secrets.first().map(|(_, values)| values.len()), Some(2));
    assert_eq!((created.credentials.len(), created.shared), (1, false));
}

#[test]
fn what_an_account_cannot_be_is_told_by_its_field() {
    for (fields, field) in [
        (r#""accountKey":"""#, "accountKey"),
        (r#""accountKey":"1","settings":[]"#, "settings"),
        (r#""accountKey":"1","settings":{"nope":1}"#, "settings.nope"),
        (r#""accountKey":"1","secrets":{"nope":"x"}"#, "secrets.nope"),
        (r#""accountKey":"1","credentials":{"nope":"x"}"#, "credentials.nope"),
        (r#""accountKey":"1","defaultCountry":"Germany""#, "defaultCountry"),
        (r#""accountKey":"1","unsigned":true"#, "unsigned"),
    ] {
        let problem = new(&format!(r#"{{"provider":"shop",{fields}}}"#)).unwrap_err();
        assert_eq!((problem.status, problem.field.as_deref()), (422, Some(field)), "{fields}");
    }
}

#[test]
fn null_takes_away_and_absence_leaves_alone() {
    let patch = change(r#"{"name":null,"secrets":{"key":null}}"#).unwrap();
    assert_eq!(patch.name, Some(None));
    assert_eq!(patch.default_country, None);
    assert_eq!(patch.secrets.map(|secrets| secrets.iter().map(|(_, values)| values.len()).sum()), Some(0_usize));
    let patch = change("{}").unwrap();
    assert!(patch.name.is_none() && patch.secrets.is_none() && patch.settings.is_none());
}

#[test]
fn what_only_a_manifest_can_judge_waits_for_one() {
    let judge = |text: &str| serde_json::from_str::<AccountChange>(text).unwrap().check(None).map(|_| ());
    assert_eq!(judge(r#"{"name":"B","unsigned":false}"#), Ok(()));
    assert_eq!(judge(r#"{"credentials":{"token":"t"}}"#).unwrap_err().status, 409);
}

#[test]
fn what_never_changes_is_no_field() {
    for field in ["id", "status", "provider", "accountKey", "tenantId"] {
        assert!(serde_json::from_str::<AccountChange>(&format!(r#"{{"{field}":"x"}}"#)).is_err(), "{field}");
    }
}
