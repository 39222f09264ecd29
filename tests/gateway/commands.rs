//! The partner's commands against the real gateway: submit, tail, normalise.

use super::support::Site;
use serde_json::Value;
use std::process::Output;

/// The example of the design.
const EXAMPLE: &str = r#"{"reportId":"GBR-000017","revision":1,"action":"ACTION_NEW","environment":"ENVIRONMENT_LIVE","sighting":{"origin":"ORIGIN_OWN_OBSERVATION","observedFrom":{"text":"061830ZJAN26"},"means":[{"text":"heard"}],"location":{"text":"37UDP1072918760","referenceSystem":"MGRS"},"observations":[{"type":{"text":"explosion"},"count":{"text":"about 5"},"countBasis":"COUNT_BASIS_INDIVIDUAL","phase":{"text":"outgoing"},"weapon":{"text":"MLRS (BM-21 Grad, 122mm)"}}],"confidence":{"sourceReliability":"B","credibility":"2"}},"marking":{"text":"OFFICIAL-SENSITIVE","releasableTo":["USA","GBR","UKR"]}}"#;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn run(site: &Site, arguments: &[&str]) -> (i32, Output) {
    let output = site.run(arguments);
    (output.status.code().unwrap(), output)
}

#[test]
fn outcomes_come_in_the_order_of_the_lines_and_a_bad_line_stops_nothing() {
    let site = Site::started("");
    let second = EXAMPLE.replace("GBR-000017", "GBR-000018");
    let wrong = EXAMPLE.replace("37UDP1072918760", "31UDQ4825111932");
    let lines = [EXAMPLE, "{\"reportIdd\":1}", "", &wrong, "no JSON", &second].join("\n");
    std::fs::write(site.path("reports.ndjson"), lines).unwrap();
    let submit = [
        "submit",
        "--as",
        "GBR/uav-cell-4",
        "--gateway",
        &site.address,
        "--output",
        "json",
        "reports.ndjson",
    ];
    let (code, output) = run(&site, &submit);
    assert_eq!(code, 3, "{}", text(&output.stderr));
    let outcomes = objects(&output);
    let seen: Vec<_> = outcomes
        .iter()
        .map(|o| {
            (
                o["line"].as_u64().unwrap(),
                o["disposition"].as_str().unwrap(),
            )
        })
        .collect();
    let (accepted, rejected) = ("DISPOSITION_ACCEPTED", "DISPOSITION_REJECTED");
    assert_eq!(
        seen,
        [
            (1, accepted),
            (2, rejected),
            (4, rejected),
            (5, rejected),
            (6, accepted)
        ]
    );
    assert_eq!(outcomes[1]["violations"][0]["rule"], "json.unknown_field");
    assert_eq!(outcomes[2]["violations"][0]["field"], "sighting.location");
    // Again: nothing is doubled.
    let (_, output) = run(&site, &submit);
    assert_eq!(objects(&output)[0]["disposition"], "DISPOSITION_DUPLICATE");
    assert_eq!(objects(&output)[0]["receipt"]["position"], "1");

    let tail = [
        "tail",
        "--as",
        "USA/feed-desk",
        "--gateway",
        &site.address,
        "--until-now",
    ];
    let (code, output) = run(&site, &[&tail[..], &["--output", "json"]].concat());
    assert_eq!(code, 0, "{}", text(&output.stderr));
    let entries = objects(&output);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["record"]["reportId"], "GBR-000018");
    let latitude = &entries[0]["record"]["sighting"]["location"]["latitudeDeg"];
    assert!((latitude.as_f64().unwrap() - 48.0159).abs() < 1e-4);
    let (_, output) = run(&site, &[&tail[..], &["--from", "2"]].concat());
    let line = text(&output.stdout);
    assert_eq!(line.lines().count(), 1);
    assert!(
        line.contains("GBR/uav-cell-4") && line.contains("GBR-000018"),
        "{line}"
    );
    let (_, output) = run(&site, &[&tail[..], &["--kind", "contribution"]].concat());
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_fault_of_the_json_hides_no_other_fault_of_the_line() {
    let site = Site::started("");
    let wrong = EXAMPLE
        .replace("\"environment\"", "\"enviroment\"")
        .replace("37UDP1072918760", "31UDQ4825111932")
        .replace("061830ZJAN26", "061860ZJAN26");
    std::fs::write(site.path("reports.ndjson"), wrong).unwrap();
    let alone = ["normalise", "--nation", "GBR", "--received-at"];
    let alone = [&alone[..], &["2026-01-07T00:00:00Z", "reports.ndjson"]].concat();
    let submit = ["submit", "--as", "GBR/uav-cell-4", "--gateway"];
    let submit = [&submit[..], &[&site.address, "--output", "json"]].concat();
    let submit = [&submit[..], &["reports.ndjson"]].concat();
    let validate = [&submit[..], &["--validate-only"]].concat();
    for command in [alone, submit, validate] {
        let (code, output) = run(&site, &command);
        assert_eq!(code, 3, "{}", text(&output.stderr));
        let answer = objects(&output).remove(0);
        let violations = answer["violations"].as_array().unwrap();
        let said = |field: &str| {
            let found = violations.iter().find(|v| v["field"] == field);
            found.unwrap_or_else(|| panic!("{field} in {violations:#?}"))
        };
        let misspelt = said("enviroment");
        assert_eq!(misspelt["rule"], "json.unknown_field");
        let expected = misspelt["expected"].as_str().unwrap();
        assert!(
            expected.starts_with("did you mean `environment`?"),
            "{expected}"
        );
        said("sighting.location");
        said("sighting.observed_from");
        // That there is no environment follows from the misspelling.
        assert_eq!(violations.len(), 3, "{violations:#?}");
        if command[0] == "submit" {
            assert_eq!(answer["reportId"], "GBR-000017");
        }
    }
    let tail = ["tail", "--as", "USA/feed-desk", "--gateway"];
    let tail = [&tail[..], &[&site.address, "--until-now"]].concat();
    let (_, output) = run(&site, &tail);
    assert_eq!(text(&output.stdout), "", "what is judged is not stored");
}

#[test]
fn whoever_may_not_is_told_why_and_at_once() {
    let site = Site::started("");
    std::fs::write(site.path("reports.ndjson"), EXAMPLE).unwrap();
    let made = site.run(&["certs", "init", "--dir", "strangers"]);
    assert!(made.status.success());
    let told = |arguments: &[&str]| {
        let (code, output) = run(&site, &[arguments, &["reports.ndjson"]].concat());
        assert_eq!(text(&output.stdout), "");
        (code, text(&output.stderr))
    };
    let address = site.address.as_str();
    let gbr = ["submit", "--as", "GBR/uav-cell-4", "--gateway", address];
    let (code, words) = told(&["submit", "--as", "USA/feed-desk", "--gateway", address]);
    assert!(
        code == 1 && words.contains("without the right to submit"),
        "{words}"
    );
    let (code, words) = told(&[
        "submit",
        "--as",
        "GBR/uav-cell-4",
        "--gateway",
        "127.0.0.1:1",
    ]);
    assert!(
        code == 1 && words.contains("is the gateway running"),
        "{words}"
    );
    let (code, words) = told(&[&gbr[..], &["--server-name", "other.example"]].concat());
    assert!(code == 1 && words.contains("other.example"), "{words}");
    let (code, words) = told(&["submit", "--as", "GBR/nobody", "--gateway", address]);
    assert!(code == 1 && words.contains("nobody.pem"), "{words}");
    let (code, words) = told(&["submit", "--as", "GBR", "--gateway", address]);
    assert!(
        code == 2 && words.contains("expected NATION/system"),
        "{words}"
    );
    let strange = [
        "--cert",
        "strangers/GBR/uav-cell-4.pem",
        "--key",
        "strangers/GBR/uav-cell-4.key",
    ];
    let (code, words) = told(&[&gbr[..], &strange[..]].concat());
    assert!(
        code == 1 && words.contains("the gateway refused this certificate"),
        "{words}"
    );
}

#[test]
fn a_client_file_names_gateway_and_files() {
    let site = Site::started("");
    std::fs::write(site.path("reports.ndjson"), EXAMPLE).unwrap();
    let file = format!(
        "gateway = \"{}\"\nserver_name = \"localhost\"\ncert = \"certs-dev/GBR/uav-cell-4.pem\"\n\
         key = \"certs-dev/GBR/uav-cell-4.key\"\nca = \"certs-dev/gateway/authority.pem\"\n",
        site.address
    );
    std::fs::write(site.path("client.toml"), &file).unwrap();
    let submit = [
        "submit",
        "--client",
        "client.toml",
        "--validate-only",
        "reports.ndjson",
    ];
    let (code, output) = run(&site, &submit);
    assert_eq!(code, 0, "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "line 1: valid: GBR-000017 revision 1\n0 accepted, 1 valid, 0 refused\n"
    );
    std::fs::write(site.path("client.toml"), file + "colour = \"blue\"\n").unwrap();
    let (code, output) = run(&site, &submit);
    assert_eq!(code, 1);
    assert!(text(&output.stderr).contains("colour"));
}

#[test]
fn the_normaliser_alone_answers_each_line_with_or_without_a_configuration() {
    let site = Site::new("");
    let lines = [EXAMPLE, "{\"sighting\":{\"means\":\"heard\"}}"].join("\n");
    std::fs::write(site.path("reports.ndjson"), lines).unwrap();
    let bare = [
        "normalise",
        "--received-at",
        "2026-01-07T00:00:00Z",
        "--nation",
    ];
    let nowhere = site.path("elsewhere");
    std::fs::create_dir(&nowhere).unwrap();
    for folder in [site.path(""), nowhere] {
        let output = std::process::Command::new(super::support::ENTENTE)
            .current_dir(folder)
            .args(bare)
            .arg("GBR")
            .arg(site.path("reports.ndjson"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let answers = objects(&output);
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0]["record"]["nation"], "GBR");
        assert!(answers[0]["record"].get("trace").is_none());
        let rules: Vec<_> = answers[0]["trace"].as_array().unwrap().iter().collect();
        assert!(rules.iter().any(|entry| entry["rule"] == "position.mgrs"));
        assert_eq!(answers[1]["violations"][0]["field"], "sighting.means");
    }
    let (code, output) = run(&site, &[&bare[..], &["ABC", "reports.ndjson"]].concat());
    assert_eq!(code, 1);
    assert!(
        text(&output.stderr).contains("ABC.toml"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn parts_that_have_more_than_their_whole_are_named_beside_the_answers() {
    let site = Site::new("");
    let unit = |id: &str, parent: &str, deployed: u32| {
        format!(
            r#"{{"reportId":"{id}","revision":1,"action":"ACTION_NEW","environment":"ENVIRONMENT_LIVE","contribution":{{"asOf":{{"text":"061830ZJAN26"}},"contributionId":"{id}","parentContributionId":"{parent}","kind":{{"text":"unit"}},"stage":{{"text":"deployed"}},"operationalStatus":{{"text":"FMC"}},"validFrom":"2026-01-01","personnel":[{{"category":"PERSONNEL_CATEGORY_CONTINGENT_TROOP","deployed":{deployed}}}]}},"marking":{{"text":"OFFICIAL-SENSITIVE"}}}}"#
        )
    };
    let lines = [
        unit("A", "BN", 300),
        unit("BN", "", 500),
        unit("B", "BN", 201),
    ];
    std::fs::write(site.path("reports.ndjson"), lines.join("\n")).unwrap();
    let given = ["normalise", "--nation", "GBR", "--received-at"];
    let given = [&given[..], &["2026-01-07T00:00:00Z", "reports.ndjson"]].concat();
    let (code, output) = run(&site, &given);
    // A doubt, no refusal: each report is good by itself.
    assert_eq!(code, 0, "{}", text(&output.stdout));
    assert_eq!(objects(&output).len(), 3);
    assert_eq!(
        text(&output.stderr),
        "entente: BN: its parts (A, B) have together 501 CONTINGENT_TROOP deployed, it has 500 \
         (contribution.unit_totals)\n"
    );
}

#[test]
fn the_normaliser_explains_itself_and_gives_a_label() {
    let site = Site::new("");
    let lines = [EXAMPLE, "{\"reportId\":\"GBR-2\"}"].join("\n");
    std::fs::write(site.path("reports.ndjson"), lines).unwrap();
    let given = ["normalise", "--nation", "GBR", "--received-at"];
    let given = [&given[..], &["2026-01-07T00:00:00Z", "reports.ndjson"]].concat();
    let (code, output) = run(&site, &[&given[..], &["--explain"]].concat());
    assert_eq!(code, 3, "the second line is refused");
    let page = text(&output.stdout);
    let place = page.lines().find(|line| line.starts_with("location"));
    let place = place.unwrap_or_else(|| panic!("no location in\n{page}"));
    assert!(place.contains("37UDP1072918760") && place.contains("48.015898"));
    assert!(page.contains("position.mgrs 1: ") && page.contains("REFUSED, "));
    assert!(!page.contains('\u{1b}'), "no colours where nobody watches");
    let (_, output) = run(&site, &[&given[..], &["--label"]].concat());
    let answers = objects(&output);
    let label = answers[0]["label"].as_str().unwrap();
    assert!(label.contains("<slab:PolicyIdentifier>GBR</slab:PolicyIdentifier>"));
    assert!(answers[1].get("label").is_none());
    let (code, output) = run(&site, &["normalise", "--rules"]);
    assert_eq!(code, 0);
    assert!(text(&output.stdout).contains("| `position.mgrs` | 1 |"));
}

#[test]
fn folders_of_data_that_others_may_enter_are_refused_by_check_and_by_serve() {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let site = Site::new("");
    std::fs::create_dir(site.path("data")).unwrap();
    let check = || site.run(&["check", "--config", "config/gateway.toml"]);
    for name in ["journal", "quarantine", "trust"] {
        let folder = site.path(&format!("data/{name}"));
        std::fs::DirBuilder::new()
            .mode(0o755)
            .create(&folder)
            .unwrap();
        let found = check();
        assert!(!found.status.success(), "{name}");
        let said = String::from_utf8(found.stdout).unwrap();
        assert!(said.contains(&format!("{name}.folder")), "{said}");
        assert!(
            said.contains("mode 0755") && said.contains("chmod 700"),
            "{said}"
        );
        let serve = site.run(&["serve", "--config", "config/gateway.toml"]);
        assert!(!serve.status.success(), "{name}");
        let said = String::from_utf8_lossy(&serve.stderr).into_owned();
        assert!(said.contains("chmod 700"), "{said}");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(check().status.success(), "{name}");
    }
}
