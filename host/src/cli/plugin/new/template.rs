//! The templates: what each world and language begins with, and how its name becomes the author's.
//!
//! Rust's are crates, with names of their own that are replaced (`template_flow`, `TemplateFlow`, `Template flow`). The
//! other languages' have `{{name}}` where the name goes.

use std::path::Path;

use hookyard_model::plugin::World;

use super::Lang;

/// A file of a template: where it goes, and what is in it.
type File = (&'static str, &'static str);

const RUST_PROVIDER: &[File] = &[
    ("Cargo.toml", include_str!("../template/Cargo.toml")),
    ("build.rs", include_str!("../template/build.rs")),
    ("src/lib.rs", include_str!("../template/src/lib.rs")),
    ("tests/fixtures.rs", include_str!("../template/tests/fixtures.rs")),
    ("fixtures/order_paid/request.http", include_str!("../template/fixtures/order_paid/request.http")),
    ("fixtures/order_paid/secrets.json", include_str!("../template/fixtures/order_paid/secrets.json")),
    ("fixtures/order_paid/expected.json", include_str!("../template/fixtures/order_paid/expected.json")),
    ("README.md", include_str!("../template/README.md")),
    (".gitignore", include_str!("../template/gitignore")),
];
const RUST_FLOW: &[File] = &[
    ("Cargo.toml", include_str!("../../../../../sdk/rust/template/flow/Cargo.toml")),
    ("README.md", include_str!("../../../../../sdk/rust/template/flow/README.md")),
    ("build.rs", include_str!("../../../../../sdk/rust/template/flow/build.rs")),
    (
        "fixtures/event_without_a_lead/expected.json",
        include_str!("../../../../../sdk/rust/template/flow/fixtures/event_without_a_lead/expected.json"),
    ),
    (
        "fixtures/event_without_a_lead/trigger.json",
        include_str!("../../../../../sdk/rust/template/flow/fixtures/event_without_a_lead/trigger.json"),
    ),
    (
        "fixtures/second_lead/expected.json",
        include_str!("../../../../../sdk/rust/template/flow/fixtures/second_lead/expected.json"),
    ),
    (
        "fixtures/second_lead/state.json",
        include_str!("../../../../../sdk/rust/template/flow/fixtures/second_lead/state.json"),
    ),
    (
        "fixtures/second_lead/trigger.json",
        include_str!("../../../../../sdk/rust/template/flow/fixtures/second_lead/trigger.json"),
    ),
    (".gitignore", include_str!("../../../../../sdk/rust/template/flow/gitignore")),
    ("src/lib.rs", include_str!("../../../../../sdk/rust/template/flow/src/lib.rs")),
    ("tests/fixtures.rs", include_str!("../../../../../sdk/rust/template/flow/tests/fixtures.rs")),
];
const RUST_DESTINATION: &[File] = &[
    ("Cargo.toml", include_str!("../../../../../sdk/rust/template/destination/Cargo.toml")),
    ("README.md", include_str!("../../../../../sdk/rust/template/destination/README.md")),
    ("build.rs", include_str!("../../../../../sdk/rust/template/destination/build.rs")),
    (
        "fixtures/new_lead/expected.json",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/new_lead/expected.json"),
    ),
    (
        "fixtures/new_lead/fetch-1.request.http",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/new_lead/fetch-1.request.http"),
    ),
    (
        "fixtures/new_lead/fetch-1.response.http",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/new_lead/fetch-1.response.http"),
    ),
    (
        "fixtures/new_lead/order.json",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/new_lead/order.json"),
    ),
    (
        "fixtures/too_many_requests/error.txt",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/too_many_requests/error.txt"),
    ),
    (
        "fixtures/too_many_requests/fetch-1.request.http",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/too_many_requests/fetch-1.request.http"),
    ),
    (
        "fixtures/too_many_requests/fetch-1.response.http",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/too_many_requests/fetch-1.response.http"),
    ),
    (
        "fixtures/too_many_requests/order.json",
        include_str!("../../../../../sdk/rust/template/destination/fixtures/too_many_requests/order.json"),
    ),
    (".gitignore", include_str!("../../../../../sdk/rust/template/destination/gitignore")),
    ("src/lib.rs", include_str!("../../../../../sdk/rust/template/destination/src/lib.rs")),
    ("tests/fixtures.rs", include_str!("../../../../../sdk/rust/template/destination/tests/fixtures.rs")),
];
const TS_PROVIDER: &[File] = &[("src/index.ts", include_str!("../../../../../sdk/js/template/provider/src/index.ts"))];
const JS_PROVIDER: &[File] = &[("src/index.js", include_str!("../../../../../sdk/js/template/provider/src/index.js"))];
const SCRIPT_PROVIDER: &[File] = &[
    ("README.md", include_str!("../../../../../sdk/js/template/provider/README.md")),
    (".gitignore", include_str!("../../../../../sdk/js/template/provider/gitignore")),
    (
        "fixtures/form_filled/expected.json",
        include_str!("../../../../../sdk/js/template/provider/fixtures/form_filled/expected.json"),
    ),
    (
        "fixtures/form_filled/request.http",
        include_str!("../../../../../sdk/js/template/provider/fixtures/form_filled/request.http"),
    ),
    (
        "fixtures/form_filled/secrets.json",
        include_str!("../../../../../sdk/js/template/provider/fixtures/form_filled/secrets.json"),
    ),
    ("hookyard.toml", include_str!("../../../../../sdk/js/template/provider/hookyard.toml")),
    ("tsconfig.json", include_str!("../../../../../sdk/js/template/provider/tsconfig.json")),
];
const TS_FLOW: &[File] = &[("src/index.ts", include_str!("../../../../../sdk/js/template/flow/src/index.ts"))];
const JS_FLOW: &[File] = &[("src/index.js", include_str!("../../../../../sdk/js/template/flow/src/index.js"))];
const SCRIPT_FLOW: &[File] = &[
    ("README.md", include_str!("../../../../../sdk/js/template/flow/README.md")),
    (".gitignore", include_str!("../../../../../sdk/js/template/flow/gitignore")),
    (
        "fixtures/nobody_called/expected.json",
        include_str!("../../../../../sdk/js/template/flow/fixtures/nobody_called/expected.json"),
    ),
    (
        "fixtures/nobody_called/trigger.json",
        include_str!("../../../../../sdk/js/template/flow/fixtures/nobody_called/trigger.json"),
    ),
    (
        "fixtures/somebody_called/expected.json",
        include_str!("../../../../../sdk/js/template/flow/fixtures/somebody_called/expected.json"),
    ),
    (
        "fixtures/somebody_called/settings.json",
        include_str!("../../../../../sdk/js/template/flow/fixtures/somebody_called/settings.json"),
    ),
    (
        "fixtures/somebody_called/state.json",
        include_str!("../../../../../sdk/js/template/flow/fixtures/somebody_called/state.json"),
    ),
    (
        "fixtures/somebody_called/trigger.json",
        include_str!("../../../../../sdk/js/template/flow/fixtures/somebody_called/trigger.json"),
    ),
    ("hookyard.toml", include_str!("../../../../../sdk/js/template/flow/hookyard.toml")),
    ("tsconfig.json", include_str!("../../../../../sdk/js/template/flow/tsconfig.json")),
];
const TS_DESTINATION: &[File] =
    &[("src/index.ts", include_str!("../../../../../sdk/js/template/destination/src/index.ts"))];
const JS_DESTINATION: &[File] =
    &[("src/index.js", include_str!("../../../../../sdk/js/template/destination/src/index.js"))];
const SCRIPT_DESTINATION: &[File] = &[
    ("README.md", include_str!("../../../../../sdk/js/template/destination/README.md")),
    (".gitignore", include_str!("../../../../../sdk/js/template/destination/gitignore")),
    (
        "fixtures/lead_that_changed/expected.json",
        include_str!("../../../../../sdk/js/template/destination/fixtures/lead_that_changed/expected.json"),
    ),
    (
        "fixtures/lead_that_changed/fetch-1.request.http",
        include_str!("../../../../../sdk/js/template/destination/fixtures/lead_that_changed/fetch-1.request.http"),
    ),
    (
        "fixtures/lead_that_changed/fetch-1.response.http",
        include_str!("../../../../../sdk/js/template/destination/fixtures/lead_that_changed/fetch-1.response.http"),
    ),
    (
        "fixtures/lead_that_changed/order.json",
        include_str!("../../../../../sdk/js/template/destination/fixtures/lead_that_changed/order.json"),
    ),
    (
        "fixtures/new_lead/expected.json",
        include_str!("../../../../../sdk/js/template/destination/fixtures/new_lead/expected.json"),
    ),
    (
        "fixtures/new_lead/fetch-1.request.http",
        include_str!("../../../../../sdk/js/template/destination/fixtures/new_lead/fetch-1.request.http"),
    ),
    (
        "fixtures/new_lead/fetch-1.response.http",
        include_str!("../../../../../sdk/js/template/destination/fixtures/new_lead/fetch-1.response.http"),
    ),
    (
        "fixtures/new_lead/order.json",
        include_str!("../../../../../sdk/js/template/destination/fixtures/new_lead/order.json"),
    ),
    (
        "fixtures/too_many_requests/error.txt",
        include_str!("../../../../../sdk/js/template/destination/fixtures/too_many_requests/error.txt"),
    ),
    (
        "fixtures/too_many_requests/fetch-1.request.http",
        include_str!("../../../../../sdk/js/template/destination/fixtures/too_many_requests/fetch-1.request.http"),
    ),
    (
        "fixtures/too_many_requests/fetch-1.response.http",
        include_str!("../../../../../sdk/js/template/destination/fixtures/too_many_requests/fetch-1.response.http"),
    ),
    (
        "fixtures/too_many_requests/order.json",
        include_str!("../../../../../sdk/js/template/destination/fixtures/too_many_requests/order.json"),
    ),
    ("hookyard.toml", include_str!("../../../../../sdk/js/template/destination/hookyard.toml")),
    ("tsconfig.json", include_str!("../../../../../sdk/js/template/destination/tsconfig.json")),
];
/// What editors know of the SDK; the template's `tsconfig.json` names it.
const TYPES: File = ("hookyard.d.ts", include_str!("../../../../../sdk/js/hookyard.d.ts"));
const PYTHON_PROVIDER: &[File] = &[
    ("README.md", include_str!("../../../../../sdk/python/template/provider/README.md")),
    ("app.py", include_str!("../../../../../sdk/python/template/provider/app.py")),
    (".gitignore", include_str!("../../../../../sdk/python/template/provider/gitignore")),
    (
        "fixtures/lead_created/expected.json",
        include_str!("../../../../../sdk/python/template/provider/fixtures/lead_created/expected.json"),
    ),
    (
        "fixtures/lead_created/request.http",
        include_str!("../../../../../sdk/python/template/provider/fixtures/lead_created/request.http"),
    ),
    (
        "fixtures/lead_created/secrets.json",
        include_str!("../../../../../sdk/python/template/provider/fixtures/lead_created/secrets.json"),
    ),
    ("hookyard.toml", include_str!("../../../../../sdk/python/template/provider/hookyard.toml")),
];
const PYTHON_FLOW: &[File] = &[
    ("README.md", include_str!("../../../../../sdk/python/template/flow/README.md")),
    ("app.py", include_str!("../../../../../sdk/python/template/flow/app.py")),
    (".gitignore", include_str!("../../../../../sdk/python/template/flow/gitignore")),
    (
        "fixtures/new_lead/expected.json",
        include_str!("../../../../../sdk/python/template/flow/fixtures/new_lead/expected.json"),
    ),
    (
        "fixtures/new_lead/trigger.json",
        include_str!("../../../../../sdk/python/template/flow/fixtures/new_lead/trigger.json"),
    ),
    (
        "fixtures/test_lead/expected.json",
        include_str!("../../../../../sdk/python/template/flow/fixtures/test_lead/expected.json"),
    ),
    (
        "fixtures/test_lead/trigger.json",
        include_str!("../../../../../sdk/python/template/flow/fixtures/test_lead/trigger.json"),
    ),
    ("hookyard.toml", include_str!("../../../../../sdk/python/template/flow/hookyard.toml")),
];
const PYTHON_DESTINATION: &[File] = &[
    ("README.md", include_str!("../../../../../sdk/python/template/destination/README.md")),
    ("app.py", include_str!("../../../../../sdk/python/template/destination/app.py")),
    (".gitignore", include_str!("../../../../../sdk/python/template/destination/gitignore")),
    (
        "fixtures/lead_that_changed/expected.json",
        include_str!("../../../../../sdk/python/template/destination/fixtures/lead_that_changed/expected.json"),
    ),
    (
        "fixtures/lead_that_changed/fetch-1.request.http",
        include_str!("../../../../../sdk/python/template/destination/fixtures/lead_that_changed/fetch-1.request.http"),
    ),
    (
        "fixtures/lead_that_changed/fetch-1.response.http",
        include_str!("../../../../../sdk/python/template/destination/fixtures/lead_that_changed/fetch-1.response.http"),
    ),
    (
        "fixtures/lead_that_changed/order.json",
        include_str!("../../../../../sdk/python/template/destination/fixtures/lead_that_changed/order.json"),
    ),
    (
        "fixtures/new_lead/expected.json",
        include_str!("../../../../../sdk/python/template/destination/fixtures/new_lead/expected.json"),
    ),
    (
        "fixtures/new_lead/fetch-1.request.http",
        include_str!("../../../../../sdk/python/template/destination/fixtures/new_lead/fetch-1.request.http"),
    ),
    (
        "fixtures/new_lead/fetch-1.response.http",
        include_str!("../../../../../sdk/python/template/destination/fixtures/new_lead/fetch-1.response.http"),
    ),
    (
        "fixtures/new_lead/order.json",
        include_str!("../../../../../sdk/python/template/destination/fixtures/new_lead/order.json"),
    ),
    (
        "fixtures/too_many_requests/error.txt",
        include_str!("../../../../../sdk/python/template/destination/fixtures/too_many_requests/error.txt"),
    ),
    (
        "fixtures/too_many_requests/fetch-1.request.http",
        include_str!("../../../../../sdk/python/template/destination/fixtures/too_many_requests/fetch-1.request.http"),
    ),
    (
        "fixtures/too_many_requests/fetch-1.response.http",
        include_str!("../../../../../sdk/python/template/destination/fixtures/too_many_requests/fetch-1.response.http"),
    ),
    (
        "fixtures/too_many_requests/order.json",
        include_str!("../../../../../sdk/python/template/destination/fixtures/too_many_requests/order.json"),
    ),
    ("hookyard.toml", include_str!("../../../../../sdk/python/template/destination/hookyard.toml")),
];

/// The files of a template.
pub(super) fn files(world: World, lang: Lang) -> Vec<File> {
    let (own, shared): (&[File], &[File]) = match (lang, world) {
        (Lang::Rust, World::Provider) => (RUST_PROVIDER, &[]),
        (Lang::Rust, World::Flow) => (RUST_FLOW, &[]),
        (Lang::Rust, World::Destination) => (RUST_DESTINATION, &[]),
        (Lang::Ts, World::Provider) => (TS_PROVIDER, SCRIPT_PROVIDER),
        (Lang::Ts, World::Flow) => (TS_FLOW, SCRIPT_FLOW),
        (Lang::Ts, World::Destination) => (TS_DESTINATION, SCRIPT_DESTINATION),
        (Lang::Js, World::Provider) => (JS_PROVIDER, SCRIPT_PROVIDER),
        (Lang::Js, World::Flow) => (JS_FLOW, SCRIPT_FLOW),
        (Lang::Js, World::Destination) => (JS_DESTINATION, SCRIPT_DESTINATION),
        (Lang::Python, World::Provider) => (PYTHON_PROVIDER, &[]),
        (Lang::Python, World::Flow) => (PYTHON_FLOW, &[]),
        (Lang::Python, World::Destination) => (PYTHON_DESTINATION, &[]),
    };
    let types = matches!(lang, Lang::Ts | Lang::Js).then_some(TYPES);
    own.iter().chain(shared).copied().chain(types).collect()
}

/// A file's text with the author's name in it.
pub(super) fn fill(text: &str, world: World, lang: Lang, name: &str, sdk: &Path) -> String {
    match lang {
        Lang::Rust => fill_rust(text, world, name, sdk),
        Lang::Ts | Lang::Python => text.replace("{{name}}", name),
        // Only `hookyard.toml` says which of the two it is.
        Lang::Js => text
            .replace("{{name}}", name)
            .replace("lang = \"ts\"", "lang = \"js\"")
            .replace("entry = \"src/index.ts\"", "entry = \"src/index.js\""),
    }
}

fn fill_rust(text: &str, world: World, name: &str, sdk: &Path) -> String {
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let title = words.iter().map(|word| capital(word)).collect::<Vec<_>>();
    // A type cannot be called what the SDK's trait is called, nor the thing it is compiled against.
    let of_world = capital(world.as_str());
    let type_name = format!("{}{of_world}", title.concat().trim_end_matches(of_world.as_str()));
    let sdk = format!("path = {:?}", sdk.display().to_string());
    // Where the templates themselves find the SDK.
    ["path = \"../../../../../sdk/rust\"", "path = \"../..\""]
        .into_iter()
        .fold(text.to_owned(), |text, own| text.replace(own, &sdk))
        .replace(&format!("Template{of_world}"), &type_name)
        .replace(&format!("template_{}", world.as_str()), name)
        .replace(&format!("Template {}", world.as_str()), &title.join(" "))
}

fn capital(word: &str) -> String {
    word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_what_a_person_can_read_at_once() {
        for world in World::ALL {
            for (lang, file) in [
                (Lang::Rust, "src/lib.rs"),
                (Lang::Ts, "src/index.ts"),
                (Lang::Js, "src/index.js"),
                (Lang::Python, "app.py"),
            ] {
                let (_, text) = files(world, lang).into_iter().find(|(path, _)| *path == file).unwrap();
                let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
                assert!(lines <= 45, "{world:?} {lang:?}: {lines} lines");
            }
        }
    }

    fn walk(folder: &Path, found: &mut Vec<String>, under: &str) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() && name != "target" && name != "__pycache__" {
                walk(&entry.path(), found, &format!("{under}{name}/"));
            } else if entry.path().is_file() && name != "Cargo.lock" {
                found.push(format!("{under}{}", if name == "gitignore" { ".gitignore" } else { name.as_str() }));
            }
        }
    }

    #[test]
    fn every_file_of_every_template_is_here() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for world in World::ALL {
            for (lang, sdk) in [(Lang::Rust, "rust"), (Lang::Ts, "js"), (Lang::Js, "js"), (Lang::Python, "python")] {
                let folder = match (lang, world) {
                    (Lang::Rust, World::Provider) => root.join("host/src/cli/plugin/template"),
                    _ => root.join("sdk").join(sdk).join("template").join(world.as_str()),
                };
                let mut there = Vec::new();
                walk(&folder, &mut there, "");
                let others = if lang == Lang::Ts { ".js" } else { ".ts" };
                there.retain(|file| !file.ends_with(others));
                let mut here: Vec<_> = files(world, lang).into_iter().map(|(path, _)| path.to_owned()).collect();
                here.retain(|file| file != "hookyard.d.ts");
                there.sort();
                here.sort();
                assert_eq!(here, there, "{world:?} {lang:?}");
            }
        }
    }

    #[test]
    fn a_world_in_the_name_does_not_stand_in_the_type_twice() {
        let filled = fill_rust("TemplateFlow", World::Flow, "order_flow", Path::new("/"));
        assert_eq!(filled, "OrderFlow");
    }
}
