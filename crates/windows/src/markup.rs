//! XML that programs of Windows write, as a small tree. No document type, no entity but the five that every document has.

use groma_model::Reason;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// Elements within elements.
const DEPTH_MAX: usize = 64;
/// Elements of one document.
const ELEMENTS_MAX: usize = 200_000;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 128;
/// Bytes of one text.
const TEXT_MAX: usize = 64 << 10;

/// An element with what stands in it. Prefixes of name spaces are dropped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// The line it begins in, counted from 1.
    pub(crate) line: u32,
    pub(crate) children: Vec<Self>,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    /// An attribute that says something.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        let (_, value) = all.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// The first element of that name within.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        let mut all = self.children.iter();
        all.find(|child| child.name.eq_ignore_ascii_case(name))
    }

    /// Every element of that name within.
    pub(crate) fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Self> {
        let is_it = move |child: &&Self| child.name.eq_ignore_ascii_case(name);
        self.children.iter().filter(is_it)
    }

    /// The element at the end of a path.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |at, name| at.child(name))
    }

    /// What stands in it, without blanks around; `None` for nothing.
    pub(crate) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// What stands in the element at the end of a path.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.text()
    }

    /// True if the element `name` within says `false`.
    pub(crate) fn denies(&self, name: &str) -> bool {
        let said = self.text_at(&[name]);
        said.is_some_and(|said| said.eq_ignore_ascii_case("false") || said == "0")
    }
}

/// The text of a file: UTF-16 with its mark, or UTF-8 with or without one.
pub(crate) fn decoded(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        let text = String::from_utf16(&units).ok();
        text.filter(|_| rest.is_empty())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // Without a mark, but the first letter of a document is `<`.
        [b'<', 0, ..] => wide(bytes, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// The outermost element of a document.
///
/// # Errors
/// It is no XML, declares a document type, or is larger than any that is meant.
pub(crate) fn document(bytes: &[u8]) -> Result<Element, Reason> {
    let text = decoded(bytes).ok_or(Reason::Malformed)?;
    let mut reader = Reader::from_str(&text);
    let mut growing = Growing::default();
    let (mut at, mut line) = (0, 1_u32);
    loop {
        let event = reader.read_event();
        match event {
            Ok(Event::Eof) | Err(_) => return Err(Reason::Malformed),
            Ok(Event::DocType(_)) => return Err(Reason::Malformed),
            Ok(event) => {
                if let Some(whole) = growing.takes(&event, line)? {
                    return Ok(whole);
                }
            }
        }
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let passed = text.as_bytes().get(at..end).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        at = end;
    }
}

/// The element that is being read, with all it stands in.
#[derive(Default)]
struct Growing {
    open: Vec<Element>,
    elements: usize,
}

impl Growing {
    /// Takes one piece; the answer is a document that is whole now.
    fn takes(&mut self, event: &Event<'_>, line: u32) -> Result<Option<Element>, Reason> {
        match event {
            Event::Start(start) => {
                self.opens(start, line)?;
                return Ok(None);
            }
            Event::Empty(start) => {
                self.opens(start, line)?;
                return Ok(self.closes());
            }
            Event::End(_) => return Ok(self.closes()),
            Event::Text(text) => self.says(text),
            Event::CData(text) => self.says(text),
            Event::GeneralRef(name) => {
                let name: &str = name;
                if let Ok(text) = unescape(&format!("&{name};")) {
                    self.says(&text);
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn opens(&mut self, start: &BytesStart<'_>, line: u32) -> Result<(), Reason> {
        self.elements += 1;
        if self.open.len() >= DEPTH_MAX || self.elements > ELEMENTS_MAX {
            return Err(Reason::TooLarge);
        }
        let mut attributes = start.attributes();
        let attributes = attributes.with_checks(false).flatten();
        let read = attributes.take(ATTRIBUTES_MAX).filter_map(|attribute| {
            let name: &str = attribute.key.local_name().into_inner();
            let value = unescape(&attribute.value).ok()?.into_owned();
            (value.len() <= TEXT_MAX).then(|| (name.to_owned(), value))
        });
        let attributes = read.collect();
        let name: &str = start.local_name().into_inner();
        self.open.push(Element {
            name: name.to_owned(),
            line,
            attributes,
            ..Element::default()
        });
        Ok(())
    }

    fn closes(&mut self) -> Option<Element> {
        let whole = self.open.pop()?;
        match self.open.last_mut() {
            Some(around) => {
                around.children.push(whole);
                None
            }
            None => Some(whole),
        }
    }

    fn says(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut()
            && element.text.len() + text.len() <= TEXT_MAX
        {
            element.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<?xml version=\"1.0\"?>\r\n<!-- x -->\r\n<a:b xmlns:a=\"u\" c=\"1 &amp; 2\">\r\n  <d>x &lt; y</d><d/>\r\n</a:b>";

    #[test]
    fn a_document_is_read_in_each_encoding() {
        let wide: Vec<u8> = std::iter::once(0xfeff_u16)
            .chain(TEXT.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let marked = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        for bytes in [wide.as_slice(), TEXT.as_bytes(), &marked, &wide[2..]] {
            let root = document(bytes).unwrap();
            assert_eq!((root.name.as_str(), root.line), ("b", 3));
            assert_eq!(root.attribute("C"), Some("1 & 2"));
            assert_eq!(root.text_at(&["D"]), Some("x < y"));
            assert_eq!(root.all("d").map(|d| d.line).collect::<Vec<_>>(), [4, 4]);
        }
    }

    #[test]
    fn what_is_none_is_an_error() {
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ] {
            assert!(document(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "<a>".repeat(1_000);
        assert_eq!(document(deep.as_bytes()), Err(Reason::TooLarge));
    }

    #[test]
    fn hammered_documents_never_panic() {
        groma_fuzz::hammer(3_000, &[TEXT.as_bytes()], |bytes| {
            let _ = document(bytes);
        });
    }
}
