//! The program that a task really starts: for an interpreter the script it runs, where its path is absolute.

use crate::path::is_script;
use crate::{Expand, base_name, joined, program_of, settled};

/// Programs that run somebody else's text.
const INTERPRETERS: &[&str] = &[
    "cmd",
    "powershell",
    "pwsh",
    "wscript",
    "cscript",
    "python",
    "pythonw",
    "python3",
    "py",
    "pyw",
    "perl",
    "php",
    "ruby",
    "java",
    "javaw",
    "node",
    "rscript",
    "mshta",
    "conhost",
    "start",
];
/// The program of an action: its command, or what the interpreter it names is told to run. Other arguments are dropped.
pub(super) fn program(
    command: &str,
    arguments: Option<&str>,
    folder: Option<&str>,
    expand: &Expand,
) -> Option<String> {
    let program = named(command, expand)?;
    if !is_interpreter(&program) {
        return Some(program);
    }
    // Some people write arguments into the command.
    let own = expand.text(command);
    let own = own
        .split_once(base_name(&program))
        .map_or("", |(_, rest)| rest);
    let line = format!("{own} {}", expand.text(arguments.unwrap_or_default()));
    let folder = folder.map(|folder| settled(folder.trim_matches('"'), expand));
    let script = script(&line).or_else(|| in_folder(&line, folder.as_deref()?));
    Some(script.unwrap_or(program))
}

/// The program of a command. One that begins with a bare name ends with it: some people write arguments behind.
fn named(command: &str, expand: &Expand) -> Option<String> {
    let first = command.split_whitespace().next()?;
    match first.contains(['\\', '/', ':', '%', '"']) {
        true => program_of(command, expand),
        false => Some(first.to_owned()),
    }
}

fn is_interpreter(path: &str) -> bool {
    let name = base_name(path).to_ascii_lowercase();
    let stem = name.strip_suffix(".exe").unwrap_or(&name);
    INTERPRETERS.contains(&stem)
}

/// The first absolute path of a script in a line.
fn script(line: &str) -> Option<String> {
    let drives = line
        .match_indices(r":\")
        .filter_map(|(at, _)| at.checked_sub(1));
    let shares = line.match_indices(r"\\").map(|(at, _)| at);
    let mut starts: Vec<usize> = drives.chain(shares).collect();
    starts.sort_unstable();
    let paths = starts.into_iter().filter_map(|at| path_at(line, at));
    let mut scripts = paths.filter(|path| is_script(path) && !is_interpreter(path));
    scripts.next()
}

/// The path that begins at `at`: up to the quote it began with, or up to a blank.
fn path_at(line: &str, at: usize) -> Option<String> {
    let before = line.get(..at)?.chars().next_back();
    let quote = before.filter(|c| matches!(c, '"' | '\''));
    if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '=' | '@' | '(')) {
        return None;
    }
    let ends = |c: char| match quote {
        Some(quote) => c == quote,
        None => c.is_whitespace() || matches!(c, '"' | '\'' | '&' | '|' | '>' | ')'),
    };
    let path = line.get(at..)?.split(ends).next()?;
    // In quotes may stand a whole command.
    let ends = |head: &&str| is_script(head);
    let mut heads = path.match_indices(' ').filter_map(|(at, _)| path.get(..at));
    let head = heads.find(ends).or(Some(path).filter(ends))?;
    Some(head.trim_end().to_owned())
}

/// A script named without a path, where the action says in which folder it begins.
fn in_folder(line: &str, folder: &str) -> Option<String> {
    let is_absolute = folder.get(1..3) == Some(r":\") || folder.starts_with(r"\\");
    let plain = |word: &&str| {
        word.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let words = words.map(|word| word.strip_prefix(r".\").unwrap_or(word));
    let mut scripts = words
        .filter(plain)
        .filter(|word| is_script(word) && !is_interpreter(word));
    scripts
        .next()
        .filter(|_| is_absolute)
        .map(|word| joined(folder, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: &str, arguments: &str, folder: &str) -> String {
        let folder = Some(folder).filter(|folder| !folder.is_empty());
        program(command, Some(arguments), folder, &Expand::default()).unwrap_or_default()
    }

    #[test]
    fn an_interpreter_stands_for_its_script() {
        for (command, arguments, folder, expected) in [
            (
                "powershell.exe",
                r"-NoProfile -File C:\Scripts\sync.ps1 -Password geheim",
                "",
                r"C:\Scripts\sync.ps1",
            ),
            (
                "powershell",
                r#"-Command "& 'D:\My Jobs\a b.ps1' -p geheim""#,
                "",
                r"D:\My Jobs\a b.ps1",
            ),
            (
                "powershell",
                r#"-Command "C:\Jobs\x.ps1 -p geheim""#,
                "",
                r"C:\Jobs\x.ps1",
            ),
            (
                r"C:\Windows\System32\cmd.exe",
                r"/c \\files1\jobs\night.cmd geheim",
                "",
                r"\\files1\jobs\night.cmd",
            ),
            (
                "cmd.exe",
                r"/c night.cmd geheim",
                r"C:\Jobs",
                r"C:\Jobs\night.cmd",
            ),
            (r"cmd /c C:\Jobs\night.bat", "", "", r"C:\Jobs\night.bat"),
            (
                "cmd",
                r"/c C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -File C:\a.ps1",
                "",
                r"C:\a.ps1",
            ),
            (
                "wscript.exe",
                r#"//B "%SystemRoot%\tools\x.vbs""#,
                "",
                r"C:\Windows\tools\x.vbs",
            ),
            (
                "java",
                r"-Dpass=geheim -jar D:\erp\batch.jar",
                "",
                r"D:\erp\batch.jar",
            ),
        ] {
            assert_eq!(
                shown(command, arguments, folder),
                expected,
                "{command} {arguments}"
            );
        }
    }

    #[test]
    fn arguments_of_programs_and_texts_are_dropped() {
        for (command, arguments, folder, expected) in [
            (
                r"C:\Tools\copy.exe",
                r"C:\Scripts\x.ps1",
                "",
                r"C:\Tools\copy.exe",
            ),
            (
                "powershell.exe",
                "-Command Restart-Service geheim",
                "",
                "powershell.exe",
            ),
            (
                "powershell.exe",
                "-EncodedCommand AAAA",
                r"C:\Jobs",
                "powershell.exe",
            ),
            ("cmd.exe", "/c night.cmd", "", "cmd.exe"),
            ("cmd.exe", "/c night.cmd", "Jobs", "cmd.exe"),
        ] {
            assert_eq!(
                shown(command, arguments, folder),
                expected,
                "{command} {arguments}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_command_ends_the_program(command in r"(\PC|\\|\.exe|cmd ){0,40}", line in r"(\PC|C:\\|\\\\|\.cmd|'| ){0,60}") {
            let _ = program(&command, Some(&line), Some(r"C:\x"), &Expand::default());
        }
    }
}
