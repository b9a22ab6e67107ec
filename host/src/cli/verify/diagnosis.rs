//! Why a signature is not valid: each usual mistake is undone, and proved anew.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hookyard_model::instant::Instant;
use hookyard_model::proof::{HmacProof, Part, Proof, Refusal, prove};
use hookyard_model::secret::{Secret, SecretFormat};

use super::scheme::{Pasted, Style, Unreadable};
use super::{Question, Verdict};

/// Valid, or why not.
pub(super) fn verdict(question: &Question) -> Verdict {
    let style = question.style;
    let read = style.secrets(&question.secrets).and_then(|secrets| Ok((style.proof(question)?, secrets)));
    let (proof, secrets) = match read {
        Ok(read) => read,
        Err(unreadable) => return cannot_be_read(question, &unreadable),
    };
    let expected = secrets.0.first().and_then(|secret| style.sign(question, secret));
    match prove(&proof, &question.body, &secrets, question.now, 0) {
        Ok(_) => Verdict {
            valid: true,
            kind: "valid",
            why: format!("signed in the style `{}`, over {} bytes", name(style), question.body.len()),
            fix: None,
            expected: None,
        },
        Err(Refusal::Stale(seconds)) => stale(question, &proof, &secrets, seconds),
        Err(refusal) => {
            let found = mistake(question, &proof, &secrets).unwrap_or_else(|| mismatch(style, &refusal));
            Verdict { expected, ..found }
        }
    }
}

fn no(kind: &'static str, why: impl Into<String>, fix: impl Into<String>) -> Verdict {
    Verdict { valid: false, kind, why: why.into(), fix: Some(fix.into()), expected: None }
}

fn cannot_be_read(question: &Question, unreadable: &Unreadable) -> Verdict {
    match unreadable {
        Unreadable::Missing(header) => {
            let times = question.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(header)).count();
            if times > 1 {
                return no(
                    "ambiguous-header",
                    format!("`{header}` is there twice with different values"),
                    "pass the one that was sent",
                );
            }
            no("missing-header", format!("there is no `{header}`"), format!("pass it with --header '{header}: …'"))
        }
        Unreadable::Encoding { header, expected } => {
            no("wrong-encoding", format!("`{header}` is not {expected}"), encoding_hint(question, header))
        }
        Unreadable::Secret(why) => no("unreadable-secret", why.clone(), "paste the secret whole, prefix included"),
    }
}

/// What the header's value looks like instead.
fn encoding_hint(question: &Question, header: &str) -> String {
    let value = question.header(header).unwrap_or_default();
    let bare = value.strip_prefix("sha256=").or_else(|| value.strip_prefix("v1,")).unwrap_or(value);
    let is_32 = |bytes: Result<Vec<u8>, _>| bytes.is_ok_and(|bytes: Vec<u8>| bytes.len() == 32);
    if is_32(HEXLOWER_PERMISSIVE.decode(bare.as_bytes())) {
        return "it is 32 bytes in hexadecimal: look at the prefix and at upper and lower case".to_owned();
    }
    if is_32(BASE64.decode(bare.as_bytes())) {
        return "it is 32 bytes in base64: look at the prefix, and whether this style uses base64".to_owned();
    }
    format!("the value has {} characters: it may be cut short, or another header's", value.chars().count())
}

/// The time is wrong; the rest may be right.
fn stale(question: &Question, proof: &Proof, secrets: &Pasted, seconds: u64) -> Verdict {
    let tolerance = Question::tolerance_seconds();
    let fresh = without_time(proof);
    if prove(&fresh, &question.body, secrets, question.now, 0).is_err() {
        let found = mistake(question, &fresh, secrets);
        return found.unwrap_or_else(|| mismatch(question.style, &Refusal::Mismatch(String::new())));
    }
    let in_millis = signed_at(proof).is_some_and(|at| at > question.now.plus(std::time::Duration::from_secs(1 << 32)));
    if in_millis {
        return no(
            "stale",
            "the timestamp is in milliseconds, and should be in seconds",
            "sign whole seconds since 1970",
        );
    }
    no(
        "stale",
        format!("the signature is right, but its time is {seconds} s from ours, and {tolerance} s are tolerated"),
        "check the clocks of both sides; to check an old request, pass the time at which it came with --at",
    )
}

/// The mistake that explains the signature, if one does.
fn mistake(question: &Question, proof: &Proof, secrets: &Pasted) -> Option<Verdict> {
    let proof = &without_time(proof);
    let holds = |proof: &Proof, body: &[u8], secrets: &Pasted| prove(proof, body, secrets, Instant::EPOCH, 0).is_ok();
    if let Some((how, _)) = bodies(&question.body).into_iter().find(|(_, body)| holds(proof, body, secrets)) {
        return Some(no(
            "body-changed",
            format!("what was signed is not what is here: {how}"),
            "keep the raw bytes of the request, before anything parses or prints them",
        ));
    }
    if let Proof::Hmac(hmac) = proof
        && hmac.signed.len() > 1
    {
        let alone = Proof::Hmac(HmacProof { signed: vec![Part::Body], ..hmac.clone() });
        if holds(&alone, &question.body, secrets) {
            return Some(no(
                "wrong-content",
                "only the body was signed",
                "sign `id.timestamp.body`, with dots between",
            ));
        }
    }
    let other = other_secrets(question).into_iter().find(|(_, secrets)| holds(proof, &question.body, secrets));
    other.map(|(how, _)| {
        no("wrong-secret-encoding", format!("the secret is the right one, but {how}"), secret_hint(question.style))
    })
}

fn secret_hint(style: Style) -> &'static str {
    match style {
        Style::Standard => "the key is what base64 gives for the text behind `whsec_`",
        Style::Connect | Style::Github | Style::Meta => "the key is the secret's text as it stands, byte for byte",
    }
}

fn mismatch(style: Style, refusal: &Refusal) -> Verdict {
    let fix = match style {
        Style::Standard => "compare the secret with the subscription's; was it rotated?",
        Style::Connect => "compare the secret with the one given at subscribe; was it rotated?",
        Style::Github => "compare the secret with the webhook's form on GitHub; it cannot be read back, only set anew",
        Style::Meta => "use the app secret (App settings, Basic) of the app that sends; not a token, not another app's",
    };
    let why = match refusal {
        Refusal::Mismatch(_) => "another secret signed it, or another body was signed".to_owned(),
        other => other.to_string(),
    };
    no("wrong-secret", why, fix)
}

/// What becomes of bodies on their way, undone.
fn bodies(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut tries = Vec::new();
    if let Some(cut) = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")) {
        tries.push(("a newline was added at its end", cut.to_vec()));
    }
    tries.push(("the newline at its end is gone", [body, b"\n"].concat()));
    tries.push(("the line ends at its end are others", [body.strip_suffix(b"\n").unwrap_or(body), b"\r\n"].concat()));
    if let Some(bare) = body.strip_prefix(b"\xef\xbb\xbf") {
        tries.push(("a byte order mark was put before it", bare.to_vec()));
    }
    if let Ok(text) = std::str::from_utf8(body) {
        tries.push(("its line ends were LF and are CRLF", text.replace("\r\n", "\n").into_bytes()));
        tries.push(("its line ends were CRLF and are LF", text.replace('\n', "\r\n").into_bytes()));
        tries.push(("its JSON was written anew, with other blanks", without_blanks(text).into_bytes()));
        tries.push(("its letters beyond ASCII were escaped (\\u00fc)", escaped(text, false).into_bytes()));
        tries.push(("its letters beyond ASCII and its slashes were escaped", escaped(text, true).into_bytes()));
    }
    tries.retain(|(_, other)| other != body);
    tries
}

/// JSON without the blanks between its parts.
fn without_blanks(text: &str) -> String {
    let (mut in_string, mut after_backslash) = (false, false);
    let keep = |letter: &char| {
        if in_string {
            in_string = after_backslash || *letter != '"';
            after_backslash = !after_backslash && *letter == '\\';
            return true;
        }
        in_string = *letter == '"';
        !letter.is_ascii_whitespace()
    };
    text.chars().filter(keep).collect()
}

/// As Meta signs it: letters beyond ASCII as `\uXXXX`, slashes perhaps as `\/`.
fn escaped(text: &str, slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for letter in text.chars() {
        match letter {
            '/' if slashes => out.push_str("\\/"),
            letter if letter.is_ascii() => out.push(letter),
            letter => letter.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

/// The same secrets, read as something else.
fn other_secrets(question: &Question) -> Vec<(&'static str, Pasted)> {
    let read =
        |read: &dyn Fn(&str) -> Option<Secret>| Pasted(question.secrets.iter().filter_map(|text| read(text)).collect());
    let pasted = |format: SecretFormat| read(&|text| Secret::from_pasted(text, format).ok());
    let raw = |change: &dyn Fn(&str) -> String| read(&|text| Secret::from_bytes(change(text).into_bytes()).ok());
    let mut tries = match question.style {
        Style::Standard => vec![
            ("its text was used, prefix included, and not decoded", raw(&str::to_owned)),
            (
                "its text behind `whsec_` was used, and not decoded",
                raw(&|text| text.trim().trim_start_matches("whsec_").to_owned()),
            ),
        ],
        Style::Connect | Style::Github | Style::Meta => vec![
            ("it was decoded as base64", pasted(SecretFormat::Whsec)),
            ("it was decoded as hexadecimal", pasted(SecretFormat::Hex)),
        ],
    };
    tries.push(("a newline at its end was used with it", raw(&|text| format!("{}\n", text.trim_end()))));
    tries.push(("the blanks around it were used with it", raw(&str::to_owned)));
    tries
}

fn without_time(proof: &Proof) -> Proof {
    match proof {
        Proof::Hmac(hmac) => Proof::Hmac(HmacProof { signed_at: None, ..hmac.clone() }),
        Proof::Hash(_) | Proof::PublicKey(_) | Proof::Token { .. } | Proof::Handshake | Proof::Unsigned => {
            proof.clone()
        }
    }
}

fn signed_at(proof: &Proof) -> Option<Instant> {
    match proof {
        Proof::Hmac(hmac) => hmac.signed_at,
        Proof::Hash(_) | Proof::PublicKey(_) | Proof::Token { .. } | Proof::Handshake | Proof::Unsigned => None,
    }
}

fn name(style: Style) -> &'static str {
    match style {
        Style::Standard => "standard",
        Style::Connect => "connect",
        Style::Github => "github",
        Style::Meta => "meta",
    }
}
