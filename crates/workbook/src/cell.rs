//! What stands in a cell: text that is only text, numbers, moments.

use groma_model::inventory::Severity;
use groma_model::visible::visible;
use groma_model::{Port, Timestamp};

/// Longest text a cell takes, in UTF-16 units (ECMA-376 Part 1, 18.3.1.93; Excel's own limit).
pub(crate) const LONGEST: usize = 32_767;
/// Ids named in one cell; of more the number is told.
const IDS: usize = 40;

/// The value of one cell.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Cell {
    /// Nothing is known.
    Empty,
    /// Text of one line, not yet fit for a sheet: see [`fit`].
    Text(String),
    /// Sentences, a line each; made by [`lines`], so that no line feed of a stranger is among ours.
    Lines(String),
    /// A word with a colour.
    Grave(Severity),
    /// A whole number.
    Whole(u64),
    /// A number with digits behind the point.
    Decimal(f64),
    /// A port: a number nobody writes a comma into.
    Port(u16),
    /// A whole number that may be below nought.
    Round(f64),
    /// A moment in UTC.
    Moment(Timestamp),
}

/// Whatever prints, as text.
pub(crate) fn text(value: impl ToString) -> Cell {
    Cell::from(value.to_string())
}

/// Whatever prints, where it is there.
pub(crate) fn maybe<T: ToString>(value: &Option<T>) -> Cell {
    value
        .as_ref()
        .map_or(Cell::Empty, |value| Cell::from(value.to_string()))
}

/// Many in one cell, joined by `, `.
pub(crate) fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> Cell {
    joined(values, ", ")
}

/// Sentences in one cell, a line each.
pub(crate) fn lines<T: ToString>(values: impl IntoIterator<Item = T>) -> Cell {
    let said: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    let shown: Vec<_> = said.iter().map(|line| visible(line)).collect();
    match shown.is_empty() {
        true => Cell::Empty,
        false => Cell::Lines(shown.join("\n")),
    }
}

/// Ids in one cell: the first of them, and how many more there are.
pub(crate) fn ids<T: ToString>(values: &[T]) -> Cell {
    let named: Vec<String> = values.iter().take(IDS).map(T::to_string).collect();
    let more = values.len().saturating_sub(IDS);
    match more {
        0 => Cell::from(named.join(", ")),
        more => Cell::from(format!("{} … and {more} more", named.join(", "))),
    }
}

/// `yes` or `no`.
pub(crate) fn yes(value: bool) -> Cell {
    Cell::from(if value { "yes" } else { "no" })
}

/// `yes` or nothing.
pub(crate) fn mark(value: bool) -> Cell {
    if value {
        Cell::from("yes")
    } else {
        Cell::Empty
    }
}

/// A number of things.
pub(crate) fn count(value: usize) -> Cell {
    Cell::Whole(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Bytes as GiB.
pub(crate) fn gib(bytes: u64) -> Cell {
    Cell::Decimal(bytes as f64 / f64::from(1 << 30))
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>, by: &str) -> Cell {
    let said: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    Cell::from(said.join(by))
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        if text.is_empty() {
            Self::Empty
        } else {
            Self::Text(text)
        }
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<Port> for Cell {
    fn from(port: Port) -> Self {
        Self::Port(port.0)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Whole(u64::from(number))
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Decimal(number)
    }
}

impl From<Timestamp> for Cell {
    fn from(moment: Timestamp) -> Self {
        Self::Moment(moment)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, T::into)
    }
}

/// `found` as it may stand in a cell: nothing invisible, nothing that a spreadsheet computes once the cell is saved as CSV
/// or typed again, and not longer than a cell takes.
pub(crate) fn fit(found: &str) -> String {
    cut(guarded(visible(found).into_owned()))
}

/// The same for what [`lines`] made: its line feeds are ours.
pub(crate) fn fit_lines(shown: &str) -> String {
    cut(guarded(shown.to_owned()))
}

fn guarded(shown: String) -> String {
    match is_computed(&shown) {
        true => format!("'{shown}"),
        false => shown,
    }
}

/// True for what a spreadsheet computes when it reads it as CSV: `= + - @`, TAB and CR in front, their full-width forms, also
/// behind blanks. Not for what is at worst a number, as `+49 30 1234-56` and `-1`.
fn is_computed(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\u{a0}', '\u{3000}', '␊']);
    let begins = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '␉' | '␍'
        )
    };
    let of_numbers = |c: char| c.is_ascii_digit() || " +-/().,".contains(c);
    let is_dash = text.chars().all(|c| c == '-');
    let is_number = text.starts_with(['+', '-']) && text.chars().all(of_numbers);
    text.starts_with(begins) && !is_number && !is_dash
}

/// `text`, or as much of it as a cell takes, with a mark that says how much there was.
fn cut(text: String) -> String {
    if text.len() <= LONGEST || text.encode_utf16().count() <= LONGEST {
        return text;
    }
    let mark = format!(" … [cut: {} characters in all]", text.chars().count());
    let room = LONGEST - mark.len();
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= room
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.push_str(&mark);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_compute_stands_behind_a_quote() {
        for hostile in [
            "=cmd|' /C calc'!A0",
            "+A1",
            "-2+3+cmd|' /C calc'!A0",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "  =1",
            "\u{a0}=1",
            "＝1",
            "\n=1",
        ] {
            assert!(fit(hostile).starts_with('\''), "{hostile:?}");
            let Cell::Lines(line) = lines([hostile]) else {
                panic!("a sentence is a line")
            };
            assert!(fit_lines(&line).starts_with('\''), "{hostile:?}");
        }
    }

    #[test]
    fn plain_text_and_numbers_stay_as_they_are() {
        for plain in [
            "mail1",
            "10.0.0.5",
            "/etc/app.env:3",
            "",
            "a=b",
            "+49 (30) 1234-56",
            "-1",
            "-",
            "почта",
        ] {
            assert_eq!(fit(plain), plain);
        }
    }

    #[test]
    fn a_text_longer_than_a_cell_is_cut_and_says_so() {
        for letter in ["x", "ж", "𝔾", "\u{202e}"] {
            let shown = fit(&letter.repeat(70_000));
            let units = shown.encode_utf16().count();
            assert!(units <= LONGEST && units > LONGEST - 3, "{units}");
            assert!(shown.ends_with("characters in all]"), "{letter:?}");
        }
        assert_eq!(fit(&"x".repeat(LONGEST)).len(), LONGEST);
    }

    #[test]
    fn a_line_feed_of_a_stranger_is_seen_and_one_of_ours_breaks_the_line() {
        assert_eq!(fit("a\nb"), "a␊b");
        let Cell::Lines(two) = lines(["a\nb", "c"]) else {
            panic!("two lines are text")
        };
        assert_eq!(fit_lines(&two), "a␊b\nc");
    }

    proptest::proptest! {
        #[test]
        fn no_text_whatever_is_computed_hides_anything_or_is_too_long(found in "[=+@\\t -]{0,2}\\PC{0,40}|(?s:.{0,60})") {
            let shown = fit(&found);
            proptest::prop_assert!(!is_computed(&shown));
            proptest::prop_assert!(shown.chars().all(groma_model::visible::is_plain));
            proptest::prop_assert!(shown.encode_utf16().count() <= LONGEST);
        }
    }

    #[test]
    fn many_ids_are_counted_not_dropped() {
        let (many, none): (Vec<u32>, [u32; 0]) = ((0..100).collect(), []);
        let Cell::Text(said) = ids(&many) else {
            panic!("ids are text")
        };
        assert!(said.ends_with("39 … and 60 more"), "{said}");
        assert_eq!(ids(&none), Cell::Empty);
    }
}
