//! `hookyard plugin new`: a plugin that builds and passes its tests before a line is written.
//!
//! The templates are projects of their own, and are tested as ones ([`template`]); here their name is replaced by the
//! author's. They are inside the binary, so that no network is needed and they always fit this release.

mod name;
mod template;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hookyard_model::plugin::World;

use super::project::{self, Lang};
use super::tool;
use crate::cli::failure::Failure;
use crate::cli::output;

/// The SDK of the checkout that this program was built from.
const SDK: &str = "sdk/rust";

/// Write a new plugin: code, test cases, and a README
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin new acme_shop                                    a provider in Rust, into ./acme_shop
  hookyard plugin new speed_to_lead --world flow --lang ts         an automation in TypeScript
  hookyard plugin new crm --world destination --lang python --dir plugins/crm

Then: cd acme_shop && hookyard plugin check
")]
pub(in crate::cli) struct New {
    /// Its id, as it stands in URLs: lowercase letters, digits, underscores
    name: String,
    /// What it is: provider, flow or destination
    #[arg(long, value_parser = project::world, default_value = "provider")]
    world: World,
    /// What it is written in: rust, ts, js or python
    #[arg(long, value_enum, default_value_t = Lang::Rust, hide_possible_values = true)]
    lang: Lang,
    /// Where to write it [default: ./NAME]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The Rust SDK's folder, `sdk/rust` of a checkout of Hookyard
    #[arg(long, value_name = "DIR", env = "HOOKYARD_SDK", hide_env_values = true)]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        name::check(&self.name, self.world, self.lang)?;
        let sdk = match self.lang {
            Lang::Rust => sdk(self.sdk.as_deref(), tool::of_checkout(SDK).as_deref())?,
            Lang::Ts | Lang::Js | Lang::Python => PathBuf::new(),
        };
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(&self.name));
        let taken = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
        if taken || folder.is_file() {
            return Err(Failure::usage("there is something already")
                .at(folder.display().to_string())
                .fix("choose another --dir"));
        }
        write(&folder, self.world, self.lang, &self.name, &sdk)
            .map_err(|error| Failure::user("could not write the plugin").at(folder.display().to_string()).why(error))?;
        let (world, shown) = (self.world.as_str(), folder.display());
        output::say(&format!("wrote {world} `{}`; next: cd {shown} && hookyard plugin check", self.name));
        output::line(&shown.to_string())
    }
}

/// The SDK's folder, absolute. A path is all there is until the SDK is on a registry.
fn sdk(named: Option<&Path>, checkouts: Option<&Path>) -> Result<PathBuf, Failure> {
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
        None => checkouts.and_then(absolute).ok_or_else(|| {
            Failure::usage("the SDK is not on this machine")
                .why("it is not on crates.io, and the checkout that this program was built from is gone")
                .fix("check Hookyard out, and pass --sdk PATH/sdk/rust")
        }),
    }
}

fn write(folder: &Path, world: World, lang: Lang, name: &str, sdk: &Path) -> std::io::Result<()> {
    for (file, text) in template::files(world, lang) {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, template::fill(text, world, lang, name, sdk))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_filled_with_the_name_and_nothing_of_its_own_stays() {
        for world in World::ALL {
            for lang in [Lang::Rust, Lang::Ts, Lang::Js, Lang::Python] {
                let folder = tempfile::tempdir().unwrap();
                write(folder.path(), world, lang, "acme_shop", Path::new("/some where/sdk")).unwrap();
                let mut named = false;
                for (file, _) in template::files(world, lang) {
                    let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
                    named |= text.contains("acme_shop");
                    let left = ["{{", "template_", "TemplateP", "TemplateF", "TemplateD", "\"../"];
                    let left = left.into_iter().find(|mark| text.contains(mark));
                    assert_eq!(left, None, "{world:?} {lang:?} {file}");
                }
                assert!(named, "{world:?} {lang:?}");
                if lang != Lang::Rust {
                    let project = project::Project::read(folder.path()).unwrap();
                    assert_eq!((project.world, project.lang), (Some(world), lang));
                    assert!(folder.path().join(project.entry).is_file(), "{world:?} {lang:?}");
                }
            }
        }
    }

    #[test]
    fn rust_gets_a_type_a_title_and_a_path() {
        for (world, title) in
            [(World::Provider, "Provider"), (World::Flow, "Flow"), (World::Destination, "Destination")]
        {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), world, Lang::Rust, "acme_shop", Path::new("/some where/sdk")).unwrap();
            let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
            assert!(read("src/lib.rs").contains(&format!("export!(AcmeShop{title} as {})", world.as_str())));
            assert!(read("src/lib.rs").contains("name: \"Acme Shop\""));
            assert!(read("tests/fixtures.rs").contains(&format!("acme_shop::AcmeShop{title}")));
            assert!(read("Cargo.toml").contains("path = \"/some where/sdk\""));
        }
    }

    #[test]
    fn only_the_sdk_is_the_sdk() {
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(sdk(None, Some(elsewhere.path())).unwrap_err().fix.unwrap().contains("--sdk"));
        let checkouts = tool::of_checkout(SDK);
        assert!(sdk(Some(elsewhere.path()), checkouts.as_deref()).is_err());
        assert!(sdk(None, checkouts.as_deref()).unwrap().is_absolute());
    }
}
