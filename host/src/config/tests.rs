//! Sources in their order, and what each refuses.

use super::*;

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn flag(key: &'static str, values: &[&str]) -> Given {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Given { setting: setting::find(key).unwrap(), values, source: Source::Flag(key) }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn from_file(text: &str) -> Result<Loaded, ConfigError> {
    load(vec![], &[], Some(file(text).path()))
}

fn row(loaded: &Loaded, key: &str) -> (String, String) {
    let row = loaded.rows().into_iter().find(|row| row.key == key).unwrap();
    (row.value, row.source)
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = file("listen = '127.0.0.1:1'\nlog = 'warn'\n\nallow-port = [1, 2]\nretention-days = 7\n");
    let variables = environment(&[("HOOKYARD_LISTEN", "127.0.0.1:2"), ("HOOKYARD_ALLOW_PORT", "3, 4")]);
    let loaded = load(vec![flag("listen", &["127.0.0.1:3"])], &variables, Some(file.path())).unwrap();
    assert_eq!(row(&loaded, "listen"), ("127.0.0.1:3".into(), "--listen".into()));
    assert_eq!(row(&loaded, "allow-port"), ("3, 4".into(), "HOOKYARD_ALLOW_PORT".into()));
    assert_eq!(row(&loaded, "log"), ("warn".into(), format!("{}:2", file.path().display())));
    assert_eq!(row(&loaded, "data"), ("./hookyard-data".into(), "default".into()));
    assert_eq!(loaded.config.retention_days, Some(7));
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    let error = from_file("# ours\nlog = 'info'\nadmin_listen = '127.0.0.1:1'\n").unwrap_err().to_string();
    assert!(error.ends_with(":3: there is no key `admin_listen`; did you mean `admin-listen`?"), "{error}");
    let error = from_file("[server]\nport = 1\n").unwrap_err().to_string();
    assert!(error.ends_with(":1: there is no key `server`"), "{error}");
    let error = from_file("log = 'a'\nlog =").unwrap_err().to_string();
    assert!(error.contains(":2: "), "{error}");
}

#[test]
fn an_unknown_variable_is_warned_about_and_the_commands_own_are_not() {
    let variables = environment(&[("HOOKYARD_LISEN", "x"), ("HOOKYARD_URL", "x"), ("PATH", "x"), ("HOOKYARD_LOG", "")]);
    let loaded = load(vec![], &variables, None).unwrap();
    let expected = "the variable HOOKYARD_LISEN means nothing to Hookyard; did you mean HOOKYARD_LISTEN?";
    assert_eq!(loaded.warnings, [expected]);
    assert_eq!(loaded.config.log, "info");
}

#[test]
fn a_value_that_cannot_be_names_source_key_and_what_was_expected() {
    for (key, value) in [
        ("listen", "8080"),
        ("admin-listen", "localhost:1"),
        ("database", "mysql://a/b"),
        ("public-url", "hooks.example.com"),
        ("public-url", "https://u@h/"),
        ("allow-http", "yes"),
        ("allow-private-network", "10.0.0.1"),
        ("allow-port", "0"),
        ("provider-host", "graph.facebook.com"),
        ("log", "hookyard=loud"),
        ("log-format", "xml"),
        ("sandbox-threads", "0"),
        ("shutdown-timeout", "30s"),
        ("retention-days", "0"),
    ] {
        let setting = setting::find(key).unwrap();
        let error = load(vec![], &environment(&[(&setting.variable(), value)]), None).unwrap_err().to_string();
        let expected =
            format!("could not read `{key}` from {}: `{value}` is not {}", setting.variable(), setting.expected);
        assert_eq!(error, expected);
    }
}

#[test]
fn a_secret_is_shown_nowhere() {
    let operator = "hy_0123456789abcdefghijklmnop";
    let variables = environment(&[
        ("HOOKYARD_OPERATOR_KEY", operator),
        ("HOOKYARD_MASTER_KEY", &"07".repeat(32)),
        ("HOOKYARD_DATABASE", "postgres://me:hunter2@db.example/hooks?sslpassword=hunter3"),
    ]);
    let loaded = load(vec![], &variables, None).unwrap();
    assert_eq!(row(&loaded, "operator-key").0, "[set]");
    assert_eq!(row(&loaded, "master-key").0, "[set]");
    assert_eq!(row(&loaded, "database").0, "postgres://me:[set]@db.example/hooks?[set]");
    let shown = format!("{:?} {loaded:?}", loaded.rows());
    for secret in [operator, "0707", "hunter2", "hunter3"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let error = load(vec![], &environment(&[("HOOKYARD_MASTER_KEY", "hunter2")]), None).unwrap_err().to_string();
    assert!(!error.contains("hunter2") && error.contains("32 bytes"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_with_a_secret_that_others_may_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = file("operator-key = 'hy_0123456789abcdefghijklmnop'\n");
    assert_eq!(load(vec![], &[], Some(file.path())).unwrap().warnings, Vec::<String>::new());
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = load(vec![], &[], Some(file.path())).unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("chmod 600")), "{warnings:?}");
}

#[test]
fn forever_and_booleans_read_from_a_file() {
    let loaded = from_file("retention-days = 'forever'\nallow-http = true\nprovider-host = 'a.b=http://127.0.0.1:1'\n");
    let config = loaded.unwrap().config;
    assert_eq!((config.retention_days, config.allow_http, config.provider_host.len()), (None, true, 1));
}

#[test]
fn a_missing_file_that_was_asked_for_is_an_error() {
    let error = load(vec![], &[], Some(Path::new("/nowhere/hookyard.toml"))).unwrap_err();
    assert!(matches!(error, ConfigError::File { .. }));
}

#[test]
fn the_public_url_follows_the_listener_unless_the_operator_says_it() {
    let bound = SocketAddr::from(([0, 0, 0, 0], 4000));
    assert_eq!(Config::default().public_url(bound), "http://127.0.0.1:4000");
    let variables = environment(&[("HOOKYARD_PUBLIC_URL", "https://hooks.example.com/")]);
    assert_eq!(load(vec![], &variables, None).unwrap().config.public_url(bound), "https://hooks.example.com");
}
