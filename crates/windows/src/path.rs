//! Paths, variables and command lines as Windows writes them.

use crate::{Machine, Registry};

/// The part after the last `\` or `/`.
pub fn base_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// The part before the last `\`.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('\\').map_or("", |(folder, _)| folder)
}

/// `name` within `folder`.
pub fn joined(folder: &str, name: &str) -> String {
    format!("{}\\{name}", folder.trim_end_matches('\\'))
}

/// Variables of the system, to be put in the place of `%NAME%`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expand {
    /// `C:\Windows`.
    pub windows: String,
    /// Further names, in upper case, with what they stand for.
    pub more: Vec<(String, String)>,
}

impl Default for Expand {
    fn default() -> Self {
        Self {
            windows: r"C:\Windows".into(),
            more: Vec::new(),
        }
    }
}

impl Expand {
    /// What the registry of a machine says.
    pub fn of(registry: &dyn Registry) -> Self {
        let key = |path: &str| registry.key(path).ok().flatten().unwrap_or_default();
        let current = key(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion");
        let programs = key(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion");
        let windows = current.text("SystemRoot").unwrap_or(r"C:\Windows");
        let mut more = Vec::new();
        for (name, value) in [
            ("PROGRAMFILES", "ProgramFilesDir"),
            ("PROGRAMFILES(X86)", "ProgramFilesDir (x86)"),
            ("COMMONPROGRAMFILES", "CommonFilesDir"),
            ("COMMONPROGRAMFILES(X86)", "CommonFilesDir (x86)"),
        ] {
            if let Some(text) = programs.text(value) {
                more.push((name.to_owned(), text.to_owned()));
            }
        }
        let profiles = key(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList");
        let drive = windows.get(..2).unwrap_or("C:");
        let data = profiles
            .text("ProgramData")
            .unwrap_or(r"%SystemDrive%\ProgramData");
        let data = data.replace("%SystemDrive%", drive);
        more.push(("PROGRAMDATA".into(), data.clone()));
        more.push(("ALLUSERSPROFILE".into(), data));
        let written = key(r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment");
        for (name, value) in &written.values {
            if let Some(text) = value.text() {
                more.push((name.to_uppercase(), text.to_owned()));
            }
        }
        Self {
            windows: windows.to_owned(),
            more,
        }
    }

    /// `text` with every known `%NAME%` replaced; unknown ones stay.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            let known = after
                .split_once('%')
                .and_then(|(name, tail)| Some((self.variable(name)?, tail)));
            match known {
                Some((value, tail)) => {
                    out.push_str(&value);
                    rest = tail;
                }
                None => {
                    out.push('%');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn variable(&self, name: &str) -> Option<String> {
        let upper = name.to_uppercase();
        match upper.as_str() {
            "SYSTEMROOT" | "WINDIR" => return Some(self.windows.clone()),
            "SYSTEMDRIVE" | "HOMEDRIVE" => return self.windows.get(..2).map(str::to_owned),
            _ => {}
        }
        let found = self.more.iter().find(|(known, _)| *known == upper);
        // A value that names a variable again is left as it is: one step, no circles.
        found.map(|(_, value)| value.replace("%SystemRoot%", &self.windows))
    }
}

/// A path as the system keeps it for services and drivers, made an ordinary one: `\??\C:\…`, `\SystemRoot\…`,
/// `System32\…`, `%SystemRoot%\…`.
pub fn settled(path: &str, expand: &Expand) -> String {
    let text = expand.text(path.trim());
    let text = text.strip_prefix(r"\??\").unwrap_or(&text);
    if let Some(rest) = stripped(text, r"\SystemRoot\") {
        return joined(&expand.windows, rest);
    }
    match stripped(text, r"System32\") {
        Some(rest) => joined(&joined(&expand.windows, "System32"), rest),
        None => text.to_owned(),
    }
}

fn stripped<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    let rest = text.get(prefix.len()..)?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The program of a command line, without its arguments (they may hold a password): a quoted path, or as far as a name
/// with a well-known ending goes, so that `C:\Program Files\A\a.exe -k x` is not `C:\Program`.
pub fn program_of(command: &str, expand: &Expand) -> Option<String> {
    let text = settled(command, expand);
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('"') {
        let inner = rest.split('"').next().unwrap_or_default().trim();
        let inner = program_in(inner);
        return (!inner.is_empty()).then(|| settled(inner, expand));
    }
    let first = text.split(' ').next().unwrap_or_default();
    if !first.contains(['\\', '/']) {
        return (!first.is_empty()).then(|| first.to_owned());
    }
    let mut at = 0;
    for word in text.split_inclusive(' ') {
        if at > 0 && is_an_argument(word) {
            break;
        }
        at += word.len();
        let so_far = text.get(..at).unwrap_or_default().trim_end();
        if has_ending_of_a_program(so_far) {
            return Some(so_far.to_owned());
        }
    }
    Some(first.to_owned())
}

/// What stands in quotes, without arguments that were written into them.
fn program_in(quoted: &str) -> &str {
    let mut blanks = quoted.match_indices(' ');
    let head = blanks.find_map(|(at, _)| {
        quoted
            .get(..at)
            .filter(|head| has_ending_of_a_program(head))
    });
    head.unwrap_or(quoted)
}

/// True for a word that no path goes on with: a switch, another path, a quotation. What follows may be a password.
fn is_an_argument(word: &str) -> bool {
    let is_switch = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
    word.starts_with(['/', '"'])
        || word.starts_with(r"\\")
        || word.get(1..3) == Some(r":\")
        || word.strip_prefix('-').is_some_and(is_switch)
}

fn has_ending_of_a_program(path: &str) -> bool {
    let name = base_name(path);
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let known = [
        "exe", "com", "bat", "cmd", "ps1", "vbs", "js", "msc", "dll", "sys", "scr", "jar", "py",
        "pl",
    ];
    !stem.is_empty() && known.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// How names of programs and scripts end.
const ENDINGS: &[&str] = &[
    "exe", "com", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf", "hta", "py", "pyw", "pl",
    "php", "rb", "jar", "r",
];

/// True for a name that ends like a program or a script.
pub(crate) fn is_script(path: &str) -> bool {
    let ending = base_name(path).rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// The path that a quoted text begins with, without what follows it there: in quotes may stand a whole command, and its
/// arguments may hold a password. A path ends with the first script or program, or before a switch. What comes behind a
/// last blank may be an argument as well as a part of a name: then the folder alone is told.
pub(crate) fn path_of_quoted(text: &str) -> &str {
    let ends = |c: char| c.is_whitespace() || matches!(c, '&' | '|' | '<' | '>' | ',' | ';' | '"');
    let mut heads = text
        .match_indices(ends)
        .filter_map(|(at, _)| text.get(..at));
    if let Some(script) = heads.find(|head| is_script(head)) {
        return script;
    }
    if is_script(text) {
        return text;
    }
    let switch = [" /", " -", "|", "<", ">"];
    let end = switch.iter().filter_map(|mark| text.find(mark)).min();
    let path = text.get(..end.unwrap_or(text.len())).unwrap_or(text);
    let is_share = |folder: &str| folder.trim_start_matches('\\').contains('\\');
    match path.trim_end().rsplit_once('\\') {
        Some((folder, name)) if name.contains(char::is_whitespace) && is_share(folder) => folder,
        _ => path.trim_end(),
    }
}

impl Machine<'_> {
    /// The variables of this machine.
    pub fn expand(&self) -> Expand {
        Expand::of(self.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_ends_where_its_name_does() {
        let expand = Expand::default();
        let program = |command: &str| program_of(command, &expand).unwrap_or_default();
        assert_eq!(
            program(r#""C:\Program Files\A B\a.exe" -p secret"#),
            r"C:\Program Files\A B\a.exe"
        );
        assert_eq!(
            program(r"C:\Program Files\A B\a.exe -p secret"),
            r"C:\Program Files\A B\a.exe"
        );
        assert_eq!(
            program(r"%systemroot%\system32\svchost.exe -k netsvcs"),
            r"C:\Windows\system32\svchost.exe"
        );
        assert_eq!(
            program(r"\SystemRoot\System32\drivers\a.sys"),
            r"C:\Windows\System32\drivers\a.sys"
        );
        assert_eq!(
            program(r"system32\drivers\b.sys"),
            r"C:\Windows\System32\drivers\b.sys"
        );
        assert_eq!(program(r"\??\D:\x\y.sys"), r"D:\x\y.sys");
        assert_eq!(program("notepad /p pass"), "notepad");
        assert_eq!(program(r"cmd /c C:\x.bat secret"), "cmd");
        assert_eq!(program(r"C:\Tools\run /p secret C:\x.bat"), r"C:\Tools\run");
        assert_eq!(program(r"C:\Tools\run -p secret C:\x.bat"), r"C:\Tools\run");
        assert_eq!(program(r"C:\Tools\run C:\secret x.bat"), r"C:\Tools\run");
        assert_eq!(program(r"C:\A - B\run it.exe x"), r"C:\A - B\run it.exe");
        assert_eq!(program_of("  ", &expand), None);
    }

    #[test]
    fn arguments_in_the_quotes_of_a_program_are_dropped() {
        let program = |command: &str| program_of(command, &Expand::default()).unwrap_or_default();
        assert_eq!(
            program(r#""\\dc1\netlogon\map.cmd svc geheim""#),
            r"\\dc1\netlogon\map.cmd"
        );
        assert_eq!(program(r#""C:\My Tools\a b.exe""#), r"C:\My Tools\a b.exe");
    }

    #[test]
    fn a_quoted_path_ends_with_its_script() {
        for (text, path) in [
            (
                r"\\dc1\netlogon\map.cmd svc geheim",
                r"\\dc1\netlogon\map.cmd",
            ),
            (
                r"\\dc1\netlogon\map.cmd&&b geheim",
                r"\\dc1\netlogon\map.cmd",
            ),
            (
                r"\\dc1\netlogon\map.cmd svc geheim.exe",
                r"\\dc1\netlogon\map.cmd",
            ),
            (r"\\dc1\netlogon\tool -p geheim", r"\\dc1\netlogon\tool"),
            (r"\\dc1\netlogon\tool /p geheim", r"\\dc1\netlogon\tool"),
            (r"\\dc1\netlogon\tool svc geheim", r"\\dc1\netlogon"),
            (
                r"\\f1\Export data\map drives.cmd",
                r"\\f1\Export data\map drives.cmd",
            ),
            (r"\\f1\Export data\x", r"\\f1\Export data\x"),
            (r"\\f1\Export data", r"\\f1\Export data"),
        ] {
            assert_eq!(path_of_quoted(text), path, "{text}");
        }
    }

    #[test]
    fn unknown_variables_stay_and_known_ones_go() {
        let expand = Expand::default();
        assert_eq!(
            expand.text("100% %NOPE% %WinDir%"),
            r"100% %NOPE% C:\Windows"
        );
        assert_eq!(expand.text("%"), "%");
    }
}
