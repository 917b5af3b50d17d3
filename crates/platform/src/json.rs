//! JSON as platforms write it: a number may be a text, a yes may be a 1, and a list of one may be that one.

use serde_json::Value;

/// Longest text that is kept.
const TEXT_MAX: usize = 1024;

/// The text of `key`, trimmed and cut; a number counts as its text. `None` where there is none or nothing in it.
pub(crate) fn text(of: &Value, key: &str) -> Option<String> {
    as_text(of.get(key)?)
}

/// See [`text`].
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => short(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        _ => None,
    }
}

/// A text, trimmed and cut. `None` for an empty one.
pub(crate) fn short(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(TEXT_MAX).collect();
    (!text.is_empty()).then_some(text)
}

/// The number of `key`; never one that is no number or without an end.
pub(crate) fn number(of: &Value, key: &str) -> Option<f64> {
    let value = of.get(key)?;
    let read = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    read.filter(|number: &f64| number.is_finite())
}

/// The number of `key`, as far as it is whole and not below zero.
pub(crate) fn whole(of: &Value, key: &str) -> Option<u64> {
    let value = of.get(key)?;
    match value {
        Value::String(text) => text
            .trim()
            .parse()
            .ok()
            .or_else(|| rounded(number(of, key)?)),
        value => value.as_u64().or_else(|| rounded(value.as_f64()?)),
    }
}

/// A number in whole ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between zero and 2^53, where every whole number has its place"
)]
pub(crate) fn rounded(number: f64) -> Option<u64> {
    let number = number.round();
    (0.0..9_007_199_254_740_992.0)
        .contains(&number)
        .then_some(number as u64)
}

/// The number of `key`, where it fits.
pub(crate) fn small(of: &Value, key: &str) -> Option<u32> {
    whole(of, key)?.try_into().ok()
}

/// The yes or no of `key`.
pub(crate) fn flag(of: &Value, key: &str) -> Option<bool> {
    match of.get(key)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_f64()? != 0.0),
        Value::String(text) => yes(text),
        _ => None,
    }
}

/// A yes or no, in the words people and programs use.
pub(crate) fn yes(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "yes" | "on" | "true" => Some(true),
        "0" | "no" | "off" | "false" => Some(false),
        _ => None,
    }
}

/// The list of `key`, at most `most` of it. One thing that is no list stands for a list of it; `null` and nothing for none.
pub(crate) fn list<'v>(of: &'v Value, key: &str, most: usize) -> impl Iterator<Item = &'v Value> {
    items(of.get(key).unwrap_or(&Value::Null), most)
}

/// See [`list`].
pub(crate) fn items(value: &Value, most: usize) -> impl Iterator<Item = &Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    items.iter().take(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_a_text_and_a_yes_a_number() {
        let value = serde_json::json!({"a": "4096", "b": 4096.0, "c": "2394.4", "d": "1", "e": 0, "f": -1, "g": "nan", "h": 1e300});
        assert_eq!(
            (whole(&value, "a"), whole(&value, "b")),
            (Some(4096), Some(4096))
        );
        assert_eq!(
            (whole(&value, "c"), number(&value, "c")),
            (Some(2394), Some(2394.4))
        );
        assert_eq!(
            (flag(&value, "d"), flag(&value, "e")),
            (Some(true), Some(false))
        );
        for key in ["f", "g", "h", "absent"] {
            assert_eq!(whole(&value, key), None, "{key}");
        }
        assert_eq!(flag(&value, "c"), None);
        assert_eq!(small(&serde_json::json!({"a": 1_u64 << 40}), "a"), None);
    }

    #[test]
    fn one_thing_stands_for_a_list_of_it() {
        let value = serde_json::json!({"one": {"x": 1}, "none": null, "many": [1, 2, 3]});
        assert_eq!(list(&value, "one", 9).count(), 1);
        assert_eq!(
            list(&value, "none", 9).count() + list(&value, "absent", 9).count(),
            0
        );
        assert_eq!(list(&value, "many", 2).count(), 2);
    }
}
