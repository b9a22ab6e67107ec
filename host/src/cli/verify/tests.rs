//! Verdicts over published vectors, and over each way to spoil them.

use super::diagnosis::verdict;
use super::*;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn question(style: Style, secret: &str, headers: &[(&str, &str)], body: &str) -> Question {
    let field = |(name, value): &(&str, &str)| Field { name: (*name).to_owned(), value: (*value).to_owned() };
    Question {
        style,
        secrets: vec![secret.to_owned()],
        headers: headers.iter().map(field).collect(),
        body: body.as_bytes().to_vec(),
        now: Instant::from_millis(1_614_265_330_000),
    }
}

/// The example of docs.github.com.
fn github() -> Question {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    question(Style::Github, "It's a Secret to Everybody", &[("x-hub-signature-256", signature)], "Hello, World!")
}

/// The example of the Standard Webhooks libraries.
fn standard() -> Question {
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    question(Style::Standard, WHSEC, &headers, r#"{"test": 2432232314}"#)
}

/// A request that is signed rightly, for what is then changed.
fn signed(style: Style, secret: &str, body: &str) -> Question {
    let mut asked = question(style, secret, &[("webhook-id", "evt_1"), ("webhook-timestamp", "1614265330")], body);
    let key = style.secrets(&asked.secrets).unwrap().0.remove(0);
    let value = style.sign(&asked, &key).unwrap();
    asked.headers.push(Field { name: style.header().to_owned(), value });
    asked
}

fn kind(question: &Question) -> &'static str {
    let verdict = verdict(question);
    assert_eq!(verdict.valid, verdict.kind == "valid");
    assert_eq!(verdict.valid, verdict.fix.is_none(), "{verdict:?}");
    verdict.kind
}

#[test]
fn the_published_vectors_are_valid() {
    assert_eq!(kind(&github()), "valid");
    assert_eq!(kind(&standard()), "valid");
    assert_eq!(kind(&Question { style: Style::Meta, ..github() }), "valid");
    for style in [Style::Standard, Style::Connect, Style::Github, Style::Meta] {
        assert_eq!(kind(&signed(style, "AAAA", "{}")), "valid", "{style:?}");
    }
}

#[test]
fn one_of_several_signatures_and_one_of_several_secrets_suffice() {
    let mut asked = standard();
    asked.headers[2].value.insert_str(0, "v1a,xyz v1,AAAA ");
    asked.secrets.insert(0, "whsec_AAAA".to_owned());
    assert_eq!(kind(&asked), "valid");
}

#[test]
fn a_body_that_was_changed_on_its_way_is_recognized() {
    for (sent, here) in [
        ("{}", "{}\n"),
        ("{}\n", "{}"),
        (r#"{"a":"b c","d":[1,2]}"#, "{\n  \"a\": \"b c\",\n  \"d\": [1, 2]\n}"),
        ("{\"a\":\"\\u00fc\\ud83d\\ude00\"}", "{\"a\":\"ü😀\"}"),
        ("a\r\nb", "a\nb"),
    ] {
        let asked = Question { body: here.as_bytes().to_vec(), ..signed(Style::Meta, "s3cret", sent) };
        assert_eq!(kind(&asked), "body-changed", "{here:?}");
    }
}

#[test]
fn a_wrong_secret_says_what_would_have_been_right() {
    let asked = Question { secrets: vec!["other".to_owned()], ..github() };
    let verdict = verdict(&asked);
    assert_eq!(verdict.kind, "wrong-secret");
    assert!(verdict.expected.unwrap().starts_with("sha256="));
}

#[test]
fn a_secret_in_another_encoding_is_recognized() {
    let mut asked = signed(Style::Github, "AAAA", "{}");
    asked.headers.retain(|field| field.name != "X-Hub-Signature-256");
    let key = hookyard_model::secret::Secret::from_bytes(vec![0, 0, 0]).unwrap();
    let value = Style::Github.sign(&asked, &key).unwrap();
    asked.headers.push(Field { name: "X-Hub-Signature-256".to_owned(), value });
    assert_eq!(kind(&asked), "wrong-secret-encoding");
    assert_eq!(kind(&Question { secrets: vec!["whsec_!".to_owned()], ..standard() }), "unreadable-secret");
}

#[test]
fn time_is_a_matter_of_its_own() {
    let late = Instant::from_millis(1_614_265_330_000 + 301_000);
    let asked = Question { now: late, ..standard() };
    assert_eq!(kind(&asked), "stale");
    assert!(verdict(&asked).why.contains("301 s"));
    let both = Question { now: late, secrets: vec!["whsec_AAAA".to_owned()], ..standard() };
    assert_eq!(kind(&both), "wrong-secret", "a late request with a wrong signature is above all that");
    assert_eq!(kind(&Question { now: late, ..github() }), "valid", "GitHub signs no time");
}

#[test]
fn headers_that_are_missing_ambiguous_or_unreadable_are_named() {
    let with = |value: &str| {
        let mut asked = github();
        asked.headers[0].value = value.to_owned();
        asked
    };
    let bare = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    for value in [bare, &format!("sha256={}", bare.to_uppercase()), "sha256=7571", "sha1=00"] {
        assert_eq!(kind(&with(value)), "wrong-encoding", "{value}");
    }
    assert!(verdict(&with(bare)).fix.unwrap().contains("hexadecimal"));
    assert_eq!(kind(&Question { headers: vec![], ..github() }), "missing-header");
    let mut twice = github();
    twice.headers.push(Field { name: "X-HUB-SIGNATURE-256".to_owned(), value: "sha256=00".to_owned() });
    assert_eq!(kind(&twice), "ambiguous-header");
    let mut asked = standard();
    asked.headers.remove(1);
    assert_eq!(kind(&asked), "missing-header");
}

#[test]
fn times_read_as_rfc_3339_and_as_seconds() {
    assert_eq!(time("1614265330").unwrap(), time("2021-02-25T15:02:10Z").unwrap());
    assert!(time("yesterday").is_err());
    assert!(header("no colon").is_err());
}
