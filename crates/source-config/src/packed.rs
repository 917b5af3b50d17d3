//! References in little room. Those of one file differ in line, port and machine; the rest of them is said once, as JSON,
//! so that it follows whatever fields the model gets.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::fact::Reference;
use groma_model::{Foreign, HostName, Peer, Port};

/// The last shapes that are compared with the next reference; a file of settings has a handful.
const COMPARED: usize = 8;
/// Stands for the machine in a shape.
const NOBODY: Peer = Peer::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

/// The references of one file.
pub(crate) struct Packed {
    /// Shapes: a list of references without line, port and machine, as JSON. The path of the file is left out.
    pub(crate) shapes: String,
    /// A record for each reference, in their order, a semicolon behind each; its parts stand between commas: the number of
    /// the shape (nothing: as before), lines since the reference before, port in hexadecimal letters (or nothing), machine.
    pub(crate) places: String,
}

/// One reference by what it differs in.
struct Place {
    shape: usize,
    line: u32,
    port: Option<Port>,
    peer: Peer,
}

/// Packs what the file at `path` says; `None` for what would not come back as it was.
pub(crate) fn pack(references: impl Iterator<Item = Reference>, path: &Foreign) -> Option<Packed> {
    let (mut shapes, mut places): (Vec<Reference>, Vec<Place>) = (Vec::new(), Vec::new());
    for mut reference in references {
        let peer = std::mem::replace(&mut reference.peer, NOBODY);
        let line = std::mem::take(&mut reference.line);
        let port = reference.port.take();
        without_path(&mut reference, path)?;
        let shape = number_of(reference, &mut shapes);
        places.push(Place {
            shape,
            line,
            port,
            peer,
        });
    }
    let (shapes, order) = sorted(&shapes)?;
    let mut text = String::new();
    write_places(&mut text, &places, &order).ok()?;
    Some(Packed {
        shapes,
        places: text,
    })
}

/// The path stands in every reference, and often twice: nothing stands for it. `None` where nothing stood already.
fn without_path(reference: &mut Reference, path: &Foreign) -> Option<()> {
    for text in [&mut reference.file, &mut reference.component.name] {
        if text.is_empty() {
            return None;
        }
        if text == path {
            *text = Foreign::default();
        }
    }
    Some(())
}

fn number_of(shape: Reference, shapes: &mut Vec<Reference>) -> usize {
    let first = shapes.len().saturating_sub(COMPARED);
    let met = shapes.iter().enumerate().skip(first);
    let same = met.filter(|(_, met)| **met == shape).map(|(n, _)| n).next();
    same.unwrap_or_else(|| {
        shapes.push(shape);
        shapes.len() - 1
    })
}

/// The shapes by their letters, and the new number of each: files beside each other often have the same ones.
fn sorted(shapes: &[Reference]) -> Option<(String, Vec<usize>)> {
    let json = |shape: &Reference| serde_json::to_string(shape).ok();
    let texts: Vec<String> = shapes.iter().map(json).collect::<Option<_>>()?;
    let mut by_letters: Vec<usize> = (0..texts.len()).collect();
    by_letters.sort_by_key(|old| texts.get(*old));
    let mut order = vec![0; texts.len()];
    for (new, old) in by_letters.iter().enumerate() {
        *order.get_mut(*old)? = new;
    }
    let all: Vec<&str> = by_letters
        .iter()
        .filter_map(|old| texts.get(*old).map(String::as_str))
        .collect();
    Some((format!("[{}]", all.join(",")), order))
}

fn write_places(text: &mut String, places: &[Place], order: &[usize]) -> fmt::Result {
    let (mut shape_before, mut line_before) = (None, 0);
    let mut names: Vec<&str> = vec![""; order.len()];
    for place in places {
        let shape = order.get(place.shape).copied().ok_or(fmt::Error)?;
        if shape_before != Some(shape) {
            write!(text, "{shape}")?;
        }
        shape_before = Some(shape);
        write!(text, ",{},", i64::from(place.line) - i64::from(line_before))?;
        line_before = place.line;
        if let Some(port) = place.port {
            write!(text, "{:x}", port.0)?;
        }
        match &place.peer {
            Peer::Address(IpAddr::V4(address)) => write!(text, ",@{:x};", address.to_bits())?,
            Peer::Address(IpAddr::V6(address)) => write!(text, ",#{:x};", address.to_bits())?,
            Peer::Name(name) => {
                let before = names.get_mut(shape).ok_or(fmt::Error)?;
                write_name(text, before, name.as_str())?;
                *before = name.as_str();
            }
        }
    }
    Ok(())
}

/// How many letters a name has in common with the one before, at its beginning and at its end, and what is between.
fn write_name(text: &mut String, before: &str, name: &str) -> fmt::Result {
    let same = |(a, b): &(u8, u8)| a == b;
    let head = before.bytes().zip(name.bytes()).take_while(same).count();
    let most = before.len().min(name.len()) - head;
    let ends = before.bytes().rev().zip(name.bytes().rev());
    let tail = ends.take(most).take_while(same).count();
    let middle = name.get(head..name.len() - tail).ok_or(fmt::Error)?;
    write!(text, ",{head:x},{tail:x},{middle};")
}

/// The references of the file at `path`, as [`pack`] was given them; `None` for what it did not write.
pub(crate) fn unpack(shapes: &str, places: &str, path: &Foreign) -> Option<Vec<Reference>> {
    let mut shapes: Vec<Reference> = serde_json::from_str(shapes).ok()?;
    for shape in &mut shapes {
        for text in [&mut shape.file, &mut shape.component.name] {
            if text.is_empty() {
                *text = path.clone();
            }
        }
    }
    let mut names: Vec<String> = vec![String::new(); shapes.len()];
    let (mut shape_at, mut line) = (None, 0_u32);
    let mut parts = Parts(places);
    let many = memchr::memchr_iter(b';', places.as_bytes()).count();
    let mut out = Vec::with_capacity(many);
    // The name is built here and changes places with the one before.
    let mut room = String::new();
    while !parts.0.is_empty() {
        shape_at = match parts.next(b',')? {
            "" => shape_at,
            number => Some(number.parse::<usize>().ok()?),
        };
        line = line.checked_add_signed(parts.next(b',')?.parse().ok()?)?;
        let port = match parts.next(b',')? {
            "" => None,
            port => Some(Port(u16::from_str_radix(port, 16).ok()?)),
        };
        let shape_at = shape_at?;
        let peer = read_peer(&mut parts, names.get_mut(shape_at)?, &mut room)?;
        let shape = shapes.get(shape_at)?.clone();
        out.push(Reference {
            line,
            port,
            peer,
            ..shape
        });
    }
    Some(out)
}

/// What is left of the records; their parts are a few letters long.
struct Parts<'p>(&'p str);

impl<'p> Parts<'p> {
    /// What stands before the next comma or semicolon, if that is `end`.
    fn next(&mut self, end: u8) -> Option<&'p str> {
        let ends = |b: u8| matches!(b, b',' | b';');
        let at = self.0.bytes().position(ends)?;
        let is_end = self.0.as_bytes().get(at) == Some(&end);
        let (part, rest) = (self.0.get(..at)?, self.0.get(at + 1..)?);
        self.0 = rest;
        is_end.then_some(part)
    }
}

fn read_peer(parts: &mut Parts<'_>, before: &mut String, room: &mut String) -> Option<Peer> {
    if let Some(bits) = parts.0.strip_prefix('@') {
        parts.0 = bits;
        let bits = u32::from_str_radix(parts.next(b';')?, 16).ok()?;
        return Some(Peer::Address(Ipv4Addr::from_bits(bits).into()));
    }
    if let Some(bits) = parts.0.strip_prefix('#') {
        parts.0 = bits;
        let bits = u128::from_str_radix(parts.next(b';')?, 16).ok()?;
        return Some(Peer::Address(Ipv6Addr::from_bits(bits).into()));
    }
    let head = usize::from_str_radix(parts.next(b',')?, 16).ok()?;
    let tail = usize::from_str_radix(parts.next(b',')?, 16).ok()?;
    let end = before.len().checked_sub(tail).filter(|end| *end >= head)?;
    room.clear();
    room.push_str(before.get(..head)?);
    room.push_str(parts.next(b';')?);
    room.push_str(before.get(end..)?);
    std::mem::swap(before, room);
    HostName::parse(before).map(Peer::Name)
}

#[cfg(test)]
mod tests {
    use groma_model::Transport;
    use groma_model::fact::{Component, ComponentClass};

    use super::*;

    fn reference(line: u32, peer: &str, port: Option<u16>, key: &str) -> Reference {
        Reference {
            rule: "url".into(),
            file: "/etc/a".into(),
            line,
            key: key.into(),
            peer: Peer::parse(peer).unwrap(),
            port: port.map(Port),
            transport: Transport::Tcp,
            kind: "http".into(),
            component: Component {
                class: ComponentClass::File,
                name: "/etc/a".into(),
            },
            resource: None,
            account: Some("joe".into()),
            protection: None,
            mechanism: Some("GSSAPI".into()),
            has_secret: true,
            rhythm: None,
            weak: false,
        }
    }

    fn through(references: &[Reference]) -> Option<Vec<Reference>> {
        let path = Foreign::from("/etc/a");
        let packed = pack(references.iter().cloned(), &path)?;
        unpack(&packed.shapes, &packed.places, &path)
    }

    #[test]
    fn references_alike_take_a_few_letters_each() {
        let many: Vec<Reference> = (0..500)
            .map(|n| {
                reference(
                    n * 7,
                    &format!("app{n:03}.corp.example.com"),
                    Some(8443),
                    "url",
                )
            })
            .collect();
        let packed = pack(many.iter().cloned(), &"/etc/a".into()).unwrap();
        assert!(packed.places.len() < 500 * 18, "{}", packed.places.len());
        assert!(packed.shapes.len() < 300 && !packed.shapes.contains("/etc/a"));
        assert_eq!(through(&many).unwrap(), many);
    }

    #[test]
    fn files_that_say_the_same_in_another_order_have_the_same_shapes() {
        let (a, b) = (
            reference(1, "a.b", None, "a"),
            reference(2, "a.b", None, "b"),
        );
        let path = Foreign::from("/etc/a");
        let one = pack([a.clone(), b.clone()].into_iter(), &path).unwrap();
        let other = pack([b, a].into_iter(), &path).unwrap();
        assert_eq!(one.shapes, other.shapes);
    }

    #[test]
    fn what_would_not_come_back_is_not_packed() {
        let mut nameless = reference(1, "a.b", None, "a");
        nameless.component.name = Foreign::default();
        assert!(through(&[nameless]).is_none());
        assert_eq!(through(&[]), Some(Vec::new()));
    }

    #[test]
    fn no_bytes_break_the_reader() {
        let some = [
            reference(9, "a1.corp.example", Some(80), "a"),
            reference(3, "a2.corp.example", None, "b"),
            reference(4, "10.0.0.1", Some(1), "a"),
            reference(4, "fd00::1", Some(1), "a"),
        ];
        let path = Foreign::from("/etc/a");
        let packed = pack(some.iter().cloned(), &path).unwrap();
        groma_fuzz::hammer(2_000, &[packed.places.as_bytes()], |bytes| {
            let _ = unpack(&packed.shapes, &String::from_utf8_lossy(bytes), &path);
        });
        groma_fuzz::hammer(500, &[packed.shapes.as_bytes()], |bytes| {
            let _ = unpack(&String::from_utf8_lossy(bytes), &packed.places, &path);
        });
    }

    proptest::proptest! {
        #[test]
        fn what_is_packed_comes_back(
            all in proptest::collection::vec((0_u32..50, "[a-c]{1,3}(\\.[a-c]{1,2}){1,3}|10\\.0\\.0\\.[0-9]|fd00::[1-9]", proptest::option::of(0_u16..9), "[a-m]"), 0..40),
        ) {
            let all: Vec<Reference> = all.iter().map(|(line, peer, port, key)| reference(*line, peer, *port, key)).collect();
            proptest::prop_assert_eq!(through(&all), Some(all));
        }
    }
}
