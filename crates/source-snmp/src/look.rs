//! The look: every device the access file covers, several at a time, each one question after the other.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use groma_model::{CoverageState, Fact, Reason, Scope, SourceName};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use crate::access::{Access, Logon};
use crate::connections::Table;
use crate::identity::{Found, identify};
use crate::links;
use crate::message::Ask;
use crate::oid::Oid;
use crate::reader::{Missed, Reader, words};
use crate::secret::Secrets;
use crate::session::{Fault, Session};

/// The name of this source in evidence.
pub const NAME: &str = "network.snmp";

/// Devices that are asked at the same time.
const HOSTS_AT_ONCE: usize = 16;
/// How long one device may take: at two questions a second, some hundred of them; a core switch with all its tables less.
const DEVICE_MAX: Duration = Duration::from_secs(180);
/// sysObjectID: what everybody who answers at all has.
const WHO: &str = "1.3.6.1.2.1.1.2.0";
/// Addresses that are named in one gap.
const NAMED_MAX: usize = 20;

/// Datagrams to a device that answers, about: who it is, whom it talks to, who is plugged in.
pub const DATAGRAMS_ANSWERED: u64 = 30;
/// Datagrams to one that does not, at most, for each table of the access file that covers it: each question twice, in two versions.
pub const DATAGRAMS_SILENT: u64 = 4;

/// What devices tell of themselves.
pub struct SnmpSource {
    world: World,
    hosts: BTreeSet<IpAddr>,
    access: Vec<Access>,
}

impl SnmpSource {
    /// The source over machines that were met; those that no table of the access file covers are asked nothing.
    pub fn new(world: World, hosts: impl IntoIterator<Item = IpAddr>, access: Vec<Access>) -> Self {
        let hosts = hosts.into_iter().map(|address| address.to_canonical());
        let covered = hosts.filter(|address| access.iter().any(|table| table.covers(*address)));
        Self {
            hosts: covered.collect(),
            world,
            access,
        }
    }
}

impl Source for SnmpSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Asks devices by SNMP who they are, whom they talk to and who is plugged in where; no agent fits into a copier.".into(),
            reads: Vec::new(),
            contacts: lines(&[
                "UDP 161 of machines that a sweep met and a [[snmp]] table of the access file covers (with --snmp-public of all of them), one question at a time, 10 a second, 2 to a printer, a power supply and whoever is not known; get, get-next and get-bulk only: no question that changes anything exists in this program",
            ]),
            sends: lines(&[
                "per device: class, maker, model, serial number, version, name, place, MAC and other addresses, what it can and has done (print, scan, copy, fax), by which objects",
                "per row of its own table of connections: who uses whom, at which port; which of its ports are open to others (none of them is called because of this)",
                "per neighbour (LLDP, CDP, forwarding tables, ARP): name, port, VLAN, MAC, address",
            ]),
            never_sends: lines(&[
                "communities, users, passwords, keys; texts in which one of them stands",
                "the contact somebody typed in (it is not asked for), counters, job names, user names, the description as it stands",
            ]),
            rights: lines(&["none here; at the device the right to read, of a community or user that the access file names"]),
            cost: "about 30 datagrams a device (a switch: one for 25 rows of its tables), at most 3 minutes; to one that does not answer 4 datagrams for each table of the access file that covers it".into(),
        }
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let (tell, told) = mpsc::channel();
        let hosts = Mutex::new(self.hosts.iter());
        let next = || hosts.lock().unwrap_or_else(PoisonError::into_inner).next();
        let (world, met, access) = (&self.world, &self.hosts, &self.access);
        let mut silent = Vec::new();
        std::thread::scope(|scope| {
            for _ in 0..HOSTS_AT_ONCE.min(self.hosts.len()) {
                let (tell, next) = (tell.clone(), &next);
                scope.spawn(move || {
                    while let Some(address) = next() {
                        // Nobody listens once the look is over.
                        let _ = tell.send((*address, ask(world, window, *address, met, access)));
                    }
                });
            }
            drop(tell);
            for (address, device) in told {
                match device {
                    Ok(device) => say(window, sink, address, device),
                    Err(Fault::Silent) => silent.push(address),
                    Err(fault) => cannot(window, sink, address, fault),
                }
            }
        });
        silent.sort_unstable();
        tell_silent(sink, &silent);
    }
}

/// What one device told.
struct Device {
    facts: Vec<Fact>,
    missed: Vec<Missed>,
}

/// Asks as every table that covers it says, until it answers.
fn ask(
    world: &World,
    window: &Window,
    address: IpAddr,
    met: &BTreeSet<IpAddr>,
    access: &[Access],
) -> Result<Device, Fault> {
    let window = &window.shortened(DEVICE_MAX);
    let mut last = Fault::Silent;
    for table in access.iter().filter(|table| table.covers(address)) {
        let mut session = Session::open(world, window, address, &table.logon)?;
        match greet(&mut session, &table.logon) {
            Ok(()) => {
                let secrets = Secrets::of(access);
                return Ok(read(world, Reader::new(session), met, &secrets));
            }
            // Nobody listens at all, or may be asked: nobody else will be heard either.
            Err(fault @ (Fault::Closed | Fault::Refused | Fault::Over)) => return Err(fault),
            // A refusal says more than silence.
            Err(fault) if last == Fault::Silent => last = fault,
            Err(_) => {}
        }
    }
    Err(last)
}

/// One question that everybody answers, in the version it speaks.
fn greet(session: &mut Session<'_>, logon: &Logon) -> Result<(), Fault> {
    let who = Ask::Get(Oid::parse(WHO).into_iter().collect());
    let answered = |answer: Result<_, Fault>| match answer {
        // An agent that says "no" lets us in.
        Ok(_) | Err(Fault::NoSuchName | Fault::TooBig | Fault::Error(_)) => Ok(()),
        Err(fault) => Err(fault),
    };
    match (answered(session.ask(&who)), logon) {
        (Err(Fault::Silent), Logon::Community(_, None)) => {
            session.speak_the_first_version();
            answered(session.ask(&who))
        }
        (answer, _) => answer,
    }
}

fn read(
    world: &World,
    mut reader: Reader<'_>,
    met: &BTreeSet<IpAddr>,
    secrets: &Secrets,
) -> Device {
    let address = reader.session().address();
    let found: Found = identify(&mut reader);
    let table = Table::read(&mut reader);
    let links = links::read(&mut reader, address, &found, secrets);
    let mut facts = vec![Fact::DeviceSays(found.says(address, secrets))];
    let is_ours = |address: IpAddr| world.network.is_local(address);
    let uses = table.uses(address, &found, &is_ours);
    facts.extend(uses.into_iter().map(Fact::TableUse));
    let is_met =
        |other: IpAddr| met.contains(&other) && found.addresses.contains(&other) && !is_ours(other);
    let open = table.open_ports(address, &is_met);
    facts.extend(open.into_iter().map(Fact::OpenPort));
    facts.extend(links.into_iter().map(Fact::LinkSeen));
    let missed = reader.missed;
    Device { facts, missed }
}

fn scope_of(address: IpAddr) -> Scope {
    Scope::new("host", &address.to_string())
}

fn say(window: &Window, sink: &mut dyn Sink, address: IpAddr, device: Device) {
    let scope = scope_of(address);
    for fact in device.facts {
        sink.saw_now(window, &scope, fact);
    }
    let state = match device.missed.is_empty() {
        true => CoverageState::Complete,
        false => CoverageState::Partial,
    };
    for Missed { what, why, reason } in device.missed {
        sink.missed_because(
            &scope,
            format!("{what} of the device: {why}"),
            reason,
            "look again; what came is kept",
        );
    }
    sink.covered_now(window, &scope, state);
}

fn cannot(window: &Window, sink: &mut dyn Sink, address: IpAddr, fault: Fault) {
    let scope = scope_of(address);
    // That nobody manages it by SNMP is no hole.
    if fault == Fault::Closed {
        return sink.covered_now(window, &scope, CoverageState::Complete);
    }
    let (why, reason) = words(fault);
    let remedy = match fault {
        Fault::Complains(_) => {
            "compare user, auth and priv of its [[snmp]] table with the settings of the device"
        }
        Fault::Over => "give the look more time, or name fewer targets",
        _ => "",
    };
    sink.missed_because(
        &scope,
        format!("what it tells by SNMP: {why}"),
        reason,
        remedy,
    );
}

fn tell_silent(sink: &mut dyn Sink, silent: &[IpAddr]) {
    if silent.is_empty() {
        return;
    }
    let named: Vec<String> = silent
        .iter()
        .take(NAMED_MAX)
        .map(ToString::to_string)
        .collect();
    let more = silent.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    sink.missed_because(
        &Scope::new("network", "snmp"),
        format!(
            "what {} machines tell by SNMP that do not answer to what the access file has for them: {}{more}",
            silent.len(),
            named.join(", ")
        ),
        Reason::TimedOut,
        "most have no SNMP, or another community; where one is a device, name its community or user in a [[snmp]] table for its address",
    );
}
