//! Which name was meant by a misspelt one, and lists of names for a message. Knows no JSON.

use prost_reflect::EnumDescriptor;

/// Most names that a message lists.
const NAMES_MAX: usize = 40;
/// Longest text that is compared, characters; nobody misspells a name at such length.
const COMPARED_CHARS_MAX: usize = 120;

pub(super) fn listed(names: &[String]) -> String {
    let mut out = names
        .iter()
        .take(NAMES_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMES_MAX {
        out.push_str(", …");
    }
    out
}

/// The value that was meant by `explosion`, `EXPLOSION` or `OBSERVATION_TYPE_EXPLOSIONS`.
pub(super) fn code_meant<'a>(
    codes: &EnumDescriptor,
    text: &str,
    names: &'a [String],
) -> Option<&'a String> {
    let wanted = text.trim().to_uppercase().replace([' ', '-'], "_");
    let prefix = names
        .first()
        .and_then(|name| name.strip_suffix("UNSPECIFIED"))
        .unwrap_or_else(|| codes.name());
    let bare = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    names
        .iter()
        .find(|name| bare(name).is_some_and(|bare| bare == wanted))
        .or_else(|| nearest(&wanted, names))
        .or_else(|| nearest(&format!("{prefix}{wanted}"), names))
}

/// The name that is nearest to a misspelt one, if any is near.
pub(super) fn nearest<'a>(wanted: &str, names: &'a [String]) -> Option<&'a String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(wanted);
    if wanted.chars().count() > COMPARED_CHARS_MAX {
        return None;
    }
    names
        .iter()
        .map(|name| (distance(&wanted, &plain(name)), name))
        .filter(|(distance, name)| *distance <= name.chars().count() / 4 + 1)
        .filter(|(distance, _)| *distance < wanted.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(from != *to);
            left = replaced.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
