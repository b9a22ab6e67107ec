//! A host of a few lines, in which a built component runs: JSON goes in, JSON comes out.
//!
//! Every import of every world is there and answers at once. What the guest asked for is kept, in order. A variant is
//! `{"case": payload}` or `"case"`, a result `{"ok": …}` or `{"err": …}`, and a list of bytes a text.

#![allow(dead_code, reason = "each test uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hookyard_js::{BuildError, World};
use serde_json::{Map, Value, json};
use wasmtime::component::{Component, Instance, Linker, Type, Val};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};

/// When every call happens, in milliseconds.
pub(crate) const NOW: u64 = 1_700_000_000_123;
const MEMORY_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What the guest's host remembers.
#[derive(Default)]
pub(crate) struct Kept {
    limits: StoreLimits,
    /// "level: message", "sleep 5", "GET https://…".
    pub asked: Vec<String>,
    pub state: BTreeMap<String, Vec<u8>>,
    /// What `fetch` comes to, and the last request.
    pub answer: Value,
    pub request: Value,
}

/// One built plugin, ready to be called.
pub(crate) struct Guest {
    engine: Engine,
    component: Component,
    world: World,
    pub bytes: Vec<u8>,
    pub answer: Value,
    /// Of the last call.
    pub kept: Kept,
}

impl Guest {
    pub(crate) fn new(bytes: Vec<u8>, world: World) -> Self {
        let mut config = Config::new();
        config.wasm_component_model(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, &bytes).unwrap();
        let answer = json!({"ok": {"status": 200, "headers": [], "body": "{}"}});
        Self { engine, component, world, bytes, answer, kept: Kept::default() }
    }

    /// Calls one function in a fresh instance. `Err` is a trap.
    pub(crate) fn call(&mut self, function: &str, arguments: &[Value]) -> Result<Value, wasmtime::Error> {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES_MAX).build();
        let kept = Kept { limits, answer: self.answer.clone(), ..Kept::default() };
        let mut store = Store::new(&self.engine, kept);
        store.limiter(|kept| &mut kept.limits);
        let linker = host(&self.engine, &self.component);
        let instance = linker.instantiate(&mut store, &self.component)?;
        let result = invoke(&mut store, &instance, self.world, function, arguments);
        self.kept = store.into_data();
        result
    }

    /// The names of what it imports.
    pub(crate) fn imports(&self) -> Vec<String> {
        self.component.component_type().imports(&self.engine).map(|(name, _)| name.to_owned()).collect()
    }

    /// The names of what it exports.
    pub(crate) fn exports(&self) -> Vec<String> {
        self.component.component_type().exports(&self.engine).map(|(name, _)| name.to_owned()).collect()
    }
}

/// A folder of files with these texts, and the first as entry.
pub(crate) fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let entry = folder.path().join(files[0].0);
    (folder, entry)
}

/// Builds the files as a plugin; the first is the entry.
pub(crate) fn build(files: &[(&str, &str)], world: World) -> Result<Guest, BuildError> {
    let (folder, entry) = project(files);
    hookyard_js::build(&entry, Some(folder.path()), world).map(|bytes| Guest::new(bytes, world))
}

/// Builds one of the plugins that lie beside the tests.
pub(crate) fn plugin(name: &str, world: World) -> Guest {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins").join(name);
    let bytes = hookyard_js::build(&folder.join("index.ts"), Some(&folder), world).unwrap();
    Guest::new(bytes, world)
}

fn invoke(
    store: &mut Store<Kept>,
    instance: &Instance,
    world: World,
    function: &str,
    arguments: &[Value],
) -> Result<Value, wasmtime::Error> {
    let interface = format!("hookyard:plugin/{world}@0.1.0");
    let interface = instance.get_export_index(&mut *store, None, &interface).unwrap();
    let index = instance.get_export_index(&mut *store, Some(&interface), function).unwrap();
    let function = instance.get_func(&mut *store, index).unwrap();
    let kinds = function.ty(&*store);
    let given: Vec<Val> = kinds.params().zip(arguments).map(|((_, kind), value)| lower(value, &kind)).collect();
    let mut results = vec![Val::Bool(false); kinds.results().len()];
    function.call(&mut *store, &given, &mut results)?;
    Ok(lift(&results[0]))
}

fn host(engine: &Engine, component: &Component) -> Linker<Kept> {
    let mut linker = Linker::<Kept>::new(engine);
    linker.allow_shadowing(true);
    linker.define_unknown_imports_as_traps(component).unwrap();
    let interface = |name: &str| format!("hookyard:plugin/{name}@0.1.0");
    linker
        .instance(&interface("log"))
        .unwrap()
        .func_new("write", |mut store, _, given, _| {
            let line = format!("{}: {}", text(&given[0]), text(&given[1]));
            store.data_mut().asked.push(line);
            Ok(())
        })
        .unwrap();
    let mut clock = linker.instance(&interface("clock")).unwrap();
    clock
        .func_new("now", |_, _, _, results| {
            results[0] = Val::U64(NOW);
            Ok(())
        })
        .unwrap();
    clock
        .func_new("sleep", |mut store, _, given, _| {
            store.data_mut().asked.push(format!("sleep {}", lift(&given[0])));
            Ok(())
        })
        .unwrap();
    let mut state = linker.instance(&interface("state")).unwrap();
    state
        .func_new("get", |mut store, _, given, results| {
            let found = store.data_mut().state.get(&text(&given[0])).cloned();
            results[0] = Val::Option(found.map(|bytes| Box::new(list(&bytes))));
            Ok(())
        })
        .unwrap();
    state
        .func_new("set", |mut store, _, given, _| {
            store.data_mut().state.insert(text(&given[0]), text(&given[1]).into_bytes());
            Ok(())
        })
        .unwrap();
    state
        .func_new("delete", |mut store, _, given, _| {
            store.data_mut().state.remove(&text(&given[0]));
            Ok(())
        })
        .unwrap();
    let mut http = linker.instance(&interface("http")).unwrap();
    http.func_new("fetch", |mut store, kind, given, results| {
        let kept = store.data_mut();
        kept.request = json!([lift(&given[0]), lift(&given[1])]);
        kept.asked.push(format!("{} {}", text(&field(&given[0], "method")), text(&field(&given[0], "url"))));
        results[0] = lower(&kept.answer, &kind.results().next().unwrap());
        Ok(())
    })
    .unwrap();
    let mut secrets = linker.instance(&interface("secrets")).unwrap();
    secrets
        .func_new("hmac", |_, kind, given, results| {
            let answer = match text(&given[0]).as_str() {
                "app" => json!({"ok": format!("{}:{}", text(&given[1]), text(&given[2]))}),
                name => json!({"err": {"not-granted": name}}),
            };
            results[0] = lower(&answer, &kind.results().next().unwrap());
            Ok(())
        })
        .unwrap();
    linker
}

fn field(record: &Val, name: &str) -> Val {
    let Val::Record(fields) = record else { panic!("no record: {record:?}") };
    fields.iter().find(|(field, _)| field == name).unwrap().1.clone()
}

fn list(bytes: &[u8]) -> Val {
    Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect())
}

fn text(value: &Val) -> String {
    lift(value).as_str().unwrap().to_owned()
}

fn lower(value: &Value, kind: &Type) -> Val {
    match kind {
        Type::Bool => Val::Bool(value.as_bool().unwrap()),
        Type::U16 => Val::U16(value.as_u64().unwrap().try_into().unwrap()),
        Type::U32 => Val::U32(value.as_u64().unwrap().try_into().unwrap()),
        Type::U64 => Val::U64(value.as_u64().unwrap()),
        Type::String => Val::String(value.as_str().unwrap().to_owned()),
        Type::List(items) if items.ty() == Type::U8 => list(value.as_str().unwrap().as_bytes()),
        Type::List(items) => Val::List(value.as_array().unwrap().iter().map(|one| lower(one, &items.ty())).collect()),
        Type::Record(fields) => {
            let field =
                |name: &str, kind: &Type| (name.to_owned(), lower(value.get(name).unwrap_or(&Value::Null), kind));
            Val::Record(fields.fields().map(|one| field(one.name, &one.ty)).collect())
        }
        Type::Option(_) if value.is_null() => Val::Option(None),
        Type::Option(inner) => Val::Option(Some(Box::new(lower(value, &inner.ty())))),
        Type::Enum(_) => Val::Enum(value.as_str().unwrap().to_owned()),
        Type::Variant(variant) => {
            let (name, payload) = case(value);
            let kind = variant.cases().find(|one| one.name == name).unwrap().ty;
            Val::Variant(name.to_owned(), kind.map(|kind| Box::new(lower(payload, &kind))))
        }
        Type::Result(result) => match case(value) {
            ("ok", payload) => Val::Result(Ok(result.ok().map(|kind| Box::new(lower(payload, &kind))))),
            (_, payload) => Val::Result(Err(result.err().map(|kind| Box::new(lower(payload, &kind))))),
        },
        other => panic!("the contract has no {other:?}"),
    }
}

fn case(value: &Value) -> (&str, &Value) {
    match value {
        Value::String(name) => (name, &Value::Null),
        Value::Object(one) => one.iter().next().map(|(name, payload)| (name.as_str(), payload)).unwrap(),
        other => panic!("no variant: {other}"),
    }
}

fn lift(value: &Val) -> Value {
    match value {
        Val::Bool(one) => json!(one),
        Val::U8(one) => json!(one),
        Val::U16(one) => json!(one),
        Val::U32(one) => json!(one),
        Val::U64(one) => json!(one),
        Val::String(one) | Val::Enum(one) => json!(one),
        Val::List(items) => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|one| if let Val::U8(byte) = one { Some(*byte) } else { None }).collect();
            match bytes.filter(|bytes| !bytes.is_empty()).map(String::from_utf8) {
                Some(Ok(text)) => json!(text),
                _ => items.iter().map(lift).collect(),
            }
        }
        Val::Record(fields) => {
            Value::Object(fields.iter().map(|(name, one)| (name.clone(), lift(one))).collect::<Map<_, _>>())
        }
        Val::Option(inner) => inner.as_ref().map_or(Value::Null, |one| lift(one)),
        Val::Variant(name, None) => json!(name),
        Val::Variant(name, Some(payload)) => json!({ name: lift(payload) }),
        Val::Result(Ok(payload)) => json!({ "ok": payload.as_ref().map(|one| lift(one)) }),
        Val::Result(Err(payload)) => json!({ "err": payload.as_ref().map(|one| lift(one)) }),
        other => panic!("the contract has no {other:?}"),
    }
}
