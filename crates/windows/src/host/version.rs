//! Versions in names and paths that vendors' updaters draw anew: `Platform\4.18.24080.9-0\MsMpEng.exe`,
//! `GoogleUpdaterService129.0.6651.0`. They are no change of what a machine runs.

use std::net::Ipv4Addr;

/// Numbers that a version has at least.
const NUMBERS_MIN: usize = 3;
const NUMBERS_MAX: usize = 4;

/// A path of this machine with `*` in the place of every folder that is called like a version: three or four numbers with
/// dots between them, perhaps a dash and a number behind. What may be an address stays, and so do paths of other machines.
pub(super) fn without_versions(path: &str) -> String {
    if path.starts_with(r"\\") {
        return path.to_owned();
    }
    let Some((folders, name)) = path.rsplit_once('\\') else {
        return path.to_owned();
    };
    let folders = folders.split('\\');
    let folders: Vec<&str> = folders
        .map(|folder| {
            if is_version_of_a_folder(folder) {
                "*"
            } else {
                folder
            }
        })
        .collect();
    format!("{}\\{name}", folders.join("\\"))
}

fn is_version_of_a_folder(name: &str) -> bool {
    let is_build = |build: &str| !build.is_empty() && build.bytes().all(|b| b.is_ascii_digit());
    let version = match name.split_once('-') {
        Some((version, build)) if is_build(build) => version,
        _ => name,
    };
    is_version(version)
}

fn is_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let numbers = text.split('.').take(NUMBERS_MAX + 1);
    let count = numbers.clone().count();
    (NUMBERS_MIN..=NUMBERS_MAX).contains(&count)
        && numbers.into_iter().all(is_number)
        && text.parse::<Ipv4Addr>().is_err()
}

/// The name of a service without the version at its end.
pub(super) fn stem(name: &str) -> &str {
    let is_of_version = |c: char| c.is_ascii_digit() || c == '.';
    let rest = name.trim_end_matches(is_of_version);
    let version = name.get(rest.len()..).unwrap_or_default();
    let stem = rest.trim_end_matches(['-', '_', ' ']);
    match is_version(version) && !stem.is_empty() {
        true => stem,
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_folders_are_left_open_and_other_folders_stay() {
        for (path, expected) in [
            (
                r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24080.9-0\MsMpEng.exe",
                r"C:\ProgramData\Microsoft\Windows Defender\Platform\*\MsMpEng.exe",
            ),
            (
                r"C:\Program Files\Google\Chrome\Application\129.0.6668.59\elevation_service.exe",
                r"C:\Program Files\Google\Chrome\Application\*\elevation_service.exe",
            ),
            (r"C:\Erp\7.1.3\erp.exe", r"C:\Erp\*\erp.exe"),
        ] {
            assert_eq!(without_versions(path), expected);
        }
        for path in [
            r"C:\Program Files\PostgreSQL\16.2\bin\pg_ctl.exe",
            r"C:\Java\jdk-17.0.2\bin\java.exe",
            r"C:\Sites\10.0.0.5\web.exe",
            r"\\files1\apps\1.2.3\erp.exe",
            r"\\?\C:\x\erp.exe",
            r"C:\x\1.2.3",
            "erp.exe",
        ] {
            assert_eq!(without_versions(path), path);
        }
    }

    #[test]
    fn the_version_at_the_end_of_a_service_is_dropped_and_other_numbers_stay() {
        assert_eq!(
            stem("GoogleUpdaterService129.0.6651.0"),
            "GoogleUpdaterService"
        );
        assert_eq!(stem("Agent-1.2.3"), "Agent");
        for name in [
            "MySQL80",
            "postgresql-x64-16",
            "Erp 7.1",
            "1.2.3",
            "Tunnel$10.0.0.5",
            "A1.2.3x",
            "",
            "a.1.2.3",
            "a1.2.3.4.5",
        ] {
            assert_eq!(stem(name), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read(text in r"(\PC|[0-9]|\.|\\|-){0,40}") {
            let _ = (without_versions(&text), stem(&text).len());
        }
    }
}
