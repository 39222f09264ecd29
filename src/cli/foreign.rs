//! Text of strangers on our terminal. Reports, names and messages come from other systems;
//! what a terminal would act upon is escaped before a person sees it.

use std::borrow::Cow;

/// The text without anything that a terminal acts upon, and without a way to turn the
/// direction of writing.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn acts(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_upon_is_escaped() {
        assert_eq!(harmless("Авдіївка 5 km"), "Авдіївка 5 km");
        assert_eq!(
            harmless("a\u{1b}[2Jb\n\u{202e}"),
            "a\\u{1b}[2Jb\\n\\u{202e}"
        );
    }
}
