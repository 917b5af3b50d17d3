//! Processes that host several services: which of them a socket belongs to.
//!
//! The system knows (`GetOwnerModuleFromTcpEntry`, Microsoft Learn: the name of the module is the service's where the process hosts
//! services). Where it was not asked, as in a document of a script, the port says it for services that one process hosts and of which each
//! has ports of its own. Everything else stays with the process, and the services it may be are named in a gap.

use std::collections::HashMap;

use crate::tables::SocketTable;
use crate::{Process, SocketRow};

/// Services of a domain controller live in one process (`lsass.exe`), each at the ports of its protocol.
const BY_PORT: &[(u16, &str)] = &[
    (88, "Kdc"),
    (389, "NTDS"),
    (464, "Kdc"),
    (636, "NTDS"),
    (3268, "NTDS"),
    (3269, "NTDS"),
];

/// Puts into `rows`, which were read of `bytes`, the service of each socket whose process hosts several, as `ask` tells it of
/// a row as it lies. What is told and is none of the process's services is left out.
pub fn tell_services(
    rows: &mut [SocketRow],
    table: SocketTable,
    bytes: &[u8],
    processes: &[Process],
    ask: &dyn Fn(&[u8]) -> Option<String>,
) {
    let shared = processes.iter().filter(|process| is_shared(process));
    let shared: HashMap<u32, &Process> = shared.map(|process| (process.id, process)).collect();
    let raw: Vec<&[u8]> = table.raw_rows(bytes).collect();
    // A row that could not be read is missing among the others.
    if shared.is_empty() || raw.len() != rows.len() {
        return;
    }
    for (row, raw) in rows.iter_mut().zip(raw) {
        let told = shared
            .get(&row.process)
            .and_then(|process| hosted(process, &ask(raw)?));
        row.service = told.map(str::to_owned).or(row.service.take());
    }
}

pub(super) fn is_shared(process: &Process) -> bool {
    process.services.len() > 1
}

fn hosted<'p>(process: &'p Process, name: &str) -> Option<&'p str> {
    let mut services = process.services.iter();
    let service = services.find(|service| service.eq_ignore_ascii_case(name))?;
    Some(service)
}

/// The service of a listener, by its port.
pub(super) fn by_port<'p>(process: &'p Process, row: &SocketRow) -> Option<&'p str> {
    let is_called = row.remote.is_none();
    let mut known = BY_PORT.iter().filter(|_| is_called);
    let (_, service) = known.find(|(port, _)| *port == row.local_port)?;
    hosted(process, service)
}

/// Services it may be, as `svchost.exe (Dnscache, NlaSvc)`.
pub(super) fn candidates(process: &Process) -> String {
    let mut services = process.services.clone();
    services.sort();
    format!("{} ({})", process.name, services.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, services: &[&str]) -> Process {
        Process {
            id,
            name: "svchost.exe".into(),
            services: services.iter().map(|name| (*name).to_owned()).collect(),
            ..Process::default()
        }
    }

    /// Two listeners of UDP, of processes 7 and 8 (`MIB_UDPTABLE_OWNER_MODULE`).
    fn table() -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 0];
        for process in [7_u8, 8] {
            let mut row = vec![0_u8; 160];
            row[5] = 53;
            row[8] = process;
            bytes.extend(row);
        }
        bytes
    }

    fn told(processes: &[Process], name: &str) -> Vec<Option<String>> {
        let bytes = table();
        let mut rows = crate::tables::sockets(SocketTable::Udp4Module, &bytes).rows;
        tell_services(
            &mut rows,
            SocketTable::Udp4Module,
            &bytes,
            processes,
            &|row| {
                assert_eq!(row.len(), 160);
                Some(name.to_owned())
            },
        );
        rows.into_iter().map(|row| row.service).collect()
    }

    #[test]
    fn a_socket_of_a_shared_process_has_the_service_that_the_system_tells() {
        let shared = [process(7, &["Dnscache", "NlaSvc"]), process(8, &["DNS"])];
        assert_eq!(
            told(&shared, "dnscache"),
            [Some("Dnscache".to_owned()), None]
        );
    }

    #[test]
    fn a_name_that_is_none_of_its_services_and_a_process_of_one_service_say_nothing() {
        let shared = [process(7, &["Dnscache", "NlaSvc"])];
        assert_eq!(told(&shared, "svchost.exe"), [None, None]);
        assert_eq!(told(&[process(7, &["DNS"])], "DNS"), [None, None]);
    }

    #[test]
    fn services_of_a_controller_are_told_by_the_ports_of_their_protocols() {
        let controller = process(7, &["NTDS", "Kdc", "Netlogon"]);
        let row = |port: u16| {
            let bytes = table();
            let mut row = crate::tables::sockets(SocketTable::Udp4Module, &bytes)
                .rows
                .remove(0);
            row.local_port = port;
            row
        };
        assert_eq!(by_port(&controller, &row(389)), Some("NTDS"));
        assert_eq!(by_port(&controller, &row(88)), Some("Kdc"));
        assert_eq!(by_port(&controller, &row(49_670)), None);
        assert_eq!(by_port(&process(7, &["A", "B"]), &row(389)), None);
        let mut call = row(389);
        call.remote = Some(std::net::Ipv4Addr::LOCALHOST.into());
        assert_eq!(by_port(&controller, &call), None);
    }
}
