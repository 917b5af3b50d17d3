//! Binary XML read into the list of its leaves: which text or value stands where.

use std::collections::HashMap;
use std::rc::Rc;

use super::value::{TEXT_MAX, utf16};
use super::{u16_at, u32_at};

/// How deep elements may lie in one another, and parts of events.
pub(super) const DEPTH_MAX: usize = 32;
/// Leaves one template may have.
const LEAVES_MAX: usize = 2_048;
/// Pieces the text of one leaf may be made of.
const PIECES_MAX: usize = 64;
/// Longest name of an element.
const NAME_MAX: usize = 256;
/// More follows in this list or content.
const MORE: u8 = 0x40;

/// What a leaf is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The name of who wrote the event.
    Provider,
    /// Its number.
    Number,
    /// Its number in the log it was written to.
    Record,
    /// When it happened.
    Time,
    /// The log it was written to.
    Channel,
    /// The machine it was written on.
    Computer,
    /// A value of the event, with its name; those without one are counted.
    Value(Option<Rc<str>>),
    /// What stands within an element that is no leaf: a part of the event.
    Part,
}

/// What a leaf's text is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Text(String),
    /// The value with this number.
    Value(u16),
}

/// A leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Leaf {
    pub(super) place: Place,
    pub(super) pieces: Vec<Piece>,
}

/// The leaves of a template, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shape {
    pub(super) leaves: Vec<Leaf>,
}

/// Names of a chunk, which many templates share.
#[derive(Default)]
pub(super) struct Names(HashMap<usize, Option<Rc<str>>>);

impl Names {
    fn at(&mut self, chunk: &[u8], at: usize) -> Option<Rc<str>> {
        self.0
            .entry(at)
            .or_insert_with(|| {
                let length = usize::from(u16_at(chunk, at.checked_add(6)?)?);
                let length = Some(length).filter(|length| *length <= NAME_MAX)?;
                let text = chunk.get(at + 8..at + 8 + 2 * length)?;
                Some(utf16(text).into())
            })
            .clone()
    }
}

/// Reads binary XML between two places of a chunk.
pub(super) struct Cursor<'c, 'n> {
    pub(super) chunk: &'c [u8],
    pub(super) names: &'n mut Names,
    pub(super) at: usize,
    pub(super) end: usize,
    /// True if elements say what they depend on, as they do in templates.
    pub(super) dependent: bool,
    path: Vec<Rc<str>>,
    /// The name an element gives its value.
    label: Option<Rc<str>>,
    out: Shape,
}

impl<'c, 'n> Cursor<'c, 'n> {
    pub(super) fn new(
        chunk: &'c [u8],
        names: &'n mut Names,
        (at, end): (usize, usize),
        dependent: bool,
    ) -> Self {
        Self {
            chunk,
            names,
            at,
            end: end.min(chunk.len()),
            dependent,
            path: Vec::new(),
            label: None,
            out: Shape::default(),
        }
    }

    /// The leaves of one element; `None` if it is malformed.
    pub(super) fn element_only(mut self) -> Option<Shape> {
        self.prologue()?;
        self.element()?;
        Some(self.out)
    }

    /// Skips what stands before the element.
    pub(super) fn prologue(&mut self) -> Option<()> {
        while self.peek()? == 0x0f {
            self.skip(4)?;
        }
        Some(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.chunk.get(..self.end)?.get(self.at).copied()
    }

    pub(super) fn skip(&mut self, length: usize) -> Option<()> {
        let at = self.at.checked_add(length)?;
        (at <= self.end).then(|| self.at = at)
    }

    fn u16(&mut self) -> Option<u16> {
        let at = self.at;
        self.skip(2)?;
        u16_at(self.chunk, at)
    }

    pub(super) fn u32(&mut self) -> Option<usize> {
        let at = self.at;
        self.skip(4)?;
        usize::try_from(u32_at(self.chunk, at)?).ok()
    }

    /// A name by its place, which may be right here.
    fn name(&mut self) -> Option<Rc<str>> {
        let at = self.u32()?;
        let name = self.names.at(self.chunk, at)?;
        if at == self.at {
            let length = usize::from(u16_at(self.chunk, at + 6)?);
            self.skip(8 + 2 * length + 2)?;
        }
        Some(name)
    }

    fn element(&mut self) -> Option<()> {
        let token = self.peek()?;
        if token & !MORE != 0x01 || self.path.len() >= DEPTH_MAX {
            return None;
        }
        self.skip(1)?;
        if self.dependent {
            self.skip(2)?;
        }
        self.u32()?;
        let name = self.name()?;
        self.path.push(name);
        self.label = None;
        if token & MORE != 0 {
            self.u32()?;
            self.attributes()?;
        }
        let label = self.label.take();
        match self.peek()? {
            0x02 => {
                self.skip(1)?;
                self.content(label)?;
            }
            0x03 => self.skip(1)?,
            _ => return None,
        }
        self.path.pop();
        Some(())
    }

    fn attributes(&mut self) -> Option<()> {
        while self.peek()? & !MORE == 0x06 {
            self.skip(1)?;
            let name = self.name()?;
            let mut pieces = Vec::new();
            while let Some(piece) = self.piece()? {
                pieces.push(piece);
            }
            let place = match (within(&self.path).as_slice(), &*name) {
                (["System", "Provider"], "Name") => Place::Provider,
                (["System", "TimeCreated"], "SystemTime") => Place::Time,
                (["EventData", ..], "Name") => {
                    self.label = match pieces.as_slice() {
                        [Piece::Text(text)] => Some(text.as_str().into()),
                        _ => None,
                    };
                    continue;
                }
                _ => continue,
            };
            self.keep(place, pieces)?;
        }
        Some(())
    }

    fn content(&mut self, label: Option<Rc<str>>) -> Option<()> {
        let mut pieces = Vec::new();
        let mut is_leaf = true;
        loop {
            if let Some(piece) = self.piece()? {
                pieces.push(piece);
                continue;
            }
            match self.peek()? {
                0x01 | 0x41 => {
                    self.element()?;
                    is_leaf = false;
                }
                0x04 => {
                    self.skip(1)?;
                    break;
                }
                // A processing instruction says nothing.
                0x0a => {
                    self.skip(1)?;
                    self.name()?;
                }
                0x0b => {
                    self.skip(1)?;
                    let length = usize::from(self.u16()?);
                    self.skip(2 * length)?;
                }
                _ => return None,
            }
        }
        let last = self.path.last().cloned();
        let place = match within(&self.path).as_slice() {
            ["System", "EventID"] => Place::Number,
            ["System", "EventRecordID"] => Place::Record,
            ["System", "Channel"] => Place::Channel,
            ["System", "Computer"] => Place::Computer,
            ["System", ..] => return Some(()),
            ["EventData", _, ..] if is_leaf => Place::Value(label),
            ["UserData", _, _, ..] if is_leaf => Place::Value(last),
            // An event's data have a template of their own.
            [] | ["UserData"] | ["EventData"] => Place::Part,
            _ => return Some(()),
        };
        self.keep(place, pieces)
    }

    fn keep(&mut self, place: Place, pieces: Vec<Piece>) -> Option<()> {
        if pieces.is_empty() && place == Place::Part {
            return Some(());
        }
        let fits = pieces.len() <= PIECES_MAX && self.out.leaves.len() < LEAVES_MAX;
        self.out.leaves.push(Leaf { place, pieces });
        fits.then_some(())
    }

    /// The next piece of a text; nothing inside if something else follows.
    fn piece(&mut self) -> Option<Option<Piece>> {
        let token = self.peek()?;
        let piece = match token & !MORE {
            0x05 => {
                // Only texts stand between elements; what else does is a value.
                self.skip(2)?;
                Piece::Text(self.text()?)
            }
            0x07 => {
                self.skip(1)?;
                Piece::Text(self.text()?)
            }
            0x08 => {
                self.skip(1)?;
                let unit = self.u16()?;
                Piece::Text(utf16(&unit.to_le_bytes()))
            }
            0x09 => {
                self.skip(1)?;
                let name = self.name()?;
                Piece::Text(entity(&name).to_owned())
            }
            0x0d | 0x0e => {
                self.skip(1)?;
                let number = self.u16()?;
                self.skip(1)?;
                Piece::Value(number)
            }
            _ => return Some(None),
        };
        Some(Some(piece))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u16()?);
        let at = self.at;
        self.skip(2 * length)?;
        (length <= TEXT_MAX).then_some(())?;
        Some(utf16(self.chunk.get(at..at + 2 * length)?))
    }
}

/// Where `path` leads, below the element `Event`.
fn within(path: &[Rc<str>]) -> Vec<&str> {
    let path = path.iter().map(|name| &**name);
    path.skip_while(|name| *name == "Event").collect()
}

fn entity(name: &str) -> &'static str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => "\u{fffd}",
    }
}
