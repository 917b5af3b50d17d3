//! Texts of Python with values put in.

use super::super::values::{TEXT_MAX, Value};

/// `"%s.%s" % (a, b)`: unknown if a part is.
pub(super) fn percent(template: &Value, with: &Value) -> Value {
    let Some(template) = template.text() else {
        return Value::Unknown;
    };
    let mut values = match with {
        Value::List(items) => items.clone(),
        one => vec![one.clone()],
    }
    .into_iter();
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('s' | 'd') => match values.next() {
                Some(Value::Text(text)) if out.len() + text.len() < TEXT_MAX => {
                    out.push_str(&text);
                }
                _ => return Value::Unknown,
            },
            _ => return Value::Unknown,
        }
    }
    Value::Text(out)
}

/// `"{}.{name}".format(…)`: unknown if a part is.
pub(super) fn braces(template: &str, arguments: &[(String, Value)]) -> Value {
    let mut out = String::new();
    let mut rest = template;
    let mut number = 0;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((inner, tail)) = after.split_once('}') else {
            return Value::Unknown;
        };
        number += 1;
        let key = match inner {
            "" => number.to_string(),
            n if n.bytes().all(|b| b.is_ascii_digit()) => n
                .parse::<usize>()
                .unwrap_or(0)
                .saturating_add(1)
                .to_string(),
            name => name.to_owned(),
        };
        match arguments.iter().find(|(k, _)| *k == key) {
            Some((_, Value::Text(text))) if out.len() + text.len() < TEXT_MAX => {
                out.push_str(text);
            }
            _ => return Value::Unknown,
        }
        rest = tail;
    }
    out.push_str(rest);
    Value::Text(out)
}
