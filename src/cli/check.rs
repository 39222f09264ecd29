//! `entente check`: every problem and warning of a configuration at once, and what is in force.

use super::{Failure, Output, fail, line};
use crate::clock::SystemClock;
use crate::config::{self, Examined, Fact, Problem};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Checks a configuration: lists every problem and warning with file, line and key, down to
/// what the certificate files hold.
///
/// Exit codes: 0 it can be used, 1 it has problems.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Configuration of the gateway; the nations' files lie beside it.
    #[arg(long, default_value = "config/gateway.toml")]
    config: PathBuf,
    /// Sets one key, over file and environment: `--set listener.address=127.0.0.1:0`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Also prints every key with the value in force and where it comes from.
    #[arg(long)]
    effective: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Check) -> Result<(), Failure> {
    let mut found = config::examine(&arguments.config, config::environment(), &arguments.set);
    if let Some(loaded) = &found.loaded {
        let clock = SystemClock::default();
        let (problems, warnings) = config::examine_trust(loaded, &arguments.config, &clock);
        found.problems.extend(problems);
        found.warnings.extend(warnings);
    }
    match arguments.output {
        Output::Json => line(&as_json(&found, arguments.effective)),
        Output::Readable => print(&found, arguments),
    }
    match found.problems.len() {
        0 => Ok(()),
        count => Err(fail(format!("the configuration has {count} problem(s)"))),
    }
}

/// Reads `key=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or("expected KEY=VALUE, such as listener.address=127.0.0.1:0")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn print(found: &Examined, arguments: &Check) {
    if arguments.effective {
        print_effective(&found.facts);
    }
    let each = |word: &str, list: &[Problem]| {
        for problem in list {
            line(&format!("{word}: {problem}"));
        }
    };
    each("problem", &found.problems);
    each("warning", &found.warnings);
    if let (Some(loaded), true) = (&found.loaded, found.problems.is_empty()) {
        let codes: Vec<_> = loaded
            .nations
            .iter()
            .map(|n| n.nation.code.as_str())
            .collect();
        line(&format!(
            "{}: can be used; {} nations ({}), {} warning(s)",
            arguments.config.display(),
            codes.len(),
            codes.join(", "),
            found.warnings.len()
        ));
    }
}

fn print_effective(facts: &[Fact]) {
    let mut file = None;
    for fact in facts {
        if file.replace(&fact.file) != Some(&fact.file) {
            line(&format!("# {}", fact.file.display()));
        }
        line(&format!("{} = {}  # {}", fact.key, fact.value, fact.origin));
    }
    line("");
}

fn as_json(found: &Examined, effective: bool) -> String {
    let nations: Vec<_> = found
        .loaded
        .iter()
        .flat_map(|loaded| &loaded.nations)
        .map(|file| file.nation.code.as_str())
        .collect();
    let mut answer = json!({
        "usable": found.problems.is_empty(),
        "problems": found.problems,
        "warnings": found.warnings,
        "nations": nations,
    });
    if effective && let Some(object) = answer.as_object_mut() {
        object.insert("effective".to_owned(), json!(found.facts));
    }
    answer.to_string()
}
