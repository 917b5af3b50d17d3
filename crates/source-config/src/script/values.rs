//! What an expression of a script stands for, where that is known.

use std::cell::Cell;

use groma_knowledge::rules::Format;

use crate::format;

/// Letters a text that is put together may have.
pub(super) const TEXT_MAX: usize = 16 << 10;
/// Bytes one script may take out of its variables, all times together: what doubles at each line ends here.
const TAKEN_MAX: usize = 32 << 20;
/// Values within values.
const NESTED_MAX: usize = 32;
/// What a value costs beside its letters.
const VALUE_COST: usize = 48;
/// Lines of a table one script goes through.
const ROWS_MAX: usize = 256;

/// A known value, or that it is not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    /// A file that was opened, by its path.
    File(String),
    /// An object, by its class.
    Object(String),
    Unknown,
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes this value costs, `None` beyond `most` or where it is nested too deep.
    fn cost(&self, most: usize, depth: usize) -> Option<usize> {
        let (letters, inner): (usize, Vec<(usize, &Self)>) = match self {
            Self::Text(text) | Self::File(text) | Self::Object(text) => (text.len(), Vec::new()),
            Self::List(items) => (0, items.iter().map(|item| (0, item)).collect()),
            Self::Map(entries) => (0, entries.iter().map(|(k, v)| (k.len(), v)).collect()),
            Self::Unknown => (0, Vec::new()),
        };
        let mut cost = VALUE_COST + letters;
        for (key, value) in inner {
            let left = most.checked_sub(cost + key)?;
            cost += key + value.cost(left, depth.checked_sub(1)?)?;
        }
        (cost <= most).then_some(cost)
    }

    /// The element under a key, or at a number.
    pub(super) fn get(&self, key: &str) -> Self {
        let found = match self {
            Self::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            Self::List(items) => key.parse::<usize>().ok().and_then(|n| items.get(n)),
            _ => None,
        };
        found.cloned().unwrap_or(Self::Unknown)
    }

    /// The items of a list, or the one value there is.
    pub(super) fn as_items(&self) -> Vec<Self> {
        match self {
            Self::List(items) => items.clone(),
            one => vec![one.clone()],
        }
    }

    /// The values a loop goes through.
    pub(super) fn items(&self) -> Vec<Self> {
        match self {
            Self::List(items) => items.clone(),
            Self::Map(entries) => entries.iter().map(|(k, _)| Self::Text(k.clone())).collect(),
            _ => Vec::new(),
        }
    }
}

/// How much of its variables a script may still take.
pub(super) struct Allowance {
    left: Cell<usize>,
    refused: Cell<bool>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            left: Cell::new(TAKEN_MAX),
            refused: Cell::new(false),
        }
    }
}

impl Allowance {
    /// A copy of a variable; unknown once too much was copied.
    pub(super) fn take(&self, value: Option<&Value>) -> Value {
        match value {
            Some(value) if self.allows([value]) => value.clone(),
            _ => Value::Unknown,
        }
    }

    /// True if all of `values` may be copied once more.
    pub(super) fn allows<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> bool {
        for value in values {
            let Some(cost) = value.cost(self.left.get(), NESTED_MAX) else {
                self.refused.set(true);
                return false;
            };
            self.left.set(self.left.get() - cost);
        }
        true
    }

    /// True if something was left out.
    pub(super) fn has_refused(&self) -> bool {
        self.refused.get()
    }
}

/// Texts with a mark between them; unknown if one is, or if the whole would be too long.
pub(super) fn joined<'v>(parts: impl IntoIterator<Item = &'v Value>, mark: &str) -> Value {
    let mut out = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        let mark = if at == 0 { "" } else { mark };
        match part.text() {
            Some(text) if out.len() + mark.len() + text.len() < TEXT_MAX => {
                out.push_str(mark);
                out.push_str(text);
            }
            _ => return Value::Unknown,
        }
    }
    Value::Text(out)
}

/// `text` with `to` for every `from`; unknown if it would be too long.
pub(super) fn replaced(text: &str, from: &str, to: &str) -> Value {
    let grows = to.len().saturating_sub(from.len());
    let grown = text.matches(from).count().saturating_mul(grows);
    if grown > 0 && grown.saturating_add(text.len()) > TEXT_MAX {
        return Value::Unknown;
    }
    Value::Text(text.replace(from, to))
}

/// YAML and JSON as a value.
pub(super) fn tree(text: &str) -> Value {
    format::tree_value(text).map_or(Value::Unknown, from_node)
}

fn from_node(node: format::Tree) -> Value {
    match node {
        format::Tree::Scalar(text) => Value::Text(text),
        format::Tree::List(items) => Value::List(items.into_iter().map(from_node).collect()),
        format::Tree::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(k, v)| (k, from_node(v)))
                .collect(),
        ),
    }
}

/// `{0}.{1}` with its values put in; unknown if one of them is.
pub(super) fn numbered(template: &str, values: &[Value]) -> Value {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        if let Some(more) = after.strip_prefix('{') {
            out.push('{');
            rest = more;
            continue;
        }
        let Some((inner, tail)) = after.split_once('}') else {
            return Value::Unknown;
        };
        let number = inner.split([':', ',']).next().unwrap_or(inner).trim();
        let value = number.parse::<usize>().ok().and_then(|n| values.get(n));
        match value {
            Some(Value::Text(text)) if out.len() + text.len() < TEXT_MAX => out.push_str(text),
            _ => return Value::Unknown,
        }
        rest = tail;
    }
    out.push_str(rest);
    Value::Text(out.replace("}}", "}"))
}

/// Lines with a heading as a list of hash tables.
pub(super) fn table(text: &str, mark: &str) -> Value {
    let cells = |line: &str| -> Vec<String> {
        line.split(if mark.is_empty() { "," } else { mark })
            .take(64)
            .map(|cell| cell.trim().trim_matches('"').to_owned())
            .collect()
    };
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let heads: Vec<String> = lines
        .next()
        .map_or_else(Vec::new, cells)
        .into_iter()
        .map(|head| head.to_ascii_lowercase())
        .collect();
    let rows = lines.take(ROWS_MAX).filter(|line| !line.trim().is_empty());
    let row = |line: &str| {
        let cells = cells(line).into_iter().map(Value::Text);
        Value::Map(heads.iter().cloned().zip(cells).collect())
    };
    Value::List(rows.map(row).collect())
}

/// Sections of an INI file; what stands in `DEFAULT` stands in each of them.
pub(super) fn ini(text: &str) -> Value {
    let settings = format::read(Format::Ini, &[], text);
    let mut sections: Vec<(String, Vec<(String, Value)>)> = Vec::new();
    for setting in settings.all {
        let at = match sections
            .iter()
            .position(|(name, _)| *name == setting.section)
        {
            Some(at) => at,
            None => {
                sections.push((setting.section.clone(), Vec::new()));
                sections.len() - 1
            }
        };
        if let Some((_, entries)) = sections.get_mut(at) {
            entries.push((setting.key.to_ascii_lowercase(), Value::Text(setting.value)));
        }
    }
    let shared: Vec<(String, Value)> = sections
        .iter()
        .find(|(name, _)| name == "DEFAULT")
        .map(|(_, entries)| entries.clone())
        .unwrap_or_default();
    let with_shared = |(name, mut entries): (String, Vec<(String, Value)>)| {
        if name != "DEFAULT" {
            entries.extend(shared.iter().cloned());
        }
        (name, Value::Map(entries))
    };
    Value::Map(sections.into_iter().map(with_shared).collect())
}
