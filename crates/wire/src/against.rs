//! A batch as what is new in it: written against the text of the batch before, which both sides have.
//!
//! A look says much of what the look before said, with other times and counts. As a batch each such line costs its whole text again, some
//! thirty bytes after packing; against the batch before it costs its numbers alone. This is a form for the wire between two that know each
//! other's last batch, never one that is kept: what is kept, hashed and read is the text, and the text that comes out is the text that
//! went in, to the byte, or nothing at all.
//!
//! ```text
//! 1                    the version of this form
//! digest               the first 16 bytes of SHA-256 over the text that must come out
//! reference            the first moment of that text, in milliseconds
//! length, rests        what no line of the base says, a line each, with marks where values stand
//! length, words        words that are values, and forms of `seen`, a line each
//! columns              for each kind of value and its place in the line: how many, how wide, and the bytes, lowest first
//! ```
//!
//! All of it is one zstd frame that has the base as its prefix. Lines are found again by what they say (`parts`); values are 0 where they are
//! what the base says, else one more than the value: a moment as its distance from the reference, a number as it is, a word by its place.
//!
//! Reading is bounded by [`TEXT_BYTES_MAX`] on each text, by the [`Limits`] on what arrives, on the window and on how far it may expand, and by a
//! bound on how much of the base may be read again.

mod columns;
mod parts;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read as _, Write};

use groma_model::Timestamp;
use groma_model::id::sha256;

use self::columns::{Columns, LINES, Read, SHAPES, column_of, folded, unfolded};
use self::parts::{Kind, Out, Parts, Value, Visit, apart, is_plain, together, walk};
use crate::encode::LEVEL;
use crate::marks::{Lines, Mark, Told};
use crate::{Limits, WireError};

/// The longest text that is written against another, and the longest that others are written against: what one request may cost in memory
/// is a few times this.
pub const TEXT_BYTES_MAX: usize = 8 << 20;
/// No column is longer.
const VALUES_MAX: usize = TEXT_BYTES_MAX;
/// No text has more lines, and no patch more words.
const LINES_MAX: usize = 1 << 18;
/// How much of the base may be read for one text: each line once, and as much again.
const WORK_MAX: usize = 2 * TEXT_BYTES_MAX;
const VERSION: u8 = 1;
/// A line says what the line behind the one before it says in the base.
const NEXT: u64 = 0;
/// A line that no line of the base says.
const NEW: u64 = 1;
const DIGEST_BYTES: usize = 16;

/// The text of a packed batch, if it is within [`TEXT_BYTES_MAX`].
pub fn text_of(frame: &[u8]) -> Option<Vec<u8>> {
    // Whoever says how much it is, and is right, is unpacked in one go.
    if let Ok(Some(said)) = zstd::zstd_safe::get_frame_content_size(frame) {
        let most = usize::try_from(said).ok()?;
        let one = zstd::zstd_safe::find_frame_compressed_size(frame).ok()?;
        return (most <= TEXT_BYTES_MAX)
            .then(|| zstd::bulk::decompress(frame.get(..one)?, most).ok())
            .flatten();
    }
    let decoder = zstd::Decoder::with_buffer(frame).ok()?.single_frame();
    unpacked(decoder)
}

/// The name that both sides call a text by: the first 128 bits of its SHA-256, in hex.
pub fn name_of(text: &[u8]) -> String {
    groma_model::foreign::hex(&digest_of(text))
}

/// Packs a text as [`encode`](crate::encode) packs a batch, and says how long it is.
pub fn packed(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
    packer.include_checksum(true)?;
    packer.compress(text)
}

pub(crate) fn digest_of(text: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest
        .iter_mut()
        .zip(sha256(text))
        .for_each(|(to, from)| *to = from);
    digest
}

fn unpacked<R: io::BufRead>(mut decoder: zstd::Decoder<'_, R>) -> Option<Vec<u8>> {
    decoder.window_log_max(Limits::network().window_log).ok()?;
    let most = u64::try_from(TEXT_BYTES_MAX).ok()?;
    let mut text = Vec::new();
    decoder.take(most + 1).read_to_end(&mut text).ok()?;
    (text.len() <= TEXT_BYTES_MAX).then_some(text)
}

/// Writes `text` against `base`; nothing if one of them is too long or no text of a batch.
pub fn write(text: &[u8], base: &[u8]) -> Option<Vec<u8>> {
    if text.len() > TEXT_BYTES_MAX || base.len() > TEXT_BYTES_MAX {
        return None;
    }
    let mut writer = Writer::over(base)?;
    for line in text.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
        writer.line(&apart(line)?)?;
    }
    let reference = writer.reference.unwrap_or_default().to_le_bytes();
    let head = [&[VERSION], &digest_of(text)[..], &reference].concat();
    let long = head.len() + 8 + writer.rests.len() + writer.words.len() + writer.columns.size();
    // More than the text itself is no gain, and more than a reader takes.
    (long <= text.len()).then_some(())?;
    let window = (long + base.len()).next_power_of_two().ilog2();
    let pack = || -> io::Result<Vec<u8>> {
        let mut packer = zstd::Encoder::with_ref_prefix(Vec::new(), LEVEL, base)?;
        packer.include_checksum(true)?;
        packer.window_log(window.clamp(17, Limits::network().window_log))?;
        packer.write_all(&head)?;
        for block in [&writer.rests, &writer.words] {
            let many = u32::try_from(block.len()).map_err(io::Error::other)?;
            packer.write_all(&many.to_le_bytes())?;
            packer.write_all(block)?;
        }
        writer.columns.write(&mut packer)?;
        packer.finish()
    };
    pack().ok()
}

/// The lines of a base, by what they say.
struct Writer<'b> {
    base: Vec<&'b [u8]>,
    hashes: RandomState,
    by_rest: HashMap<u64, Vec<usize>>,
    /// The line of the base that would come next.
    expected: usize,
    reference: Option<i64>,
    rests: Vec<u8>,
    words: Vec<u8>,
    numbers: HashMap<Vec<u8>, u64>,
    columns: Columns,
}

impl<'b> Writer<'b> {
    fn over(base: &'b [u8]) -> Option<Self> {
        let base = lines_of(base)?;
        let hashes = RandomState::new();
        let mut by_rest: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, line) in base.iter().enumerate() {
            let hash = hashes.hash_one(apart(line)?.rest);
            by_rest.entry(hash).or_default().push(index);
        }
        Some(Self {
            base,
            hashes,
            by_rest,
            expected: 0,
            reference: None,
            rests: Vec::new(),
            words: Vec::new(),
            numbers: HashMap::new(),
            columns: Columns::default(),
        })
    }

    fn line(&mut self, parts: &Parts<'_>) -> Option<()> {
        let old = self.same(parts);
        let code = match &old {
            None => {
                self.rests.extend_from_slice(&parts.rest);
                self.rests.push(b'\n');
                NEW
            }
            Some((index, _)) if *index == self.expected => NEXT,
            Some((index, _)) => {
                let away = i64::try_from(*index).ok()? - i64::try_from(self.expected).ok()?;
                folded(away) + 2
            }
        };
        if let Some((index, _)) = &old {
            self.expected = index + 1;
        }
        self.columns.push(LINES, code);
        let old = old.map(|(_, parts)| parts);
        let shape = match &old {
            Some(old) if old.shape == parts.shape => 0,
            _ => self.word(&parts.shape),
        };
        self.columns.push(SHAPES, shape);
        self.values(parts, old.as_ref());
        Some(())
    }

    /// The line of the base that says the same: the expected one, or the next one after it, or the first.
    fn same(&self, parts: &Parts<'_>) -> Option<(usize, Parts<'b>)> {
        let read = |index: usize| {
            let found = apart(self.base.get(index)?)?;
            (found.rest == parts.rest).then_some((index, found))
        };
        read(self.expected).or_else(|| {
            let all = self.by_rest.get(&self.hashes.hash_one(&parts.rest))?;
            let at = all.partition_point(|index| *index < self.expected);
            read(*all.get(at).or_else(|| all.first())?)
        })
    }

    fn values(&mut self, parts: &Parts<'_>, old: Option<&Parts<'_>>) {
        for (ordinal, time) in parts.times.iter().enumerate() {
            let reference = *self.reference.get_or_insert(*time);
            let is_same = old.is_some_and(|old| old.times.get(ordinal) == Some(time));
            let code = folded(time.wrapping_sub(reference)).wrapping_add(1);
            self.put(Kind::Time, ordinal, is_same, code);
        }
        for (ordinal, number) in parts.numbers.iter().enumerate() {
            let is_same = old.is_some_and(|old| old.numbers.get(ordinal) == Some(number));
            self.put(Kind::Number, ordinal, is_same, number.wrapping_add(1));
        }
        for (ordinal, word) in parts.words.iter().enumerate() {
            let is_same = old.is_some_and(|old| old.words.get(ordinal) == Some(word));
            let code = match is_same {
                true => 0,
                false => self.word(word),
            };
            self.put(Kind::Word, ordinal, is_same, code);
        }
    }

    fn put(&mut self, kind: Kind, ordinal: usize, is_same: bool, code: u64) {
        let code = if is_same { 0 } else { code };
        self.columns.push(column_of(kind, ordinal), code);
    }

    /// One more than the place of a word among all that are told.
    fn word(&mut self, word: &[u8]) -> u64 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = u64::try_from(self.numbers.len() + 1).unwrap_or(u64::MAX);
        self.numbers.insert(word.to_vec(), number);
        self.words.extend_from_slice(word);
        self.words.push(b'\n');
        number
    }
}

/// The lines of a text; nothing if there are more than any batch has.
fn lines_of(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut left = text.strip_suffix(b"\n").unwrap_or(text);
    let mut lines = Vec::new();
    while lines.len() < LINES_MAX {
        let Some(at) = line_feed(left) else {
            lines.push(left);
            return Some(lines);
        };
        lines.push(left.get(..at)?);
        left = left.get(at + 1..)?;
    }
    None
}

/// Where the first line feed stands. Thirty-two bytes are looked at in one step: lines are long.
fn line_feed(bytes: &[u8]) -> Option<usize> {
    let is_in = |chunk: &[u8]| chunk.iter().fold(false, |any, byte| any | (*byte == b'\n'));
    let begin = 32
        * bytes
            .chunks_exact(32)
            .take_while(|chunk| !is_in(chunk))
            .count();
    let within = bytes.get(begin..)?.iter().position(is_line_feed);
    within.map(|at| begin + at)
}

/// The text that was written against `base`, or a refusal.
///
/// # Errors
/// It is damaged, was written against something else, or is too much.
pub fn read(patch: &[u8], base: &[u8], limits: &Limits) -> Result<Vec<u8>, WireError> {
    read_marked(patch, base, &[], limits).map(Told::into_text)
}

/// As [`read`], with what is known of the lines of the base, and then of those of the text.
///
/// # Errors
/// As [`read`].
pub fn read_marked(
    patch: &[u8],
    base: &[u8],
    marks: &[Mark],
    limits: &Limits,
) -> Result<Told, WireError> {
    let arrived = u64::try_from(patch.len()).unwrap_or(u64::MAX);
    if arrived > limits.wire_bytes {
        return Err(too_large("bytes on the wire", limits.wire_bytes));
    }
    // What the base says may be said again for nothing; what is beyond that has to be paid for, as in any batch.
    let base_bytes = u64::try_from(base.len()).unwrap_or(u64::MAX);
    let free = limits.ratio_floor.saturating_add(base_bytes);
    let paid = arrived.saturating_mul(limits.ratio);
    let most = free.saturating_add(paid).min(limits.expanded_bytes);
    let most = usize::try_from(most)
        .unwrap_or(usize::MAX)
        .min(TEXT_BYTES_MAX);
    if base.len() > TEXT_BYTES_MAX {
        return Err(too_large("bytes in a base", TEXT_BYTES_MAX as u64));
    }
    let decoder = zstd::Decoder::with_ref_prefix(patch, base).map_err(|_| damaged())?;
    let inner = unpacked(decoder.single_frame()).ok_or_else(damaged)?;
    // What is new in a text is never more than the text.
    if inner.len() > most {
        return Err(damaged());
    }
    let (reader, digest) = Reader::over(&inner, base, marks).ok_or_else(damaged)?;
    let (text, lines) = reader.text(most).ok_or_else(damaged)?;
    match digest_of(&text) == digest {
        true => Ok(Told::new(text, digest, lines)),
        false => Err(damaged()),
    }
}

fn too_large(what: &'static str, limit: u64) -> WireError {
    WireError::TooLarge {
        line: 0,
        what,
        limit,
    }
}

fn damaged() -> WireError {
    WireError::Damaged {
        line: 0,
        why: "not what is new against the batch before".to_owned(),
    }
}

/// What a patch says, and what it says it of.
struct Reader<'p> {
    base: Vec<&'p [u8]>,
    /// What is known of these lines.
    marks: &'p [Mark],
    reference: i64,
    rests: std::slice::Split<'p, u8, fn(&u8) -> bool>,
    words: Vec<&'p [u8]>,
    columns: Read<'p>,
    expected: usize,
    /// Bytes of the base that were read.
    work: usize,
}

impl<'p> Reader<'p> {
    fn over(
        inner: &'p [u8],
        base: &'p [u8],
        marks: &'p [Mark],
    ) -> Option<(Self, [u8; DIGEST_BYTES])> {
        let (head, behind) = inner.split_first_chunk::<{ 1 + DIGEST_BYTES + 8 }>()?;
        let (version, head) = head.split_first()?;
        let (digest, reference) = head.split_first_chunk::<DIGEST_BYTES>()?;
        let (rests, behind) = block(behind)?;
        let (words, behind) = block(behind)?;
        (*version == VERSION).then_some(())?;
        let reader = Self {
            base: lines_of(base)?,
            marks,
            reference: i64::from_le_bytes(reference.try_into().ok()?),
            rests: rests.split(is_line_feed),
            words: lines_of(words)?,
            columns: Read::new(behind)?,
            expected: 0,
            work: 0,
        };
        Some((reader, *digest))
    }

    fn text(mut self, most: usize) -> Option<(Vec<u8>, Lines)> {
        let mut out = Out {
            bytes: Vec::with_capacity(most.min(self.likely())),
            most,
        };
        let mut lines = Vec::new();
        for _ in 0..self.columns.left(LINES) {
            let begin = out.bytes.len();
            let mark = self.line(&mut out)?;
            // Whoever writes nothing but line feeds is told nothing of them.
            if lines.len() < LINES_MAX {
                lines.push((u32::try_from(out.bytes.len() - begin).ok()?, mark));
            }
            out.put(b"\n")?;
        }
        Some((out.bytes, lines))
    }

    /// About as long as this is the text: a look is as long as the one before.
    fn likely(&self) -> usize {
        let base: usize = self.base.iter().map(|line| line.len() + 1).sum();
        base + base / 8
    }

    /// Puts the next line together, and says what is known of it.
    fn line(&mut self, out: &mut Out) -> Option<Mark> {
        let old = match self.columns.next(LINES)? {
            NEW => None,
            NEXT => Some(self.old(self.expected)?),
            code => {
                let expected = i64::try_from(self.expected).ok()?;
                let index = expected.checked_add(unfolded(code - 2))?;
                Some(self.old(usize::try_from(index).ok()?)?)
            }
        };
        match (old, self.columns.next(SHAPES)?) {
            (Some((line, mark)), 0) => self.again(line, mark, out),
            (old, shape) => {
                self.anew(old.map(|(line, _)| line), shape, out)?;
                Some(Mark::default())
            }
        }
    }

    /// A line of the base with other values. What is known of it stays so: its end has none.
    fn again(&mut self, line: &'p [u8], mark: Mark, out: &mut Out) -> Option<Mark> {
        is_plain(line).then_some(())?;
        let mut values = Values {
            columns: &mut self.columns,
            words: &self.words,
            reference: self.reference,
            ordinals: [0; 3],
            out,
        };
        let ends_so = walk(line, mark.begins(line)?, &mut values)?;
        Some(if ends_so { mark } else { Mark::default() })
    }

    /// A line that is new, or has a `seen` of another form than in the base.
    fn anew(&mut self, old: Option<&'p [u8]>, shape: u64, out: &mut Out) -> Option<()> {
        let old = match old {
            Some(line) => Some(apart(line)?),
            None => None,
        };
        let rest = match &old {
            Some(old) => &old.rest[..],
            None => self.rests.next()?,
        };
        let shape = word_at(&self.words, shape)?;
        let mut ordinals = [0; 3];
        let (columns, words, reference) = (&mut self.columns, &self.words, self.reference);
        together(rest, Some(shape), out, &mut |kind, out| {
            let at = next_of(&mut ordinals, kind)?;
            match (kind, columns.next(column_of(kind, at))?) {
                (Kind::Time, 0) => put_time(*old.as_ref()?.times.get(at)?, out),
                (Kind::Number, 0) => put_number(*old.as_ref()?.numbers.get(at)?, out),
                (Kind::Word, 0) => out.put(old.as_ref()?.words.get(at)?),
                (kind, code) => put_value(kind, code, words, reference, out),
            }
        })
    }

    /// A line of the base, and what is known of it; none if too much of it was asked for already.
    fn old(&mut self, index: usize) -> Option<(&'p [u8], Mark)> {
        let line = *self.base.get(index)?;
        self.work = self.work.checked_add(line.len())?;
        (self.work <= WORK_MAX).then_some(())?;
        self.expected = index + 1;
        Some((line, self.marks.get(index).copied().unwrap_or_default()))
    }
}

/// Puts the values of a patch in the places of those that stand in a line.
struct Values<'r, 'p> {
    columns: &'r mut Read<'p>,
    words: &'r [&'p [u8]],
    reference: i64,
    ordinals: [usize; 3],
    out: &'r mut Out,
}

impl<'t> Visit<'t> for Values<'_, '_> {
    fn same(&mut self, bytes: &'t [u8], _: bool) -> Option<()> {
        self.out.put(bytes)
    }

    fn value(&mut self, value: Value<'t>, bytes: &'t [u8], _: bool) -> Option<()> {
        let kind = match value {
            Value::Time(_) => Kind::Time,
            Value::Number(_) => Kind::Number,
            Value::Word(_) => Kind::Word,
        };
        let at = next_of(&mut self.ordinals, kind)?;
        match self.columns.next(column_of(kind, at))? {
            0 => self.out.put(bytes),
            code => put_value(kind, code, self.words, self.reference, self.out),
        }
    }

    fn seen(&mut self) -> Option<()> {
        Some(())
    }
}

/// The place of the next value of a kind among all of that kind in a line.
fn next_of(ordinals: &mut [usize; 3], kind: Kind) -> Option<usize> {
    let next = ordinals.get_mut(kind as usize)?;
    let at = *next;
    *next += 1;
    Some(at)
}

/// A value that is not what it was.
fn put_value(kind: Kind, code: u64, words: &[&[u8]], reference: i64, out: &mut Out) -> Option<()> {
    let code = code.checked_sub(1)?;
    match kind {
        Kind::Time => put_time(reference.wrapping_add(unfolded(code)), out),
        Kind::Number => put_number(code, out),
        Kind::Word => out.put(words.get(usize::try_from(code).ok()?)?),
    }
}

fn is_line_feed(byte: &u8) -> bool {
    *byte == b'\n'
}

fn block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (long, behind) = bytes.split_first_chunk::<4>()?;
    behind.split_at_checked(usize::try_from(u32::from_le_bytes(*long)).ok()?)
}

fn word_at<'w>(words: &[&'w [u8]], code: u64) -> Option<&'w [u8]> {
    words
        .get(usize::try_from(code.checked_sub(1)?).ok()?)
        .copied()
}

fn put_time(millis: i64, out: &mut Out) -> Option<()> {
    out.put(Timestamp::from_millis(millis).to_string().as_bytes())
}

fn put_number(number: u64, out: &mut Out) -> Option<()> {
    out.put(number.to_string().as_bytes())
}

#[cfg(test)]
mod tests;
