//! A plan names whom it would let in: what opens, the systems that a nation's file lists, and
//! those that were refused lately.

use crate::handshake::{authority, endpoint, now, refusal, system};
use crate::support::Site;
use crate::trust::{audit, operate, patient_site, started};
use entente::pki::{Authority, AuthoritySpec};
use entente::wire::proto::WhoAmIRequest;
use jiff::SignedDuration;
use serde_json::Value;

const FILE: &str = "config/nations/GBR.toml";

/// Whom a plan would let in, as `system: reason`, where `-` is nobody by name.
#[track_caller]
fn admits(plan: &Value) -> Vec<String> {
    let all = plan["admits"].as_array().unwrap().iter();
    all.map(|one| {
        assert_eq!(one["nation"], "GBR", "{one}");
        let system = one["system"].as_str().unwrap_or("-");
        format!("{system}: {}", one["reason"].as_str().unwrap())
    })
    .collect()
}

#[track_caller]
fn planned(site: &Site) -> Value {
    let (code, plan, said) = operate(site, &["plan"]);
    assert_eq!(code, Some(0), "{said}");
    plan
}

#[track_caller]
fn says(all: &[String], start: &str, words: &str) {
    let is_it = |line: &&String| line.starts_with(start) && line.contains(words);
    assert!(
        all.iter().any(|line| is_it(&line)),
        "{start} {words}: {all:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_nation_is_named_with_its_systems_and_who_was_refused_lately() {
    let site = patient_site();
    let file = std::fs::read_to_string(site.path(FILE)).unwrap();
    site.edit(FILE, |text| {
        text.replace("[trust]\n", "[trust]\nblocked = [\"nation\"]\n")
    });
    let site = started(site);
    let issued = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    assert!(refusal(&site, &issued).await.contains("AccessDenied"));
    assert_eq!(admits(&planned(&site)), Vec::<String>::new());
    std::fs::write(site.path(FILE), &file).unwrap();
    let plan = planned(&site);
    let all = admits(&plan);
    says(&all, "-: the nation is resumed", "authority `");
    says(&all, "feed-desk: listed in the nation's file", "");
    says(&all, "unit-1: its certificate (serial ", "is suspended");
    assert_eq!(plan["admitted"], Value::from(all.len()));
    // People read the same, and what it cannot know.
    let operator = ["--as", "USA/ops-desk", "--server-name", "localhost"];
    let mut words = vec!["trust", "plan", "--gateway", &site.address];
    words.extend(operator);
    let shown = String::from_utf8(site.run(&words).stdout).unwrap();
    assert!(
        shown.contains("admit: GBR/unit-1: its certificate"),
        "{shown}"
    );
    assert!(shown.contains("it cannot know who else holds"), "{shown}");
    // What was planned is what happens, and it is written down.
    let (code, done, said) = operate(&site, &["apply", "--plan", plan["plan"].as_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(admits(&done), all);
    let written = audit(&site).pop().unwrap()["effect"]["admits"].clone();
    assert_eq!(written.as_array().unwrap().len(), all.len());
    let mut client = endpoint(&site, &issued).submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
    assert_eq!(admits(&planned(&site)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_nation_is_named_and_a_stranger_of_it_that_knocked() {
    let site = patient_site();
    let file = std::fs::read_to_string(site.path(FILE)).unwrap();
    std::fs::remove_file(site.path(FILE)).unwrap();
    let site = started(site);
    let issued = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    assert!(refusal(&site, &issued).await.contains("AccessDenied"));
    std::fs::write(site.path(FILE), file).unwrap();
    let all = admits(&planned(&site));
    says(&all, "-: the nation is enrolled", "every system");
    says(&all, "unit-1: its certificate", "and refused: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_authority_and_a_lifted_block_open_for_those_whom_they_concern() {
    let site = patient_site();
    let file = std::fs::read_to_string(site.path(FILE)).unwrap();
    site.edit(FILE, |text| {
        text.replace("[trust]\n", "[trust]\nblocked = [\"system:uav-cell-4\"]\n")
    });
    let site = started(site);
    std::fs::write(site.path(FILE), &file).unwrap();
    let all = admits(&planned(&site));
    assert_eq!(all, ["uav-cell-4: its block is lifted"]);
    // One that knocks with a certificate of an authority that is to come.
    let next = Authority::root(&AuthoritySpec::new("GBR successor", now(), 90)).unwrap();
    let folder = site.path("certs-dev/GBR");
    std::fs::write(folder.join("next.pem"), next.certificate_pem()).unwrap();
    let until = now() + SignedDuration::from_hours(24 * 30);
    let list = next.revocation_list(1, now(), until, &[]).unwrap();
    std::fs::write(folder.join("next.crl.pem"), list).unwrap();
    let issued = next.issue(&system("GBR")).unwrap();
    refusal(&site, &issued).await;
    site.edit(FILE, |text| {
        let with = |text: String, name: &str, further: &str| {
            let quoted = format!("{name}\"");
            let at = text.find(&quoted).unwrap() + quoted.len();
            format!(
                "{}, \"../../certs-dev/GBR/{further}\"{}",
                &text[..at],
                &text[at..]
            )
        };
        let text = with(text, "authority.pem", "next.pem");
        with(text, "authority.crl.pem", "next.crl.pem")
    });
    let all = admits(&planned(&site));
    says(
        &all,
        "-: every system with a sound certificate of authority `",
        "GBR successor",
    );
    says(&all, "unit-1: its certificate", "and refused: ");
    says(&all, "uav-cell-4: its block is lifted", "");
    assert!(
        !all.iter().any(|line| line.starts_with("feed-desk")),
        "{all:#?}"
    );
}
