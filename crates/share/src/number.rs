//! Numbers in sentences: counts, ports, dates and versions stay; telephones, tickets and accounts at banks go.

use crate::form::is_host_name;
use crate::text::Mode;

/// As many digits in groups are no count.
const DIGITS_OF_A_TELEPHONE: usize = 6;

/// Groups of digits that belong together.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Run<'c> {
    /// What stands before the first group, without a blank: `Tel:`.
    head: &'c str,
    digits: String,
    /// The mark behind the last group.
    close: &'c str,
    /// How many words it takes.
    pub(crate) count: usize,
}

impl<'c> Run<'c> {
    /// The run `chunks` begin with. `before` is the word before; `is_taken` tells what is an address or a name.
    pub(crate) fn at_the_beginning(
        chunks: &[&'c str],
        before: &str,
        is_taken: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        if is_service_record(before, chunks) {
            return None;
        }
        let (head, first) = headed(chunks.first()?);
        let mut run = Self {
            head,
            digits: String::new(),
            close: "",
            count: 0,
        };
        let (mut seen, mut dotted) = (0, false);
        for (at, chunk) in chunks.iter().enumerate() {
            let text = if at == 0 { first } else { chunk };
            let core = text.trim_end_matches([',', ';', ':', '!', '?', '"', '\'']);
            let bare = core.trim_end_matches('.');
            if core.is_empty() || !is_digits_and_marks(core) || is_date(bare) || is_taken(bare) {
                break;
            }
            seen += 1;
            let before = run.digits.len();
            run.digits.extend(core.chars().filter(char::is_ascii_digit));
            if run.digits.is_empty() {
                return None;
            }
            if run.digits.len() > before {
                run.count = seen;
                run.close = text.get(bare.len()..).unwrap_or_default();
                dotted |= is_part_of_address(bare);
            }
            if core.len() < text.len() {
                break;
            }
        }
        let hides = run.digits.len() >= DIGITS_OF_A_TELEPHONE || dotted;
        hides.then_some(run)
    }

    /// The run with `hidden` instead of its digits.
    pub(crate) fn shown(&self, hidden: impl Fn(&str) -> String) -> String {
        format!("{}{}{}", self.head, hidden(&self.digits), self.close)
    }
}

/// What stands before the digits, and the digits: `Tel:030` and `(#4711`.
fn headed(chunk: &str) -> (&str, &str) {
    let begin = chunk
        .find(|c: char| c.is_ascii_digit() || is_mark(c))
        .unwrap_or(chunk.len());
    let begin = match chunk.get(begin..) {
        // `Tel.030`.
        Some(rest) if rest.starts_with(['.', '/']) && begin > 0 => begin + 1,
        _ => begin,
    };
    let (head, digits) = chunk.split_at(begin);
    match head.ends_with(|c: char| c.is_alphanumeric()) {
        true => ("", chunk),
        false => (head, digits),
    }
}

fn is_mark(c: char) -> bool {
    "-/.()+_#‐‑–—−".contains(c)
}

fn is_digits_and_marks(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || is_mark(c))
}

/// True for a day, or two with a slash between.
fn is_date(text: &str) -> bool {
    let day = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        let within = |part: &str, length: usize, least: u32, most: u32| {
            part.len() == length && part.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
        };
        matches!(parts.as_slice(), [year, month, day]
            if within(year, 4, 1900, 2199) && within(month, 2, 1, 12) && within(day, 2, 1, 31))
    };
    text.split('/').all(day)
}

/// True for three or more numbers with dots between: a version, or what somebody wrote of an address.
pub(crate) fn is_part_of_address(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split('.').count() > 2 && text.split('.').all(is_number)
}

/// True for a version: dotted numbers behind a word that says so.
pub(crate) fn is_version(before: &str, text: &str) -> bool {
    let word = before.trim_matches(|c: char| !c.is_alphanumeric());
    let says = matches!(
        word.to_lowercase().as_str(),
        "version" | "versions" | "v" | "ver" | "release" | "firmware" | "kernel" | "build"
    );
    says && is_part_of_address(text) && text.len() <= 16
}

/// True for priority, weight, port and host (RFC 2782), alone.
fn is_service_record(before: &str, chunks: &[&str]) -> bool {
    let is_small = |text: &str| {
        let plain = text
            .parse::<u16>()
            .is_ok_and(|number| number.to_string() == text);
        plain && !text.starts_with('+')
    };
    match chunks {
        [priority, weight, port, host] => {
            before.is_empty()
                && [priority, weight, port].into_iter().all(|n| is_small(n))
                && host.contains('.')
                && is_host_name(host)
        }
        _ => false,
    }
}

/// True for a field of a schedule: no more digits at once than an hour has, or a year.
pub(crate) fn is_schedule(text: &str) -> bool {
    let fits = |digits: &str| {
        digits.len() <= 2
            || digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
    };
    text.len() <= 24
        && text.contains(['*', '/'])
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"*/,-:".contains(&b))
        && text.split(|c: char| !c.is_ascii_digit()).all(fits)
        && !text.starts_with('/')
}

/// True for more digits than a count or a date has at once: telephones, serials. People write such numbers in parts.
pub(crate) fn has_long_number(mode: Mode, text: &str) -> bool {
    let most = if mode == Mode::Told { 4 } else { 8 };
    let long = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > most);
    long || is_telephone(mode, text)
}

/// True for digits in groups, as telephones are written.
pub(crate) fn is_telephone(mode: Mode, text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits == text.len() {
        return false;
    }
    if mode != Mode::Told {
        let marks = text.contains(['-', '/']) && !text.contains(['.', '+', '_', '#']);
        return marks && digits > 8 && is_digits_and_marks(text);
    }
    // Hours have a colon: `08:00-17:00`.
    let none = |c: char| c.is_alphabetic() || matches!(c, ':' | ',');
    let groups = digits >= DIGITS_OF_A_TELEPHONE && !text.contains(none);
    is_part_of_address(text) || groups && !is_date(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(before: &str, text: &str) -> Option<(usize, String)> {
        let chunks: Vec<&str> = text.split(' ').collect();
        let run = Run::at_the_beginning(&chunks, before, |_| false)?;
        Some((run.count, run.shown(|digits| format!("<{digits}>"))))
    }

    #[test]
    fn groups_of_digits_are_one_number() {
        for (text, count, shown) in [
            ("030 12 34 56, ask", 4, "<030123456>,"),
            ("030.1234.567", 1, "<0301234567>"),
            ("5551 234.", 2, "<5551234>."),
            ("+49.89.1234", 1, "<49891234>"),
            ("(030) 12 34", 3, "<0301234>"),
            ("030 / 12 34 - then", 4, "<0301234>"),
            ("Tel:030 12 34", 3, "Tel:<0301234>"),
            ("Tel.030 12 34", 3, "Tel.<0301234>"),
            ("1.2.1970", 1, "<121970>"),
            ("10.9.9.", 1, "<1099>."),
            ("3704 0044 0532 0130 00", 5, "<370400440532013000>"),
            ("030–12–34–5", 1, "<03012345>"),
            ("(#030_12 34", 2, "<0301234>"),
        ] {
            assert_eq!(run("", text), Some((count, shown.to_owned())), "{text}");
        }
    }

    #[test]
    fn counts_days_ports_and_versions_stay() {
        for (before, text) in [
            ("", "2026-11-20 at 22"),
            ("", "2026-11-20/2026-11-22"),
            ("", "25 587"),
            ("ports", "25, 587, 993"),
            ("", "see 4711"),
            ("", "- 5"),
            ("", "4.15"),
            ("", "0 100 389 dc1.corp.example."),
            ("", "08:00-17:00"),
        ] {
            assert_eq!(run(before, text), None, "{text}");
        }
        assert!(is_version("version", "10.11.6") && !is_version("net", "10.11.6"));
        assert!(run("", "555 123 4567 then dc1.corp.example").is_some());
    }

    #[test]
    fn a_schedule_has_no_telephone_in_it() {
        for text in ["*/5", "0/15", "1-5/2", "2026-*-01"] {
            assert!(is_schedule(text), "{text}");
        }
        for text in ["089/12345678", "0049/89/1234567", "089/123", "1234/5"] {
            assert!(!is_schedule(text), "{text}");
        }
    }
}
