//! Programs that begin when somebody logs on: Run keys and what Winlogon starts.
//!
//! What lies in the folder of Windows comes with it and is silent; so are updaters of well-known programs, where no other
//! machine is named. Arguments stay here, but for paths on other machines:
//! `cmd /c \\files1\scripts\logon.cmd` needs files1.

use groma_model::Fact;
use groma_model::fact::Job;

use super::look::Look;
use crate::path::path_of_quoted;
use crate::tasks::noise;
use crate::{Key, folder_of};

const CURRENT: &[&str] = &[
    r"SOFTWARE\Microsoft\Windows\CurrentVersion",
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion",
];
const WINLOGON: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon";
/// Keys below [`CURRENT`], and whether what stands there runs once only.
const RUN: &[(&str, bool)] = &[
    ("Run", false),
    ("RunOnce", true),
    (r"Policies\Explorer\Run", false),
];
/// Paths of one command that are looked at.
const PATHS_MAX: usize = 16;

/// What everybody's logon starts.
pub(super) fn machine(look: &mut Look<'_>) {
    run(look, "HKLM", None);
    winlogon(look, "HKLM", None);
}

/// What the logon of one account starts.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    let sid = hive.rsplit('\\').next().unwrap_or_default();
    let user = look.machine.name_of(sid);
    run(look, hive, Some(&user));
    winlogon(look, hive, Some(&user));
}

fn run(look: &mut Look<'_>, root: &str, user: Option<&str>) {
    for (at, current) in CURRENT.iter().enumerate() {
        let approved = ["Run", "Run32"].get(at).copied().unwrap_or("Run");
        let approved = format!(
            r"{root}\{}\Explorer\StartupApproved\{approved}",
            CURRENT.first().unwrap_or(current)
        );
        let approved = look.key(&approved);
        for (name, once) in RUN {
            let path = format!(r"{root}\{current}\{name}");
            for (value, command) in look.key(&path).values {
                let command = command.text().unwrap_or_default();
                if !is_switched_off(&approved, &value) {
                    begins(look, &path, &value, command, *once, user);
                }
            }
        }
    }
}

/// The first byte of what the task manager keeps is odd for what somebody switched off there.
fn is_switched_off(approved: &Key, value: &str) -> bool {
    let first = approved.bytes(value).and_then(|bytes| bytes.first());
    first.is_some_and(|byte| byte % 2 == 1)
}

/// `Userinit` and `Shell` list programs; beside those of Windows there may be others.
fn winlogon(look: &mut Look<'_>, root: &str, user: Option<&str>) {
    let path = format!(r"{root}\{WINLOGON}");
    let key = look.key(&path);
    for value in ["Userinit", "Shell", "AppSetup"] {
        let text = key.text(value).unwrap_or_default();
        for command in text.split(',').take(PATHS_MAX) {
            begins(look, &path, value, command, false, user);
        }
    }
}

fn begins(
    look: &mut Look<'_>,
    key: &str,
    value: &str,
    command: &str,
    once: bool,
    user: Option<&str>,
) {
    let command = look.expanded(command);
    let Some(program) = look.program(&command) else {
        return;
    };
    let paths = remote_paths(&command);
    for path in &paths {
        look.needs_share("windows-start", key, value, path);
    }
    // A name without a folder is searched where Windows lies first.
    let comes_with_windows = folder_of(&program).is_empty() || look.is_of_windows(&program);
    let is_nobodys = comes_with_windows
        || noise::is_updater(&program)
        || noise::is_waiting_browser(value, &program);
    if is_nobodys && paths.is_empty() {
        return;
    }
    look.saw(Fact::Job(Job {
        scheduler: "logon".to_owned(),
        name: value.into(),
        schedule: "at logon".to_owned(),
        rhythm: once.then(|| "once".to_owned()),
        user: user.map(Into::into),
        executable: Some(program.into()),
        file: key.into(),
        ..Job::default()
    }));
}

/// Words of a command that begin with `\\`, in quotes or not.
pub(super) fn remote_paths(command: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = command;
    while let Some(at) = rest.find(r"\\") {
        let before = rest.get(..at).and_then(|head| head.chars().last());
        let path = rest.get(at..).unwrap_or_default();
        let ends = |c: char| match before {
            Some(quote @ ('"' | '\'')) => c == quote,
            _ => c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';'),
        };
        let path = path.split(ends).next().unwrap_or_default();
        let path = match before {
            Some('"' | '\'') => path_of_quoted(path),
            _ => path,
        };
        let begins_a_word =
            before.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':'));
        if begins_a_word {
            found.push(path.to_owned());
        }
        let next = at + path.len().max(2);
        rest = rest.get(next..).unwrap_or_default();
        if found.len() == PATHS_MAX {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, shown};
    use super::*;

    #[test]
    fn programs_of_a_logon_are_jobs_and_their_shares_are_needs() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Run]
"ERP"="\"C:\\Program Files\\ERP\\tray.exe\" -p canary"
[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce]
"Setup"="\\\\files1.corp.example\\install\\setup.exe /password canary"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon]
"Userinit"="C:\\Windows\\system32\\userinit.exe,C:\\Tools\\login.exe,"
"Shell"="explorer.exe"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Run]
"Drives"="cmd.exe /c \"\\\\dc1.corp.example\\netlogon\\map drives.cmd\" canary"
"#;
        let found = said(export);
        assert_eq!(
            shown(&found),
            [
                r#"logon starts C:\Program Files\ERP\tray.exe at "at logon" (HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run)"#,
                "windows-start Setup -> smb files1.corp.example 445/tcp, resource install/setup.exe",
                r#"logon starts \\files1.corp.example\install\setup.exe at "at logon" (HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce)"#,
                r#"logon starts C:\Tools\login.exe at "at logon" (HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon)"#,
                "windows-start Drives -> smb dc1.corp.example 445/tcp, resource netlogon/map drives.cmd",
                r#"logon starts cmd.exe at "at logon" (HKU\S-1-5-21-1-2-3-1001\SOFTWARE\Microsoft\Windows\CurrentVersion\Run)"#,
            ]
        );
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn what_comes_with_windows_or_is_switched_off_is_silent() {
        let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Run]
"SecurityHealth"=hex(2):25,00,77,00,69,00,6e,00,64,00,69,00,72,00,25,00,5c,00,73,00,79,00,73,00,74,00,65,00,6d,00,33,00,32,00,5c,00,\
  61,00,2e,00,65,00,78,00,65,00,00,00
"Off"="C:\\Program Files\\Off\\off.exe"
"Ctf"="ctfmon.exe"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run]
"Off"=hex:03,00,00,00,0a,00,00,00,00,00,00,00
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon]
"Userinit"="C:\\Windows\\system32\\userinit.exe,"
"Shell"="explorer.exe"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
    }

    #[test]
    fn updaters_of_a_logon_are_silent_unless_they_name_another_machine() {
        let export = r#"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Run]
"OneDrive"="\"C:\\Users\\ann\\AppData\\Local\\Microsoft\\OneDrive\\OneDrive.exe\" /background"
"Teams"="C:\\Users\\ann\\AppData\\Local\\Microsoft\\Teams\\Update.exe --processStart \"Teams.exe\""
"AdobeARM"="\"C:\\Program Files (x86)\\Common Files\\Adobe\\ARM\\1.0\\AdobeARM.exe\""
"MicrosoftEdgeAutoLaunch_0123456789ABCDEF"="\"C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe\" --no-startup-window"
"GoogleChromeAutoLaunch_0123"="\"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe\" --no-startup-window"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
        let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Run]
"GoogleChromeAutoLaunch_1"="C:\\Erp\\erp.exe"
"Kiosk"="\"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe\" --kiosk"
"OneDrive"="\"C:\\Tools\\OneDrive.exe\" \\\\files1.corp.example\\in"
"Teams"="\\\\files2.corp.example\\apps\\ms-teams.exe"
"#;
        let found = shown(&said(export));
        let jobs = found.iter().filter(|line| line.starts_with("logon starts"));
        assert_eq!((jobs.count(), found.len()), (4, 6), "{found:?}");
    }

    #[test]
    fn arguments_in_the_quotes_of_a_command_are_dropped() {
        let export = r#"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Run]
"Map"="cmd /c \"\\\\dc1.corp.example\\netlogon\\map.cmd svc canary\""
"Own"="\"\\\\dc1.corp.example\\netlogon\\own.cmd svc canary\""
"#;
        let found = said(export);
        assert_eq!(
            remote_paths(r#"cmd /c "\\dc1\netlogon\map.cmd svc geheim \\nas1\in""#),
            [r"\\dc1\netlogon\map.cmd", r"\\nas1\in"]
        );
        assert_eq!(shown(&found).len(), 4, "{found:?}");
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn only_words_that_begin_so_are_paths() {
        assert_eq!(
            remote_paths(r"a.exe C:\x\\y /f:\\files1\a '\\files2\b c' d"),
            [r"\\files1\a", r"\\files2\b c"]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_command_is_read(text in ".{0,300}") {
            let _ = remote_paths(&text);
            let _ = remote_paths(&format!(r"\\{text}\\{text}"));
        }
    }
}
