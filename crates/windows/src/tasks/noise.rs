//! Tasks, and programs of a logon, that nobody moves: what Windows and the updaters of well-known programs bring along.

use crate::base_name;

/// Programs that only look for newer ones or report to their makers, by file name without its ending. Where a name alone would
/// fit others, a part of its path stands beside it.
const UPDATERS: &[(&str, &str)] = &[
    ("microsoftedgeupdate", ""),
    ("googleupdate", ""),
    ("googleupdatecore", ""),
    ("updater", r"\google\"),
    ("updater", r"\googleupdater\"),
    ("braveupdate", ""),
    ("updater", r"\bravesoftware\"),
    ("onedrivestandaloneupdater", ""),
    ("onedrivelauncher", ""),
    ("onedrive", ""),
    ("officec2rclient", ""),
    ("sdxhelper", ""),
    ("officebackgroundtaskhandler", ""),
    ("opushutil", ""),
    ("msoia", ""),
    ("operfmon", ""),
    ("firefox", r"\mozilla"),
    ("default-browser-agent", ""),
    ("thunderbird", r"\mozilla"),
    ("onedrivesetup", ""),
    ("adobearm", ""),
    ("adobearmhelper", ""),
    ("adobeupdater", ""),
    ("adobe_updater", ""),
    ("adobeupdateservice", ""),
    ("adobecollabsync", ""),
    ("acrobat_sl", ""),
    ("reader_sl", ""),
    ("ccxprocess", r"\adobe\"),
    ("adobegcinvoker-1", ""),
    ("acrocef", ""),
    ("jucheck", ""),
    ("jusched", ""),
    ("msfeedssync", ""),
    ("dropboxupdate", ""),
    ("update_notifier", ""),
    ("opera_autoupdate", ""),
    ("nvtmrep", ""),
    ("nvprofileupdater64", ""),
    ("nvprofileupdater32", ""),
    ("nvnodelauncher", ""),
    ("nvidia geforce experience", ""),
    ("ccupdate", ""),
    ("ccleaner", ""),
    ("gup", r"\notepad++\"),
    ("zoomoutlookimplugin", ""),
    ("teamsupdate", ""),
    ("update", r"\microsoft\teams\"),
    ("teams", r"\microsoft\teams\"),
    ("ms-teams", ""),
    ("msteams", ""),
];

/// Where `Register-ScheduledJob` of Windows PowerShell puts the jobs of people (about_Scheduled_Jobs).
const OF_PEOPLE: &str = r"\Microsoft\Windows\PowerShell\ScheduledJobs\";

/// True for a task of Windows itself, by its path as `\Microsoft\…`.
pub(super) fn is_of_windows(name: &str) -> bool {
    let lies_in = |folder: &str| {
        let head = name.get(..folder.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(folder))
    };
    lies_in(r"\Microsoft\") && !lies_in(OF_PEOPLE)
}

/// Programs of Windows that run only after somebody set them up, although their tasks stand among the vendor's: backups.
const SET_UP: &[&str] = &["wbadmin.exe"];

/// True for a program that Windows schedules because a person asked for it.
pub(super) fn is_set_up_by_people(program: &str) -> bool {
    let name = base_name(program);
    SET_UP.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// True for a program that only looks for newer versions of something.
pub(crate) fn is_updater(program: &str) -> bool {
    let path = program.to_lowercase();
    let name = base_name(&path);
    let stem = name.strip_suffix(".exe").unwrap_or(name);
    let fits = |(known, part): &(&str, &str)| stem == *known && path.contains(part);
    UPDATERS.iter().any(fits)
}

/// Values of Run keys that browsers write for themselves, each with a number of its own behind, and the browser.
const BROWSERS: &[(&str, &str)] = &[
    ("MicrosoftEdgeAutoLaunch_", "msedge.exe"),
    ("GoogleChromeAutoLaunch_", "chrome.exe"),
];

/// True for a value of a Run key by which a browser waits for its own first window.
pub(crate) fn is_waiting_browser(value: &str, program: &str) -> bool {
    let name = base_name(program);
    BROWSERS.iter().any(|(begin, browser)| {
        let head = value.get(..begin.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(begin))
            && name.eq_ignore_ascii_case(browser)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updaters_are_known_by_name_and_place() {
        assert!(is_updater(
            r"C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe"
        ));
        assert!(is_updater(
            r"C:\Program Files (x86)\Google\GoogleUpdater\140.0\updater.exe"
        ));
        assert!(!is_updater(r"C:\Erp\updater.exe"));
        assert!(!is_updater(r"C:\Jobs\night.cmd"));
        assert!(is_of_windows(r"\microsoft\Windows\Defrag\ScheduledDefrag"));
        assert!(!is_of_windows(r"\MicrosoftEdge copy"));
    }

    #[test]
    fn jobs_that_people_registered_in_powershell_are_not_of_windows() {
        assert!(!is_of_windows(
            r"\Microsoft\Windows\PowerShell\ScheduledJobs\Night export"
        ));
        assert!(is_of_windows(
            r"\Microsoft\Windows\PowerShell\ScheduledJobs"
        ));
        assert!(is_of_windows(r"\Microsoft\Windows\PowerShell\Other"));
    }
}
