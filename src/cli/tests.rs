//! What can be typed, and that help shows how.

use std::ffi::OsString;

use clap::CommandFactory;

use super::*;
use crate::settings::VARIABLES;

fn parsed(line: &str) -> Cli {
    try_parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn try_parsed(line: &str) -> Result<Cli, clap::Error> {
    parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_exit_codes_in_its_help() {
    fn check(mut command: clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let help = command.render_long_help().to_string();
        assert!(help.contains("EXAMPLES:") && help.contains("EXIT CODES:"), "{path} has no examples");
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            check(inner.clone(), &path);
        }
    }
    let mut command = Cli::command();
    command.build();
    check(command, "");
}

#[test]
fn every_example_of_this_program_can_be_typed() {
    let commands = examples_in_help(Cli::command());
    assert!(commands.len() > 30, "{commands:?}");
    for words in commands {
        let words: Vec<_> = words.into_iter().map(OsString::from).collect();
        if let Err(error) = parse(&words) {
            assert!(!error.use_stderr(), "{words:?}: {error}");
        }
    }
}

fn examples_in_help(command: clap::Command) -> Vec<Vec<String>> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let calls = help.lines().filter_map(|line| Some(&line[line.find("ringhold ")?..])).map(words);
    let mut all: Vec<_> = calls.collect();
    for inner in command.get_subcommands() {
        all.extend(examples_in_help(inner.clone()));
    }
    all
}

/// As a shell would split it, up to a comment, pipe or redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    let end = words.iter().position(|word| matches!(word.as_str(), "#" | "|" | "||" | "&&" | ">"));
    words.truncate(end.unwrap_or(words.len()));
    words
}

#[test]
fn nothing_at_all_means_dev() {
    assert!(parsed("ringhold").command.is_none());
}

#[test]
fn flags_without_a_command_are_those_of_dev() {
    let Some(Command::Dev(flags)) = parsed("ringhold --nodes 5 --port 9000").command else { panic!("not dev") };
    assert_eq!(flags.given["RINGHOLD_DEV_NODES"], "5");
    assert_eq!(flags.given["PORT"], "9000");
}

#[test]
fn a_wrong_flag_of_a_command_is_not_taken_for_one_of_dev() {
    let error = try_parsed("ringhold get a --nodes 5").unwrap_err().to_string();
    assert!(error.contains("--nodes") && !error.contains("dev"), "{error}");
}

#[test]
fn every_variable_is_a_flag_of_some_role() {
    let roles = [("dev", "dev"), ("node", "node"), ("router", "router")];
    for variable in VARIABLES {
        let role = roles.iter().find(|(_, name)| variable.roles.iter().any(|role| role.to_string() == *name)).unwrap();
        let line = format!("ringhold {} --{} 1", role.0, variable.flag);
        let given = match parsed(&line).command {
            Some(Command::Dev(flags)) => flags.given,
            Some(Command::Node(flags)) => flags.given,
            Some(Command::Router(flags)) => flags.given,
            other => panic!("{other:?}"),
        };
        assert_eq!(given.into_iter().collect::<Vec<_>>(), [(variable.name, "1".to_owned())], "{line}");
    }
}

#[test]
fn a_boolean_flag_alone_means_true() {
    let Some(Command::Dev(flags)) = parsed("ringhold dev --cache-auth-enabled --port 1").command else { panic!() };
    assert_eq!(flags.given["CACHE_AUTH_ENABLED"], "true");
    let Some(Command::Dev(flags)) = parsed("ringhold dev --cache-metrics-enabled false").command else { panic!() };
    assert_eq!(flags.given["CACHE_METRICS_ENABLED"], "false");
}

#[test]
fn a_negative_value_reaches_the_check_that_names_it() {
    let Some(Command::Dev(flags)) = parsed("ringhold dev --cache-max-items -1").command else { panic!() };
    assert_eq!(flags.given["CACHE_MAX_ITEMS"], "-1");
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    for line in ["ringhold --url http://a:1/ -n shop -o json get k", "ringhold get k --url http://a:1 -n shop -o json"]
    {
        let global = parsed(line).global;
        assert_eq!((global.url.as_str(), global.namespace.as_deref()), ("http://a:1", Some("shop")));
        assert_eq!(global.output, Output::Json);
    }
}

#[test]
fn a_wrong_url_or_namespace_is_refused_with_a_hint() {
    for (line, hint) in [
        ("ringhold --url localhost get k", "http://localhost:8000"),
        ("ringhold --url https://a?b get k", "no query"),
        ("ringhold --url ftp://a get k", "http://localhost:8000"),
        ("ringhold -n a/b get k", "1 to 64 letters"),
        ("ringhold cluster config set max_items", "name=value"),
        ("ringhold cluster plan --weight 4", "node=weight"),
        ("ringhold cluster plan --weight 4=much", "node=weight"),
        ("ringhold cluster weight 4 much", "or default"),
        ("ringhold cluster status --watch --every 0", "from 0.1 to 3600"),
        ("ringhold cluster drain 3 --wait --cancel", "cannot be used with"),
        ("ringhold cluster drain node-3", "invalid digit"),
    ] {
        let error = try_parsed(line).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn clearing_everything_must_be_said() {
    assert!(try_parsed("ringhold clear").is_err());
    assert!(try_parsed("ringhold clear --all").is_ok());
    assert!(try_parsed("ringhold clear a --all").is_err());
}

#[test]
fn a_value_may_be_negative() {
    let Some(Command::Set(set)) = parsed("ringhold set k -5 --ttl 3").command else { panic!("not set") };
    assert_eq!((set.value.as_deref(), set.ttl), (Some("-5"), Some(3)));
    let Some(Command::Set(set)) = parsed("ringhold set k --string -- -x").command else { panic!("not set") };
    assert_eq!((set.value.as_deref(), set.string), (Some("-x"), true));
}
