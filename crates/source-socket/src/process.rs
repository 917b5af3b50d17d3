//! What `/proc/PID` says about a process: bytes → words, pure.

/// `PF_EXITING` among the flags of a process (field 9 of `/proc/PID/stat`).
const ENDING: u64 = 4;

/// When the process started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
///
/// The name in brackets may hold spaces and brackets of its own, so fields are counted after the last one.
pub fn start_ticks(stat: &[u8]) -> Option<u64> {
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// True if the process has ended and only waits for its parent to ask how (state `Z` or `X`, proc(5)): its
/// account and start can still be read, its executable cannot.
pub fn has_ended(stat: &[u8]) -> bool {
    let close = stat.iter().rposition(|b| *b == b')');
    let rest = close.and_then(|close| stat.get(close + 2..));
    let rest = rest.unwrap_or_default();
    let flags = rest.split(|b| *b == b' ').nth(6).map(std::str::from_utf8);
    let flags = flags.and_then(|word| word.ok()?.parse::<u64>().ok());
    // It has let go of its program already, while it is still said to run.
    let is_ending = flags.is_some_and(|flags| flags & ENDING != 0);
    is_ending || matches!(rest.first(), Some(b'Z' | b'X' | b'x'))
}

/// The account whose rights it uses: the effective uid, second number of `Uid:` in `/proc/PID/status`.
pub fn effective_uid(status: &[u8]) -> Option<u32> {
    let line = status
        .split(|b| *b == b'\n')
        .find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// The number in `socket:[123]` or `net:[123]`, as links of `/proc/PID/fd` and `/proc/PID/ns` write it.
pub fn bracketed_number<T: std::str::FromStr>(link: &[u8], kind: &[u8]) -> Option<T> {
    let number = link
        .strip_prefix(kind)?
        .strip_prefix(b":[")?
        .strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// A path without the mark the kernel adds when the file is gone.
pub fn without_deleted_mark(path: &[u8]) -> &[u8] {
    path.strip_suffix(b" (deleted)").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_full_of_brackets_does_not_shift_the_fields() {
        let stat =
            b"42 (a) R 1) 2 (x) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1 1";
        assert_eq!(start_ticks(stat), Some(987_654));
        assert_eq!(start_ticks(b"42 (cut"), None);
        assert_eq!(start_ticks(b""), None);
    }

    #[test]
    fn a_process_that_only_waits_to_be_buried_has_ended() {
        assert!(has_ended(b"42 (a) S) Z 1 42"));
        assert!(!has_ended(b"42 (a) Z) S 1 42"));
        assert!(!has_ended(b"42 (a)") && !has_ended(b""));
        // Still said to run, but on its way out (PF_EXITING): its executable cannot be read any more.
        assert!(has_ended(b"42 (a) R 1 42 42 0 -1 4194564 0 0"));
        assert!(!has_ended(b"42 (a) R 1 42 42 0 -1 4194560 0 0"));
    }

    #[test]
    fn the_effective_account_counts() {
        assert_eq!(
            effective_uid(b"Name:\tx\nUid:\t1000\t33\t1000\t1000\n"),
            Some(33)
        );
        assert_eq!(effective_uid(b"Name:\tUid:\n"), None);
    }

    #[test]
    fn only_whole_links_have_a_number() {
        assert_eq!(bracketed_number(b"socket:[77]", b"socket"), Some(77_u32));
        assert_eq!(bracketed_number::<u32>(b"socket:[77", b"socket"), None);
        assert_eq!(
            bracketed_number::<u32>(b"socket:[99999999999]", b"socket"),
            None
        );
        assert_eq!(bracketed_number::<u32>(b"pipe:[77]", b"socket"), None);
    }

    #[test]
    fn a_deleted_file_keeps_its_name() {
        assert_eq!(without_deleted_mark(b"/opt/app (deleted)"), b"/opt/app");
        assert_eq!(without_deleted_mark(b"/opt/(deleted)"), b"/opt/(deleted)");
    }
}
