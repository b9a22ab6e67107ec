//! What `hookyard plugin new` writes holds as it stands, and the page for authors shows that very flow.

use std::fs;
use std::path::Path;

use hookyard_sdk::fixtures;

#[expect(missing_docs, reason = "an author's lints are the author's business")]
#[path = "../template/destination/src/lib.rs"]
pub mod destination;
#[expect(missing_docs, reason = "an author's lints are the author's business")]
#[path = "../template/flow/src/lib.rs"]
pub mod flow;

fn template(world: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("template").join(world);
    folder.to_string_lossy().into_owned()
}

#[test]
fn the_fixtures_of_the_flow_hold() {
    fixtures::check_flow::<flow::TemplateFlow>(&template("flow"));
}

#[test]
fn the_fixtures_of_the_destination_hold() {
    fixtures::check_destination::<destination::TemplateDestination>(&template("destination"));
}

#[test]
fn the_readme_shows_the_template_s_flow() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let flow = fs::read_to_string(Path::new(&template("flow")).join("src/lib.rs")).unwrap();
    let mine =
        flow.replace("TemplateFlow", "MyFlow").replace("template_flow", "my_flow").replace("Template flow", "My Flow");
    assert!(readme.contains(&mine), "README.md shows another flow than the template");
}

#[test]
fn a_template_is_what_a_person_can_read_at_once() {
    for world in ["flow", "destination"] {
        let text = fs::read_to_string(Path::new(&template(world)).join("src/lib.rs")).unwrap();
        assert!(text.lines().filter(|line| !line.trim().is_empty()).count() <= 32, "{world}");
    }
}
