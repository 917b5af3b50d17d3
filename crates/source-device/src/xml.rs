//! Descriptions in XML: each text with the path that leads to it. No document type, no entity but the five that every document has.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Elements within elements.
const DEPTH_MAX: usize = 32;
/// Events of one document.
const EVENTS_MAX: usize = 20_000;
/// Bytes of one text.
const TEXT_MAX: usize = 2_000;
/// Letters of one name.
const NAME_MAX: usize = 64;
/// Bytes of all paths and texts that are kept: each place keeps its whole path, so that a small document of many short elements
/// within long names would become a thousand times as large.
const KEPT_MAX: usize = 1 << 20;

/// The text at one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// Local names from the root on, with `/` between.
    pub(crate) path: String,
    /// What stands there, without blanks around it; empty for an element of others.
    pub(crate) text: String,
}

/// Every element of `bytes` that ended, in the order in which they end. What comes after something broken is not read.
pub(crate) fn places(bytes: &[u8]) -> Vec<Place> {
    let mut reader = Reader::from_reader(bytes);
    let mut open: Vec<(String, String)> = Vec::new();
    let mut out = Vec::new();
    let mut room = Vec::new();
    let mut left = KEPT_MAX;
    for _ in 0..EVENTS_MAX {
        room.clear();
        match reader.read_event_into(&mut room) {
            Ok(Event::Start(element)) => {
                if open.len() >= DEPTH_MAX {
                    break;
                }
                open.push((local(element.local_name().as_ref()), String::new()));
            }
            Ok(Event::Empty(element)) => {
                let name = local(element.local_name().as_ref());
                if !keep(&mut out, &mut left, place(&open, Some(&name), "")) {
                    break;
                }
            }
            Ok(Event::End(_)) => {
                let Some((_, text)) = open.last() else { break };
                if !keep(&mut out, &mut left, place(&open, None, text)) {
                    break;
                }
                open.pop();
            }
            Ok(Event::Text(text)) => add(&mut open, &text),
            Ok(Event::CData(text)) => add(&mut open, &text),
            Ok(Event::GeneralRef(name)) => add(&mut open, &of_reference(&name)),
            Ok(Event::DocType(_) | Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    out
}

fn local(name: &str) -> String {
    name.chars().take(NAME_MAX).collect()
}

fn add(open: &mut [(String, String)], text: &str) {
    if let Some((_, kept)) = open.last_mut()
        && kept.len() + text.len() <= TEXT_MAX
    {
        kept.push_str(text);
    }
}

/// One of the five, or the number of a letter.
fn of_reference(name: &str) -> String {
    let number = |text: &str, radix| char::from_u32(u32::from_str_radix(text, radix).ok()?);
    let letter = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(hex), _) => number(hex, 16),
            (None, Some(digits)) => number(digits, 10),
            (None, None) => None,
        },
    };
    letter.map(String::from).unwrap_or_default()
}

fn place(open: &[(String, String)], last: Option<&str>, text: &str) -> Place {
    let names = open.iter().map(|(name, _)| name.as_str()).chain(last);
    Place {
        path: names.collect::<Vec<_>>().join("/"),
        text: text.trim().to_owned(),
    }
}

/// Keeps `new` if there is room for it among the bytes that are left.
fn keep(out: &mut Vec<Place>, left: &mut usize, new: Place) -> bool {
    let Some(rest) = left.checked_sub(new.path.len() + new.text.len()) else {
        return false;
    };
    *left = rest;
    out.push(new);
    true
}

/// The first text at a place whose path ends with `end`.
pub(crate) fn text<'p>(places: &'p [Place], end: &str) -> Option<&'p str> {
    let found = places.iter().find(|place| {
        let rest = place.path.strip_suffix(end);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    });
    found.map(|place| place.text.as_str())
}

/// True if there is an element called `name` anywhere.
pub(crate) fn has(places: &[Place], name: &str) -> bool {
    places
        .iter()
        .any(|place| place.path.rsplit('/').next() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_the_end_of_its_path() {
        let all = places(b"<a:r xmlns:a='u'><a:b> x &amp; &#65; </a:b><c/></a:r>");
        assert_eq!(text(&all, "r/b"), Some("x & A"));
        assert_eq!(text(&all, "b"), Some("x & A"));
        assert!(has(&all, "c"));
        assert_eq!(text(&all, "d"), None);
    }

    #[test]
    fn entities_of_a_document_type_are_never_made_of() {
        let bomb = b"<!DOCTYPE r [<!ENTITY a 'aaaa'>]><r><b>&a;</b></r>";
        assert_eq!(places(bomb), []);
        let all = places(b"<r><b>&unknown;x</b></r>");
        assert_eq!(text(&all, "b"), Some("x"));
    }

    /// Names of a hundred letters, thirty deep, and below them thousands of the shortest elements: 95 KB became 245 MB.
    #[test]
    fn a_document_whose_paths_are_longer_than_itself_is_kept_within_bounds() {
        let name = "\u{1d400}".repeat(100);
        let head = format!("<{name}>").repeat(30);
        let bomb = format!("{head}{}", "<a/>".repeat(15_000));
        let all = places(bomb.as_bytes());
        let kept: usize = all.iter().map(|one| one.path.len() + one.text.len()).sum();
        assert!(!all.is_empty() && kept <= KEPT_MAX, "{kept}");
        // The twin: a long description of usual names is read to its end.
        let row = "<Item><Name>x</Name><Value>y</Value></Item>".repeat(2_000);
        let all = places(format!("<Root><List>{row}</List><Last>z</Last></Root>").as_bytes());
        assert_eq!(text(&all, "Root/Last"), Some("z"));
    }

    #[test]
    fn a_deep_document_ends() {
        let deep = b"<a>".repeat(100_000);
        assert!(places(&deep).is_empty());
    }
}
