//! How lines of a batch begin that tell a fact: by its source and its scope, which many lines in a row have in common.

use groma_model::{Scope, Seen, SourceName, Timestamp};

use crate::Limits;
use crate::line::weigh;

/// Beginnings that are remembered of one batch; a look has a few scopes in turn.
const OPENINGS_MAX: usize = 16;
/// Values of a line that begins so, its `seen` and its fact not counted: the line, its object, and three commas.
pub(crate) const VALUES: u64 = 5;

/// Beginnings of lines that were read, and found to be good.
#[derive(Default, Debug)]
pub(crate) struct Openings(Vec<Opening>);

/// `{"source":…,"scope":…,"seen":`, and what it says.
#[derive(Debug)]
pub(crate) struct Opening {
    text: Vec<u8>,
    pub(crate) source: SourceName,
    pub(crate) scope: Scope,
}

impl Opening {
    /// How `line` begins, if it says so in the plain way.
    pub(crate) fn of(line: &[u8], source: &SourceName, scope: &Scope) -> Option<Self> {
        let written = |text: &str| serde_json::to_string(text).ok();
        let (from, of) = (written(source.as_str())?, written(scope.as_str())?);
        let text = format!("{{\"source\":{from},\"scope\":{of},\"seen\":").into_bytes();
        line.starts_with(&text).then(|| Self {
            text,
            source: source.clone(),
            scope: scope.clone(),
        })
    }
}

impl Openings {
    /// The beginning of a line, and what stands behind it.
    pub(crate) fn find<'l>(&self, line: &'l [u8]) -> Option<(&Opening, &'l [u8])> {
        let mut all = self.0.iter().rev();
        all.find_map(|opening| Some((opening, line.strip_prefix(&*opening.text)?)))
    }

    pub(crate) fn learn(&mut self, opening: Opening) {
        if self.0.len() >= OPENINGS_MAX {
            self.0.remove(0);
        }
        self.0.push(opening);
    }
}

/// A `seen` and how many values it holds, itself not counted; nothing if it is none, or beyond the bounds of a line.
pub(crate) fn seen(text: &[u8], limits: &Limits) -> Option<(Seen, u64)> {
    if let Some(seen) = plain(text) {
        return Some((seen, 3));
    }
    let inside = Limits {
        depth: limits.depth.checked_sub(1)?,
        ..*limits
    };
    let weighed = weigh(text, &inside).ok()?;
    let seen = serde_json::from_slice(text).ok()?;
    Some((seen, weighed.values.checked_sub(1)?))
}

/// A `seen` of two moments and a number, as we write it.
fn plain(text: &[u8]) -> Option<Seen> {
    let behind = text.strip_prefix(b"{\"first\":\"")?;
    let (first, behind) = moment(behind)?;
    let behind = behind.strip_prefix(b",\"last\":\"")?;
    let (last, behind) = moment(behind)?;
    let digits = behind.strip_prefix(b",\"count\":")?.strip_suffix(b"}")?;
    Some(Seen::between(first, last, number(digits)?))
}

/// A moment, and what stands behind the quotation mark that ends it.
fn moment(text: &[u8]) -> Option<(Timestamp, &[u8])> {
    let length = text.iter().take(25).position(|byte| *byte == b'"')?;
    let moment = Timestamp::exactly(text.get(..length)?)?;
    Some((moment, text.get(length + 1..)?))
}

/// A number of at most 18 digits, as we write it.
fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = digits.len() == 1 || !digits.starts_with(b"0");
    // So many always fit.
    (is_plain && (1..=18).contains(&digits.len())).then_some(())?;
    digits.iter().try_fold(0, |number: u64, digit: &u8| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_read_as_it_is_read_in_full() {
        let limits = Limits::network();
        for text in [
            r#"{"first":"2026-11-22T06:54:14.12Z","last":"2026-11-22T06:54:15Z","count":30}"#,
            r#"{"first":"2026-11-22T06:54:14.12Z","last":"2026-11-22T06:54:15Z","count":0}"#,
            r#"{"first":"2026-11-22T06:54:14.120Z","last":"2026-11-22T06:54:15Z","count":007}"#,
            r#"{"first":"2026-11-22T06:54:14Z","last":"2026-11-22T06:54:15Z","count":30,"bytes":7}"#,
            r#"{"first":"2026-11-22T06:54:14Z","last":"2026-11-22T06:54:15Z","count":99999999999999999999}"#,
            r#"{"first":"2026-11-22T06:54:14Z","last":"2026-11-22T06:54:15Z","count":}"#,
            r#"{"first":"2026-11-22T06:54:14Z","last":"2026-11-22T06:54:15","count":3}"#,
            r#"{"last":"2026-11-22T06:54:14Z","first":"2026-11-22T06:54:15Z","count":3}"#,
            r#"{"first":"2026-11-22T06:54:14Z","last":"2026-11-22T06:54:15Z","count":3}}"#,
            "{}",
            "",
        ] {
            let full: Option<Seen> = serde_json::from_str(text).ok();
            let read = seen(text.as_bytes(), &limits);
            assert_eq!(read.map(|(seen, _)| seen), full, "{text}");
            if let (Some(plain), Some(full)) = (plain(text.as_bytes()), full) {
                assert_eq!(plain, full, "{text}");
            }
            let weighed = weigh(text.as_bytes(), &limits).unwrap();
            let values = read.map(|(_, values)| values);
            assert!(
                values.is_none_or(|values| values == weighed.values - 1),
                "{text}"
            );
        }
    }
}
