//! The demonstration and the measurements, run as a person runs them: the real program, real
//! mutual TLS, real files; what they print and how they end.

use std::path::PathBuf;
use std::process::{Command, Output};

fn entente(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_entente"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder that does not exist yet, below the one for temporary files.
fn new_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    folder
}

#[test]
fn the_demonstration_loses_nothing_and_doubles_nothing() {
    let output = entente(&["demo", "--reports", "600", "--seed", "7"]);
    let shown = text(&output.stdout);
    let last = shown.lines().last().unwrap_or_default();
    let numbers: Vec<u64> = last
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [sent, receipted, refused, fed, missing, doubled] = numbers[..] else {
        panic!("not the account: {last}\n{}", text(&output.stderr));
    };
    let form = format!(
        "demo: {sent} sent, {receipted} receipted, {refused} refused, {fed} in the feed, \
         {missing} missing, {doubled} doubled"
    );
    assert_eq!(last, form);
    assert_eq!((sent, missing, doubled), (600, 0, 0), "{shown}");
    assert_eq!(receipted, fed);
    assert_eq!(receipted + refused, sent);
    assert!(refused > 0, "some reports are wrong on purpose");
    assert!(output.status.success(), "{shown}");
    for nation in ["GBR/", "FRA/", "DEU/", "POL/", "UKR/", "USA/"] {
        assert!(shown.contains(nation), "{nation} is not shown");
    }
    assert!(shown.contains("kept out"), "strangers are shown");
}

#[test]
fn the_demonstration_keeps_its_folder_when_asked_and_never_takes_a_used_one() {
    let folder = new_folder("kept-demo");
    let path = folder.to_str().expect("a readable path");
    let arguments = ["demo", "--reports", "10", "--keep", path];
    let first = entente(&arguments);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(folder.join("config/gateway.toml").exists());
    assert!(folder.join("certs-dev/GBR/uav-cell-4.key").exists());
    let second = entente(&arguments);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("is not empty"));
}

#[test]
fn the_ingest_measurement_gives_one_object_with_the_ratio() {
    let measure = |more: &[&str]| {
        let mut arguments = vec!["bench", "ingest", "--rounds", "1", "--output", "json"];
        arguments.extend(more);
        let output = entente(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("one object")
    };
    for more in [
        &["--reports", "4000", "--systems", "2"][..],
        &["--reports", "300", "--unary", "--random-ids"][..],
    ] {
        let result = measure(more);
        let ratio = result["ratio"].as_f64().expect("a ratio");
        assert!(ratio > 0.0 && ratio.is_finite(), "{result}");
        for side in ["null", "gateway"] {
            assert!(
                result[side]["reports_per_s"].as_f64() > Some(0.0),
                "{result}"
            );
            assert!(
                result[side]["server_memory_peak_bytes"].as_u64() > Some(0),
                "{result}"
            );
        }
    }
}

/// The others, small: what they promise is in the object, and is a measurement.
#[test]
fn the_measurements_of_readers_and_engines_give_one_object() {
    // Where `tests/run` has put the NATS server.
    let servers = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(servers).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).expect("a path");
    let measure = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_entente"))
            .args(["bench", "--output", "json"])
            .args(arguments)
            .env("PATH", &path)
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("one object")
    };
    let readers = [
        "readers",
        "--subscribers",
        "20",
        "--records",
        "5",
        "--rate",
        "100",
    ];
    let catchup = ["catchup", "--records", "2000", "--rounds", "1"];
    let engine = ["engine", "--reports", "2000", "--rounds", "1"];
    for (arguments, figures) in [
        (
            &readers[..],
            &["/delivery_p99_ms", "/memory_per_subscriber_bytes"][..],
        ),
        (&catchup[..], &["/records_per_s", "/ratio_cold"][..]),
        (
            &engine[..],
            &[
                "/ratio_to_direct",
                "/ratio_of_two_gateways",
                "/one_gateway/gateways_cpu_us_per_report",
            ][..],
        ),
    ] {
        let result = measure(arguments);
        for figure in figures {
            let number = result.pointer(figure).and_then(serde_json::Value::as_f64);
            assert!(
                number.is_some_and(|n| n >= 0.0 && n.is_finite()),
                "{result}"
            );
        }
    }
}
