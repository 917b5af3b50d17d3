//! People who are not logged on: their part of the registry lies in a file of their profile.

use groma_model::Reason;

use crate::{Expand, Files, Hive, Hives, Registry, is_of_a_person, joined};

/// Where Windows lists the profiles of a machine.
const LIST: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

/// People whose hives are read.
const LIMIT_PEOPLE: usize = 256;

/// Bytes of one hive, and of one log.
const LIMIT_HIVE: u64 = 64 << 20;

/// Names of a person's hive: the second is that of a mandatory profile.
const HIVES: [&str; 2] = ["NTUSER.DAT", "NTUSER.MAN"];

/// Endings of its logs; the last is that of Windows XP.
const LOGS: [&str; 3] = ["LOG1", "LOG2", "LOG"];

/// The profile of a person who is not logged on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Whose.
    pub sid: String,
    /// Its folder on this machine; the reason where it is none that may be touched.
    pub folder: Result<String, Reason>,
}

/// The profiles of people whom `HKU` does not hold, sorted by SID.
///
/// # Errors
/// Where the list of profiles or the people who are logged on cannot be read.
pub fn not_logged_on(registry: &dyn Registry) -> Result<Vec<Profile>, Reason> {
    let Some(list) = registry.key(LIST)? else {
        return Ok(Vec::new());
    };
    let logged_on = registry.key("HKU")?.unwrap_or_default().keys;
    let expand = Expand::of(registry);
    let mut found = Vec::new();
    for name in &list.keys {
        let Some(sid) = person(name, &list.keys) else {
            continue;
        };
        if logged_on
            .iter()
            .any(|known| known.eq_ignore_ascii_case(sid))
        {
            continue;
        }
        let folder = match registry.key(&joined(LIST, name)) {
            Ok(None) => continue,
            Ok(Some(key)) => match key.text("ProfileImagePath") {
                Some(path) => local(&expand.text(path)),
                None => continue,
            },
            Err(reason) => Err(reason),
        };
        let sid = sid.to_owned();
        found.push(Profile { sid, folder });
    }
    Ok(found)
}

/// The SID of a person an entry of the list is about. Windows puts `.bak` behind it while it cannot read the profile and
/// gives the person an empty one; then the real one counts.
fn person<'n>(name: &'n str, all: &[String]) -> Option<&'n str> {
    let stripped = name.strip_suffix(".bak");
    let saved = format!("{name}.bak");
    if stripped.is_none() && all.iter().any(|other| other.eq_ignore_ascii_case(&saved)) {
        return None;
    }
    let sid = stripped.unwrap_or(name);
    let is_plain = sid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (is_plain && is_of_a_person(sid)).then_some(sid)
}

/// A folder of this machine. What lies on another is never touched.
fn local(path: &str) -> Result<String, Reason> {
    if path.starts_with(r"\\") || path.starts_with("//") {
        return Err(Reason::RemoteFileSystem);
    }
    let has_drive =
        matches!(path.as_bytes(), [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic());
    let climbs = path.split(['\\', '/']).any(|part| part == "..");
    match has_drive && !climbs {
        true => Ok(path.trim_end_matches('\\').to_owned()),
        false => Err(Reason::Malformed),
    }
}

/// A registry that holds the people who are not logged on, too, as far as their hives can be read; and what could not be,
/// with the reason, for gaps.
///
/// All hives together may have `limit` bytes (they stay in memory), each at most 64 MiB, of at most 256 people.
pub fn with_profiles<'a>(
    registry: &'a dyn Registry,
    files: &dyn Files,
    limit: u64,
) -> (Hives<'a>, Vec<(String, Reason)>) {
    let mut hives = Hives::over(registry);
    let mut missed = Vec::new();
    let profiles = match not_logged_on(registry) {
        Ok(profiles) => profiles,
        Err(reason) => {
            missed.push(("people who are not logged on".to_owned(), reason));
            return (hives, missed);
        }
    };
    let mut left = limit;
    if let Some(more) = profiles.len().checked_sub(LIMIT_PEOPLE).filter(|n| *n > 0) {
        let what = format!("registry of {more} more people who are not logged on");
        missed.push((what, Reason::TooLarge));
    }
    for profile in profiles.iter().take(LIMIT_PEOPLE) {
        let mut person = Person {
            what: format!("registry of {}, who is not logged on", profile.sid),
            files,
            left: &mut left,
            missed: &mut missed,
        };
        if let Some(hive) = person.hive(profile) {
            hives = hives.with_hive(&joined("HKU", &profile.sid), hive);
        }
    }
    (hives, missed)
}

/// One person's hive while it is being read.
struct Person<'p> {
    what: String,
    files: &'p dyn Files,
    /// Bytes that may still be read.
    left: &'p mut u64,
    missed: &'p mut Vec<(String, Reason)>,
}

impl Person<'_> {
    fn hive(&mut self, profile: &Profile) -> Option<Hive> {
        let folder = match &profile.folder {
            Ok(folder) => folder,
            Err(reason) => {
                self.miss(String::new(), reason.clone());
                return None;
            }
        };
        for name in HIVES {
            let path = joined(folder, name);
            match self.read(&path) {
                Ok(None) => {}
                Ok(Some(bytes)) => return self.of_bytes(&path, bytes),
                Err(reason) => {
                    self.miss(format!(" ({name})"), reason);
                    return None;
                }
            }
        }
        // A profile whose files were deleted stays in the list for ever: nothing to tell.
        None
    }

    fn of_bytes(&mut self, path: &str, bytes: Vec<u8>) -> Option<Hive> {
        let mut logs = Vec::new();
        if !Hive::is_closed(&bytes) {
            for ending in LOGS {
                match self.read(&format!("{path}.{ending}")) {
                    Ok(log) => logs.extend(log),
                    Err(reason) => self.miss(format!(" ({ending} of its hive)"), reason),
                }
            }
        }
        let logs: Vec<&[u8]> = logs.iter().map(Vec::as_slice).collect();
        match Hive::of_bytes(bytes, &logs) {
            Ok((hive, doubts)) => {
                for doubt in doubts {
                    self.miss(format!(": {doubt}"), doubt.reason());
                }
                Some(hive)
            }
            Err(damage) => {
                self.miss(format!(": {damage}"), damage.reason());
                None
            }
        }
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Reason> {
        let most = LIMIT_HIVE.min(*self.left);
        let short_of_room = most < LIMIT_HIVE;
        let read = self.files.read(path, most).map_err(|reason| match reason {
            Reason::TooLarge if short_of_room => Reason::BudgetExhausted,
            reason => reason,
        })?;
        let bytes = read.as_ref().map_or(0, Vec::len);
        *self.left = self
            .left
            .saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        Ok(read)
    }

    fn miss(&mut self, detail: String, reason: Reason) {
        self.missed.push((format!("{}{detail}", self.what), reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hive::tests::build::{Laid, Numbers, entry, new_log};
    use crate::{WrittenFiles, WrittenRegistry};

    const ANN: &str = "S-1-5-21-1-2-3-1001";
    const BOB: &str = "S-1-5-21-1-2-3-1002";
    const ROOM: u64 = 1 << 30;

    const HIVE: &[u8] = include_bytes!("../tests/fixtures/hives/three.hive");

    fn listed(profiles: &[(&str, &str)]) -> WrittenRegistry {
        let mut registry = WrittenRegistry::default().with_text(
            r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion",
            "SystemRoot",
            r"D:\Windows",
        );
        for (sid, path) in profiles {
            registry = registry.with_text(&joined(LIST, sid), "ProfileImagePath", path);
        }
        registry
    }

    #[test]
    fn people_who_are_not_logged_on_are_read_from_their_profiles() {
        let registry = listed(&[
            ("S-1-5-18", r"%systemroot%\system32\config\systemprofile"),
            (ANN, r"%SystemDrive%\Users\Ann"),
            (BOB, r"D:\Users\Bob"),
        ])
        .with_text(&joined(&joined("HKU", BOB), "Environment"), "A", "b");
        let files = WrittenFiles::default()
            .with(r"D:\Users\Ann\ntuser.dat", HIVE)
            .refused(r"D:\Users\Bob\NTUSER.DAT", Reason::Locked);
        let (hives, missed) = with_profiles(&registry, &files, ROOM);
        assert_eq!(missed, []);
        assert_eq!(hives.key("HKU").unwrap().unwrap().keys, [ANN, BOB]);
        let drive = hives.key(&format!(r"HKU\{ANN}\Network\Z")).unwrap();
        let drive = drive.unwrap();
        assert_eq!(drive.text("RemotePath"), Some(r"\\files.example\share"));
    }

    #[test]
    fn a_profile_on_another_machine_is_never_touched() {
        let registry = listed(&[(ANN, r"\\server.example\profiles\Ann"), (BOB, "Bob")]);
        let files = WrittenFiles::default().with(r"\\server.example\profiles\Ann\NTUSER.DAT", HIVE);
        let (hives, missed) = with_profiles(&registry, &files, ROOM);
        let reasons: Vec<&Reason> = missed.iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons, [&Reason::RemoteFileSystem, &Reason::Malformed]);
        assert!(missed[0].0.contains(ANN));
        assert_eq!(hives.key("HKU"), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_is_said_and_what_is_gone_is_not() {
        let third = "S-1-12-1-4-5-6-7";
        let registry = listed(&[(ANN, r"C:\A"), (BOB, r"C:\B"), (third, r"C:\C")]);
        let files = WrittenFiles::default()
            .refused(r"C:\A\NTUSER.DAT", Reason::PermissionDenied)
            .with(r"C:\C\NTUSER.DAT", b"no hive");
        let (_, missed) = with_profiles(&registry, &files, ROOM);
        let reasons: Vec<&Reason> = missed.iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons, [&Reason::Malformed, &Reason::PermissionDenied]);
        assert!(missed[0].0.contains(third));
    }

    #[test]
    fn a_hive_that_was_not_closed_is_completed_from_the_logs_beside_it() {
        let mut laid = Laid::begun();
        let root = laid.root;
        let number = laid.number("n", 1);
        laid.values(root, &[number]);
        let before = laid.clone().ended(Numbers::of(3, 2));
        laid.put(number, 8, 2);
        let after = laid.ended(Numbers::of(3, 2));
        let log = new_log(2, root, before.len() - 4096, &[entry(2, &before, &after)]);
        let registry = listed(&[(ANN, r"C:\A"), (BOB, r"C:\B")]);
        let files = WrittenFiles::default()
            .with(r"C:\A\NTUSER.DAT", &before)
            .with(r"C:\A\ntuser.dat.LOG1", b"")
            .with(r"C:\A\ntuser.dat.LOG2", &log)
            .with(r"C:\B\NTUSER.DAT", &before)
            .refused(r"C:\B\ntuser.dat.LOG2", Reason::PermissionDenied);
        let (hives, missed) = with_profiles(&registry, &files, ROOM);
        let number = |sid: &str| hives.key(&joined("HKU", sid)).unwrap().unwrap().number("n");
        assert_eq!((number(ANN), number(BOB)), (Some(2), Some(1)));
        assert_eq!(missed.len(), 2);
        assert!(missed.iter().all(|(what, _)| what.contains(BOB)));
        assert!(missed[1].0.contains("newest changes"));
    }

    #[test]
    fn the_saved_profile_counts_and_not_the_one_windows_lent() {
        let saved = format!("{ANN}.bak");
        let registry = listed(&[(ANN, r"C:\Users\TEMP"), (&saved, r"C:\Users\Ann")]);
        let expected = Profile {
            sid: ANN.to_owned(),
            folder: Ok(r"C:\Users\Ann".to_owned()),
        };
        assert_eq!(not_logged_on(&registry), Ok(vec![expected]));
    }

    #[test]
    fn number_and_bytes_are_limited() {
        let sids: Vec<String> = (0..300).map(|n| format!("S-1-5-21-1-2-3-{n:04}")).collect();
        let profiles: Vec<(&str, &str)> = sids.iter().map(|sid| (sid.as_str(), r"C:\A")).collect();
        let registry = listed(&profiles);
        let files = WrittenFiles::default().with(r"C:\A\NTUSER.DAT", HIVE);
        let room = u64::try_from(HIVE.len()).unwrap() * 2;
        let (hives, missed) = with_profiles(&registry, &files, room);
        assert_eq!(hives.key("HKU").unwrap().unwrap().keys.len(), 2);
        assert_eq!(missed.len(), 1 + 254);
        assert_eq!(missed[0].1, Reason::TooLarge);
        assert!(missed[0].0.contains("44 more"));
        assert_eq!(missed[1].1, Reason::BudgetExhausted);
    }
}
