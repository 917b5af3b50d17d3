//! Paths as two kinds of system write them: where a part ends, and which two mean one file.
//!
//! A path of Windows tells itself by its beginning (Microsoft, "Naming Files, Paths, and Namespaces"): a drive, two
//! backslashes, or one of the registry's hives. There both slashes divide and the case of letters says nothing. Every
//! other path is one of Unix, where a backslash is a letter like others.

use std::borrow::Cow;

/// True for `C:\…`, `\\server\share`, `\\?\Volume{…}` and `HKLM\…`.
pub fn is_of_windows(path: &[u8]) -> bool {
    match path {
        [b'\\', b'\\', ..] => true,
        [drive, b':', b'\\', ..] => drive.is_ascii_alphabetic(),
        [b'H', b'K', rest @ ..] => {
            // HKLM, HKU, HKCU, HKCR, HKCC, and in full HKEY_LOCAL_MACHINE.
            let end = rest.iter().position(|byte| *byte == b'\\');
            let hive = end.and_then(|end| rest.get(..end)).unwrap_or_default();
            let is_letter = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
            !hive.is_empty() && hive.iter().all(is_letter)
        }
        _ => false,
    }
}

/// Whether `byte` divides the parts of a path of this kind.
fn divides(of_windows: bool, byte: u8) -> bool {
    byte == b'/' || of_windows && byte == b'\\'
}

/// The bytes after the last mark that divides parts.
pub(crate) fn last_part(path: &[u8]) -> &[u8] {
    let of_windows = is_of_windows(path);
    let at = path.iter().rposition(|byte| divides(of_windows, *byte));
    let start = at.map_or(0, |at| at + 1);
    path.get(start..).unwrap_or_default()
}

/// The part after the last `/`, and in a path of Windows after the last `\` too.
pub fn file_name(path: &str) -> &str {
    let length = last_part(path.as_bytes()).len();
    path.get(path.len() - length..).unwrap_or(path)
}

/// The path of the folder `path` stands in, without its last mark; `None` where there is no mark.
pub fn folder(path: &str) -> Option<&str> {
    let length = last_part(path.as_bytes()).len();
    let end = (path.len() - length).checked_sub(1)?;
    path.get(..end)
}

/// The parts of a path, empty ones among them.
pub fn parts(path: &str) -> impl Iterator<Item = &str> {
    let of_windows = is_of_windows(path.as_bytes());
    path.split(move |letter: char| letter == '/' || of_windows && letter == '\\')
}

/// True if both mean one file: byte for byte, and where both are of Windows without regard to the case of ASCII letters
/// and to which of its two marks divides.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one == other
        || one.len() == other.len()
            && is_of_windows(one)
            && is_of_windows(other)
            && one.iter().zip(other).all(|(a, b)| same_letter(*a, *b))
}

fn same_letter(a: u8, b: u8) -> bool {
    a.eq_ignore_ascii_case(&b) || divides(true, a) && divides(true, b)
}

/// What of `path` lies below `folder`, without the mark between; empty for the folder itself, `None` for what lies
/// elsewhere. A folder may end in a mark, as `/` and `C:\` do.
pub fn below<'p>(path: &'p [u8], folder: &[u8]) -> Option<&'p [u8]> {
    let of_windows = is_of_windows(folder);
    let folder = match folder {
        [rest @ .., last] if divides(of_windows, *last) => rest,
        all => all,
    };
    let (head, rest) = path.split_at_checked(folder.len())?;
    // `C:` alone is no path of Windows any more; what it was before counts.
    let is_under =
        head == folder || of_windows && head.iter().zip(folder).all(|(a, b)| same_letter(*a, *b));
    match rest {
        _ if !is_under => None,
        [] => Some(rest),
        [mark, rest @ ..] => divides(of_windows, *mark).then_some(rest),
    }
}

/// The name of a program without what says only that it is one: the file name, of a path of Windows in lower case and
/// without `.exe`. A bare name that ends in `.exe` is one of Windows.
pub fn program_name(path: &str) -> Cow<'_, str> {
    let name = file_name(path);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_program = ending.eq_ignore_ascii_case("exe") && !stem.is_empty();
    match is_program || is_of_windows(path.as_bytes()) {
        true if is_program => Cow::Owned(stem.to_ascii_lowercase()),
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// What kinds of units end in (systemd.unit(5)); a service of Windows is told as `NAME.service` too.
const KINDS_OF_UNITS: [&str; 9] = [
    "service",
    "socket",
    "timer",
    "mount",
    "automount",
    "path",
    "scope",
    "slice",
    "target",
];

/// The name of a unit without its kind and its instance: `postgresql` of `postgresql@15-main.service`, `Foo.Bar` of
/// `Foo.Bar.service`.
pub fn unit_stem(unit: &str) -> &str {
    let bare = match unit.rsplit_once('.') {
        Some((stem, kind)) if KINDS_OF_UNITS.contains(&kind) => stem,
        _ => unit,
    };
    bare.split('@').next().unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_windows_tells_itself_and_one_of_unix_stays_what_it_is() {
        for path in [
            r"C:\x",
            r"\\srv\share",
            r"\\?\Volume{1}\",
            r"HKLM\SOFTWARE",
            r"HKEY_USERS\S-1",
        ] {
            assert!(is_of_windows(path.as_bytes()), "{path}");
        }
        for path in [
            "/srv/a\\b",
            "a\\b",
            "C:x",
            "c:/usr/bin/app",
            "HK",
            "HKLM",
            "HKtool\\x",
            "",
            "\\x",
        ] {
            assert!(!is_of_windows(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn the_last_part_is_the_file() {
        for (path, name, above) in [
            (
                r"C:\Program Files\A\a.exe",
                "a.exe",
                Some(r"C:\Program Files\A"),
            ),
            (
                r"C:\inetpub/wwwroot\web.config",
                "web.config",
                Some(r"C:\inetpub/wwwroot"),
            ),
            (r"\\srv\it\run.ps1", "run.ps1", Some(r"\\srv\it")),
            (r"/srv/a\b", r"a\b", Some("/srv")),
            ("plain", "plain", None),
            ("/x", "x", Some("")),
        ] {
            assert_eq!((file_name(path), folder(path)), (name, above), "{path}");
        }
        assert_eq!(parts(r"C:\a/b").collect::<Vec<_>>(), ["C:", "a", "b"]);
        assert_eq!(parts(r"/a\b/c").collect::<Vec<_>>(), ["", r"a\b", "c"]);
    }

    #[test]
    fn case_says_nothing_in_a_path_of_windows_alone() {
        let same = |one: &str, other: &str| is_same(one.as_bytes(), other.as_bytes());
        assert!(same(
            r"C:\Windows\System32\a.exe",
            r"c:\windows/system32\A.EXE"
        ));
        assert!(!same(r"C:\a.exe", r"C:\b.exe") && !same(r"C:\a", r"C:\ab"));
        assert!(same("/srv/a", "/srv/a") && !same("/srv/A", "/srv/a"));
        assert!(!same(r"/srv\a", "/srv/a"));
    }

    #[test]
    fn what_lies_below_a_folder_is_told_by_whole_parts() {
        let rest = |path: &str, folder: &str| {
            below(path.as_bytes(), folder.as_bytes())
                .map(|rest| String::from_utf8_lossy(rest).into_owned())
        };
        assert_eq!(
            rest(r"D:\Data\Erp\x", r"d:\data").as_deref(),
            Some(r"Erp\x")
        );
        assert_eq!(rest(r"D:\Data", r"D:\").as_deref(), Some("Data"));
        assert_eq!(rest(r"D:\Database", r"D:\Data"), None);
        assert_eq!(rest("/srv/a", "/").as_deref(), Some("srv/a"));
        assert_eq!(rest("/srv/a", "/srv/a").as_deref(), Some(""));
        assert_eq!(rest(r"/srv\a", "/srv"), None);
        assert_eq!(rest("/Srv/a", "/srv"), None);
    }

    #[test]
    fn a_program_is_called_by_its_name() {
        assert_eq!(program_name(r"C:\SQL\Binn\SqlServr.EXE"), "sqlservr");
        assert_eq!(program_name("sqlservr.exe"), "sqlservr");
        assert_eq!(program_name("/opt/mssql/bin/sqlservr"), "sqlservr");
        assert_eq!(program_name("/opt/App"), "App");
        assert_eq!(program_name(".exe"), ".exe");
    }

    #[test]
    fn the_name_of_a_unit_may_have_dots() {
        assert_eq!(unit_stem("Foo.Bar.service"), "Foo.Bar");
        assert_eq!(unit_stem("MSSQL$SQLEXPRESS.service"), "MSSQL$SQLEXPRESS");
        assert_eq!(unit_stem("postgresql@15-main.service"), "postgresql");
        assert_eq!(unit_stem("nightly.timer"), "nightly");
        assert_eq!(unit_stem("plain"), "plain");
    }
}
