//! What a new plugin may be called.

use hookyard_model::plugin::World;

use super::Lang;
use crate::cli::failure::Failure;

const NAME_CHARS_MAX: usize = 64;
/// Names that Rust or the template's own dependencies have taken.
const TAKEN: &str = "\
abstract alloc as async await become box break build const continue core crate deps do dyn else enum \
examples extern false final fn for gen hookyard_sdk if impl in incremental let loop macro match mod \
move mut override priv proc_macro pub ref return self serde serde_json static std struct super test \
trait true try type typeof unsafe unsized use virtual where while";

/// Whether a plugin of this name can be.
pub(super) fn check(name: &str, world: World, lang: Lang) -> Result<(), Failure> {
    let fits = |text: &str| {
        text.len() <= NAME_CHARS_MAX
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let is_taken = |name: &str| lang == Lang::Rust && TAKEN.split(' ').any(|word| word == name);
    if is_taken(name) {
        return Err(Failure::usage(format!("the name `{name}` is taken by Rust"))
            .fix(format!("hookyard plugin new {name}_{}", world.as_str())));
    }
    if fits(name) {
        return Ok(());
    }
    let failure = Failure::usage(format!("`{name}` cannot be a plugin's name"))
        .why("it stands in URLs: 1 to 64 lowercase letters, digits and underscores, a letter first");
    let near: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    if fits(&near) && !is_taken(&near) { Err(failure.fix(format!("hookyard plugin new {near}"))) } else { Err(failure) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_urls_and_rust_can_carry() {
        for name in ["acme_shop", "a", "x1"] {
            assert_eq!(check(name, World::Flow, Lang::Rust), Ok(()));
        }
        for (name, fix) in [
            ("acme-shop", Some("hookyard plugin new acme_shop")),
            ("Acme", Some("hookyard plugin new acme")),
            ("1st", None),
            ("", None),
            ("../x", None),
            ("fn", Some("hookyard plugin new fn_flow")),
        ] {
            assert_eq!(check(name, World::Flow, Lang::Rust).unwrap_err().fix.as_deref(), fix, "{name}");
        }
        assert_eq!(check("match", World::Flow, Lang::Ts), Ok(()), "only Rust's own words are Rust's");
    }
}
