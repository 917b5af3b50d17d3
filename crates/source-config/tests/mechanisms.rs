//! By which mechanism of SASL clients of a directory log on, as their own settings say; and where they say none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use groma_model::Fact;
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source};
use groma_source_config::ConfigSource;

/// Machine, mechanism and account of each need of a directory that `text` at `path` tells.
fn needs(path: &str, text: &str, more: &[(&str, &str)]) -> Vec<String> {
    let disk = more
        .iter()
        .fold(FakeDisk::new(), |disk, (path, text)| disk.file(path, *text));
    let world = world(disk.file(path, text));
    let window = window(&world);
    let mut source = ConfigSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    let of = recorder
        .records
        .into_iter()
        .filter_map(|record| match record.said {
            groma_model::batch::Said::Saw(o) => match o.fact {
                Fact::Reference(r) if r.kind == "ldap-bind" => {
                    let account = r.account.map_or_else(|| "-".to_owned(), |a| a.to_string());
                    let mechanism = r.mechanism.unwrap_or_else(|| "-".to_owned());
                    Some(format!("{} {mechanism} {account}", r.peer))
                }
                _ => None,
            },
            _ => None,
        });
    of.collect()
}

const UNIT: (&str, &str) = (
    "/lib/systemd/system/sssd.service",
    "[Service]\nExecStart=/usr/sbin/sssd -i\n",
);

#[test]
fn sssd_logs_on_by_what_it_says() {
    let text = |more: &str| {
        format!(
            "[sssd]\ndomains = corp\n[domain/corp]\nid_provider = ldap\nldap_uri = ldap://dc1.corp.example\n{more}"
        )
    };
    let sssd = |more: &str| needs("/etc/sssd/sssd.conf", &text(more), &[UNIT]);
    assert_eq!(
        sssd("ldap_sasl_mech = GSSAPI\nldap_sasl_authid = host/app1.corp.example@CORP.EXAMPLE\n"),
        ["dc1.corp.example GSSAPI host/app1.corp.example@CORP.EXAMPLE"]
    );
    assert_eq!(
        sssd(
            "ldap_sasl_mech = gss-spnego\nldap_sasl_authid = APP1$@CORP.EXAMPLE\nldap_default_bind_dn = cn=reader,dc=corp\n"
        ),
        ["dc1.corp.example GSS-SPNEGO APP1$@CORP.EXAMPLE"],
        "who a simple bind would name does not log on"
    );
    assert_eq!(
        sssd("ldap_default_bind_dn = cn=reader,dc=corp\n"),
        ["dc1.corp.example - cn=reader,dc=corp"]
    );
    assert_eq!(sssd("ldap_sasl_mech = a b\n"), ["dc1.corp.example - -"]);
}

#[test]
fn nslcd_and_the_library_say_it_too() {
    let nslcd = "uri ldap://dc1.corp.example\nsasl_mech GSSAPI\nsasl_realm CORP.EXAMPLE\n";
    assert_eq!(
        needs("/etc/nslcd.conf", nslcd, &[]),
        ["dc1.corp.example GSSAPI -"]
    );
    let library = "URI ldap://dc1.corp.example\nSASL_MECH GSSAPI\n";
    assert_eq!(
        needs("/etc/ldap/ldap.conf", library, &[]),
        ["dc1.corp.example GSSAPI -"]
    );
    let plain = "URI ldap://dc1.corp.example\n#SASL_MECH GSSAPI\n";
    assert_eq!(
        needs("/etc/ldap/ldap.conf", plain, &[]),
        ["dc1.corp.example - -"]
    );
}

#[test]
fn a_table_of_postfix_logs_on_by_sasl_only_where_it_binds_so() {
    let table = |bind: &str| {
        let text = format!(
            "server_host = ldap://dc1.corp.example\nsearch_base = dc=corp\nbind = {bind}\nbind_dn = cn=mail,dc=corp\nsasl_mechs = GSSAPI\n"
        );
        let main = "virtual_alias_maps = ldap:/etc/postfix/aliases.cf\n";
        needs(
            "/etc/postfix/aliases.cf",
            &text,
            &[("/etc/postfix/main.cf", main)],
        )
    };
    assert_eq!(table("sasl"), ["dc1.corp.example GSSAPI -"]);
    assert_eq!(table("yes"), ["dc1.corp.example - cn=mail,dc=corp"]);
}

#[test]
fn dovecot_logs_on_by_sasl_only_where_it_binds_so() {
    let passdb = |bind: &str| {
        let text = format!(
            "hosts = dc1.corp.example\nbase = dc=corp\ndn = cn=mail,dc=corp\nsasl_bind = {bind}\nsasl_mech = GSSAPI\nsasl_authz_id = mail\n"
        );
        needs("/etc/dovecot/dovecot-ldap.conf.ext", &text, &[])
    };
    assert_eq!(passdb("yes"), ["dc1.corp.example GSSAPI mail"]);
    assert_eq!(passdb("no"), ["dc1.corp.example - cn=mail,dc=corp"]);
}
