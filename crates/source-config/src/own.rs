//! What names this machine itself: its own name within its domains, the addresses it is given, the names its web servers
//! answer to, and the names a file gives to the very service it sets up.
//!
//! A public address stands in nearly every web application's settings (`SITE_URL`, `ALLOWED_HOSTS`), and names nobody
//! this machine needs. Keys tell only a part of them; the names tell the rest, whatever the key is called.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;

use aho_corasick::Span;
use aho_corasick::packed::Searcher;
use groma_model::fact::Reference;
use groma_model::{HostName, Peer};
use groma_source::{Disk, EntryKind};

use crate::finds::{Find, Finds};
use crate::peers::words_of;
use crate::text::decode;

/// Where web servers keep the sites that are in force.
const SITES: &[&str] = &[
    "/etc/nginx/nginx.conf",
    "/etc/nginx/conf.d",
    "/etc/nginx/sites-enabled",
    "/etc/nginx/http.d",
    "/etc/nginx/vhosts.d",
    "/etc/apache2/apache2.conf",
    "/etc/apache2/sites-enabled",
    "/etc/apache2/conf-enabled",
    "/etc/apache2/conf.d",
    "/etc/apache2/vhosts.d",
    "/etc/httpd/conf/httpd.conf",
    "/etc/httpd/conf.d",
    "/etc/lighttpd/lighttpd.conf",
];
/// Where interfaces get their addresses, and keepalived those it shares.
const INTERFACES: &[&str] = &[
    "/etc/network/interfaces",
    "/etc/network/interfaces.d",
    "/etc/netplan",
    "/etc/sysconfig/network-scripts",
    "/etc/sysconfig/network",
    "/etc/systemd/network",
    "/etc/NetworkManager/system-connections",
    "/etc/keepalived/keepalived.conf",
    "/etc/keepalived/conf.d",
];
/// Larger texts are lists and data; what says how a service is called are its settings.
const SETTINGS_MAX: usize = 32 << 10;
const FILE_MAX: u64 = 256 << 10;
const ENTRIES_MAX: usize = 2_000;
const NAMES_MAX: usize = 2_000;
/// Letters of a key that count.
const KEY_MAX: usize = 80;
/// Longer lines are data.
const LINE_MAX: usize = 2_000;

/// Directives of Apache and nginx behind which the names of a site stand; of what Traefik reads, the rule.
const SITE_KEYS: &[&str] = &["server_name", "servername", "serveralias"];

/// Keys behind which a file says how the service it sets up is called from outside, without separators.
const OWN_KEYS: &[&str] = &[
    "allowedhosts",
    "trusteddomains",
    "trustedhosts",
    "domain",
    "domainname",
    "maildomain",
    "myhostname",
    "servername",
    "serveralias",
    "virtualhost",
    "letsencrypthost",
    "publicurl",
    "publichost",
    "publichostname",
    "externalurl",
    "siteurl",
    "cookiedomain",
    "csrftrustedorigins",
];

/// Names that are this machine's own.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Its name, in full, in each domain it searches, and what the hosts file calls it besides.
    machine: BTreeSet<String>,
    /// Names its web servers answer to.
    sites: BTreeSet<String>,
    /// Addresses it is set up to have, those of a cluster it is a member of among them.
    addresses: BTreeSet<IpAddr>,
}

impl Own {
    /// Asks the files that say what the machine is called and what its web servers answer to.
    pub(crate) fn look(disk: &dyn Disk) -> Self {
        let mut own = Self::default();
        own.name(disk);
        each_text(disk, SITES, &mut |text| own.site(text));
        each_text(disk, INTERFACES, &mut |text| {
            own.addresses.extend(given_addresses(text))
        });
        own
    }

    fn name(&mut self, disk: &dyn Disk) {
        let text = |path: &str| text_of(disk, Path::new(path)).unwrap_or_default();
        let full = [text("/etc/hostname"), text("/etc/HOSTNAME")].map(|t| plain(t.trim()));
        let Some(name) = full.iter().find(|name| !name.is_empty()) else {
            return;
        };
        let label = name.split('.').next().unwrap_or(name).to_owned();
        if label == "localhost" {
            return;
        }
        self.machine
            .extend(full.iter().filter(|name| name.contains('.')).cloned());
        for line in text("/etc/resolv.conf").lines() {
            let mut words = line.split_whitespace();
            if matches!(words.next(), Some("search" | "domain")) {
                let domains = words
                    .take(8)
                    .map(|domain| format!("{label}.{}", plain(domain)));
                self.machine.extend(domains);
            }
        }
        for line in text("/etc/hosts").lines() {
            let said = line.split('#').next().unwrap_or_default();
            let names: Vec<String> = said.split_whitespace().skip(1).map(plain).collect();
            let is_own = names
                .iter()
                .any(|n| n.split('.').next() == Some(label.as_str()));
            if is_own {
                let address = said.split_whitespace().next();
                self.addresses
                    .extend(address.and_then(|a| a.parse::<IpAddr>().ok()));
                let told = names.into_iter().filter(|n| n != "localhost");
                self.machine.extend(told);
            }
        }
        self.machine.insert(label);
    }

    fn site(&mut self, text: &str) {
        for line in text.lines().map(str::trim_start) {
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            let key = words.next().unwrap_or_default().to_ascii_lowercase();
            if SITE_KEYS.contains(&key.as_str()) && self.sites.len() < NAMES_MAX {
                self.sites.extend(words.filter_map(host));
            }
        }
    }

    /// True for what leads to this machine: by its name whatever is asked there, by a name of its web servers if the web is.
    fn is_meant(&self, named: &Named<'_>) -> bool {
        if named.peer.is_loopback() {
            return false;
        }
        let name = match named.peer {
            Peer::Address(address) => return self.addresses.contains(address),
            Peer::Name(name) => name.as_str(),
        };
        self.machine.contains(name) || (named.is_web && self.sites.contains(name))
    }

    /// True if something of this may be about this machine: only then is a text read again for it.
    pub(crate) fn concerns(&self, finds: &Finds, text: &str) -> bool {
        let may_say = text.len() <= SETTINGS_MAX;
        finds.all.iter().any(|(_, find)| match &find.peer {
            Peer::Address(address) => self.addresses.contains(address),
            Peer::Name(name) => {
                let open = matches!(find.kind, "http" | "other");
                self.machine.contains(name.as_str())
                    || open && (may_say || self.sites.contains(name.as_str()))
            }
        })
    }

    /// Takes out what leads back here, by this machine's names or by those `text` gives to what it sets up.
    pub(crate) fn drop(&self, text: &str, path: &str, references: &mut Vec<Reference>) {
        self.drop_named(text, path, references, |reference| Named::of(reference));
    }

    /// The same of what is no reference yet.
    pub(crate) fn drop_finds(&self, text: &str, path: &str, finds: &mut Vec<(u32, Find)>) {
        self.drop_named(text, path, finds, |(_, find)| Named::of_find(find));
    }

    fn drop_named<T>(
        &self,
        text: &str,
        path: &str,
        all: &mut Vec<T>,
        named: impl Fn(&T) -> Named<'_>,
    ) {
        let product = Product::of(path, text);
        all.retain(|one| {
            let named = named(one);
            !self.is_meant(&named) && !product.is_meant(&named)
        });
        let by_name = |named: &Named<'_>| named.is_web && matches!(named.peer, Peer::Name(_));
        if text.len() > SETTINGS_MAX || !all.iter().any(|one| by_name(&named(one))) {
            return;
        }
        let given = given_names(text, path.ends_with(".php"));
        if given.is_empty() {
            return;
        }
        all.retain(|one| match (named(one).is_web, named(one).peer) {
            (true, Peer::Name(name)) => !given.contains(name.as_str()),
            _ => true,
        });
    }
}

/// What decides whether a machine that is named is this one.
struct Named<'r> {
    peer: &'r Peer,
    key: &'r str,
    /// Asked by HTTP, with no account of its own: a page somebody is sent to has none.
    is_web: bool,
    /// Nothing says what is asked there.
    is_other: bool,
}

impl<'r> Named<'r> {
    fn of(reference: &'r Reference) -> Self {
        let is_open = reference.account.is_none() && !reference.has_secret;
        Self {
            peer: &reference.peer,
            key: &reference.key,
            is_web: reference.kind == "http" && is_open,
            is_other: reference.kind == "other",
        }
    }

    fn of_find(find: &'r Find) -> Self {
        let is_open = find.account.is_none() && !find.has_secret;
        Self {
            peer: &find.peer,
            key: &find.key,
            is_web: find.kind == "http" && is_open,
            is_other: find.kind == "other",
        }
    }
}

/// The product a file may belong to, by the directories it lies in: `/etc/shop`, `/opt/shop`, `/var/lib/shop`. Further
/// below, a directory is called after what lies in it.
struct Product<'t> {
    homes: Vec<&'t str>,
    text: &'t str,
    /// True for the settings of a server, once it was asked. A client of the same name has no database and opens no port.
    is_server: OnceCell<bool>,
}

impl<'t> Product<'t> {
    fn of(path: &'t str, text: &'t str) -> Self {
        let parts = path.split('/').filter(|part| !part.is_empty());
        Self {
            homes: parts.skip(1).take(2).collect(),
            text,
            is_server: OnceCell::new(),
        }
    }

    /// True for `shop.url` in `/opt/shop/conf/shop.conf`: under its own name a product says where it is to be found
    /// itself, if the file is a server's.
    fn is_meant(&self, named: &Named<'_>) -> bool {
        let open = named.is_web || named.is_other;
        if !open || self.text.len() > SETTINGS_MAX || !matches!(named.peer, Peer::Name(_)) {
            return false;
        }
        if !self.may_begin(named.key) {
            return false;
        }
        let words = words_of(named.key);
        let Some((product, rest)) = words.split_first() else {
            return false;
        };
        let about = |word: &String| ABOUT_A_PLACE.contains(&word.as_str());
        if rest.is_empty() || !rest.iter().all(about) || product.len() < 3 || about(product) {
            return false;
        }
        let is_name = |part: &&str| part.eq_ignore_ascii_case(product);
        self.homes.iter().any(is_name) && *self.is_server.get_or_init(|| self.is_of_a_server())
    }

    /// False for nearly every key: its first letter begins none of the directories.
    fn may_begin(&self, key: &str) -> bool {
        let first = |text: &str| text.bytes().find(u8::is_ascii_alphanumeric);
        let letter = first(key).map(|letter| letter.to_ascii_lowercase());
        let begins = |home: &&str| first(home).map(|b| b.to_ascii_lowercase()) == letter;
        self.homes.iter().any(begins)
    }

    fn is_of_a_server(&self) -> bool {
        let lower = self.text.to_ascii_lowercase();
        OF_SERVERS.iter().any(|word| lower.contains(word))
    }
}

/// What may stand behind a product's name in the key of its own address.
const ABOUT_A_PLACE: &[&str] = &[
    "url", "uri", "host", "hostname", "base", "web", "server", "public", "site", "domain",
    "address", "http", "https",
];

/// What stands in a server's settings and in no client's.
const OF_SERVERS: &[&str] = &[
    "secret_key",
    "secretkey",
    "db.",
    "db_",
    "database",
    "listen",
    "bind",
];

/// The names `text` gives to the service it sets up: what stands behind a key like `ALLOWED_HOSTS` or `ServerName`,
/// and in Traefik's ``Host(`…`)``.
fn given_names(text: &str, is_page: bool) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let has_routers = memchr::memmem::find(text.as_bytes(), ROUTER.as_bytes()).is_some();
    let mut note = |line: &str| {
        let Some((key, value)) = assignment(line) else {
            return;
        };
        let is_known = is_own_key(key) || is_page && is_page_key(key);
        if !is_known && !has_routers {
            return;
        }
        let line = line.trim();
        if line.len() > LINE_MAX || line.starts_with(['#', ';']) || line.starts_with("//") {
            return;
        }
        if has_routers {
            let routers = line.split(ROUTER).skip(1);
            out.extend(routers.filter_map(|rest| host(rest.split('`').next()?)));
        }
        if is_known && out.len() < NAMES_MAX {
            out.extend(value.trim_end().split(BETWEEN).filter_map(host));
        }
    };
    match &*ENDS {
        Some(ends) if !has_routers && !is_page => lines_with(ends, text).for_each(note),
        _ => lines(text).for_each(&mut note),
    }
    out
}

/// The last three letters of each of [`OWN_KEYS`], as keys spell them; `None` where the processor has no vector search.
/// With every letter large or small there would be more than one search takes at its best pace.
static ENDS: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    let end = |own: &&str| own.get(own.len() - 3..).unwrap_or(own).to_owned();
    let ends: BTreeSet<String> = OWN_KEYS.iter().map(end).collect();
    let titled = |end: &String| {
        end.get(..1).unwrap_or_default().to_uppercase() + end.get(1..).unwrap_or_default()
    };
    let spelt = ends
        .iter()
        .flat_map(|end| [end.clone(), end.to_uppercase(), titled(end)]);
    Searcher::new(spelt)
});

/// The lines of `text` in which a word ends as an own key does.
fn lines_with<'t>(ends: &Searcher, text: &'t str) -> impl Iterator<Item = &'t str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let found = ends.find_in(bytes, Span::from(at..bytes.len()))?;
            at = found.start() + 1;
            let before = bytes.get(..found.start()).unwrap_or_default();
            let next = bytes.get(found.end());
            if next.is_some_and(u8::is_ascii_alphanumeric) && !may_be_cut(before) {
                continue;
            }
            let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
            let behind = bytes.get(found.end()..).unwrap_or_default();
            let length = memchr::memchr(b'\n', behind).unwrap_or(behind.len());
            at = found.end() + length;
            return text.get(start..at);
        }
    })
}

/// True if what stands here is so far from the last sign that it may be within a key of which only the beginning counts.
fn may_be_cut(before: &[u8]) -> bool {
    let near = before.iter().rev().take(KEY_MAX - 8);
    let is_key = |b: &u8| !ends_a_key(*b) && *b != b'\n';
    near.take_while(|b| is_key(b)).count() == KEY_MAX - 8
}

/// The lines of `text`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    ends.filter_map(move |end| {
        let line = text.get(start..end);
        start = end + 1;
        line
    })
}

/// The first word of a line and what stands behind the sign that ends it.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let first = line.bytes().position(|b| b.is_ascii_alphanumeric())?;
    let start = line.get(first..)?;
    let start = start.strip_prefix("define(").unwrap_or(start);
    let end = start.bytes().position(ends_a_key)?;
    Some((start.get(..end)?, start.get(end + 1..)?))
}

fn ends_a_key(sign: u8) -> bool {
    matches!(sign, b'=' | b':' | b' ' | b'\t' | b'>' | b'(' | b',')
}

/// Before the name of a site in a rule of Traefik's.
const ROUTER: &str = "Host(`";

/// What stands between the names of a list, whatever it is written in.
const BETWEEN: &[char] = &[
    ' ', '\t', ',', ';', '"', '\'', '[', ']', '(', ')', '{', '}', '<', '>', '=', '/', ':',
];

/// True for `ALLOWED_HOSTS`, `PAPERLESS_ALLOWED_HOSTS`, `app.public-url`.
fn is_own_key(key: &str) -> bool {
    if !may_be_own(key) {
        return false;
    }
    let bare: String = key
        .chars()
        .take(KEY_MAX)
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // One word says it alone; two say it behind a product's name as well.
    OWN_KEYS.iter().any(|own| {
        bare == *own || (*own != "domain" && *own != "servername" && bare.ends_with(own))
    })
}

/// The last two letters of each of [`OWN_KEYS`].
const OWN_ENDS: &[[u8; 2]] = &[*b"ts", *b"ns", *b"in", *b"me", *b"as", *b"st", *b"rl"];

/// False for nearly every key, by its last two letters.
fn may_be_own(key: &str) -> bool {
    // Of a longer one only the beginning counts.
    if key.len() > KEY_MAX {
        return true;
    }
    let letters = key.bytes().rev().filter(u8::is_ascii_alphanumeric);
    let mut letters = letters.map(|letter| letter.to_ascii_lowercase());
    let (Some(last), Some(before)) = (letters.next(), letters.next()) else {
        return false;
    };
    OWN_ENDS.contains(&[before, last])
}

/// True for what web pages call the place they themselves are found at. Elsewhere the same words name somebody's.
fn is_page_key(key: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = key.split(|c| !word(c)).filter(|w| !w.is_empty());
    let last = words.next_back().unwrap_or_default().to_ascii_lowercase();
    matches!(
        last.as_str(),
        "base_url" | "baseurl" | "wwwroot" | "http_path" | "site_url"
    )
}

/// The addresses interfaces are given: with the length of their network behind them (`10.0.0.5/24`), or behind a key
/// that says address. Where routes lead and what is behind them is no address of this machine.
fn given_addresses(text: &str) -> BTreeSet<IpAddr> {
    let mut out = BTreeSet::new();
    let mut shared = false;
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';', '!']))
    {
        let lower = line.to_ascii_lowercase();
        let key = lower
            .trim_start_matches("- ")
            .split([' ', '=', ':', '\t'])
            .next()
            .unwrap_or_default();
        shared = (shared || lower.starts_with("virtual_ipaddress")) && !line.contains('}');
        let is_key = key == "address" || key.starts_with("ipaddr") || key == "unicast_src_ip";
        let elsewhere = [
            "to",
            "via",
            "up",
            "down",
            "post-up",
            "pre-up",
            "route",
            "routes",
            "gateway",
            "destination",
            "allowedips",
            "network",
        ];
        if elsewhere.contains(&key) || key.starts_with("route") {
            continue;
        }
        let words = line
            .split([' ', '=', ',', '"', '\'', '[', ']', '\t'])
            .filter(|w| !w.is_empty());
        for word in words.take(64) {
            let (address, length) = word
                .split_once('/')
                .map_or((word, None), |(a, l)| (a, Some(l)));
            let counts = shared
                || is_key && !line.contains('/')
                || length.is_some_and(|l| l.parse::<u8>().is_ok());
            let address = address
                .parse::<IpAddr>()
                .ok()
                .filter(|a| !a.is_loopback() && !a.is_unspecified());
            out.extend(address.filter(|_| counts && out.len() < NAMES_MAX));
        }
    }
    out
}

/// A name with a domain; no pattern, no address, no part of a path.
fn host(word: &str) -> Option<String> {
    let word = plain(word.trim_matches(['"', '\'', ';', ',', '`']));
    let name = word.split(':').next().unwrap_or(&word);
    let is_name = name.contains('.')
        && name.bytes().any(|b| b.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    (is_name && HostName::parse(name).is_some()).then(|| name.to_owned())
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The text of every file at `places`, be they files or directories.
fn each_text(disk: &dyn Disk, places: &[&str], found: &mut dyn FnMut(&str)) {
    for place in places {
        let path = Path::new(place);
        let listed = disk.list(path, ENTRIES_MAX).unwrap_or_default();
        let files = listed
            .iter()
            .filter(|e| matches!(e.kind, EntryKind::File | EntryKind::Link));
        let files = files.map(|entry| entry.path.as_path());
        for file in std::iter::once(path)
            .filter(|_| listed.is_empty())
            .chain(files)
        {
            if let Some(text) = text_of(disk, file) {
                found(&text);
            }
        }
    }
}

fn text_of(disk: &dyn Disk, path: &Path) -> Option<String> {
    let read = disk.read(path, FILE_MAX).ok()?;
    Some(decode(&read.bytes)?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_calls_its_own_service_is_known() {
        let text = "ALLOWED_HOSTS = ['files.corp.example', '10.0.0.1']\nAPP_PUBLIC_URL=https://app.corp.example/x\n\
            labels:\n  - \"traefik.http.routers.a.rule=Host(`dms.corp.example`)\"\ndomain lists.corp.example\n\
            # domain commented.corp.example\n";
        let names: Vec<String> = given_names(text, false).into_iter().collect();
        assert_eq!(
            names,
            [
                "app.corp.example",
                "dms.corp.example",
                "files.corp.example",
                "lists.corp.example"
            ]
        );
    }

    #[test]
    fn a_line_of_an_own_key_is_met_by_its_end() {
        for key in OWN_KEYS {
            let titled = key.get(..1).unwrap().to_uppercase() + key.get(1..).unwrap();
            let upper = key.to_uppercase();
            let long = "x".repeat(KEY_MAX - key.len()) + key;
            for key in [
                (*key).to_owned(),
                upper,
                titled,
                format!("app_{key}"),
                format!("{long}s"),
                format!("x{long}"),
                long,
            ] {
                for line in [
                    format!("{key} = s.corp"),
                    format!("  \"{key}[]\": 's.corp'"),
                ] {
                    let text = format!("a=b.c\n{line}\r\nurl = http://x.y/\n");
                    let names = given_names(&text, false);
                    // What a page says is read line by line.
                    assert_eq!(names, given_names(&text, true), "{line}");
                    assert!(names.contains("s.corp") == is_own_key(&key), "{line}");
                }
            }
        }
    }

    #[test]
    fn every_own_key_is_known_by_its_end() {
        for key in OWN_KEYS {
            assert!(is_own_key(key) && is_own_key(&key.to_uppercase()), "{key}");
            assert!(is_own_key(&format!("{key}_ ")), "{key}");
        }
        assert!(!may_be_own("retries_12") && !may_be_own("s"));
    }

    #[test]
    fn what_a_key_names_for_others_is_not_its_own() {
        let text = "keycloak_url = https://login.corp.example\nldap_domain_controller=dc1.corp.example\n\
            nrpe_server=mon.corp.example\nupstream_servername=a.corp.example\n";
        assert!(
            given_names(text, false).is_empty(),
            "{:?}",
            given_names(text, false)
        );
    }

    #[test]
    fn a_page_names_itself_by_its_base_and_a_program_somebody_else() {
        let text = "define('BASE_URL', 'https://app.corp.example/');\ndefine('SMS_URL', 'https://sms.corp.example/');\n";
        assert_eq!(
            given_names(text, true).into_iter().collect::<Vec<_>>(),
            ["app.corp.example"]
        );
        assert!(given_names("BASE_URL=https://api.corp.example\n", false).is_empty());
    }

    fn reference(key: &str) -> Reference {
        Reference {
            rule: "url".to_owned(),
            file: "/x".into(),
            line: 1,
            key: key.to_owned(),
            peer: Peer::Name(HostName::parse("shop.corp.example").unwrap()),
            port: None,
            transport: groma_model::Transport::Tcp,
            kind: "http".to_owned(),
            component: groma_model::fact::Component {
                class: groma_model::fact::ComponentClass::File,
                name: "/x".into(),
            },
            resource: None,
            account: None,
            protection: None,
            mechanism: None,
            has_secret: false,
            rhythm: None,
            weak: false,
        }
    }

    #[test]
    fn a_product_names_itself_where_it_serves_and_a_client_its_server() {
        let (server, client) = ("shop.db.host=db1\n", "shop.user=x\n");
        let is = |key: &str, path: &str, text: &str| {
            Product::of(path, text).is_meant(&Named::of(&reference(key)))
        };
        assert!(is("shop.url", "/opt/shop/conf/a.conf", server));
        assert!(is("SHOP_BASE_URL", "/etc/shop/settings.env", server));
        assert!(!is("shop.url", "/opt/shop/conf/a.conf", client));
        assert!(!is("shop.url", "/opt/shop-sync/a.conf", server));
        assert!(!is("shop.ldap.url", "/opt/shop/conf/a.conf", server));
        assert!(!is("url", "/opt/url/a.conf", server));
        assert!(!is("sources.url", "/etc/shop/feeds/sources/a.yml", server));
    }

    #[test]
    fn interfaces_have_addresses_and_routes_lead_elsewhere() {
        let text = "iface ens3 inet static\n address 10.0.0.5\n gateway 10.0.0.1\n up ip route add 10.9.0.0/16 via 10.0.0.2\n\
            addresses: [10.0.1.5/24, \"fd00::5/64\"]\n nameservers:\n  addresses: [10.0.0.53]\naddress1=10.0.2.5/24,10.0.2.1\n\
            IPADDR='10.0.3.5/24'\n- to: 10.8.0.0/16\n  via: 10.0.0.3\nvirtual_ipaddress {\n  10.0.4.5\n}\nunicast_peer {\n  10.0.4.6\n}\n";
        let found: Vec<String> = given_addresses(text)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "10.0.0.5", "10.0.1.5", "10.0.2.5", "10.0.3.5", "10.0.4.5", "fd00::5"
            ]
        );
    }

    #[test]
    fn no_text_breaks_the_reader() {
        groma_fuzz::hammer(300, &[b"ALLOWED_HOSTS=[\"a.b\"]\nHost(`c.d`)\n"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = (given_names(&text, true), given_addresses(&text));
        });
    }
}
