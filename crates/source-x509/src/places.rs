//! Where certificates are looked for, and what is passed over on the way.

use std::path::{Component, Path, PathBuf};

use groma_knowledge::rules::SILENCE;
use groma_source::{Disk, EntryKind};

/// Trees that are walked. Each is a scope of its own.
pub(crate) const ROOTS: &[&str] = &[
    "/etc",
    "/opt",
    "/root/.acme.sh",
    "/root/.kube",
    "/srv",
    "/usr/local",
    "/var/lib",
];

/// Directories at the top of one drive of Windows.
const TOPS_MAX: usize = 256;

/// What stands at the top of `drives` of Windows and may hold certificates: all but the system itself, whose stores are told
/// elsewhere, and what is nobody's.
pub(crate) fn of_drives(disk: &dyn Disk, drives: &[PathBuf]) -> Vec<PathBuf> {
    let is_somebodys = |path: &Path| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_ascii_lowercase());
        name.is_some_and(|name| name != "windows" && !SILENCE.drive_tops.contains(&name))
    };
    let tops = drives
        .iter()
        .flat_map(|drive| disk.list(drive, TOPS_MAX).unwrap_or_default());
    tops.filter(|top| top.kind == EntryKind::Directory && is_somebodys(&top.path))
        .map(|top| top.path)
        .collect()
}

/// Directories below the top of a drive of Windows that hold programs of the system, and what programs of people remember;
/// lower case.
const NOISE_OF_WINDOWS: &[&str] = &[
    "all users",
    "appdata",
    "default user",
    "installer",
    "package cache",
    "reference assemblies",
    "windows defender",
    "windowsapps",
    "windowspowershell",
];

/// Directories whose small files are read whatever their name is: programs that keep certificates
/// inline, or under names of their own.
const BY_CONTENT: &[&str] = &[
    "/etc/apache2",
    "/etc/bind",
    "/etc/cups",
    "/etc/dovecot",
    "/etc/exim4",
    "/etc/gitlab",
    "/etc/haproxy",
    "/etc/httpd",
    "/etc/ipsec.d",
    "/etc/kubernetes",
    "/etc/rancher",
    "/root/.kube",
    "/etc/ldap",
    "/etc/letsencrypt/live",
    "/etc/mysql",
    "/etc/nginx",
    "/etc/openldap",
    "/etc/openvpn",
    "/etc/pki/tls",
    "/etc/postfix",
    "/etc/postgresql",
    "/etc/ssl",
    "/etc/stunnel",
    "/etc/swanctl",
];

/// What the distribution ships: the public authorities. Read once, to know what is *not* worth saying.
pub(crate) const VENDOR: &[&str] = &[
    "/usr/share/ca-certificates",
    "/usr/share/pki/ca-trust-source",
    "/usr/share/pki/trust",
];

/// Where a person adds an authority; what stands here is always said.
pub(crate) const ANCHORS: &[&str] = &[
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/usr/share/pki/ca-trust-source/anchors",
    "/etc/pki/trust/anchors",
    "/etc/ca-certificates/trust-source/anchors",
];

/// Where a person takes an authority out: what stands here is trusted no more.
pub(crate) const DISTRUSTED: &[&str] = &[
    "/etc/pki/ca-trust/source/blocklist",
    "/etc/pki/ca-trust/source/blacklist",
    "/usr/share/pki/ca-trust-source/blocklist",
    "/etc/pki/trust/blocklist",
    "/etc/pki/trust/blacklist",
    "/etc/ca-certificates/trust-source/blocklist",
];

/// Bundles the system builds out of both.
pub(crate) const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/java/cacerts",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.trust.crt",
    "/etc/pki/java/cacerts",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/var/lib/ca-certificates",
];

/// Trees inside the roots that hold other machines' images, package bookkeeping, or copies.
const PASSED_OVER: &[&str] = &[
    "/etc/letsencrypt/archive",
    "/etc/alternatives",
    "/usr/local/cargo",
    "/usr/local/rustup",
    "/usr/local/src",
    "/var/lib/apt",
    "/var/lib/containerd",
    "/var/lib/containers/storage/overlay",
    "/var/lib/docker/overlay2",
    "/var/lib/dpkg",
    "/var/lib/flatpak",
    "/var/lib/lxcfs",
    "/var/lib/rpm",
    "/var/lib/snapd/snap",
    "/var/lib/systemd",
];

/// Directories of these names hold libraries, documentation or test data wherever they stand.
const NOISE: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    "dist-packages",
    "doc",
    "docs",
    "example",
    "examples",
    "fixtures",
    "man",
    "node_modules",
    "samples",
    "site-packages",
    "test",
    "testdata",
    "tests",
];

/// Deepest directory below a root that is entered.
pub(crate) const DEPTH_MAX: usize = 12;

/// How a file is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interest {
    /// Its name promises a certificate or a keystore.
    Certificate,
    /// Its name promises PEM of some sort.
    Pem,
    /// Its name promises a key.
    Key,
    /// It may hold one: read if it is small.
    Content,
}

/// How the file at `path` is to be looked at, if at all.
pub(crate) fn interest(path: &Path) -> Option<Interest> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    if is_left_over(&name) || is_hashed_link(&name) {
        return None;
    }
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    match extension {
        "crt" | "cer" | "cert" | "der" | "p7b" | "p7c" | "p12" | "pfx" | "pkcs12" | "jks"
        | "jceks" | "bks" | "ubr" | "uber" | "keystore" | "truststore" => {
            Some(Interest::Certificate)
        }
        "kubeconfig" => Some(Interest::Content),
        "key" => Some(Interest::Key),
        "pem" | "chain" | "fullchain" | "ovpn" => Some(Interest::Pem),
        _ if name == "cacerts" || name == "cert9.db" => Some(Interest::Content),
        _ if is_within(path, BY_CONTENT) => Some(Interest::Content),
        _ => None,
    }
}

/// True for a directory that certificates are known to stand in.
pub(crate) fn is_likely(directory: &Path) -> bool {
    is_within(directory, BY_CONTENT) || directory.ends_with(".acme.sh")
}

/// True for a directory that is not entered.
pub(crate) fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str());
    let named = name.is_some_and(|n| NOISE.contains(&n));
    let of_windows = || {
        let lower = name.map(str::to_ascii_lowercase).unwrap_or_default();
        is_on_a_drive(path)
            && (NOISE.contains(&lower.as_str()) || NOISE_OF_WINDOWS.contains(&lower.as_str()))
    };
    named
        || of_windows()
        || PASSED_OVER
            .iter()
            .chain(VENDOR)
            .any(|tree| path == Path::new(tree))
}

/// True for `C:\…`.
fn is_on_a_drive(path: &Path) -> bool {
    match path.as_os_str().as_encoded_bytes() {
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// Passwords that protect nothing: the empty one, and for the trust store of a Java runtime the one its makers put in
/// the manual. It holds public authorities; no other file is tried with it.
pub(crate) fn public_passwords(path: &Path) -> &'static [&'static str] {
    match path.file_name().is_some_and(|name| name == "cacerts") {
        true => &["", "changeit"],
        false => &[""],
    }
}

/// True if `path` is one of `trees` or lies in one.
pub(crate) fn is_within(path: &Path, trees: &[&str]) -> bool {
    trees.iter().any(|tree| path.starts_with(tree))
}

/// True if a key in `key_directory` stands beside a certificate in `directory`: in the same place, or
/// where distributions keep keys apart (`certs/` and `private/`).
pub(crate) fn is_beside(directory: &Path, key_directory: &Path) -> bool {
    let apart = key_directory
        .file_name()
        .is_some_and(|n| n == "private" || n == "keys");
    let parent = key_directory.parent();
    directory == key_directory
        || (apart
            && parent.is_some()
            && (parent == Some(directory) || parent == directory.parent()))
}

/// `path` without `.` and `..`, by its words alone.
pub(crate) fn plain(path: &Path) -> PathBuf {
    path.components()
        .fold(PathBuf::new(), |mut plain, component| {
            match component {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                other => plain.push(other),
            }
            plain
        })
}

/// What editors, package managers and people leave behind: no program reads it.
pub(crate) fn is_left_over(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "~",
        ".bak",
        ".dpkg-dist",
        ".dpkg-new",
        ".dpkg-old",
        ".example",
        ".old",
        ".orig",
        ".rpmnew",
        ".rpmsave",
        ".sample",
        ".save",
        ".swp",
    ];
    ENDS.iter().any(|end| name.ends_with(end))
}

/// `5ad8a5d6.0`: a link by subject hash, beside the file it leads to.
fn is_hashed_link(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        let is_number = !number.is_empty()
            && number
                .trim_start_matches('r')
                .bytes()
                .all(|b| b.is_ascii_digit());
        hash.len() == 8 && is_number && hash.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_of_windows_is_looked_at_without_the_system_itself() {
        let disk = groma_source::testing::FakeDisk::new()
            .file("C:/Windows/x.crt", "")
            .file("C:/$Recycle.Bin/x.crt", "")
            .file("C:/certs/x.crt", "")
            .file("C:/ProgramData/win-acme/x.pem", "");
        let roots = of_drives(&disk, &["C:/".into()]);
        assert_eq!(roots, [Path::new("C:/ProgramData"), Path::new("C:/certs")]);
        assert!(is_passed_over(Path::new("C:/Users/eva/AppData")));
        assert!(is_passed_over(Path::new(r"C:/Apps/Docs")));
        assert!(
            !is_passed_over(Path::new("/srv/AppData")) && !is_passed_over(Path::new("/srv/Docs"))
        );
        assert_eq!(
            interest(Path::new("C:/certs/Web.PFX")),
            Some(Interest::Certificate)
        );
        assert_eq!(interest(Path::new("C:/certs/readme.txt")), None);
    }

    #[test]
    fn a_name_says_how_a_file_is_looked_at() {
        let of = |path: &str| interest(Path::new(path));
        assert_eq!(of("/opt/shop/TLS.CRT"), Some(Interest::Certificate));
        assert_eq!(of("/etc/nginx/conf.d/inline"), Some(Interest::Content));
        assert_eq!(of("/etc/ssl/private/a.key"), Some(Interest::Key));
        for none in [
            "/etc/passwd",
            "/etc/ssl/certs/5ad8a5d6.0",
            "/etc/ssl/old.pem.bak",
            "/opt/x/readme.txt",
            "/srv/tls.crt~",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn keys_stand_beside_certificates_where_distributions_put_them() {
        let beside = |a: &str, b: &str| is_beside(Path::new(a), Path::new(b));
        assert!(beside("/etc/ssl/certs", "/etc/ssl/private"));
        assert!(beside("/etc/nginx/ssl", "/etc/nginx/ssl"));
        assert!(beside("/etc/ipsec.d", "/etc/ipsec.d/private"));
        assert!(!beside("/etc/nginx", "/etc/postfix"));
    }

    #[test]
    fn dots_are_taken_out_of_a_path() {
        assert_eq!(
            plain(Path::new("/etc/letsencrypt/live/a/../../archive/./a/x.pem")),
            Path::new("/etc/letsencrypt/archive/a/x.pem")
        );
    }
}
