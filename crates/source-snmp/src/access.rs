//! Whom to ask and as whom: the `[[snmp]]` tables of the access file.
//!
//! Communities and passwords go nowhere but into questions to devices of the table's own range.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use groma_source::Disk;
pub use groma_source::access::AccessError;
use groma_source::access::{Place, password, tables};
use groma_source::manners::{Network, Target};
use serde::Deserialize;
use zeroize::Zeroize;

use crate::keys::{Cipher, Digest, Longer};
use crate::message::Version;
use crate::secret::Secret;
use crate::usm::User;

/// RFC 3414 §11.2.
const PASSWORD_MIN: usize = 8;

/// Which devices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Range {
    /// Those of a network, or one.
    Network(Network),
    /// From one address to another.
    Between(Ipv4Addr, Ipv4Addr),
    /// All that may be asked at all.
    Everybody,
}

impl Range {
    fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::Network(network), address) => network.contains(address),
            (Self::Between(from, to), IpAddr::V4(address)) => (from..=to).contains(&&address),
            (Self::Between(..), IpAddr::V6(_)) => false,
            (Self::Everybody, _) => true,
        }
    }
}

/// As whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Logon {
    /// With a community, in this version; without one, in 2c and then in 1.
    Community(Secret, Option<Version>),
    /// As a user of version 3.
    User(Box<User>),
}

/// Devices, and as whom they are asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    range: Range,
    /// As whom.
    pub logon: Logon,
}

impl Access {
    /// The community every device is delivered with, for everybody who may be asked: only where somebody asked for that.
    pub fn public() -> Self {
        Self {
            range: Range::Everybody,
            logon: Logon::Community(Secret::new("public"), None),
        }
    }

    /// True for a device that is asked so.
    pub fn covers(&self, address: IpAddr) -> bool {
        self.range.contains(address)
    }

    /// What must never stand in what a device says: a community or password that somebody may have typed there.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        match &self.logon {
            Logon::Community(community, _) => vec![community],
            Logon::User(user) => {
                let auth = user.auth.as_ref().map(|(_, secret)| secret);
                let privacy = user.privacy.as_ref().map(|(_, secret)| secret);
                auth.into_iter().chain(privacy).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    range: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    community: Option<String>,
    #[serde(default)]
    community_file: Option<PathBuf>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    auth_password: Option<String>,
    #[serde(default)]
    auth_password_file: Option<PathBuf>,
    #[serde(default, rename = "priv")]
    privacy: Option<String>,
    #[serde(default)]
    priv_password: Option<String>,
    #[serde(default)]
    priv_password_file: Option<PathBuf>,
    #[serde(default)]
    context: Option<String>,
}

impl Drop for Table {
    fn drop(&mut self) {
        let secrets = [
            &mut self.community,
            &mut self.auth_password,
            &mut self.priv_password,
        ];
        secrets.into_iter().flatten().for_each(Zeroize::zeroize);
    }
}

/// The devices an access file names, in its order.
///
/// # Errors
/// It cannot be read, is open to others, or a table says something else than it must.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<Access>, AccessError> {
    let tables = tables(disk, path, "snmp")?.into_iter();
    tables
        .map(|(table, place)| meant(disk, &table, &place))
        .collect()
}

fn meant(disk: &dyn Disk, table: &Table, place: &Place) -> Result<Access, AccessError> {
    let wrong = |why: String| place.wrong(why);
    let secret = |key: &str, text: &Option<String>, file: &Option<PathBuf>| match password(
        disk,
        place,
        key,
        text.as_deref(),
        file.as_deref(),
    )? {
        Some(found) if found.is_empty() => Err(wrong(format!("{key} is empty"))),
        found => Ok(found.map(|found| Secret::new(found.as_bytes()))),
    };
    let community = secret("community", &table.community, &table.community_file)?;
    let auth = secret(
        "auth_password",
        &table.auth_password,
        &table.auth_password_file,
    )?;
    let privacy = secret(
        "priv_password",
        &table.priv_password,
        &table.priv_password_file,
    )?;
    let logon = match (community, &table.user) {
        (Some(_), Some(_)) => Err("both a community and a user".to_owned()),
        (Some(community), None) => with_community(table, community, auth.or(privacy).is_some()),
        (None, Some(name)) => with_user(table, name, auth, privacy),
        (None, None) => Err("nobody to ask as: write community (or community_file), or user; no community is guessed, and \"public\" is asked for by --snmp-public".to_owned()),
    };
    Ok(Access {
        range: range(table).map_err(wrong)?,
        logon: logon.map_err(wrong)?,
    })
}

fn range(table: &Table) -> Result<Range, String> {
    let text = match (&table.address, &table.range) {
        (Some(text), None) | (None, Some(text)) => text,
        _ => {
            return Err(
                "write either address = \"10.0.0.5\" or range = \"10.0.0.0/24\"".to_owned(),
            );
        }
    };
    if let Some(network) = Network::parse(text) {
        return Ok(Range::Network(network));
    }
    match Target::parse(text) {
        Ok(Target::Range(from, to)) => Ok(Range::Between(from, to)),
        _ => Err(format!(
            "{text:?} is neither an address nor a range; write 10.0.0.5, 10.0.0.0/24 or 10.0.0.5-10.0.0.90"
        )),
    }
}

fn with_community(table: &Table, community: Secret, has_passwords: bool) -> Result<Logon, String> {
    let of_users = table.auth.is_some() || table.privacy.is_some() || table.context.is_some();
    if has_passwords || of_users {
        return Err("auth, priv and context belong to a user, not to a community".to_owned());
    }
    let version = match table.version.as_deref() {
        None => None,
        Some("1") => Some(Version::V1),
        Some("2c") => Some(Version::V2c),
        Some(_) => return Err("version is \"1\" or \"2c\" for a community".to_owned()),
    };
    Ok(Logon::Community(community, version))
}

fn with_user(
    table: &Table,
    name: &str,
    auth: Option<Secret>,
    privacy: Option<Secret>,
) -> Result<Logon, String> {
    if !matches!(table.version.as_deref(), None | Some("3")) {
        return Err("a user is of version \"3\"".to_owned());
    }
    if name.is_empty() || name.len() > 32 {
        return Err("user has 1 to 32 octets (RFC 3414)".to_owned());
    }
    let long = |secret: &Option<Secret>| {
        let is_long = |secret: &Secret| secret.reveal().len() >= PASSWORD_MIN;
        secret.as_ref().is_none_or(is_long)
    };
    if !long(&auth) || !long(&privacy) {
        return Err(format!(
            "a password has at least {PASSWORD_MIN} octets (RFC 3414)"
        ));
    }
    let digest = table.auth.as_deref().map(digest).transpose()?;
    let cipher = table.privacy.as_deref().map(cipher).transpose()?;
    let auth = match (digest, auth) {
        (None, None) => None,
        (Some(digest), Some(password)) => Some((digest, password)),
        (None, Some(_)) => return Err("auth_password without auth = \"sha256\"".to_owned()),
        (Some(_), None) => {
            return Err("auth without auth_password (or auth_password_file)".to_owned());
        }
    };
    let privacy = match (cipher, privacy) {
        (None, None) => None,
        (Some(_), _) if auth.is_none() => return Err("priv needs auth too (RFC 3414)".to_owned()),
        (Some(cipher), Some(password)) => Some((cipher, password)),
        // Many devices have one password for both.
        (Some(cipher), None) => auth.clone().map(|(_, password)| (cipher, password)),
        (None, Some(_)) => return Err("priv_password without priv = \"aes128\"".to_owned()),
    };
    Ok(Logon::User(Box::new(User {
        name: name.to_owned(),
        auth,
        privacy,
        context: table.context.clone().unwrap_or_default(),
    })))
}

fn digest(word: &str) -> Result<Digest, String> {
    Ok(match word {
        "md5" => Digest::Md5,
        "sha" | "sha1" => Digest::Sha1,
        "sha224" => Digest::Sha224,
        "sha256" => Digest::Sha256,
        "sha384" => Digest::Sha384,
        "sha512" => Digest::Sha512,
        _ => return Err("auth is md5, sha1, sha224, sha256, sha384 or sha512".to_owned()),
    })
}

fn cipher(word: &str) -> Result<Cipher, String> {
    Ok(match word {
        "des" => Cipher::Des,
        "aes" | "aes128" => Cipher::Aes128,
        // The other way is tried where this one is not understood.
        "aes192" => Cipher::Aes192(Longer::Blumenthal),
        "aes256" => Cipher::Aes256(Longer::Blumenthal),
        _ => return Err("priv is des, aes128, aes192 or aes256".to_owned()),
    })
}

#[cfg(test)]
pub(crate) mod testing {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What an access file of this text says.
    pub(crate) fn reads(text: &str) -> Result<Vec<Access>, AccessError> {
        let at = tempfile::tempdir().unwrap();
        for (name, text, mode) in [
            ("access.toml", text, 0o600),
            ("key", "long enough\n", 0o600),
            ("open", "x", 0o644),
        ] {
            let path = at.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let world = groma_sys::this_machine(true);
        read(world.disk.as_ref(), &at.path().join("access.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::reads;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn communities_and_users_are_named_for_their_own_devices_alone() {
        let all = reads(
            "[[directory]]\nurl = \"ldap://a\"\n\
             [[snmp]]\nrange = \"10.0.0.0/8\"\ncommunity = \"printers\"\n\
             [[snmp]]\naddress = \"192.0.2.7\"\nuser = \"watcher\"\nauth = \"sha256\"\nauth_password_file = \"key\"\npriv = \"aes256\"\n\
             [[snmp]]\nrange = \"192.0.2.9-192.0.2.12\"\ncommunity_file = \"key\"\nversion = \"1\"\n",
        )
        .unwrap();
        let [network, user, between] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert!(network.covers(ip("10.200.3.4")) && !network.covers(ip("192.0.2.7")));
        assert!(user.covers(ip("192.0.2.7")) && !user.covers(ip("192.0.2.8")));
        assert!(between.covers(ip("192.0.2.12")) && !between.covers(ip("192.0.2.13")));
        assert!(matches!(
            &between.logon,
            Logon::Community(_, Some(Version::V1))
        ));
        assert!(matches!(&user.logon, Logon::User(user) if user.privacy.is_some()));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_never_by_its_value() {
        for (text, says) in [
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\n",
                "no community is guessed",
            ),
            ("[[snmp]]\ncommunity = \"hidden1\"\n", "either address"),
            (
                "[[snmp]]\nrange = \"x/y\"\ncommunity = \"hidden1\"\n",
                "neither an address",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\ncommunity = [\"hidden1\"]\n",
                "wrong kind",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\ncomunity = \"hidden1\"\n",
                "unknown field",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\ncommunity = \"\"\n",
                "is empty",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\ncommunity = \"hidden1\nx",
                "not TOML",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\nuser = \"a\"\nauth = \"md5\"\nauth_password = \"hidden1\"\n",
                "at least 8",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\nuser = \"a\"\npriv = \"des\"\npriv_password = \"hidden12\"\n",
                "priv needs auth",
            ),
            (
                "[[snmp]]\nrange = \"10.0.0.0/8\"\ncommunity_file = \"open\"\n",
                "open to others",
            ),
            ("[snmp]\ncommunity = \"hidden1\"\n", "two brackets"),
        ] {
            let error = reads(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn nothing_prints_a_community() {
        let all = reads("[[snmp]]\nrange = \"10.0.0.0/8\"\ncommunity = \"hidden1\"\n").unwrap();
        assert!(!format!("{all:?}").contains("hidden"));
    }
}
