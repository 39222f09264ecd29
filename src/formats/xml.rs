//! XML, hardened: a small tree of names, attributes and text, of local names only, because
//! partners choose their prefixes freely. No document type, no entities but the five of XML,
//! UTF-8 only; depth, elements and attributes are bounded. One fault ends the reading.

use super::Fault;
use super::text::{line_and_column, named, quoted, said};
use quick_xml::XmlVersion;
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use std::ops::Range;

/// Deepest nesting.
pub(super) const DEPTH_MAX: usize = 32;
/// Most elements.
pub(super) const ELEMENTS_MAX: usize = 4_000;
/// Most attributes of one element.
pub(super) const ATTRIBUTES_MAX: usize = 64;
/// Longest value of an attribute, bytes.
pub(super) const VALUE_BYTES_MAX: usize = 8 * 1_024;

/// A document that was read whole.
#[derive(Debug)]
pub(super) struct Document<'t> {
    source: &'t str,
    /// All names, values and texts, one behind the other.
    texts: String,
    nodes: Vec<Node>,
    attributes: Vec<(Range<usize>, Range<usize>)>,
}

#[derive(Debug)]
struct Node {
    name: Range<usize>,
    attributes: Range<usize>,
    /// The text directly inside, in one piece.
    text: Range<usize>,
    /// Index behind the last node inside.
    end: usize,
    /// Byte of the source where it begins.
    at: usize,
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    document: &'d Document<'d>,
    index: usize,
}

impl<'d> Element<'d> {
    fn node(self) -> Option<&'d Node> {
        self.document.nodes.get(self.index)
    }

    fn slice(self, range: Option<&Range<usize>>) -> &'d str {
        let range = range.cloned().unwrap_or_default();
        self.document.texts.get(range).unwrap_or_default()
    }

    /// Its local name.
    pub(super) fn name(self) -> &'d str {
        self.slice(self.node().map(|node| &node.name))
    }

    /// The text directly inside, without blanks around it.
    pub(super) fn text(self) -> &'d str {
        self.slice(self.node().map(|node| &node.text)).trim()
    }

    /// The value of an attribute, by its local name.
    pub(super) fn attribute(self, name: &str) -> Option<&'d str> {
        let range = self.node()?.attributes.clone();
        let mut attributes = self.document.attributes.get(range)?.iter();
        let found = attributes.find(|(key, _)| self.slice(Some(key)) == name)?;
        Some(self.slice(Some(&found.1)))
    }

    /// The elements directly inside.
    pub(super) fn children(self) -> impl Iterator<Item = Self> {
        let document = self.document;
        let end = self.node().map_or(0, |node| node.end);
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let index = next;
            let node = document.nodes.get(index).filter(|_| index < end)?;
            next = node.end.max(index + 1);
            Some(Self { document, index })
        })
    }

    /// The first element directly inside with that name.
    pub(super) fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.name() == name)
    }

    /// The text of the first element directly inside with that name; `None` where it is empty.
    pub(super) fn child_text(self, name: &str) -> Option<&'d str> {
        let text = self.child(name)?.text();
        (!text.is_empty()).then_some(text)
    }

    /// All elements inside, in the order of the document, and itself first.
    pub(super) fn descendants(self) -> impl Iterator<Item = Self> {
        let document = self.document;
        let end = self.node().map_or(0, |node| node.end);
        (self.index..end).map(move |index| Self { document, index })
    }

    /// Where it stands, for people.
    pub(super) fn place(self) -> String {
        let at = self.node().map_or(0, |node| node.at);
        let place = line_and_column(self.document.source, at);
        format!("{place} ({})", named(self.name()))
    }

    /// A fault of this element.
    pub(super) fn fault(
        self,
        rule: &'static str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Fault {
        Fault::new(self.place(), rule, message, expected)
    }
}

impl Document<'_> {
    /// The outermost element.
    pub(super) fn root(&self) -> Element<'_> {
        Element {
            document: self,
            index: 0,
        }
    }
}

/// Reads a document.
pub(super) fn parse(source: &str) -> Result<Document<'_>, Fault> {
    read(source, None)
}

/// Reads elements one behind the other, as the children of an element of that name.
pub(super) fn fragment<'t>(source: &'t str, name: &str) -> Result<Document<'t>, Fault> {
    read(source, Some(name))
}

fn read<'t>(source: &'t str, around: Option<&str>) -> Result<Document<'t>, Fault> {
    if let Some(at) = source.as_bytes().iter().position(forbidden) {
        let place = line_and_column(source, at);
        return Err(character(place));
    }
    let mut builder = Builder {
        reader: Reader::from_str(source),
        open: Vec::with_capacity(8),
        pieces: Vec::new(),
        at: 0,
        around: usize::from(around.is_some()),
        document: Document {
            source,
            texts: String::with_capacity(source.len()),
            nodes: Vec::with_capacity(16),
            attributes: Vec::with_capacity(32),
        },
    };
    if let Some(name) = around {
        builder.enter(name, 0);
    }
    while builder.step()? {}
    Ok(builder.document)
}

/// Whether a byte is a control character that XML 1.0 does not allow.
fn forbidden(byte: &u8) -> bool {
    *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

fn character(place: String) -> Fault {
    Fault::new(
        place,
        "formats.xml_character",
        "a control character",
        "the characters that XML 1.0 allows",
    )
}

/// The document while it is read.
struct Builder<'t> {
    reader: Reader<&'t [u8]>,
    /// Indices of the elements that are open.
    open: Vec<usize>,
    /// Texts inside them, which must not lie between other texts before they are whole.
    pieces: Vec<String>,
    /// Byte where the present event begins.
    at: usize,
    /// Elements that stand around the source and not in it: none or one.
    around: usize,
    document: Document<'t>,
}

impl Builder<'_> {
    /// Takes one event; `false` at the end.
    fn step(&mut self) -> Result<bool, Fault> {
        self.at = position(self.reader.buffer_position());
        let event = self.reader.read_event().map_err(|error| {
            let at = position(self.reader.error_position());
            let place = line_and_column(self.document.source, at);
            Fault::new(place, "formats.xml_syntax", said(&error), "well-formed XML")
        })?;
        match event {
            Event::Start(start) => self.start(&start)?,
            Event::Empty(start) => {
                self.start(&start)?;
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content())?,
            Event::CData(text) => self.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => self.reference(&reference)?,
            Event::Decl(declaration) => self.declaration(&declaration)?,
            Event::DocType(_) => {
                let message = "a document type declaration";
                let expected = "XML without DOCTYPE: it is never read, because it can be a bomb";
                return Err(self.fault("formats.xml_doctype", message, expected));
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return self.finish(),
        }
        Ok(true)
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        if self.open.is_empty() && !self.document.nodes.is_empty() {
            let message = format!("{} behind the end", quoted(local(start.name().as_ref())));
            return Err(self.fault("formats.xml_roots", message, "one outermost element"));
        }
        if self.open.len() >= DEPTH_MAX {
            let message = "elements are nested too deep";
            let expected = format!("at most {DEPTH_MAX} elements inside each other");
            return Err(self.fault("formats.xml_depth", message, expected));
        }
        if self.document.nodes.len() >= ELEMENTS_MAX {
            let expected = format!("at most {ELEMENTS_MAX} elements");
            return Err(self.fault("formats.xml_elements", "too many elements", expected));
        }
        let first = self.document.attributes.len();
        for (number, attribute) in start.attributes().enumerate() {
            if number >= ATTRIBUTES_MAX {
                let expected = format!("at most {ATTRIBUTES_MAX} attributes of one element");
                return Err(self.fault("formats.xml_attributes", "too many attributes", expected));
            }
            let attribute = attribute.map_err(|error| self.attribute_fault(&error))?;
            let key = local(attribute.key.as_ref());
            if attribute.value.len() > VALUE_BYTES_MAX {
                let message = format!("{} is too long", quoted(key));
                let expected = format!("at most {VALUE_BYTES_MAX} bytes in an attribute");
                return Err(self.fault("formats.xml_attribute_long", message, expected));
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| {
                    let message = format!("{}: {}", quoted(key), said(&error));
                    self.fault("formats.xml_entity", message, ENTITIES)
                })?;
            if value.bytes().any(|byte| forbidden(&byte)) {
                return Err(character(self.place()));
            }
            // `xmlns:x` would hide an attribute `x`, and nothing asks for it.
            if attribute.key.as_ref().starts_with("xmlns") {
                continue;
            }
            let pair = (self.keep(key), self.keep(&value));
            self.document.attributes.push(pair);
        }
        self.enter(local(start.name().as_ref()), first);
        Ok(())
    }

    /// An element, whose attributes begin with that one.
    fn enter(&mut self, name: &str, first: usize) {
        let node = Node {
            name: self.keep(name),
            attributes: first..self.document.attributes.len(),
            text: 0..0,
            end: 0,
            at: self.at,
        };
        self.open.push(self.document.nodes.len());
        self.pieces.push(String::new());
        self.document.nodes.push(node);
    }

    fn end(&mut self) {
        let (Some(index), Some(text)) = (self.open.pop(), self.pieces.pop()) else {
            return;
        };
        let text = self.keep(&text);
        let end = self.document.nodes.len();
        if let Some(node) = self.document.nodes.get_mut(index) {
            node.text = text;
            node.end = end;
        }
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.document.texts.len();
        self.document.texts.push_str(text);
        start..self.document.texts.len()
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        match self.pieces.last_mut() {
            Some(piece) => {
                // Blanks between elements say nothing.
                if !piece.is_empty() || !text.trim().is_empty() {
                    piece.push_str(text);
                }
                Ok(())
            }
            None if text.trim().is_empty() => Ok(()),
            None => {
                let message = format!("text outside of any element: {}", quoted(text.trim()));
                Err(self.fault("formats.xml_syntax", message, "well-formed XML"))
            }
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Fault> {
        let name: &str = reference;
        let unknown = |builder: &Self| {
            let message = format!("{} is no entity of XML", quoted(name));
            builder.fault("formats.xml_entity", message, ENTITIES)
        };
        let c = match reference.resolve_char_ref() {
            Ok(Some(c)) if c >= ' ' || matches!(c, '\t' | '\n' | '\r') => c,
            Ok(Some(_)) => return Err(character(self.place())),
            Ok(None) => match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "apos" => '\'',
                "quot" => '"',
                _ => return Err(unknown(self)),
            },
            Err(_) => return Err(unknown(self)),
        };
        self.text(c.encode_utf8(&mut [0; 4]))
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), Fault> {
        let Some(encoding) = declaration.encoding() else {
            return Ok(());
        };
        let encoding = encoding.unwrap_or_default();
        if encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("us-ascii") {
            return Ok(());
        }
        let message = format!("declared as {}", quoted(&encoding));
        Err(self.fault(
            "formats.xml_encoding",
            message,
            "UTF-8, and declared so or not at all",
        ))
    }

    fn attribute_fault(&self, error: &AttrError) -> Fault {
        let rule = match error {
            AttrError::Duplicated(..) => "formats.xml_attribute_twice",
            AttrError::ExpectedEq(_)
            | AttrError::ExpectedValue(_)
            | AttrError::UnquotedValue(_)
            | AttrError::ExpectedQuote(..) => "formats.xml_syntax",
        };
        self.fault(rule, said(error), "each attribute once, in quotes")
    }

    fn finish(&mut self) -> Result<bool, Fault> {
        let mut open = self.open.iter().skip(self.around);
        let unclosed = open.next_back().and_then(|at| self.document.nodes.get(*at));
        if let Some(node) = unclosed {
            let name = self.document.texts.get(node.name.clone());
            let message = format!("{} is not closed", quoted(name.unwrap_or_default()));
            let place = line_and_column(self.document.source, node.at);
            return Err(Fault::new(
                place,
                "formats.xml_syntax",
                message,
                "well-formed XML",
            ));
        }
        if self.document.nodes.is_empty() {
            return Err(self.fault("formats.xml_syntax", "no element", "well-formed XML"));
        }
        if self.around > 0 {
            self.end();
        }
        Ok(false)
    }

    fn place(&self) -> String {
        line_and_column(self.document.source, self.at)
    }

    fn fault(
        &self,
        rule: &'static str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Fault {
        Fault::new(self.place(), rule, message, expected)
    }
}

const ENTITIES: &str = "amp, lt, gt, apos, quot, or the number of a character";

fn position(byte: u64) -> usize {
    usize::try_from(byte).unwrap_or(usize::MAX)
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
