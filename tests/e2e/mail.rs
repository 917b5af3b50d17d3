//! The mail of a domain, from the question to the page: a real BIND with two views, the settings of a mail server that
//! signs, hands on and forwards, a wave; looked at from inside and from outside, imported, reported.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use groma_tests::{Kind, Machine};
use serde_json::Value;

const NAMED_CONF: &str = "options { directory \"/run/named\"; listen-on { 127.0.0.1; 10.99.7.10; }; listen-on-v6 { none; };
  recursion no; pid-file none; session-keyfile \"/run/named/key\"; dnssec-validation no; empty-zones-enable no; notify no; };
controls { };
view inside { match-clients { 127.0.0.1; };
  zone corp.example { type master; file \"inside\"; };
  zone 99.10.in-addr.arpa { type master; file \"private\"; };
  zone 100.51.198.in-addr.arpa { type master; file \"public\"; }; };
view outside { match-clients { any; };
  zone corp.example { type master; file \"outside\"; };
  zone 99.10.in-addr.arpa { type master; file \"private\"; };
  zone 100.51.198.in-addr.arpa { type master; file \"public\"; }; };
";

const HEAD: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns.corp.example.
";

const MAIL: &str = "  86400 IN MX 10 mail1
  IN TXT \"v=spf1 mx ip4:198.51.100.7 ip4:198.51.100.8 -all\"
  IN TXT \"proof=canary-5f4dcc3b\"
_dmarc IN TXT \"v=DMARC1; p=reject\"
sel2025._domainkey IN TXT \"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEB\"
_kerberos._tcp 7200 IN SRV 0 100 88 mail1
";

const INSIDE: &str = "ns IN A 127.0.0.1
mail1 300 IN A 10.99.7.10
";

const OUTSIDE: &str = "ns IN A 10.99.7.10
mail1 7200 IN A 198.51.100.8
";

const WAVE: &str = "name = \"w1\"
order = 1
window = { from = 2090-01-10T20:00:00Z, to = 2090-01-11T04:00:00Z }
members = [\"app1\"]
";

/// A mail server as Debian's packages and a person leave it.
const SETTINGS: &str = "ln -s /lib/systemd/system/postfix.service /etc/systemd/system/multi-user.target.wants/
 mkdir -p /etc/postfix /etc/rspamd/local.d
 printf 'myhostname = mail1.corp.example\\nmydestination = $myhostname, corp.example\\nrelayhost = [gate.partner.example]:587\\nalias_maps = hash:/etc/aliases\\nalways_bcc = all@archive.example\\n' > /etc/postfix/main.cf
 printf 'postmaster: root\\nsales: canary.person@example.net, anna\\nticket: \"|/opt/ticket/in --token canary-token\"\\n' > /etc/aliases
 printf 'Domain corp.example\\nSelector sel2025\\nKeyFile /etc/dkim/canary.private\\nMode sv\\n' > /etc/opendkim.conf
 printf 'domain {\\n  corp.example {\\n    selector = \"lost\";\\n  }\\n}\\n' > /etc/rspamd/local.d/dkim_signing.conf";

/// Starts BIND on the machine; the files are written by standard input, so that no quote is in the way.
fn name_server(machine: &Machine) -> bool {
    if !std::path::Path::new("/usr/sbin/named").exists() {
        groma_tests::skip("named is not installed here");
        return false;
    }
    machine.shell("mkdir -p /run/named");
    let public = format!("{HEAD}8 IN PTR mail1.corp.example.\n");
    let private = format!("{HEAD}10.7 IN PTR mail1.corp.example.\n");
    let files = [
        ("conf", NAMED_CONF.to_owned()),
        ("inside", format!("{HEAD}{MAIL}{INSIDE}")),
        ("outside", format!("{HEAD}{MAIL}{OUTSIDE}")),
        ("public", public),
        ("private", private),
    ];
    for (name, text) in files {
        let path = format!("/run/named/{name}");
        machine
            .run_with(&["tee", &path], text.as_bytes())
            .expect_code(0);
    }
    machine.shell(
        "setsid named -g -n 1 -c /run/named/conf >/run/named/log 2>&1 </dev/null &
         for try in $(seq 300); do grep -q ' running' /run/named/log && exit 0; sleep 0.1; done
         cat /run/named/log >&2; exit 1",
    );
    true
}

fn findings<'a>(inventory: &'a Value, check: &str) -> Vec<&'a Value> {
    let all = inventory["findings"].as_array().unwrap();
    all.iter().filter(|f| f["check"] == check).collect()
}

fn only<'a>(inventory: &'a Value, check: &str) -> &'a Value {
    let found = findings(inventory, check);
    assert_eq!(found.len(), 1, "{check}: {found:#?}");
    found[0]
}

#[test]
fn the_mail_of_a_domain_stands_in_the_report_with_what_must_be_lowered_by_when() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    if !name_server(&machine) {
        return;
    }
    machine.shell(SETTINGS);
    machine
        .run_with(&["tee", "/root/w1.toml"], WAVE.as_bytes())
        .expect_code(0);
    for (server, agent) in [("127.0.0.1", "inside"), ("10.99.7.10", "outside")] {
        machine.shell(&format!(
            "echo nameserver {server} > /etc/resolv.conf
             GROMA_STATE_DIR=/root/{agent} groma-agent look --for 0s --source host --source names \
               --mail-domain corp.example --out /root/{agent}.batch
             groma import --data /root/data /root/{agent}.batch"
        ));
    }
    machine.shell(
        "groma export --data /root/data --wave /root/w1.toml --format json --out /root/inventory.json
         groma report --data /root/data --wave /root/w1.toml --format markdown --out /root/page.md",
    );
    let text = machine.shell("cat /root/inventory.json");
    let inventory: Value = serde_json::from_str(&text).unwrap();
    judge(&inventory);
    let page = machine.shell("cat /root/page.md");
    for line in [
        "## Mail domains",
        "## Mail routes",
        "gate.partner.example:587",
        "sel2025.\\_domainkey.corp.example",
        "MX at corp.example is remembered for 1 day: lower it before 2090-01-09 20:00 UTC",
        "SRV of the directory at \\_kerberos.\\_tcp.corp.example is remembered for 2 hours",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    let batches = machine.shell("zstd -dc /root/inside.batch /root/outside.batch");
    for canary in ["canary", "anna, ", "proof="] {
        assert!(!text.contains(canary) && !page.contains(canary), "{canary}");
        assert!(!batches.contains(canary), "{canary} left the machine");
    }
}

fn judge(inventory: &Value) {
    let says = |check: &str, field: &str| only(inventory, check)[field].to_string();
    let lower = says("ttl-too-long", "indicator");
    assert!(lower.contains("MX at corp.example"), "{lower}");
    // Three hundred seconds are short enough; the name of an address goes with the address.
    assert!(!lower.contains("300") && !lower.contains("PTR"), "{lower}");
    let reverse = says("mail-reverse-fault", "indicator");
    // The other one's name leads back for those outside, and to a private address inside.
    assert_eq!(reverse, "\"198.51.100.7 has no name\"");
    let missing = says("dkim-key-missing", "indicator");
    assert!(
        missing.contains("lost._domainkey.corp.example"),
        "{missing}"
    );
    let signed = only(inventory, "mail-signed-on-host");
    assert_eq!(signed["severity"], "high", "{signed}");
    let differ = says("mail-views-differ", "indicator");
    assert!(
        differ.contains("10.99.7.10") && differ.contains("198.51.100.8"),
        "{differ}"
    );
    for check in [
        "mail-record-names-host",
        "service-record-names-host",
        "mail-forwarded-outside",
        "mail-runs-program",
        "mail-copied-to-archive",
    ] {
        only(inventory, check);
    }
    // Nothing that mail is handed on to goes, and its SPF is as it should be.
    for silent in ["mail-route-to-leaving", "spf-fault"] {
        assert_eq!(findings(inventory, silent), [] as [&Value; 0], "{silent}");
    }
}
