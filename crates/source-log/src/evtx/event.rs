//! An event: its template's leaves with the values of the record.

use std::collections::HashMap;
use std::rc::Rc;

use groma_model::Timestamp;

use super::shape::{Cursor, DEPTH_MAX, Leaf, Names, Piece, Place, Shape};
use super::value::{BINARY_XML, LIST, texts};
use super::{moment, u16_at};

/// Leaves one event may have, in all its parts: a hostile template may repeat the part that repeats a part.
pub(super) const LEAVES_MAX: usize = 4_096;
/// Values one template may be given.
const VALUES_MAX: usize = 1_024;
/// Bytes of text one event may have, in all its values.
const TEXT_MAX: usize = 1 << 20;
/// What reading the events of one chunk may cost, in bytes: parts, texts and templates as often as they are read. A real
/// chunk costs a tenth.
const WORK_MAX: usize = 4 << 20;
/// What a leaf costs.
const LEAF_WORK: usize = 64;
/// Bytes of templates that are read in one chunk. They lie beside one another, so a real one has fewer than it is long.
const TEMPLATES_MAX: usize = 4 * super::CHUNK;
/// Where the elements of a template begin: behind the next one's place, its name and its size.
const TEMPLATE_HEAD: usize = 24;

/// What was written down once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// Its number in the log it was written to; an export counts anew, but keeps this one within the event.
    pub(crate) record: u64,
    /// When it happened; when it was written, if the event does not say.
    pub(crate) at: Timestamp,
    /// Who wrote it, as `Microsoft-Windows-Security-Auditing`.
    pub(crate) provider: String,
    /// What it is, in the provider's numbers.
    pub(crate) number: u32,
    /// The log, as `Security`.
    pub(crate) channel: String,
    /// The machine, as it calls itself.
    pub(crate) computer: String,
    /// Values with their names; those without one are called `1`, `2` and so on.
    pub(crate) values: Vec<(Rc<str>, String)>,
}

impl Event {
    /// An event of which nothing is known yet. Exported files have records without a time of their own.
    pub(super) fn new(record: u64, written: Option<Timestamp>) -> Self {
        Self {
            record,
            at: written.unwrap_or_else(|| Timestamp::from_seconds(0)),
            provider: String::new(),
            number: 0,
            channel: String::new(),
            computer: String::new(),
            values: Vec::new(),
        }
    }

    /// The value called `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let named = self.values.iter().find(|(known, _)| &**known == name)?;
        Some(&named.1)
    }

    fn take(&mut self, place: &Place, text: String) {
        match place {
            Place::Provider => self.provider = text,
            Place::Number => self.number = text.trim().parse().unwrap_or_default(),
            Place::Record => self.record = text.trim().parse().unwrap_or(self.record),
            Place::Time => {
                let happened = text.parse().ok().and_then(moment);
                self.at = happened.unwrap_or(self.at);
            }
            Place::Channel => self.channel = text,
            Place::Computer => self.computer = text,
            Place::Value(Some(name)) => self.values.push((name.clone(), text)),
            Place::Value(None) => {
                let name = (self.values.len() + 1).to_string();
                self.values.push((name.into(), text));
            }
            Place::Part => {}
        }
    }
}

/// A value: its type and its bytes.
type Value<'c> = (u8, &'c [u8], usize);

/// What reading a chunk has cost so far.
#[derive(Default)]
pub(super) struct Spent {
    work: usize,
    templates: usize,
}

impl Spent {
    /// Spends `bytes` of work; `None` if there is none left.
    fn work(&mut self, bytes: usize) -> Option<()> {
        self.work = self.work.saturating_add(bytes);
        (self.work <= WORK_MAX).then_some(())
    }

    /// The same for a template, which is kept.
    fn template(&mut self, bytes: usize) -> Option<()> {
        self.templates = self.templates.saturating_add(bytes);
        (self.templates <= TEMPLATES_MAX).then_some(())
    }
}

/// Reads one record.
pub(super) struct Reading<'c, 'r> {
    pub(super) chunk: &'c [u8],
    pub(super) shapes: &'r mut HashMap<usize, Option<Rc<Shape>>>,
    pub(super) names: &'r mut Names,
    /// Shared by all records of the chunk.
    pub(super) spent: &'r mut Spent,
    /// Leaves and parts so far.
    pub(super) leaves: usize,
    /// Bytes of text so far.
    pub(super) text: usize,
}

impl Reading<'_, '_> {
    /// The event between two places of the chunk; `None` if it cannot be read.
    pub(super) fn record(&mut self, at: usize, end: usize, event: &mut Event) -> Option<()> {
        self.part((at, end), true, 0, event)?;
        // An event without a number, a machine or a time is none.
        let sound = event.number != 0 && !event.computer.is_empty() && event.at.millis() != 0;
        sound.then_some(())
    }

    fn part(
        &mut self,
        (at, end): (usize, usize),
        is_record: bool,
        depth: usize,
        event: &mut Event,
    ) -> Option<()> {
        self.leaves += 1;
        if depth >= DEPTH_MAX || self.leaves > LEAVES_MAX {
            return None;
        }
        self.spent.work(end.saturating_sub(at))?;
        let mut cursor = Cursor::new(self.chunk, self.names, (at, end), is_record);
        cursor.prologue()?;
        if cursor.peek()? != 0x0c {
            let shape = self.element((at, end), is_record)?;
            return self.tell(&shape, &[], depth, event);
        }
        // The template's own name stands before its place.
        cursor.skip(6)?;
        let template = cursor.u32()?;
        let (mut at, end) = (cursor.at, cursor.end);
        let head = template.checked_add(TEMPLATE_HEAD)?;
        let body = usize::try_from(super::u32_at(self.chunk, head - 4)?).ok()?;
        if template == at {
            at = head.checked_add(body)?;
        }
        let shape = self.template(head, body)?;
        let values = values(self.chunk, at, end)?;
        self.tell(&shape, &values, depth, event)
    }

    /// An element that is no template's. Whether it says what it depends on is told by nothing but that it can be read.
    fn element(&mut self, place: (usize, usize), is_record: bool) -> Option<Shape> {
        [is_record, !is_record].into_iter().find_map(|dependent| {
            Cursor::new(self.chunk, self.names, place, dependent).element_only()
        })
    }

    fn template(&mut self, head: usize, body: usize) -> Option<Rc<Shape>> {
        if !self.shapes.contains_key(&head) {
            let end = head.checked_add(body)?;
            self.spent.template(body.min(self.chunk.len()))?;
            let shape = Cursor::new(self.chunk, self.names, (head, end), true).element_only();
            self.shapes.insert(head, shape.map(Rc::new));
        }
        self.shapes.get(&head)?.clone()
    }

    fn tell(
        &mut self,
        shape: &Shape,
        values: &[Value<'_>],
        depth: usize,
        event: &mut Event,
    ) -> Option<()> {
        for leaf in &shape.leaves {
            self.leaves += 1;
            if self.leaves > LEAVES_MAX {
                return None;
            }
            self.spent.work(LEAF_WORK)?;
            let value = |number: &u16| values.get(usize::from(*number));
            if leaf.place == Place::Part {
                for piece in &leaf.pieces {
                    if let Piece::Value(number) = piece
                        && let Some((BINARY_XML, bytes, at)) = value(number)
                        && !bytes.is_empty()
                    {
                        self.part((*at, *at + bytes.len()), false, depth + 1, event)?;
                    }
                }
                continue;
            }
            for text in leaf_texts(leaf, values) {
                self.text += text.len();
                self.spent.work(text.len())?;
                if self.text > TEXT_MAX {
                    return None;
                }
                event.take(&leaf.place, text);
            }
        }
        Some(())
    }
}

/// The text of a leaf; as many as a list has that stands there alone.
fn leaf_texts(leaf: &Leaf, values: &[Value<'_>]) -> Vec<String> {
    if let [Piece::Value(number)] = leaf.pieces.as_slice() {
        return match values.get(usize::from(*number)) {
            Some((kind, bytes, _)) if kind & LIST != 0 => texts(*kind, bytes),
            Some((kind, bytes, _)) => vec![texts(*kind, bytes).concat()],
            None => vec![String::new()],
        };
    }
    let mut out = String::new();
    for piece in &leaf.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Value(number) => {
                let value = values.get(usize::from(*number));
                let value = value.map(|(kind, bytes, _)| texts(*kind, bytes).concat());
                out.push_str(&value.unwrap_or_default());
            }
        }
    }
    vec![out]
}

/// The values a template is given: their number, the size and type of each, and all of them one behind the other.
fn values(chunk: &[u8], at: usize, end: usize) -> Option<Vec<Value<'_>>> {
    let bytes = chunk.get(..end)?;
    let count = usize::try_from(super::u32_at(bytes, at)?).ok()?;
    if count > VALUES_MAX {
        return None;
    }
    let mut from = at + 4 + 4 * count;
    let mut out = Vec::with_capacity(count);
    for number in 0..count {
        let head = at + 4 + 4 * number;
        let length = usize::from(u16_at(bytes, head)?);
        let kind = *bytes.get(head + 2)?;
        out.push((kind, bytes.get(from..from + length)?, from));
        from += length;
    }
    Some(out)
}
