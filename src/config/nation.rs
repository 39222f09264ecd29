//! One nation's file: who it is, what it may do, whom it trusts, how it writes.

use super::certificates;
use super::files;
use super::reader::Table;
use super::sections;
use crate::identity::registry::{Limits, Nation, Rights};
use crate::identity::spiffe::TrustDomain;
use crate::identity::{NationCode, SystemName};
use crate::normalise::{Notation, Profile, Rules};
use crate::pki::RenewalSettings;
use crate::record::Level;
use crate::trust::{Blocked, BlockedError, NationSources, Standing, Terms};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most systems that a file may list.
const SYSTEMS_MAX: usize = 4096;

/// Longest that a revocation list may count past its renewal.
const GRACE_MAX: Duration = Duration::from_secs(7 * 86_400);

const ANCHORS: &str = "PEM files of the nation's authorities";
const PUBLISHED: &str = "PEM files of authorities to come";
const WITHDRAWN: &str = "PEM files of authorities that are gone";
const INTERMEDIATES: &str = "PEM files of authorities below the anchors";
const LISTS: &str = "PEM or DER files of their revocation lists, or folders of them";

/// The rights that there are.
const RIGHTS: &str = "submit, read, operate, relay";

/// A nation as its file says.
#[derive(Clone, Debug)]
pub struct NationFile {
    /// The file.
    pub file: PathBuf,
    /// Code, name, domain, clearance, rights, limits.
    pub nation: Nation,
    /// Its notation, compiled.
    pub profile: Arc<Profile>,
    /// Its notation as the file says, to tell whether it became another.
    pub notation: Notation,
    /// The rules that all nations share, `[normalise]` of the gateway's file, as they stood then.
    pub rules: Rules,
    /// Its anchors and revocation lists.
    pub sources: NationSources,
    /// How its systems renew their certificates over the wire; none: they do not.
    pub renewal: Option<RenewalSettings>,
}

/// Reads a nation's file. `development` says whether development anchors are taken; `None`:
/// the files of trust are of no interest.
pub(super) fn read(
    mut table: Table<'_>,
    default_limits: &Limits,
    development: Option<bool>,
    rules: &Rules,
) -> Option<NationFile> {
    let file = table.source().to_owned();
    let code = table
        .required("code", "ISO 3166-1 alpha-3, such as \"GBR\"")
        .and_then(|text| {
            let code = NationCode::parse(&text);
            code.map_err(|error| table.problem("code", error.to_string()))
                .ok()
        });
    let expected = "the SPIFFE trust domain, such as \"gbr.entente.example\"";
    let domain = table.required("trust_domain", expected).and_then(|text| {
        let domain = TrustDomain::parse(&text);
        domain
            .map_err(|error| table.problem("trust_domain", error.to_string()))
            .ok()
    });
    let name = table.required("name", "the nation's name for people");
    let clearance = clearance(&mut table);
    let special = table.texts(
        "special",
        "special categories that the nation's readers hold",
    );
    let default_rights = rights(&mut table, "default_rights");
    let systems = systems(&mut table);
    let vouches_for = vouches_for(&mut table, default_rights, &systems);
    let limits = sections::limits(table.table("limits"), default_limits);
    let sources = sources(&mut table, code, domain.clone(), development);
    let renewal = certificates::renewal(table.table("renewal"));
    let notation = notation(&mut table);
    let profile = notation
        .as_ref()
        .and_then(|notation| profile(&table, code, notation, rules));
    table.finish();
    let code = code?;
    Some(NationFile {
        nation: Nation {
            code,
            name: name?,
            domain: domain?,
            clearance,
            special,
            default_rights,
            systems,
            vouches_for,
            limits,
        },
        profile: Arc::new(profile?),
        notation: notation?,
        rules: rules.clone(),
        sources: sources?,
        renewal,
        file,
    })
}

fn clearance(table: &mut Table<'_>) -> Level {
    let levels: Vec<_> = Level::ALL
        .iter()
        .map(|level| (level.name(), *level))
        .collect();
    table.choice("clearance", &levels, Level::Unclassified)
}

fn rights(table: &mut Table<'_>, name: &str) -> Rights {
    let mut rights = Rights::default();
    for word in table.texts(name, RIGHTS) {
        match word.as_str() {
            "submit" => rights.submit = true,
            "read" => rights.read = true,
            "operate" => rights.operate = true,
            "relay" => rights.relay = true,
            _ => table.problem(name, format!("`{word}` is no right; expected {RIGHTS}")),
        }
    }
    rights
}

/// Whose records its relays may hand in. Nobody's is never everybody's.
fn vouches_for(
    table: &mut Table<'_>,
    default_rights: Rights,
    systems: &BTreeMap<SystemName, Rights>,
) -> BTreeSet<NationCode> {
    const KEY: &str = "vouches_for";
    let mut nations = BTreeSet::new();
    for code in table.texts(KEY, "codes of nations whose records its relays may hand in") {
        match NationCode::parse(&code) {
            Ok(nation) => {
                nations.insert(nation);
            }
            Err(error) => table.problem(KEY, error.to_string()),
        }
    }
    let relays = default_rights.relay || systems.values().any(|rights| rights.relay);
    if relays && nations.is_empty() {
        let message = "a system has the right `relay`, and no nation is named whose records it may \
                       hand in: name them, such as [\"GBR\", \"FRA\"]";
        table.problem(KEY, message.to_owned());
    }
    nations
}

fn systems(table: &mut Table<'_>) -> BTreeMap<SystemName, Rights> {
    let (mut listed, names) = table.named_table("systems");
    let mut systems = BTreeMap::new();
    if names.len() > SYSTEMS_MAX {
        let message = format!("{} systems; at most {SYSTEMS_MAX}", names.len());
        table.problem("systems", message);
    }
    for name in names.into_iter().take(SYSTEMS_MAX) {
        let rights = rights(&mut listed, &name);
        match SystemName::parse(&name) {
            Ok(system) => {
                systems.insert(system, rights);
            }
            Err(error) => listed.problem(&name, error.to_string()),
        }
    }
    systems
}

fn sources(
    table: &mut Table<'_>,
    code: Option<NationCode>,
    domain: Option<TrustDomain>,
    development: Option<bool>,
) -> Option<NationSources> {
    let mut trust = table.table("trust");
    let look = development.is_some();
    let retiring = retiring(&mut trust, look);
    let anchors = paths(&mut trust, "anchors", ANCHORS, look, retiring.is_empty());
    let published = paths(&mut trust, "published", PUBLISHED, look, false);
    let withdrawn = paths(&mut trust, "withdrawn", WITHDRAWN, look, false);
    let intermediates = paths(&mut trust, "intermediates", INTERMEDIATES, look, false);
    let revocation_lists = paths(&mut trust, "revocation_lists", LISTS, look, true);
    let terms = Terms {
        anchors: standings(published, retiring, withdrawn),
        intermediates,
        blocked: blocked(&mut trust),
        overdue_grace: grace(&mut trust),
    };
    trust.finish();
    Some(NationSources {
        code: code?,
        domain: domain?,
        anchors,
        revocation_lists,
        allow_development_anchors: development.unwrap_or(false),
        terms,
    })
}

/// Files that a key names. `look`: they must be readable, and, if `needed`, there must be one.
fn paths(trust: &mut Table<'_>, name: &str, what: &str, look: bool, needed: bool) -> Vec<PathBuf> {
    let given = trust.texts(name, what);
    let paths: Vec<_> = given.iter().map(|path| trust.beside(name, path)).collect();
    if !look {
        return paths;
    }
    if needed && paths.is_empty() && trust.was_read() {
        let message = format!("missing: {what}; without one nobody can connect");
        trust.problem(name, message);
    }
    for path in &paths {
        let is_folder_of_lists = what == LISTS && path.is_dir();
        if let Some(message) = files::unreadable(path).filter(|_| !is_folder_of_lists) {
            trust.problem(name, message);
        }
    }
    paths
}

/// Anchors that retire: a table of files and moments.
fn retiring(trust: &mut Table<'_>, look: bool) -> Vec<(PathBuf, Timestamp)> {
    let (mut listed, names) = trust.named_table("retiring");
    let mut retiring = Vec::new();
    for name in names {
        let moment = listed.required(&name, "the last moment, such as \"2026-12-31T00:00:00Z\"");
        let path = listed.beside(&name, &name);
        if let Some(message) = files::unreadable(&path).filter(|_| look) {
            listed.problem(&name, message);
        }
        match moment.map(|text| text.parse().map_err(|_| text)) {
            Some(Ok(until)) => retiring.push((path, until)),
            Some(Err(text)) => {
                let message = format!("`{text}` is no moment such as 2026-12-31T00:00:00Z");
                listed.problem(&name, message);
            }
            None => {}
        }
    }
    retiring
}

fn standings(
    published: Vec<PathBuf>,
    retiring: Vec<(PathBuf, Timestamp)>,
    withdrawn: Vec<PathBuf>,
) -> Vec<(PathBuf, Standing)> {
    let published = published
        .into_iter()
        .map(|path| (path, Standing::Published));
    let retiring = retiring
        .into_iter()
        .map(|(path, until)| (path, Standing::Retiring { until }));
    let withdrawn = withdrawn
        .into_iter()
        .map(|path| (path, Standing::Withdrawn));
    published.chain(retiring).chain(withdrawn).collect()
}

fn blocked(trust: &mut Table<'_>) -> Vec<Blocked> {
    let mut blocked = Vec::new();
    for text in trust.texts("blocked", "nation, key:SHA256, serial:HEX, system:NAME") {
        match text.parse() {
            Ok(what) => blocked.push(what),
            Err(error) => trust.problem("blocked", BlockedError::to_string(&error)),
        }
    }
    if blocked.contains(&Blocked::Nation) {
        trust.warning(
            "blocked",
            "the whole nation is suspended: nobody of it can connect",
        );
    }
    blocked
}

fn grace(trust: &mut Table<'_>) -> SignedDuration {
    let name = "danger_accept_expired_lists_for";
    let grace = trust.duration(name, Duration::ZERO, Duration::ZERO..=GRACE_MAX);
    if !grace.is_zero() {
        trust.warning(
            name,
            "revocation lists count past their renewal: who was revoked meanwhile comes in",
        );
    }
    SignedDuration::try_from(grace).unwrap_or(SignedDuration::ZERO)
}

fn notation(table: &mut Table<'_>) -> Option<Notation> {
    match table.raw("notation").map(config::Value::try_deserialize) {
        None => Some(Notation::default()),
        Some(Ok(notation)) => Some(notation),
        Some(Err(error)) => {
            table.problem("notation", error.to_string());
            None
        }
    }
}

fn profile(
    table: &Table<'_>,
    code: Option<NationCode>,
    notation: &Notation,
    rules: &Rules,
) -> Option<Profile> {
    match Profile::compile(code?, notation, rules) {
        Ok(profile) => {
            let unread = profile.unverified_markings();
            if !unread.is_empty() {
                let message = format!(
                    "{} marking(s) not verified at their source: `{}`; they work, and every trace \
                     says so; compare with the nation's own rules and say `verified = true`",
                    unread.len(),
                    unread.join("`, `")
                );
                table.warning("notation.markings", message);
            }
            Some(profile)
        }
        Err(faults) => {
            for fault in faults {
                table.problem(&fault.key, fault.message);
            }
            None
        }
    }
}
