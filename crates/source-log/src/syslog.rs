//! The head of a line: when, who, and where the message begins.

/// Longest number of a process.
const PROCESS_MAX: usize = 20;

/// A line in its parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line<'l> {
    pub(crate) stamp: &'l [u8],
    /// The machine that speaks: a log server keeps the lines of others. Empty where no line says it.
    pub(crate) host: &'l [u8],
    /// The program that speaks; empty in a file that only one program writes.
    pub(crate) tag: &'l [u8],
    pub(crate) process: &'l [u8],
    pub(crate) message: &'l [u8],
}

/// Splits a line of a syslog file (`Nov 20 10:11:12 host tag[1]: text`, or with an RFC 3339 time), or of a file
/// that only begins with a time. Only the head is looked at, so a line nobody asks for costs little.
pub(crate) fn split(line: &[u8]) -> Option<Line<'_>> {
    let (stamp, rest) = split_stamp(line)?;
    Some(tagged(stamp, rest).unwrap_or(Line {
        stamp,
        host: b"",
        tag: b"",
        process: b"",
        message: rest,
    }))
}

/// A line that is a message as a whole.
pub(crate) fn headless(line: &[u8]) -> Line<'_> {
    Line {
        stamp: b"",
        host: b"",
        tag: b"",
        process: b"",
        message: line,
    }
}

/// The same of a line that begins with the machine of the line before (`host`, with the blank behind it) and a tag that is
/// known: most do, and it costs less. What is not so is for [`split`].
pub(crate) fn split_like<'l, S>(
    line: &'l [u8],
    host: &[u8],
    known: impl FnOnce(&[u8]) -> Option<S>,
) -> Option<(Line<'l>, S)> {
    let (stamp, rest) = split_stamp(line)?;
    let tagged = rest.strip_prefix(host)?;
    let (host, _) = rest.split_at_checked(host.len().checked_sub(1)?)?;
    let (tag, after) = tagged.split_at_checked(memchr::memchr2(b'[', b':', tagged)?)?;
    if host.is_empty() || host.ends_with(b":") || tag.is_empty() {
        return None;
    }
    let signed = known(tag)?;
    Some((after_tag((stamp, host, tag), after)?, signed))
}

fn split_stamp(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match line.first()? {
        b'A'..=b'Z' if line.get(9) == Some(&b':') => 15,
        b'0'..=b'9' if matches!(line.get(10), Some(b'T')) => memchr::memchr(b' ', line)?,
        // `2026-11-20 10:11:12.123` and `20-Nov-2026 10:11:12.123`.
        b'0'..=b'9' => 12 + memchr::memchr(b' ', line.get(12..)?)?,
        _ => return None,
    };
    let (stamp, rest) = line.split_at_checked(length)?;
    Some((stamp, rest.strip_prefix(b" ")?))
}

fn tagged<'l>(stamp: &'l [u8], rest: &'l [u8]) -> Option<Line<'l>> {
    let (host, rest) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
    if host.ends_with(b":") {
        return None;
    }
    let rest = rest.get(1..)?;
    let is_tag =
        |b: &u8| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.');
    let length = rest.iter().position(|b| !is_tag(b)).unwrap_or(rest.len());
    let (tag, after) = rest
        .split_at_checked(length)
        .filter(|(tag, _)| !tag.is_empty())?;
    after_tag((stamp, host, tag), after)
}

fn after_tag<'l>(
    (stamp, host, tag): (&'l [u8], &'l [u8], &'l [u8]),
    after: &'l [u8],
) -> Option<Line<'l>> {
    let (process, after) = match after.strip_prefix(b"[") {
        Some(inner) => {
            let end = inner
                .iter()
                .take(PROCESS_MAX)
                .position(|b| matches!(b, b']' | b' '))?;
            let (process, after) = inner.split_at_checked(end)?;
            (process, after.strip_prefix(b"]")?)
        }
        None => (&b""[..], after),
    };
    let after = without_level(after).strip_prefix(b":")?;
    Some(Line {
        stamp,
        host,
        tag,
        process,
        message: after.strip_prefix(b" ").unwrap_or(after),
    })
}

/// `krb5kdc[7](info):` says how much it matters.
fn without_level(rest: &[u8]) -> &[u8] {
    let level = |inner: &[u8]| inner.iter().take(10).position(|b| !b.is_ascii_lowercase());
    let Some(inner) = rest.strip_prefix(b"(") else {
        return rest;
    };
    match level(inner).and_then(|end| inner.get(end..)?.strip_prefix(b")")) {
        Some(after) => after,
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> [&str; 5] {
        let line = split(line.as_bytes()).unwrap();
        [line.stamp, line.host, line.tag, line.process, line.message]
            .map(|part| std::str::from_utf8(part).unwrap())
    }

    #[test]
    fn heads_of_all_kinds() {
        let line =
            of("Nov 20 10:11:12 mail1 postfix/submission/smtpd[77]: connect from x[10.0.0.1]");
        assert_eq!(
            line[2..],
            ["postfix/submission/smtpd", "77", "connect from x[10.0.0.1]"]
        );
        let line = of("2026-11-20T10:11:12.5+01:00 dc1 slapd[1]: conn=1 fd=2 closed");
        assert_eq!(line[..3], ["2026-11-20T10:11:12.5+01:00", "dc1", "slapd"]);
        let line =
            of("20-Nov-2026 10:11:12.123 queries: info: client @0x7 10.0.0.1#5 (a): query: a");
        assert_eq!(
            line[2..],
            [
                "",
                "",
                "queries: info: client @0x7 10.0.0.1#5 (a): query: a"
            ]
        );
        let line = of("Nov 20 10:11:12 kdc1 krb5kdc[7](info): AS_REQ (8");
        assert_eq!(line[2..], ["krb5kdc", "7", "AS_REQ (8"]);
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
            assert_eq!(split(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest::proptest! {
        /// A head that is known is found as one that is not.
        #[test]
        fn a_known_head_changes_nothing(
            host in "[a:. ]{0,3}",
            tag in "[a/(\\[]{0,3}",
            rest in "[\\[\\]():a0 ]{0,9}",
            stamp in "(Nov 20 10:11:12|2026-11-20T10:11:12|2026-11-20 10:11:12.1|Nov)",
        ) {
            let line = format!("{stamp} {host} {tag}{rest}");
            let known = |tag: &[u8]| tag.iter().all(|b| matches!(b, b'a' | b'/')).then_some(());
            if let Some((like, ())) = split_like(line.as_bytes(), format!("{host} ").as_bytes(), known)
                && !host.contains(' ')
            {
                proptest::prop_assert_eq!(Some(like), split(line.as_bytes()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = split(text.as_bytes());
            let _ = split(format!("Nov 20 10:11:12 {text}").as_bytes());
        }
    }
}
