//! Contributions beside each other: what the parts of one have together.

use crate::support::judge;
use entente::normalise::contribution::Totals;
use entente::record::Record;
use entente::report::{self, Report, Term};

fn term(text: &str) -> Term {
    Term {
        text: text.to_owned(),
        code: 0,
    }
}

/// A unit with troops and armoured carriers; `None`: it does not say how many.
fn unit(id: &str, parent: &str, deployed: Option<u32>, carriers: Option<u32>) -> Report {
    let contribution = report::Contribution {
        as_of: Some(report::Time {
            text: "2026-01-06T18:30:00Z".to_owned(),
            ..report::Time::default()
        }),
        contribution_id: id.to_owned(),
        parent_contribution_id: parent.to_owned(),
        kind: Some(term("unit")),
        stage: Some(term("deployed")),
        operational_status: Some(term("FMC")),
        personnel: vec![report::Personnel {
            category: 1,
            deployed,
            ..report::Personnel::default()
        }],
        equipment: vec![report::Equipment {
            equipment: Some(report::Weapon {
                text: "APC (Fuchs)".to_owned(),
                ..report::Weapon::default()
            }),
            quantity_on_hand: carriers,
            ..report::Equipment::default()
        }],
        valid_from: "2026-01-01".to_owned(),
        ..report::Contribution::default()
    };
    Report {
        report_id: format!("report-{id}"),
        body: Some(report::Body::Contribution(Box::new(contribution))),
        ..crate::support::typed()
    }
}

fn record(report: Report) -> Record {
    judge(report).expect("a record")
}

fn totals(reports: impl IntoIterator<Item = Report>) -> Totals {
    let mut totals = Totals::default();
    for report in reports {
        totals.take(&record(report));
    }
    totals
}

#[test]
fn the_parts_of_a_battalion_have_no_more_than_it_has() {
    let battalion = || unit("BN", "", Some(500), Some(20));
    let company = |id: &str, deployed, carriers| unit(id, "BN", deployed, carriers);
    let fitting = totals([
        // Parts may come before their whole.
        company("A", Some(300), Some(12)),
        battalion(),
        company("B", Some(200), None),
        // Part of a part: it counts to B.
        unit("B1", "B", Some(100), None),
        // Of another whole, which is not there.
        unit("Z", "elsewhere", Some(900), Some(90)),
        // Not said how many: absent is not zero, and nothing can be compared.
        company("C", None, Some(8)),
    ]);
    assert_eq!(fitting.excesses(), []);

    let mut over = totals([
        battalion(),
        company("A", Some(300), Some(12)),
        company("B", Some(201), Some(9)),
    ]);
    let said: Vec<_> = over.excesses().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "BN: its parts (A, B) have together 501 CONTINGENT_TROOP deployed, it has 500 \
             (contribution.unit_totals)",
            "BN: its parts (A, B) have together 21 Fuchs on hand, it has 20 \
             (contribution.unit_totals)",
        ]
    );
    // A later report about B replaces the first one.
    let mut later = company("B", Some(200), Some(8));
    later.revision = 2;
    later.action = 3;
    over.take(&record(later));
    assert_eq!(over.excesses(), []);
}

#[test]
fn what_was_retracted_counts_no_more() {
    let mut totals = totals([
        unit("BN", "", Some(500), Some(20)),
        unit("A", "BN", Some(300), Some(12)),
        unit("A-again", "BN", Some(300), Some(12)),
    ]);
    assert_eq!(totals.excesses().len(), 2);
    totals.take(&record(Report {
        report_id: "report-A-again".to_owned(),
        revision: 2,
        action: 4,
        body: None,
        ..crate::support::typed()
    }));
    assert_eq!(totals.excesses(), []);
}
