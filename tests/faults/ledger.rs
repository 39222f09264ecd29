//! What was receipted, kept outside of everything that may fail, and what the feed is held
//! against at the end. A report says by its number to whom it is released.

use crate::support::sighting;
use entente::wire::proto;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Nations that send, each with its system and how it marks.
pub(crate) const SENDERS: [(&str, &str, &str); 2] = [
    ("GBR", "GBR/uav-cell-4", "OFFICIAL-SENSITIVE"),
    ("FRA", "FRA/poste-12", "NATO RESTRICTED"),
];

/// To whom a report of a nation is released, besides itself.
fn released(nation: &str, number: u64) -> &'static [&'static str] {
    match (nation, number % 3) {
        ("GBR", 0) => &["USA"],
        ("GBR", 1) => &["USA", "FRA"],
        ("FRA", 0) => &["GBR", "USA"],
        ("FRA", 1) => &["GBR"],
        _ => &[],
    }
}

/// Nation and number in a report's id.
pub(crate) fn parsed(report_id: &str) -> (&str, u64) {
    let (nation, number) = report_id.split_once('-').unwrap();
    (nation, number.parse().unwrap())
}

/// Whether a nation may see a report, by its id.
pub(crate) fn may_see(reader: &str, report_id: &str) -> bool {
    let (nation, number) = parsed(report_id);
    nation == reader || released(nation, number).contains(&reader)
}

/// A report of a nation, serialised, and its digest.
pub(crate) fn report(nation: &str, number: u64, letters: usize) -> (Vec<u8>, Vec<u8>) {
    let (_, _, marking) = SENDERS.iter().find(|(of, _, _)| *of == nation).unwrap();
    let mut report = sighting(&format!("{nation}-{number:08}"));
    let to = released(nation, number).iter();
    report.marking = Some(proto::ReportedMarking {
        text: (*marking).to_owned(),
        releasable_to: to.map(|nation| (*nation).to_owned()).collect(),
        special: Vec::new(),
    });
    report.narratives = vec![proto::Narrative {
        lang: "en".to_owned(),
        text: "x".repeat(letters),
        ..Default::default()
    }];
    let bytes = report.encode_to_vec();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    (bytes, digest.as_ref().to_vec())
}

/// A report with a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipted {
    pub(crate) report_id: String,
    pub(crate) sha256: Vec<u8>,
}

/// What a reader was given, and what it was told of.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) given: BTreeMap<u64, Receipted>,
    pub(crate) withheld: BTreeSet<u64>,
}

/// All receipts, by position.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    receipts: Arc<Mutex<BTreeMap<u64, Receipted>>>,
    count: watch::Sender<usize>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            receipts: Arc::default(),
            count: watch::Sender::new(0),
        }
    }

    /// Keeps a receipt, and counts it after that. A second one for a report has to be the first.
    pub(crate) fn keep(&self, outcome: &proto::Outcome, sha256: &[u8]) {
        use proto::Disposition::{Accepted, Duplicate};
        assert!(
            matches!(outcome.disposition(), Accepted | Duplicate),
            "{outcome:?}"
        );
        let receipt = outcome.receipt.as_ref().expect("it is receipted");
        assert_eq!(receipt.report_sha256, sha256, "a receipt for other bytes");
        let receipted = Receipted {
            report_id: outcome.report_id.clone(),
            sha256: sha256.to_vec(),
        };
        let mut receipts = self.receipts.lock().unwrap();
        let known = receipts.entry(receipt.position);
        let known = known.or_insert_with(|| receipted.clone());
        assert_eq!(*known, receipted, "position {}", receipt.position);
        self.count.send_replace(receipts.len());
    }

    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Waits until so many more reports have receipts.
    pub(crate) async fn more(&self, reports: usize) {
        let mut count = self.watch();
        let wanted = *count.borrow() + reports;
        let reached = async { drop(count.wait_for(|count| *count >= wanted).await) };
        crate::in_time(&format!("{wanted} receipts"), reached).await;
    }

    /// The last position with a receipt.
    pub(crate) fn last(&self) -> u64 {
        let receipts = self.receipts.lock().unwrap();
        receipts.last_key_value().map_or(0, |(last, _)| *last)
    }

    /// Takes in the receipts of others.
    pub(crate) fn add(&self, other: &Self) {
        let mut receipts = self.receipts.lock().unwrap();
        for (position, receipted) in other.receipts.lock().unwrap().iter() {
            let twice = receipts.insert(*position, receipted.clone());
            assert_eq!(twice, None, "two receipts for position {position}");
        }
        self.count.send_replace(receipts.len());
    }

    /// Some of the reports with a receipt.
    pub(crate) fn some(&self, step: usize) -> Vec<(u64, Receipted)> {
        let receipts = self.receipts.lock().unwrap();
        let some = receipts.iter().step_by(step);
        some.map(|(at, kept)| (*at, kept.clone())).collect()
    }

    /// Every report stands once, and nothing else: all reports were sent until they had
    /// receipts, so the positions have no gap either.
    pub(crate) fn check(&self) {
        let receipts = self.receipts.lock().unwrap();
        let ids: BTreeSet<_> = receipts.values().map(|kept| &kept.report_id).collect();
        assert_eq!(ids.len(), receipts.len(), "a report has two positions");
        for (due, position) in (1..).zip(receipts.keys()) {
            assert_eq!(due, *position, "a position of which nobody has a receipt");
        }
    }

    /// What a reader saw is what it may see of the receipts, each once, and of the rest it was
    /// told that something is there.
    pub(crate) fn check_reader(&self, nation: &str, seen: &Seen) {
        let receipts = self.receipts.lock().unwrap();
        for (position, receipted) in receipts.iter() {
            let given = seen.given.get(position);
            if may_see(nation, &receipted.report_id) {
                let told = format!("{nation} at {position}");
                assert_eq!(given, Some(receipted), "{told}");
            } else {
                assert_eq!(given, None, "{nation} must not see {receipted:?}");
                assert!(seen.withheld.contains(position), "{nation} at {position}");
            }
        }
        assert_eq!(
            seen.given.len() + seen.withheld.len(),
            receipts.len(),
            "{nation} saw more than there are receipts"
        );
    }
}
