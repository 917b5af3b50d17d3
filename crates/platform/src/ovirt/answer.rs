//! JSON as the engine writes it: a list stands within an object that is named after one of it.

use serde_json::Value;

use crate::json::{items, text, whole};
use groma_model::Timestamp;

/// Longest id; the engine writes UUIDs.
const ID_MAX: usize = 64;

/// An answer that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unread {
    /// It is no JSON.
    #[error("line {line} of the answer is no JSON")]
    NotJson {
        /// Counted from 1.
        line: usize,
    },
    /// It is JSON of something else.
    #[error("the answer is no {what} of the engine")]
    SomethingElse {
        /// What was asked for.
        what: &'static str,
    },
}

/// What a page held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// How many things.
    pub things: usize,
    /// How many of them were not known before: none on a page that was seen already.
    pub new: usize,
}

/// The things of `{"nics": {"nic": […]}}` below `of`; without a name of one, the list itself.
pub(super) fn within<'v>(
    of: &'v Value,
    all: &str,
    one: &str,
    most: usize,
) -> impl Iterator<Item = &'v Value> {
    let list = of
        .get(all)
        .and_then(|list| list.get(one).or_else(|| list.as_array().map(|_| list)));
    items(list.unwrap_or(&Value::Null), most)
}

/// What stands at `path` (`cpu/topology`), or nothing.
pub(super) fn at<'v>(of: &'v Value, path: &str) -> &'v Value {
    let mut parts = path.split('/');
    parts
        .try_fold(of, |of, part| of.get(part))
        .unwrap_or(&Value::Null)
}

/// The `id`, if it may be one.
pub(super) fn id(of: &Value) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text(of, "id").filter(|id| id.len() <= ID_MAX && id.bytes().all(plain))
}

/// The id of the thing that `key` links to.
pub(super) fn link(of: &Value, key: &str) -> Option<String> {
    id(of.get(key)?)
}

/// A word of the engine in lower case: versions differ in how they write it.
pub(super) fn word(of: &Value, key: &str) -> Option<String> {
    text(of, key).map(|word| word.to_ascii_lowercase())
}

/// A date: milliseconds since 1970 in JSON.
pub(super) fn date(of: &Value, key: &str) -> Option<Timestamp> {
    let millis = i64::try_from(whole(of, key)?).ok()?;
    Some(Timestamp::from_millis(millis))
}
