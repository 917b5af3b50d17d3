//! Which files of cron's directories count.

/// What editors and package managers leave beside the files that count.
const LEAVINGS: &[&[u8]] = &[
    b"~",
    b",",
    b".swp",
    b".bak",
    b".old",
    b".orig",
    b".rpmsave",
    b".rpmorig",
    b".rpmnew",
    b".cfsaved",
    b".dpkg-old",
    b".dpkg-new",
    b".dpkg-dist",
    b".dpkg-tmp",
    b".disabled",
];

/// True for a name that `run-parts` and cron's own directories take: on Debian letters, digits, dash and underscore
/// (cron(8), run-parts(8)); elsewhere anything but the leavings of editors and package managers.
pub fn cron_takes(name: &[u8], debian: bool) -> bool {
    if debian {
        return name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    }
    !name.starts_with(b".") && !LEAVINGS.iter().any(|end| name.ends_with(end))
}

/// True for the name of a user's table: no half-written one, no marker of a daemon, no editor's leaving.
pub fn is_user_table(name: &[u8]) -> bool {
    let odd = name.starts_with(b".") || name.starts_with(b"tmp.") || name.ends_with(b"~");
    !odd && !matches!(name, b"cron.update" | b"lastrun")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_is_not_taken() {
        for name in [
            "backup.disabled",
            "backup.dpkg-old",
            "backup~",
            ".placeholder",
        ] {
            assert!(!cron_takes(name.as_bytes(), true) && !cron_takes(name.as_bytes(), false));
        }
        assert!(cron_takes(b"backup-db_1", true) && cron_takes(b"0yum.cron", false));
        assert!(!cron_takes(b"0yum.cron", true));
        assert!(is_user_table(b"root") && !is_user_table(b"tmp.1234") && !is_user_table(b"root~"));
    }
}
