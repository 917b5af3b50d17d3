//! The path of a file as globs and lists see it, whichever system wrote it.
//!
//! Globs divide by `/` and mind the case of letters; Windows does neither. A path that begins with a drive is judged in
//! lower case, with `/` between its parts: `c:/programdata/ssh/ssh_config`. Evidence keeps it as it was.

use std::borrow::Cow;
use std::path::Path;

/// How a glob begins that names a file of Windows by its place, on whichever drive.
pub(crate) const ON_A_DRIVE: &str = "*:/";

/// True for `C:`, `c:/x` and `C:\x`.
pub(crate) fn is_on_a_drive(path: &str) -> bool {
    match path.as_bytes() {
        [drive, b':'] => drive.is_ascii_alphabetic(),
        [drive, b':', mark, ..] => drive.is_ascii_alphabetic() && matches!(mark, b'/' | b'\\'),
        _ => false,
    }
}

/// True if a glob names files by their place, not by their name alone.
pub(crate) fn is_placed(glob: &str) -> bool {
    glob.starts_with('/') || glob.starts_with(ON_A_DRIVE)
}

/// The path as it is to be judged.
pub(crate) fn judged(path: &Path) -> Cow<'_, str> {
    lowered(spelt(path))
}

/// The path with `/` between its parts, its letters as they are.
pub(crate) fn spelt(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    // `\\?\C:\x` is `C:\x` (Microsoft, "Naming Files, Paths, and Namespaces").
    let bare = text
        .strip_prefix(r"\\?\")
        .filter(|rest| is_on_a_drive(rest));
    let on_a_drive = bare.is_some() || is_on_a_drive(&text);
    let shown = bare.unwrap_or(&text);
    match on_a_drive && shown.contains('\\') || bare.is_some() {
        true => Cow::Owned(shown.replace('\\', "/").trim_end_matches('/').to_owned()),
        false => text,
    }
}

/// A spelt path in the case it is judged in.
pub(crate) fn lowered(path: Cow<'_, str>) -> Cow<'_, str> {
    match is_on_a_drive(&path) && path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(path.to_ascii_lowercase()),
        false => path,
    }
}

/// A glob in the case paths of Windows are judged in; it lives as long as the tables of globs do, which are made once.
pub(crate) fn lowered_glob(glob: &'static str) -> &'static str {
    match glob.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Box::leak(glob.to_ascii_lowercase().into_boxed_str()),
        false => glob,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_windows_is_judged_without_case_and_with_one_mark() {
        for (path, wanted) in [
            (
                r"C:\ProgramData\SSH\ssh_config",
                "c:/programdata/ssh/ssh_config",
            ),
            ("C:/inetpub/Web.config", "c:/inetpub/web.config"),
            (r"\\?\D:\Jobs\Run.PS1", "d:/jobs/run.ps1"),
            (r"C:\", "c:"),
            ("/srv/A\\b", "/srv/A\\b"),
            ("/etc/C:/X", "/etc/C:/X"),
            ("Cc:/X", "Cc:/X"),
        ] {
            assert_eq!(judged(Path::new(path)), wanted, "{path}");
        }
        assert_eq!(spelt(Path::new(r"C:\Apps\Erp")), "C:/Apps/Erp");
    }

    proptest::proptest! {
        #[test]
        fn any_path_is_judged_and_once_is_enough(path in "\\PC{0,40}") {
            let once = judged(Path::new(&path)).into_owned();
            let twice = judged(Path::new(&once)).into_owned();
            proptest::prop_assert_eq!(once, twice);
        }
    }
}
