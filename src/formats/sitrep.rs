//! `application/x-edxl-sitrep+xml`: an EDXL-SitRep 1.0 with totals of response resources, in an
//! EDXL-DE 1.0 envelope or alone, to a contribution. The drafts begin names with a capital and
//! the specification does not; both are read. SitRep is a form of civil protection, so its
//! people are civilian specialists. The other kinds of SitRep are no contributions.

use super::text::quoted;
use super::xml::{self, Element};
use super::{Fault, label};
use crate::report::{
    Body, Contribution, Equipment, Location, Marking, Narrative, Personnel, Report, Term, Time,
    Weapon,
};

const NEW: i32 = 1;
const UPDATE: i32 = 2;
const RETRACTION: i32 = 4;
const LIVE: i32 = 1;
const EXERCISE: i32 = 2;
const SIMULATION: i32 = 3;
/// `CONTRIBUTION_KIND_PERSONNEL`.
const PERSONNEL: i32 = 1;
/// `CONTRIBUTION_KIND_LOGISTICS`.
const LOGISTICS: i32 = 7;
/// `COMMITMENT_STAGE_COMMITTED`.
const COMMITTED: i32 = 2;
/// `COMMITMENT_STAGE_DEPLOYED`.
const DEPLOYED: i32 = 5;
/// `OPERATIONAL_STATUS_UNKNOWN`: the form has no such field.
const STATUS_UNKNOWN: i32 = 6;
/// `PERSONNEL_CATEGORY_CIVILIAN_SPECIALIST`.
const CIVILIAN_SPECIALIST: i32 = 8;

/// The earliest date of SQL Server, which .NET writes where nothing is known.
const SENTINEL_DATE: &str = "1753-01-01";

/// The one report type that is a contribution.
const TOTALS: &str = "ResponseResourcesTotals";

/// Reads the message.
pub(super) fn read(text: &str) -> Result<Report, Vec<Fault>> {
    let document = xml::parse(text).map_err(|fault| vec![fault])?;
    let root = document.root();
    let mut faults = Vec::new();
    let report = message(root, &mut faults);
    match report {
        Some(report) if faults.is_empty() => Ok(report),
        _ => Err(faults),
    }
}

fn message(root: Element<'_>, faults: &mut Vec<Fault>) -> Option<Report> {
    let mut sitreps = root.descendants().filter(|element| is(*element, "SitRep"));
    let Some(sitrep) = sitreps.next() else {
        let message = format!("no SitRep in {}", quoted(root.name()));
        let expected = "a SitRep, alone or in an EDXLDistribution";
        faults.push(root.fault("formats.sitrep_message", message, expected));
        return None;
    };
    if let Some(second) = sitreps.next() {
        let expected = "one SitRep, which is one report";
        faults.push(second.fault("formats.sitrep_message", "a second SitRep", expected));
    }
    let distribution = is(root, "EDXLDistribution").then_some(root);
    let envelope = distribution.map(|envelope| Envelope::read(envelope, faults));
    let marking = label::find(root).unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    let envelope = envelope.unwrap_or_default();
    let own_id = child_text(sitrep, "messageID");
    if own_id.is_none() {
        let message = "messageID is missing";
        faults.push(sitrep.fault("formats.sitrep_missing", message, "a messageID"));
    }
    let first_id = child_text(sitrep, "originatingMessageID");
    let contribution = contribution(sitrep, first_id.or(own_id), faults)?;
    let revision = number(sitrep, "reportNumber", faults).unwrap_or(0);
    Some(Report {
        report_id: first_id.or(own_id).unwrap_or_default().to_owned(),
        revision,
        action: match envelope.action {
            // What says nothing, or is the first, is what the revision makes of it.
            NEW | UPDATE => 0,
            action => action,
        },
        environment: envelope.environment,
        marking: marking.or(envelope.marking),
        body: Some(Body::Contribution(Box::new(contribution))),
        narratives: narratives(sitrep),
        ..Report::default()
    })
}

/// What the distribution element says.
#[derive(Default)]
struct Envelope {
    environment: i32,
    action: i32,
    marking: Option<Marking>,
}

impl Envelope {
    fn read(root: Element<'_>, faults: &mut Vec<Fault>) -> Self {
        let mut unknown = |name: &str, value: &str, expected: &str| {
            let message = match value {
                "" => format!("{name} is missing"),
                value => format!("{name} {} is not taken", quoted(value)),
            };
            faults.push(root.fault("formats.sitrep_distribution", message, expected));
            0
        };
        let status = child_text(root, "distributionStatus").unwrap_or_default();
        let environment = match status.to_ascii_lowercase().as_str() {
            "actual" => LIVE,
            "exercise" => EXERCISE,
            "test" => SIMULATION,
            _ => unknown("distributionStatus", status, "Actual, Exercise or Test"),
        };
        let kind = child_text(root, "distributionType").unwrap_or_default();
        let action = match kind.to_ascii_lowercase().as_str() {
            "report" => NEW,
            "update" => UPDATE,
            "cancel" => RETRACTION,
            _ => {
                let expected = "Report, Update or Cancel; Entente takes no requests and no tasking";
                unknown("distributionType", kind, expected)
            }
        };
        let marking = child_text(root, "combinedConfidentiality").map(|text| Marking {
            text: text.to_owned(),
            ..Marking::default()
        });
        Self {
            environment,
            action,
            marking,
        }
    }
}

fn contribution(
    sitrep: Element<'_>,
    id: Option<&str>,
    faults: &mut Vec<Fault>,
) -> Option<Contribution> {
    let totals = totals(sitrep, faults)?;
    let period = child(sitrep, "forTimePeriod");
    let bound = |name| period.and_then(|period| date(child_text(period, name)?));
    let (from, to) = (bound("fromDateTime"), bound("toDateTime"));
    let prepared =
        child(sitrep, "preparedBy").and_then(|prepared| date(child_text(prepared, "timeValue")?));
    let (personnel, equipment, stage) = counted(totals, faults);
    let kind = if personnel.is_some() {
        PERSONNEL
    } else {
        LOGISTICS
    };
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Some(Contribution {
        as_of: to.or(prepared).or(from).map(|text| Time {
            text: text.to_owned(),
            ..Time::default()
        }),
        period_start: day(from),
        period_end: day(to),
        contribution_id: owned(child_text(sitrep, "incidentID").or(id)),
        kind: coded(kind),
        stage: coded(stage),
        unit_name: owned(child_text(sitrep, "reportTitle")),
        personnel: personnel.into_iter().collect(),
        equipment: equipment.into_iter().collect(),
        operational_status: coded(STATUS_UNKNOWN),
        location: child(sitrep, "reportingLocation").and_then(|at| location(at, faults)),
        valid_from: day(from.or(to)),
        ..Contribution::default()
    })
}

/// People, items and the stage: what is on hand is deployed, what is committed is authorised.
fn counted(
    totals: Element<'_>,
    faults: &mut Vec<Fault>,
) -> (Option<Personnel>, Option<Equipment>, i32) {
    let committed = child(totals, "totalResourcesCommitted");
    let on_hand = child(totals, "totalResourcesOnHand");
    if committed.is_none() && on_hand.is_none() {
        let message = "neither committed nor on hand";
        let expected = "totalResourcesCommitted, totalResourcesOnHand, or both; what is only \
                        required or requested is no contribution";
        faults.push(totals.fault("formats.sitrep_totals", message, expected));
    }
    let mut count = |of: Option<Element<'_>>, name| of.and_then(|of| number(of, name, faults));
    let people = (count(committed, "personnel"), count(on_hand, "personnel"));
    let items = (count(committed, "resources"), count(on_hand, "resources"));
    let personnel = (people != (None, None)).then(|| Personnel {
        category: CIVILIAN_SPECIALIST,
        authorised: people.0,
        deployed: people.1,
        ..Personnel::default()
    });
    let equipment = (items != (None, None)).then(|| Equipment {
        equipment: Some(Weapon {
            text: "resources".to_owned(),
            ..Weapon::default()
        }),
        quantity_authorised: items.0,
        quantity_on_hand: items.1,
        ..Equipment::default()
    });
    let stage = if on_hand.is_some() {
        DEPLOYED
    } else {
        COMMITTED
    };
    (personnel, equipment, stage)
}

fn coded(code: i32) -> Option<Term> {
    Some(Term {
        text: String::new(),
        code,
    })
}

/// The day of a time, as `YYYY-MM-DD`.
fn day(time: Option<&str>) -> String {
    let day = time.and_then(|time| time.get(..SENTINEL_DATE.len()));
    day.unwrap_or_default().to_owned()
}

/// The report, if it holds totals of resources; by its name or its `xsi:type`.
fn totals<'d>(sitrep: Element<'d>, faults: &mut Vec<Fault>) -> Option<Element<'d>> {
    let report = sitrep.children().find_map(|child| {
        let kind = child.attribute("type").unwrap_or_else(|| child.name());
        let kind = kind.rsplit(':').next().unwrap_or_default();
        let kind = kind.strip_suffix("Type").unwrap_or(kind);
        (is(child, "report") || kind.eq_ignore_ascii_case(TOTALS)).then_some((child, kind))
    });
    match report {
        Some((report, kind)) if kind.eq_ignore_ascii_case(TOTALS) => Some(report),
        Some((report, kind)) => {
            let message = format!("{} is no contribution", quoted(kind));
            faults.push(report.fault("formats.sitrep_report", message, TOTALS));
            None
        }
        None => {
            faults.push(sitrep.fault("formats.sitrep_report", "no report", TOTALS));
            None
        }
    }
}

/// A point of the geographic profile: latitude and longitude.
fn location(at: Element<'_>, faults: &mut Vec<Fault>) -> Option<Location> {
    let pos = at.descendants().find(|element| is(*element, "pos"))?;
    let named = at
        .descendants()
        .filter_map(|element| {
            element
                .attribute("srsName")
                .or_else(|| element.attribute("SrsName"))
        })
        .find(|name| !name.ends_with("4326"));
    if let Some(name) = named {
        let message = format!("the reference system {} is not read here", quoted(name));
        faults.push(pos.fault("formats.sitrep_location", message, "EPSG:4326"));
        return None;
    }
    Some(Location {
        text: pos.text().to_owned(),
        reference_system: "EPSG:4326".to_owned(),
        ..Location::default()
    })
}

/// The texts that no field takes.
fn narratives(sitrep: Element<'_>) -> Vec<Narrative> {
    let lines = [
        ("reportPurpose", "PURPOSE"),
        ("incidentName", "INCIDENT"),
        ("actionPlan", "ACTION PLAN"),
        ("reportConfidence", "CONFIDENCE"),
        ("severity", "SEVERITY"),
        ("urgency", "URGENCY"),
    ];
    let told = lines.into_iter().filter_map(|(name, title)| {
        let text = child_text(sitrep, name)?;
        Some(format!("{title}: {text}"))
    });
    let details = sitrep
        .descendants()
        .filter(|element| is(*element, "responseResourcesDetail"))
        .map(|detail| {
            let texts = detail.descendants().filter(|part| !part.text().is_empty());
            let texts = texts.map(|part| format!("{} {}", part.name(), part.text()));
            format!("RESOURCES: {}", texts.collect::<Vec<_>>().join(", "))
        });
    let text = told.chain(details).collect::<Vec<_>>().join("\n");
    let narrative = (!text.is_empty()).then(|| Narrative {
        lang: String::new(),
        text,
        is_authoritative: true,
        is_machine_translation: false,
    });
    narrative.into_iter().collect()
}

fn is(element: Element<'_>, name: &str) -> bool {
    element.name().eq_ignore_ascii_case(name)
}

fn child<'d>(element: Element<'d>, name: &str) -> Option<Element<'d>> {
    element.children().find(|child| is(*child, name))
}

fn child_text<'d>(element: Element<'d>, name: &str) -> Option<&'d str> {
    let text = child(element, name)?.text();
    (!text.is_empty()).then_some(text)
}

/// A date that is no sentinel.
fn date(text: &str) -> Option<&str> {
    (!text.starts_with(SENTINEL_DATE)).then_some(text)
}

fn number(element: Element<'_>, name: &str, faults: &mut Vec<Fault>) -> Option<u32> {
    let found = child(element, name)?;
    let text = found.text();
    let number = text.parse().ok();
    if number.is_none() && !text.is_empty() {
        let message = format!("{} is no whole number", quoted(text));
        faults.push(found.fault("formats.sitrep_number", message, "a whole number from 0"));
    }
    number
}
