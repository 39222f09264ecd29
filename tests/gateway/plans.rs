//! What a plan covers besides trust itself: every part of a nation's file has its say in the
//! plan's id, in what it shows, and in the audit log.

use crate::handshake::{authority, system};
use crate::support::Site;
use crate::trust::{audit, operate, patient_site, started, stream};
use serde_json::Value;

/// A plan's id, and what it says of GBR.
#[track_caller]
fn plan(site: &Site) -> (String, String) {
    let (code, plan, said) = operate(site, &["plan"]);
    assert_eq!(code, Some(0), "{said}");
    let changes = plan["changes"].as_array().unwrap().iter();
    let of_gbr = changes.filter(|change| change["nation"] == "GBR");
    let what: Vec<_> = of_gbr.map(|c| c["what"].as_str().unwrap()).collect();
    (plan["plan"].as_str().unwrap().to_owned(), what.join("\n"))
}

#[track_caller]
fn applied(site: &Site, plan: &str) {
    let (code, _, said) = operate(site, &["apply", "--plan", plan]);
    assert_eq!(code, Some(0), "{said}");
}

/// What the audit log says last.
fn last_change(site: &Site) -> String {
    let all = audit(site);
    let mut changes = all.iter().rev().filter(|l| l["outcome"] == "applied");
    changes.next().map(Value::to_string).unwrap_or_default()
}

fn gbr(site: &Site, change: impl FnOnce(String) -> String) {
    site.edit("config/nations/GBR.toml", change);
}

#[test]
fn renewal_has_its_say_in_a_plan_and_in_the_audit_log() {
    let site = started(patient_site());
    let (nothing, what) = plan(&site);
    assert_eq!(what, "");
    let with = |text: String, lines: &str| format!("{text}\n[renewal]\n{lines}");
    let off = std::fs::read_to_string(site.path("config/nations/GBR.toml")).unwrap();
    gbr(&site, |text| {
        with(text, "command = [\"/opt/sign\", \"--token=s3cret\"]")
    });
    let (first, what) = plan(&site);
    assert_ne!(first, nothing);
    assert_eq!(
        what,
        "renewal over the wire is turned on: the command /opt/sign (1 arguments)"
    );
    // Whoever looked at that plan does not get another signer applied.
    let (folder, days) = (
        "danger_issuing_folder = \"../../certs-dev/GBR\"",
        "\ndays = 7",
    );
    gbr(&site, |_| with(off.clone(), &format!("{folder}{days}")));
    let (second, _) = plan(&site);
    assert_ne!(second, first);
    let (code, _, said) = operate(&site, &["apply", "--plan", &first]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("plan again"), "{said}");
    applied(&site, &second);
    let last = last_change(&site);
    assert!(
        last.contains("renewal over the wire is turned on: the gateway signs"),
        "{last}"
    );
    // Each part of it counts.
    gbr(&site, |_| {
        with(off.clone(), &format!("{folder}\ndays = 30"))
    });
    let (third, what) = plan(&site);
    assert_eq!(
        what,
        "renewal over the wire: validity 7 days becomes 30 days"
    );
    gbr(&site, |_| {
        with(
            off.clone(),
            &format!("{folder}\ndays = 30\nper_day_max = 2"),
        )
    });
    let (fourth, what) = plan(&site);
    assert!(
        what.ends_with("30 days; attempts a day 8 becomes 2"),
        "{what}"
    );
    assert_ne!(third, fourth);
    applied(&site, &fourth);
    gbr(&site, |_| off.clone());
    let (fifth, what) = plan(&site);
    assert_eq!(what, "renewal over the wire is turned off");
    applied(&site, &fifth);
    assert!(last_change(&site).contains(&what), "{}", last_change(&site));
}

#[test]
fn the_arguments_of_a_signer_count_and_are_not_shown() {
    let site = started(patient_site());
    let command = |token: &str| format!("\n[renewal]\ncommand = [\"/opt/sign\", \"{token}\"]\n");
    gbr(&site, |text| text + &command("--token=one"));
    let (first, _) = plan(&site);
    applied(&site, &first);
    gbr(&site, |text| text.replace("--token=one", "--token=two"));
    let (second, what) = plan(&site);
    assert_ne!(first, second);
    assert_eq!(
        what,
        "renewal over the wire: the command has other arguments"
    );
    applied(&site, &second);
    let audit = std::fs::read_to_string(site.path("data/trust/audit.jsonl")).unwrap();
    assert!(!audit.contains("--token"), "{audit}");
}

#[test]
fn notation_counts_and_a_comment_does_not() {
    let site = started(patient_site());
    let (nothing, _) = plan(&site);
    gbr(&site, |text| format!("# reviewed\n{text}"));
    let (same, what) = plan(&site);
    assert_eq!(same, nothing);
    assert_eq!(what, "its file was written; nothing in it is different");
    gbr(&site, |text| {
        assert!(text.contains("[notation]"), "{text}");
        text.replace("[notation]\n", "[notation]\ndecimal_comma = true\n")
    });
    let (other, what) = plan(&site);
    assert_ne!(other, nothing);
    assert_eq!(what, "its notation is different");
}

#[test]
fn the_rules_that_all_nations_share_and_limits_count() {
    let site = started(patient_site());
    let (nothing, _) = plan(&site);
    gbr(&site, |text| {
        format!("{text}\n[limits]\nconnections_max = 7\n")
    });
    let (limited, what) = plan(&site);
    assert_ne!(limited, nothing);
    assert!(
        what.starts_with("limits.connections_max ") && what.ends_with(" becomes 7"),
        "{what}"
    );
    site.edit("config/gateway.toml", |text| {
        format!("{text}\n[normalise]\nage_days_max = 12\n")
    });
    let (other, _) = plan(&site);
    assert_ne!(other, limited);
    // Whoever looked at the first does not get the second applied.
    let (code, _, said) = operate(&site, &["apply", "--plan", &limited]);
    assert_eq!(code, Some(1), "{said}");
    applied(&site, &other);
    let words = "the rules that all nations share ([normalise]) are different";
    assert!(last_change(&site).contains(words), "{}", last_change(&site));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_what_a_nations_file_would_do_that_is_not_in_place() {
    let site = started(patient_site());
    let issued = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let _live = stream(&site, &issued, "r-1").await;
    let shipped = std::fs::read_to_string(site.path("config/nations/GBR.toml")).unwrap();
    std::fs::create_dir(site.path("trial")).unwrap();
    // Without its anchor: whoever is in by it would be cut.
    let astray = shipped.replace("certs-dev/GBR/authority", "certs-dev/GBR/absent");
    let renamed = shipped.replace("United Kingdom", "Great Britain");
    assert!(astray != shipped && renamed != shipped);
    std::fs::write(site.path("trial/GBR.toml"), &renamed).unwrap();
    let plan = ["plan", "--nation-file", "trial/GBR.toml"];
    let (code, found, said) = operate(&site, &plan);
    assert_eq!(
        (code, &found["cut"]),
        (Some(0), &serde_json::json!(0)),
        "{said}"
    );
    // Faulty in two places: both are told, with file and key.
    let faulty = astray.replace("clearance = \"SECRET\"", "clearance = \"SECRETO\"");
    std::fs::write(site.path("trial/GBR.toml"), faulty).unwrap();
    let (code, _, said) = operate(&site, &plan);
    assert_eq!(code, Some(1), "{said}");
    for words in ["nations/GBR.toml", "clearance", "absent.pem"] {
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    // A new nation with a limit, whose authority is in place.
    let own = std::fs::read_to_string(site.path("config/nations/POL.toml")).unwrap();
    std::fs::write(site.path("trial/POL-2.toml"), own).unwrap();
    let (code, _, said) = operate(&site, &["plan", "--nation-file", "trial/POL-2.toml"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("POL.toml has this nation already"), "{said}");
    std::fs::rename(
        site.path("config/nations/POL.toml"),
        site.path("trial/POL.toml"),
    )
    .unwrap();
    let (code, _, said) = operate(&site, &["apply", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, found, said) = operate(&site, &["plan", "--nation-file", "trial/POL.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(found.to_string().contains("POL"), "{said}");
    assert!(
        !site.path("config/nations/POL.toml").exists(),
        "a plan puts nothing in place"
    );
    // Not a name of a file there.
    std::fs::write(site.path("trial/POL.txt"), "").unwrap();
    let (code, _, said) = operate(&site, &["plan", "--nation-file", "trial/POL.txt"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ends in `.toml`"), "{said}");
}
