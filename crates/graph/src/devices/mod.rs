//! One verdict per device: who it is, what it can, whether it mails, and what it needs for that.
//!
//! Words that devices say of themselves, rows of the mail ledger, needs that were seen or declared and imported lists come
//! together here. Where witnesses disagree, all of them stand in the row, in an order that does not depend on how they came.

mod deeds;
mod mail;
pub(crate) mod sheets;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};
use groma_model::device_verdict::{Answer, DeviceEntry, DeviceWord};
use groma_model::inventory::{Dependency, Entity};
use groma_model::ledger::ConsumerClass;
use groma_model::mail_ledger::{MailLedgerEntry, MailSide};
use groma_model::sighting::Sighting;
use groma_model::{EntityId, Estate, EvidenceId};

use crate::gather::{Gathered, Raw};

/// Evidence one row cites at most.
const EVIDENCE_MAX: usize = 60;

/// All that speaks of one device.
#[derive(Default)]
struct Told<'t> {
    says: Vec<&'t Raw<DeviceSays>>,
    scans: Vec<&'t Raw<Sighting>>,
    /// Rows of sheets with its address that are about another device.
    left_out: Vec<&'t Raw<DeviceSays>>,
    /// What it needs.
    needs: Vec<&'t Dependency>,
    /// Rows of the mail ledger in which it sends.
    sends: Vec<&'t MailLedgerEntry>,
}

/// The verdicts, by device.
pub(crate) fn verdicts(
    gathered: &Gathered,
    estate: &Estate,
    dependencies: &[Dependency],
    mail: &[MailLedgerEntry],
) -> Vec<DeviceEntry> {
    let mut told = said(gathered, estate);
    for row in mail.iter().filter(|row| row.side == MailSide::Sends) {
        if row.class == ConsumerClass::Device {
            told.entry(&row.consumer).or_default();
        }
    }
    for (id, entity) in &estate.entities {
        if entity.kind == "device" {
            told.entry(id).or_default();
        }
    }
    told.retain(|id, told| estate.entities.get(*id).is_some_and(|e| is_device(e, told)));
    for row in mail.iter().filter(|row| row.side == MailSide::Sends) {
        if let Some(device) = told.get_mut(&row.consumer) {
            device.sends.push(row);
        }
    }
    for need in dependencies {
        if let Some(device) = told.get_mut(&need.consumer.entity) {
            device.needs.push(need);
        }
    }
    told.into_iter()
        .filter_map(|(id, told)| Some(told.entry(estate.entities.get(id)?, estate)))
        .collect()
}

/// What devices say, by device. What the newest look did not hear again counts only where nothing newer is there.
fn said<'g>(gathered: &'g Gathered, estate: &'g Estate) -> BTreeMap<&'g EntityId, Told<'g>> {
    let mut told: BTreeMap<&EntityId, Told<'_>> = BTreeMap::new();
    let place = |site, vantage, address| sheets::entity(estate, site, vantage, address);
    for raw in &gathered.device_says {
        if let Some(id) = place(&raw.site, &raw.vantage, raw.fact.address) {
            told.entry(id).or_default().says.push(raw.as_ref());
        }
    }
    for raw in &gathered.rows_of_others {
        if let Some(id) = place(&raw.site, &raw.vantage, raw.fact.address) {
            told.entry(id).or_default().left_out.push(raw.as_ref());
        }
    }
    for raw in gathered.sightings.iter().filter(|raw| raw.fact.scans) {
        let Some(address) = raw.fact.address else {
            continue;
        };
        if let Some(id) = place(&raw.site, &raw.vantage, address) {
            told.entry(id).or_default().scans.push(raw.as_ref());
        }
    }
    for device in told.values_mut() {
        let current: BTreeSet<DeviceWitness> = device
            .says
            .iter()
            .filter(|raw| raw.current)
            .map(|raw| raw.fact.by)
            .collect();
        let holds = |raw: &&Raw<DeviceSays>| raw.current || !current.contains(&raw.fact.by);
        device.says.retain(holds);
    }
    told
}

/// Computers are no devices, whatever they share or announce: they take an agent.
fn is_device(entity: &Entity, told: &Told<'_>) -> bool {
    if entity.has_agent {
        return false;
    }
    let works = |says: &DeviceSays| {
        let deeds = says.can.iter().chain(&says.has_done);
        says.by == DeviceWitness::Panel || deeds.into_iter().any(|deed| *deed != Deed::Mail)
    };
    let mut classes = told.says.iter().filter_map(|raw| raw.fact.class).peekable();
    if classes.peek().is_some() {
        // One way that takes it for a computer outweighs the others, for a computer may imitate every device.
        return classes.all(DeviceClass::is_device);
    }
    let says_so = told.says.iter().any(|raw| works(&raw.fact));
    let nothing_said = told.says.is_empty() && told.scans.is_empty();
    says_so || !told.scans.is_empty() || entity.kind == "device" || nothing_said
}

impl Told<'_> {
    fn entry(self, entity: &Entity, estate: &Estate) -> DeviceEntry {
        let deeds = deeds::entries(&self, estate);
        let classes = self.classes();
        let answer = |deed| {
            let entry = deeds.iter().find(|entry| entry.deed == deed);
            entry.map_or(Answer::Unknown, |entry| entry.answer)
        };
        let class = self.class().or_else(|| class_of(answer));
        let to_be_asked = is_to_be_asked(class, answer);
        let mut entry = DeviceEntry {
            entity: entity.id.clone(),
            class,
            classes,
            maker: words::makers(&self.says),
            model: words::models(&self.says),
            serial: words::serials(&self.says),
            location: words::locations(&self.says, entity),
            mail: mail::needs(&self.sends, &self.needs),
            needs: self.needs.iter().map(|need| need.id.clone()).collect(),
            deeds,
            to_be_asked,
            told_by: Vec::new(),
            evidence: Vec::new(),
        };
        let by: BTreeSet<DeviceWitness> = self.says.iter().map(|raw| raw.fact.by).collect();
        entry.told_by = by.into_iter().collect();
        words::by_hardware(&mut entry, &entity.attributes.macs);
        entry.needs.sort();
        entry.evidence = self.evidence(&entry);
        entry
    }

    /// The class that is told first among those somebody gives.
    fn class(&self) -> Option<DeviceClass> {
        let given = self.says.iter().filter_map(|raw| raw.fact.class);
        given.filter(|class| class.is_device()).min()
    }

    fn classes(&self) -> Vec<DeviceWord> {
        let given = self.says.iter().filter_map(|raw| {
            let class = raw.fact.class?;
            Some((class.words().to_owned(), raw.fact.by, raw.id.clone()))
        });
        words::alike(given, |one, other| one == other)
    }

    fn evidence(&self, entry: &DeviceEntry) -> Vec<EvidenceId> {
        let own = self.says.iter().map(|raw| &raw.id);
        let deeds = entry.deeds.iter().flat_map(|deed| &deed.because);
        let mut all: BTreeSet<&EvidenceId> = own.collect();
        all.extend(deeds.flat_map(|reason| &reason.evidence));
        all.extend(entry.mail.iter().flat_map(|need| &need.evidence));
        all.into_iter().take(EVIDENCE_MAX).cloned().collect()
    }
}

/// What it must be by what it does, where nobody gives it a class.
fn class_of(answer: impl Fn(Deed) -> Answer) -> Option<DeviceClass> {
    let does = |deed| answer(deed) == Answer::Yes;
    match (does(Deed::Print), does(Deed::Scan), does(Deed::Fax)) {
        (true, true, _) => Some(DeviceClass::Multifunction),
        (true, false, _) => Some(DeviceClass::Printer),
        (false, true, _) => Some(DeviceClass::Scanner),
        (false, false, true) => Some(DeviceClass::Fax),
        (false, false, false) => None,
    }
}

/// It scans or faxes, or may, and nobody knows whether it mails.
fn is_to_be_asked(class: Option<DeviceClass>, answer: impl Fn(Deed) -> Answer) -> bool {
    if answer(Deed::Mail) != Answer::Unknown {
        return false;
    }
    let does = |deed| answer(deed) == Answer::Yes;
    let may = match class {
        Some(DeviceClass::Multifunction | DeviceClass::Scanner | DeviceClass::Fax) => true,
        Some(DeviceClass::Printer) => answer(Deed::Scan) == Answer::Unknown,
        _ => false,
    };
    does(Deed::Scan) || does(Deed::Fax) || may
}
