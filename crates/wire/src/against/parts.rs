//! A line as what it says and when: what changes from look to look is taken out, and can be put back to the byte.

use groma_model::Timestamp;

/// Stand where a value was taken out. No line of a batch holds these bytes: JSON writes them otherwise.
const TIME: u8 = 1;
const NUMBER: u8 = 2;
const WORD: u8 = 3;
/// Stands where the `seen` of a line was taken out.
const SEEN: u8 = 4;
/// Longest number that is taken out: 19 digits are always within 64 bits.
const DIGITS_MAX: usize = 19;

/// A line, taken apart.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Parts<'t> {
    /// The line without its moments and its `seen`: by this it is found again.
    pub(super) rest: Vec<u8>,
    /// Its `seen` without its values.
    pub(super) shape: Vec<u8>,
    /// Moments, in milliseconds, in their order.
    pub(super) times: Vec<i64>,
    /// Numbers of `seen`.
    pub(super) numbers: Vec<u64>,
    /// Words of `seen`.
    pub(super) words: Vec<&'t [u8]>,
}

/// Whatever was taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Time,
    Number,
    Word,
}

/// A value that was found in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'t> {
    Time(i64),
    Number(u64),
    Word(&'t [u8]),
}

/// Who is told what a line holds, piece by piece and in their order; all pieces but the marks of `seen` together are the line.
pub(super) trait Visit<'t> {
    /// What stays, within `seen` or outside of it.
    fn same(&mut self, bytes: &'t [u8], in_seen: bool) -> Option<()>;
    /// What changes from look to look, and how it is written.
    fn value(&mut self, value: Value<'t>, bytes: &'t [u8], in_seen: bool) -> Option<()>;
    /// Here stands what is in `seen`.
    fn seen(&mut self) -> Option<()>;
}

/// Takes a line apart; `None` if it holds bytes that no line of a batch holds.
pub(super) fn apart(line: &[u8]) -> Option<Parts<'_>> {
    is_plain(line).then_some(())?;
    let mut parts = Parts::default();
    walk(line, line.len(), &mut parts)?;
    Some(parts)
}

/// True if no byte is one of those that no line of a batch holds.
pub(super) fn is_plain(line: &[u8]) -> bool {
    !line.iter().fold(false, |any, byte| any | (*byte < b' '))
}

impl<'t> Visit<'t> for Parts<'t> {
    fn same(&mut self, bytes: &'t [u8], in_seen: bool) -> Option<()> {
        let into = match in_seen {
            true => &mut self.shape,
            false => &mut self.rest,
        };
        into.extend_from_slice(bytes);
        Some(())
    }

    fn value(&mut self, value: Value<'t>, _: &'t [u8], in_seen: bool) -> Option<()> {
        let mark = match value {
            Value::Time(millis) => {
                self.times.push(millis);
                &[TIME]
            }
            Value::Number(number) => {
                self.numbers.push(number);
                &[NUMBER]
            }
            Value::Word(word) => {
                self.words.push(word);
                &[WORD]
            }
        };
        self.same(mark, in_seen)
    }

    fn seen(&mut self) -> Option<()> {
        self.rest.push(SEEN);
        Some(())
    }
}

/// Tells `visit` what a line holds. From `tail` on there is no moment, so if `seen` has ended before it nothing there is a value, and it is told
/// as it stands: then this is true.
pub(super) fn walk<'t>(line: &'t [u8], tail: usize, visit: &mut impl Visit<'t>) -> Option<bool> {
    let mut scan = Scan {
        line,
        at: 0,
        told: 0,
        depth: 0,
        was_seen: false,
        visit,
    };
    while let Some(byte) = line.get(scan.at) {
        if scan.at == tail && scan.was_seen && scan.depth == 0 {
            scan.at = line.len();
            scan.tell()?;
            return Some(true);
        }
        scan.step(*byte)?;
    }
    scan.tell()?;
    Some(false)
}

struct Scan<'t, 'v, V> {
    line: &'t [u8],
    at: usize,
    /// What was told of the line.
    told: usize,
    /// Nesting within `seen`; 0 outside of it.
    depth: usize,
    was_seen: bool,
    visit: &'v mut V,
}

impl<'t, V: Visit<'t>> Scan<'t, '_, V> {
    fn step(&mut self, byte: u8) -> Option<()> {
        if byte == b'"' {
            return self.string();
        }
        if self.depth == 0 {
            self.at += 1;
            return Some(());
        }
        match byte {
            b'0'..=b'9' => return self.number(),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth == 1 => {
                self.at += 1;
                self.tell()?;
                self.depth = 0;
                return Some(());
            }
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        self.at += 1;
        Some(())
    }

    /// Tells what stays, up to here.
    fn tell(&mut self) -> Option<()> {
        let bytes = self.line.get(self.told..self.at)?;
        self.told = self.at;
        match bytes.is_empty() {
            true => Some(()),
            false => self.visit.same(bytes, self.depth > 0),
        }
    }

    /// Tells a value that stands here and is so long.
    fn tell_value(&mut self, value: Value<'t>, length: usize) -> Option<()> {
        self.tell()?;
        let end = self.at + length;
        let bytes = self.line.get(self.at..end)?;
        (self.at, self.told) = (end, end);
        self.visit.value(value, bytes, self.depth > 0)
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        let behind = self.line.get(self.at..).unwrap_or_default();
        let length = end_of_string(behind);
        let content = behind.get(..length).unwrap_or_default();
        if behind.get(length).is_none() {
            // A string without an end is no string: the parser will say so.
            self.at += length;
            return Some(());
        }
        let after = behind.get(length + 1..).unwrap_or_default();
        if let Some(millis) = moment(content) {
            self.tell_value(Value::Time(millis), length)?;
            self.at += 1;
            return Some(());
        }
        if self.depth > 0 && after.first() != Some(&b':') {
            self.tell_value(Value::Word(content), length)?;
            self.at += 1;
            return Some(());
        }
        self.at += length + 1;
        if self.depth == 0 && !self.was_seen && content == b"seen" && after.starts_with(b":{") {
            self.at += 1;
            self.tell()?;
            self.visit.seen()?;
            self.was_seen = true;
            self.depth = 1;
            self.at += 1;
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = rest.get(..length).unwrap_or_default();
        let before = self.at.checked_sub(1).and_then(|at| self.line.get(at));
        let stands_alone = matches!(before, Some(b':' | b'[' | b','))
            && matches!(rest.get(length), Some(b',' | b'}' | b']'));
        let is_plain = length == 1 || (length <= DIGITS_MAX && !digits.starts_with(b"0"));
        if stands_alone && is_plain {
            return self.tell_value(Value::Number(value_of(digits)), length);
        }
        self.at += length;
        Some(())
    }
}

fn value_of(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |value, digit| {
        value
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

/// Bytes before the quotation mark that ends a string; all of them if none does.
fn end_of_string(behind: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in behind.iter().enumerate() {
        match byte {
            b'"' if !escaped => return at,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    behind.len()
}

/// A moment that is written as we would write it.
fn moment(content: &[u8]) -> Option<i64> {
    let looks_so = (20..=24).contains(&content.len())
        && content.ends_with(b"Z")
        && content.get(10) == Some(&b'T');
    let moment = looks_so.then(|| Timestamp::exactly(content)).flatten()?;
    Some(moment.millis())
}

/// What lines are put together into: never more than was allowed.
pub(super) struct Out {
    pub(super) bytes: Vec<u8>,
    pub(super) most: usize,
}

impl Out {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        if self.bytes.len() + bytes.len() > self.most {
            return None;
        }
        self.bytes.extend_from_slice(bytes);
        Some(())
    }
}

/// Puts a line together; what was taken out is asked of `value`, which writes it. A `seen` stands in it once, and none within that: else
/// a line that says nothing could take for ever.
pub(super) fn together(
    rest: &[u8],
    mut shape: Option<&[u8]>,
    out: &mut Out,
    value: &mut impl FnMut(Kind, &mut Out) -> Option<()>,
) -> Option<()> {
    let mut left = rest;
    while let Some(at) = left.iter().position(|byte| (TIME..=SEEN).contains(byte)) {
        out.put(left.get(..at)?)?;
        match *left.get(at)? {
            TIME => value(Kind::Time, out)?,
            NUMBER => value(Kind::Number, out)?,
            WORD => value(Kind::Word, out)?,
            _ => together(shape.take()?, None, out, value)?,
        }
        left = left.get(at + 1..)?;
    }
    out.put(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(line: &[u8]) -> Vec<u8> {
        let parts = apart(line).unwrap();
        let (mut times, mut numbers, mut words) =
            (parts.times.iter(), parts.numbers.iter(), parts.words.iter());
        let mut out = Out {
            bytes: Vec::new(),
            most: usize::MAX,
        };
        together(
            &parts.rest,
            Some(&parts.shape),
            &mut out,
            &mut |kind, out| match kind {
                Kind::Time => out.put(
                    Timestamp::from_millis(*times.next()?)
                        .to_string()
                        .as_bytes(),
                ),
                Kind::Number => out.put(numbers.next()?.to_string().as_bytes()),
                Kind::Word => out.put(words.next()?),
            },
        )
        .unwrap();
        out.bytes
    }

    #[test]
    fn what_changes_from_look_to_look_is_taken_out() {
        let line = br#"{"source":"s","scope":"a","seen":{"first":"2026-11-22T06:54:14.12Z","last":"2026-11-22T06:54:15Z","count":30,"hours":"0080","lasted":{"shortest_ms":1}},"saw":{"port":443}}"#;
        let parts = apart(line).unwrap();
        assert_eq!(parts.times, [1_795_330_454_120, 1_795_330_455_000]);
        assert_eq!(parts.numbers, [30, 1]);
        assert_eq!(parts.words, [b"0080"]);
        let rest = String::from_utf8(parts.rest).unwrap();
        assert!(rest.contains("443") && !rest.contains("first"), "{rest}");
        assert_eq!(back(line), line);
    }

    #[test]
    fn a_line_that_says_seen_again_and_again_is_refused_before_it_takes_time() {
        let many = vec![SEEN; 1 << 20];
        let mut out = Out {
            bytes: Vec::new(),
            most: usize::MAX,
        };
        let mut none = |_: Kind, _: &mut Out| -> Option<()> { None };
        assert_eq!(together(&many, Some(&many), &mut out, &mut none), None);
        assert_eq!(together(&[SEEN], Some(&[SEEN]), &mut out, &mut none), None);
        assert_eq!(
            together(&[SEEN, SEEN], Some(b"{}"), &mut out, &mut none),
            None
        );
        assert_eq!(
            together(&[SEEN], Some(b"{}"), &mut out, &mut none),
            Some(())
        );
    }

    #[test]
    fn whatever_a_line_is_it_comes_back_to_the_byte() {
        for line in [
            &br#"{"a":"2026-11-22T06:54:14.120Z","b":"2026-11-22T06:54:14Z ","c":"2026-02-31T00:00:00Z"}"#[..],
            br#"{"seen":{"count":007,"x":-1,"y":1.5,"z":99999999999999999999,"n":0,"e":1e5}}"#,
            br#"{"seen":{"seen":{"seen":1}},"seen":{"count":3}}"#,
            br#"{"seen":{"a\"b":"c\\"},"d":"\"seen\":{"}"#,
            br#"{"seen":{"count":3"#,
            br#"{"seen":{"a":"b"#,
            br#"{"a":"b\"#,
            b"\"",
            b"",
            b"}}}]]1",
            b"{\"seen\":{\"w\":\"\xff\xfe\"}}",
        ] {
            assert_eq!(back(line), line, "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(apart(b"{\"a\":\x01}"), None);
    }
}
