//! Payloads made to hurt or made by mistake: each is refused with a rule and a place, never by
//! a panic, and before it can cost much.

use crate::cot::MORTAR;
use crate::support::{COT, GEOJSON, SITREP, judge, refused};
use entente::formats::{self, PAYLOAD_BYTES_MAX};
use std::fmt::Write as _;

/// The only violation.
fn only(media_type: &str, content: impl AsRef<[u8]>) -> (String, &'static str) {
    let mut found = refused(judge("GBR", media_type, content.as_ref()));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn at(place: &str, rule: &'static str) -> (String, &'static str) {
    (place.to_owned(), rule)
}

#[test]
fn a_billion_laughs_are_not_read() {
    let mut bomb = String::from("<?xml version='1.0'?>\n<!DOCTYPE event [<!ENTITY a0 'ha'>");
    for level in 1..10 {
        let previous = format!("&a{};", level - 1).repeat(10);
        write!(bomb, "<!ENTITY a{level} '{previous}'>").unwrap();
    }
    bomb.push_str("]><event>&a9;</event>");
    assert_eq!(
        only(COT, &bomb),
        at("line 2, column 1", "formats.xml_doctype")
    );
    assert_eq!(
        only(SITREP, &bomb),
        at("line 2, column 1", "formats.xml_doctype")
    );
    let external = "<!DOCTYPE event SYSTEM 'file:///etc/passwd'><event/>";
    assert_eq!(only(COT, external).1, "formats.xml_doctype");
    for reference in ["<event>&a9;</event>", "<event a='&a9;'/>"] {
        assert_eq!(only(COT, reference).1, "formats.xml_entity", "{reference}");
    }
}

#[test]
fn depth_and_numbers_of_elements_and_attributes_are_bounded() {
    let deep = format!("<event>{}", "<a>".repeat(5_000));
    assert_eq!(
        only(COT, deep),
        at("line 1, column 101", "formats.xml_depth")
    );
    let many = format!("<event>{}</event>", "<a/>".repeat(10_000));
    assert_eq!(only(COT, many).1, "formats.xml_elements");
    let mut wide = String::from("<event");
    for number in 0..5_000 {
        write!(wide, " a{number}=''").unwrap();
    }
    wide.push_str("/>");
    assert_eq!(
        only(COT, wide),
        at("line 1, column 1", "formats.xml_attributes")
    );
    let long = format!("<event a='{}'/>", "x".repeat(60_000));
    assert_eq!(only(COT, long).1, "formats.xml_attribute_long");
}

#[test]
fn xml_that_is_not_well_formed_is_refused_with_its_place() {
    for (xml, place, rule) in [
        (
            "<event a='1' a='2'/>",
            "line 1, column 1",
            "formats.xml_attribute_twice",
        ),
        ("<event a=1/>", "line 1, column 1", "formats.xml_syntax"),
        ("<event a/>", "line 1, column 1", "formats.xml_syntax"),
        (
            "<event>\n <point>",
            "line 2, column 2",
            "formats.xml_syntax",
        ),
        (
            "<event>\n</point>",
            "line 2, column 1",
            "formats.xml_syntax",
        ),
        (
            "<event></event>\n<event/>",
            "line 2, column 1",
            "formats.xml_roots",
        ),
        ("<event/>x", "line 1, column 9", "formats.xml_syntax"),
        ("x<event/>", "line 1, column 1", "formats.xml_syntax"),
        ("<!-- a -->", "line 1, column 11", "formats.xml_syntax"),
        (
            "<event>&#0;</event>",
            "line 1, column 8",
            "formats.xml_entity",
        ),
        (
            "<event>&#1;</event>",
            "line 1, column 8",
            "formats.xml_character",
        ),
        (
            "<event>\u{1}</event>",
            "line 1, column 8",
            "formats.xml_character",
        ),
        (
            "<event a='&#1;'/>",
            "line 1, column 1",
            "formats.xml_character",
        ),
    ] {
        assert_eq!(only(COT, xml), at(place, rule), "{xml}");
    }
    assert_eq!(only(COT, "<event a='1/>").1, "formats.xml_syntax");
}

#[test]
fn other_encodings_are_refused_by_name() {
    let declared = |encoding: &str| MORTAR.replacen("UTF-8", encoding, 1);
    for encoding in ["ISO-8859-1", "UTF-16", "windows-1251", "utf-7", ""] {
        assert_eq!(
            only(COT, declared(encoding)),
            at("line 1, column 1", "formats.xml_encoding"),
            "{encoding}"
        );
    }
    let found = judge("GBR", COT, declared("windows-1251")).unwrap_err();
    assert_eq!(found.list[0].message, "declared as `windows-1251`");
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(MORTAR.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = judge("GBR", COT, &utf16).unwrap_err();
    assert_eq!(found.list[0].rule, "formats.not_utf8");
    assert_eq!(found.list[0].message, "UTF-16, by its byte order mark");
    let latin: Vec<u8> = MORTAR
        .replace("W.7", "Z\u{fc}rich")
        .chars()
        .map(|c| c as u8)
        .collect();
    assert_eq!(only(COT, latin), at("content", "formats.not_utf8"));
}

#[test]
fn size_is_bounded_before_anything_is_read() {
    for media_type in formats::media_types() {
        let large = vec![b'<'; PAYLOAD_BYTES_MAX + 1];
        assert_eq!(
            only(media_type, large),
            at("content", "formats.too_large"),
            "{media_type}"
        );
        assert_eq!(
            only(media_type, " \r\n "),
            at("content", "formats.empty"),
            "{media_type}"
        );
    }
}

#[test]
fn a_byte_order_mark_of_utf_8_is_no_fault() {
    let marked = format!("\u{feff}{}", MORTAR.replace(" opex=\"e-TEST\"", ""));
    judge("GBR", COT, marked).expect("a record");
}

#[test]
fn faults_are_bounded_too() {
    let keys: Vec<_> = (0..900)
        .map(|number| format!(r#"{{"type": {{}}, "k{number}": 1}}"#))
        .collect();
    let text = format!(
        r#"{{"type": "Feature", "geometry": null, "properties": {{"observations": [{}]}}}}"#,
        keys[..150].join(",")
    );
    let violations = judge("GBR", GEOJSON, text).unwrap_err();
    assert_eq!(violations.list.len(), 100);
}

#[test]
fn messages_repeat_no_more_of_a_payload_than_helps() {
    let name = "x".repeat(30_000);
    for (media_type, content) in [
        (COT, format!("<{name}>")),
        (COT, format!("<{name}></{name}y>")),
        (COT, format!("<{name}/>")),
        (COT, format!("<event a='&{name};'/>")),
        (COT, format!("<event>&{name};</event>")),
        (GEOJSON, format!(r#"{{"type": "{name}"}}"#)),
        (GEOJSON, format!(r#"{{"{name}": 1, "{name}": 2}}"#)),
        (
            GEOJSON,
            format!(
                r#"{{"type": "Feature", "properties": {{"observations": [{{"{name}": 1}}]}}}}"#
            ),
        ),
    ] {
        let violations = judge("GBR", media_type, &content).unwrap_err();
        for violation in &violations.list {
            let told = violation.field.len() + violation.message.len() + violation.expected.len();
            assert!(told < 1_000, "{}", violation.rule);
        }
        for fault in formats::split(media_type, content.as_bytes())
            .err()
            .iter()
            .flatten()
        {
            assert!(fault.place.len() + fault.message.len() < 1_000);
        }
    }
}
