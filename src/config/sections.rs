//! The sections of `gateway.toml`. Each fills the settings of the module that owns them;
//! `docs/CONFIGURATION.md` says what each key means.

use super::certificates;
use super::door;
use super::reader::Table;
use crate::identity::registry::Limits;
use crate::journal::{JetStreamSettings, quarantine};
use crate::normalise::Rules;
use crate::normalise::rules::{Area, Group, MEMBERSHIP_DATE, group_problems, groups_on};
use crate::trust::Own;
use crate::{feed, journal, listener, retention, rpc, telemetry};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Largest count of anything a second, or at a time.
const COUNT_MAX: u64 = 1_000_000_000;
/// Most groups of nations.
const GROUPS_MAX: usize = 256;

pub(super) const KIB: u64 = 1024;
pub(super) const MIB: u64 = 1024 * KIB;
pub(super) const GIB: u64 = 1024 * MIB;

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How changes of trust are taken up, and where they are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSettings {
    /// The folder of what has to outlive a restart, and of the audit log.
    pub folder: PathBuf,
    /// Files that change are taken up without being asked to.
    pub at_once: bool,
}

/// Settings of the gateway.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Where and how connections are accepted.
    pub listener: listener::Settings,
    /// Where refused partners are told why.
    pub diagnosis: listener::DiagnosisSettings,
    /// The gateway's own certificate.
    pub tls: Own,
    /// Take anchors that were made for development.
    pub allow_development_anchors: bool,
    /// How changes of trust are taken up, and where they are remembered.
    pub trust: TrustSettings,
    /// The journal.
    pub journal: journal::Settings,
    /// The stream that the journal is a copy of, with the jetstream engine.
    pub stream: Option<JetStreamSettings>,
    /// How long the feed is kept.
    pub retention: retention::Settings,
    /// The quarantine.
    pub quarantine: quarantine::Settings,
    /// The feed.
    pub feed: feed::Settings,
    /// The services.
    pub rpc: rpc::Settings,
    /// Limits of nations that set none.
    pub limits: Limits,
    /// Log lines.
    pub telemetry: telemetry::Settings,
    /// Metrics.
    pub metrics: telemetry::MetricsSettings,
}

/// Limits of nations that set none, where the gateway sets none either.
pub(super) const LIMITS: Limits = Limits {
    connections_max: 256,
    nation_reports_per_s: 2_000_000,
    system_reports_per_s: 1_000_000,
    nation_bytes_per_s: GIB,
    system_bytes_per_s: GIB / 2,
    system_in_flight_max: 16_384,
    quarantine_reports_max: 100_000,
    quarantine_bytes_max: 256 * MIB,
};

/// Reads the whole of `gateway.toml`: settings, the normaliser's rules, the nations' folder.
pub(super) fn read(table: &mut Table<'_>) -> (GatewaySettings, Rules, PathBuf) {
    let folder = table.text_or("nations", "nations", "a folder");
    let folder = table.beside("nations", &folder);
    let mut trust = table.table("trust");
    let allow_development_anchors = trust.switch("allow_development_anchors", false);
    let folder_of_trust = trust.text_or("folder", "../data/trust", "a folder");
    let changes = [("at once", true), ("when applied", false)];
    let settings_of_trust = TrustSettings {
        folder: trust.beside("folder", &folder_of_trust),
        at_once: trust.choice("changes", &changes, true),
    };
    trust.finish();
    let (journal, stream) = super::journal::read(table.table("journal"));
    let mut gateway = GatewaySettings {
        listener: door::listener(table.table("listener")),
        diagnosis: certificates::diagnosis(table.table("diagnosis")),
        tls: own_files(table.table("tls")),
        allow_development_anchors,
        trust: settings_of_trust,
        journal,
        retention: super::retention::read(table.table("retention"), stream.is_some()),
        stream,
        quarantine: quarantine(table.table("quarantine")),
        feed: feed(table.table("feed")),
        rpc: services(table.table("services")),
        limits: limits(table.table("limits"), &LIMITS),
        telemetry: log(table.table("telemetry")),
        metrics: metrics(table.table("metrics")),
    };
    // One floor for both: they are on one disk, as a rule.
    gateway.quarantine.free_bytes_floor = gateway.journal.free_bytes_floor;
    let rules = rules(table.table("normalise"));
    (gateway, rules, folder)
}

/// A count that fits the machine's word.
pub(super) fn count(
    table: &mut Table<'_>,
    name: &str,
    default: usize,
    range: std::ops::RangeInclusive<u64>,
) -> usize {
    usize::try_from(table.number(name, default as u64, range)).unwrap_or(default)
}

/// A number of bytes that fits the machine's word.
pub(super) fn bytes(
    table: &mut Table<'_>,
    name: &str,
    default: usize,
    range: std::ops::RangeInclusive<u64>,
) -> usize {
    usize::try_from(table.bytes(name, default as u64, range)).unwrap_or(default)
}

fn own_files(mut table: Table<'_>) -> Own {
    let certificate = table.required("certificate", "PEM file with the gateway's certificate");
    let key = table.required("key", "PEM file with the gateway's key, mode 0600");
    let files = Own {
        certificate: certificate
            .map(|path| table.beside("certificate", &path))
            .unwrap_or_default(),
        key: key
            .map(|path| table.beside("key", &path))
            .unwrap_or_default(),
    };
    table.finish();
    files
}

fn quarantine(mut table: Table<'_>) -> quarantine::Settings {
    let folder = table.text_or("folder", "../data/quarantine", "a folder");
    let default = quarantine::Settings::new(table.beside("folder", &folder));
    let settings = quarantine::Settings {
        queue_max: count(&mut table, "queue_max", default.queue_max, 1..=1_000_000),
        queue_bytes_max: bytes(
            &mut table,
            "queue_bytes_max",
            default.queue_bytes_max,
            MIB..=GIB,
        ),
        ..default
    };
    table.finish();
    settings
}

fn feed(mut table: Table<'_>) -> feed::Settings {
    let default = feed::Settings::default();
    let mut places = |name, default, range| count(&mut table, name, default, range);
    let some = || 1..=100_000;
    let subscriptions_max = places("subscriptions_max", default.subscriptions_max, some());
    let of_nation = places(
        "subscriptions_nation_max",
        default.subscriptions_nation_max,
        some(),
    );
    let of_system = places(
        "subscriptions_system_max",
        default.subscriptions_system_max,
        some(),
    );
    let compared = places("corroboration_positions_max", 0, 0..=1_000_000);
    let settings = feed::Settings {
        corroboration_positions_max: NonZero::new(compared),
        silence: table.duration("silence", default.silence, secs(1)..=secs(30 * 86_400)),
        delivery_records_max: count(
            &mut table,
            "delivery_records_max",
            default.delivery_records_max,
            1..=65_536,
        ),
        delivery_bytes_max: bytes(
            &mut table,
            "delivery_bytes_max",
            default.delivery_bytes_max,
            KIB..=3 * MIB,
        ),
        heartbeat: table.duration(
            "heartbeat",
            default.heartbeat,
            Duration::from_millis(100)..=secs(300),
        ),
        stall_deadline: table.duration(
            "stall_deadline",
            default.stall_deadline,
            Duration::from_millis(100)..=secs(3600),
        ),
        subscriptions_max,
        subscriptions_nation_max: of_nation,
        subscriptions_system_max: of_system,
    };
    table.finish();
    settings
}

fn services(mut table: Table<'_>) -> rpc::Settings {
    let default = rpc::Settings::default();
    let streams = u64::from(default.concurrent_streams_max);
    let streams = table.number("concurrent_streams_max", streams, 1..=1024);
    let settings = rpc::Settings {
        message_bytes_max: bytes(
            &mut table,
            "message_bytes_max",
            default.message_bytes_max,
            KIB..=3 * MIB,
        ),
        concurrent_streams_max: u32::try_from(streams).unwrap_or(default.concurrent_streams_max),
        chunk_reports_max: count(
            &mut table,
            "chunk_reports_max",
            default.chunk_reports_max,
            1..=4096,
        ),
        chunk_bytes_max: bytes(
            &mut table,
            "chunk_bytes_max",
            default.chunk_bytes_max,
            KIB..=64 * MIB,
        ),
        chunks_in_flight_max: count(
            &mut table,
            "chunks_in_flight_max",
            default.chunks_in_flight_max,
            1..=256,
        ),
        reflection: table.switch("reflection", default.reflection),
        gateway_name: gateway_name(&mut table),
    };
    table.finish();
    settings
}

/// The gateway's name among those that hand records on to each other.
fn gateway_name(table: &mut Table<'_>) -> String {
    const KEY: &str = "gateway_name";
    const EXPECTED: &str = "1 to 64 of a-z, 0-9, `-`, `_` and `.`";
    let name = table.text_or(KEY, "", EXPECTED);
    if !name.is_empty() && !rpc::is_gateway_name(&name) {
        let message = format!("`{name}` is not {EXPECTED}");
        table.problem(KEY, message);
    }
    name
}

/// Limits, of the gateway or of a nation.
pub(super) fn limits(mut table: Table<'_>, default: &Limits) -> Limits {
    let mut number = |name: &str, default: u32, low: u64| {
        let value = table.number(name, u64::from(default), low..=COUNT_MAX);
        u32::try_from(value).unwrap_or(default)
    };
    let (nation, system) = (default.nation_reports_per_s, default.system_reports_per_s);
    let limits = Limits {
        connections_max: number("connections_max", default.connections_max, 1),
        nation_reports_per_s: number("nation_reports_per_s", nation, 0),
        system_reports_per_s: number("system_reports_per_s", system, 0),
        system_in_flight_max: number("system_in_flight_max", default.system_in_flight_max, 1),
        ..*default
    };
    let limits = Limits {
        nation_bytes_per_s: table.bytes(
            "nation_bytes_per_s",
            default.nation_bytes_per_s,
            0..=1024 * GIB,
        ),
        system_bytes_per_s: table.bytes(
            "system_bytes_per_s",
            default.system_bytes_per_s,
            0..=1024 * GIB,
        ),
        quarantine_reports_max: table.number(
            "quarantine_reports_max",
            default.quarantine_reports_max,
            1..=100_000_000,
        ),
        quarantine_bytes_max: table.bytes(
            "quarantine_bytes_max",
            default.quarantine_bytes_max,
            MIB..=1024 * GIB,
        ),
        ..limits
    };
    let rates = [
        ("nation_reports_per_s", limits.nation_reports_per_s == 0),
        ("system_reports_per_s", limits.system_reports_per_s == 0),
        ("nation_bytes_per_s", limits.nation_bytes_per_s == 0),
        ("system_bytes_per_s", limits.system_bytes_per_s == 0),
    ];
    for (name, is_open) in rates {
        if is_open {
            table.warning(name, "0 sets no limit: one system can take all there is");
        }
    }
    table.finish();
    limits
}

fn log(mut table: Table<'_>) -> telemetry::Settings {
    let default = telemetry::Settings::default();
    let formats = [
        ("readable", telemetry::Format::Readable),
        ("json", telemetry::Format::Json),
    ];
    let filters = "a level, or levels by module, such as \"info,entente::listener=debug\"";
    let settings = telemetry::Settings {
        format: table.choice("format", &formats, default.format),
        filter: table.text_or("filter", &default.filter, filters),
    };
    if let Err(error) = settings.check() {
        table.problem("filter", error.to_string());
    }
    table.finish();
    settings
}

fn metrics(mut table: Table<'_>) -> telemetry::MetricsSettings {
    let expected = "an address such as 127.0.0.1:9464";
    let address = table.text("address", expected).and_then(|text| {
        let address = text.parse::<SocketAddr>();
        if address.is_err() {
            table.problem("address", format!("`{text}` is not {expected}"));
        }
        address.ok()
    });
    let danger_serve_to_everyone = table.switch("danger_serve_to_everyone", false);
    if let Some(address) = address
        && !address.ip().is_loopback()
        && !danger_serve_to_everyone
    {
        table.problem(
            "address",
            format!("{address} can be reached by others and metrics carry no authentication; expected a loopback address"),
        );
    }
    table.finish();
    telemetry::MetricsSettings {
        address,
        danger_serve_to_everyone,
    }
}

fn rules(mut table: Table<'_>) -> Rules {
    let default = Rules::default();
    let mut number = |name: &str, default: u32, max: u32| {
        let value = table.number(name, u64::from(default), 0..=u64::from(max));
        u32::try_from(value).unwrap_or(default)
    };
    let rules = Rules {
        clock_ahead_s_max: number("clock_ahead_s_max", default.clock_ahead_s_max, 86_400),
        age_days_max: number("age_days_max", default.age_days_max, 36_600),
        inferred_age_days_max: number("inferred_age_days_max", default.inferred_age_days_max, 180),
        area: area(table.table("area")),
        groups: groups(&mut table),
        places: super::places::places(&mut table),
    };
    table.finish();
    rules
}

fn area(mut table: Table<'_>) -> Area {
    let default = Area::default();
    let area = Area {
        south_deg: table.float("south_deg", default.south_deg, -90.0..=90.0),
        north_deg: table.float("north_deg", default.north_deg, -90.0..=90.0),
        west_deg: table.float("west_deg", default.west_deg, -180.0..=180.0),
        east_deg: table.float("east_deg", default.east_deg, -180.0..=180.0),
        margin_m: table.float("margin_m", default.margin_m, 0.0..=1_000_000.0),
    };
    if area.south_deg >= area.north_deg {
        table.problem("north_deg", "the northern edge must lie north of south_deg");
    }
    if area.west_deg >= area.east_deg {
        table.problem("east_deg", "the eastern edge must lie east of west_deg");
    }
    table.finish();
    area
}

/// The day whose members the shipped groups have.
fn membership_date(table: &mut Table<'_>) -> jiff::civil::Date {
    table.parsed("membership_date", "a day, YYYY-MM-DD", MEMBERSHIP_DATE)
}

fn groups(table: &mut Table<'_>) -> BTreeMap<String, Group> {
    let (mut listed, names) = table.named_table("groups");
    // A group that is configured replaces the shipped one of the same code.
    let mut groups = groups_on(membership_date(table));
    if names.len() > GROUPS_MAX {
        table.problem(
            "groups",
            format!("{} groups; at most {GROUPS_MAX}", names.len()),
        );
    }
    for name in names.into_iter().take(GROUPS_MAX) {
        let mut entry = listed.table(&name);
        let as_of = entry.required("as_of", "the day of the list, YYYY-MM-DD");
        if let Some(day) = &as_of
            && day.parse::<jiff::civil::Date>().is_err()
        {
            entry.problem("as_of", format!("`{day}` is not a day such as 2026-01-31"));
        }
        let nations = entry.texts("nations", "ISO 3166-1 alpha-3 codes");
        let problems = group_problems(&name, &nations);
        let sound = problems.is_empty();
        for problem in problems {
            entry.problem("nations", problem);
        }
        entry.finish();
        if let (Some(as_of), true) = (as_of, sound) {
            groups.insert(name, Group::decided(as_of, nations));
        }
    }
    for (code, _) in groups.iter().filter(|(_, group)| !group.verified) {
        let message = format!(
            "the members of {code} were not read at their source; it works, and every trace says \
             so; name them in [normalise.groups.{code}] to decide them"
        );
        table.warning("groups", message);
    }
    groups
}
