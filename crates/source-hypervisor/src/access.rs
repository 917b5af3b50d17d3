//! Whom to ask and as whom: the `[[hypervisor]]` tables of the access file.
//!
//! A password or token goes nowhere but into one log-on at the server of its table.

use std::path::{Path, PathBuf};

use groma_model::virtualization::PlatformKind;
use groma_source::Disk;
pub use groma_source::access::AccessError;
use groma_source::access::{Place, password, tables};
use groma_trust::Trust;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::libvirt::NOT_OVER_SSH;

/// As whom.
#[derive(Clone, PartialEq, Eq)]
pub enum Logon {
    /// Without a word: a socket of this machine, or a certificate that says it all.
    Nobody,
    /// A name and a password, once.
    Password {
        /// The name, with its domain or realm.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// A token of an interface: `user@realm!id=secret` at Proxmox VE.
    Token(Zeroizing<String>),
}

impl std::fmt::Debug for Logon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Password { user, .. } => write!(f, "{user} with ***"),
            Self::Token(_) => f.write_str("token ***"),
        }
    }
}

/// One platform to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    /// Which interface it has.
    pub kind: PlatformKind,
    /// Where it is, as written. Each kind says what it takes.
    pub url: String,
    /// As whom.
    pub logon: Logon,
    /// How the server is known.
    pub trust: Trust,
    /// Our own certificate and its key, in PEM, where the server asks for them: whole paths.
    pub own_certificate: Option<(PathBuf, PathBuf)>,
    /// True if helpers inside guests may be asked too, where that needs more than reading rights (libvirt).
    pub ask_guests: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: PlatformKind,
    url: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    password_file: Option<PathBuf>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    token_file: Option<PathBuf>,
    #[serde(default)]
    pin: Option<String>,
    #[serde(default)]
    ca: Option<PathBuf>,
    #[serde(default)]
    certificate: Option<PathBuf>,
    #[serde(default)]
    key: Option<PathBuf>,
    #[serde(default)]
    ask_guests: bool,
}

impl Drop for Table {
    fn drop(&mut self) {
        let secrets = [&mut self.password, &mut self.token];
        secrets.into_iter().flatten().for_each(Zeroize::zeroize);
    }
}

/// The platforms an access file names, in its order.
///
/// # Errors
/// It cannot be read, is open to others, or a table says something else than it must.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<Access>, AccessError> {
    let tables = tables(disk, path, "hypervisor")?.into_iter();
    tables
        .map(|(table, place)| meant(disk, &table, &place))
        .collect()
}

fn meant(disk: &dyn Disk, table: &Table, place: &Place) -> Result<Access, AccessError> {
    if holds_a_logon(&table.url) {
        if is_over_ssh(table) {
            return Err(place.wrong(format!(
                "no daemon of libvirt is asked over ssh: {NOT_OVER_SSH}"
            )));
        }
        return Err(place.wrong(
            "url names a server and nothing more: a user, a password or a token has keys of its own",
        ));
    }
    takes(table).map_err(|why| place.wrong(why))?;
    let logon = logon(disk, table, place)?;
    let (pin, ca) = (table.pin.as_deref(), table.ca.as_deref());
    let trust = Trust::named(disk, place, pin, ca)?;
    let own_certificate = match (&table.certificate, &table.key) {
        (Some(certificate), Some(key)) => Some((place.beside(certificate), place.beside(key))),
        (None, None) => None,
        _ => return Err(place.wrong("certificate and key belong together")),
    };
    Ok(Access {
        kind: table.kind,
        url: table.url.clone(),
        logon,
        trust,
        own_certificate,
        ask_guests: table.ask_guests,
    })
}

/// What a kind does not take is refused, not passed over: somebody relies on it.
fn takes(table: &Table) -> Result<(), &'static str> {
    let is = |kind| table.kind == kind;
    let certificate = table.certificate.is_some() || table.key.is_some();
    let token = table.token.is_some() || table.token_file.is_some();
    let user = table.user.is_some() || table.password.is_some() || table.password_file.is_some();
    if certificate && !is(PlatformKind::Libvirt) {
        return Err(
            "certificate and key are for libvirt alone: log on with a user or a token, and name the server with pin or ca",
        );
    }
    if table.ask_guests && !is(PlatformKind::Libvirt) {
        return Err(
            "ask_guests is for libvirt alone: leave it out, the platform tells of its guests by itself",
        );
    }
    if token && !is(PlatformKind::Proxmox) && !is(PlatformKind::Ovirt) {
        return Err("only Proxmox VE and oVirt take a token: write user and password_file");
    }
    if user && is(PlatformKind::Libvirt) {
        return Err(
            "libvirt takes no password: ask its socket on this machine, or write certificate and key for TLS",
        );
    }
    Ok(())
}

fn is_over_ssh(table: &Table) -> bool {
    let (scheme, _) = table.url.split_once("://").unwrap_or_default();
    let transport = scheme.split_once('+').map(|(_, transport)| transport);
    table.kind == PlatformKind::Libvirt && matches!(transport, Some("ssh" | "libssh" | "libssh2"))
}

/// True for a URL that names somebody before its server, or asks something behind it. It stands in evidence and on screens, so
/// nothing of a log-on may. Only libvirt has words behind a `?`: where its socket is.
fn holds_a_logon(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let words = rest.split_once('?').map_or("", |(_, words)| words);
    let mut words = words.split('&').filter(|word| !word.is_empty());
    authority.contains('@') || url.contains('#') || words.any(|word| !word.starts_with("socket="))
}

fn logon(disk: &dyn Disk, table: &Table, place: &Place) -> Result<Logon, AccessError> {
    let secret = |key: &str, text: &Option<String>, file: &Option<PathBuf>| {
        password(disk, place, key, text.as_deref(), file.as_deref())
    };
    let token = secret("token", &table.token, &table.token_file)?;
    let password = secret("password", &table.password, &table.password_file)?;
    let empty = |text: &str| text.trim().is_empty();
    match (&table.user, password, token) {
        (None, None, None) => Ok(Logon::Nobody),
        (None, None, Some(token)) if !empty(&token) => Ok(Logon::Token(token)),
        (Some(user), Some(password), None) if !empty(user) && !empty(&password) => {
            Ok(Logon::Password {
                user: user.clone(),
                password,
            })
        }
        (Some(_), None, None) => Err(place.wrong("a user without a password: write password_file")),
        (None, Some(_), None) => Err(place.wrong("a password belongs to a user")),
        (_, _, Some(_)) if table.user.is_some() => {
            Err(place.wrong("user and token: a token names its user itself"))
        }
        _ => Err(place.wrong("user, password and token must not be empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Result<Vec<Access>, AccessError> {
        use std::os::unix::fs::PermissionsExt;
        let at = tempfile::tempdir().unwrap();
        for (name, text) in [("access.toml", text), ("pw", "s3cret-of-a-test\n")] {
            let path = at.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let world = groma_sys::this_machine(true);
        read(world.disk.as_ref(), &at.path().join("access.toml"))
    }

    #[test]
    fn a_platform_is_named_with_everything_it_needs() {
        let pin = "ab".repeat(32);
        let read = reads(&format!(
            "[[hypervisor]]\nkind = \"vsphere\"\nurl = \"https://vc.corp.example\"\nuser = \"reader@corp.example\"\npassword_file = \"pw\"\npin = \"sha256:{pin}\"\n\
             [[hypervisor]]\nkind = \"libvirt\"\nurl = \"qemu:///system\"\n"
        ))
        .unwrap();
        let [vsphere, libvirt] = read.as_slice() else {
            panic!("{read:?}")
        };
        assert_eq!(vsphere.trust, Trust::Fingerprint([0xab; 32]));
        assert!(
            matches!(&vsphere.logon, Logon::Password { user, password } if user == "reader@corp.example" && password.as_str() == "s3cret-of-a-test")
        );
        assert!(!format!("{vsphere:?}").contains("s3cret"));
        assert_eq!(libvirt.logon, Logon::Nobody);
    }

    #[test]
    fn what_is_half_said_is_refused() {
        let platform = |rest: &str| {
            reads(&format!(
                "[[hypervisor]]\nkind = \"proxmox\"\nurl = \"https://h:8006\"\n{rest}"
            ))
        };
        for bad in [
            "user = \"a\"",
            "password = \"b\"",
            "user = \"\"\npassword = \"b\"",
            "token = \" \"",
            "user = \"a\"\ntoken = \"t\"",
            "token = \"t\"\ncertificate = \"c\"",
            "tokne = \"t\"",
        ] {
            assert!(platform(bad).is_err(), "{bad}");
        }
        let url = |url: &str| {
            reads(&format!(
                "[[hypervisor]]\nkind = \"libvirt\"\nurl = \"{url}\"\n"
            ))
        };
        for bad in [
            "https://u:s3cret@h",
            "qemu://root@h/system",
            "qemu:///system?command=x",
            "https://h/#s3cret",
        ] {
            let said = url(bad).unwrap_err().to_string();
            assert!(!said.contains("s3cret") && !said.contains("root"), "{said}");
        }
        let said = url("qemu+ssh://root@h/system").unwrap_err().to_string();
        assert!(
            said.contains("groma-agent on that host") && !said.contains("root"),
            "{said}"
        );
        assert!(url("qemu+unix:///system?socket=/run/x").is_ok());
        assert!(platform("token = \"a@pve!x=1\"").is_ok());
        assert!(reads("[[hypervisor]]\nkind = \"esx\"\nurl = \"https://h\"\n").is_err());
    }
    #[test]
    fn what_a_kind_does_not_take_is_refused_and_what_it_takes_is_not() {
        let of = |kind: &str, rest: &str| {
            let url = match kind {
                "libvirt" => "qemu://h/system",
                _ => "https://h",
            };
            reads(&format!(
                "[[hypervisor]]\nkind = \"{kind}\"\nurl = \"{url}\"\n{rest}"
            ))
        };
        let password = "user = \"a\"\npassword_file = \"pw\"\n";
        let own = "certificate = \"c\"\nkey = \"k\"\n";
        for (kind, rest, word) in [
            ("vsphere", "token = \"t\"".to_owned(), "password_file"),
            ("xapi", "token = \"t\"".to_owned(), "password_file"),
            ("libvirt", "token = \"t\"".to_owned(), "Proxmox VE"),
            ("libvirt", password.to_owned(), "certificate and key"),
            ("vsphere", format!("{password}{own}"), "libvirt alone"),
            (
                "proxmox",
                "token = \"t\"\nask_guests = true".to_owned(),
                "leave it out",
            ),
        ] {
            let said = of(kind, &rest).unwrap_err().to_string();
            assert!(said.contains(word), "{kind}: {said}");
        }
        for (kind, rest) in [
            ("vsphere", password.to_owned()),
            ("xapi", password.to_owned()),
            ("ovirt", password.to_owned()),
            ("proxmox", password.to_owned()),
            ("proxmox", "token = \"a@pve!x=1\"".to_owned()),
            ("libvirt", format!("{own}ask_guests = true")),
        ] {
            assert!(of(kind, &rest).is_ok(), "{kind} {rest}");
        }
    }
}
