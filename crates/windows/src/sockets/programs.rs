//! A process as the tables tell it → the program a fact names.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use groma_model::Foreign;
use groma_model::fact::Program;

use super::kernel::Kernel;
use super::kinds::GIVEN_OUT;
use super::script::script;
use crate::host::units::unit_name;
use crate::{Machine, Process, Rows, folder_of, joined};

/// The process that stands for the kernel.
pub(super) const KERNEL: u32 = 4;
const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
/// Programs of every Windows that take calls of remote procedures; for lookers whom their paths are refused.
const OF_EVERY_WINDOWS: &[&str] = &[
    "lsass.exe",
    "services.exe",
    "spoolsv.exe",
    "svchost.exe",
    "wininit.exe",
];

/// What the machine says of its services and ports, read once.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// `C:\Windows\System32`.
    system_folder: String,
    /// Keys of services by their name in lower case.
    services: HashMap<String, String>,
    /// Ports of remote procedures that somebody fixed.
    fixed: BTreeSet<u16>,
    /// Where remote procedures get their ports.
    given_out: Vec<RangeInclusive<u16>>,
    /// Units of the kernel's ports.
    pub(super) kernel: Kernel,
}

impl Surroundings {
    pub(super) fn of(machine: &Machine<'_>) -> Self {
        let key = |path: &str| {
            machine
                .registry
                .key(path)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let services = key(SERVICES).keys.into_iter();
        let fixed = [
            (r"NTDS\Parameters", "TCP/IP Port"),
            (r"Netlogon\Parameters", "DCTcpipPort"),
        ];
        let fixed = fixed.iter().filter_map(|(path, value)| {
            u16::try_from(key(&joined(SERVICES, path)).number(value)?).ok()
        });
        let calls = key(r"HKLM\SOFTWARE\Microsoft\Rpc\Internet");
        let ranges = calls.list("Ports").into_iter().filter_map(range);
        Self {
            system_folder: joined(&machine.expand().windows, "System32"),
            services: services.map(|name| (name.to_lowercase(), name)).collect(),
            fixed: fixed.collect(),
            given_out: std::iter::once(GIVEN_OUT).chain(ranges).collect(),
            kernel: Kernel::of(machine),
        }
    }

    /// True for a port of remote procedures that is another one after the next start.
    pub(super) fn is_fleeting(&self, port: u16, program: Option<&Program>) -> bool {
        let is_given_out = self.given_out.iter().any(|range| range.contains(&port));
        is_given_out
            && !self.fixed.contains(&port)
            && program.is_none_or(|program| self.is_of_the_system(program))
    }

    fn is_of_the_system(&self, program: &Program) -> bool {
        let Some(path) = program.executable.as_ref().map(Foreign::lossy) else {
            return true;
        };
        match folder_of(&path) {
            "" => OF_EVERY_WINDOWS
                .iter()
                .any(|name| path.eq_ignore_ascii_case(name)),
            folder => folder.eq_ignore_ascii_case(&self.system_folder),
        }
    }

    /// The kernel; with the unit that a port belongs to, where one is known.
    pub(super) fn of_kernel(&self, unit: Option<&str>) -> Program {
        Program {
            executable: Some("System".into()),
            user: Some("LocalSystem".into()),
            unit: unit.map(str::to_owned),
            ..Program::default()
        }
    }

    /// What a fact says about a process, and the service among those it hosts.
    pub(super) fn program(&self, process: &Process, service: Option<&str>, rows: &Rows) -> Program {
        let path = process
            .executable
            .as_deref()
            .filter(|path| !path.is_empty());
        let file = path.unwrap_or(&process.name);
        let service = service.or_else(|| match process.services.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let script = process.command.as_deref();
        Program {
            executable: Some(file)
                .filter(|file| !file.is_empty())
                .map(Foreign::from),
            script: script.and_then(|command| script_of(file, command)),
            user: user(process, service, rows).map(Foreign::from),
            unit: service.map(|service| self.unit(service)),
            ..Program::default()
        }
    }

    /// The unit of a service. One of a person has a number at its end that each logon draws anew
    /// (`CDPUserSvc_5f2a1`); what it is made from has none.
    pub(super) fn unit(&self, service: &str) -> String {
        let known = |name: &str| self.services.get(&name.to_lowercase());
        let is_number = |text: &str| {
            !text.is_empty() && text.len() <= 16 && text.chars().all(|c| c.is_ascii_hexdigit())
        };
        let template = service
            .rsplit_once('_')
            .filter(|(_, number)| is_number(number));
        let template = template.and_then(|(name, _)| known(name));
        let name = template.or_else(|| known(service));
        unit_name(name.map_or(service, String::as_str))
    }
}

fn script_of(file: &str, command: &str) -> Option<Foreign> {
    script(file, command).map(Foreign::from)
}

/// `5000-5020`, or one port.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// The account, as services write it where it is one of the system's: the unit and the socket then say the same.
fn user(process: &Process, service: Option<&str>, rows: &Rows) -> Option<String> {
    let sid = process.user.as_deref().filter(|sid| !sid.is_empty())?;
    let fixed = match sid {
        "S-1-5-18" => Some("LocalSystem"),
        "S-1-5-19" => Some(r"NT AUTHORITY\LocalService"),
        "S-1-5-20" => Some(r"NT AUTHORITY\NetworkService"),
        "S-1-5-17" => Some(r"NT AUTHORITY\IUSR"),
        _ => None,
    };
    let local = || {
        let user = rows.users.iter().find(|user| user.sid == sid)?;
        Some(format!("{}\\{}", rows.system.host_name, user.name))
    };
    // Accounts that exist for one application pool or one service only.
    let made = || {
        let command = process.command.as_deref();
        match sid {
            _ if sid.starts_with("S-1-5-82-") => Some(format!(r"IIS APPPOOL\{}", pool(command?)?)),
            _ if sid.starts_with("S-1-5-80-") => Some(format!(r"NT SERVICE\{}", service?)),
            _ => None,
        }
    };
    let named = fixed
        .map(str::to_owned)
        .or_else(|| rows.names.get(sid).cloned());
    named
        .or_else(local)
        .or_else(made)
        .or_else(|| Some(sid.to_owned()))
}

/// `w3wp.exe -ap "shop" -v "v4.0" …`.
fn pool(command: &str) -> Option<String> {
    let (_, rest) = command.split_once("-ap ")?;
    let rest = rest.trim_start();
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(' ').next()?,
    };
    (!name.is_empty() && name.len() <= 64).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(user: &str, command: &str) -> Process {
        Process {
            name: "w3wp.exe".into(),
            executable: Some(r"C:\Windows\System32\inetsrv\w3wp.exe".into()),
            user: Some(user.into()),
            command: Some(command.into()),
            ..Process::default()
        }
    }

    #[test]
    fn the_account_of_a_pool_is_named_and_the_command_line_stays() {
        let around = Surroundings::default();
        let command =
            r#"c:\windows\system32\inetsrv\w3wp.exe -ap "shop pool" -v "v4.0" -h "secret""#;
        let program = around.program(
            &process("S-1-5-82-1-2-3-4-5", command),
            None,
            &Rows::default(),
        );
        assert_eq!(program.user, Some(r"IIS APPPOOL\shop pool".into()));
        assert_eq!((&program.unit, &program.script), (&None, &None));
        assert!(!format!("{program:?}").contains("secret"));
        let other = around.program(
            &process("S-1-5-21-1-2-3-1105", command),
            None,
            &Rows::default(),
        );
        assert_eq!(other.user, Some("S-1-5-21-1-2-3-1105".into()));
    }

    #[test]
    fn a_service_of_a_person_is_called_like_what_it_is_made_from() {
        let mut around = Surroundings::default();
        let updater = "GoogleUpdaterService129.0.6651.0";
        for name in ["CDPUserSvc", "MSSQL$ERP", "Add_in_beef", updater] {
            around.services.insert(name.to_lowercase(), name.to_owned());
        }
        for (service, unit) in [
            ("CDPUserSvc_5f2a1", "CDPUserSvc.service"),
            (updater, "GoogleUpdaterService.service"),
            ("mssql$erp", "MSSQL$ERP.service"),
            ("Add_in_beef", "Add_in_beef.service"),
            ("Unknown_abc", "Unknown_abc.service"),
        ] {
            assert_eq!(around.unit(service), unit);
        }
    }

    #[test]
    fn a_process_with_several_services_is_no_unit_unless_one_is_told() {
        let around = Surroundings::default();
        let mut host = process("S-1-5-20", "");
        host.services = vec!["Dnscache".into(), "NlaSvc".into()];
        let unit = |host: &Process, told| around.program(host, told, &Rows::default()).unit;
        assert_eq!(unit(&host, None), None);
        assert_eq!(
            unit(&host, Some("Dnscache")).as_deref(),
            Some("Dnscache.service")
        );
        host.services.truncate(1);
        assert_eq!(unit(&host, None).as_deref(), Some("Dnscache.service"));
    }
}
