//! Contributions beside each other: the parts of one have together no more than it has. Each
//! report is judged alone, since parts may come before their whole; this is for whoever has
//! them all, and computes only over what was given.

use crate::normalise::notes::{Rule, bounded};
use crate::record::{Action, Body, Contribution, Record, Weapon};
use std::collections::BTreeMap;
use std::fmt;

static UNIT_TOTALS: Rule = Rule::new(
    "contribution.unit_totals",
    "the parts of a contribution have together no more people and items than it has itself; said of \
     contributions that are normalised together, never of one alone",
    "domain.md 6.2",
);

/// Most contributions that are compared; no nation brings more, and memory is bounded.
const CONTRIBUTIONS_MAX: usize = 100_000;

/// Parts that have together more than their whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The contribution that they are part of.
    pub contribution_id: String,
    /// What they have too many of: `CONTINGENT_TROOP deployed`.
    pub what: String,
    /// How many the whole has.
    pub whole: u64,
    /// How many its parts have together.
    pub parts: u64,
    /// Ids of the parts that say how many, in order.
    pub part_ids: Vec<String>,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.part_ids.join(", ");
        write!(
            f,
            "{}: its parts ({}) have together {} {}, it has {} ({})",
            bounded(&self.contribution_id),
            bounded(&ids),
            self.parts,
            self.what,
            self.whole,
            UNIT_TOTALS.id
        )
    }
}

/// What a contribution has of each thing, by name.
type Holding = BTreeMap<String, u64>;

/// A contribution as far as its totals go.
#[derive(Debug)]
struct Known {
    report_id: String,
    parent: String,
    has: Holding,
}

/// Contributions of one system, the last report of each; at most the first hundred thousand.
#[derive(Debug, Default)]
pub struct Totals {
    known: BTreeMap<String, Known>,
}

impl Totals {
    /// Takes a record in, in the order of the feed: a later one about the same contribution
    /// replaces it, a retraction takes it out. Sightings say nothing here.
    pub fn take(&mut self, record: &Record) {
        if record.action == Action::Retraction {
            let retracted = record.supersedes.as_ref().map(|s| s.report_id.as_str());
            self.known
                .retain(|_, known| Some(known.report_id.as_str()) != retracted);
        } else if let Some(Body::Contribution(contribution)) = &record.body {
            let known = Known {
                report_id: record.report_id.clone(),
                parent: contribution.parent_contribution_id.clone(),
                has: holding(contribution),
            };
            let id = &contribution.contribution_id;
            if self.known.contains_key(id) || self.known.len() < CONTRIBUTIONS_MAX {
                self.known.insert(id.clone(), known);
            }
        }
    }

    /// Every whole whose parts have more, by id. Parts of parts count to their own whole.
    #[must_use]
    pub fn excesses(&self) -> Vec<Excess> {
        let mut sums: BTreeMap<(&str, &str), (u64, Vec<String>)> = BTreeMap::new();
        for (id, part) in &self.known {
            for (what, number) in &part.has {
                let sum = sums.entry((&part.parent, what)).or_default();
                sum.0 = sum.0.saturating_add(*number);
                sum.1.push(id.clone());
            }
        }
        let excess = |((parent, what), (parts, part_ids)): ((&str, &str), (u64, Vec<String>))| {
            let whole = *self.known.get(parent)?.has.get(what)?;
            (parts > whole).then(|| Excess {
                contribution_id: parent.to_owned(),
                what: what.to_owned(),
                whole,
                parts,
                part_ids,
            })
        };
        sums.into_iter().filter_map(excess).collect()
    }
}

fn holding(contribution: &Contribution) -> Holding {
    let mut has = Holding::new();
    let mut add = |what: String, number: Option<u32>| {
        if let Some(number) = number {
            let sum = has.entry(what).or_default();
            *sum = sum.saturating_add(u64::from(number));
        }
    };
    for row in &contribution.personnel {
        let category = row.category.name();
        add(format!("{category} authorised"), row.authorised);
        add(format!("{category} deployed"), row.deployed);
        add(format!("{category} effective"), row.effective);
    }
    for row in &contribution.equipment {
        let item = item(&row.equipment);
        add(format!("{item} authorised"), row.quantity_authorised);
        add(format!("{item} on hand"), row.quantity_on_hand);
    }
    has
}

/// What an item is called: its model, else its class, else as it was written.
fn item(equipment: &Weapon) -> String {
    match (equipment.model.trim(), equipment.class) {
        ("", Some(class)) => class.name().to_owned(),
        ("", None) => bounded(equipment.original_text.trim()),
        (model, _) => bounded(model),
    }
}
