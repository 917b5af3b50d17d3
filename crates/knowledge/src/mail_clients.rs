//! Who reads mail, calendars and address books: the doors of servers over HTTP, and the programs that come through them.

use std::sync::LazyLock;

use groma_model::ledger::ConsumerClass;
use serde::Deserialize;

/// Longest user agent that is looked at.
const AGENT_MAX: usize = 512;

/// A door: what is served at a path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailDoor {
    path: String,
    #[serde(default)]
    within: Option<String>,
    #[serde(default)]
    ends: Option<String>,
    #[serde(default)]
    methods: Vec<String>,
    /// What is spoken there: `activesync`, `ews`, `mapi`, `webmail`, `caldav`, `carddav`.
    pub protocol: String,
    /// The software that has this path, where only one does.
    #[serde(default)]
    pub software: Option<String>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever edits the file; a test asks for it")
    )]
    source: String,
}

/// A program that reads mail, in our words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailClient {
    names: Vec<String>,
    /// What it is, as `iPhone or iPad`.
    pub says: String,
    /// What uses it.
    pub class: ConsumerClass,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clients {
    #[serde(rename = "version")]
    _version: u32,
    door: Vec<MailDoor>,
    client: Vec<MailClient>,
}

static CLIENTS: LazyLock<Clients> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/mail_clients.toml"))
        .expect("data/mail_clients.toml is compiled in and a test parses it")
});

/// The door at the path of a request (without its query), if there is one.
pub fn mail_door(method: &str, path: &str) -> Option<&'static MailDoor> {
    // Nearly every request of a web server is for something else.
    let path = path.to_ascii_lowercase();
    CLIENTS.door.iter().find(|door| door.fits(method, &path))
}

impl MailDoor {
    fn fits(&self, method: &str, path: &str) -> bool {
        let here = match self.path.strip_prefix('^') {
            Some(begin) => path.starts_with(begin),
            None => path.contains(self.path.as_str()),
        };
        let ends = |end: &String| path.ends_with(end.as_str());
        here && self
            .within
            .as_ref()
            .is_none_or(|outer| path.contains(outer.as_str()))
            && self.ends.as_ref().is_none_or(ends)
            && (self.methods.is_empty() || self.methods.iter().any(|known| known == method))
    }
}

/// The program that names itself so, if it is known.
pub fn mail_client(agent: &str) -> Option<&'static MailClient> {
    let end = agent.floor_char_boundary(AGENT_MAX);
    let agent = agent.get(..end)?;
    let named = |client: &&MailClient| {
        client
            .names
            .iter()
            .any(|name| agent.contains(name.as_str()))
    };
    CLIENTS.client.iter().find(named)
}

/// What is spoken where no door is asked.
pub const IMAP: &str = "imap";

/// `text` as this knowledge has it, if it is a word of it: a protocol, a software, or a kind of program.
pub fn mail_reader_word(text: &str) -> Option<&'static str> {
    let doors = CLIENTS.door.iter();
    let of_doors = doors.flat_map(|door| std::iter::once(&door.protocol).chain(&door.software));
    let of_clients = CLIENTS.client.iter().map(|client| &client.says);
    let mut words = of_doors.chain(of_clients).map(String::as_str).chain([IMAP]);
    words.find(|word| *word == text)
}

/// What uses a program that is called so in our words.
pub fn class_of_mail_client(says: &str) -> Option<ConsumerClass> {
    let known = CLIENTS.client.iter().find(|client| client.says == says);
    known.map(|client| client.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_has_a_source_and_every_client_a_name_of_its_own() {
        for door in &CLIENTS.door {
            assert!(door.source.len() > 20, "{}", door.path);
            assert_eq!(door.path, door.path.to_ascii_lowercase());
        }
        let mut says: Vec<&str> = CLIENTS.client.iter().map(|c| c.says.as_str()).collect();
        says.sort_unstable();
        let count = says.len();
        says.dedup();
        assert_eq!(says.len(), count);
    }

    #[test]
    fn a_door_is_known_by_its_path() {
        let of = |method: &str, path: &str| {
            mail_door(method, path).map(|door| (door.protocol.as_str(), door.software.as_deref()))
        };
        for (method, path, told) in [
            ("POST", "/Microsoft-Server-ActiveSync", ("activesync", None)),
            (
                "POST",
                "/SOGo/Microsoft-Server-ActiveSync",
                ("activesync", None),
            ),
            ("POST", "/EWS/Exchange.asmx", ("ews", None)),
            (
                "GET",
                "/owa/auth.owa",
                ("webmail", Some("Outlook on the web")),
            ),
            (
                "REPORT",
                "/SOGo/dav/anna/Calendar/personal/",
                ("caldav", Some("SOGo")),
            ),
            (
                "REPORT",
                "/SOGo/dav/anna/Contacts/personal/",
                ("carddav", Some("SOGo")),
            ),
            (
                "REPORT",
                "/nextcloud/remote.php/dav/calendars/anna/x/",
                ("caldav", Some("Nextcloud")),
            ),
            (
                "PUT",
                "/radicale/anna/x/1.vcf",
                ("carddav", Some("Radicale")),
            ),
            (
                "PROPFIND",
                "/dav.php/addressbooks/anna/",
                ("carddav", Some("Baïkal")),
            ),
            (
                "PROPFIND",
                "/davical/caldav.php/anna/addresses/",
                ("carddav", Some("DAViCal")),
            ),
            ("PROPFIND", "/.well-known/caldav", ("caldav", None)),
            ("PUT", "/anna/calendar/1.ics", ("caldav", None)),
        ] {
            assert_eq!(of(method, path), Some(told), "{method} {path}");
        }
        for (method, path) in [
            ("GET", "/holidays.ics"),
            ("GET", "/index.html"),
            ("PROPFIND", "/remote.php/dav/files/anna/"),
            ("GET", "/blog/ews/"),
            // Another application, whose name only begins like the door.
            ("GET", "/owasp/report.html"),
            ("GET", "/radicale/"),
            ("PUT", "/upload/x.pdf"),
        ] {
            assert_eq!(of(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn a_client_is_known_by_what_it_says() {
        let of = |agent| mail_client(agent).map(|client| client.says.as_str());
        for (agent, says) in [
            (
                "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
                "Outlook 2016 or newer",
            ),
            (
                "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.4569; Pro)",
                "Outlook 2013",
            ),
            ("Outlook-iOS-Android/1.0", "Outlook for phones"),
            ("Apple-iPhone15C2/2202.83", "iPhone or iPad"),
            ("iOS/18.1 (22B83) dataaccessd/1.0", "iPhone or iPad"),
            (
                "macOS/14.5 (23F79) dataaccessd/1.0",
                "Apple Mail or Calendar on a Mac",
            ),
            (
                "DAVx5/4.4.4-ose (dav4jvm; okhttp/4.12.0) Android/14",
                "Android (DAVx5)",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
                "Thunderbird",
            ),
            ("name=Thunderbird, version=128.4.0esr", "Thunderbird"),
            ("python-requests/2.31.0", "script or program"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
                "browser",
            ),
        ] {
            assert_eq!(of(agent), Some(says), "{agent}");
        }
        for none in ["", "-", "anna", &"ä".repeat(2_000)] {
            assert_eq!(of(none), None);
        }
        assert_eq!(
            class_of_mail_client("iPhone or iPad"),
            Some(ConsumerClass::Person)
        );
        assert_eq!(class_of_mail_client("anna"), None);
    }
}
