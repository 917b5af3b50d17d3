//! What is known of a device becomes one verdict, with who says so.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::*;
use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};
use groma_model::device_verdict::{Answer, DeviceEntry};
use groma_model::directory::NeedReason;
use groma_model::fact::{DirectoryNeed, MailUse, ReportedUse};
use groma_model::name::Protection;
use groma_model::sighting::Sighting;
use groma_model::*;

fn says(address: &str, by: DeviceWitness) -> DeviceSays {
    DeviceSays::new(ip(address), by)
}

/// A machine that asks others, a mail server, and a copier at 10.0.0.50 that says it scans.
fn estate() -> Told {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1").host("mail1", "10.0.0.2");
    told.listens(
        "mail1",
        25,
        unit("/usr/lib/postfix/sbin/master", "postfix.service"),
    );
    told.say("vantage", "network.devices", Fact::DeviceSays(copier()));
    told
}

fn copier() -> DeviceSays {
    let mut copier = says("10.0.0.50", DeviceWitness::Ipp);
    copier.maker = Some("Hewlett-Packard".into());
    copier.model = Some("C 300".into());
    copier.location = Some("2nd floor".into());
    copier.can = vec![Deed::Print, Deed::Scan];
    copier.proof = vec!["printer-kind".into()];
    copier
}

fn only(told: &Told) -> DeviceEntry {
    let mut devices = told.graph().devices;
    assert_eq!(devices.len(), 1, "{devices:#?}");
    devices.remove(0)
}

fn sent(peer: &str) -> MailUse {
    MailUse {
        peer: ip(peer),
        port: Some(Port(25)),
        product: "Postfix".into(),
        helo: None,
        account: None,
        mechanism: None,
        protection: Some(Protection::Tls),
        tls: Some("TLSv1".into()),
        certificate: false,
        sender: Some("corp.example".into()),
        sender_word: None,
        recipients: Vec::new(),
        refused: None,
        log: "/var/log/mail.log".into(),
    }
}

#[test]
fn a_device_that_scans_and_of_which_no_mail_is_known_stands_on_the_sheet() {
    let device = only(&estate());
    assert_eq!(device.class, Some(DeviceClass::Multifunction));
    assert_eq!(device.answer(Deed::Print), Answer::Yes);
    assert_eq!(device.answer(Deed::Scan), Answer::Yes);
    assert_eq!(device.answer(Deed::Fax), Answer::Unknown);
    assert_eq!(device.answer(Deed::Mail), Answer::Unknown);
    assert!(device.to_be_asked);
    let scan = device.deeds.iter().find(|d| d.deed == Deed::Scan).unwrap();
    assert_eq!(scan.because[0].says, "can (IPP: printer-kind)");
    assert_eq!(scan.because[0].evidence.len(), 1);
    let graph = estate().graph();
    let cited = |id: &EvidenceId| graph.evidence.iter().any(|entry| entry.id == *id);
    assert!(
        device.evidence.iter().all(cited),
        "every reason can be looked up"
    );
}

#[test]
fn the_log_of_the_mail_server_says_that_it_mails_and_how() {
    let mut told = estate();
    told.say("mail1", "log.services", Fact::MailUse(sent("10.0.0.50")));
    let device = only(&told);
    assert_eq!(device.answer(Deed::Mail), Answer::Yes);
    assert!(!device.to_be_asked);
    let [need] = device.mail.as_slice() else {
        panic!("{:#?}", device.mail);
    };
    assert_eq!(need.anonymous, Some(true));
    assert_eq!(need.tls, ["TLSv1"]);
    assert_eq!(need.port, Some(Port(25)));
}

#[test]
fn a_row_of_its_own_table_of_connections_proves_that_it_mails() {
    let mut told = estate();
    let used = ReportedUse {
        kind: "smtp-relay".into(),
        consumer: Peer::Address(ip("10.0.0.50")),
        provider: Peer::Address(ip("10.0.0.2")),
        port: Some(Port(25)),
        product: "tcpConnectionTable".into(),
        ..reported()
    };
    told.say("vantage", "network.snmp", Fact::TableUse(used));
    let device = only(&told);
    assert_eq!(device.answer(Deed::Mail), Answer::Yes);
    assert_eq!(device.mail.len(), 1, "{:#?}", device.mail);
    // A connection tells neither that it was refused nor whether there is an account.
    assert_eq!(device.mail[0].anonymous, None);
    let verdict = serde_json::to_string(&device).unwrap();
    assert!(!verdict.contains("refused"), "{verdict}");
}

fn reported() -> ReportedUse {
    serde_json::from_value(serde_json::json!({
        "consumer": {"address": "10.0.0.50"}, "provider": {"address": "10.0.0.2"}, "kind": "smtp-relay",
        "transport": "tcp", "product": "", "log": "",
    }))
    .unwrap()
}

#[test]
fn who_contradicts_is_told_and_nobody_is_right_by_luck() {
    let mut told = estate();
    let mut snmp = says("10.0.0.50", DeviceWitness::Snmp);
    snmp.maker = Some("HP".into());
    snmp.model = Some("HP C-300".into());
    snmp.serial = Some("X1".into());
    snmp.cannot = vec![Deed::Scan];
    told.say("vantage", "network.snmp", Fact::DeviceSays(snmp));
    let mut wsd = says("10.0.0.50", DeviceWitness::Wsd);
    wsd.serial = Some("Y2".into());
    told.say("vantage", "network.devices", Fact::DeviceSays(wsd));
    let device = only(&told);
    assert_eq!(device.answer(Deed::Scan), Answer::Unknown);
    assert_eq!(device.disputes(), ["serial number", "whether it scans"]);
    assert_eq!(device.maker.len(), 1, "two spellings of one maker");
    assert_eq!(device.model.len(), 1, "a model with its maker before it");
    assert_eq!(device.serial.len(), 2);
    let mut backwards = told.clone();
    backwards.0.reverse();
    assert_eq!(told.graph().devices, backwards.graph().devices);
    // What it has done outweighs what it says of itself.
    let mut counted = says("10.0.0.50", DeviceWitness::Snmp);
    counted.has_done = vec![Deed::Scan];
    told.say("vantage", "network.snmp", Fact::DeviceSays(counted));
    let device = only(&told);
    assert_eq!(device.answer(Deed::Scan), Answer::Yes);
    assert!(device.disputes().contains(&"whether it scans"));
}

fn read_off(told: &mut Told, account: Option<&str>) {
    let mut panel = says("10.0.0.50", DeviceWitness::Panel);
    panel.can = vec![Deed::Mail, Deed::Scan];
    read_off_at(told, "sheet", 0, panel, "10.0.0.2", account);
}

/// A row of the list `list`, read so many hours later, with the mail server it names.
fn read_off_at(
    told: &mut Told,
    list: &str,
    hours: i64,
    mut panel: DeviceSays,
    server: &str,
    account: Option<&str>,
) {
    panel.proof = vec![format!("row 2 of {list}")];
    let need = DirectoryNeed {
        consumer: Peer::Address(panel.address),
        provider: Peer::Address(ip(server)),
        port: Some(Port(25)),
        transport: Transport::Tcp,
        kind: "smtp-relay".into(),
        reason: NeedReason::Panel,
        account: account.map(Into::into),
        resource: None,
        protection: Some(Protection::None),
        dn: format!("row 2 of {list}").into(),
        attribute: "smtp_server".into(),
    };
    for fact in [Fact::DeviceSays(panel), Fact::DirectoryNeed(need)] {
        let scope = Scope::new("list", list);
        told.say_in(scope, &format!("of-{list}"), "declared.list", fact, 1);
        let at = Timestamp::from_seconds(1_795_165_200 + hours * 3_600);
        told.0.last_mut().unwrap().seen = Seen::once(at);
    }
}

/// Somebody mistook the server, and filled the sheet in again, in another file.
#[test]
fn of_two_sheets_about_one_device_the_later_one_counts_alone() {
    let mut told = estate();
    told.host("mail2", "10.0.0.3");
    told.listens(
        "mail2",
        25,
        unit("/usr/lib/postfix/sbin/master", "postfix.service"),
    );
    let row = || {
        let mut panel = says("10.0.0.50", DeviceWitness::Panel);
        panel.can = vec![Deed::Mail];
        panel
    };
    let mut wrong = row();
    wrong.cannot = vec![Deed::Scan];
    read_off_at(&mut told, "first", 0, wrong, "10.0.0.2", None);
    read_off_at(&mut told, "corrected", 5, row(), "10.0.0.3", None);
    // The twin: an older sheet of another device stands.
    let mut other = row();
    other.address = ip("10.0.0.51");
    read_off_at(&mut told, "older", -5, other, "10.0.0.2", None);
    let mut backwards = told.clone();
    backwards.0.reverse();
    assert_eq!(told.graph().devices, backwards.graph().devices);
    let graph = told.graph();
    let device = |address: &str| {
        let needs = graph.dependencies.iter();
        let needs = needs.filter(|need| need.consumer.addresses == [ip(address)]);
        let servers: Vec<_> = needs.map(|need| need.provider.name.clone()).collect();
        servers
    };
    assert_eq!(device("10.0.0.50"), ["mail2"]);
    assert_eq!(device("10.0.0.51"), ["mail1"]);
    let copier = graph
        .devices
        .iter()
        .find(|row| row.answer(Deed::Print) == Answer::Yes);
    assert_eq!(copier.unwrap().answer(Deed::Scan), Answer::Yes);
}

/// The estate with a copier whose serial number and MAC address are known, and a row of a sheet with these.
fn row_for(serial: Option<&str>, macs: &[&str]) -> Told {
    let mut told = estate();
    let mut snmp = says("10.0.0.50", DeviceWitness::Snmp);
    snmp.serial = Some("0012345".into());
    snmp.macs = vec!["00:26:73:01:02:03".into()];
    told.say("vantage", "network.snmp", Fact::DeviceSays(snmp));
    let mut panel = says("10.0.0.50", DeviceWitness::Panel);
    panel.can = vec![Deed::Mail];
    panel.serial = serial.map(str::to_owned);
    panel.macs = macs.iter().map(|mac| (*mac).to_owned()).collect();
    read_off_at(&mut told, "sheet", 0, panel, "10.0.0.2", None);
    told
}

/// DHCP gave the address to another copier while the sheet went round.
#[test]
fn a_row_about_the_device_that_had_the_address_before_is_left_out_and_said_so() {
    let rows: [(Option<&str>, &[&str]); 3] = [
        (Some("X9"), &[]),
        (None, &["00:26:73:09:09:09"]),
        (Some("X9"), &["00:26:73:09:09:09"]),
    ];
    for (serial, macs) in rows {
        let told = row_for(serial, macs);
        let device = only(&told);
        assert_eq!(device.answer(Deed::Mail), Answer::Unknown, "{serial:?}");
        assert!(device.to_be_asked, "it stays on the sheet");
        assert!(told.graph().dependencies.is_empty());
        let mail = device.deeds.iter().find(|d| d.deed == Deed::Mail).unwrap();
        let [why] = mail.because.as_slice() else {
            panic!("{:#?}", mail.because);
        };
        assert!(why.says.starts_with("left out: row 2 of sheet"), "{why:?}");
        assert!(!mail.disputed && !why.evidence.is_empty());
    }
}

/// A later row about another device takes nothing from the row about this one; and once this one was filled in again, nobody
/// speaks of the other any more.
#[test]
fn a_row_about_another_device_does_not_outdate_the_right_one() {
    let mut told = row_for(Some("0012345"), &[]);
    let mut other = says("10.0.0.50", DeviceWitness::Panel);
    other.serial = Some("X9".into());
    other.cannot = vec![Deed::Mail];
    read_off_at(&mut told, "later", 5, other, "10.0.0.2", None);
    let device = only(&told);
    assert_eq!(device.answer(Deed::Mail), Answer::Yes);
    let left_out = |device: &DeviceEntry| {
        let reasons = device.deeds.iter().flat_map(|deed| &deed.because);
        let left = reasons.filter(|reason| reason.says.starts_with("left out"));
        left.count()
    };
    assert_eq!(left_out(&device), 1);
    let mut again = says("10.0.0.50", DeviceWitness::Panel);
    again.can = vec![Deed::Mail];
    read_off_at(&mut told, "again", 9, again, "10.0.0.2", None);
    assert_eq!(left_out(&only(&told)), 0);
}

/// The twin: what a spreadsheet spoilt, and one of several MAC addresses, contradict nobody.
#[test]
fn a_row_whose_serial_number_a_spreadsheet_spoilt_is_about_the_device() {
    let rows: [(Option<&str>, &[&str]); 5] = [
        (Some("12345"), &[]),
        (Some("1.23457E+16"), &[]),
        (Some("X9"), &["00:26:73:01:02:03"]),
        (Some("0012345"), &["00:26:73:09:09:09"]),
        (None, &[]),
    ];
    for (serial, macs) in rows {
        let device = only(&row_for(serial, macs));
        assert_eq!(
            device.answer(Deed::Mail),
            Answer::Yes,
            "{serial:?} {macs:?}"
        );
        assert_eq!(device.serial.len(), 1, "{:?}", device.serial);
    }
}

#[test]
fn what_somebody_read_off_the_panel_takes_it_off_the_sheet_and_makes_its_need() {
    let mut told = estate();
    read_off(&mut told, Some(""));
    let device = only(&told);
    assert_eq!(device.answer(Deed::Mail), Answer::Yes);
    assert!(!device.to_be_asked);
    assert_eq!(device.told_by, [DeviceWitness::Ipp, DeviceWitness::Panel]);
    let [need] = device.mail.as_slice() else {
        panic!("{:#?}", device.mail);
    };
    assert_eq!(need.anonymous, Some(true));
    assert_eq!(need.witnesses, [Witness::Declared]);
    let edge = told.only_edge();
    assert_eq!(edge.kind, "smtp-relay");
    assert_eq!(edge.witnesses, [Witness::Declared]);
    assert_eq!(edge.consumer.addresses, [ip("10.0.0.50")]);
}

#[test]
fn nobody_said_whether_it_has_an_account_so_nobody_says_it_has_none() {
    let mut told = estate();
    read_off(&mut told, None);
    let device = only(&told);
    assert_eq!(device.mail[0].anonymous, None);
    let edge = told.only_edge();
    assert!(
        !edge
            .hidden_because
            .contains(&"unauthenticated-relay".to_owned())
    );
}

#[test]
fn a_computer_is_no_device_whatever_it_says() {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1");
    let mut computer = says("10.0.0.60", DeviceWitness::Wsd);
    computer.class = Some(DeviceClass::Computer);
    told.say("vantage", "network.devices", Fact::DeviceSays(computer));
    // It shares a queue, and an agent looked at it from inside.
    let mut shares = says("10.0.0.1", DeviceWitness::Ipp);
    shares.can = vec![Deed::Print];
    told.say("vantage", "network.devices", Fact::DeviceSays(shares));
    // Something answered, and said nothing of what it is.
    told.say(
        "vantage",
        "network.devices",
        Fact::DeviceSays(says("10.0.0.61", DeviceWitness::Ssdp)),
    );
    assert!(
        told.graph()
            .devices
            .iter()
            .all(|d| d.class.is_some() || d.deeds.is_empty())
    );
    assert!(told.graph().devices.is_empty());
}

#[test]
fn a_mere_printer_and_a_power_supply_are_not_asked_about() {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1");
    let mut printer = says("10.0.0.50", DeviceWitness::Ipp);
    printer.class = Some(DeviceClass::Printer);
    printer.can = vec![Deed::Print];
    printer.cannot = vec![Deed::Scan];
    let mut ups = says("10.0.0.51", DeviceWitness::Snmp);
    ups.class = Some(DeviceClass::Ups);
    for device in [printer, ups] {
        told.say("vantage", "network.devices", Fact::DeviceSays(device));
    }
    let devices = told.graph().devices;
    assert_eq!(devices.len(), 2);
    assert!(devices.iter().all(|device| !device.to_be_asked));
}

#[test]
fn an_announcement_on_the_wire_that_it_scans_is_a_witness() {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1");
    let sighting = Sighting {
        by: "mdns".into(),
        address: Some(ip("10.0.0.50")),
        scans: true,
        ..Sighting::default()
    };
    told.say("vantage", "wire.packets", Fact::Sighting(sighting));
    let device = only(&told);
    assert_eq!(device.class, Some(DeviceClass::Scanner));
    assert!(device.to_be_asked);
}

fn calls_shares(told: &mut Told) {
    let used = ReportedUse {
        kind: "smb".into(),
        consumer: Peer::Address(ip("10.0.0.50")),
        provider: Peer::Address(ip("10.0.0.2")),
        port: Some(Port(445)),
        product: "TCP".into(),
        ..reported()
    };
    told.say("vantage", "network.snmp", Fact::TableUse(used));
}

/// Who calls a file server may put scans there, and may fetch its firmware there: a hint, and no answer.
#[test]
fn a_connection_to_shares_hints_that_it_scans_and_proves_nothing() {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1").host("files1", "10.0.0.2");
    let mut printer = says("10.0.0.50", DeviceWitness::Snmp);
    printer.class = Some(DeviceClass::Printer);
    printer.can = vec![Deed::Print];
    told.say("vantage", "network.snmp", Fact::DeviceSays(printer.clone()));
    calls_shares(&mut told);
    let device = only(&told);
    assert_eq!(device.answer(Deed::Scan), Answer::Unknown);
    let verdict = serde_json::to_string(&device).unwrap();
    assert!(verdict.contains("perhaps it puts scans"), "{verdict}");
    assert_eq!(device.class, Some(DeviceClass::Printer));
    // The twin: who says that it cannot is believed, and there is no dispute with a hint.
    printer.cannot = vec![Deed::Scan];
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1").host("files1", "10.0.0.2");
    told.say("vantage", "network.snmp", Fact::DeviceSays(printer));
    calls_shares(&mut told);
    let device = only(&told);
    assert_eq!(device.answer(Deed::Scan), Answer::No);
    assert!(device.disputes().is_empty(), "{:?}", device.disputes());
}

#[test]
fn a_hardware_address_hints_at_a_maker_where_nobody_names_one() {
    let with = |mac: &str, maker: Option<&str>| {
        let mut told = Told::default();
        told.host("vantage", "10.0.0.1");
        let mut device = says("10.0.0.50", DeviceWitness::Wsd);
        device.can = vec![Deed::Copy];
        device.macs = vec![mac.to_owned()];
        device.maker = maker.map(str::to_owned);
        told.say("vantage", "network.devices", Fact::DeviceSays(device));
        only(&told)
    };
    let phone = with("00:15:65:0a:0b:0c", None);
    assert_eq!(phone.maker[0].value, "Yealink");
    assert_eq!(phone.maker[0].by, ["hardware address"]);
    assert_eq!(phone.class, None, "a hint is no class");
    assert_eq!(phone.classes[0].value, "perhaps telephone");
    // The twins: who names its maker is believed, and an address set by hand is nobody's.
    let named = with("00:15:65:0a:0b:0c", Some("Example"));
    assert_eq!(
        (named.maker.len(), named.maker[0].value.as_str()),
        (1, "Example")
    );
    let by_hand = with("02:15:65:0a:0b:0c", None);
    assert!(by_hand.maker.is_empty() && by_hand.classes.is_empty());
}
