//! A STANAG 4774 confidentiality label inside XML, to a marking in the sender's words. Tolerant
//! as labels in the wild need it: any prefix, a capital or small first letter, the policy's name
//! in the classification or not. What it cannot tell becomes a marking that nobody knows, which
//! is refused later: never a lower one.

use super::Fault;
use super::text::quoted;
use super::xml::Element;
use crate::report::Marking;

const LABEL: &str = "originatorConfidentialityLabel";

/// The label inside an element, or itself; `None` where there is none.
pub(super) fn find(within: Element<'_>) -> Result<Option<Marking>, Fault> {
    let mut labels = within
        .descendants()
        .filter(|element| element.name().eq_ignore_ascii_case(LABEL));
    let Some(label) = labels.next() else {
        return Ok(None);
    };
    if let Some(second) = labels.next() {
        let expected = "one label of the originator for one report";
        return Err(second.fault("formats.label_twice", "a second label", expected));
    }
    read(label).map(Some)
}

fn read(label: Element<'_>) -> Result<Marking, Fault> {
    let information = label.child("ConfidentialityInformation");
    let policy = information.and_then(|part| part.child_text("PolicyIdentifier"));
    let classification = information.and_then(|part| part.child_text("Classification"));
    let (Some(information), Some(policy), Some(classification)) =
        (information, policy, classification)
    else {
        let message = "a label without policy or classification";
        let expected = "ConfidentialityInformation with PolicyIdentifier and Classification";
        return Err(label.fault("formats.label_incomplete", message, expected));
    };
    let mut marking = Marking {
        text: text(policy, classification),
        ..Marking::default()
    };
    let narrowed = information.children().any(|part| {
        let mark = part.text().trim().to_ascii_uppercase();
        part.name() == "PrivacyMark" && mark.starts_with("RELEASABLE ONLY TO")
    });
    if policy.eq_ignore_ascii_case("NATO") && !narrowed {
        // Its members are implicit in its policy; the list names only those beside them, unless
        // a mark says that the list is all, as in the labels that Entente writes.
        marking.releasable_to.push("NATO".to_owned());
    }
    for category in information.children() {
        if category.name() == "Category" {
            take(category, &mut marking)?;
        }
    }
    Ok(marking)
}

/// `NATO RESTRICTED`, whether the classification says `RESTRICTED` or `NATO RESTRICTED`.
fn text(policy: &str, classification: &str) -> String {
    let head = classification.get(..policy.len());
    let named = head.is_some_and(|head| head.eq_ignore_ascii_case(policy));
    if named {
        classification.to_owned()
    } else {
        format!("{policy} {classification}")
    }
}

/// A permissive category is a list of readers, a restrictive one a list of what each must hold.
fn take(category: Element<'_>, marking: &mut Marking) -> Result<(), Fault> {
    let kind = category
        .attribute("Type")
        .unwrap_or_default()
        .to_ascii_uppercase();
    let tag = category.attribute("TagName").unwrap_or_default();
    let values = category
        .children()
        .filter(|value| value.name() == "GenericValue")
        .map(|value| value.text().to_owned());
    match kind.as_str() {
        "PERMISSIVE" if tag.eq_ignore_ascii_case("Releasable To") => {
            marking.releasable_to.extend(values);
        }
        "RESTRICTIVE" => marking.special.extend(values),
        "INFORMATIVE" => {}
        _ => {
            let message = format!(
                "a category {} of type {} is not understood",
                quoted(tag),
                quoted(&kind)
            );
            let expected = "RESTRICTIVE, INFORMATIVE, or PERMISSIVE with TagName `Releasable To`";
            return Err(category.fault("formats.label_category", message, expected));
        }
    }
    Ok(())
}
