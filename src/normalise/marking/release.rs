//! Release lists: nations by ISO 3166-1 alpha-3, groups expanded to their members at a date.
//! Invariant: sorted, no nation twice, nothing in it that was not named or is no member.

use super::country;
use crate::normalise::Profile;
use crate::normalise::notes::{Notes, Rule, bounded, quoted};
use crate::normalise::rules::Group;

static NATION: Rule = Rule::new(
    "marking.release_nation",
    "a release list names nations by ISO 3166-1 alpha-3, or configured groups",
    "domain.md 5.3",
);
static UNREAD: Rule = Rule::new(
    "marking.release_group_unverified",
    "the members of the group were not read at their source",
    "domain.md 5.3; lexicon/groups.toml",
);
static KOSOVO: Rule = Rule::new(
    "marking.release_user_assigned",
    "Kosovo has no code in ISO 3166-1; GENC's XKS and the alpha-2 XK are taken as XKX",
    "domain.md 5.3",
);
static GROUP: Rule = Rule::new(
    "marking.release_group",
    "a group is expanded to its members at a fixed date",
    "domain.md 5.3; the gateway's [normalise.groups]",
);

/// Longest release list, entries.
const ENTRIES_MAX: usize = 300;

/// A release list.
#[derive(Debug, Default)]
pub(super) struct Release {
    /// Sorted, each once.
    pub(super) nations: Vec<String>,
    /// As given, sorted, each once.
    pub(super) groups: Vec<String>,
}

impl Release {
    /// Adds the members of a group; sorted, each once.
    pub(super) fn add_group(&mut self, code: &str, group: &Group) {
        self.nations.extend(group.nations.iter().cloned());
        self.groups.push(code.to_owned());
        self.nations.sort_unstable();
        self.nations.dedup();
        self.groups.sort_unstable();
        self.groups.dedup();
    }
}

/// Judges a list; what is wrong with it is said, and what is right is kept.
pub(super) fn list(entries: Vec<String>, profile: &Profile, notes: &mut Notes) -> Release {
    let mut release = Release::default();
    if entries.len() > ENTRIES_MAX {
        let message = format!("{} entries", entries.len());
        notes.violate(
            "releasable_to",
            &NATION,
            message,
            format!("at most {ENTRIES_MAX}"),
        );
        return release;
    }
    if entries.iter().all(|entry| country::is_alpha3(entry)) {
        // As programs write it: the list itself is kept.
        release.nations = entries;
    } else {
        for (index, entry) in entries.into_iter().enumerate() {
            if country::is_alpha3(&entry) {
                release.nations.push(entry);
            } else {
                notes.within_item("releasable_to", index, |notes| {
                    other(&entry, profile, &mut release, notes);
                });
            }
        }
    }
    release.nations.sort_unstable();
    release.nations.dedup();
    release.groups.sort_unstable();
    release.groups.dedup();
    release
}

/// A group, or another way of writing a nation.
fn other(entry: &str, profile: &Profile, release: &mut Release, notes: &mut Notes) {
    let code = entry.trim().to_ascii_uppercase();
    let groups = &profile.rules().groups;
    if let Some(group) = groups.get(&code) {
        let output = format!("{} nations as of {}", group.nations.len(), group.as_of);
        if group.verified {
            notes.trace("", &GROUP, bounded(entry), output);
        } else {
            notes.warn("", &UNREAD, bounded(entry), output);
        }
        release.add_group(&code, group);
    } else if let Some(code) = country::user_assigned(&code) {
        notes.warn("", &KOSOVO, bounded(entry), code);
        release.nations.push(code.to_owned());
    } else if let Some(alpha3) = country::alpha3_of(entry) {
        notes.trace("", &NATION, bounded(entry), alpha3);
        release.nations.push(alpha3.to_owned());
    } else {
        let known: Vec<&str> = groups.keys().map(String::as_str).collect();
        let meant = country::often_meant(&code);
        let expected = match known.join(", ") {
            _ if meant.is_some() => {
                format!(
                    "ISO 3166-1 alpha-3; {} if that is meant",
                    meant.unwrap_or_default()
                )
            }
            known if known.is_empty() => "ISO 3166-1 alpha-3, such as GBR".to_owned(),
            known => format!("ISO 3166-1 alpha-3, such as GBR, or one of {known}"),
        };
        let message = format!("{} is no nation and no group", quoted(entry));
        notes.violate("", &NATION, message, expected);
    }
}
