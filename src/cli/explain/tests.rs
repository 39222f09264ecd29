use super::*;
use crate::config;
use crate::identity::{Identity, NationCode};
use crate::normalise::{Context, normalise};
use crate::wire::{self, json};

/// A report as a nation writes it, and its page on a screen of this size.
fn explained(nation: &str, line: &str, width: usize, height: Option<usize>) -> String {
    let code = NationCode::parse(nation).unwrap();
    let profile = config::load_shipped(code).unwrap().profile;
    let identity = Identity::parse(&format!("{nation}/desk")).unwrap();
    let context = Context {
        identity: &identity,
        profile: &profile,
        received_at: "2026-01-09T12:00:00Z".parse().unwrap(),
        original_sha256: [0; 32],
        original_media_type: "application/json".into(),
    };
    let bytes = json::report_from_json(line.as_bytes()).unwrap();
    let report = wire::decode_report(&bytes).unwrap();
    let page = Page::new(width, height, false);
    match normalise(report.clone(), &context) {
        Ok(made) => record(&report, &made, &page),
        Err(violations) => refused(&report.report_id, &violations, &page),
    }
}

const SPOTREP: &str = r#"{"reportId":"GBR-000017","revision":1,"action":"ACTION_NEW",
 "environment":"ENVIRONMENT_LIVE","sighting":{"origin":"ORIGIN_OWN_OBSERVATION",
 "observedFrom":{"text":"061830ZJAN26"},"means":[{"text":"heard"}],
 "location":{"text":"37UDP1072918760","referenceSystem":"MGRS"},
 "observations":[{"type":{"text":"explosion"},"count":{"text":"about 5"},
 "countBasis":"COUNT_BASIS_INDIVIDUAL","phase":{"text":"outgoing"},
 "weapon":{"text":"MLRS (BM-21 Grad, 122mm)"}}],
 "confidence":{"sourceReliability":"B","credibility":"2"}},
 "marking":{"text":"OFFICIAL-SENSITIVE","releasableTo":["USA","GBR","UKR"]}}"#;

const UKRAINIAN: &str = r#"{"reportId":"UKR-1","revision":1,"action":"ACTION_NEW",
 "environment":"ENVIRONMENT_LIVE","sighting":{"origin":"ORIGIN_OWN_OBSERVATION",
 "observedFrom":{"text":"06.01.2026 20:30"},"means":[{"text":"чули"}],
 "location":{"text":"СК-42 Х=5320990 У=7410809"},
 "observations":[{"type":{"text":"постріл"},"count":{"text":"3 од."},
 "countBasis":"COUNT_BASIS_ITEM","weapon":{"text":"катапульта"}}]},
 "marking":{"text":"ДСК","releasableTo":["USA"]}}"#;

/// The line of a page that begins with this label.
fn line<'p>(page: &'p str, label: &str) -> &'p str {
    let found = page.lines().find(|line| line.starts_with(label));
    found.unwrap_or_else(|| panic!("no line {label} in\n{page}"))
}

#[test]
fn the_original_stands_beside_the_record() {
    let page = explained("GBR", SPOTREP, 100, None);
    for (label, given, became) in [
        ("marking", "OFFICIAL-SENSITIVE", "→ RESTRICTED (GBR)"),
        ("released to", "USA GBR UKR", "→ GBR UKR USA"),
        (
            "observed from",
            "061830ZJAN26",
            "→ 2026-01-06T18:30:00Z ±60 s",
        ),
        ("location", "37UDP1072918760 MGRS", "within 0.71 m"),
        ("what ", "explosion", "→ EXPLOSION"),
        ("count ", "about 5", "→ 5 ABOUT"),
        (
            "weapon",
            "MLRS (BM-21 Grad, 122mm)",
            "→ MLRS 15111600 BM-21 Grad 122 mm",
        ),
        ("confidence", "B2", "→ B2 derived 70 %"),
    ] {
        let line = line(&page, label);
        assert!(line.contains(given) && line.contains(became), "{line}");
    }
    assert!(page.lines().next().unwrap().ends_with("ACCEPTED, 1 doubt"));
    // Each rule with its version and source, and the doubt with its sign.
    assert!(page.contains("time.dtg 1: "), "{page}");
    assert!(page.contains("position.mgrs 1: ") && page.contains("(domain.md 3.2)"));
    assert!(page.contains("  1 ! marking.unverified 1: RESTRICTED (GBR): "));
    assert!(line(&page, "marking").ends_with("!1"));
}

#[test]
fn a_page_fits_its_screen() {
    for (width, height) in [(80, 23), (100, 30), (120, 39)] {
        for (nation, report) in [("GBR", SPOTREP), ("UKR", UKRAINIAN)] {
            let page = explained(nation, report, width, Some(height));
            assert!(page.lines().count() <= height, "{height}\n{page}");
            for line in page.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn on_a_low_screen_only_doubts_are_whole() {
    let page = explained("UKR", UKRAINIAN, 80, Some(20));
    assert!(
        page.contains("! vocabulary.ambiguous 1: SHOT; may be SHOT or EXPLOSION: a"),
        "{page}"
    );
    assert!(
        page.contains("! vocabulary.unknown 1: kept as text"),
        "{page}"
    );
    assert!(
        page.contains("time.local 1, ") || page.contains("time."),
        "{page}"
    );
    assert!(!page.contains("a word to its code"), "{page}");
}

#[test]
fn a_refusal_says_each_reason_and_how_to_mend_it() {
    let refused = SPOTREP
        .replace("OFFICIAL-SENSITIVE", "SECRETO")
        .replace("37UDP", "07UDP");
    let page = explained("GBR", &refused, 80, None);
    let head = page.lines().next().unwrap();
    assert!(head.starts_with("GBR-000017") && head.ends_with("REFUSED, 2 reasons"));
    assert!(page.contains("marking.unknown 1"));
    assert!(page.contains("`SECRETO` is no marking of GBR; it is a marking of ESP"));
    assert!(page.contains("position.outside_area 1, domain.md 3.2"));
    assert!(page.contains("  expected  latitude 43.18"));
}

#[test]
fn a_strangers_text_cannot_act_on_the_terminal() {
    let hostile = SPOTREP.replace("about 5", "about 5\\u001b[2J\\u202e");
    let page = explained("GBR", &hostile, 100, None);
    assert!(
        !page.contains('\u{1b}') && !page.contains('\u{202e}'),
        "{page}"
    );
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let rows = [Row {
        label: "count".to_owned(),
        field: "count".to_owned(),
        given: "about 5".to_owned(),
        became: "5 ABOUT".to_owned(),
    }];
    let notes = [Note {
        doubt: true,
        rule: "quantity.count 1".to_owned(),
        text: "a count".to_owned(),
        source: "here",
    }];
    let marks = [vec![0]];
    let plain = Page::new(80, None, false).accepted("GBR", "ACCEPTED", &rows, &marks, &notes);
    let coloured = Page::new(80, None, true).accepted("GBR", "ACCEPTED", &rows, &marks, &notes);
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, behind)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = behind.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(bare, plain);
    assert!(coloured.contains("\u{1b}[33m"), "a doubt has a colour");
}
