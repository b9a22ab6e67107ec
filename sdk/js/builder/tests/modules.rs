//! Modules: what an import may point to, in which order they run, and where an error arose while they loaded.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use hookyard_js::World;
use serde_json::json;
use support::{build, project};

const FLOW: &str =
    "export default flow({ id: 'f', name: 'F', version: '1', triggers: ['*'], run: () => emit('x', found) });";

/// What the build says of these files.
fn refused(files: &[(&str, &str)]) -> String {
    build(files, World::Flow).err().map(|error| error.to_string()).unwrap_or_default()
}

fn found(files: &[(&str, &str)]) -> serde_json::Value {
    let mut guest = build(files, World::Flow).unwrap();
    let event = json!({"id": "e", "event-type": "x", "occurred-at": 1, "data": "{}"});
    let actions = guest.call("run", &[json!({"event": event, "lead": null}), json!("{}")]).unwrap();
    serde_json::from_str(actions["ok"][0]["emit"]["data"].as_str().unwrap_or_else(|| panic!("{actions}"))).unwrap()
}

#[test]
fn every_form_of_import_and_export_means_what_it_says() {
    let entry = format!(
        "import {{ flow, emit }} from 'hookyard';
        import def, {{ a as renamed, live, raise }} from './lib/one';
        import * as all from './lib/index.ts';
        import data from '../data.json';
        import pkg from 'pkg';
        raise();
        const found = [def(), renamed, live, Object.keys(all), data.x, pkg];
        {FLOW}"
    );
    let files = [
        ("src/main.ts", entry.as_str()),
        (
            "src/lib/one.ts",
            "import { two } from './two.js'; export default () => two; export const a = 'a'; export let live = 1; export function raise() { live += 1 }",
        ),
        (
            "src/lib/two.ts",
            "import { a } from './one.ts'; export const two: string = 'two'; export const later = () => a;",
        ),
        ("src/lib/index.ts", "export * from './two'; export { a as b } from './one'; export * as ns from './two';"),
        ("data.json", "{\"x\": \"\u{2028}\"}"),
        ("node_modules/pkg/package.json", "{\"name\": \"pkg\", \"type\": \"module\", \"exports\": \"./main.js\"}"),
        ("node_modules/pkg/main.js", "export default 'pkg';"),
    ];
    assert_eq!(found(&files), json!(["two", "a", 2, ["b", "later", "ns", "two"], "\u{2028}", "pkg"]));
}

#[test]
fn an_import_that_leads_nowhere_says_where_it_stands() {
    let cases = [
        ("import './none.ts';", "main.ts:2:8: there is no file \"./none.ts\""),
        ("import 'lodash';", "main.ts:2:8: cannot import \"lodash\": only \"hookyard\", files of the project"),
        ("import 'node:fs';", "main.ts:2:8: cannot import \"node:fs\": there is no Node in a plugin"),
        ("import 'hookyard:plugin/http';", "main.ts:2:8: cannot import \"hookyard:plugin/http\": the host's own"),
        ("import '../outside.ts';", "main.ts:2:8: \"../outside.ts\" is outside of the project's folder"),
        ("import './old.cjs';", "main.ts:2:8: `old.cjs` is no module that can run"),
        ("import 'common';", "node_modules/common/index.js:1:1: this package is CommonJS"),
    ];
    for (line, said) in cases {
        let (folder, _) = project(&[
            ("p/main.ts", &format!("\n{line}")),
            ("outside.ts", ""),
            ("p/old.cjs", ""),
            ("p/node_modules/common/index.js", "module.exports = 1;"),
            ("p/node_modules/common/package.json", "{\"main\": \"index.js\"}"),
        ]);
        let root = folder.path().join("p");
        let error = hookyard_js::build(&root.join("main.ts"), Some(&root), World::Flow).unwrap_err().to_string();
        assert!(error.starts_with(said), "{line}: {error}");
    }
}

#[test]
fn what_goes_wrong_while_modules_load_is_said_with_its_place() {
    let flow = |body: &str| format!("import {{ flow, emit, fetch, state }} from 'hookyard';\n{body}");
    let cases = [
        ("const a = null;\na.b.c;", "main.ts:3:1: cannot read property 'b' of null"),
        ("null.x", "main.ts:2:"),
        ("console.log('x');", "main.ts:2:9: console.log() asks the host, and there is none while the plugin is built"),
        ("fetch('https://a');", "main.ts:2:1: fetch() asks the host"),
        ("Math.random();", "main.ts:2:6: Math.random() asks the host"),
        ("new Date();", "main.ts:2:"),
        ("export const x = 1;", "main.ts:1:1: main.ts has no default export; write: export default flow({ … })"),
        (
            "export default { run() {} };",
            "main.ts:1:1: the default export of main.ts must be what flow({ … }) returned",
        ),
        (
            "export default flow({ id: 'f' });",
            "main.ts:2:16: flow().name must be text, and not empty, and is undefined",
        ),
        (
            "export default flow({ id: 'f', name: 'F', version: '1', triggers: [], run: async () => [] });",
            "main.ts:2:16: flow().run must be a plain function, without async or *",
        ),
        (
            "export default flow({ id: 'f', nmae: 'F' });",
            "main.ts:2:16: flow().nmae is not known; there are id, name, ",
        ),
        ("import { emitt } from 'hookyard'; emitt();", "main.ts:2:23: \"hookyard\" exports no `emitt`"),
        ("process.exit(1);", "main.ts:2:1: process is not defined"),
        ("for (;;) {", "main.ts:2:"),
        ("throw new Error('of two\\nlines');", "main.ts:2:"),
    ];
    for (body, said) in cases {
        let error = refused(&[("main.ts", &flow(body))]);
        assert!(error.starts_with(said), "{body}: {error}");
    }
    assert!(
        refused(&[("main.ts", "import x from './x.json'; x;"), ("x.json", "{\n  \"a\" 1 }")])
            .starts_with("x.json:2:7: ")
    );
    let provider = "import { provider } from 'hookyard';
        export default provider({ id: 'p', name: 'P', version: '1', eventTypes: [], receive: () => 1 });";
    assert_eq!(refused(&[("main.ts", provider)]), "main.ts:1:1: main.ts exports a provider, and is built as a flow");
}

#[test]
fn the_globals_that_code_takes_for_granted_are_there() {
    let script = include_str!("globals.js");
    let entry = format!("import {{ flow, emit }} from 'hookyard';\nconst found = [];\n{script}\n{FLOW}");
    assert_eq!(found(&[("main.js", &entry)]), json!([]));
}
