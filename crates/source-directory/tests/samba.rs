//! A real Samba AD domain controller, provisioned by the test in a network namespace of its own: what a domain of
//! Microsoft's schema looks like from here.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{closed, count, gaps, is_complete, look_at, needs, objects};
use groma_model::{Fact, Peer};
use groma_source_directory::Limits;

const INSIDE: &str = "GROMA_TEST_INSIDE_NAMESPACE";
const PROGRAMS: [&str; 7] = [
    "samba",
    "samba-tool",
    "ldapmodify",
    "ldbmodify",
    "ldbadd",
    "unshare",
    "openssl",
];
const DC: &str = "10.99.1.10";
const DOMAIN: &str = "DC=ad,DC=example,DC=test";
const PASSWORD: &str = "Passw0rd-of-a-test";

/// Objects as administrators and products make them.
const OBJECTS: &str = "dn: CN=svc-web,CN=Users,{D}
changetype: add
objectClass: user
sAMAccountName: svc-web
userAccountControl: 544
servicePrincipalName: HTTP/app1.ad.example.test
msDS-SupportedEncryptionTypes: 4
msDS-AllowedToDelegateTo: MSSQLSvc/db1.ad.example.test:1444

dn: CN=app1,CN=Computers,{D}
changetype: add
objectClass: computer
sAMAccountName: app1$
userAccountControl: 4096
dNSHostName: app1.ad.example.test
operatingSystem: Windows Server 2012 R2 Standard
servicePrincipalName: MSOMHSvc/app1.ad.example.test

dn: CN=db1,CN=Computers,{D}
changetype: add
objectClass: computer
sAMAccountName: db1$
userAccountControl: 528384
dNSHostName: db1.ad.example.test

dn: CN=Canary Ann,CN=Users,{D}
changetype: add
objectClass: user
sAMAccountName: canary-ann
userAccountControl: 544
homeDirectory: \\\\FILES1\\home\\canary-ann
homeDrive: H:
profilePath: \\\\files2.ad.example.test\\profiles\\%USERNAME%
scriptPath: logon.bat
msTSHomeDirectory: \\\\files3.ad.example.test\\canary-ann$

dn: CN=Canary Bob,CN=Users,{D}
changetype: add
objectClass: user
sAMAccountName: canary-bob
userAccountControl: 544
homeDirectory: \\\\FILES1\\home\\canary-bob
homeDrive: H:
profilePath: \\\\ADX\\dfs\\profiles\\canary-bob
scriptPath: \\\\files4.ad.example.test\\scripts\\all.bat
unixHomeDirectory: /home/canary-bob

dn: CN=Canary Left,CN=Users,{D}
changetype: add
objectClass: user
sAMAccountName: canary-left
userAccountControl: 546
homeDirectory: \\\\gone.ad.example.test\\home\\canary-left

dn: CN=auto.home,CN=Users,{D}
changetype: add
objectClass: nisMap
nisMapName: auto.home

dn: CN=canary-ann,CN=auto.home,CN=Users,{D}
changetype: add
objectClass: nisObject
nisMapName: auto.home
nisMapEntry: -rw files5.ad.example.test:/srv/home/canary-ann

dn: CN=copier,CN=app1,CN=Computers,{D}
changetype: add
objectClass: printQueue
printerName: Copier
serverName: print1.ad.example.test
shortServerName: print1
uNCName: \\\\print1.ad.example.test\\copier
versionNumber: 4
portName: IP_10.1.2.3
driverName: Generic

dn: CN=OLD1,CN=Computers,{D}
changetype: add
objectClass: computer
sAMAccountName: OLD1$
userAccountControl: 4098
dNSHostName: old1.ad.example.test
msDS-AllowedToDelegateTo: cifs/db1.ad.example.test

dn: CN=labels,CN=OLD1,CN=Computers,{D}
changetype: add
objectClass: printQueue
printerName: Labels
serverName: old1.ad.example.test
shortServerName: OLD1
uNCName: \\\\old1.ad.example.test\\labels
versionNumber: 4
portName: 10.1.2.4

dn: CN=portal,CN=app1,CN=Computers,{D}
changetype: add
objectClass: serviceConnectionPoint
keywords: portal
serviceBindingInformation: https://app1.ad.example.test/portal

dn: CN=10.9.0.0/16,CN=Subnets,CN=Sites,CN=Configuration,{D}
changetype: add
objectClass: subnet
siteObject: CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{D}

dn: CN=dhcp1.ad.example.test,CN=NetServices,CN=Services,CN=Configuration,{D}
changetype: add
objectClass: dHCPClass
dhcpFlags: 0
dhcpIdentification: dhcp1
dhcpType: 1
dhcpUniqueKey: 0

dn: CN=projects,CN=DFSR-GlobalSettings,CN=System,{D}
changetype: add
objectClass: msDFSR-ReplicationGroup
msDFSR-ReplicationGroupType: 0

dn: CN=Topology,CN=projects,CN=DFSR-GlobalSettings,CN=System,{D}
changetype: add
objectClass: msDFSR-Topology

dn: CN=m1,CN=Topology,CN=projects,CN=DFSR-GlobalSettings,CN=System,{D}
changetype: add
objectClass: msDFSR-Member
msDFSR-ComputerReference: CN=app1,CN=Computers,{D}

dn: CN=m2,CN=Topology,CN=projects,CN=DFSR-GlobalSettings,CN=System,{D}
changetype: add
objectClass: msDFSR-Member
msDFSR-ComputerReference: CN=db1,CN=Computers,{D}

dn: CN=c1,CN=m2,CN=Topology,CN=projects,CN=DFSR-GlobalSettings,CN=System,{D}
changetype: add
objectClass: msDFSR-Connection
fromServer: CN=m1,CN=Topology,CN=projects,CN=DFSR-GlobalSettings,CN=System,{D}
msDFSR-Enabled: TRUE

dn: CN=NTAuthCertificates,CN=Public Key Services,CN=Services,CN=Configuration,{D}
changetype: add
objectClass: certificationAuthority
cACertificate:: {ENCODED}
certificateRevocationList: x
authorityRevocationList: x

dn: DC=loop1,DC=ad.example.test,CN=MicrosoftDNS,DC=DomainDnsZones,{D}
changetype: add
objectClass: dnsNode
dnsRecord:: {LOOP2}

dn: DC=loop2,DC=ad.example.test,CN=MicrosoftDNS,DC=DomainDnsZones,{D}
changetype: add
objectClass: dnsNode
dnsRecord:: {LOOP1}

dn: DC=torn,DC=ad.example.test,CN=MicrosoftDNS,DC=DomainDnsZones,{D}
changetype: add
objectClass: dnsNode
dnsRecord:: {ENCODED}

dn: DC=www,DC=ad.example.test,CN=MicrosoftDNS,DC=DomainDnsZones,{D}
changetype: add
objectClass: dnsNode
dnsRecord:: {CNAME}
";

#[test]
fn a_domain_is_told_as_its_controller_keeps_it() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let found = |name: &&str| {
        let name = Path::new(name);
        path.split(':').any(|at| Path::new(at).join(name).exists())
    };
    let modules = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    let ready = PROGRAMS.iter().all(found)
        && Path::new("/usr/share/samba/setup").exists()
        && modules
            .iter()
            .any(|at| Path::new(at).join("samba/vfs/acl_xattr.so").exists());
    let may = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "true"])
        .status()
        .is_ok_and(|s| s.success());
    if !ready || !may {
        eprintln!(
            "SKIPPED: samba with samba-ad-provision, samba-dsdb-modules and samba-vfs-modules, ldap-utils, ldb-tools, and the right to make a namespace are needed"
        );
        return;
    }
    let inside = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_domain_is_told_as_its_controller_keeps_it",
            "--nocapture",
        ])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(inside.success());
}

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LDAPTLS_REQCERT", "never")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The whole of it, in a room where every port is free and nobody else is.
fn inside() {
    let at = tempfile::tempdir().unwrap();
    let root = at.path().join("dc");
    std::fs::create_dir_all("/run/samba").unwrap();
    run("mount", &["-t", "tmpfs", "tmpfs", "/run/samba"], "");
    run("ip", &["link", "set", "lo", "up"], "");
    run("ip", &["addr", "add", &format!("{DC}/32"), "dev", "lo"], "");
    run(
        "samba-tool",
        &[
            "domain",
            "provision",
            "--realm=AD.EXAMPLE.TEST",
            "--domain=ADX",
            "--server-role=dc",
            "--dns-backend=SAMBA_INTERNAL",
            &format!("--adminpass={PASSWORD}"),
            "--host-name=dc1",
            &format!("--host-ip={DC}"),
            &format!("--targetdir={}", root.display()),
            "--option=interfaces=lo",
            "--option=bind interfaces only=yes",
            "--option=dsdb:schema update allowed=yes",
            "--option=server services=ldap, cldap, kdc, winbindd, ntp_signd, kcc, dnsupdate, rpc",
        ],
        "",
    );
    let mut samba = Command::new("samba")
        .args(["-F", "--no-process-group", "-s"])
        .arg(root.join("etc/smb.conf"))
        .arg("-l")
        .arg(at.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect((DC, 636)).is_err() {
        assert!(samba.try_wait().unwrap().is_none(), "samba ended at once");
        std::thread::sleep(Duration::from_millis(100));
    }
    let server = format!("ldaps://{DC}");
    let as_administrator = [
        "-x",
        "-H",
        &server,
        "-D",
        "administrator@ad.example.test",
        "-w",
        PASSWORD,
    ];
    let add = |text: &str| run("ldapmodify", &as_administrator, text);
    add(&OBJECTS
        .replace("{D}", DOMAIN)
        .replace("{ENCODED}", &encoded(b"of a test"))
        .replace("{LOOP1}", &encoded(&alias("loop1.ad.example.test")))
        .replace("{LOOP2}", &encoded(&alias("loop2.ad.example.test")))
        .replace("{CNAME}", &encoded(&alias("dc1.ad.example.test"))));
    let filled = |text: &str| {
        text.replace("{D}", DOMAIN)
            .replace(
                "{ROOT}",
                &encoded(&targets("\\\\fs1.ad.example.test\\public")),
            )
            .replace(
                "{LINK}",
                &encoded(&targets("\\\\fs2.ad.example.test\\projects")),
            )
    };
    for text in [
        include_str!("exchange/schema.ldif"),
        include_str!("exchange/organisation.ldif"),
        include_str!("exchange/domain.ldif"),
    ] {
        add(&filled(text));
    }
    rights_and_trust(
        &root.join("private/sam.ldb"),
        &filled(include_str!("exchange/trust.ldif")),
    );
    names_of_all_ages(&root);
    // db1 lets svc-web act for others towards it.
    let mut search = as_administrator.to_vec();
    search.extend([
        "-LLL",
        "-b",
        DOMAIN,
        "(sAMAccountName=svc-web)",
        "objectSid",
    ]);
    let shown = run("ldapsearch", &search, "");
    let sid = shown
        .lines()
        .find_map(|l| l.strip_prefix("objectSid:: "))
        .unwrap();
    let descriptor = encoded(&descriptor(&decoded(sid)));
    // This one attribute is for the system alone to write: over LDAP nobody may in this version.
    let database = root.join("private/sam.ldb");
    run(
        "ldbmodify",
        &["-H", database.to_str().unwrap()],
        &format!(
            "dn: CN=db1,CN=Computers,{DOMAIN}\nchangetype: modify\nadd: msDS-AllowedToActOnBehalfOfOtherIdentity\nmsDS-AllowedToActOnBehalfOfOtherIdentity:: {descriptor}\n"
        ),
    );

    closed(&at.path().join("pw"), PASSWORD);
    let certificate = root.join("private/tls/cert.pem");
    let print = run(
        "openssl",
        &[
            "x509",
            "-noout",
            "-fingerprint",
            "-sha256",
            "-in",
            certificate.to_str().unwrap(),
        ],
        "",
    );
    let pin = print.trim().split_once('=').unwrap().1.to_owned();
    let table = format!(
        "url = \"{server}\"\nuser = \"administrator@ad.example.test\"\npassword_file = \"pw\"\npin = \"sha256:{pin}\""
    );
    let seen = look_at(at.path(), &table, patient());
    judge(&seen);
    // The same domain, two values of an attribute at a time: nothing of it is lost.
    let few = Limits {
        values: Some(2),
        ..patient()
    };
    let in_ranges = look_at(at.path(), &table, few);
    let facts = |seen: &groma_source::Recorder| {
        // How long the logon took is another number each time.
        let lasting = seen.facts().filter(|f| !matches!(f, Fact::Measurement(_)));
        let mut all: Vec<String> = lasting.map(|f| format!("{f:?}")).collect();
        all.sort();
        all
    };
    let (some, all) = (facts(&in_ranges), facts(&seen));
    let lost: Vec<_> = all.iter().filter(|fact| !some.contains(fact)).collect();
    assert!(lost.is_empty() && some.len() == all.len(), "{lost:#?}");
    assert_eq!(gaps(&in_ranges), gaps(&seen));

    // A domain signs, as Microsoft's do: a password without TLS is refused, and how to ask instead is told.
    let unsigned = table.replace(&server, "ldap://127.0.0.1");
    let unsigned = look_at(at.path(), &unsigned.replace("pin = ", "# "), patient());
    assert!(
        gaps(&unsigned).contains("it requires LDAP signing or TLS"),
        "{}",
        gaps(&unsigned)
    );

    // A wrong password is refused in the words of Active Directory.
    closed(&at.path().join("pw"), "wrong-of-a-test");
    let refused = look_at(at.path(), &table, patient());
    assert!(
        gaps(&refused).contains("the password is wrong"),
        "{}",
        gaps(&refused)
    );
    // Nobody in particular is told what the server is, and nothing else.
    let nobody = look_at(
        at.path(),
        &format!("url = \"{server}\"\nbind = \"anonymous\"\npin = \"sha256:{pin}\""),
        patient(),
    );
    assert_eq!(objects(&nobody, "server").len(), 1);
    assert!(!is_complete(&nobody, "computers"), "{}", gaps(&nobody));
    samba.kill().unwrap();
    samba.wait().unwrap();
}

/// What only the system itself may write: a trust, and lists of rights.
fn rights_and_trust(database: &Path, trust: &str) {
    let database = database.to_str().unwrap();
    run("ldbadd", &["-H", database, "--relax"], trust);
    let shown = run(
        "ldbsearch",
        &[
            "-H",
            database,
            "-b",
            DOMAIN,
            "(sAMAccountName=svc-crm)",
            "objectSid",
        ],
        "",
    );
    let sid = shown
        .lines()
        .find_map(|l| l.strip_prefix("objectSid: "))
        .unwrap();
    let connector = format!(
        "CN=Scan to mail,CN=SMTP Receive Connectors,CN=Protocols,CN=MBX1,CN=Servers,CN=Exchange Administrative Group,CN=Administrative Groups,CN=Acme,CN=Microsoft Exchange,CN=Services,CN=Configuration,{DOMAIN}"
    );
    let given = [
        (
            format!("CN=Info,CN=Users,{DOMAIN}"),
            format!("(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{sid})"),
        ),
        // The right is whatever this organisation says it is.
        (
            connector,
            "(OA;;CR;5f6a6a6e-0b1c-4a56-9a6e-2f3f1d1c7b11;;AN)".to_owned(),
        ),
    ];
    for (dn, entry) in given {
        run(
            "samba-tool",
            &[
                "dsacl",
                "set",
                "-H",
                database,
                &format!("--objectdn={dn}"),
                &format!("--sddl={entry}"),
            ],
            "",
        );
    }
}

/// Records as Samba's own code packs them: one nobody renewed, one that is fresh, one that was written, one removed.
fn names_of_all_ages(root: &Path) {
    const PROGRAM: &str = r#"
import sys, time, ldb
from samba.samdb import SamDB
from samba.param import LoadParm
from samba.auth import system_session
from samba.ndr import ndr_pack
from samba.dcerpc import dnsp
parameters = LoadParm()
parameters.load(sys.argv[1])
database = SamDB(url=sys.argv[2], session_info=system_session(), lp=parameters)
def add(name, kind, value, days, removed=False):
    record = dnsp.DnssrvRpcRecord()
    record.wType, record.data, record.dwTtlSeconds, record.rank = kind, value, 1200, dnsp.DNS_RANK_ZONE
    record.dwTimeStamp = 0 if days is None else int((time.time() - days * 86400) / 3600) + 3234576
    node = ldb.Message(ldb.Dn(database, "DC=%s,DC=ad.example.test,CN=MicrosoftDNS,DC=DomainDnsZones,DC=ad,DC=example,DC=test" % name))
    node["objectClass"] = b"dnsNode"
    node["dnsRecord"] = [ndr_pack(record)]
    if removed:
        node["dNSTombstoned"] = b"TRUE"
    database.add(node)
add("aged", dnsp.DNS_TYPE_A, "10.0.0.80", 400)
add("fresh", dnsp.DNS_TYPE_A, "10.0.0.81", 2)
add("pinned", dnsp.DNS_TYPE_A, "10.0.0.82", None)
add("six", dnsp.DNS_TYPE_AAAA, "fd00::83", 90)
add("removed", dnsp.DNS_TYPE_TOMBSTONE, 133000000000000000, 400, True)
"#;
    let (settings, database) = (root.join("etc/smb.conf"), root.join("private/sam.ldb"));
    run(
        "/usr/bin/python3",
        &["-", settings.to_str().unwrap(), database.to_str().unwrap()],
        PROGRAM,
    );
}

/// A list of targets as a name space keeps it: XML in UTF-16 with its mark.
fn targets(path: &str) -> Vec<u8> {
    let text = format!(
        "<?xml version=\"1.0\"?><targets totalNumber=\"1\"><target priorityRank=\"0\" priorityClass=\"siteCostNormal\" state=\"online\">{path}</target></targets>"
    );
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// Each object of a class as `name@host attribute=value+value …`, sorted.
fn shown(seen: &groma_source::Recorder, class: &str, attributes: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = objects(seen, class)
        .iter()
        .map(|o| {
            let host = o
                .host
                .as_ref()
                .map_or_else(String::new, |h| format!("@{h}"));
            let said: String = attributes
                .iter()
                .filter_map(|a| Some(format!(" {a}={}", o.attributes.get(a)?.join("+"))))
                .collect();
            format!("{}{host}{said}", o.name)
        })
        .collect();
    lines.sort();
    lines
}

/// The mail organisation, as its schema is published, kept by a real server.
fn judge_mail(seen: &groma_source::Recorder) {
    let mbx = "@mbx1.ad.example.test";
    assert_eq!(
        shown(
            seen,
            "receive-connector",
            &["relay", "state", "networks", "single-addresses"]
        ),
        [
            format!("Default Frontend{mbx} networks=0.0.0.0-255.255.255.255"),
            format!("Old fax{mbx} state=disabled single-addresses=1"),
            format!(
                "Scan to mail{mbx} relay=to anybody, without a logon networks=10.9.0.0/16 single-addresses=2"
            ),
        ]
    );
    assert_eq!(
        shown(seen, "mail-server", &["serialNumber"]),
        [format!(
            "MBX1{mbx} serialNumber=Version 15.1 (Build 32507.6)"
        )]
    );
    assert_eq!(
        shown(seen, "accepted-domain", &["kind"]),
        ["corp.example kind=authoritative"]
    );
    assert_eq!(
        shown(seen, "mail-database", &["mDBOverQuotaLimit"]),
        [format!("DB1{mbx} mDBOverQuotaLimit=2097152")]
    );
    assert_eq!(
        shown(seen, "virtual-directory", &["names"]),
        [format!(
            "EWS (Default Web Site){mbx} names=mail.corp.example+mbx1.ad.example.test"
        )]
    );
    assert_eq!(
        shown(seen, "autodiscover", &[]),
        [format!("Autodiscover MBX1{mbx}")]
    );
    assert_eq!(
        shown(seen, "send-connector", &["smart-hosts"]),
        ["To the internet smart-hosts=[10.0.0.9]+gate.ad.example.test"]
    );
    assert_eq!(
        shown(
            seen,
            "mailbox",
            &[
                "kind",
                "forwards-to",
                "forwarding",
                "send-on-behalf",
                "automapped-full-access",
                "archive",
                "quota"
            ]
        ),
        [
            "Beamer kind=equipment",
            "Boardroom kind=room",
            "Bob kind=of a person forwards-to=Ann forwarding=and keeps a copy archive=has one quota=no sending 5242880 KiB",
            "Gone kind=of a person forwards-to=gone@elsewhere.example forwarding=and keeps nothing",
            "Info kind=shared send-on-behalf=Ann automapped-full-access=Ann",
        ]
    );
    assert_eq!(
        shown(seen, "mailbox-rights", &["send-as"]),
        ["Info send-as=svc-crm"]
    );
    assert_eq!(
        shown(
            seen,
            "mail-group",
            &["takes-mail-from", "only-from-members-of"]
        ),
        [
            "Alarms",
            "All staff takes-mail-from=those who log on, no device only-from-members-of=Domain Admins"
        ]
    );
    for (what, expected) in [
        ("mailboxes", 8.0),
        ("mailboxes_elsewhere", 1.0),
        ("mailboxes_with_archive", 1.0),
        ("mail_groups", 2.0),
    ] {
        assert_eq!(count(seen, what), Some(expected), "{what}");
    }
    assert!(!format!("{:?}", seen.records).contains("canary.ann"));
}

/// What no server of the first test had: a trust, name spaces, certificate services, records of every age.
fn judge_rest(seen: &groma_source::Recorder) {
    assert_eq!(
        shown(seen, "trust", &["direction", "kind", "trustAttributes"]),
        ["partner.example direction=both ways kind=Active Directory domain trustAttributes=forest"]
    );
    assert_eq!(
        shown(seen, "enrolment-service", &["certificateTemplates"]),
        ["Corp Issuing CA@ca1.ad.example.test certificateTemplates=Machine+WebServer"]
    );
    assert_eq!(
        shown(seen, "certificate-template", &["pKIExtendedKeyUsage"]),
        ["Web Server pKIExtendedKeyUsage=1.3.6.1.5.5.7.3.1"]
    );
    assert_eq!(
        shown(seen, "dfs-link", &["targets"]),
        ["/projects targets=\\\\fs2.ad.example.test\\projects"]
    );
    assert_eq!(
        shown(seen, "dfs-root", &["targets"]),
        [
            "old@fs0.ad.example.test targets=\\\\fs0.ad.example.test\\old",
            "public@fs1.ad.example.test targets=\\\\fs1.ad.example.test\\public"
        ]
    );
    assert_eq!(
        shown(seen, "dns-record", &["addresses", "activity"]),
        [
            "aged.ad.example.test addresses=10.0.0.80 activity=not-renewed-for-over-180-days",
            "six.ad.example.test addresses=fd00::83 activity=not-renewed-for-over-45-days",
        ]
    );
    let asked = |name: &str| {
        let peer = Peer::parse(name).unwrap();
        seen.facts()
            .any(|f| matches!(f, Fact::Name(a) if a.asked == peer))
    };
    assert!(asked("pinned.ad.example.test") && asked("fresh.ad.example.test"));
    assert!(
        !asked("removed.ad.example.test"),
        "what was removed is no name"
    );
}

fn judge(seen: &groma_source::Recorder) {
    judge_mail(seen);
    judge_rest(seen);
    judge_folders(seen);
    judge_small(seen);
    assert_eq!(
        objects(seen, "server")[0].attributes["product"],
        ["Samba AD"]
    );
    let dc = Peer::parse("dc1.ad.example.test");
    assert_eq!(objects(seen, "domain-controller")[0].host, dc);
    let mut roles: Vec<(String, bool)> = objects(seen, "role")
        .iter()
        .map(|o| (o.name.to_string(), o.host == dc))
        .collect();
    roles.sort();
    let expected = [
        "PDC emulator",
        "RID master",
        "domain naming master",
        "infrastructure master",
        "infrastructure master of the DNS zones",
        "schema master",
    ];
    assert_eq!(roles, expected.map(|r| (r.to_owned(), true)));
    assert_eq!(
        objects(seen, "site")[0].name.to_string(),
        "Default-First-Site-Name"
    );
    assert_eq!(
        objects(seen, "subnet")[0].attributes["site"],
        ["Default-First-Site-Name"]
    );
    assert_eq!(objects(seen, "group-policy").len(), 2);
    assert!(
        objects(seen, "group-policy")
            .iter()
            .all(|o| o.attributes.contains_key("linked-to"))
    );
    assert_eq!(
        objects(seen, "dhcp-server")[0].host,
        Peer::parse("dhcp1.ad.example.test")
    );
    assert_eq!(
        objects(seen, "connection-point")
            .iter()
            .filter(|o| o.host == Peer::parse("app1.ad.example.test"))
            .count(),
        1
    );
    assert_eq!(objects(seen, "service-account").len(), 1);
    let db1 = objects(seen, "computer")
        .into_iter()
        .find(|o| o.name.to_string() == "db1")
        .unwrap();
    assert!(db1.attributes["delegation"].contains(&"to any service".to_owned()));
    let app1 = objects(seen, "computer")
        .into_iter()
        .find(|o| o.name.to_string() == "app1")
        .unwrap();
    assert_eq!(
        app1.attributes["servicePrincipalName"],
        ["MSOMHSvc/app1.ad.example.test"]
    );
    let mut lines: Vec<String> = needs(seen)
        .iter()
        .map(|n| {
            format!(
                "{} {} {} {:?} {}",
                n.consumer,
                n.kind,
                n.provider,
                n.port.map(|p| p.0),
                n.attribute
            )
        })
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "10.0.0.50 smtp-relay mbx1.ad.example.test Some(25) msExchSmtpReceiveRemoteIPRanges",
            "10.0.0.51 smtp-relay mbx1.ad.example.test Some(25) msExchSmtpReceiveRemoteIPRanges",
            "10.99.1.10 nfs files5.ad.example.test Some(2049) nisMapEntry",
            "ad.example.test smb files1 Some(445) homeDirectory",
            "ad.example.test smb files2.ad.example.test Some(445) profilePath",
            "ad.example.test smb files3.ad.example.test Some(445) msTSHomeDirectory",
            "ad.example.test smb files4.ad.example.test Some(445) scriptPath",
            "ad.example.test smb fs2.ad.example.test Some(445) msDFS-TargetListv2",
            "app1.ad.example.test other db1.ad.example.test None msDS-AllowedToActOnBehalfOfOtherIdentity",
            "app1.ad.example.test sql db1.ad.example.test Some(1444) msDS-AllowedToDelegateTo",
            "db1.ad.example.test other app1.ad.example.test None fromServer",
            "mbx1.ad.example.test smtp-relay 10.0.0.9 Some(25) msExchSmtpSmartHost",
            "mbx1.ad.example.test smtp-relay gate.ad.example.test Some(25) msExchSmtpSmartHost",
            "print1.ad.example.test print 10.1.2.3 None portName",
        ]
    );
    let alias = seen.facts().find_map(|f| match f {
        Fact::Name(a) if a.asked == Peer::parse("www.ad.example.test").unwrap() => Some(a),
        _ => None,
    });
    let alias = alias.expect("the alias is resolved within the zone");
    assert_eq!(alias.aliases[0].as_str(), "dc1.ad.example.test");
    assert_eq!(alias.addresses, [DC.parse::<std::net::IpAddr>().unwrap()]);
    assert!(count(seen, "people").unwrap() >= 3.0);
    assert!(count(seen, "groups").unwrap() > 30.0);
    let all = format!("{:?}", seen.records).to_lowercase();
    assert!(!all.contains(&PASSWORD.to_lowercase()) && !all.contains("canary"));
}

/// What is told in passing: old keys, authorities for logons, groups of folders; and what could not be read, each a gap.
fn judge_small(seen: &groma_source::Recorder) {
    assert_eq!(
        shown(seen, "service-account", &["keys", "password-age"]),
        ["svc-web keys=RC4"]
    );
    assert_eq!(
        shown(seen, "logon-authorities", &["sha256"]),
        [
            "NTAuthCertificates sha256=0e4469ed8a3e1739d5dac1e53ea8bc2fc59ac6707695032a8a85c8f6b6f13180"
        ]
    );
    assert_eq!(shown(seen, "replication-group", &[])[1], "projects");
    let said = gaps(seen);
    for part in [
        "the receive connector MBX1\\Scan to mail keeps no protocol log",
        "1 records are not built as they should be, the first at torn.ad.example.test",
        "alias circle at loop1.ad.example.test, loop2.ad.example.test:",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
    let enable = seen
        .gaps()
        .find(|g| g.reason == groma_model::Reason::LogDisabled)
        .and_then(|g| g.remedy.clone())
        .unwrap();
    assert!(
        enable.contains("Set-ReceiveConnector 'MBX1\\Scan to mail' -ProtocolLoggingLevel Verbose"),
        "{enable}"
    );
}

/// Where people have their folders: machines and shares, nobody's name.
fn judge_folders(seen: &groma_source::Recorder) {
    assert_eq!(
        shown(seen, "people-folders", &["used-as", "drives", "paths"]),
        [
            // A name space of the domain itself: a folder there, and no need.
            r"\\adx\dfs@ad.example.test used-as=profilePath paths=fewer than 10",
            r"\\files1\home@files1 used-as=homeDirectory drives=H: paths=fewer than 10",
            r"\\files2.ad.example.test\profiles@files2.ad.example.test used-as=profilePath paths=fewer than 10",
            r"\\files3.ad.example.test@files3.ad.example.test used-as=msTSHomeDirectory paths=fewer than 10",
            r"\\files4.ad.example.test@files4.ad.example.test used-as=scriptPath paths=fewer than 10",
        ]
    );
    assert_eq!(
        shown(seen, "mount-map", &["exports"]),
        [
            "auto.home on files5.ad.example.test@files5.ad.example.test exports=files5.ad.example.test:/srv/home/&"
        ]
    );
}

fn patient() -> Limits {
    Limits {
        page: Duration::from_secs(120),
        step: Duration::from_secs(240),
        ..Limits::default()
    }
}

/// A CNAME as [MS-DNSP] 2.3.2.2 lays it out.
fn alias(name: &str) -> Vec<u8> {
    let mut labels: Vec<u8> = Vec::new();
    for label in name.split('.') {
        labels.push(u8::try_from(label.len()).unwrap());
        labels.extend(label.as_bytes());
    }
    labels.push(0);
    let mut content = vec![
        u8::try_from(labels.len()).unwrap(),
        u8::try_from(name.split('.').count()).unwrap(),
    ];
    content.extend(labels);
    let mut bytes = u16::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend([5, 0, 5, 0xf0, 0, 0, 1, 0, 0, 0]);
    bytes.extend(900_u32.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(content);
    bytes
}

/// A self-relative descriptor that lets one account in ([MS-DTYP] 2.4.6), owned by the administrators.
fn descriptor(sid: &[u8]) -> Vec<u8> {
    let owner = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
    let length = u16::try_from(8 + sid.len()).unwrap();
    let mut bytes = vec![1, 0, 4, 0x80];
    bytes.extend(20_u32.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(36_u32.to_le_bytes());
    bytes.extend(owner);
    bytes.extend([2, 0]);
    bytes.extend((8 + length).to_le_bytes());
    bytes.extend([1, 0, 0, 0, 0, 0]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(0x000f_01ff_u32.to_le_bytes());
    bytes.extend(sid);
    bytes
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |sum, at| {
            (sum << 8) | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..4_usize {
            let digit = DIGITS[usize::try_from(number >> (18 - 6 * at)).unwrap() & 63];
            text.push(if at <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

fn decoded(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .trim_end_matches('=')
        .bytes()
        .map(|b| u32::try_from(DIGITS.iter().position(|d| *d == b).unwrap()).unwrap())
        .collect();
    let mut bytes = Vec::new();
    for chunk in digits.chunks(4) {
        let number = (0..4).fold(0_u32, |sum, at| {
            (sum << 6) | chunk.get(at).copied().unwrap_or(0)
        });
        bytes.extend(number.to_be_bytes().get(1..chunk.len()).unwrap());
    }
    bytes
}
