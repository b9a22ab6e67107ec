//! `hookyard plugin new`: a provider that builds and passes its test before a line is written.
//!
//! The template is a crate of its own beside this file, and is tested as one; here its name is replaced by the
//! author's. It is inside the binary, so that no network is needed and it always fits this release.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::output;

/// Files of the template, and where they go.
const FILES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("template/Cargo.toml")),
    ("build.rs", include_str!("template/build.rs")),
    ("src/lib.rs", include_str!("template/src/lib.rs")),
    ("tests/fixtures.rs", include_str!("template/tests/fixtures.rs")),
    ("fixtures/order_paid/request.http", include_str!("template/fixtures/order_paid/request.http")),
    ("fixtures/order_paid/secrets.json", include_str!("template/fixtures/order_paid/secrets.json")),
    ("fixtures/order_paid/expected.json", include_str!("template/fixtures/order_paid/expected.json")),
    ("README.md", include_str!("template/README.md")),
    (".gitignore", include_str!("template/gitignore")),
];
/// Where the template itself finds the SDK.
const TEMPLATES_SDK: &str = "\"../../../../../sdk/rust\"";
/// The SDK of the checkout that this program was built from; it may be gone, or on another machine.
const CHECKOUTS_SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk/rust");
const NAME_CHARS_MAX: usize = 64;
/// Names that Rust or the template's own dependencies have taken.
const TAKEN: [&str; 62] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "hookyard_sdk",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde_json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
];

/// Write a new provider: code, a test case, and a README
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin new acme_shop                       into ./acme_shop
  hookyard plugin new acme_shop --dir plugins/acme    somewhere else
  hookyard plugin new acme_shop --sdk ~/hookyard/sdk/rust

Then: cd acme_shop && hookyard plugin check
")]
pub(in crate::cli) struct New {
    /// The provider type, as it stands in URLs: lowercase letters, digits, underscores
    name: String,
    /// What it is; a provider, so far
    #[arg(long, value_enum, default_value_t = World::Provider, hide_possible_values = true)]
    world: World,
    /// Where to write it [default: ./NAME]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The SDK's folder, `sdk/rust` of a checkout of Hookyard
    #[arg(long, value_name = "DIR", env = "HOOKYARD_SDK", hide_env_values = true)]
    sdk: Option<PathBuf>,
}

/// What a plugin can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum World {
    /// A source of events
    Provider,
}

impl New {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let World::Provider = self.world;
        check_name(&self.name)?;
        let sdk = sdk(self.sdk.as_deref(), Path::new(CHECKOUTS_SDK))?;
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(&self.name));
        let taken = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
        if taken || folder.is_file() {
            return Err(Failure::usage("there is something already")
                .at(folder.display().to_string())
                .fix("choose another --dir"));
        }
        write(&folder, &self.name, &sdk)
            .map_err(|error| Failure::user("could not write the plugin").at(folder.display().to_string()).why(error))?;
        output::say(&format!("wrote provider `{}`; next: cd {} && hookyard plugin check", self.name, folder.display()));
        output::line(&folder.display().to_string())
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |text: &str| {
        text.len() <= NAME_CHARS_MAX
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if TAKEN.contains(&name) {
        return Err(Failure::usage(format!("the name `{name}` is taken by Rust"))
            .fix(format!("hookyard plugin new {name}_provider")));
    }
    if fits(name) {
        return Ok(());
    }
    let failure = Failure::usage(format!("`{name}` cannot be a provider's name"))
        .why("it stands in URLs: 1 to 64 lowercase letters, digits and underscores, a letter first");
    let near: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    if fits(&near) && !TAKEN.contains(&near.as_str()) {
        Err(failure.fix(format!("hookyard plugin new {near}")))
    } else {
        Err(failure)
    }
}

/// The SDK's folder, absolute. A path is all there is until the SDK is on a registry.
fn sdk(named: Option<&Path>, checkouts: &Path) -> Result<PathBuf, Failure> {
    let is_sdk = |folder: &Path| {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.contains("name = \"hookyard-sdk\"")
    };
    let absolute = |folder: &Path| std::fs::canonicalize(folder).ok().filter(|folder| is_sdk(folder));
    match named {
        Some(named) => absolute(named).ok_or_else(|| {
            Failure::usage("that is not the SDK")
                .at(named.display().to_string())
                .fix("name the folder `sdk/rust` of a checkout of Hookyard")
        }),
        None => absolute(checkouts).ok_or_else(|| {
            Failure::usage("the SDK is not on this machine")
                .why("it is not on crates.io, and the checkout that this program was built from is gone")
                .fix("check Hookyard out, and pass --sdk PATH/sdk/rust")
        }),
    }
}

fn write(folder: &Path, name: &str, sdk: &Path) -> std::io::Result<()> {
    for (file, text) in FILES {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, fill(text, name, sdk))?;
    }
    Ok(())
}

fn fill(text: &str, name: &str, sdk: &Path) -> String {
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let capital =
        |word: &&str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    let title = words.iter().map(capital).collect::<Vec<_>>();
    // A type cannot be called what the SDK's trait is called, nor the thing it is compiled against.
    let type_name = format!("{}Provider", title.concat().trim_end_matches("Provider"));
    let sdk = format!("{:?}", sdk.display().to_string());
    text.replace("TemplateProvider", &type_name)
        .replace("template_provider", name)
        .replace("Template provider", &title.join(" "))
        .replace(TEMPLATES_SDK, &sdk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_urls_and_rust_can_carry() {
        for name in ["acme_shop", "a", "x1"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for (name, fix) in [
            ("acme-shop", Some("hookyard plugin new acme_shop")),
            ("Acme", Some("hookyard plugin new acme")),
            ("1st", None),
            ("", None),
            ("../x", None),
            ("fn", Some("hookyard plugin new fn_provider")),
        ] {
            assert_eq!(check_name(name).unwrap_err().fix.as_deref(), fix, "{name}");
        }
    }

    #[test]
    fn the_template_is_filled_with_the_name_and_nothing_of_its_own_stays() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "acme_shop", Path::new("/some where/sdk")).unwrap();
        let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(read("src/lib.rs").contains("export!(AcmeShopProvider as provider)"));
        assert!(read("src/lib.rs").contains("name: \"Acme Shop\""));
        assert!(read("tests/fixtures.rs").contains("acme_shop::AcmeShopProvider"));
        assert!(read("Cargo.toml").contains("path = \"/some where/sdk\""));
        for (file, _) in FILES {
            assert!(!read(file).to_lowercase().contains("template"), "{file}");
        }
    }

    #[test]
    fn the_template_is_what_a_person_can_read_at_once() {
        let (_, lib) = FILES.into_iter().find(|(file, _)| *file == "src/lib.rs").unwrap();
        assert!(lib.lines().filter(|line| !line.trim().is_empty()).count() <= 32);
    }

    #[test]
    fn only_the_sdk_is_the_sdk() {
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(sdk(None, elsewhere.path()).unwrap_err().fix.unwrap().contains("--sdk"));
        assert!(sdk(Some(elsewhere.path()), Path::new(CHECKOUTS_SDK)).is_err());
        assert!(sdk(None, Path::new(CHECKOUTS_SDK)).unwrap().is_absolute());
    }
}
