//! Confidentiality labels of STANAG 4774 (ADatP-4774): XML to what it says, and back. Reads
//! nothing but a label: no document type, no entities of its own, no other elements.
//!
//! Under the NATO policy the members are implied and `Releasable To` names only others. A list
//! that is narrower than NATO therefore names members too, and a label that names a member is
//! taken as it stands. Invariant: no label releases to more nations than the record does.

use crate::record::{Level, Marking};
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Namespace of the label.
const NAMESPACE: &str = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0";

/// Longest label, bytes.
pub(super) const BYTES_MAX: usize = 16 * 1_024;

/// Most values of all categories of one label.
const VALUES_MAX: usize = 400;

/// Deepest element of a label: label, information, category, value.
const DEPTH_MAX: usize = 4;

/// The tag of the nations that a label releases to.
const RELEASABLE_TO: &str = "Releasable To";

/// The tag of categories of which a reader must hold all.
const SPECIAL: &str = "Special Category Designators";

/// What a label says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) policy: String,
    pub(super) classification: String,
    pub(super) releasable_to: Vec<String>,
    pub(super) special: Vec<String>,
}

/// Whether a marking is written as a label.
pub(super) fn is_label(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// Reads a label.
///
/// # Errors
/// Why it is none.
pub(super) fn read(xml: &str) -> Result<Label, String> {
    if xml.len() > BYTES_MAX {
        return Err(format!("{} bytes, at most {BYTES_MAX}", xml.len()));
    }
    let mut reader = NsReader::from_str(xml.trim());
    let mut reading = Reading::default();
    loop {
        let (resolved, event) = reader
            .read_resolved_event()
            .map_err(|error| format!("no well-formed XML: {error}"))?;
        let ours = matches!(resolved, ResolveResult::Bound(Namespace(name)) if name == NAMESPACE);
        match event {
            Event::Start(element) => reading.open(&element, ours)?,
            Event::Empty(element) => {
                reading.open(&element, ours)?;
                reading.close()?;
            }
            Event::End(_) => reading.close()?,
            Event::Text(text) => reading.text.push_str(&text),
            Event::CData(text) => reading.text.push_str(&text),
            Event::GeneralRef(name) => reading.reference(&name)?,
            Event::Decl(_) | Event::Comment(_) => {}
            Event::DocType(_) => return Err("a document type is not allowed".to_owned()),
            Event::PI(_) => return Err("a processing instruction is not allowed".to_owned()),
            Event::Eof => break,
        }
    }
    reading.finish()
}

/// What is open, and what was read.
#[derive(Default)]
struct Reading {
    path: Vec<String>,
    text: String,
    label: Label,
    tag: String,
    kind: String,
    values: usize,
    complete: bool,
}

impl Reading {
    fn open(&mut self, element: &BytesStart<'_>, ours: bool) -> Result<(), String> {
        let name = element.local_name().as_ref().to_owned();
        if !ours {
            return Err(format!("the element {name} is not of {NAMESPACE}"));
        }
        self.path.push(name);
        self.text.clear();
        if self.path.len() > DEPTH_MAX {
            return Err("the elements are too deep".to_owned());
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            // Both spellings occur.
            ["originatorConfidentialityLabel" | "OriginatorConfidentialityLabel"] => {
                if self.complete {
                    return Err("there are two labels".to_owned());
                }
            }
            [_, "ConfidentialityInformation" | "CreationDateTime"]
            | [
                _,
                "ConfidentialityInformation",
                "PolicyIdentifier" | "Classification" | "PrivacyMark",
            ]
            | [_, "ConfidentialityInformation", "Category", "GenericValue"] => {}
            [_, "ConfidentialityInformation", "Category"] => {
                self.tag = attribute(element, "TagName")?;
                self.kind = attribute(element, "Type")?;
            }
            other => return Err(format!("the element {} is not known", other.join("/"))),
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.text).trim().to_owned();
        match self.path.pop().as_deref() {
            Some("PolicyIdentifier") => once(&mut self.label.policy, text, "PolicyIdentifier")?,
            Some("Classification") => {
                once(&mut self.label.classification, text, "Classification")?;
            }
            Some("GenericValue") => self.value(text)?,
            _ => {}
        }
        self.complete |= self.path.is_empty();
        Ok(())
    }

    /// One value of a category: restrictive ones bind, whatever their tag; a permissive one is
    /// understood only where it names nations; an informative one says nothing.
    fn value(&mut self, text: String) -> Result<(), String> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values"));
        }
        match (self.kind.as_str(), self.tag.as_str()) {
            ("RESTRICTIVE", _) => self.label.special.push(text),
            ("PERMISSIVE", RELEASABLE_TO) => self.label.releasable_to.push(text),
            ("INFORMATIVE", _) => {}
            (kind, tag) => return Err(format!("the category {tag} of type {kind} is not known")),
        }
        Ok(())
    }

    fn reference(&mut self, name: &quick_xml::events::BytesRef<'_>) -> Result<(), String> {
        let known = match name.resolve_char_ref() {
            Ok(Some(c)) => Some(c),
            Ok(None) => match &**name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                _ => None,
            },
            Err(_) => None,
        };
        self.text
            .push(known.ok_or_else(|| format!("the entity {} is not allowed", &**name))?);
        Ok(())
    }

    fn finish(self) -> Result<Label, String> {
        if !self.complete || !self.path.is_empty() {
            return Err("the label is not complete".to_owned());
        }
        for (name, text) in [
            ("PolicyIdentifier", &self.label.policy),
            ("Classification", &self.label.classification),
        ] {
            if text.is_empty() {
                return Err(format!("{name} is missing"));
            }
        }
        Ok(self.label)
    }
}

fn once(field: &mut String, text: String, name: &str) -> Result<(), String> {
    if !field.is_empty() {
        return Err(format!("{name} is there twice"));
    }
    *field = text;
    Ok(())
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<String, String> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| format!("an attribute is broken: {error}"))?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let value = value.map_err(|error| format!("the attribute {name}: {error}"))?;
            return Ok(value.into_owned());
        }
    }
    Err(format!("a Category has no {name}"))
}

/// A record's marking as a label; `originator` is its nation, `created` an RFC 3339 time, and
/// `nato` the members of NATO by the gateway's rules.
///
/// # Errors
/// Why the label would release to more nations than the record does.
pub(super) fn write(
    marking: &Marking,
    originator: &str,
    created: &str,
    nato: &BTreeSet<&str>,
) -> Result<String, String> {
    let mut nations: BTreeSet<&str> = marking.releasable_to.iter().map(String::as_str).collect();
    nations.insert(originator);
    let mut narrower = false;
    if marking.policy == "NATO" {
        if nato.is_subset(&nations) {
            nations = nations.difference(nato).copied().collect();
        } else if nations.is_disjoint(nato) {
            let named: Vec<_> = nations.into_iter().collect();
            return Err(format!(
                "a label of the NATO policy cannot release to {} alone: it names no member, and \
                 so releases to all of them",
                named.join(", ")
            ));
        } else {
            narrower = true;
        }
    }
    let classification = classification(marking);
    let mut xml = format!(
        "<slab:originatorConfidentialityLabel xmlns:slab=\"{NAMESPACE}\">\
         <slab:ConfidentialityInformation>\
         <slab:PolicyIdentifier>{}</slab:PolicyIdentifier>\
         <slab:Classification>{}</slab:Classification>",
        escape(&*marking.policy),
        escape(&classification),
    );
    if narrower {
        let named: Vec<_> = nations.iter().copied().collect();
        // Writing to a String cannot fail.
        let _ = write!(
            xml,
            "<slab:PrivacyMark>RELEASABLE ONLY TO {}</slab:PrivacyMark>",
            named.join(", ")
        );
    }
    let special = marking.special.iter().map(String::as_str);
    category(SPECIAL, "RESTRICTIVE", special, &mut xml);
    category(RELEASABLE_TO, "PERMISSIVE", nations.into_iter(), &mut xml);
    let _ = write!(
        xml,
        "</slab:ConfidentialityInformation>\
         <slab:CreationDateTime>{created}</slab:CreationDateTime>\
         </slab:originatorConfidentialityLabel>"
    );
    Ok(xml)
}

fn category<'v>(tag: &str, kind: &str, values: impl Iterator<Item = &'v str>, xml: &mut String) {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return;
    }
    let _ = write!(xml, "<slab:Category TagName=\"{tag}\" Type=\"{kind}\">");
    for value in values {
        let value = escape(value);
        let _ = write!(xml, "<slab:GenericValue>{value}</slab:GenericValue>");
    }
    xml.push_str("</slab:Category>");
}

/// The name of the level in the policy: NATO's as in its SPIF, the EU's as in its agreement, a
/// nation's as it wrote it.
fn classification(marking: &Marking) -> String {
    let name = match (&*marking.policy, marking.level) {
        ("EU", Level::TopSecret) => "TRES SECRET UE/EU TOP SECRET",
        ("EU", Level::Secret) => "SECRET UE/EU SECRET",
        ("EU", Level::Confidential) => "CONFIDENTIEL UE/EU CONFIDENTIAL",
        ("EU", Level::Restricted) => "RESTREINT UE/EU RESTRICTED",
        (_, Level::TopSecret) => "TOP SECRET",
        (_, Level::Secret) => "SECRET",
        (_, Level::Confidential) => "CONFIDENTIAL",
        (_, Level::Restricted) => "RESTRICTED",
        (_, Level::Unclassified) => "UNCLASSIFIED",
    };
    if matches!(&*marking.policy, "NATO" | "EU") {
        return name.to_owned();
    }
    let written = marking.originator_marking.trim();
    match read(written) {
        Ok(label) => label.classification,
        Err(_) => {
            let head = written.split("//").next().unwrap_or_default();
            head.trim().to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
