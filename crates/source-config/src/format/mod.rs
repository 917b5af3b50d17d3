//! Readers: the text of a file → settings. Pure, total, and bounded in depth and number.

mod blocks;
mod code;
mod cron;
mod here;
mod lines;
mod logstash;
mod nagios;
mod nat;
mod postfix;
mod prefs;
mod quoted;
mod registry;
mod rsyslog;
mod script;
mod shell;
mod text_lines;
mod tns;
mod tree;
mod unit;
mod windows;
mod xml;

use groma_knowledge::rules::Format;

use crate::settings::Settings;

pub(crate) use cron::{given, rhythm};
pub(crate) use here::Ends;
pub(crate) use lines::{hosts, is_comment};
pub(crate) use shell::{assignment, closing, commands, expand};
pub(crate) use tree::{Tree, tree_value};

/// The settings in `text`. The hosts file has none: see [`hosts`].
pub(crate) fn read(format: Format, groups: &[String], text: &str) -> Settings {
    match format {
        Format::Equals => lines::equals(text),
        Format::Words => lines::words(text, groups),
        Format::Ini => lines::ini(text),
        Format::Colon => lines::colon(text),
        Format::Paragraphs => lines::paragraphs(text),
        Format::Columns => lines::columns(text),
        Format::ColonColumns => lines::colon_columns(text),
        Format::KnownHosts => lines::known_hosts(text),
        Format::Braces => blocks::braces(text),
        Format::Blocks => blocks::blocks(text),
        Format::Toml => tree::toml(text),
        Format::Yaml => tree::yaml(text),
        Format::Xml => xml::xml(text),
        Format::Shell => shell::shell(text),
        Format::Unit => unit::unit(text),
        Format::Anacron => cron::anacron(text),
        Format::CronUser => cron::cron(text, false),
        Format::CronSystem => cron::cron(text, true),
        Format::Postfix => postfix::postfix(text),
        Format::Php => code::php(text),
        Format::Python => code::python(text),
        Format::Rsyslog => rsyslog::rsyslog(text),
        Format::Prefs => prefs::prefs(text),
        Format::Registry => registry::registry(text),
        Format::Nat => nat::nat(text),
        Format::Logrotate => script::logrotate(text),
        Format::AtJob => script::at_job(text),
        Format::WindowsScript => windows::windows(text),
        Format::Nagios => nagios::nagios(text),
        Format::IniWhole => lines::ini_whole(text),
        Format::GroupPolicy => xml::group_policy(text),
        Format::MasterInfo => text_lines::master_info(text),
        Format::TextLines => text_lines::text_lines(text),
        Format::Typed => text_lines::typed(text),
        Format::Tns => tns::tns(text),
        Format::Logstash => logstash::logstash(text),
        Format::Ldif => text_lines::ldif(text),
        Format::Sendmail => text_lines::sendmail(text),
        Format::Lua => code::lua(text),
        Format::Perl => code::perl(text),
        Format::Javascript => code::javascript(text),
        Format::Ruby => code::ruby(text),
        Format::Powershell => crate::script::powershell(text, &crate::script::Alone),
        Format::Hosts => Settings::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Format] = &[
        Format::Equals,
        Format::Words,
        Format::Ini,
        Format::Colon,
        Format::Paragraphs,
        Format::Columns,
        Format::ColonColumns,
        Format::KnownHosts,
        Format::Braces,
        Format::Blocks,
        Format::Toml,
        Format::Yaml,
        Format::Xml,
        Format::Shell,
        Format::Unit,
        Format::CronUser,
        Format::CronSystem,
        Format::Postfix,
        Format::Php,
        Format::Python,
        Format::Rsyslog,
        Format::Prefs,
        Format::Registry,
        Format::Nat,
        Format::Logrotate,
        Format::AtJob,
        Format::WindowsScript,
        Format::Nagios,
        Format::IniWhole,
        Format::GroupPolicy,
        Format::MasterInfo,
        Format::TextLines,
        Format::Typed,
        Format::Tns,
        Format::Logstash,
        Format::Ldif,
        Format::Sendmail,
        Format::Lua,
        Format::Perl,
        Format::Javascript,
        Format::Ruby,
        Format::Powershell,
        Format::Anacron,
    ];

    const CORPUS: &[&[u8]] = &[
        b"host = db1 # note\nport=5432\n[section]\nkey: 'v'\n",
        b"Types: deb\nURIs: http://a/\n http://b/\n\n# x\nEnabled: no\n:\n",
        b"upstream app { server 10.0.0.1:80; /* x */ }\n",
        b"[realms]\nCORP = {\n kdc = kdc1\n}\n",
        b"a: {b: [1, *x], c: &x y}\n---\n- d\n",
        b"<a b=\"c\"><d>e&amp;</d><!-- <f/> --></a>",
        b"relayhost = [${a}]:587\na = $a$a\n  more\n",
        b"define('DB_HOST', \"x\"); $a['b']['c'] = ['host' => 'y', ]; // z\n",
        b"DATABASES = {'default': {'HOST': \"db\", }} # c\n\"\"\"doc\"\"\"\n",
        b"*/5 * * * * root cd / && curl http://x | sh -c \"ssh a@b\"\n@daily x\n",
        b"*.* @@log1:6514;t\naction(type=\"omfwd\" target=\"x\" port=\"1\")\n",
        b"[Service]\nEnvironment=\"A=b c\" D=e\nExecStart=-/bin/x \\\n  -h y\n",
        b"export A=\"${B:-c}\"\ncat <<EOF\nx\nEOF\nB='q' cmd | $(cmd2 `x`)\n",
        b"user_pref(\"mail.server.s1.hostname\", \"a\\\\b\");\nuser_pref(\"x\", 3);\n",
        b"[A\\\\B] 1\n\"x\"=hex:41,00,\\\n42,00\n\"y\"=dword:0000000f\n[-C]\n",
        b"define w = 1.2.3.4\ntcp dport { 80, 443 } dnat to $w:8080\n-A P -p tcp --dport 1 -j DNAT --to-destination [::1]:2\n",
        b"/l {\n postrotate\n  ssh h\n endscript\n}\nsh << 'marcinDELIMITERx'\nmarcinDELIMITERx\n",
        b"set A=b\nnet use P: \\\\%A%\\c /persistent:no\nstart \"\\\\d\\e f\"\n",
        b"define host {\n host_name a\n address 1.2.3.4\n use t\n}\ndefine service {\n host_name a,!b\n check_command check_tcp!80\n}\n",
        b"full address:s:h:3390\n",
        b"23\nbin.1\n4\nh\nu\np\n3306\n60\n",
        b"<Drives><Drive disabled=\"1\"><Properties path=\"a\"/></Drive><Drive><Properties path=\"b\"/></Drive></Drives>",
        b"A=(D=(ADDRESS=(HOST=h)(PORT=1))(C=(SID=s)))\n# x\n",
        b"output { if [a] { e { hosts => [\"x\", 'y'] k => 5 } } }\n",
        b"dn: x\nolcSyncrepl: {0}provider=ld\n ap://h\nsyncrepl rid=1\n  provider=ldap://h\n",
        b"DSesmtp:[h]\ndefine(`SMART_HOST', `h')dnl\n",
        b"--[[ x ]] sync { host = \"h\", -- y\n}\n",
        b"my %a = (k => 'v', d => \"x\"); $S->{'A::B'} = 'h'; # z\n=pod\nx\n=cut\nmy $u = sprintf 'https://%s.%s', @a{qw(k d)};\n",
        b"const a = { host: process.env.A || 'b', `x${process.env.C || 'd'}` }; // z\nmodule.exports = a\n",
        b"config.smtp = { :address => ENV.fetch('A', 'b'), port: 25 }\n=begin\nx\n=end\n",
        b"$a = @{ K = \"$b.c\" }\nirm @a | % { $_.x -f 1 }\n[N.S]::new('h', 25)\n",
        b"|1|abc=|def= ssh-rsa AAAA\n[h]:22,1.2.3.4 ssh-rsa AAAA\n",
    ];

    #[test]
    fn no_reader_panics_on_any_input() {
        for format in ALL {
            groma_fuzz::hammer(100, CORPUS, |bytes| {
                let text = String::from_utf8_lossy(bytes);
                let settings = read(*format, &[], &text);
                assert!(settings.all.len() <= crate::settings::SETTINGS_MAX);
            });
        }
    }

    #[test]
    fn deep_nesting_ends_in_every_reader() {
        for opening in [
            "{",
            "[",
            "<a>",
            "(",
            "a {\n",
            "a: {",
            "- ",
            "'x' => [",
            "x = {'a': ",
            "$(",
            "${",
            "`",
        ] {
            let text = opening.repeat(4_000);
            for format in ALL {
                let _ = read(*format, &[], &text);
            }
        }
    }

    #[test]
    fn a_line_of_a_megabyte_ends_in_every_reader() {
        let text = "host=x ".repeat(5 << 15);
        for format in ALL {
            let _ = read(*format, &[], &text);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_read_by_any_reader(text in ".{0,400}", which in 0..ALL.len()) {
            let _ = read(ALL[which], &[], &text);
        }
    }
}
