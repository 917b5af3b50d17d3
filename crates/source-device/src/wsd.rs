//! Web Services on Devices: what a machine is (WS-Discovery), and its metadata (WS-MetadataExchange by transfer Get).

use std::net::IpAddr;

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};

use crate::http::Url;
use crate::text::{plain, uuid, without_maker};
use crate::xml::{places, text};

/// "Who are you?", for one machine alone. `id` marks it.
pub fn probe(id: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" xmlns:wsdp=\"http://schemas.xmlsoap.org/ws/2006/02/devprof\"><s:Header><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>urn:uuid:{id}</a:MessageID></s:Header><s:Body><d:Probe><d:Types>wsdp:Device</d:Types></d:Probe></s:Body></s:Envelope>"
    )
    .into_bytes()
}

/// The question for the metadata of the machine that calls itself `to`.
pub fn metadata_question(to: &str, id: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"><s:Header><a:To>urn:uuid:{to}</a:To><a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action><a:MessageID>urn:uuid:{id}</a:MessageID><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo></s:Header><s:Body/></s:Envelope>"
    )
    .into_bytes()
}

/// What a machine answers to a probe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// Its UUID.
    pub uuid: String,
    /// What it is, without the prefixes of name spaces.
    pub types: Vec<String>,
    /// Where it tells more, at the very machine that answered.
    pub at: Option<Url>,
}

/// The answer of the machine at `address` to a probe.
pub fn answer(address: IpAddr, datagram: &[u8]) -> Option<Match> {
    let all = places(datagram);
    let uuid = uuid(text(&all, "ProbeMatch/EndpointReference/Address")?)?;
    let words = |name| {
        let words = text(&all, name)
            .unwrap_or_default()
            .split_ascii_whitespace();
        words.take(16).map(str::to_owned).collect::<Vec<_>>()
    };
    let types = words("ProbeMatch/Types").into_iter();
    let bare = |name: String| name.rsplit(':').next().unwrap_or_default().to_owned();
    let at = words("ProbeMatch/XAddrs");
    Some(Match {
        uuid,
        types: types.map(bare).collect(),
        at: at.iter().find_map(|place| Url::of(place, address)),
    })
}

/// What the machine at `address` says of itself by its answer and, where it tells more, its metadata.
pub fn says(address: IpAddr, answer: &Match, metadata: Option<&[u8]>) -> DeviceSays {
    let mut says = DeviceSays::new(address, DeviceWitness::Wsd);
    says.uuid = Some(answer.uuid.clone());
    let is = |word: &str| answer.types.iter().any(|name| name == word);
    for (word, deed) in [
        ("PrintDeviceType", Deed::Print),
        ("ScanDeviceType", Deed::Scan),
    ] {
        if is(word) {
            says.can.push(deed);
            says.proof.push(word.to_owned());
        }
    }
    let all = places(metadata.unwrap_or_default());
    // A computer says so among its types.
    let computer = is("Computer")
        || all
            .iter()
            .any(|p| p.path.ends_with("Host/Types") && p.text.contains(":Computer"));
    says.class = match says.can.as_slice() {
        [Deed::Print, Deed::Scan] => Some(DeviceClass::Multifunction),
        [Deed::Print] => Some(DeviceClass::Printer),
        [Deed::Scan] => Some(DeviceClass::Scanner),
        _ if computer => {
            says.proof.push("Computer".to_owned());
            Some(DeviceClass::Computer)
        }
        _ => None,
    };
    let word = |name| text(&all, name).and_then(plain);
    says.maker = word("ThisModel/Manufacturer");
    says.model = text(&all, "ThisModel/ModelName")
        .and_then(|model| without_maker(model, says.maker.as_deref()));
    says.serial = word("ThisDevice/SerialNumber");
    says.version = word("ThisDevice/FirmwareVersion");
    if says.class == Some(DeviceClass::Computer) {
        // What answers there is a program of the computer, and its version is none of the computer.
        (says.maker, says.model, says.serial, says.version) = (None, None, None, None);
    }
    says.proof.sort();
    says
}
