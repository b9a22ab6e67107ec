//! The author's modules, found and laid out.
//!
//! From the entry every import is followed, by Node's rules and with TypeScript's endings. Each module is written,
//! without its types, at its own path from the project's folder, for that path is its name in a stack trace. `hookyard`
//! is the SDK; a package of `node_modules` may be used where it is an ES module. What lies outside of the project's
//! folder, through `..` or through a link, is refused: a component holds what its author can see.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use oxc_resolver::{ResolveOptions, Resolver};
use tempfile::TempDir;

use crate::embedded::{WIT, World};
use crate::erase::{self, Import};
use crate::source::{BuildError, Edit, Place, With, render};

/// Where the SDK lies among the staged modules; no import of an author's leads there but `hookyard` itself.
pub(crate) const SDK_FOLDER: &str = ".hookyard";
/// What one plugin's modules may be together, before a component's own limit has a word: in bytes.
const SOURCES_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A folder that holds all modules of one plugin, ready to be loaded.
pub(crate) struct Staged {
    folder: TempDir,
    /// The author's first module, from the project's folder.
    pub(crate) entry: String,
    /// Every import there is, to say later which of them found no such export.
    pub(crate) links: Vec<Link>,
}

/// One import, and what it leads to.
pub(crate) struct Link {
    pub(crate) place: Place,
    /// As the author wrote it.
    pub(crate) specifier: String,
    /// The module's name.
    pub(crate) target: String,
    pub(crate) names: Vec<String>,
}

impl Staged {
    /// Where names of modules begin.
    pub(crate) fn modules(&self) -> PathBuf {
        self.folder.path().join("modules")
    }

    pub(crate) fn wit(&self) -> PathBuf {
        self.folder.path().join("wit")
    }

    /// The module that joins the author's with the SDK.
    pub(crate) fn joint(&self) -> PathBuf {
        self.modules().join(SDK_FOLDER).join("entry.js")
    }
}

/// Lays out the plugin whose first module is `entry`.
pub(crate) fn stage(entry: &Path, root: Option<&Path>, world: World) -> Result<Staged, BuildError> {
    let entry_path = canonical(entry)?;
    if !entry_path.is_file() {
        return Err(BuildError::Project(format!("`{}` is not a file", entry.display())));
    }
    let root = match root {
        Some(root) => canonical(root)?,
        None => root_of(&entry_path),
    };
    let entry = name_in(&root, &entry_path).ok_or_else(|| {
        let message = format!("`{}` is not in the project's folder `{}`", entry.display(), root.display());
        BuildError::Project(message)
    })?;
    if !is_module(&entry) {
        return Err(BuildError::Project(format!(
            "`{entry}` is no module that can run; it ends in .ts, .mts, .js or .mjs"
        )));
    }
    let folder = TempDir::new().map_err(|source| BuildError::Write { path: std::env::temp_dir(), source })?;
    let mut staged = Staged { folder, entry, links: Vec::new() };
    let modules = staged.modules();
    let mut walk = Walk { root, modules, resolver: resolver(), seen: BTreeSet::new(), links: Vec::new(), bytes: 0 };
    walk.follow(&staged.entry)?;
    staged.links = walk.links;
    embed(&staged, world)?;
    Ok(staged)
}

fn embed(staged: &Staged, world: World) -> Result<(), BuildError> {
    let sdk = staged.modules().join(SDK_FOLDER);
    for (path, text) in world.sdk() {
        write(&sdk.join(path), text)?;
    }
    for (path, text) in WIT {
        write(&staged.wit().join(path), text)?;
    }
    let entry = quoted(&format!("../{}", staged.entry));
    let (file, name) = (quoted(&staged.entry), world.name());
    let joint = format!(
        "import \"./prelude.js\";\nimport * as plugin from {entry};\nimport {{ expose }} from \"./runtime/expose.js\";\n\
         export const {name} = expose(\"{name}\", plugin, {file});\n"
    );
    write(&staged.joint(), &joint)
}

struct Walk {
    root: PathBuf,
    modules: PathBuf,
    resolver: Resolver,
    seen: BTreeSet<String>,
    links: Vec<Link>,
    bytes: usize,
}

impl Walk {
    /// Stages the module and whatever it imports.
    fn follow(&mut self, first: &str) -> Result<(), BuildError> {
        let mut waiting = vec![first.to_owned()];
        while let Some(name) = waiting.pop() {
            if !self.seen.insert(name.clone()) {
                continue;
            }
            let path = self.root.join(&name);
            let text = fs::read_to_string(&path).map_err(|source| BuildError::Read { path, source })?;
            self.bytes += text.len();
            if self.bytes > SOURCES_BYTES_MAX {
                let limit = SOURCES_BYTES_MAX / 1024 / 1024;
                return Err(BuildError::Project(format!("the plugin's modules are more than {limit} MiB")));
            }
            waiting.extend(self.module(&name, &text)?);
        }
        Ok(())
    }

    /// Writes one module; returns the names of those that it imports.
    fn module(&mut self, name: &str, text: &str) -> Result<Vec<String>, BuildError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if name.ends_with(".json") {
            return write(&self.modules.join(name), &json_module(name, text)?).map(|()| Vec::new());
        }
        let module = erase::read(name, text)?;
        if !module.is_module && name.contains("node_modules/") {
            let message = "this package is CommonJS; a plugin imports ES modules only";
            return Err(BuildError::Source { place: Place::at(name, text, 0), message: message.to_owned() });
        }
        let mut edits = module.edits;
        let mut names = Vec::new();
        for import in module.imports {
            let target = self.resolve(name, text, &import)?;
            let specifier = quoted(&relative(name, &target));
            edits.push(Edit { start: import.start, end: import.end, with: With::Text(specifier) });
            if !target.starts_with(SDK_FOLDER) {
                names.push(target.clone());
            }
            let place = Place::at(name, text, import.start);
            self.links.push(Link { place, specifier: import.specifier, target, names: import.names });
        }
        write(&self.modules.join(name), &render(text, edits))?;
        Ok(names)
    }

    /// The name of the module that an import means.
    fn resolve(&self, importer: &str, text: &str, import: &Import) -> Result<String, BuildError> {
        let specifier = import.specifier.as_str();
        let fail =
            |message: String| Err(BuildError::Source { place: Place::at(importer, text, import.start), message });
        if specifier == "hookyard" {
            return Ok(format!("{SDK_FOLDER}/hookyard.js"));
        }
        if let Some((scheme, _)) = specifier.split_once(':') {
            let why = match scheme {
                "node" => "there is no Node in a plugin",
                "hookyard" => "the host's own interfaces are reached through \"hookyard\"",
                _ => "a plugin imports files and packages",
            };
            return fail(format!("cannot import \"{specifier}\": {why}"));
        }
        let found = match self.resolver.resolve_file(self.root.join(importer), specifier) {
            Ok(found) => found.into_path_buf(),
            Err(_) if specifier.starts_with('.') => return fail(format!("there is no file \"{specifier}\"")),
            Err(_) => {
                let why = "only \"hookyard\", files of the project, and ES modules in its node_modules can be";
                return fail(format!("cannot import \"{specifier}\": {why}"));
            }
        };
        let Some(name) = name_in(&self.root, &found) else {
            return fail(format!("\"{specifier}\" is outside of the project's folder"));
        };
        if is_module(&name) { Ok(name) } else { fail(format!("`{name}` is no module that can run")) }
    }
}

fn resolver() -> Resolver {
    let endings = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<String>>();
    Resolver::new(ResolveOptions {
        condition_names: endings(&["import", "module", "default"]),
        extensions: endings(&[".ts", ".mts", ".js", ".mjs", ".json"]),
        extension_alias: vec![
            (".js".to_owned(), endings(&[".ts", ".js"])),
            (".mjs".to_owned(), endings(&[".mts", ".mjs"])),
        ],
        main_fields: endings(&["module", "main"]),
        node_path: false,
        ..ResolveOptions::default()
    })
}

fn is_module(name: &str) -> bool {
    let known = [".ts", ".mts", ".js", ".mjs", ".json"].iter().any(|ending| name.ends_with(ending));
    known && !name.ends_with(".d.ts") && !name.ends_with(".d.mts")
}

fn json_module(name: &str, text: &str) -> Result<String, BuildError> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| BuildError::Source {
        place: Place { file: name.to_owned(), line: error.line(), column: error.column().max(1) },
        message: error.to_string(),
    })?;
    Ok(format!("export default JSON.parse({});\n", quoted(&value.to_string())))
}

/// The nearest folder above that looks like a project's; otherwise the entry's own.
fn root_of(entry: &Path) -> PathBuf {
    let own = entry.parent().unwrap_or(entry);
    let marked = |mark: &str| own.ancestors().find(|folder| folder.join(mark).is_file());
    marked("hookyard.toml").or_else(|| marked("package.json")).unwrap_or(own).to_path_buf()
}

/// The path from the project's folder, with slashes; nothing for what lies elsewhere or has no such name.
fn name_in(root: &Path, path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let parts: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/")).filter(|name| !name.is_empty() && !name.starts_with(SDK_FOLDER))
}

/// How one module names another: exactly, so that nothing is left to look for.
fn relative(from: &str, to: &str) -> String {
    let depth = from.matches('/').count();
    if depth == 0 { format!("./{to}") } else { format!("{}{to}", "../".repeat(depth)) }
}

/// A JavaScript string that means this text. JSON is one, since the language took its two odd line breaks in.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn canonical(path: &Path) -> Result<PathBuf, BuildError> {
    path.canonicalize().map_err(|source| BuildError::Read { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|source| BuildError::Write { path: path.to_owned(), source })
}
