//! Plans and nations as people and machines read them.

use crate::cli::foreign::harmless;
use crate::wire::proto::{AnchorState, AnchorStatus, FaultyFile, NationStatus, TrustPlan};
use comfy_table::{Table, presets::NOTHING};
use jiff::Timestamp;
use serde_json::json;
use std::fmt::Write as _;

/// Most cuts that are shown to a person; the number of all of them is always said.
const CUTS_SHOWN_MAX: usize = 40;

/// Most admissions that are shown to a person.
const ADMISSIONS_SHOWN_MAX: usize = 40;
/// What no plan can say.
const UNKNOWABLE: &str = "systems are named as far as the nation's file lists them or the gateway \
    refused them lately; it cannot know who else holds such a certificate";

/// A plan for people; `verb` is `would` before and `did` after.
pub(super) fn plan(plan: &TrustPlan, verb: &str) -> String {
    let mut text = String::new();
    let mut say = |line: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", harmless(line));
    };
    for fault in &plan.faults {
        say(&format!("fault: {fault}"));
    }
    if !plan.faults.is_empty() {
        say("it would be refused, and nothing would change");
        return text.trim_end().to_owned();
    }
    for warning in &plan.warnings {
        say(&format!("warning: {warning}"));
    }
    if plan.changes.is_empty() {
        say("nothing is different");
    }
    for change in &plan.changes {
        let nation = match change.nation.as_str() {
            "" => "gateway",
            nation => nation,
        };
        say(&format!("{nation}: {}", change.what));
    }
    for cut in plan.cuts.iter().take(CUTS_SHOWN_MAX) {
        say(&format!(
            "cut: connection {} of {}/{} from {}: {}",
            cut.number, cut.nation, cut.system, cut.address, cut.reason
        ));
    }
    for one in plan.admissions.iter().take(ADMISSIONS_SHOWN_MAX) {
        let who = match one.system.as_str() {
            "" => one.nation.clone(),
            system => format!("{}/{system}", one.nation),
        };
        say(&format!("admit: {who}: {}", one.reason));
    }
    if !plan.admissions.is_empty() {
        let more = plan.admissions.len().saturating_sub(ADMISSIONS_SHOWN_MAX);
        if more > 0 {
            say(&format!("admit: {more} more; `--output json` lists them"));
        }
        say(UNKNOWABLE);
    }
    let (cut, kept) = (plan.cut_count, plan.kept_count);
    let ends = match verb {
        "would" => format!("{cut} live connections would end, {kept} would stay"),
        _ => format!("{cut} live connections were ended, {kept} stay"),
    };
    say(&ends);
    if verb == "would" && !plan.plan_id.is_empty() {
        say(&format!("plan {}", plan.plan_id));
    }
    text.trim_end().to_owned()
}

/// A plan for machines: one line.
pub(super) fn plan_json(plan: &TrustPlan) -> String {
    let changes = plan.changes.iter();
    let cuts = plan.cuts.iter().map(|cut| {
        json!({
            "connection": cut.number, "nation": cut.nation, "system": cut.system,
            "address": cut.address, "serial": cut.certificate_serial, "reason": cut.reason,
        })
    });
    let admits = plan.admissions.iter().map(|one| {
        let system = (!one.system.is_empty()).then_some(&one.system);
        json!({ "nation": one.nation, "system": system, "reason": one.reason })
    });
    json!({
        "plan": plan.plan_id,
        "epoch": plan.epoch,
        "changes": changes
            .map(|c| json!({ "nation": c.nation, "what": c.what }))
            .collect::<Vec<_>>(),
        "cuts": cuts.collect::<Vec<_>>(),
        "cut": plan.cut_count,
        "kept": plan.kept_count,
        "admits": admits.collect::<Vec<_>>(),
        "admitted": plan.admission_count,
        "faults": plan.faults,
        "warnings": plan.warnings,
    })
    .to_string()
}

/// Every nation, for people.
pub(super) fn nations(nations: &[NationStatus], files: &[FaultyFile]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header([
        "NATION",
        "LIVE",
        "AUTHORITY",
        "KEY",
        "STATE",
        "UNTIL",
        "LIST",
        "LIST DUE",
    ]);
    let mut blocks = String::new();
    let mut faults = String::new();
    for file in files {
        let name = match file.name.as_str() {
            "" => "the gateway's own file is faulty, and not read until it is mended".to_owned(),
            name => format!(
                "{}: its file is faulty, and it is not admitted",
                harmless(name)
            ),
        };
        say_faults(&name, &file.faults, &mut faults);
    }
    for nation in nations {
        let code = harmless(&nation.nation);
        let name = if nation.anchors.is_empty() {
            format!("{code}: its files are faulty, and it is not admitted")
        } else {
            format!("{code}: its files are faulty; what it had before is in force")
        };
        say_faults(&name, &nation.faults, &mut faults);
        let mut first = (nation.nation.clone(), nation.connections.to_string());
        for anchor in &nation.anchors {
            table.add_row([
                std::mem::take(&mut first.0),
                std::mem::take(&mut first.1),
                harmless(&anchor.subject).into_owned(),
                anchor.spki_sha256.chars().take(16).collect(),
                state(anchor),
                day(anchor.retiring_until.or(anchor.not_after)),
                anchor.revocation_list_number.clone(),
                day(anchor.revocation_list_next_update),
            ]);
        }
        if nation.suspended {
            let _ = write!(blocks, "\n{} is suspended", nation.nation);
        }
        for what in nation.blocked.iter().filter(|what| *what != "nation") {
            let _ = write!(blocks, "\n{}: blocked: {}", nation.nation, harmless(what));
        }
    }
    format!("{}{blocks}{faults}", table.trim_fmt())
}

/// What is faulty of a nation, under a line that says what that means.
fn say_faults(name: &str, faults: &[String], text: &mut String) {
    if faults.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "\nFAULTY {name}:");
    for fault in faults {
        let _ = write!(text, "\n  {}", harmless(fault));
    }
}

/// A faulty file of no nation that is known, for machines: one line.
pub(super) fn faulty_file_json(file: &FaultyFile) -> String {
    json!({ "file": file.name, "faults": file.faults }).to_string()
}

fn state(anchor: &AnchorStatus) -> String {
    match anchor.state() {
        AnchorState::Published => "published",
        AnchorState::Active | AnchorState::Unspecified => "active",
        AnchorState::Retiring => "retiring",
        AnchorState::Withdrawn => "withdrawn",
    }
    .to_owned()
}

fn moment(at: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    Timestamp::from_second(at?.seconds).ok()
}

fn day(at: Option<prost_types::Timestamp>) -> String {
    moment(at).map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// A nation for machines: one line.
pub(super) fn nation_json(nation: &NationStatus) -> String {
    let written = |at| moment(at).map(|at| at.to_string());
    let anchors = nation.anchors.iter().map(|anchor| {
        json!({
            "subject": anchor.subject,
            "key": anchor.spki_sha256,
            "state": state(anchor),
            "notBefore": written(anchor.not_before),
            "notAfter": written(anchor.not_after),
            "retiringUntil": written(anchor.retiring_until),
            "listNumber": anchor.revocation_list_number,
            "listMade": written(anchor.revocation_list_this_update),
            "listDue": written(anchor.revocation_list_next_update),
        })
    });
    json!({
        "nation": nation.nation,
        "trustDomain": nation.trust_domain,
        "connections": nation.connections,
        "suspended": nation.suspended,
        "blocked": nation.blocked,
        "faults": nation.faults,
        "anchors": anchors.collect::<Vec<_>>(),
    })
    .to_string()
}
