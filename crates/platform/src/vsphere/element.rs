//! One value out of an answer, and the stream it comes from: limited in depth, length and number; no document type, no entity but
//! the five that every document has.

use std::io::{self, BufRead, Read};
use std::str::FromStr;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::answer::Unread;

/// Elements within elements. Snapshots nest, and a platform allows 32 of them in a row.
const DEPTH_MAX: usize = 96;
/// Bytes of one tag or one text.
const PIECE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of one value that are kept; one that is longer is left out whole.
const VALUE_BYTES_MAX: usize = 16 << 20;
/// What an element costs beside its text.
const ELEMENT_BYTES: usize = 160;

/// An element with all that is in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Element {
    /// Its name, without a prefix.
    pub name: String,
    /// What it says it is: `xsi:type` without a prefix, else empty.
    pub kind: String,
    /// What a reference points at: its attribute `type`, else empty.
    pub of: String,
    /// Its own text.
    pub text: String,
    /// What is in it, in order.
    pub children: Vec<Self>,
}

impl Element {
    /// The first element at `path`: names with `/` between, from its children on.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let mut here = self;
        for name in path.split('/') {
            here = here.children.iter().find(|child| child.name == name)?;
        }
        Some(here)
    }

    /// All children called `name`.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> + 'e {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Its own text without blanks around it, if there is any.
    pub fn own_text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// The text at `path`, if there is any.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.own_text()
    }

    /// The number at `path`.
    pub fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// The yes or no at `path`.
    pub fn truth(&self, path: &str) -> Option<bool> {
        truth(self.text(path)?)
    }
}

/// A yes or no as XML writes it.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A step through an answer.
pub(super) enum Step {
    /// An element begins, still without children and text.
    Open(Element),
    /// Letters of its text.
    Text(String),
    /// The innermost open element ends.
    Close,
    /// The answer is over, with nothing left open.
    End,
}

/// An answer that is read step by step.
pub(super) struct Steps<R> {
    reader: Reader<Metered<R>>,
    room: Vec<u8>,
    depth: usize,
    closes: bool,
}

impl<R: BufRead> Steps<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            reader: Reader::from_reader(Metered { from, left: 0 }),
            room: Vec::new(),
            depth: 0,
            closes: false,
        }
    }

    /// The next step.
    pub(super) fn next(&mut self) -> Result<Step, Unread> {
        if std::mem::take(&mut self.closes) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(Step::Close);
        }
        loop {
            self.room.clear();
            self.reader.get_mut().left = PIECE_BYTES_MAX;
            let event = self.reader.read_event_into(&mut self.room);
            let (element, is_empty) = match event.map_err(unread)? {
                Event::Start(start) => (opened(&start), false),
                Event::Empty(start) => (opened(&start), true),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Step::Close);
                }
                Event::Text(text) => return Ok(Step::Text((*text).to_owned())),
                Event::CData(text) => return Ok(Step::Text((*text).to_owned())),
                Event::GeneralRef(name) => return letter(&name),
                Event::DocType(_) => {
                    return Err(Unread::Malformed("it declares a document type".to_owned()));
                }
                Event::Eof if self.depth > 0 => return Err(Unread::cut()),
                Event::Eof => return Ok(Step::End),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
            };
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                let why = format!("more than {DEPTH_MAX} elements within each other");
                return Err(Unread::Malformed(why));
            }
            self.closes = is_empty;
            return Ok(Step::Open(element));
        }
    }

    /// All of `root`, which was opened just now; `None` if it is too long to be kept.
    pub(super) fn rest_of(&mut self, root: Element) -> Result<Option<Element>, Unread> {
        let mut open = vec![root];
        let mut left = Some(VALUE_BYTES_MAX);
        loop {
            match self.next()? {
                Step::Open(element) => {
                    left = spend(
                        left,
                        ELEMENT_BYTES + element.name.len() + element.kind.len(),
                    );
                    open.push(element);
                }
                Step::Text(text) => {
                    left = spend(left, text.len());
                    if let (Some(_), Some(inner)) = (left, open.last_mut()) {
                        inner.text.push_str(&text);
                    }
                }
                Step::Close => {
                    let Some(ended) = open.pop() else {
                        return Err(Unread::cut());
                    };
                    match open.last_mut() {
                        Some(outer) if left.is_some() => outer.children.push(ended),
                        Some(_) => {}
                        None => return Ok(left.map(|_| ended)),
                    }
                }
                Step::End => return Err(Unread::cut()),
            }
        }
    }
}

fn spend(left: Option<usize>, bytes: usize) -> Option<usize> {
    left?.checked_sub(bytes)
}

fn opened(start: &BytesStart<'_>) -> Element {
    let mut element = Element {
        name: start.local_name().as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in start.attributes().flatten() {
        let value = attribute.value.as_ref();
        match attribute.key.as_ref() {
            "type" => element.of = value.to_owned(),
            key if key.ends_with(":type") => {
                let bare = value.rsplit(':').next().unwrap_or(value);
                element.kind = bare.to_owned();
            }
            _ => {}
        }
    }
    element
}

/// One of the five, or the number of a letter. Anything else would have been declared by a document type.
fn letter(name: &str) -> Result<Step, Unread> {
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
    let why = || Unread::Malformed("it uses an entity that nobody declared".to_owned());
    letter
        .map(|letter| Step::Text(letter.into()))
        .ok_or_else(why)
}

fn unread(error: quick_xml::Error) -> Unread {
    match error {
        quick_xml::Error::Io(error) => {
            Unread::Broken(io::Error::new(error.kind(), error.to_string()))
        }
        error => Unread::Malformed(error.to_string()),
    }
}

/// Ends a tag or text that does not end by itself, before it fills the memory.
struct Metered<R> {
    from: R,
    left: u64,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let why = format!("a tag or text is longer than {PIECE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let all = self.from.fill_buf()?;
        Ok(all.get(..left).unwrap_or(all))
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self
            .left
            .saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.from.consume(bytes);
    }
}
