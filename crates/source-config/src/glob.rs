//! Globs over paths, keys and values: `*` within a part, `**` across parts.

/// True if `glob` matches all of `text`. In paths a single `*` stops at `/`; `[*]` is a star itself.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    step(glob.as_bytes(), text.as_bytes(), true, &mut 4096)
}

/// As [`matches`], for keys and values: a single `*` also crosses `/`.
pub(crate) fn matches_word(glob: &str, text: &str) -> bool {
    step(glob.as_bytes(), text.as_bytes(), false, &mut 4096)
}

/// What the one `*` of `glob` stands for in `text`; the empty text where `glob` has none or several.
pub(crate) fn capture<'t>(glob: &str, text: &'t str) -> Option<&'t str> {
    match glob.split_once('*') {
        Some((before, after)) if !after.contains('*') && !before.ends_with('[') => {
            text.strip_prefix(before)?.strip_suffix(after)
        }
        _ => matches_word(glob, text).then_some(""),
    }
}

/// True if one of `globs` matches `value`, case ignored.
pub(crate) fn any_word(globs: &[String], value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    globs
        .iter()
        .any(|g| matches_word(&g.to_ascii_lowercase(), &value))
}

/// `fuel` bounds the work on a hostile pair; when it is used up, nothing matches.
fn step(glob: &[u8], text: &[u8], path: bool, fuel: &mut u32) -> bool {
    let Some(left) = fuel.checked_sub(1) else {
        return false;
    };
    *fuel = left;
    match glob {
        [] => text.is_empty(),
        [b'*', b'*', b'/', rest @ ..] if step(rest, text, path, fuel) => true,
        [b'*', b'*', rest @ ..] => {
            (0..=text.len()).any(|n| step(rest, text.get(n..).unwrap_or_default(), path, fuel))
        }
        [b'*', rest @ ..] => {
            let stop = if path {
                text.iter().position(|b| *b == b'/').unwrap_or(text.len())
            } else {
                text.len()
            };
            (0..=stop).any(|n| step(rest, text.get(n..).unwrap_or_default(), path, fuel))
        }
        [b'[', b'*', b']', rest @ ..] => {
            matches!(text, [b'*', t @ ..] if step(rest, t, path, fuel))
        }
        [g, rest @ ..] => matches!(text, [t, tail @ ..] if t == g && step(rest, tail, path, fuel)),
    }
}

/// The part of a glob before its first `*`: a cheap first look.
pub(crate) fn literal_prefix(glob: &str) -> &str {
    glob.split('*').next().unwrap_or(glob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_name_of_a_path() {
        assert!(matches(
            "/etc/sssd/conf.d/*.conf",
            "/etc/sssd/conf.d/a.conf"
        ));
        assert!(!matches("/etc/sssd/*.conf", "/etc/sssd/conf.d/a.conf"));
        assert!(matches("**/.env", "/srv/app/.env"));
        assert!(matches("/srv/**/*.py", "/srv/a.py"));
        assert!(!matches("**/.env", "/srv/app/x.env"));
    }

    #[test]
    fn the_star_of_a_family_is_known() {
        assert_eq!(capture("*_host", "db_host"), Some("db"));
        assert_eq!(capture("*_host", "db_port"), None);
        assert_eq!(capture("host", "host"), Some(""));
        assert_eq!(capture("pg*host", "pghost"), Some(""));
        assert!(any_word(&["[*]".into()], "*"));
        assert!(!any_word(&["[*]".into()], "db"));
    }

    #[test]
    fn a_hostile_pair_ends() {
        assert!(!matches_word(
            &format!("{}b", "*a".repeat(40)),
            &"a".repeat(400)
        ));
    }
}
