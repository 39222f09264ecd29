//! A marking that a nation gives as a STANAG 4774 label: its row by policy and classification,
//! and its release list. A list in the report may narrow the label, never widen it.

use super::{Marked, Row, country, known, label, release};
use crate::identity::NationCode;
use crate::normalise::Profile;
use crate::normalise::notes::{Notes, Rule, quoted};
use crate::normalise::phrase::fold;

static LABEL: Rule = Rule::new(
    "marking.label",
    "a marking may be a STANAG 4774 confidentiality label",
    "domain.md 5.3; ADatP-4774 Ed A V1",
);
static POLICY: Rule = Rule::new(
    "marking.label_policy",
    "the policy of a label is the nation's own, or one that its file names",
    "domain.md 5.3; the nation's file",
);
static IMPLIED: Rule = Rule::new(
    "marking.label_members",
    "a label of the NATO policy that names no member releases to all members",
    "domain.md 5.3; NATO's SPIF",
);
static NARROWER: Rule = Rule::new(
    "marking.label_release",
    "a release list in the report may be narrower than the label's, never wider",
    "domain.md 5.3",
);

/// What a label says; what is wrong with it is said.
pub(super) fn found<'p>(
    xml: &str,
    releasable_to: Vec<String>,
    nation: NationCode,
    profile: &'p Profile,
    notes: &mut Notes,
) -> Marked<'static, 'p> {
    let mut label = match label::read(xml) {
        Ok(label) => label,
        Err(reason) => {
            let message = format!("this is no label: {reason}");
            let expected = "originatorConfidentialityLabel of STANAG 4774, or a marking in words";
            notes.violate("text", &LABEL, message, expected);
            return Marked::default();
        }
    };
    let head = format!("{} {}", label.policy, label.classification);
    let by_label = std::mem::take(&mut label.releasable_to);
    Marked {
        row: row(&label, nation, profile, notes),
        release: released(&label.policy, by_label, releasable_to, profile, notes),
        special: label.special,
        head: head.into(),
    }
}

/// The row (policy, classification). `SECRET` and `NATO SECRET` are one under the NATO policy.
fn row<'p>(
    label: &label::Label,
    nation: NationCode,
    profile: &'p Profile,
    notes: &mut Notes,
) -> Option<&'p Row> {
    let name = label.policy.trim().to_ascii_uppercase();
    let (policy, prefixes): (&str, &[&str]) = match name.as_str() {
        "NATO" => ("NATO", &["", "nato ", "cosmic "]),
        "EU" => ("EU", &["", "eu "]),
        name if country::alpha3_of(name) == Some(nation.as_str()) => (nation.as_str(), &[""]),
        _ => {
            let message = format!("{} is no policy of {nation}", quoted(&label.policy));
            let expected = format!("{nation}, or NATO or EU where the nation's file names them");
            notes.violate("text", &POLICY, message, expected);
            return None;
        }
    };
    let classification = fold(&label.classification);
    let mut rows = prefixes
        .iter()
        .filter_map(|prefix| profile.marking_row(&format!("{prefix}{classification}")));
    let row = rows.find(|row| row.policy == policy);
    if row.is_none() {
        let message = format!(
            "{} is no classification of the policy {policy} that {nation} uses",
            quoted(&label.classification)
        );
        notes.violate("text", &super::UNKNOWN, message, known(profile));
    }
    row
}

/// What the label releases to, or the narrower list of the report.
fn released(
    policy: &str,
    by_label: Vec<String>,
    releasable_to: Vec<String>,
    profile: &Profile,
    notes: &mut Notes,
) -> release::Release {
    let mut by_label = notes.within("text", |notes| release::list(by_label, profile, notes));
    if policy.trim().eq_ignore_ascii_case("NATO")
        && let Some(members) = profile.rules().groups.get("NATO")
        && !by_label
            .nations
            .iter()
            .any(|nation| members.nations.contains(nation))
    {
        let output = format!("{} members as of {}", members.nations.len(), members.as_of);
        notes.trace("releasable_to", &IMPLIED, policy.to_owned(), output);
        by_label.add_group("NATO", members);
    }
    if releasable_to.is_empty() {
        return by_label;
    }
    let by_report = release::list(releasable_to, profile, notes);
    let says_nothing = by_label.nations.is_empty();
    let wider = by_report
        .nations
        .iter()
        .find(|nation| !by_label.nations.contains(nation));
    if let (Some(wider), false) = (wider, says_nothing) {
        let message = format!("{wider} is not in the label's release");
        let expected = "nations of the label's release, or no list";
        notes.violate("releasable_to", &NARROWER, message, expected);
    }
    by_report
}
