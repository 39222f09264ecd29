//! Bounds on what a report may hold. All of them in one place, so that a reader of the contract
//! can find them; each is far above what an honest report needs.

use super::notes::{Notes, Rule};

static TEXT_TOO_LONG: Rule = Rule::new(
    "bounds.text_too_long",
    "every text of a report is bounded",
    "design.md",
);
static LIST_TOO_LONG: Rule = Rule::new(
    "bounds.list_too_long",
    "every list of a report is bounded",
    "design.md",
);

/// Longest report id, bytes.
pub const REPORT_ID_BYTES_MAX: usize = 128;
/// Whether something may be a report id.
#[must_use]
pub fn is_report_id(id: &str) -> bool {
    (1..=REPORT_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// Highest revision. Some forms count seconds (`formats/cot/event.rs`), so it is far away; what
/// is above is a sentinel.
pub const REVISION_MAX: u32 = 4_000_000_000;

/// Highest number of a report in its system's count.
pub const SEQUENCE_MAX: u64 = i64::MAX.cast_unsigned();
/// Longest word, name, code, coordinate or other line, bytes.
pub const LINE_BYTES_MAX: usize = 512;
/// Longest note, bytes.
pub const NOTE_BYTES_MAX: usize = 4_096;
/// Longest narrative, bytes.
pub const NARRATIVE_BYTES_MAX: usize = 65_536;
/// Longest address of evidence, bytes.
pub const URI_BYTES_MAX: usize = 2_048;
/// Longest media type (RFC 6838), bytes.
pub const MEDIA_TYPE_BYTES_MAX: usize = 255;
/// Longest language tag that is taken, bytes.
pub const LANG_BYTES_MAX: usize = 35;
/// Most means of observation in a sighting.
pub const MEANS_MAX: usize = 16;
/// Most observations in a sighting.
pub const OBSERVATIONS_MAX: usize = 200;
/// Most lines of casualties in a sighting.
pub const CASUALTIES_MAX: usize = 16;
/// Most narratives in a report.
pub const NARRATIVES_MAX: usize = 16;
/// Most pieces of evidence in a report.
pub const EVIDENCE_MAX: usize = 64;

/// Whether a text fits; if not, says so.
pub fn text(text: &str, bytes_max: usize, field: &str, notes: &mut Notes) -> bool {
    let fits = text.len() <= bytes_max;
    if !fits {
        let message = format!("{} bytes are too long", text.len());
        notes.violate(
            field,
            &TEXT_TOO_LONG,
            message,
            format!("at most {bytes_max} bytes"),
        );
    }
    fits
}

/// Whether a list fits; if not, says so.
pub fn list(len: usize, max: usize, field: &str, notes: &mut Notes) -> bool {
    let fits = len <= max;
    if !fits {
        let message = format!("{len} entries are too many");
        notes.violate(field, &LIST_TOO_LONG, message, format!("at most {max}"));
    }
    fits
}
