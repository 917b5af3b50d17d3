//! Tasks as whole files.

use groma_model::fact::{Job, Reference};
use groma_model::{CoverageState, Fact};

use super::*;
use crate::rows::User;
use crate::{Rows, WrittenFiles, WrittenRegistry};

const FOLDER: &str = r"C:\Windows\System32\Tasks";
/// A night's work as the Task Scheduler writes it (documentation of the schema, put together by hand).
const EXPORT: &str = r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Author>CORP\builder</Author>
    <URI>\Sales\Night export</URI>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <Repetition><Interval>PT1H</Interval><Duration>PT4H</Duration></Repetition>
      <StartBoundary>2026-03-01T22:00:00</StartBoundary>
      <Enabled>true</Enabled>
      <RandomDelay>PT10M</RandomDelay>
      <ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek><Monday /><Friday /></DaysOfWeek></ScheduleByWeek>
    </CalendarTrigger>
    <BootTrigger><Enabled>false</Enabled><Delay>PT5M</Delay></BootTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>S-1-5-21-1-2-3-1104</UserId>
      <LogonType>Password</LogonType>
    </Principal>
  </Principals>
  <Settings>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>powershell.exe</Command>
      <Arguments>-File C:\Scripts\export.ps1 -To \\files1\export\in -Uri https://api:geheim@erp.corp.example/x</Arguments>
    </Exec>
  </Actions>
</Task>"#;

fn wide(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff_u16).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn rows() -> Rows {
    let mut rows = Rows::default();
    rows.system.host_name = "app1".into();
    rows.system.directory_sid = Some("S-1-5-21-1-2-3-2001".into());
    let names = [
        ("S-1-5-21-1-2-3-1104", r"CORP\svc-export"),
        ("S-1-5-18", r"NT-AUTORITÄT\SYSTEM"),
    ];
    rows.names = names
        .map(|(sid, name)| (sid.to_owned(), name.to_owned()))
        .into();
    rows.users = vec![User {
        name: "local".into(),
        sid: "S-1-5-21-9-9-9-1001".into(),
        ..User::default()
    }];
    rows
}

fn said(files: &WrittenFiles) -> Said {
    let network = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
    let registry = WrittenRegistry::default().with_text(network, "Domain", "corp.example");
    let rows = rows();
    let machine = Machine {
        registry: &registry,
        files,
        rows: &rows,
        certificate: &|_| None,
    };
    tasks(&machine).remove(0)
}

fn jobs(said: &Said) -> Vec<&Job> {
    let all = said.facts.iter().filter_map(|fact| match fact {
        Fact::Job(job) => Some(job),
        _ => None,
    });
    all.collect()
}

fn references(said: &Said) -> Vec<&Reference> {
    let all = said.facts.iter().filter_map(|fact| match fact {
        Fact::Reference(reference) => Some(reference),
        _ => None,
    });
    all.collect()
}

fn one(path: &str, text: &str) -> Said {
    said(&WrittenFiles::default().with(&format!(r"{FOLDER}\{path}"), &wide(text)))
}

#[test]
fn a_task_is_a_job_with_its_schedule_account_and_script() {
    let said = one(r"Sales\Night export", EXPORT);
    assert_eq!(said.state, CoverageState::Complete);
    let expected = Job {
        scheduler: "task-scheduler".into(),
        name: r"\Sales\Night export".into(),
        schedule: "weekly Mon,Fri 22:00 from 2026-03-01 repeated every 1h for 4h".into(),
        rhythm: Some("weekly".into()),
        user: Some(r"CORP\svc-export".into()),
        executable: Some(r"C:\Scripts\export.ps1".into()),
        file: format!(r"{FOLDER}\Sales\Night export").as_str().into(),
        random_delay_seconds: Some(600),
        persistent: true,
        ..Job::default()
    };
    assert_eq!(jobs(&said), [&expected]);
}

#[test]
fn machines_that_a_task_names_are_references_without_its_password() {
    let said = one(r"Sales\Night export", EXPORT);
    let shown = |r: &&Reference| {
        let account = r.account.as_ref().map(ToString::to_string);
        (
            r.kind.clone(),
            r.peer.to_string(),
            account.unwrap_or_default(),
            r.has_secret,
            r.line,
        )
    };
    let found: Vec<_> = references(&said).iter().map(shown).collect();
    assert_eq!(
        found,
        [
            (
                "kerberos".into(),
                "corp.example".into(),
                r"CORP\svc-export".into(),
                false,
                19
            ),
            (
                "smb".into(),
                "files1".into(),
                r"CORP\svc-export".into(),
                false,
                30
            ),
            (
                "http".into(),
                "erp.corp.example".into(),
                "api".into(),
                true,
                30
            )
        ]
    );
    assert!(
        !serde_json::to_string(&said.facts)
            .unwrap()
            .contains("geheim")
    );
}

#[test]
fn a_task_that_is_switched_off_or_that_nothing_starts_is_no_job() {
    let off = EXPORT.replace(
        "<Enabled>true</Enabled>\n  </Settings>",
        "<Enabled>false</Enabled></Settings>",
    );
    let idle = EXPORT.replacen("<Enabled>true</Enabled>", "<Enabled>false</Enabled>", 1);
    for text in [off, idle] {
        let said = one("x", &text);
        assert!(said.facts.is_empty() && said.gaps.is_empty());
    }
}

fn small(trigger: &str, principal: &str, command: &str) -> String {
    format!(
        "<Task><Triggers>{trigger}</Triggers><Principals><Principal id=\"A\">{principal}</Principal></Principals>\
         <Actions Context=\"A\"><Exec><Command>{command}</Command></Exec></Actions></Task>"
    )
}

const DAILY: &str = "<CalendarTrigger><StartBoundary>2026-03-01T02:00:00Z</StartBoundary><ScheduleByDay/></CalendarTrigger>";
const SYSTEM: &str = "<UserId>S-1-5-18</UserId>";
const DOMAIN: &str = r"<UserId>CORP\svc</UserId><LogonType>Password</LogonType>";
const UPDATER: &str = r"C:\Program Files (x86)\Google\Update\GoogleUpdate.exe";

#[test]
fn what_windows_and_updaters_schedule_is_left_out_unless_a_domain_or_a_share_is_needed() {
    for (path, principal, command, told) in [
        (
            r"Microsoft\Windows\Defrag\ScheduledDefrag",
            SYSTEM,
            "defrag.exe",
            false,
        ),
        (r"Microsoft\Windows\Own", DOMAIN, "own.exe", true),
        (
            r"Microsoft\Windows\Own",
            SYSTEM,
            r"\\files1\jobs\own.cmd",
            true,
        ),
        (
            r"Microsoft\Windows\Own",
            r"<UserId>CORP\ann</UserId><LogonType>InteractiveToken</LogonType>",
            "own.exe",
            false,
        ),
        (
            r"Microsoft\Windows\Own",
            r"<UserId>APP1\local</UserId><LogonType>Password</LogonType>",
            "own.exe",
            false,
        ),
        (
            r"Microsoft\Windows\Own",
            "<UserId>S-1-5-21-1-2-3-77</UserId><LogonType>S4U</LogonType>",
            "own.exe",
            true,
        ),
        (
            r"Microsoft\Windows\Own",
            "<UserId>S-1-5-21-9-9-9-77</UserId><LogonType>S4U</LogonType>",
            "own.exe",
            false,
        ),
        ("GoogleUpdateTask", SYSTEM, UPDATER, false),
        (
            r"Microsoft\Windows\Backup\Nightly",
            SYSTEM,
            r"%windir%\System32\wbadmin.exe",
            true,
        ),
        (
            r"Microsoft\Windows\Own",
            SYSTEM,
            "own.exe https://vendor.example/x",
            false,
        ),
        ("Own", SYSTEM, r"C:\Jobs\own.exe", true),
    ] {
        let said = one(path, &small(DAILY, principal, command));
        assert_eq!(
            jobs(&said).len(),
            usize::from(told),
            "{path} {principal} {command}"
        );
        assert!(said.gaps.is_empty());
    }
}

#[test]
fn a_job_that_somebody_registered_in_powershell_is_told() {
    let command = "powershell.exe";
    let text = small("<BootTrigger/>", "<UserId>S-1-5-18</UserId>", command);
    let jobs_in = |folder: &str| {
        let path = format!(r"Microsoft\Windows\PowerShell\{folder}Night export");
        jobs(&one(&path, &text)).len()
    };
    assert_eq!((jobs_in(r"ScheduledJobs\"), jobs_in("")), (1, 0));
}

#[test]
fn tasks_of_a_domain_known_by_its_short_name_only_are_one_gap() {
    let gaps = |user: &str| {
        let principal = format!("<UserId>{user}</UserId><LogonType>Password</LogonType>");
        let said = one("Night", &small("<BootTrigger/>", &principal, "run.exe"));
        assert_eq!(said.state, CoverageState::Complete);
        let gaps = said.gaps.into_iter().map(|gap| gap.what);
        gaps.collect::<Vec<_>>()
    };
    let gap = "1 account of a domain known by its short name only";
    assert_eq!(gaps(r"ELSEWHERE\svc"), [gap]);
    for known in [r"CORP\svc", r"APP1\svc", "S-1-5-18"] {
        assert!(gaps(known).is_empty(), "{known}");
    }
}

#[test]
fn every_sort_of_trigger_has_its_words() {
    for (trigger, expected) in [
        (
            "<TimeTrigger><StartBoundary>2026-03-01T02:00:00</StartBoundary></TimeTrigger>",
            "once 02:00 from 2026-03-01",
        ),
        (DAILY, "daily 02:00Z from 2026-03-01"),
        (
            "<CalendarTrigger><StartBoundary>2026-03-01T02:00:00+02:00</StartBoundary><EndBoundary>2027-01-01T00:00:00</EndBoundary><ScheduleByMonth><DaysOfMonth><Day>1</Day><Day>Last</Day></DaysOfMonth><Months><January/><July/></Months></ScheduleByMonth></CalendarTrigger>",
            "monthly 1,last of Jan,Jul 02:00+02:00 from 2026-03-01 until 2027-01-01 00:00",
        ),
        (
            "<CalendarTrigger><StartBoundary>2026-03-01T02:00:00</StartBoundary><ScheduleByMonthDayOfWeek><Weeks><Week>1</Week><Week>Last</Week></Weeks><DaysOfWeek><Sunday/></DaysOfWeek><Months/></ScheduleByMonthDayOfWeek></CalendarTrigger>",
            "monthly first,last Sun 02:00 from 2026-03-01",
        ),
        (
            "<BootTrigger><Delay>PT5M</Delay></BootTrigger>",
            "at boot after 5min",
        ),
        ("<LogonTrigger/>", "at logon"),
        ("<IdleTrigger/>", "when idle"),
        (
            "<EventTrigger><Subscription>x</Subscription></EventTrigger>",
            "on event",
        ),
        ("<RegistrationTrigger/>", "on registration"),
        ("<SessionStateChangeTrigger/>", "on session-change"),
        ("<WnfStateChangeTrigger/>", "on other"),
        ("<LogonTrigger/><BootTrigger/>", "at logon; at boot"),
    ] {
        let said = one("x", &small(trigger, SYSTEM, "x.exe"));
        assert_eq!(jobs(&said)[0].schedule, expected);
        let read = expected
            .split(';')
            .map(|line| groma_model::schedule::TaskTrigger::parse(line.trim()));
        assert!(
            read.into_iter().all(|trigger| trigger.is_some()),
            "{expected}"
        );
    }
}

#[test]
fn an_action_without_a_program_is_still_a_job() {
    let text = small(DAILY, SYSTEM, "").replace(
        "<Exec><Command></Command></Exec>",
        "<ComHandler><ClassId>{0}</ClassId></ComHandler>",
    );
    let said = one("Own", &text);
    assert_eq!(jobs(&said)[0].executable, None);
    assert_eq!(jobs(&said)[0].user, Some(r"NT-AUTORITÄT\SYSTEM".into()));
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_is_told() {
    let path = |name: &str| format!(r"{FOLDER}\{name}");
    let files = WrittenFiles::default()
        .with(&path("a"), b"no xml")
        .with(&path("b"), b"<x/>")
        .with(&path("c"), &wide(&small(DAILY, SYSTEM, "x.exe")))
        .with(&path("d"), &vec![b' '; 300 << 10])
        .refused(&path("e"), Reason::PermissionDenied);
    let said = said(&files);
    assert_eq!(said.state, CoverageState::Partial);
    let gaps: Vec<&str> = said.gaps.iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(
        gaps,
        [
            r"2 scheduled tasks, as \a",
            "scheduled task e",
            "scheduled task d"
        ]
    );
    assert_eq!(jobs(&said).len(), 1);
}

#[test]
fn a_machine_without_tasks_has_nothing_to_tell() {
    let said = said(&WrittenFiles::default());
    assert!(said.facts.is_empty() && said.gaps.is_empty());
}

#[test]
fn a_task_that_another_program_wrote_is_read() {
    let wine = include_bytes!("../../tests/fixtures/wine-8-task/Nightly export");
    let files = WrittenFiles::default().with(&format!(r"{FOLDER}\Sales\Nightly export"), wine);
    let said = said(&files);
    // That program keeps no triggers: nothing starts it.
    assert!(said.facts.is_empty() && said.gaps.is_empty());
    let text = String::from_utf8_lossy(wine);
    let started = text.replace("<Triggers/>", "<Triggers><BootTrigger/></Triggers>");
    let said = one(
        r"Sales\Nightly export",
        started.trim_start_matches('\u{feff}'),
    );
    assert_eq!(jobs(&said)[0].schedule, "at boot");
    assert!(jobs(&said)[0].persistent);
}

#[test]
fn hammered_tasks_never_panic() {
    let wide = wide(EXPORT);
    groma_fuzz::hammer(1_500, &[wide.as_slice(), EXPORT.as_bytes()], |bytes| {
        said(&WrittenFiles::default().with(&format!(r"{FOLDER}\x"), bytes));
    });
}
