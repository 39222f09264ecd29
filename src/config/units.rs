//! Sizes and durations as people write them: a whole number and a unit.

use std::time::Duration;

const BYTE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// `256MiB`, `64KiB`, `1GiB`, `512B`.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    let (unit, factor) = BYTE_UNITS
        .into_iter()
        .find(|(unit, _)| text.ends_with(unit))?;
    text.strip_suffix(unit)?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(factor)
}

pub(super) fn show_bytes(bytes: u64) -> String {
    let (unit, factor) = BYTE_UNITS
        .into_iter()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor))
        .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / factor)
}

const TIME_UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// `250ms`, `5s`, `2m`, `1h`, `7d`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    // `ms` stands first, so that `5ms` is not read as metres or seconds.
    let (unit, factor) = TIME_UNITS
        .into_iter()
        .find(|(unit, _)| text.ends_with(unit))?;
    let count = text.strip_suffix(unit)?.trim().parse::<u64>().ok()?;
    Some(Duration::from_millis(count.checked_mul(factor)?))
}

pub(super) fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, factor) = TIME_UNITS
        .into_iter()
        .rev()
        .find(|(_, factor)| millis >= *factor && millis.is_multiple_of(*factor))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", millis / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_and_shown() {
        for (text, bytes) in [
            ("256MiB", 256 << 20),
            ("64KiB", 65_536),
            ("7B", 7),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes));
            assert_eq!(show_bytes(bytes), text);
        }
        for (text, millis) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("2m", 120_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)));
            assert_eq!(show_duration(Duration::from_millis(millis)), text);
        }
        for bad in ["", "5", "MiB", "-1s", "99999999999999999999s", "1.5s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
            assert_eq!(parse_bytes(bad), None, "{bad}");
        }
    }
}
