//! Colours are for terminals: a pseudo-terminal gets them, a pipe and whoever sets NO_COLOR do not.

use super::support::{Bench, ENTENTE};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

const ESCAPE: char = '\u{1b}';

fn list(bench: &Bench, no_colour: Option<&str>) -> Command {
    let mut command = Command::new(ENTENTE);
    command.current_dir(bench.path("."));
    command.args(["certs", "list", "."]).stdin(Stdio::null());
    command.env_remove("NO_COLOR");
    if let Some(value) = no_colour {
        command.env("NO_COLOR", value);
    }
    command
}

/// What a command writes to a terminal.
fn on_a_terminal(mut command: Command) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let screen = File::options().write(true).open(name.to_str().unwrap());
    let mut child = command.stdout(screen.unwrap()).spawn().unwrap();
    // It holds the screen open, and the end of the text is seen only once nobody does.
    drop(command);
    let mut text = Vec::new();
    let ended = File::from(terminal).read_to_end(&mut text);
    // Linux says EIO where the last writer of a terminal is gone.
    assert!(ended.is_ok() || ended.unwrap_err().raw_os_error() == Some(5));
    assert!(child.wait().unwrap().success());
    String::from_utf8(text).unwrap().replace("\r\n", "\n")
}

/// A text without what steers a terminal.
fn plain(text: &str) -> String {
    let mut parts = text.split(ESCAPE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let (_steering, rest) = part.split_once('m').unwrap();
        all + rest
    })
}

#[test]
fn certs_list_is_coloured_on_a_terminal_and_nowhere_else() {
    let bench = Bench::gbr();
    for (name, lived, left) in [("soon", 70, 20), ("urgent", 85, 5), ("long", 0, 90)] {
        bench.aged(name, lived, left);
    }
    let piped = list(&bench, None).output().unwrap();
    let piped = String::from_utf8(piped.stdout).unwrap();
    assert!(piped.contains("ends soon") && piped.contains("ends within a week"));
    assert!(!piped.contains(ESCAPE), "{piped:?}");
    let seen = on_a_terminal(list(&bench, None));
    let colour_of = |word: &str| {
        let line = seen.lines().find(|line| line.contains(word)).unwrap();
        let (_, colour) = line
            .split_once(ESCAPE)
            .unwrap_or_else(|| panic!("{line:?}"));
        colour.split_once('m').unwrap().0.to_owned()
    };
    let colours = [
        colour_of("ends soon"),
        colour_of("ends within a week"),
        colour_of("long.pem"),
    ];
    assert!(
        colours
            .iter()
            .all(|c| colours.iter().filter(|o| *o == c).count() == 1),
        "{colours:?}"
    );
    // The words are the same, and say by themselves what the colours say.
    assert_eq!(plain(&seen), piped);
    assert_eq!(on_a_terminal(list(&bench, Some("1"))), piped);
    // An empty NO_COLOR is none (no-color.org).
    assert_eq!(on_a_terminal(list(&bench, Some(""))), seen);
    // A machine's form has none either.
    let mut json = list(&bench, None);
    json.args(["--output", "json"]);
    assert!(!on_a_terminal(json).contains(ESCAPE));
}
