//! The demo comes out right.

use tokio::process::Command;

use crate::PROGRAM;

#[tokio::test]
async fn the_demo_ends_well_and_tells_each_story() {
    let output = Command::new(PROGRAM).args(["demo", "--once"]).env("NO_COLOR", "1").output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "GitHub's published sample",
        "DUPLICATE",
        "not authentic",
        "again in",
        "joe@example.com",
        "Everything came out",
    ] {
        assert!(told.contains(line), "{line}:\n{told}");
    }
}
