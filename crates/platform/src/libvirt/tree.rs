//! One description in XML, as a small tree. No document type, no entity but the five that every document has.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::Unreadable;

/// Bytes of one input.
const BYTES_MAX: usize = 64 << 20;
/// Elements within elements.
const DEPTH_MAX: usize = 48;
/// Elements of one description: a guest with a thousand disks has fewer.
const ELEMENTS_MAX: usize = 50_000;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 64;
/// Bytes of one text or value.
const TEXT_MAX: usize = 16 << 10;

/// An element with what stands in it. Prefixes of namespaces are dropped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: BTreeMap<String, String>,
    pub(super) children: Vec<Self>,
    text: String,
}

impl Element {
    /// An attribute that says something.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let value = self.attributes.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// True if the attribute says exactly that.
    pub(super) fn says(&self, name: &str, value: &str) -> bool {
        self.attribute(name) == Some(value)
    }

    /// The first element of that name within.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every element of that name within.
    pub(super) fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at the end of a path.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |at, name| at.child(name))
    }

    /// What stands in it, without blanks around; `None` for nothing.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// What stands in the element at the end of a path.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.text()
    }
}

/// Reads the descriptions of `bytes` one after the other. What follows something broken is not read.
///
/// # Errors
/// The input is too large, is no UTF-8, declares a document type, or is no XML from some byte on.
pub(super) fn trees(bytes: &[u8], each: &mut dyn FnMut(Element)) -> Result<(), Unreadable> {
    let broken = |at: usize, why: &str| Unreadable {
        at,
        why: why.to_owned(),
    };
    if bytes.len() > BYTES_MAX {
        return Err(broken(BYTES_MAX, "more than 64 MiB"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(error.valid_up_to(), "it is not written in UTF-8"))?;
    let mut growing = Growing::default();
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Ok(Event::Eof) => break,
            Ok(Event::DocType(_)) => return Err(broken(at, DOCTYPE)),
            Ok(event) => {
                let grown = growing.takes(&event).map_err(|why| broken(at, why))?;
                grown.into_iter().for_each(&mut *each);
            }
            Err(error) => return Err(broken(at, &error.to_string())),
        }
    }
    match growing.open.is_empty() {
        true => Ok(()),
        false => Err(broken(text.len(), "it breaks off within an element")),
    }
}

const DOCTYPE: &str =
    "it declares a document type, which libvirt never writes and groma never reads";

/// The element that is being read, with all it stands in.
#[derive(Default)]
struct Growing {
    open: Vec<Element>,
    elements: usize,
}

impl Growing {
    /// Takes one piece; the answer is a description that is whole now.
    fn takes(&mut self, event: &Event<'_>) -> Result<Option<Element>, &'static str> {
        match event {
            Event::Start(start) => {
                self.opens(start)?;
                Ok(None)
            }
            Event::Empty(start) => {
                self.opens(start)?;
                self.closes()
            }
            Event::End(_) => self.closes(),
            Event::Text(text) => self.hears(text),
            Event::CData(text) => self.hears(text),
            Event::GeneralRef(name) => {
                let letter = unescaped(&format!("&{};", &**name));
                self.hears(&letter.ok_or("it names an entity of its own")?)
            }
            _ => Ok(None),
        }
    }

    fn opens(&mut self, start: &BytesStart<'_>) -> Result<(), &'static str> {
        if self.open.is_empty() {
            self.elements = 0;
        }
        self.elements += 1;
        if self.open.len() >= DEPTH_MAX {
            return Err("elements stand within elements more than 48 deep");
        }
        if self.elements > ELEMENTS_MAX {
            return Err("more than 50000 elements in one description");
        }
        self.open.push(element(start)?);
        Ok(())
    }

    fn closes(&mut self) -> Result<Option<Element>, &'static str> {
        let whole = self.open.pop().ok_or("an element ends that never began")?;
        match self.open.last_mut() {
            Some(outer) => outer.children.push(whole),
            None => return Ok(Some(whole)),
        }
        Ok(None)
    }

    fn hears(&mut self, text: &str) -> Result<Option<Element>, &'static str> {
        match self.open.last_mut() {
            Some(element) if element.text.len() + text.len() <= TEXT_MAX => {
                element.text.push_str(text);
            }
            Some(_) => return Err("a text of more than 16 KiB"),
            None if text.trim().is_empty() => {}
            None => return Err("there is text outside of any element"),
        }
        Ok(None)
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, &'static str> {
    let mut made = Element {
        name: local(start.name().as_ref()),
        ..Element::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| "an attribute that is none")?;
        if made.attributes.len() >= ATTRIBUTES_MAX || attribute.value.len() > TEXT_MAX {
            return Err("an element with too many or too long attributes");
        }
        let value = unescaped(&attribute.value).ok_or("it names an entity of its own")?;
        made.attributes
            .insert(attribute.key.as_ref().to_owned(), value);
    }
    Ok(made)
}

fn unescaped(text: &str) -> Option<String> {
    unescape(text).ok().map(std::borrow::Cow::into_owned)
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Element>, Unreadable> {
        let mut all = Vec::new();
        trees(text.as_bytes(), &mut |tree| all.push(tree)).map(|()| all)
    }

    #[test]
    fn descriptions_may_follow_each_other() {
        let all = read("<?xml version='1.0'?>\n<a x='1 &amp; 2'><b> t &#65;&lt; </b></a>\n\n<?xml version='1.0'?><c/>").unwrap();
        let [first, second] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!(first.attribute("x"), Some("1 & 2"));
        assert_eq!(first.text_at(&["b"]), Some("t A<"));
        assert_eq!(second.name, "c");
    }

    #[test]
    fn a_document_type_and_entities_end_the_reading() {
        let bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'>]><d><name>&a;</name></d>";
        assert!(
            read(bomb)
                .unwrap_err()
                .to_string()
                .contains("document type")
        );
        assert!(read("<d>&own;</d>").is_err());
        assert!(read("<d x='&own;'/>").is_err());
        assert!(read("<d>&amp;&quot;&apos;&lt;&gt;</d>").is_ok());
    }

    #[test]
    fn what_is_too_deep_too_wide_or_too_long_ends() {
        assert!(read(&"<a>".repeat(100_000)).is_err());
        assert!(read(&format!("<a>{}</a>", "<b/>".repeat(60_000))).is_err());
        assert!(read(&format!("<a>{}</a>", "x".repeat(20_000))).is_err());
        assert!(read(&format!("<a>{}</a>", "<b/>".repeat(40_000))).is_ok());
    }
}
