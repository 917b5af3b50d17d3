//! Which program uses which certificate: settings in force say so, and nothing else does.

mod support;

use groma_model::{CoverageState, Fact, Reason};
use groma_source::testing::FakeDisk;
use support::{Workshop, has, look_for_uses, uses};

/// A machine with nginx, as Debian lays it out: one site switched on, one not, one left over.
fn web(shop: &Workshop) -> FakeDisk {
    FakeDisk::new()
        .file("/lib/systemd/system/nginx.service", "[Service]\nExecStart=/usr/sbin/nginx\n")
        .file(
            "/etc/nginx/nginx.conf",
            "http {\n  include /etc/nginx/conf.d/*.conf;\n  include sites-enabled/*;\n}\n",
        )
        .file(
            "/etc/nginx/sites-available/shop",
            "server {\n  listen 443 ssl;\n  ssl_certificate ssl/shop.pem;\n  ssl_certificate_key ssl/shop.key;\n  ssl_client_certificate /etc/nginx/ssl/root.crt;\n}\n",
        )
        .link("/etc/nginx/sites-enabled/shop", "/etc/nginx/sites-available/shop")
        .file(
            "/etc/nginx/sites-available/old",
            "server {\n  ssl_certificate /etc/nginx/ssl/old.pem;\n}\n",
        )
        .file(
            "/etc/nginx/sites-enabled/shop.bak~",
            "server {\n  ssl_certificate /etc/nginx/ssl/old.pem;\n}\n",
        )
        .file("/etc/nginx/ssl/shop.pem", shop.read("chain.pem"))
        .file("/etc/nginx/ssl/old.pem", shop.read("middle.crt"))
        .file("/etc/nginx/ssl/root.crt", shop.read("root.crt"))
}

#[test]
fn a_site_that_is_switched_on_uses_its_certificate_and_others_do_not() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let recorder = look_for_uses(web(&shop));
    let said = uses(&recorder);
    assert!(
        said.contains(
            &"nginx.service Presents /etc/nginx/ssl/shop.pem by /etc/nginx/sites-enabled/shop:3"
                .to_owned()
        ),
        "{said:#?}"
    );
    assert!(
        said.contains(
            &"nginx.service Trusts /etc/nginx/ssl/root.crt by /etc/nginx/sites-enabled/shop:5"
                .to_owned()
        )
    );
    // `sites-enabled/*` takes what an editor left behind as well: so does nginx, and so do we.
    assert!(
        said.iter().any(|line| line.contains("shop.bak~")),
        "{said:#?}"
    );
    assert_eq!(said.len(), 3, "{said:#?}");
    let complete = recorder
        .coverage()
        .any(|c| c.scope.as_str() == "certificate-use:nginx" && c.state == CoverageState::Complete);
    assert!(complete);
}

#[test]
fn settings_of_a_program_that_is_gone_are_nobodys() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = web(&shop);
    disk.remove("/lib/systemd/system/nginx.service");
    let recorder = look_for_uses(disk);
    assert_eq!(uses(&recorder), Vec::<String>::new());
    assert!(
        !recorder
            .coverage()
            .any(|c| c.scope.as_str() == "certificate-use:nginx")
    );
}

#[test]
fn the_certificate_a_program_shows_is_the_first_of_its_file() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let recorder = look_for_uses(web(&shop));
    let leaf = shop.path("leaf.crt");
    let output = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(leaf)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout)
        .to_lowercase()
        .replace(':', "");
    let used = recorder.facts().find_map(|fact| match fact {
        Fact::CertificateUse(used)
            if used.line == 3 && used.file.to_string().ends_with("/shop") =>
        {
            Some(used)
        }
        _ => None,
    });
    assert!(printed.contains(&used.unwrap().sha256), "{printed}");
}

#[test]
fn every_product_is_read_where_its_package_puts_it() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let leaf = || shop.read("leaf.crt");
    let disk = FakeDisk::new()
        .file("/usr/sbin/apache2", "")
        .file("/etc/apache2/apache2.conf", "ServerRoot \"/etc/apache2\"\nIncludeOptional sites-enabled/*.conf\n")
        .file("/etc/apache2/sites-enabled/a.conf", "SSLCertificateFile /srv/tls/a.crt\n")
        .file("/etc/apache2/sites-enabled/a.conf.bak", "SSLCertificateFile /srv/tls/gone.crt\n")
        .file("/srv/tls/a.crt", leaf())
        .file("/lib/systemd/system/postfix@.service", "")
        .file("/etc/postfix/main.cf", "smtpd_tls_cert_file=/etc/ssl/certs/mail.pem\nsmtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt\n")
        .file("/etc/ssl/certs/mail.pem", leaf())
        .file("/etc/ssl/certs/ca-certificates.crt", shop.read("root.crt"))
        .file("/usr/sbin/dovecot", "")
        .file("/etc/dovecot/dovecot.conf", "!include conf.d/*.conf\n!include_try local.conf\n")
        .file("/etc/dovecot/conf.d/10-ssl.conf", "ssl = yes\nssl_cert = </etc/dovecot/private/dovecot.pem\n")
        .file("/etc/dovecot/private/dovecot.pem", leaf())
        .file("/lib/systemd/system/slapd.service", "")
        .file("/etc/ldap/slapd.d/cn=config.ldif", "dn: cn=config\nolcTLSCertificateFile: /etc/ldap/ldap.pem\n")
        .file("/etc/ldap/slapd.conf", "TLSCertificateFile /etc/ldap/older.pem\n")
        .file("/etc/ldap/ldap.pem", leaf())
        .file("/etc/ldap/older.pem", leaf())
        .file("/lib/systemd/system/postgresql@.service", "")
        .file("/etc/postgresql/15/main/postgresql.conf", "data_directory = '/var/lib/postgresql/15/main'\nssl = on\nssl_cert_file = 'server.crt'\n")
        .file("/var/lib/postgresql/15/main/server.crt", leaf())
        .file("/etc/postgresql/14/off/postgresql.conf", "ssl = off\nssl_cert_file = '/etc/ldap/ldap.pem'\n")
        .file("/lib/systemd/system/mariadb.service", "")
        .file("/etc/mysql/my.cnf", "!includedir /etc/mysql/conf.d/\n[client]\nssl-cert=/etc/ldap/ldap.pem\n")
        .file("/etc/mysql/conf.d/tls.cnf", "[mysqld]\nssl-cert=/etc/mysql/db.pem\n")
        .file("/etc/mysql/db.pem", leaf())
        .file("/usr/sbin/haproxy", "")
        .file("/etc/haproxy/haproxy.cfg", "global\n  crt-base /etc/haproxy/certs\nfrontend f\n  bind :443 ssl crt .\n")
        .file("/etc/haproxy/certs/one.pem", leaf())
        .file("/etc/haproxy/certs/two.pem", shop.read("middle.crt"))
        .file("/usr/bin/stunnel4", "")
        .file("/etc/stunnel/in.conf", "[in]\ncert = /home/tunnel/in.pem\n")
        .file("/home/tunnel/in.pem", leaf())
        .file("/etc/systemd/system/app.service", "[Service]\nLoadCredential=tls:/root/app.pem\nExecStart=/opt/app --ca-file=/srv/tls/a.crt\n")
        .file("/root/app.pem", leaf())
        .file("/etc/systemd/system/app.service.d/more.conf", "[Service]\nExecStartPre=/bin/check --cert /srv/tls/a.crt\n");
    let recorder = look_for_uses(disk);
    let mut said = uses(&recorder);
    said.sort();
    assert_eq!(
        said,
        [
            "/usr/bin/stunnel4 Presents /home/tunnel/in.pem by /etc/stunnel/in.conf:2",
            "/usr/sbin/apache2 Presents /srv/tls/a.crt by /etc/apache2/sites-enabled/a.conf:1",
            "/usr/sbin/dovecot Presents /etc/dovecot/private/dovecot.pem by /etc/dovecot/conf.d/10-ssl.conf:2",
            "/usr/sbin/haproxy Presents /etc/haproxy/certs/one.pem by /etc/haproxy/haproxy.cfg:4",
            "/usr/sbin/haproxy Presents /etc/haproxy/certs/two.pem by /etc/haproxy/haproxy.cfg:4",
            "app.service Presents /root/app.pem by /etc/systemd/system/app.service:2",
            "app.service Presents /srv/tls/a.crt by /etc/systemd/system/app.service.d/more.conf:2",
            "app.service Trusts /srv/tls/a.crt by /etc/systemd/system/app.service:3",
            "mariadb.service Presents /etc/mysql/db.pem by /etc/mysql/conf.d/tls.cnf:2",
            "postfix@-.service Presents /etc/ssl/certs/mail.pem by /etc/postfix/main.cf:1",
            "postgresql@15-main.service Presents /var/lib/postgresql/15/main/server.crt by /etc/postgresql/15/main/postgresql.conf:3",
            "slapd.service Presents /etc/ldap/ldap.pem by /etc/ldap/slapd.d/cn=config.ldif:2",
        ]
    );
    // Where nothing else looks, the certificate itself is said as well.
    let outside: Vec<String> = support::sightings(&recorder)
        .iter()
        .map(|sighting| format!("{:?}", sighting.place))
        .collect();
    assert!(
        outside
            .iter()
            .any(|place| place.contains("/home/tunnel/in.pem")),
        "{outside:?}"
    );
    assert!(
        !outside
            .iter()
            .any(|place| place.contains("/etc/ldap/ldap.pem")),
        "{outside:?}"
    );
}

#[test]
fn a_certificate_that_is_named_and_gone_is_a_gap_with_its_place() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = web(&shop).file(
        "/etc/nginx/conf.d/x.conf",
        "ssl_certificate /etc/nginx/ssl/none.pem;\nssl_certificate /etc/nginx/$host.pem;\n",
    );
    let recorder = look_for_uses(disk);
    let gaps: Vec<String> = recorder
        .gaps()
        .map(|gap| format!("{}: {}", gap.what, gap.reason))
        .collect();
    let gone = format!(
        "the certificate /etc/nginx/ssl/none.pem that /etc/nginx/conf.d/x.conf line 1 names: {}",
        Reason::BrokenLink
    );
    assert!(gaps.contains(&gone), "{gaps:#?}");
    assert!(
        gaps.iter()
            .any(|gap| gap.contains("line 2 names by a variable")),
        "{gaps:#?}"
    );
}

#[test]
fn a_certificate_of_a_token_is_a_gap_without_its_pin_and_none_is_no_gap() {
    let disk = FakeDisk::new()
        .file("/usr/sbin/apache2", "")
        .file("/etc/apache2/apache2.conf", "SSLCertificateFile \"pkcs11:token=web;id=45?pin-value=1234\"\n")
        .file("/usr/sbin/haproxy", "")
        .file("/etc/haproxy/haproxy.cfg", "frontend f\n  bind :443 ssl crt @web/shop\n  server a 192.0.2.7:443 ssl ca-file @system-ca\n")
        .file("/lib/systemd/system/postfix@.service", "")
        .file("/etc/postfix/main.cf", "smtpd_tls_cert_file = none\nsmtpd_tls_chain_files = pkcs11:token=mail;pin-value=1234\n");
    let recorder = look_for_uses(disk);
    let mut gaps: Vec<&str> = recorder.gaps().map(|gap| gap.what.as_str()).collect();
    gaps.sort_unstable();
    assert_eq!(
        gaps,
        [
            "the certificate that /etc/apache2/apache2.conf line 1 names, which is no file",
            "the certificate that /etc/haproxy/haproxy.cfg line 2 names, which is no file",
            "the certificate that /etc/postfix/main.cf line 2 names, which is no file",
        ]
    );
    let everything = format!("{:?}", recorder.records);
    assert!(!everything.contains("1234"), "{everything}");
    assert!(!everything.contains("will not start"), "{everything}");
}

#[test]
fn includes_without_end_are_cut_and_are_a_gap() {
    let many: String = (0..40_000)
        .map(|number| format!("include /srv/*/{number}*;\n"))
        .collect();
    for settings in ["include /proc/*/task/*/*;\n", many.as_str()] {
        let disk = FakeDisk::new()
            .file("/lib/systemd/system/nginx.service", "")
            .file("/srv/a/b", "")
            .file("/proc/1/task/1/stat", "")
            .file("/etc/nginx/nginx.conf", settings);
        let recorder = look_for_uses(disk);
        let gaps: Vec<String> = recorder
            .gaps()
            .map(|gap| format!("{}: {}", gap.what, gap.reason))
            .collect();
        let wanted = format!(
            "settings of nginx not read any more: {}",
            Reason::BudgetExhausted
        );
        assert_eq!(gaps, [wanted]);
    }
}
