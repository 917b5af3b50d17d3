//! Rights that Dovecot's settings give in all mailboxes at once (a file, a directory or the settings themselves), and the
//! dictionary in which it keeps who shares with whom.
//!
//! The names of folders that stand there stay here: of each only whether it is a public one is kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::EntryKind;

use super::Found;
use super::dovecot::{self, Setting};
use super::rights::{ASK_DOVEADM, LINES_MAX, TIES_MAX, Told, note, right};

/// What stands for the mailboxes of all users of the server.
const EVERY: &str = "every mailbox";
/// What stands for folders that are nobody's own.
const PUBLIC: &str = "public folders";
/// Directories within a directory of global rights.
const DEPTH_MAX: usize = 8;
/// Before whom and whose a key of the dictionary stands.
const SHARED: &str = "shared/shared-boxes/";

/// True if only what this module reads holds, whatever lies in the mailboxes.
pub(super) fn alone(settings: &[Setting]) -> bool {
    let said = settings.iter().rfind(|s| s.key == "acl_globals_only");
    said.is_some_and(|setting| setting.value == "yes")
}

/// Adds the rights of all mailboxes and what the dictionary says to `told`.
pub(super) fn read(found: &mut Found<'_, '_, '_, '_>, settings: &[Setting], told: &mut Told) {
    let public = dovecot::prefixes_of_public(settings);
    for setting in settings {
        if let Some(path) = of_all_mailboxes(setting) {
            match found.is_directory(path) {
                true => directory(found, path, "", &public, DEPTH_MAX, told),
                false => file(found, path, &public, told),
            }
        }
        within_settings(setting, settings, told);
    }
    for path in dictionaries(found, settings) {
        dictionary(found, &path, told);
    }
}

/// The rights that hold in every mailbox: `acl = vfile:/etc/dovecot/acls`, and `acl_global_path` since 2.4.
fn of_all_mailboxes(setting: &Setting) -> Option<&Path> {
    let path = match setting.key.as_str() {
        "acl" => setting.value.strip_prefix("vfile:")?.split(':').next()?,
        "acl_global_path" => setting.value.as_str(),
        _ => return None,
    };
    path.starts_with('/').then_some(Path::new(path))
}

/// Whose the folder of this name, or of this pattern, is.
fn whose(folder: &str, public: &[String]) -> &'static str {
    let within = |prefix: &String| {
        let rest = folder.strip_prefix(prefix.trim_end_matches(['/', '.']));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
    };
    match public.iter().any(within) {
        true => PUBLIC,
        false => EVERY,
    }
}

/// A file with one right in a line, behind the pattern of the folders it holds in.
fn file(found: &mut Found<'_, '_, '_, '_>, path: &Path, public: &[String], told: &mut Told) {
    let text = found.text(path).unwrap_or_default();
    too_long(found, path, &text);
    for (folder, line) in text.lines().take(LINES_MAX).filter_map(patterned) {
        if let Some(right) = right(line) {
            note(told, whose(folder, public), path, right);
        }
    }
}

/// `"Public/Two Words" group=bau lrws`: the folder, and the right.
fn patterned(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    match line.strip_prefix('"') {
        _ if line.starts_with('#') => None,
        None => line.split_once([' ', '\t']),
        Some(rest) => {
            let mut before = ' ';
            let end = rest.find(|letter| {
                let ends = letter == '"' && before != '\\';
                before = letter;
                ends
            })?;
            Some((rest.get(..end)?, rest.get(end + 1..)?))
        }
    }
}

/// A directory with one file for each folder, named like it.
fn directory(
    found: &mut Found<'_, '_, '_, '_>,
    path: &Path,
    above: &str,
    public: &[String],
    depth: usize,
    told: &mut Told,
) {
    if depth == 0 || found.is_spent() {
        let what = "who may use whose mailbox: rights for all mailboxes that lie deep";
        return found.gap(what, Reason::BudgetExhausted, ASK_DOVEADM);
    }
    for entry in found.list(path) {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
        // Dovecot takes none of them for a folder of that name: a default, or what an editor left.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let folder = format!("{above}{name}");
        match entry.kind {
            EntryKind::Directory => {
                let inner = format!("{folder}/");
                directory(found, &entry.path, &inner, public, depth - 1, told);
            }
            _ => {
                let text = found.text(&entry.path).unwrap_or_default();
                too_long(found, &entry.path, &text);
                for right in text.lines().take(LINES_MAX).filter_map(right) {
                    note(told, whose(&folder, public), path, right);
                }
            }
        }
    }
}

fn too_long(found: &mut Found<'_, '_, '_, '_>, path: &Path, text: &str) {
    if text.lines().nth(LINES_MAX).is_some() {
        let path = path.display();
        let what = format!("who may use whose mailbox beyond line {LINES_MAX} of {path}");
        found.gap(&what, Reason::BudgetExhausted, ASK_DOVEADM);
    }
}

/// `acl user=bert { rights = lr }` in the settings (since 2.4).
fn within_settings(setting: &Setting, settings: &[Setting], told: &mut Told) {
    let who = setting.innermost().and_then(|s| s.strip_prefix("acl "));
    let Some(who) = who.filter(|_| matches!(setting.key.as_str(), "rights" | "acl_rights")) else {
        return;
    };
    let line = match who.trim().trim_matches('"') {
        who if who.contains(' ') => format!("\"{who}\" {}", setting.value),
        who => format!("{who} {}", setting.value),
    };
    let whose = match dovecot::is_within_public(setting, settings) {
        true => PUBLIC,
        false => EVERY,
    };
    if let Some(right) = right(&line) {
        note(told, whose, &setting.file, right);
    }
}

/// The files of the dictionary: `acl_shared_dict = file:/…`, by a name of `dict` or directly; `acl_sharing_map` since 2.4.
fn dictionaries(found: &mut Found<'_, '_, '_, '_>, settings: &[Setting]) -> BTreeSet<PathBuf> {
    let mut out = BTreeSet::new();
    for setting in settings {
        let place = match setting.key.as_str() {
            "acl_shared_dict" => named(settings, &setting.value),
            "path" if setting.is_in("acl_sharing_map") => &setting.value,
            _ => continue,
        };
        let path = place.strip_prefix("file:").unwrap_or(place);
        match path.starts_with('/') && !path.contains('%') {
            true => drop(out.insert(PathBuf::from(path))),
            false if place.is_empty() => {}
            false => {
                let what = format!(
                    "who may use whose mailbox: the dictionary of {} is no single file",
                    setting.file.display()
                );
                found.gap(&what, Reason::Unsupported, ASK_DOVEADM);
            }
        }
    }
    out
}

/// `proxy::acl`, `proxy:/run/dict:acl` → what `dict { acl = … }` says.
fn named<'a>(settings: &'a [Setting], value: &'a str) -> &'a str {
    let Some((_, name)) = value
        .strip_prefix("proxy:")
        .and_then(|v| v.rsplit_once(':'))
    else {
        return value;
    };
    let same = |s: &&Setting| s.key == name && s.innermost() == Some("dict");
    settings.iter().find(same).map_or(value, |s| &s.value)
}

/// A key in one line and its value in the next.
fn dictionary(found: &mut Found<'_, '_, '_, '_>, path: &Path, told: &mut Told) {
    let text = found.text(path).unwrap_or_default();
    let many = 2 * TIES_MAX;
    if text.lines().nth(many).is_some() {
        let what = format!(
            "who shares with whom beyond line {many} of {}",
            path.display()
        );
        found.gap(&what, Reason::BudgetExhausted, ASK_DOVEADM);
    }
    for key in text.lines().take(many).step_by(2) {
        if let Some((whose, other)) = shared(key) {
            note(told, &whose, path, (other, vec!["lookup"]));
        }
    }
}

/// `shared/shared-boxes/user/bert@corp.example/anna@corp.example`: anna lets bert see something of hers.
fn shared(key: &str) -> Option<(String, String)> {
    let mut parts = key.strip_prefix(SHARED)?.split('/');
    let other = match parts.next()? {
        "anyone" => "everybody".to_owned(),
        "user" => plain(parts.next()?)?,
        "group" => format!("@{}", plain(parts.next()?)?),
        _ => return None,
    };
    let whose = plain(parts.next()?)?;
    parts.next().is_none().then_some((whose, other))
}

/// A name as it is: `\|` stands for a slash, `\\` for a backslash.
fn plain(name: &str) -> Option<String> {
    let name = name.replace("\\|", "/").replace("\\\\", "\\");
    let sound = !name.is_empty() && name.len() <= 256 && !name.contains(char::is_control);
    sound.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_folder_and_a_right() {
        let words = patterned("\"Public/Two Words\" group=bau lrws");
        assert_eq!(words, Some(("Public/Two Words", " group=bau lrws")));
        assert_eq!(patterned("* user=a lr"), Some(("*", "user=a lr")));
        let quoted = patterned("\"a\\\" b\" anyone l");
        assert_eq!(quoted, Some(("a\\\" b", " anyone l")));
        for nothing in ["# user=bert lr", "#* user=bert lr", "INBOX", "", "\"open"] {
            assert_eq!(patterned(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_folder_is_public_or_everybodys_own() {
        let public = ["Public/".to_owned()];
        for folder in ["Public", "Public/*", "Public/Two Words", "Public.x"] {
            assert_eq!(whose(folder, &public), PUBLIC, "{folder}");
        }
        for folder in ["*", "INBOX", "Publicity", "%"] {
            assert_eq!(whose(folder, &public), EVERY, "{folder}");
        }
    }

    #[test]
    fn a_key_says_who_shares_with_whom() {
        let said = |whose: &str, other: &str| Some((whose.to_owned(), other.to_owned()));
        let of = |key: &str| shared(&format!("{SHARED}{key}"));
        assert_eq!(of("user/two words/info@x"), said("info@x", "two words"));
        assert_eq!(of("group/bau/anna"), said("anna", "@bau"));
        assert_eq!(of("anyone/anna"), said("anna", "everybody"));
        assert_eq!(of("user/a\\|b/anna"), said("anna", "a/b"));
        for nobody in [
            "user/bert",
            "user//anna",
            "user/b/a/c",
            "other/a/b",
            "anyone/",
        ] {
            assert_eq!(of(nobody), None, "{nobody}");
        }
        assert_eq!(shared("priv/x/user/bert/anna"), None);
    }

    #[test]
    fn no_text_breaks_it() {
        let seeds: [&[u8]; 2] = [
            b"\"Public/Two Words\" group=bau lrws\n* user=a lr",
            b"shared/shared-boxes/user/a\\|b/anna\n1\n",
        ];
        groma_fuzz::hammer(2_000, &seeds, |bytes| {
            for line in String::from_utf8_lossy(bytes).lines() {
                patterned(line).map(|(folder, rest)| (whose(folder, &[]), right(rest)));
                shared(line);
            }
        });
    }
}
