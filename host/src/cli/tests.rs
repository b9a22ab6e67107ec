//! What is typed, and what helps whoever typed it.

use super::*;

fn read(arguments: &[&str]) -> Result<Cli, clap::Error> {
    parse(std::iter::once("hookyard").chain(arguments.iter().copied()).map(OsString::from))
}

/// Every command that does something, by its words.
fn leaves(command: &Command, words: &[String], found: &mut Vec<Vec<String>>) {
    for sub in command.get_subcommands() {
        let words = [words, &[sub.get_name().to_owned()]].concat();
        if sub.has_subcommands() {
            leaves(sub, &words, found);
        } else {
            found.push(words);
        }
    }
}

/// What `--help` prints.
fn help(words: &[String]) -> String {
    let arguments = std::iter::once("hookyard").chain(words.iter().map(String::as_str)).chain(["--help"]);
    command().term_width(100).try_get_matches_from(arguments).unwrap_err().to_string()
}

#[test]
fn the_declaration_is_sound() {
    command().debug_assert();
}

#[test]
fn the_overview_fits_a_screen_names_every_command_and_begins_with_examples() {
    assert!(OVERVIEW.lines().count() <= 40);
    assert!(OVERVIEW.lines().all(|line| line.chars().count() <= 110));
    let listed: Vec<_> = OVERVIEW.lines().skip_while(|line| !line.starts_with("Run")).collect();
    let mut commands = Vec::new();
    leaves(&command(), &[], &mut commands);
    for words in commands {
        assert!(listed.join(" ").contains(&words.join(" ")), "{words:?}");
    }
}

#[test]
fn every_commands_help_fits_a_screen_and_begins_with_examples() {
    let mut commands = Vec::new();
    leaves(&command(), &[], &mut commands);
    assert!(commands.len() >= 10);
    for words in commands {
        let (name, help) = (format!("hookyard {}", words.join(" ")), help(&words));
        assert!(help.lines().count() <= 40, "{name} has {} lines\n{help}", help.lines().count());
        let examples = help.find("Examples:").unwrap_or(usize::MAX);
        assert!(examples < help.find("Usage:").unwrap(), "{name}\n{help}");
        assert!(help.matches(&name).count() >= 3, "{name} shows two examples of itself\n{help}");
    }
}

#[test]
fn an_unknown_command_or_flag_suggests_the_nearest() {
    let error = read(&["serv"]).unwrap_err().to_string();
    assert!(error.contains("'serve'"), "{error}");
    let error = read(&["serve", "--lisen", "x"]).unwrap_err().to_string();
    assert!(error.contains("'--listen'"), "{error}");
    assert!(read(&["plugin", "chek"]).unwrap_err().to_string().contains("'check'"));
}

#[test]
fn commands_read_as_documented() {
    for line in [
        "",
        "serve --listen 127.0.0.1:0 --data d --database postgres://a@b/c --public-url https://h --allow-http",
        "serve --allow-private-network 10.0.0.0/8 --allow-private-network ::1/128 --allow-port 1",
        "serve --provider-host graph.facebook.com=http://127.0.0.1:9000 --config f.toml --log info --log-format json",
        "demo --once --port 0",
        "plugin new acme --world provider --dir x --sdk y",
        "plugin new acme --world flow --lang ts",
        "plugin new acme --world destination --lang python",
        "plugin dev x --once --no-push",
        "flow create router --name n --stage before --trigger a --trigger b --provider p --filter {} --settings @f",
        "flow create router --host a.example --credential key --on-failure hold --tenant ten_1",
        "flow list --limit 5 --cursor c --json",
        "flow show router --json",
        "flow pause router",
        "flow resume flow_1",
        "flow delete router",
        "flow activate router 4",
        "flow rollback router",
        "flow test router --event e.json --version 2 --json",
        "flow test router --logged evt_1",
        "flow test --component x.wasm --event e.json --settings {}",
        "flow runs router --status failed --event evt_1 --limit 5",
        "flow run run_1 --json",
        "flow retry run_1",
        "flow replay run_1 --component new.wasm --save f.json",
        "flow replay --journal f.json --component new.wasm --json",
        "flow compare router --version 4 --runs 20 --json",
        "event publish deal.won --data - --id x",
        "plugin build x --json",
        "plugin check x.wasm --fixtures f",
        "plugin push x.wasm --tenant ten_1 --no-activate --url http://h",
        "plugin rollback plg_1",
        "tenant create acme",
        "tenant list --limit 5 --cursor c --json",
        "key create --tenant ten_1 --name n --scope manage,read --scope publish",
        "verify --style standard --secret s --header a:b -H c:d --at 1 -",
        "config --json",
        "openapi",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(read(&words).is_ok(), "{line}");
    }
}

#[test]
fn secrets_have_no_flag() {
    assert!(read(&["serve", "--operator-key", "x"]).is_err());
    assert!(read(&["serve", "--master-key", "x"]).is_err());
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    for line in [
        "flow test",
        "flow test router",
        "flow test router --component x.wasm --event e.json",
        "flow test --component x.wasm --logged evt_1",
        "flow test router --event e.json --logged evt_1",
        "flow replay",
        "flow replay --journal f.json",
        "flow create router --stage later",
        "plugin new a --world sink",
        "plugin new a --lang go",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(read(&words).is_err(), "{line}");
    }
}
