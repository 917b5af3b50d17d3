//! Active Directory and Samba AD: what is asked, in this order. Later questions use what earlier ones brought.

mod accounts;
pub(crate) mod dns;
mod exchange;
mod folders;
mod mailbox;
mod objects;
mod principal;
mod replication;
mod security;
mod terminal;
mod zones;

use std::collections::BTreeMap;

use groma_model::Peer;
use ldap3::Scope;

use crate::entry::Entry;
use crate::learnt::Learnt;
use crate::step::{Base, Step, nothing};

pub(crate) use folders::Folders;
pub(crate) use mailbox::Held;
pub(crate) use objects::{host_of, trust_words};
pub(crate) use principal::Principal;
pub(crate) use zones::{aliases, names_of as zone_names};

/// An identifier that a search can look up; what else stands in a descriptor is a group everybody knows.
pub(crate) fn is_of_a_domain(sid: &str) -> bool {
    sid.starts_with("S-1-5-21-") && sid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// What is asked about each of them.
pub(crate) const TRUSTED: &[&str] = &["sAMAccountName", "dNSHostName", "servicePrincipalName"];

/// Reads who is behind an identifier that machines let act for others.
pub(crate) fn trusted(entry: &Entry, towards: &[(String, Peer)], learnt: &mut Learnt) {
    accounts::trusted(entry, towards, learnt);
}

/// What is asked about each identifier whose name is wanted.
pub(crate) const NAMED: &[&str] = &["objectSid", "sAMAccountName"];

/// Reads the name behind an identifier.
pub(crate) fn named(entry: &Entry) -> Option<(String, String)> {
    let sid = security::sid(entry.bytes("objectSid")?)?;
    Some((sid, entry.text("sAMAccountName")?))
}

/// Tells what had to wait until it was known who is behind the identifiers.
pub(crate) fn tell_named(names: &BTreeMap<String, String>, learnt: &mut Learnt) {
    mailbox::tell_rights(names, learnt);
    accounts::tell_managed(names, learnt);
}

fn person(_: &Entry, learnt: &mut Learnt) {
    learnt.count("people");
}

fn group(_: &Entry, learnt: &mut Learnt) {
    learnt.count("groups");
}

const fn step(
    name: &'static str,
    base: Base,
    filter: &'static str,
    attributes: &'static [&'static str],
    tell: fn(&Entry, &mut Learnt),
) -> Step {
    Step {
        name,
        base,
        scope: Scope::Subtree,
        filter,
        attributes,
        tell,
        after: nothing,
        rights: false,
        optional: false,
        sampled: false,
    }
}

const fn perhaps(step: Step) -> Step {
    Step {
        optional: true,
        ..step
    }
}

const fn reading_records(step: Step) -> Step {
    Step {
        after: Learnt::tell_malformed,
        ..step
    }
}

const fn with_rights(step: Step) -> Step {
    Step {
        rights: true,
        ..step
    }
}

const ROLE: &[&str] = &["cn", "fSMORoleOwner"];
const WITH_ROLE: &str = "(fSMORoleOwner=*)";
const ZONE: &[&str] = &["objectClass", "name"];
const NODE: &[&str] = &["dnsRecord", "dNSTombstoned"];
const IS_ZONE: &str = "(objectClass=dnsZone)";
const IS_NODE: &str = "(objectClass=dnsNode)";
const SYSTEM_DNS: &str = "CN=MicrosoftDNS,CN=System";
const EXCHANGE: &str = "CN=Microsoft Exchange,CN=Services";
const POINT: &[&str] = &[
    "objectClass",
    "cn",
    "keywords",
    "serviceBindingInformation",
    "serviceClassName",
    "serviceDNSName",
    "mSSMSMPName",
];
const IS_POINT: &str = "(|(objectClass=serviceConnectionPoint)(objectClass=mSSMSManagementPoint))";

/// Every question.
pub(crate) const STEPS: &[Step] = &[
    step(
        "servers",
        Base::BelowConfiguration("CN=Sites"),
        "(objectClass=server)",
        &["dNSHostName"],
        objects::server,
    ),
    step(
        "sites",
        Base::BelowConfiguration("CN=Sites"),
        "(|(objectClass=site)(objectClass=subnet))",
        &["objectClass", "cn", "siteObject", "location"],
        objects::site,
    ),
    step("roles/domain", Base::Domain, WITH_ROLE, ROLE, objects::role),
    step(
        "roles/forest",
        Base::BelowConfiguration(""),
        WITH_ROLE,
        ROLE,
        objects::role,
    ),
    step("roles/schema", Base::Schema, WITH_ROLE, ROLE, objects::role),
    step(
        "roles/zones",
        Base::DomainZones,
        WITH_ROLE,
        ROLE,
        objects::role,
    ),
    step(
        "trusts",
        Base::BelowDomain("CN=System"),
        "(objectClass=trustedDomain)",
        &[
            "cn",
            "trustPartner",
            "flatName",
            "trustDirection",
            "trustType",
            "trustAttributes",
        ],
        objects::trust,
    ),
    step(
        "computers",
        Base::Domain,
        "(&(objectClass=computer)(!(objectClass=msDS-GroupManagedServiceAccount))(!(objectClass=msDS-ManagedServiceAccount)))",
        accounts::COMPUTER,
        accounts::computer,
    ),
    step(
        "service-accounts",
        Base::Domain,
        "(|(&(objectClass=user)(!(objectClass=computer))(|(servicePrincipalName=*)(msDS-AllowedToDelegateTo=*)(userAccountControl:1.2.840.113556.1.4.803:=524288)))(objectClass=msDS-GroupManagedServiceAccount)(objectClass=msDS-ManagedServiceAccount))",
        accounts::ACCOUNT,
        accounts::service_account,
    ),
    step(
        "print-queues",
        Base::Domain,
        "(objectClass=printQueue)",
        &[
            "objectClass",
            "cn",
            "printerName",
            "uNCName",
            "serverName",
            "portName",
            "driverName",
            "location",
            "printShareName",
        ],
        objects::print_queue,
    ),
    step(
        "name-spaces",
        Base::Domain,
        "(|(objectClass=volume)(objectClass=fTDfs)(objectClass=msDFS-Namespacev2)(objectClass=msDFS-Linkv2))",
        &[
            "objectClass",
            "cn",
            "uNCName",
            "remoteServerName",
            "msDFS-LinkPathv2",
            "msDFS-TargetListv2",
        ],
        objects::name_space,
    ),
    perhaps(step(
        "replication-members",
        Base::BelowDomain(replication::GROUPS),
        "(objectClass=msDFSR-Member)",
        &["msDFSR-ComputerReference"],
        replication::member,
    )),
    perhaps(step(
        "replication-groups",
        Base::BelowDomain(replication::GROUPS),
        "(|(objectClass=msDFSR-ReplicationGroup)(objectClass=msDFSR-Connection))",
        &["objectClass", "cn", "fromServer", "msDFSR-Enabled"],
        replication::part,
    )),
    step(
        "dhcp",
        Base::BelowConfiguration("CN=NetServices,CN=Services"),
        "(objectClass=dHCPClass)",
        &["cn", "dhcpServers"],
        objects::dhcp,
    ),
    step(
        "certificates",
        Base::BelowConfiguration("CN=Public Key Services,CN=Services"),
        "(|(objectClass=pKIEnrollmentService)(objectClass=pKICertificateTemplate)(cn=NTAuthCertificates))",
        &[
            "objectClass",
            "cn",
            "displayName",
            "dNSHostName",
            "certificateTemplates",
            "pKIExtendedKeyUsage",
            "cACertificate",
        ],
        objects::certificate_service,
    ),
    step(
        "connection-points/domain",
        Base::Domain,
        IS_POINT,
        POINT,
        objects::connection_point,
    ),
    step(
        "connection-points/forest",
        Base::BelowConfiguration("CN=Services"),
        "(objectClass=serviceConnectionPoint)",
        POINT,
        objects::connection_point,
    ),
    step(
        "policy-links",
        Base::Domain,
        "(gPLink=*)",
        &["gPLink"],
        objects::policy_link,
    ),
    step(
        "policies",
        Base::BelowDomain("CN=Policies,CN=System"),
        "(objectClass=groupPolicyContainer)",
        &["cn", "displayName", "gPCFileSysPath"],
        objects::policy,
    ),
    step(
        "zones/domain",
        Base::DomainZones,
        IS_ZONE,
        ZONE,
        zones::zone,
    ),
    step(
        "zones/forest",
        Base::ForestZones,
        IS_ZONE,
        ZONE,
        zones::zone,
    ),
    perhaps(step(
        "zones/system",
        Base::BelowDomain(SYSTEM_DNS),
        IS_ZONE,
        ZONE,
        zones::zone,
    )),
    reading_records(step(
        "names/domain",
        Base::DomainZones,
        IS_NODE,
        NODE,
        zones::node,
    )),
    reading_records(step(
        "names/forest",
        Base::ForestZones,
        IS_NODE,
        NODE,
        zones::node,
    )),
    perhaps(reading_records(step(
        "names/system",
        Base::BelowDomain(SYSTEM_DNS),
        IS_NODE,
        NODE,
        zones::node,
    ))),
    perhaps(step(
        "mail-servers",
        Base::BelowConfiguration(EXCHANGE),
        "(objectClass=msExchExchangeServer)",
        &[
            "objectClass",
            "cn",
            "networkAddress",
            "serialNumber",
            "msExchCurrentServerRoles",
        ],
        exchange::server,
    )),
    perhaps(step(
        "mail/relay-right",
        Base::BelowConfiguration("CN=Extended-Rights"),
        "(cn=ms-Exch-SMTP-Accept-Any-Recipient)",
        &["rightsGuid"],
        exchange::relay_right,
    )),
    perhaps(with_rights(step(
        "mail/connector-rights",
        Base::BelowConfiguration(EXCHANGE),
        "(objectClass=msExchSmtpReceiveConnector)",
        &["nTSecurityDescriptor"],
        exchange::connector_rights,
    ))),
    Step {
        after: exchange::tell_unlogged,
        ..perhaps(step(
            "mail",
            Base::BelowConfiguration(EXCHANGE),
            "(|(objectClass=msExchSmtpReceiveConnector)(objectClass=msExchRoutingSMTPConnector)(objectClass=msExchAcceptedDomain)(objectClass=msExchPrivateMDB)(objectClass=msExchMDBAvailabilityGroup)(objectClass=msExchVirtualDirectory))",
            &[
                "objectClass",
                "cn",
                "msExchSmtpReceiveBindings",
                "msExchSmtpReceiveRemoteIPRanges",
                "msExchSmtpReceiveConnectorFQDN",
                "msExchSmtpReceiveEnabled",
                "msExchSMTPReceiveInboundSecurityFlag",
                "msExchSmtpReceiveProtocolLoggingLevel",
                "msExchSmtpSmartHost",
                "msExchSmtpSendPort",
                "msExchSourceBridgeheadServersDN",
                "routingList",
                "msExchAcceptedDomainName",
                "msExchAcceptedDomainFlags",
                "msExchOwningServer",
                "msExchEDBFile",
                "msExchESEParamLogFilePath",
                "mDBStorageQuota",
                "mDBOverQuotaLimit",
                "mDBOverHardQuotaLimit",
                "msExchInternalHostName",
                "msExchExternalHostName",
            ],
            exchange::part,
        ))
    },
    step(
        "mailboxes",
        Base::Domain,
        "(&(|(msExchMailboxGuid=*)(msExchRecipientTypeDetails=*))(!(objectClass=group)))",
        mailbox::MAILBOX,
        mailbox::mailbox,
    ),
    with_rights(step(
        "mailbox-rights",
        Base::Domain,
        "(msExchMailboxGuid=*)",
        mailbox::RIGHTS,
        mailbox::rights,
    )),
    step(
        "mail-groups",
        Base::Domain,
        "(&(objectClass=group)(mail=*))",
        mailbox::GROUP,
        mailbox::group,
    ),
    step(
        "flat-names",
        Base::BelowConfiguration("CN=Partitions"),
        "(nETBIOSName=*)",
        &["nETBIOSName", "dnsRoot"],
        folders::flat_name,
    ),
    Step {
        after: folders::tell,
        ..step(
            "people-folders",
            Base::Domain,
            "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))(|(homeDirectory=*)(profilePath=*)(scriptPath=*)(msTSHomeDirectory=*)(msTSProfilePath=*)))",
            folders::PERSON,
            folders::person,
        )
    },
    Step {
        after: crate::mounts::tell,
        ..step(
            "mount-maps",
            Base::Domain,
            crate::mounts::FILTER,
            crate::mounts::ATTRIBUTES,
            crate::mounts::entry,
        )
    },
    step(
        "people",
        Base::Domain,
        "(&(objectCategory=person)(objectClass=user))",
        &["1.1"],
        person,
    ),
    step(
        "groups",
        Base::Domain,
        "(objectClass=group)",
        &["1.1"],
        group,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{entry, learnt, needs};

    fn told(name: &str, entries: &[Entry]) -> Learnt {
        let mut learnt = learnt();
        tell(name, entries, &mut learnt);
        learnt
    }

    fn tell(name: &str, entries: &[Entry], learnt: &mut Learnt) {
        let step = STEPS.iter().find(|s| s.name == name).unwrap();
        entries.iter().for_each(|e| (step.tell)(e, learnt));
    }

    #[test]
    fn every_question_can_be_asked() {
        for step in STEPS {
            assert!(ldap3::parse_filter(step.filter).is_ok(), "{}", step.name);
        }
        assert!(is_of_a_domain("S-1-5-21-1-2-3-1105"));
        assert!(!is_of_a_domain("S-1-1-0"));
        assert!(!is_of_a_domain("S-1-5-21-1)(cn=*"));
    }

    #[test]
    fn the_account_of_an_application_that_may_act_for_its_users_leads_to_the_database() {
        let account = entry(
            "CN=svc-web,OU=Services,DC=corp,DC=example",
            &[
                ("sAMAccountName", "svc-web"),
                ("userAccountControl", "16777728"),
                ("servicePrincipalName", "HTTP/app1.corp.example"),
                ("msDS-AllowedToDelegateTo", "MSSQLSvc/db1.corp.example:1444"),
                ("msDS-AllowedToDelegateTo", "cifs/fs1.corp.example"),
            ],
        );
        let learnt = told("service-accounts", &[account]);
        assert_eq!(
            needs(&learnt),
            [
                "app1.corp.example smb fs1.corp.example:445 as svc-web",
                "app1.corp.example sql db1.corp.example:1444 as svc-web"
            ]
        );
    }

    #[test]
    fn an_account_that_only_has_a_service_leads_nowhere() {
        let account = entry(
            "CN=svc-sql,DC=corp,DC=example",
            &[
                ("sAMAccountName", "svc-sql"),
                ("servicePrincipalName", "MSSQLSvc/db1.corp.example:SALES"),
            ],
        );
        let krbtgt = entry(
            "CN=krbtgt,DC=corp,DC=example",
            &[
                ("sAMAccountName", "krbtgt"),
                ("servicePrincipalName", "kadmin/changepw"),
            ],
        );
        let learnt = told("service-accounts", &[account, krbtgt]);
        assert!(needs(&learnt).is_empty());
        assert_eq!(learnt.facts.len(), 2, "{:?}", learnt.facts);
    }

    #[test]
    fn a_machine_nobody_heard_of_is_listed_and_is_no_machine_of_the_inventory() {
        let stamp = |days: i64| {
            ((1_795_165_200 - days * 86_400) * 10_000_000 + 116_444_736_000_000_000).to_string()
        };
        let machine = |name: &str, days| {
            entry(
                &format!("CN={name},DC=corp,DC=example"),
                &[
                    ("cn", name),
                    ("dNSHostName", &format!("{name}.corp.example")),
                    ("userAccountControl", "4096"),
                    ("lastLogonTimestamp", &stamp(days)),
                ],
            )
        };
        let learnt = told("computers", &[machine("new", 3), machine("old", 400)]);
        let hosts: Vec<_> = learnt
            .facts
            .iter()
            .filter_map(|f| match f {
                groma_model::Fact::DirectoryObject(o) => {
                    Some((o.host.is_some(), o.attributes["activity"][0].as_str()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(hosts, [(true, "active"), (false, "quiet-over-180-days")]);
        assert_eq!(learnt.counts["computers_stale"], 1);
    }

    #[test]
    fn a_role_is_held_by_a_machine() {
        let mut learnt = learnt();
        let sites =
            "CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=corp,DC=example";
        tell(
            "servers",
            &[entry(
                &format!("CN=DC1,{sites}"),
                &[("dNSHostName", "DC1.corp.example")],
            )],
            &mut learnt,
        );
        let settings = format!("CN=NTDS Settings,CN=DC1,{sites}");
        tell(
            "roles/domain",
            &[entry(
                "CN=RID Manager$,CN=System,DC=corp,DC=example",
                &[("fSMORoleOwner", &settings)],
            )],
            &mut learnt,
        );
        let said = learnt.facts[0].says();
        assert!(
            said.contains("role RID master, on dc1.corp.example"),
            "{said}"
        );
    }

    #[test]
    fn a_queue_leads_to_the_device_behind_its_port() {
        let queue = entry(
            "CN=DC1-Copier,DC=corp,DC=example",
            &[
                ("printerName", "Copier"),
                ("serverName", "\\\\print1.corp.example"),
                ("portName", "IP_10.1.2.3"),
            ],
        );
        let virtual_queue = entry(
            "CN=PDF,DC=corp,DC=example",
            &[
                ("printerName", "PDF"),
                ("serverName", "print1.corp.example"),
                ("portName", "PORTPROMPT:"),
            ],
        );
        let learnt = told("print-queues", &[queue, virtual_queue]);
        assert_eq!(needs(&learnt), ["print1.corp.example print 10.1.2.3"]);
    }

    #[test]
    fn whom_a_machine_lets_act_for_others_is_looked_up_and_leads_to_it() {
        use super::security::tests::{descriptor, sid_bytes};
        let mut target = entry(
            "CN=db1,DC=corp,DC=example",
            &[
                ("cn", "db1"),
                ("dNSHostName", "db1.corp.example"),
                ("userAccountControl", "4096"),
            ],
        );
        target.attributes.push((
            "msds-allowedtoactonbehalfofotheridentity".to_owned(),
            vec![descriptor(&[sid_bytes(&[1, 2, 3, 1105])])],
        ));
        let mut learnt = told("computers", &[target]);
        let (sid, towards) = learnt.trusted_by.pop_first().unwrap();
        assert_eq!(sid, "S-1-5-21-1-2-3-1105");
        let account = entry(
            "CN=app1,DC=corp,DC=example",
            &[
                ("sAMAccountName", "app1$"),
                ("dNSHostName", "app1.corp.example"),
            ],
        );
        trusted(
            &account,
            &towards.into_iter().collect::<Vec<_>>(),
            &mut learnt,
        );
        assert_eq!(
            needs(&learnt),
            ["app1.corp.example other db1.corp.example as app1$"]
        );
    }
}
