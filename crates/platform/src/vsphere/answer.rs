//! An answer of SOAP: objects with their properties, a small document, or a fault.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::str::FromStr;

use super::element::{Element, Step, Steps, truth};

/// Properties of one object.
const PROPERTIES_MAX: usize = 256;
/// Letters of a fault that are shown.
const WORDS_MAX: usize = 300;

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The stream failed, or ended in the middle.
    #[error("the answer breaks off: {0}")]
    Broken(io::Error),
    /// It is no answer of this interface.
    #[error("the answer makes no sense: {0}")]
    Malformed(String),
    /// The platform said no.
    #[error("{0}")]
    Fault(Fault),
}

impl Unread {
    pub(super) fn cut() -> Self {
        Self::Broken(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it ends in the middle",
        ))
    }
}

/// A "no" of the platform.
#[derive(Clone, PartialEq, Eq, Debug, Default, thiserror::Error)]
#[error("{kind}: {words}")]
pub struct Fault {
    /// Its type: `InvalidLogin`, `NoPermission`; empty where none is told.
    pub kind: String,
    /// What it says to a person.
    pub words: String,
    /// The property it is about (`InvalidProperty`), or the privilege that is missing (`NoPermission`); else empty.
    pub about: String,
}

/// A property that was asked for and not told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// Its path.
    pub path: String,
    /// Why.
    pub fault: Fault,
}

/// One managed object, as far as it was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Object {
    /// What it is: `VirtualMachine`.
    pub kind: String,
    /// Its key: `vm-42`.
    pub key: String,
    /// Its properties by path.
    pub values: BTreeMap<String, Element>,
    /// What was not told.
    pub missing: Vec<Missing>,
    /// Paths of properties that are too long to be kept.
    pub too_long: Vec<String>,
}

impl Object {
    /// The property at `path`.
    pub fn value(&self, path: &str) -> Option<&Element> {
        self.values.get(path)
    }

    /// The text of a property, if there is any.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value(path)?.own_text()
    }

    /// The number in a property.
    pub fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// The yes or no in a property.
    pub fn truth(&self, path: &str) -> Option<bool> {
        truth(self.text(path)?)
    }
}

/// What a page of objects ends with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// How many objects were in it.
    pub objects: u64,
    /// What the next page is asked for with; `None` at the last.
    pub token: Option<String>,
}

/// Reads an answer to `RetrievePropertiesEx` or `ContinueRetrievePropertiesEx`; each object goes to `found` as soon as it is read.
///
/// # Errors
/// [`Unread`]. What was found before stays found.
pub fn page(from: impl BufRead, found: &mut dyn FnMut(Object)) -> Result<Page, Unread> {
    let mut steps = Steps::new(from);
    let mut page = Page::default();
    if !within_answer(&mut steps)? {
        return ended(&mut steps).map(|()| page);
    }
    while let Some(part) = opened(&mut steps)? {
        if part.name != "returnval" {
            steps.rest_of(part)?;
            continue;
        }
        while let Some(part) = opened(&mut steps)? {
            match part.name.as_str() {
                "objects" => {
                    found(object(&mut steps)?);
                    page.objects += 1;
                }
                "token" => page.token = token(steps.rest_of(part)?),
                _ => drop(steps.rest_of(part)?),
            }
        }
    }
    ended(&mut steps).map(|()| page)
}

/// Reads an answer that is a list: each `returnval` goes to `found` as soon as it is read. One that is too long is passed over.
///
/// # Errors
/// [`Unread`]. What was found before stays found.
pub(super) fn parts(from: impl BufRead, found: &mut dyn FnMut(&Element)) -> Result<(), Unread> {
    let mut steps = Steps::new(from);
    if within_answer(&mut steps)? {
        while let Some(part) = opened(&mut steps)? {
            let is_one = part.name == "returnval";
            let whole = steps.rest_of(part)?;
            whole.iter().filter(|_| is_one).for_each(&mut *found);
        }
    }
    ended(&mut steps)
}

/// Reads a small answer whole: the element within its body, `LoginResponse` and the like.
///
/// # Errors
/// [`Unread`].
pub fn whole(from: impl BufRead) -> Result<Element, Unread> {
    let mut steps = Steps::new(from);
    let Some(answer) = body(&mut steps)? else {
        return Err(Unread::Malformed("its body is empty".to_owned()));
    };
    let is_fault = answer.name == "Fault";
    let answer = steps.rest_of(answer)?;
    ended(&mut steps)?;
    let answer = answer.ok_or_else(|| Unread::Malformed("it is too long".to_owned()))?;
    match is_fault {
        true => Err(Unread::Fault(fault(&answer))),
        false => Ok(answer),
    }
}

fn token(element: Option<Element>) -> Option<String> {
    element?.own_text().map(str::to_owned)
}

/// Goes to the inside of the answer; false for an empty one.
fn within_answer<R: BufRead>(steps: &mut Steps<R>) -> Result<bool, Unread> {
    match body(steps)? {
        None => Ok(false),
        Some(answer) if answer.name == "Fault" => {
            let whole = steps.rest_of(answer)?.unwrap_or_default();
            ended(steps)?;
            Err(Unread::Fault(fault(&whole)))
        }
        Some(_) => Ok(true),
    }
}

/// The first element within the body of the envelope.
fn body<R: BufRead>(steps: &mut Steps<R>) -> Result<Option<Element>, Unread> {
    if !matches!(root(steps)?, Some(root) if root.name == "Envelope") {
        return Err(Unread::Malformed("it is no envelope of SOAP".to_owned()));
    }
    while let Some(part) = opened(steps)? {
        if part.name == "Body" {
            return opened(steps);
        }
        steps.rest_of(part)?;
    }
    Err(Unread::Malformed("it has no body".to_owned()))
}

/// The outermost element, if there is one.
fn root<R: BufRead>(steps: &mut Steps<R>) -> Result<Option<Element>, Unread> {
    loop {
        match steps.next()? {
            Step::Open(element) => return Ok(Some(element)),
            Step::Text(_) | Step::Close => {}
            Step::End => return Ok(None),
        }
    }
}

/// The next element here; `None` when the one around it ends.
fn opened<R: BufRead>(steps: &mut Steps<R>) -> Result<Option<Element>, Unread> {
    loop {
        match steps.next()? {
            Step::Open(element) => return Ok(Some(element)),
            Step::Text(_) => {}
            Step::Close => return Ok(None),
            Step::End => return Err(Unread::cut()),
        }
    }
}

/// What was cut behind the last object is a cut answer all the same; and a connection is used again only when all was read.
fn ended<R: BufRead>(steps: &mut Steps<R>) -> Result<(), Unread> {
    while !matches!(steps.next()?, Step::End) {}
    Ok(())
}

fn object<R: BufRead>(steps: &mut Steps<R>) -> Result<Object, Unread> {
    let mut object = Object::default();
    while let Some(part) = opened(steps)? {
        match part.name.as_str() {
            "obj" => {
                let whole = steps.rest_of(part)?.unwrap_or_default();
                object.key = whole.own_text().unwrap_or_default().to_owned();
                object.kind = whole.of;
            }
            "propSet" => property(steps, &mut object)?,
            "missingSet" if object.missing.len() < PROPERTIES_MAX => {
                let whole = steps.rest_of(part)?.unwrap_or_default();
                object.missing.extend(missing(&whole));
            }
            _ => drop(steps.rest_of(part)?),
        }
    }
    Ok(object)
}

fn property<R: BufRead>(steps: &mut Steps<R>, object: &mut Object) -> Result<(), Unread> {
    let (mut path, mut value, mut too_long) = (String::new(), None, false);
    while let Some(part) = opened(steps)? {
        let is_value = part.name == "val";
        let is_name = part.name == "name";
        match steps.rest_of(part)? {
            Some(whole) if is_value => value = Some(whole),
            Some(whole) if is_name => path = whole.text.trim().to_owned(),
            Some(_) => {}
            None => too_long = true,
        }
    }
    if object.values.len() + object.too_long.len() < PROPERTIES_MAX {
        if too_long {
            object.too_long.push(path);
        } else if let Some(value) = value {
            object.values.insert(path, value);
        }
    }
    Ok(())
}

fn missing(element: &Element) -> Option<Missing> {
    let localized = element.at("fault")?;
    let fault = match localized.at("fault") {
        Some(inner) => Fault {
            kind: inner.kind.clone(),
            words: short(localized.text("localizedMessage").unwrap_or_default()),
            about: about(inner),
        },
        None => Fault::default(),
    };
    Some(Missing {
        path: element.text("path")?.to_owned(),
        fault,
    })
}

fn fault(element: &Element) -> Fault {
    let detail = element
        .at("detail")
        .and_then(|detail| detail.children.first());
    let words = element.text("faultstring").unwrap_or_default();
    Fault {
        kind: detail.map(kind).unwrap_or_default(),
        words: short(words),
        about: detail.map(about).unwrap_or_default(),
    }
}

/// `xsi:type`, or the name of the element without the word that every one ends with.
fn kind(element: &Element) -> String {
    match element.kind.is_empty() {
        true => element.name.trim_end_matches("Fault").to_owned(),
        false => element.kind.clone(),
    }
}

fn about(element: &Element) -> String {
    let about = element.text("privilegeId").or_else(|| element.text("name"));
    short(about.unwrap_or_default())
}

fn short(text: &str) -> String {
    text.chars().take(WORDS_MAX).collect()
}
