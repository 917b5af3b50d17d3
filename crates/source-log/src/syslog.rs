//! The head of a line: when, who, and where the message begins.

/// A line in its parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line<'l> {
    pub(crate) stamp: &'l str,
    /// The machine that speaks: a log server keeps the lines of others. Empty where no line says it.
    pub(crate) host: &'l str,
    /// The program that speaks; empty in a file that only one program writes.
    pub(crate) tag: &'l str,
    pub(crate) process: &'l str,
    pub(crate) message: &'l str,
}

/// Splits a line of a syslog file (`Nov 20 10:11:12 host tag[1]: text`, or with an RFC 3339 time), or of a file
/// that only begins with a time.
pub(crate) fn split(line: &str) -> Option<Line<'_>> {
    let (stamp, rest) = split_stamp(line)?;
    Some(tagged(stamp, rest).unwrap_or(Line {
        stamp,
        host: "",
        tag: "",
        process: "",
        message: rest,
    }))
}

fn split_stamp(line: &str) -> Option<(&str, &str)> {
    let bytes = line.as_bytes();
    let length = match bytes.first()? {
        b'A'..=b'Z' if bytes.get(9) == Some(&b':') => 15,
        b'0'..=b'9' if matches!(bytes.get(10), Some(b'T')) => memchr::memchr(b' ', bytes)?,
        // `2026-11-20 10:11:12.123` and `20-Nov-2026 10:11:12.123`.
        b'0'..=b'9' => 12 + memchr::memchr(b' ', bytes.get(12..)?)?,
        _ => return None,
    };
    let (stamp, rest) = line.split_at_checked(length)?;
    Some((stamp, rest.strip_prefix(' ')?))
}

fn tagged<'l>(stamp: &'l str, rest: &'l str) -> Option<Line<'l>> {
    let (host, rest) = rest
        .split_once(' ')
        .filter(|(host, _)| !host.ends_with(':'))?;
    let end = rest.find([':', ' '])?;
    let (head, after) = rest.split_at(end);
    let message = after
        .strip_prefix(": ")
        .or_else(|| after.strip_prefix(':'))?;
    let (tag, process) = match head.split_once('[') {
        Some((tag, process)) => (tag, process.strip_suffix(']')?),
        None => (head, ""),
    };
    let is_tag = |b: u8| b.is_ascii_alphanumeric() || b"/-_.".contains(&b);
    (!tag.is_empty() && tag.bytes().all(is_tag)).then_some(Line {
        stamp,
        host,
        tag,
        process,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_all_kinds() {
        let line =
            split("Nov 20 10:11:12 mail1 postfix/submission/smtpd[77]: connect from x[10.0.0.1]")
                .unwrap();
        assert_eq!(
            (line.tag, line.process, line.message),
            ("postfix/submission/smtpd", "77", "connect from x[10.0.0.1]")
        );
        let line = split("2026-11-20T10:11:12.5+01:00 dc1 slapd[1]: conn=1 fd=2 closed").unwrap();
        assert_eq!(
            (line.stamp, line.tag),
            ("2026-11-20T10:11:12.5+01:00", "slapd")
        );
        let line =
            split("20-Nov-2026 10:11:12.123 queries: info: client @0x7 10.0.0.1#5 (a): query: a")
                .unwrap();
        assert_eq!(
            (line.tag, line.message),
            ("", "queries: info: client @0x7 10.0.0.1#5 (a): query: a")
        );
    }

    #[test]
    fn what_has_no_head_is_no_line() {
        for bad in [
            "",
            "x",
            "Nov",
            "\tat java.lang",
            "20",
            "Nové 0 10:11:12 x y: z",
        ] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = split(&text);
            let _ = split(&format!("Nov 20 10:11:12 {text}"));
        }
    }
}
