//! The command line as its users meet it.

use std::process::Output;

use tokio::process::Command;

use crate::PROGRAM;

async fn hookyard(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).env_remove("HOOKYARD_KEY").env("NO_COLOR", "1").output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_signature_is_verified_or_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    std::fs::write(&body, "Hello, World!").unwrap();
    let good = "x-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let verify = async |secret: &str, header: &str| {
        hookyard(&["verify", "--style", "github", "--secret", secret, "--header", header, body.to_str().unwrap()]).await
    };
    let valid = verify("It's a Secret to Everybody", good).await;
    assert!(valid.status.success(), "{}{}", text(&valid.stdout), text(&valid.stderr));
    let wrong = verify("another secret", good).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(format!("{}{}", text(&wrong.stdout), text(&wrong.stderr)).contains("secret"));
}

#[tokio::test]
async fn an_unknown_word_is_a_usage_error_that_names_the_nearest() {
    let output = hookyard(&["serv"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("serve"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn help_fits_a_screen_and_begins_with_what_to_do() {
    let output = hookyard(&["--help"]).await;
    let help = text(&output.stdout);
    assert!(output.status.success() && help.lines().count() <= 45, "{help}");
    assert!(help.contains("hookyard demo"), "{help}");
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .arg("config")
        .current_dir(folder.path())
        .env("HOOKYARD_OPERATOR_KEY", "hy_canary_of_the_command_line_tests")
        .env("HOOKYARD_LISTEN", "127.0.0.1:1234")
        .output()
        .await
        .unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("127.0.0.1:1234") && shown.contains("HOOKYARD_LISTEN"), "{shown}");
    assert!(!shown.contains("hy_canary_of_the_command_line_tests"), "{shown}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_its_own_exit_code() {
    let output = hookyard(&["tenant", "list", "--url", "http://127.0.0.1:9"]).await;
    assert!(!output.status.success(), "{}", text(&output.stdout));
}
