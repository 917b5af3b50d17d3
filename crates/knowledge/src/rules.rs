//! Where configuration files name other machines: one TOML file per product, `rules/*.toml`.
//!
//! A rule says which files it reads, in which format, and what to take from them. The extractor engine
//! (`groma-source-config`) turns every format into the same thing, a list of settings (section, key, value,
//! line), so a rule never contains code. Beside each rule stands `rules/fixtures/<id>/`: files in the
//! product's format, decoys among them, and the references they must give.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use groma_model::Transport;
use groma_model::name::Protection;
use serde::Deserialize;

/// What one product's files say about other machines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Permanent name: it is written into evidence.
    pub id: String,
    /// The product, for a person.
    pub product: String,
    /// Units that read these files; the first one that exists on the machine is the consumer.
    #[serde(default)]
    pub units: Vec<String>,
    /// Globs over whole paths: `*` within a name, `**` across directories.
    pub files: Vec<String>,
    /// Globs that take files out again.
    #[serde(default)]
    pub not_files: Vec<String>,
    /// How to read the file.
    pub format: Format,
    /// Keys that begin a group of settings in a format without sections (`Host` of ssh_config).
    #[serde(default)]
    pub groups: Vec<String>,
    /// Those of `groups` whose settings hold for every group after them that says nothing else (`defaults` of msmtp).
    #[serde(default)]
    pub defaults: Vec<String>,
    /// Use the rule only for files another file mentions.
    #[serde(default)]
    pub mentioned: Option<Mention>,
    /// What the product is to a machine that runs only one of the kind (`time`): while another one of that
    /// role runs and this one does not, its files are left over.
    #[serde(default)]
    pub role: Option<String>,
    /// A path that exists as long as the file is in force. Its `*` is what the first `*` of the file's glob
    /// stands for: the version of a cluster. It says nothing where the directory above is absent.
    #[serde(default)]
    pub lives_with: Option<String>,
    /// First words of sections or keys that stand together only in a file about other machines: a play, an
    /// inventory. A file that has all words of one list says nothing about this machine's own needs.
    #[serde(default)]
    pub elsewhere: Vec<Vec<String>>,
    /// Sections that count only where something selects them; the others are hints.
    #[serde(default)]
    pub selected: Vec<Selected>,
    /// Keys that switch the section they stand in off by being there (`profiles` of a composition).
    #[serde(default)]
    pub off_with: Vec<String>,
    /// True if the sections describe machines of which this one is one: where a section, or a `name` in it, is
    /// this machine's own name, it says nothing about others.
    #[serde(default)]
    pub members: bool,
    /// Directives that give a word a value for the rest of the file (`set $backend app1;`, `Define HOST app1`).
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Files that hold the environment of the product, as a shell reads them, besides those its units name.
    #[serde(default)]
    pub environment: Vec<String>,
    /// True if the generic rule (URLs, addresses with ports) also looks at these files.
    #[serde(default)]
    pub generic: bool,
    /// True if the files belong to an application: the consumer is the unit that runs from that directory.
    #[serde(default)]
    pub application: bool,
    /// What to take, the first match per setting wins.
    #[serde(default)]
    pub take: Vec<Take>,
}

/// A directive that names a variable and its value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The directive, lower case. The first word of what it says is the name, the rest the value.
    pub key: String,
    /// How the file spells the variable where it is used; `*` stands for its name.
    pub spelt: Vec<String>,
}

/// A file counts only if another one names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// The files that may name it.
    pub by: Vec<String>,
    /// Globs over the parameters that may name it there; `-o` stands for the options of master.cf.
    pub keys: Vec<String>,
    /// What stands right before the path there, as `mysql:`.
    #[serde(default)]
    pub after: String,
    /// The files it is about, globs: there the value is a path, or a directory above it. None means all of
    /// the rule's files. Where no file of `by` says anything, they all count.
    #[serde(default)]
    pub only: Vec<String>,
    /// How the files that name others are read, where they list paths.
    #[serde(default)]
    pub format: Format,
}

/// Sections of which only the selected ones count.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selected {
    /// The sections in question; what `*` stands for, up to the next `/` or `:`, is the name of one. `**/`
    /// before it means at any depth. In a format without sections: the value of the key that begins a group.
    pub sections: Vec<String>,
    /// Names that are always in force, lower case.
    #[serde(default)]
    pub always: Vec<String>,
    /// Settings of the same file that give the names in force.
    #[serde(default)]
    pub by: Vec<SelectedBy>,
    /// Names the product's own package writes into the file, lower case: unless a setting puts them in force,
    /// they are not even hints.
    #[serde(default)]
    pub shipped: Vec<String>,
    /// What counts in a file that puts no name in force.
    #[serde(default)]
    pub without: Without,
    /// What stands right before a name where another file calls it, as `service=`.
    #[serde(default)]
    pub called: Vec<String>,
    /// A word that must stand on the same line as the call.
    #[serde(default)]
    pub near: Option<String>,
}

/// Settings that give names of sections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectedBy {
    /// Globs over the section of the setting, lower case.
    pub sections: Vec<String>,
    /// Globs over its key.
    pub keys: Vec<String>,
    /// True if the package writes such settings too: they put none of the shipped names in force.
    #[serde(default)]
    pub stock: bool,
}

/// What counts where no name is in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Without {
    /// Every section.
    #[default]
    All,
    /// No section.
    None,
}

/// The formats the engine reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `key = value` (or `key: value`, as in properties), no sections, `#`, `;` and `!` comments.
    #[default]
    Equals,
    /// `key value value`, `#` comments; lines in `<…>` are skipped (Apache).
    Words,
    /// `[section]` and `key = value`.
    Ini,
    /// `key: value` with headings ending in a colon (unbound).
    Colon,
    /// Paragraphs of `Key: value` between empty lines (deb822).
    Paragraphs,
    /// `name arguments { … }` with statements ending in `;` (nginx, BIND, syslog-ng).
    Braces,
    /// `name { key = value }` and `[section]`, one per line (krb5, dovecot, bacula, keepalived).
    Blocks,
    /// TOML.
    Toml,
    /// YAML and JSON.
    Yaml,
    /// XML: elements and attributes.
    Xml,
    /// Columns divided by white space; keys are `1`, `2`, ….
    Columns,
    /// Columns divided by `:` (`.pgpass`).
    ColonColumns,
    /// `NAME=value` as a shell reads it, and the commands between.
    Shell,
    /// A unit of systemd.
    Unit,
    /// Jobs of anacron: period, delay, name and a command.
    Anacron,
    /// A crontab of a user (`cron-user`) is five columns and a command.
    CronUser,
    /// A system crontab has the account as sixth column.
    CronSystem,
    /// Postfix main.cf: continuation lines and `$name`.
    Postfix,
    /// Literal assignments in PHP.
    Php,
    /// Literal assignments in Python.
    Python,
    /// rsyslog: selectors with `@host`, and `action(…)`.
    Rsyslog,
    /// SSH known hosts.
    KnownHosts,
    /// Preferences of Mozilla programs; servers no account uses are left out.
    Prefs,
    /// Registry files as text, of Windows and of Wine.
    Registry,
    /// Packet filters: connections handed on to other machines; keys are `tcp` and `udp`, beside them `port`.
    Nat,
    /// The scripts of logrotate's files, as a shell reads them.
    Logrotate,
    /// A job of at: the commands behind its environment.
    AtJob,
    /// Command files and scripts of Windows: keys `share`, `printer` and `time`.
    WindowsScript,
    /// Objects of Nagios and its kin: one `command` per host and service.
    Nagios,
    /// As `ini`, where all sections together are one thing: keys are `section.key` (Evolution's sources).
    IniWhole,
    /// Preferences of a group policy: as `xml`, but what is switched off is left out.
    GroupPolicy,
    /// What a MySQL replica remembers of its primary (`master.info`): keys `host`, `account`, `port`.
    MasterInfo,
    /// Every line that is no comment, under the key `line`.
    TextLines,
    /// `key:type:value` (`.rdp`).
    Typed,
    /// Oracle's `tnsnames.ora`: one group per address, keys `host`, `port`, `protocol`, `service_name`, `sid`.
    Tns,
    /// Pipelines of Logstash: `plugin { key => value }`.
    Logstash,
    /// `slapd.conf` and the LDIF of OpenLDAP's own configuration, continued lines joined.
    Ldif,
    /// `sendmail.cf` and its source: keys `DS`, `SMART_HOST` and the like.
    Sendmail,
    /// Literal assignments in Lua.
    Lua,
    /// Literal assignments in Perl.
    Perl,
    /// Literal assignments in JavaScript, of programs that run on a server.
    Javascript,
    /// Literal assignments in Ruby.
    Ruby,
    /// PowerShell: cmdlets, calls and hash tables.
    Powershell,
    /// The hosts file: names, not references.
    Hosts,
}

/// One thing to take from a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// Distinguishes takes of one rule in evidence: the reference's rule is `<rule>-<id>`.
    #[serde(default)]
    pub id: Option<String>,
    /// Globs over the key, case ignored. What `*` stands for is put into `*` of the sibling keys below.
    pub keys: Vec<String>,
    /// Globs over the section (parts joined by `/`), case ignored; none means any.
    #[serde(default)]
    pub sections: Vec<String>,
    /// Siblings (keys of the same section) and the globs one of which their value must match.
    #[serde(default)]
    pub when: BTreeMap<String, Vec<String>>,
    /// Siblings and globs their value must not match.
    #[serde(default)]
    pub unless: BTreeMap<String, Vec<String>>,
    /// How the value names a machine.
    pub value: Shape,
    /// True if the machine stands in the key (BIND's `forwarders { 10.0.0.1; }`).
    #[serde(default)]
    pub from_key: bool,
    /// Values that name nobody, as `none`; globs, case ignored.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Dependency kind; a URL may say it better.
    #[serde(default = "other")]
    pub kind: String,
    /// Port where none is written.
    #[serde(default)]
    pub port: Option<u16>,
    /// Transport where none is written.
    #[serde(default = "tcp")]
    pub transport: Transport,
    /// Protection where none is written.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// Siblings that hold the port.
    #[serde(default)]
    pub port_keys: Vec<String>,
    /// Siblings that hold the account.
    #[serde(default)]
    pub account_keys: Vec<String>,
    /// Siblings that hold the mechanism of SASL it logs on by.
    #[serde(default)]
    pub mechanism_keys: Vec<String>,
    /// Sibling and value without which no mechanism of SASL is used, whatever else is written.
    #[serde(default)]
    pub mechanism_when: BTreeMap<String, Vec<String>>,
    /// Siblings that hold the account of a logon by SASL, which is another one than that of a simple bind.
    #[serde(default)]
    pub mechanism_account_keys: Vec<String>,
    /// Siblings that hold database, base, path.
    #[serde(default)]
    pub resource_keys: Vec<String>,
    /// Siblings that hold a secret: only that they exist is said.
    #[serde(default)]
    pub secret_keys: Vec<String>,
    /// Sibling and value that mean TLS from the first byte.
    #[serde(default)]
    pub tls_when: BTreeMap<String, Vec<String>>,
    /// Sibling and value that mean an upgrade on the same port.
    #[serde(default)]
    pub starttls_when: BTreeMap<String, Vec<String>>,
    /// A hint, not a need.
    #[serde(default)]
    pub weak: bool,
}

/// How a value names machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One `host`, `host:port`, `[v6]:port` or URL; the first word of the value.
    Host,
    /// A host, and behind it its port as a word: `redis1 6379`, `10.0.0.1 port 5353`.
    HostPort,
    /// As `host-port`, where a word is a name of something else (BIND's lists of primaries).
    AddressPort,
    /// Many of them, divided by commas, semicolons or white space.
    Hosts,
    /// Any URL within the value.
    Urls,
    /// `[host]:port` or `transport:[host]:port`; a bare domain means its MX (postfix).
    NextHop,
    /// `inet:host:port` and the like among maps and milters (postfix).
    Inet,
    /// `host=… port=… dbname=… user=…`, or a URL.
    Libpq,
    /// `Server=…;Database=…;User Id=…` (ADO.NET, ODBC).
    KeyedList,
    /// `host:/export` (NFS), also with replicas.
    Export,
    /// `//host/share` or `\\host\share`.
    Unc,
    /// `@host:port` or `@@host:port` with options and template (rsyslog).
    SyslogTarget,
    /// `pattern host1::port : host2 options` (exim route_list).
    EximRoute,
    /// `host@port#name` or `/domain/host#port` (unbound, dnsmasq).
    DnsForward,
    /// `ups@host:port` (nut).
    AtHost,
    /// A command line.
    Command,
    /// A host, and somewhere behind it `port 995` or `service 995` (fetchmail).
    HostNamedPort,
    /// A host, a word, and a port: `proxy1 parent 3128` (squid).
    HostWordPort,
    /// What stands behind `-n` in a line of options: `-v 9 -n collector:2055` (softflowd).
    OptionN,
    /// The second word: `http proxy:3128` (tinyproxy).
    LaterHost,
    /// Every word but the first: `domain-name-servers a, b` (dhcpd).
    LaterHosts,
    /// A URL, or `account@host:path` (git, borg).
    RemotePath,
    /// `host:port/path` without a scheme (image registries).
    Repository,
    /// A URL whose port, where none is written, is the product's own and not the scheme's.
    UrlOwnPort,
    /// `database@host:port account secret` (ProFTPD).
    DatabaseAtHost,
    /// A word, another one, a host and its port: `monitor cache 10.0.0.1 6379` (Redis Sentinel).
    ThirdHostPort,
    /// `set/host:port,host:port` (a replica set of MongoDB).
    RemoteSet,
    /// The other end of `port:host:port` (cntlm).
    TunnelEnd,
    /// `zone=host;host:port, zone=host` (PowerDNS Recursor).
    ZoneForward,
    /// `10.0.0.1@53 KEY` or `AXFR 10.0.0.1 NOKEY` (NSD).
    Transfer,
    /// `addr=host` among the options of a mount.
    MountAddress,
    /// The machine behind `via` (a route).
    Via,
    /// A helper program and its options: `basic_ldap_auth -h host -p 389`, `-H ldap://host` (squid).
    Helper,
    /// `ldapserver="a b" ldapport=389`, `radiusservers="a,b"` among other words (PostgreSQL).
    NamedHosts,
    /// `host("address" port(…))` of syslog-ng, host and port in parentheses.
    SyslogNg,
}

fn other() -> String {
    "other".to_owned()
}

fn tcp() -> Transport {
    Transport::Tcp
}

/// What a URL's scheme says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Its names, lower case.
    pub names: Vec<String>,
    /// Dependency kind.
    pub kind: String,
    /// Port where the URL states none.
    #[serde(default)]
    pub port: Option<u16>,
    /// Transport.
    #[serde(default = "tcp")]
    pub transport: Transport,
    /// Protection.
    #[serde(default)]
    pub protection: Option<Protection>,
}

/// A program that is told on its command line whom to call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// File names of the program.
    pub programs: Vec<String>,
    /// Dependency kind.
    pub kind: String,
    /// Port where none is given.
    #[serde(default)]
    pub port: Option<u16>,
    /// Transport, where it is not the usual one.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// Options followed by (or joined with) a host.
    #[serde(default)]
    pub host_options: Vec<String>,
    /// Options with a port.
    #[serde(default)]
    pub port_options: Vec<String>,
    /// Options with an account.
    #[serde(default)]
    pub account_options: Vec<String>,
    /// Options with a database, base or share.
    #[serde(default)]
    pub resource_options: Vec<String>,
    /// Options with a secret: their words are dropped unread.
    #[serde(default)]
    pub secret_options: Vec<String>,
    /// Options that hand a port of this machine on to one at the other end: `-L 3306:db1:3306`.
    #[serde(default)]
    pub forward_options: Vec<String>,
    /// Options followed by `NAME=VALUE`, and the names that say a host (`mail -S smtp=HOST`).
    #[serde(default)]
    pub setting_options: Vec<String>,
    /// See `setting_options`.
    #[serde(default)]
    pub setting_names: Vec<String>,
    /// Options with a proxy to go through.
    #[serde(default)]
    pub proxy_options: Vec<String>,
    /// Options with the remote shell a command goes through: `-e 'ssh -p 2222'`.
    #[serde(default)]
    pub shell_options: Vec<String>,
    /// Other options that take a word, so that it is not taken for an argument.
    #[serde(default)]
    pub worded_options: Vec<String>,
    /// What the arguments are.
    #[serde(default)]
    pub arguments: Arguments,
}

/// What the arguments of a command are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arguments {
    /// Nothing that names a machine.
    #[default]
    None,
    /// URLs.
    Urls,
    /// URLs, or where none stands the first one as a host.
    UrlsOrHost,
    /// The first one is a host, perhaps `account@host`.
    Host,
    /// The first one is a host, the second a port.
    HostPort,
    /// Any of them may be `account@host:path`.
    RemotePaths,
    /// `//host/share`.
    Unc,
    /// A mount source.
    MountSource,
    /// Words `host=… dbname=…` or a URL.
    Libpq,
    /// `account/secret@//host:port/service` (Oracle); an alias stands in a file of its own.
    OracleLogin,
    /// Words `@host` (dig).
    AtServer,
    /// `thing@host:port` (nut).
    AtHost,
}

/// Names that look like endpoints and are not, and files that are nobody's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Hosts of URLs that name a document, a namespace or a licence, not a place anybody calls.
    pub name_hosts: Vec<String>,
    /// Keys whose URL is for a person to read, lower case.
    pub reading_keys: Vec<String>,
    /// Names of directories never entered.
    pub directories: Vec<String>,
    /// Whole paths never entered or read; globs.
    pub paths: Vec<String>,
    /// Directories at the top of a drive of Windows that are nobody's settings, lower case.
    pub drive_tops: Vec<String>,
    /// Endings of file names that are no configuration, lower case.
    pub endings: Vec<String>,
    /// File names that are no configuration, lower case.
    pub names: Vec<String>,
    /// Pieces of file names that mark a sample or a copy, lower case.
    pub marks: Vec<String>,
    /// Names of directories of the list above that a search for a name enters all the same.
    pub searched_directories: Vec<String>,
    /// Endings of the list above that a search for a name reads all the same.
    pub searched_endings: Vec<String>,
    /// Whole paths that even a search for a name leaves alone; globs.
    pub unsearched_paths: Vec<String>,
}

/// Keys whose value is a host even where no rule knows the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommonKeys {
    /// What to take, as in a rule.
    pub take: Vec<Take>,
    /// Last words of keys after which an address with a port is a peer, lower case.
    pub peer_words: Vec<String>,
    /// Keys that name machines somebody manages from here, not machines somebody needs here.
    pub managed_keys: Vec<String>,
    /// Words of a key, or of what is around it, after which a machine is the reader itself or a guest, not a need.
    pub own_words: BTreeSet<String>,
    /// What words say about the kind of a need, by kind.
    pub kind_words: BTreeMap<String, Vec<String>>,
    /// Ports of products by the word that names them.
    pub word_ports: BTreeMap<String, u16>,
}

macro_rules! rules {
    ($($name:literal),* $(,)?) => {
        /// Name and text of every rule file.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../rules/", $name, ".toml")))),*];
    };
}

rules![
    "amanda",
    "anacron",
    "apache",
    "apcupsd",
    "apt",
    "apt-cacher-ng",
    "apt-deb822",
    "apt-proxy",
    "asterisk",
    "at-job",
    "authelia",
    "autofs",
    "backup-manager",
    "bacula",
    "batch-file",
    "bind",
    "borgmatic",
    "burp",
    "certbot",
    "chrony",
    "clamav-milter",
    "cntlm",
    "collectd",
    "compose",
    "container-registries",
    "containerd-hosts",
    "corosync",
    "courier-auth",
    "cron-system",
    "cron-user",
    "ctdb",
    "cups-browsed",
    "cups-client",
    "cups-printers",
    "cyrus-imapd",
    "data-connection",
    "data-link",
    "davfs2",
    "ddclient",
    "dehydrated",
    "dex",
    "dhcp-relay",
    "dhcpd",
    "dhcpd-options",
    "dma",
    "dnsmasq",
    "docker-daemon",
    "dokuwiki",
    "dovecot",
    "drbd",
    "duo-authproxy",
    "duo-unix",
    "ejabberd",
    "elasticsearch",
    "environment-file",
    "etcd",
    "evolution",
    "exim",
    "exim-debconf",
    "fetchmail",
    "filebeat",
    "filezilla",
    "firewalld",
    "fluent-bit",
    "fprobe",
    "freeradius",
    "freshclam",
    "fstab",
    "getmail",
    "git-remote",
    "gitea",
    "gitlab",
    "gitlab-runner",
    "grafana",
    "grafana-datasources",
    "group-policy",
    "group-policy-scripts",
    "guacamole",
    "haproxy",
    "hostapd",
    "hosts",
    "hylafax-client",
    "iaxmodem",
    "icinga2",
    "ifupdown",
    "inventory-agent",
    "iis",
    "iscsi",
    "javascript",
    "jenkins",
    "journal-upload",
    "kafka",
    "keepalived",
    "keycloak",
    "kibana",
    "knot",
    "known-hosts",
    "krb5",
    "kubeconfig",
    "ldap-conf",
    "libreoffice",
    "linotp",
    "logon-script",
    "logrotate",
    "logstash",
    "lsyncd",
    "mailman",
    "matomo",
    "maven",
    "maxscale",
    "mbsync",
    "mediawiki",
    "mongodb",
    "monit",
    "moodle",
    "mosquitto",
    "mozilla",
    "msmtp",
    "munin",
    "my-cnf",
    "mysql-replica",
    "nagios",
    "netbackup",
    "netplan",
    "network-manager",
    "networkd",
    "nextcloud",
    "nginx",
    "nginx-revocation",
    "npm",
    "nrpe",
    "nsd",
    "nsclient",
    "nslcd",
    "ntp",
    "nullmailer",
    "nut",
    "nxlog",
    "oauth2-proxy",
    "odbc",
    "openvpn",
    "openvpn-radius",
    "oracle-directory",
    "oxidized",
    "oxidized-devices",
    "pacemaker",
    "packet-filter",
    "pam-radius",
    "pam-second-factor",
    "patroni",
    "pg-service",
    "pgbouncer",
    "pgpass",
    "pgpool",
    "php",
    "php-ini",
    "pip",
    "pmacct",
    "postfix",
    "postfix-ldap",
    "postfix-master",
    "postfix-mysql",
    "postfix-pgsql",
    "postfix-transport",
    "postgresql",
    "postgresql-hba",
    "powershell",
    "powerdns",
    "powerdns-recursor",
    "privacyidea",
    "privacyidea-radius",
    "privoxy",
    "proftpd",
    "prometheus",
    "prometheus-targets",
    "promtail",
    "properties",
    "prosody",
    "puppet",
    "pure-ftpd",
    "python",
    "rabbitmq",
    "radicale",
    "radsecproxy",
    "rclone",
    "redis",
    "redis-sentinel",
    "redmine",
    "redsocks",
    "registry-file",
    "remmina",
    "remote-desktop",
    "resolv-conf",
    "resolved",
    "restic",
    "roundcube",
    "rsnapshot",
    "rspamd",
    "rsyslog",
    "rsyslog-mail",
    "salt-minion",
    "ruby",
    "samba",
    "samba-domain",
    "saml-metadata",
    "sane-epson",
    "sane-kodakaio",
    "sane-magicolor",
    "sane-net",
    "sane-xerox-mfp",
    "sap-profile",
    "script-calls",
    "sendmail",
    "shell-script",
    "shibboleth",
    "shibboleth-idp",
    "shibboleth-idp-properties",
    "sign-in-provider",
    "simplesamlphp",
    "slapd",
    "smokeping",
    "snmp-session",
    "snmpd",
    "softflowd",
    "sogo",
    "squid",
    "ssh-config",
    "ssmtp",
    "sssd",
    "storage-protect",
    "strongswan",
    "strongswan-radius",
    "stunnel",
    "subversion",
    "sudo-ldap",
    "swanctl",
    "sysconfig-routes",
    "syslog-ng",
    "telegraf",
    "timesyncd",
    "tinyproxy",
    "tnsnames",
    "toml-application",
    "unbound",
    "unison",
    "unit",
    "varnish",
    "wazuh",
    "windows-script",
    "wireguard",
    "xml-application",
    "yaml-application",
    "yum",
    "zabbix-agent",
    "zabbix-server",
    "znuny",
];

/// Every rule, in the order of the list: the first one whose globs match a file reads it, further ones too.
pub static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| match toml::from_str::<Rule>(text) {
        Ok(rule) => rule,
        Err(error) => panic!("rules/{name}.toml is compiled in and a test parses it: {error}"),
    };
    FILES.iter().map(parse).collect()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeFile {
    #[serde(rename = "version")]
    _version: u32,
    scheme: Vec<Scheme>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandFile {
    #[serde(rename = "version")]
    _version: u32,
    command: Vec<Command>,
}

static SCHEMES: LazyLock<HashMap<String, Scheme>> = LazyLock::new(|| {
    let file: SchemeFile = toml::from_str(include_str!("../data/schemes.toml"))
        .expect("data/schemes.toml is compiled in and a test parses it");
    file.scheme
        .into_iter()
        .flat_map(|s| s.names.clone().into_iter().map(move |n| (n, s.clone())))
        .collect()
});

static COMMANDS: LazyLock<BTreeMap<String, Command>> = LazyLock::new(|| {
    let file: CommandFile = toml::from_str(include_str!("../data/commands.toml"))
        .expect("data/commands.toml is compiled in and a test parses it");
    file.command
        .into_iter()
        .flat_map(|c| c.programs.clone().into_iter().map(move |n| (n, c.clone())))
        .collect()
});

/// What is not a reference, however much it looks like one.
pub static SILENCE: LazyLock<Silence> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/silence.toml"))
        .expect("data/silence.toml is compiled in and a test parses it")
});

/// What any application's file may say.
pub static COMMON_KEYS: LazyLock<CommonKeys> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/common-keys.toml"))
        .expect("data/common-keys.toml is compiled in and a test parses it")
});

/// What a URL's scheme (lower case) says.
pub fn scheme(name: &str) -> Option<&'static Scheme> {
    SCHEMES.get(name)
}

/// All names of schemes.
pub fn scheme_names() -> impl Iterator<Item = &'static str> {
    SCHEMES.keys().map(String::as_str)
}

/// How the command line of a program (its file name) names other machines.
pub fn command(program: &str) -> Option<&'static Command> {
    COMMANDS.get(program)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use groma_model::registry::REGISTRY;

    use super::*;

    fn is_kind(word: &str) -> bool {
        REGISTRY.dependencies.contains_key(word)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a test looks whether a file was forgotten"
    )]
    #[test]
    fn every_rule_file_is_in_the_list_and_named_like_its_rule() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let on_disk: BTreeSet<String> = std::fs::read_dir(directory)
            .unwrap()
            .filter_map(|e| {
                e.unwrap()
                    .file_name()
                    .to_str()
                    .and_then(|n| n.strip_suffix(".toml"))
                    .map(str::to_owned)
            })
            .collect();
        let listed: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(on_disk, listed);
        for (rule, (name, _)) in RULES.iter().zip(FILES) {
            assert_eq!(rule.id, *name);
        }
    }

    #[test]
    fn every_rule_has_a_fixture_beside_it() {
        for rule in RULES.iter() {
            let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("rules/fixtures")
                .join(&rule.id);
            assert!(fixture.join("expected.snap").is_file(), "{}", rule.id);
        }
    }

    #[test]
    fn every_kind_is_a_word_of_the_registry() {
        for rule in RULES.iter() {
            for take in &rule.take {
                assert!(is_kind(&take.kind), "{} {:?}", rule.id, take.keys);
                assert!(!take.keys.is_empty(), "{}", rule.id);
            }
        }
        assert!(SCHEMES.values().all(|s| is_kind(&s.kind)));
        assert!(COMMANDS.values().all(|c| is_kind(&c.kind)));
        assert!(COMMON_KEYS.take.iter().all(|t| is_kind(&t.kind)));
        assert!(COMMON_KEYS.kind_words.keys().all(|kind| is_kind(kind)));
    }

    #[test]
    fn no_file_an_administrator_edits_is_silenced_whole() {
        let silent = &SILENCE.paths;
        for edited in ["/etc/inspircd", "/etc/ocserv/ocserv.conf"] {
            assert!(!silent.iter().any(|path| path == edited), "{edited}");
        }
    }

    #[test]
    fn words_are_lower_case_where_they_are_compared_so() {
        assert!(scheme_names().all(|n| n == n.to_ascii_lowercase()));
        let silence = &*SILENCE;
        for word in silence
            .reading_keys
            .iter()
            .chain(&silence.endings)
            .chain(&silence.names)
            .chain(&silence.marks)
        {
            assert_eq!(*word, word.to_ascii_lowercase());
        }
    }
}
