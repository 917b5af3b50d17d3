//! What a list is called, whenever it was exported: the same export of next week replaces this one.

/// The name of the list in a file called `file`: without directories, without a date and a time of day, and without the
/// number browsers put behind a second download.
///
/// `RVTools_export_all_2026-11-20_10.15.30.xlsx` and `RVTools_export_all_2026-11-27_08.00.12.xlsx` are one list,
/// `RVTools_export_all.xlsx`. A name that is a date and nothing else stays as it is.
pub fn list_name(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if is_ending(ending) => (stem, Some(ending)),
        _ => (name.as_str(), None),
    };
    let plain = undated(uncounted(stem));
    if plain.chars().all(|c| !c.is_alphanumeric()) {
        return name;
    }
    match ending {
        Some(ending) => format!("{plain}.{ending}"),
        None => plain,
    }
}

fn is_ending(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Without ` (2)` at the end.
fn uncounted(stem: &str) -> &str {
    let counted = stem
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('));
    match counted {
        Some((plain, number)) if digits(number, 1..=3) => plain.trim_end(),
        _ => stem,
    }
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Without the first date, the time of day behind it, and the sign before it.
fn undated(stem: &str) -> String {
    let starts = stem.char_indices().map(|(at, _)| at);
    let found = starts.into_iter().find_map(|at| {
        let before = stem.get(..at)?;
        let inside = before.ends_with(|c: char| c.is_ascii_digit());
        let rest = date(stem.get(at..)?).filter(|_| !inside)?;
        Some((before, time(rest)))
    });
    match found {
        Some((before, after)) => {
            let before = before.trim_end_matches(['_', '-', '.', ' ', '(', '[']);
            let after = after.trim_start_matches([')', ']']);
            let after = match before.is_empty() {
                true => after.trim_start_matches(['_', '-', '.', ' ']),
                false => after,
            };
            format!("{before}{after}")
        }
        None => stem.to_owned(),
    }
}

/// What stands behind a date at the beginning: year, month and perhaps day, or day, month, year with signs between.
fn date(text: &str) -> Option<&str> {
    let (first, rest) = number(text, 4)
        .filter(|(year, _)| (1990..2100).contains(year))
        .map_or((None, text), |(year, rest)| (Some(year), rest));
    if first.is_some() {
        let (sign, month) = separated(rest);
        let (_, rest) = number(month, 2).filter(|(month, _)| (1..=12).contains(month))?;
        let day = match sign {
            Some(sign) => rest.strip_prefix(sign),
            None => Some(rest),
        };
        let day = day.and_then(|day| number(day, 2));
        return match day.filter(|(day, _)| (1..=31).contains(day)) {
            Some((_, rest)) => Some(rest),
            // A month alone, with its sign: 2026-11.
            None => Some(rest).filter(|rest| sign.is_some() && !starts_with_digit(rest)),
        };
    }
    let (_, rest) = number(text, 2).filter(|(day, _)| (1..=31).contains(day))?;
    let (sign, month) = separated(rest);
    let (_, rest) = number(month, 2).filter(|(month, _)| (1..=12).contains(month))?;
    let (_, rest) = number(rest.strip_prefix(sign?)?, 4)?;
    Some(rest).filter(|rest| !starts_with_digit(rest))
}

/// What stands behind the time of day at the beginning, if there is one.
fn time(text: &str) -> &str {
    let signs = ['_', '-', 'T', ' ', '.'];
    let after = text.strip_prefix(signs).unwrap_or(text);
    let hour = number(after, 2).filter(|(hour, _)| *hour < 24);
    let Some((_, rest)) = hour else {
        return text;
    };
    let part = |rest| number(separated(rest).1, 2).filter(|(part, _)| *part < 60);
    let Some((_, rest)) = part(rest) else {
        return text;
    };
    let rest = part(rest).map_or(rest, |(_, rest)| rest);
    let rest = rest.strip_prefix('Z').unwrap_or(rest);
    if starts_with_digit(rest) { text } else { rest }
}

/// The sign between two parts, and what stands behind it.
fn separated(text: &str) -> (Option<char>, &str) {
    let sign = text
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '_' | '.' | ':' | 'h'));
    (
        sign,
        sign.map_or(text, |sign| text.strip_prefix(sign).unwrap_or(text)),
    )
}

/// The number of exactly so many digits at the beginning, and what stands behind it.
fn number(text: &str, length: usize) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(length)?;
    digits(head, length..=length)
        .then(|| head.parse().ok())
        .flatten()
        .map(|number| (number, rest))
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_of_two_days_are_one_list() {
        let dated = [
            (
                "RVTools_export_all_2026-11-20_10.15.30.xlsx",
                "RVTools_export_all.xlsx",
            ),
            (
                "/srv/RVTools_export_all_20261120101530.xlsx",
                "RVTools_export_all.xlsx",
            ),
            ("servers-20261120.csv", "servers.csv"),
            ("servers-20261120-1015.csv", "servers.csv"),
            ("servers 20.11.2026.csv", "servers.csv"),
            ("servers (2026-11-20T10:15:30Z).csv", "servers.csv"),
            ("servers_2026-11.csv", "servers.csv"),
            ("2026-11-20 servers.csv", "servers.csv"),
            ("servers (2).csv", "servers.csv"),
            ("парк_2026-11-20.csv", "парк.csv"),
        ];
        for (file, list) in dated {
            assert_eq!(list_name(file), list, "{file}");
        }
    }

    #[test]
    fn numbers_that_are_no_dates_stay() {
        for name in [
            "servers.csv",
            "dc2024.csv",
            "rack-12-30.csv",
            "10.20.0.0.csv",
            "site-20261399.csv",
            "asset-120261120.csv",
            "2026-11-20.csv",
            "list",
            "",
            "v1.2.3.csv",
            "building 12 floor 11.csv",
        ] {
            assert_eq!(list_name(name), name);
        }
    }
}
