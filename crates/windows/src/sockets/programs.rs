//! A process as the tables tell it → the program a fact names.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use groma_model::fact::Program;
use groma_model::registry::REGISTRY;
use groma_model::{Foreign, Port, Transport};

use super::kernel::Kernel;
use super::kinds::GIVEN_OUT;
use super::script::script;
use crate::host::units::unit_name;
use crate::{Machine, Process, Rows, base_name, folder_of, joined};

/// The process that stands for the kernel.
pub(super) const KERNEL: u32 = 4;
const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
const TCPIP: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
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
    /// The wide range of a system before Vista, where somebody brought it back.
    wide: Option<RangeInclusive<u16>>,
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
            wide: wide(key(TCPIP).number("MaxUserPort")),
            kernel: Kernel::of(machine),
        }
    }

    /// True for a port of remote procedures that is another one after the next start.
    pub(super) fn is_fleeting(&self, port: u16, program: Option<&Program>) -> bool {
        let is_given_out = self.given_out.iter().any(|range| range.contains(&port));
        if self.fixed.contains(&port) {
            return false;
        }
        match is_given_out {
            true => program.is_none_or(|program| self.is_of_the_system(program)),
            false => self.is_widely_given_out(port) && program.is_some_and(takes_calls),
        }
    }

    /// True for a port of the wide range at which no known service is. Most services of the system have theirs in there, so only what
    /// nobody knows counts.
    fn is_widely_given_out(&self, port: u16) -> bool {
        let is_in = self.wide.as_ref().is_some_and(|wide| wide.contains(&port));
        is_in && REGISTRY.kind_by_port(Port(port), Transport::Tcp).is_none()
    }

    /// True for a port that the system gives out to callers.
    pub(super) fn is_given_out(&self, port: u16) -> bool {
        GIVEN_OUT.contains(&port) || self.wide.as_ref().is_some_and(|wide| wide.contains(&port))
    }

    fn is_of_the_system(&self, program: &Program) -> bool {
        let Some(path) = program.executable.as_ref().map(Foreign::lossy) else {
            return true;
        };
        match folder_of(&path) {
            "" => takes_calls(program),
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

/// True for a program of every Windows that takes calls of remote procedures.
fn takes_calls(program: &Program) -> bool {
    let path = program.executable.as_ref().map(Foreign::lossy);
    let path = path.unwrap_or_default();
    let name = base_name(&path);
    OF_EVERY_WINDOWS
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// From 1025 up to `MaxUserPort` (5000 to 65534). Exchange 2007 set it to 60000, and Windows Server 2008 then gave out 1025 to 60000
/// (Microsoft Learn, "Service overview and network port requirements for Windows"). Where nothing is written, the system has its usual
/// range alone.
fn wide(highest: Option<u64>) -> Option<RangeInclusive<u16>> {
    let highest = u16::try_from(highest?).ok()?;
    (5000..=65_534).contains(&highest).then_some(1025..=highest)
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
    fn a_wide_range_makes_ports_of_remote_procedures_fleeting_and_no_service() {
        let around = |highest| Surroundings {
            system_folder: r"C:\Windows\System32".into(),
            wide: wide(highest),
            ..Surroundings::default()
        };
        let of = |path: &str| Program {
            executable: Some(path.into()),
            ..Program::default()
        };
        let lsass = of(r"C:\Windows\System32\lsass.exe");
        let wide = around(Some(60_000));
        assert!(wide.is_fleeting(1026, Some(&lsass)));
        assert!(wide.is_given_out(1026) && wide.is_given_out(65_000));
        // A known service, a program that takes other calls, and somebody nobody knows.
        assert!(!wide.is_fleeting(3389, Some(&of(r"C:\Windows\System32\svchost.exe"))));
        assert!(!wide.is_fleeting(1026, Some(&of(r"C:\Windows\System32\dns.exe"))));
        assert!(!wide.is_fleeting(1026, None));
        for highest in [None, Some(0), Some(1_000_000), Some(4000)] {
            assert!(!around(highest).is_fleeting(1026, Some(&lsass)));
            assert!(!around(highest).is_given_out(1026));
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
