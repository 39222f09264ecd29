//! `text/x-osce-csv`: a table of ceasefire violations as the OSCE mission in Ukraine kept it,
//! one row a report. A payload is a header and one row; [`split`] makes them out of a file.
//! Commas, semicolons or tabs; the columns in any order, found by their names. Times are wall
//! time in Kyiv unless they say otherwise, and each explosion, burst and shot is counted.

mod cells;

use super::split::{Part, part};
use super::text::{admiralty, list, quoted};
use super::{Fault, text};
use crate::report::{
    Body, Confidence, Count, Location, Narrative, Observation, Place, Report, Sighting, Term, Time,
    Weapon,
};
use csv::StringRecord;

/// `ORIGIN_OWN_OBSERVATION`.
const OWN_OBSERVATION: i32 = 1;
/// `COUNT_BASIS_INDIVIDUAL`.
const INDIVIDUAL: i32 = 1;
/// "All times are in Eastern European Time", which is the wall time of Kyiv.
const ZONE: &str = "Europe/Kyiv";

/// Most columns.
const COLUMNS_MAX: usize = 40;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Position,
    Event,
    Means,
    Number,
    Observation,
    Description,
    Weapon,
    DateTime,
    Date,
    Time,
    Confidence,
    /// Kept as a narrative.
    Other,
}

/// Names of columns: letters and digits only, in lower case.
const NAMES: &[(&str, Column)] = &[
    ("reportid", Column::Id),
    ("id", Column::Id),
    ("smmposition", Column::Position),
    ("position", Column::Position),
    ("observerposition", Column::Position),
    ("eventlocation", Column::Event),
    ("locationofevent", Column::Event),
    ("location", Column::Event),
    ("means", Column::Means),
    ("no", Column::Number),
    ("number", Column::Number),
    ("count", Column::Number),
    ("observation", Column::Observation),
    ("description", Column::Description),
    ("weapon", Column::Weapon),
    ("weapontype", Column::Weapon),
    ("datetime", Column::DateTime),
    ("dateandtime", Column::DateTime),
    ("date", Column::Date),
    ("time", Column::Time),
    ("confidence", Column::Confidence),
];

/// A header that was understood.
struct Header {
    columns: Vec<(Column, String)>,
    delimiter: u8,
}

/// Reads a header and one row.
pub(super) fn read(text: &str) -> Result<Report, Vec<Fault>> {
    let (header, rows) = table(text)?;
    let [row] = rows.as_slice() else {
        let message = format!("{} rows", rows.len());
        let expected = "a header and one row, which is one report; `entente submit` and `entente \
                        normalise` split a table";
        return Err(vec![Fault::new(
            "content",
            "formats.osce_rows",
            message,
            expected,
        )]);
    };
    report(&header, row)
}

/// A table to payloads of a header and one row each.
pub(super) fn split(content: &[u8]) -> Result<Vec<Part<'_>>, Vec<Fault>> {
    let text = text::decoded(content).map_err(|fault| vec![fault])?;
    let (_, rows) = table(text)?;
    let start = |row: &StringRecord| {
        let byte = row.position().map_or(0, csv::Position::byte);
        usize::try_from(byte).unwrap_or(usize::MAX).min(text.len())
    };
    let Some(first) = rows.first() else {
        let fault = Fault::new("content", "formats.osce_rows", "no row", "at least one row");
        return Err(vec![fault]);
    };
    let head = text.get(..start(first)).unwrap_or_default();
    let ends = rows.iter().skip(1).map(start).chain([text.len()]);
    let parts = rows.iter().zip(ends).enumerate();
    Ok(parts
        .map(|(index, (row, end))| {
            let own = text.get(start(row)..end).unwrap_or_default();
            let content = format!("{}\n{}\n", head.trim_end(), own.trim_end());
            let number = index + 1;
            let place = format!("row {number}, {}", line(row));
            part(number, place, content.into_bytes())
        })
        .collect())
}

fn line(row: &StringRecord) -> String {
    let line = row.position().map_or(0, csv::Position::line);
    format!("line {line}")
}

/// The header and all rows that are not blank.
fn table(text: &str) -> Result<(Header, Vec<StringRecord>), Vec<Fault>> {
    if text.matches('"').count() % 2 == 1 {
        let message = "a quotation mark that is not closed";
        let expected = "quotation marks in pairs, doubled inside a quoted cell";
        return Err(vec![Fault::new(
            "content",
            "formats.osce_quote",
            message,
            expected,
        )]);
    }
    let delimiter = delimiter(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut header = None;
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| {
            let message = text::said(&error);
            vec![Fault::new(
                "content",
                "formats.osce_csv",
                message,
                "a table in CSV",
            )]
        })?;
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        match header {
            None => header = Some(columns(&row, delimiter)?),
            Some(_) => rows.push(row),
        }
    }
    let empty = || {
        Fault::new(
            "content",
            "formats.empty",
            "no header",
            "a header and a row",
        )
    };
    Ok((header.ok_or_else(|| vec![empty()])?, rows))
}

/// The delimiter that stands most often in the first line, outside of quotation marks.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let mut quoted = false;
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    for byte in first.unwrap_or_default().bytes() {
        quoted ^= byte == b'"';
        for (known, count) in &mut counts {
            *count += u32::from(!quoted && *known == byte);
        }
    }
    let [first, rest @ ..] = counts;
    rest.into_iter()
        .fold(
            first,
            |best, next| if next.1 > best.1 { next } else { best },
        )
        .0
}

fn columns(row: &StringRecord, delimiter: u8) -> Result<Header, Vec<Fault>> {
    const EXPECTED: &str = "SMM position, Event location, Means, No., Observation, Description, \
                            Weapon, and Date, time (in one column or in two)";
    let mut faults = Vec::new();
    let mut fault = |message: String| {
        faults.push(Fault::new(
            line(row),
            "formats.osce_header",
            message,
            EXPECTED,
        ));
    };
    if row.len() > COLUMNS_MAX {
        fault(format!("{} columns, of at most {COLUMNS_MAX}", row.len()));
    }
    let mut columns: Vec<(Column, String)> = Vec::with_capacity(row.len());
    for name in row.iter().take(COLUMNS_MAX) {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let plain = plain.to_lowercase();
        let column = NAMES.iter().find(|(known, _)| *known == plain);
        let column = column.map_or(Column::Other, |(_, column)| *column);
        if column != Column::Other && columns.iter().any(|(known, _)| *known == column) {
            fault(format!("a second column {}", quoted(name)));
        }
        columns.push((column, name.trim().to_owned()));
    }
    let has = |column| columns.iter().any(|(known, _)| *known == column);
    for (column, name) in [
        (Column::Event, "Event location"),
        (Column::Observation, "Observation"),
    ] {
        if !has(column) {
            fault(format!("no column {name}"));
        }
    }
    let timed = has(Column::DateTime) || (has(Column::Date) && has(Column::Time));
    if !timed {
        fault("no column Date, time".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Header { columns, delimiter })
}

fn report(header: &Header, row: &StringRecord) -> Result<Report, Vec<Fault>> {
    if row.len() != header.columns.len() {
        let message = format!("{} cells under {} columns", row.len(), header.columns.len());
        let expected = format!(
            "a cell for each column; a cell with {} in it stands in quotation marks",
            quoted(&char::from(header.delimiter).to_string())
        );
        return Err(vec![Fault::new(
            line(row),
            "formats.osce_cells",
            message,
            expected,
        )]);
    }
    let cell = |wanted: Column| {
        let mut columns = header.columns.iter();
        let at = columns.position(|(known, _)| *known == wanted)?;
        row.get(at).map(str::trim).filter(|text| !text.is_empty())
    };
    Ok(Report {
        report_id: cell(Column::Id).unwrap_or_default().to_owned(),
        body: Some(Body::Sighting(Box::new(sighting(&cell, row)?))),
        narratives: narrative(header, row).into_iter().collect(),
        ..Report::default()
    })
}

fn sighting<'r>(
    cell: &impl Fn(Column) -> Option<&'r str>,
    row: &StringRecord,
) -> Result<Sighting, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut fault = |rule, message: String, expected: &str| {
        faults.push(Fault::new(line(row), rule, message, expected));
    };
    let position = cell(Column::Position).map(cells::position);
    let found = cells::event(cell(Column::Event), position.as_ref());
    let (location, unknown_reason) = found.unwrap_or_else(|message| {
        let expected = "a distance and a wind with an SMM position beside it, such as `2-3km NE`, \
                        or with the place behind it, such as `5km SSW of Donetsk`";
        fault("formats.osce_anchor", message, expected);
        (None, String::new())
    });
    let confidence = cell(Column::Confidence).and_then(|text| {
        let code = admiralty(text);
        if code.is_none() {
            let message = format!("confidence {} is no code", quoted(text));
            let expected = "an Admiralty code such as B2";
            fault("formats.osce_confidence", message, expected);
        }
        code
    });
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Sighting {
        origin: OWN_OBSERVATION,
        observed_from: time(cell),
        means: cell(Column::Means)
            .map(|text| list(text).map(term).collect())
            .unwrap_or_default(),
        location,
        location_unknown_reason: unknown_reason,
        observer_position: position
            .as_ref()
            .and_then(|position| position.coordinates())
            .map(degrees),
        place: position.map(|position| Place {
            name_as_reported: position.name,
            control_status_as_reported: position.control,
            ..Place::default()
        }),
        observations: vec![observation(cell)],
        confidence: confidence.map(|(source, credibility)| Confidence {
            source_reliability: source.to_owned(),
            credibility: credibility.to_owned(),
            ..Confidence::default()
        }),
        ..Sighting::default()
    })
}

fn term(text: &str) -> Term {
    Term {
        text: text.to_owned(),
        code: 0,
    }
}

/// Coordinates in brackets are degrees, latitude first, whatever the nation's own system is.
fn degrees(text: &str) -> Location {
    Location {
        text: text.to_owned(),
        reference_system: "WGS84".to_owned(),
        ..Location::default()
    }
}

fn time<'r>(cell: &impl Fn(Column) -> Option<&'r str>) -> Option<Time> {
    let text = match cell(Column::DateTime) {
        Some(text) => cells::plain(text),
        None => {
            let (date, time) = (cell(Column::Date)?, cell(Column::Time)?);
            format!("{}, {}", cells::plain(date), cells::plain(time))
        }
    };
    Some(Time {
        text,
        utc: None,
        zone: ZONE.to_owned(),
    })
}

fn observation<'r>(cell: &impl Fn(Column) -> Option<&'r str>) -> Observation {
    let described = cells::description(cell(Column::Description).unwrap_or_default());
    let kind = cell(Column::Observation).map(term);
    let assessed = described.assessed;
    Observation {
        // An explosion in the air is an observation of its own, not a phase.
        kind: described.airburst.map(term).or(kind),
        count: cell(Column::Number)
            .filter(|text| !cells::says_nothing(text))
            .map(|text| Count {
                text: text.to_owned(),
                ..Count::default()
            }),
        count_basis: INDIVIDUAL,
        phase: described.phase.map(|text| Term { text, code: 0 }),
        direction_from: described.from.map(cells::bearing),
        direction_to: described.to.map(cells::bearing),
        weapon: cell(Column::Weapon)
            .filter(|text| !cells::is_dash(text))
            .map(|text| Weapon {
                text: text.to_owned(),
                assessed,
                ..Weapon::default()
            }),
        ..Observation::default()
    }
}

/// Cells of columns that no field takes.
fn narrative(header: &Header, row: &StringRecord) -> Option<Narrative> {
    let told = header.columns.iter().zip(row.iter());
    let told = told.filter_map(|((column, name), cell)| {
        let cell = cell.trim();
        let kept = *column == Column::Other && !cell.is_empty();
        kept.then(|| format!("{name}: {cell}"))
    });
    let text = told.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then(|| Narrative {
        lang: "en".to_owned(),
        text,
        is_authoritative: true,
        is_machine_translation: false,
    })
}
