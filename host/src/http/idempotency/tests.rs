//! Which keys are keys, and which answers are kept.

use super::*;

fn key(values: &[&str]) -> Result<Option<String>, Problem> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(HEADER, HeaderValue::from_str(value).unwrap());
    }
    read_key(&headers)
}

fn asked(path: &str, body: &[u8]) -> Asked {
    Asked { tenant: None, key: "k".into(), sha256: hash(path, body) }
}

fn answer(status: u16, body: &str) -> IdempotentAnswer {
    IdempotentAnswer { request_hash: hash("/a", b"1"), status, body: body.into() }
}

#[test]
fn a_key_is_visible_ascii_and_one() {
    assert_eq!(key(&[]), Ok(None));
    assert_eq!(key(&["a-b_c:1"]), Ok(Some("a-b_c:1".to_owned())));
    assert_eq!(key(&[&"a".repeat(255)]).map(|key| key.map(|key| key.len())), Ok(Some(255)));
    for values in [&[""][..], &["a b"], &["a\tb"], &["ü"], &["a", "a"]] {
        assert_eq!(key(values).unwrap_err().field.as_deref(), Some("Idempotency-Key"), "{values:?}");
    }
    assert!(key(&[&"a".repeat(256)]).is_err());
}

#[test]
fn a_byte_that_moves_from_path_to_body_makes_another_request() {
    assert_ne!(hash("/ab", b"c"), hash("/a", b"bc"));
    assert_eq!(hash("/a", b"b"), hash("/a", b"b"));
}

#[test]
fn answers_that_another_try_may_change_are_not_kept() {
    for (status, kept) in [
        (200, true),
        (201, true),
        (202, true),
        (404, true),
        (409, true),
        (422, true),
        (401, false),
        (403, false),
        (408, false),
        (429, false),
        (500, false),
        (503, false),
    ] {
        assert_eq!(is_kept(StatusCode::from_u16(status).unwrap()), kept, "{status}");
    }
}

#[test]
fn the_same_request_gets_the_same_answer_and_another_is_told() {
    let response = replay(answer(201, "{}"), &asked("/a", b"1")).unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers().get("idempotency-replayed").unwrap(), "true");
    assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/json");
    let refused = replay(answer(422, "{}"), &asked("/a", b"1")).unwrap();
    assert_eq!(refused.headers().get(CONTENT_TYPE).unwrap(), "application/problem+json");
    for other in [asked("/a", b"2"), asked("/b", b"1")] {
        assert_eq!(replay(answer(201, "{}"), &other).unwrap_err().status, 409);
    }
}

#[tokio::test]
async fn a_secret_is_shown_and_not_kept() {
    let mut response = (StatusCode::CREATED, r#"{"id":"key_1","key":"hy_secret"}"#).into_response();
    response.extensions_mut().insert(ShownOnce("key"));
    let (response, kept) = copy(response, [0; 32]).await.unwrap();
    let shown = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
    assert!(String::from_utf8_lossy(&shown).contains("hy_secret"));
    let kept: serde_json::Value = serde_json::from_slice(&kept.unwrap().body).unwrap();
    assert_eq!(kept, serde_json::json!({"id": "key_1", "key": null}));
}

#[test]
fn what_cannot_be_freed_of_its_secret_is_not_kept() {
    for body in ["hy_secret", r#"{"other":"hy_secret"}"#] {
        assert_eq!(without_secret(&Bytes::from_static(body.as_bytes()), Some(ShownOnce("key"))), None, "{body}");
    }
}
