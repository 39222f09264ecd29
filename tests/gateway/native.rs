//! Files of native payloads through the real command and the real gateway: split, judged,
//! stored, superseded, and kept out of the live feed where they are no reality.

use super::support::Site;
use serde_json::Value;
use std::process::Output;

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn event(uid: &str, second: u32, more: &str) -> String {
    format!(
        "<event version='2.0' uid='{uid}' type='a-h-G-E-W-O' how='h-e' {more} \
         time='2026-01-06T18:31:{second:02}Z' start='2026-01-06T18:30:00Z' \
         stale='2026-01-06T19:30:00Z'><point lat='48.0159' lon='37.8029' hae='9999999.0' \
         ce='9999999.0' le='9999999.0'/></event>\n"
    )
}

fn submit(site: &Site, media_type: &str, file: &str, more: &[&str]) -> (i32, Vec<Value>) {
    let submit = [
        "submit",
        "--as",
        "GBR/uav-cell-4",
        "--gateway",
        &site.address,
        "--output",
        "json",
        "--media-type",
        media_type,
        "--marking",
        "OFFICIAL-SENSITIVE",
        "--releasable-to",
        "USA",
    ];
    let output = site.run(&[&submit[..], more, &[file]].concat());
    (output.status.code().unwrap(), objects(&output))
}

fn dispositions(outcomes: &[Value]) -> Vec<&str> {
    outcomes
        .iter()
        .map(|outcome| {
            let text = outcome["disposition"].as_str().unwrap();
            text.trim_start_matches("DISPOSITION_")
        })
        .collect()
}

fn feed(site: &Site, more: &[&str]) -> Vec<Value> {
    let tail = [
        "tail",
        "--as",
        "USA/feed-desk",
        "--gateway",
        &site.address,
        "--until-now",
        "--output",
        "json",
    ];
    objects(&site.run(&[&tail[..], more].concat()))
}

#[test]
fn a_stream_of_events_is_stored_as_a_chain_and_exercises_stay_out_of_the_live_feed() {
    let site = Site::started("");
    let stream = [
        event("m-1", 10, "opex='o'"),
        event("m-2", 10, "opex='e-TEST'"),
        event("m-1", 20, "opex='o'"),
        // Comes late.
        event("m-1", 5, "opex='o'"),
        event("m-3", 10, "opex='o'").replace("a-h-G-E-W-O", "t-k-d"),
        event("m-1", 10, "opex='o'"),
    ];
    std::fs::write(site.path("events.xml"), stream.concat()).unwrap();
    let (code, outcomes) = submit(&site, "application/x-cot+xml", "events.xml", &[]);
    assert_eq!(code, 3);
    assert_eq!(
        dispositions(&outcomes),
        [
            "ACCEPTED",
            "ACCEPTED",
            "ACCEPTED",
            "SUPERSEDED",
            "REJECTED",
            "DUPLICATE"
        ]
    );
    assert_eq!(outcomes[2]["receipt"]["supersedesPosition"], "1");
    assert_eq!(outcomes[4]["violations"][0]["rule"], "formats.cot_tasking");
    let live = feed(&site, &[]);
    let ids: Vec<_> = live
        .iter()
        .map(|e| e["record"]["reportId"].as_str())
        .collect();
    assert!(!ids.contains(&Some("m-2")), "{ids:?}");
    assert!(ids.contains(&Some("m-1")), "{ids:?}");
}

#[test]
fn a_table_is_submitted_row_by_row_and_again_without_doubling() {
    let site = Site::started("");
    let table = "SMM position;Event location;Means;No.;Observation;Description;Weapon;Date, time\n\
        Avdiivka (48.1394, 37.7472);2-3km NE;Recorded;4;Explosion;Undetermined;N/K;06-Jan-2026, 20:41\n\
        Avdiivka (48.1394, 37.7472);far away;Saw;1;Shot;Outgoing;-;06-Jan-2026, 20:42\n\
        Avdiivka (48.1394, 37.7472);1km N;Saw;1;Shot;Outgoing;-;06-Jan-2026, 20:43\n";
    std::fs::write(site.path("table.csv"), table).unwrap();
    let more = ["--report-id", "SMM-6", "--environment", "live"];
    let (code, outcomes) = submit(&site, "text/x-osce-csv", "table.csv", &more);
    assert_eq!(code, 3);
    assert_eq!(
        dispositions(&outcomes),
        ["ACCEPTED", "REJECTED", "ACCEPTED"]
    );
    assert_eq!(outcomes[2]["reportId"], "SMM-6-3");
    let (_, outcomes) = submit(&site, "text/x-osce-csv", "table.csv", &more);
    assert_eq!(
        dispositions(&outcomes),
        ["DUPLICATE", "REJECTED", "DUPLICATE"]
    );
    assert_eq!(feed(&site, &[]).len(), 2);
    // Without a gateway, the same answers.
    let normalise = [
        "normalise",
        "--nation",
        "GBR",
        "--media-type",
        "text/x-osce-csv",
        "--report-id",
        "SMM-6",
        "--environment",
        "live",
        "--marking",
        "OFFICIAL-SENSITIVE",
        "--received-at",
        "2026-01-09T12:00:00Z",
        "table.csv",
    ];
    let output = site.run(&normalise);
    assert_eq!(output.status.code(), Some(3));
    let answers = objects(&output);
    assert_eq!(answers[0]["record"]["reportId"], "SMM-6-1");
    assert!(answers[1]["violations"].is_array());
    assert_eq!(answers[2]["record"]["originalMediaType"], "text/x-osce-csv");
    // A file that is no table at all is one refusal.
    std::fs::write(site.path("table.csv"), "a,b\n1,2\n").unwrap();
    let output = site.run(&normalise);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        objects(&output)[0]["violations"][0]["rule"],
        "formats.osce_header"
    );
}
