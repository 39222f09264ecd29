//! The walks of `docs/CERTIFICATES.md`, by hand as they stand there, against the real gateway.
//! Only `systemctl` is played by the test: it restarts or signals the gateway of the site.

use super::site::Site;
use entente::clock::{Clock as _, SystemClock};
use std::process::Command;
use std::time::Duration;

/// Longer than the gateway takes for a list that was put in place.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shell blocks under a heading, in their order.
fn blocks(document: &str, heading: &str) -> Vec<String> {
    let (_, part) = document
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no heading `{heading}`"));
    let part = part.split("\n## ").next().unwrap();
    let blocks = part.split("\n```sh\n").skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// Runs lines of a block in the site; what they printed, if they fail.
fn run(site: &Site, lines: &str) -> Result<(), String> {
    let bin = std::path::Path::new(super::support::ENTENTE)
        .parent()
        .unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", lines])
        .current_dir(site.path(""))
        .env("PATH", path)
        .env("GATEWAY", &site.address)
        .env("DIAGNOSIS", &site.diagnosis)
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!(
        "{lines}\n---\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    ))
}

/// Plays one block. After a reload, what only looks is tried again until it comes true.
fn play(site: &mut Site, block: &str, is_reloaded: &mut bool) {
    let clock = SystemClock::default();
    let mut rest = block;
    loop {
        let at = rest.find("systemctl ");
        let (now, after) = rest.split_at(at.unwrap_or(rest.len()));
        let ends = clock.monotonic() + PATIENCE;
        while let Err(told) = run(site, now) {
            // A renewal that the gateway refuses leaves nothing behind either.
            let looks = !now.contains("certs ") || now.contains("--over-the-wire");
            let may_repeat = *is_reloaded && looks;
            assert!(may_repeat && clock.monotonic() < ends, "{told}");
        }
        let Some((command, left)) = after
            .split_once('\n')
            .or_else(|| (!after.is_empty()).then_some((after, "")))
        else {
            return;
        };
        *is_reloaded = command == "systemctl reload entente";
        match command {
            "systemctl restart entente" => {
                site.stop();
                site.start(&[]);
            }
            "systemctl reload entente" => site.signal(rustix::process::Signal::HUP),
            other => panic!("the walk has `{other}`"),
        }
        rest = left;
    }
}

#[test]
fn the_walks_of_the_manual_work_as_written() {
    let manual = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CERTIFICATES.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let mut is_reloaded = false;
    let mut site = Site::started("[diagnosis]\naddress = \"127.0.0.1:0\"\nper_minute_max = 1000\n");
    for (heading, commands) in [
        (
            "Walk 1: enrol a nation",
            ["certs init", "certs sign", "doctor"],
        ),
        (
            "Walk 2: rotate a system",
            ["certs list", "certs renew", "--over-the-wire"],
        ),
        (
            "Walk 3: rotate a root",
            ["certs init", "certs renew", "! entente doctor"],
        ),
        (
            "Walk 4: answer a compromise",
            ["certs revoke", "reload", "certs csr"],
        ),
    ] {
        let blocks = blocks(&manual, heading);
        let whole = blocks.join("\n");
        for command in commands {
            assert!(whole.contains(command), "`{heading}` lacks {command}");
        }
        for block in blocks {
            play(&mut site, &block, &mut is_reloaded);
        }
    }
    assert!(site.stop().success());
}
