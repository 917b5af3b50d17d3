//! The two sources: what each reads, in which scopes, and how it closes them.

use groma_model::fact::Forward;
use groma_model::{CoverageState, Fact, Reason, Scope, SourceName};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World, disk};

use crate::read::Reading;
use crate::units::Units;
use crate::{apache, crontab, filter, haproxy, inetd, nginx, process, stunnel, wireguard};

/// The names of these sources in evidence.
pub const NAMES: [&str; 3] = ["host.forwards", "host.filter", "host.ruleset"];

const BE_ROOT: &str = "run as root, or grant CAP_DAC_READ_SEARCH";
const WRITTEN_BY_A_PROGRAM: &str = "look at the ruleset itself: a program writes it";
const BE_NET_ADMIN: &str = "run as root, or grant CAP_NET_ADMIN";

/// Proxies, relays and tunnels of this machine.
pub struct ForwardSource {
    world: World,
}

impl ForwardSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for ForwardSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.forwards")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells what takes connections in on this machine and hands them on, so that a need behind a proxy is seen end to end.".into(),
            reads: words(&[
                "nginx, Apache, HAProxy, stunnel: their main files below /etc and what those include (as /usr/share/nginx); /etc/sysconfig, /etc/apache2/envvars and unit files with their drop-ins for how Apache and HAProxy are started",
                "unit files of systemd (/etc/systemd/system, /usr/lib/systemd/system, /lib/systemd/system, /run/systemd/system) and crontabs (/etc/crontab, /etc/cron.d, /var/spool/cron, /etc/crontabs) that start ssh, autossh, socat or systemd-socket-proxyd",
                "ssh_config and ~/.ssh/config of the accounts those run as; /etc/passwd for their homes",
                "/etc/wireguard/*.conf, /etc/systemd/network/*.netdev, /etc/xinetd.d/*, /etc/rinetd.conf, /etc/services",
                "/proc/*/comm; cmdline, cgroup and status of running ssh, autossh and socat",
            ]),
            contacts: Vec::new(),
            sends: words(&["endpoints taken in and sent on to, names they are chosen by, file and line, unit"]),
            never_sends: words(&["keys, passwords, any other argument of a command"]),
            rights: words(&["none for most; root for files only root may read"]),
            cost: "a few hundred small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let mut reading = Reading::new(disk, window, budget);
        let units = Units::look(&mut reading);
        let haproxy_files = units.haproxy_files(&mut reading);
        type Look<'a> = (&'a str, &'a mut dyn FnMut(&mut Reading<'_>) -> Vec<Forward>);
        let looks: [Look<'_>; 9] = [
            ("nginx", &mut nginx::forwards),
            ("apache", &mut apache::forwards),
            ("haproxy", &mut |r: &mut Reading<'_>| {
                haproxy::forwards(r, &haproxy_files)
            }),
            ("stunnel", &mut stunnel::forwards),
            ("wireguard", &mut wireguard::forwards),
            ("inetd", &mut inetd::forwards),
            ("units", &mut |r: &mut Reading<'_>| units.forwards(r)),
            ("crontabs", &mut crontab::forwards),
            ("processes", &mut process::forwards),
        ];
        for (name, look) in looks {
            let scope = Scope::new("forward", name);
            let facts = look(&mut reading).into_iter().map(Fact::Forward);
            say(&mut reading, window, sink, &scope, facts, false);
        }
    }
}

/// Says facts and gaps of one scope, and closes it.
fn say(
    reading: &mut Reading<'_>,
    window: &Window,
    sink: &mut dyn Sink,
    scope: &Scope,
    facts: impl Iterator<Item = Fact>,
    cut: bool,
) {
    facts.for_each(|fact| sink.saw_now(window, scope, fact));
    let missed = std::mem::take(&mut reading.missed);
    let complete = missed.is_empty() && !cut;
    for error in missed {
        let remedy = match error.reason {
            Reason::PermissionDenied => BE_ROOT,
            _ => "see the reason; a larger budget reads more",
        };
        sink.missed_because(
            scope,
            disk::foreign(&error.path).to_string(),
            error.reason,
            remedy,
        );
    }
    if cut {
        sink.missed_because(
            scope,
            "further rules with an address",
            Reason::BudgetExhausted,
            WRITTEN_BY_A_PROGRAM,
        );
    }
    let state = if complete {
        CoverageState::Complete
    } else {
        CoverageState::Partial
    };
    sink.covered_now(window, scope, state);
}

/// Packet filters of this machine, as their files say them.
pub struct FilterSource {
    world: World,
}

impl FilterSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for FilterSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.filter")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells which connections the files of the packet filter hand on, and which of their rules name an address.".into(),
            reads: words(&[
                "/etc/nftables.conf and what it includes; /etc/iptables/rules.v4 and .v6; /etc/ufw/*.rules, ufw.conf; /etc/firewalld/zones/*.xml, policies/*.xml; which units are on (/etc/systemd/system, /usr/lib/systemd/system, /lib/systemd/system, /run/systemd/system)",
            ]),
            contacts: Vec::new(),
            sends: words(SENDS),
            never_sends: words(NEVER_SENDS),
            rights: words(&["root for most of the files, else they are gaps"]),
            cost: "a few files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let mut reading = Reading::new(disk, window, budget);
        let units = Units::look(&mut reading);
        let filters = filter::written(&mut reading, &units);
        let facts = filters.forwards.into_iter().map(Fact::Forward);
        let facts = facts.chain(filters.rules.into_iter().map(Fact::FilterRule));
        let scope = Scope::new("filter", "files");
        say(&mut reading, window, sink, &scope, facts, filters.cut);
    }
}

const SENDS: &[&str] = &[
    "translated destinations; verdict, address, port, chain, file and line of rules that name an address",
];
const NEVER_SENDS: &[&str] =
    &["rules without an address; chains that Docker, Kubernetes, libvirt or fail2ban fill"];

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

/// How the ruleset in force is asked for: the real kernel, or a recorded answer.
type AskKernel = fn() -> std::io::Result<filter::Kernel>;

/// The packet filter in force. It needs a right that processes which only read files do not keep.
pub struct RulesetSource {
    world: World,
    ask: AskKernel,
}

impl RulesetSource {
    /// A source on `world` that asks the kernel.
    pub fn new(world: World) -> Self {
        Self::with_kernel(world, filter::kernel)
    }

    /// A source on `world` with `ask` in place of the kernel.
    pub fn with_kernel(world: World, ask: AskKernel) -> Self {
        Self { world, ask }
    }
}

impl Source for RulesetSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.ruleset")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells which connections the packet filter in force hands on, and which of its rules name an address.".into(),
            reads: words(&[
                "the kernel's nf_tables over netlink: a dump of rules (16 MiB at most), and of the sets they look up (128 KiB of each at most; never asked where that would load a module)",
                "/proc/modules, /proc/sys/kernel/osrelease, /lib/modules/*/modules.builtin, /proc/net/ip_tables_names, ip6_tables_names",
            ]),
            contacts: Vec::new(),
            sends: words(SENDS),
            never_sends: words(NEVER_SENDS),
            rights: words(&["CAP_NET_ADMIN, else one gap"]),
            cost: "a few netlink dumps".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::new(self.world.disk.as_ref(), window, budget);
        let scope = Scope::new("filter", "in-force");
        let mut state = CoverageState::Complete;
        let answer = if filter::is_absent(&mut reading) {
            Ok(filter::Kernel::default())
        } else {
            (self.ask)()
        };
        match answer {
            Ok(kernel) => {
                let filters = filter::live(&kernel);
                if let Some(what) = kernel.left_out.words() {
                    state = CoverageState::Partial;
                    let what = format!("of the ruleset in force {what}");
                    sink.missed_because(
                        &scope,
                        what,
                        Reason::BudgetExhausted,
                        WRITTEN_BY_A_PROGRAM,
                    );
                }
                let facts = filters.forwards.into_iter().map(Fact::Forward);
                facts
                    .chain(filters.rules.into_iter().map(Fact::FilterRule))
                    .for_each(|fact| sink.saw_now(window, &scope, fact));
                // Of a set that was not read whole the one gap tells enough.
                if filters.cut && kernel.left_out.sets_cut == 0 {
                    state = CoverageState::Partial;
                    sink.missed_because(
                        &scope,
                        "further rules with an address",
                        Reason::BudgetExhausted,
                        WRITTEN_BY_A_PROGRAM,
                    );
                }
            }
            // EINVAL, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT: a kernel without nf_tables has no rules of it.
            Err(error) if matches!(error.raw_os_error(), Some(22 | 93 | 95 | 97)) => {}
            Err(error) => {
                state = CoverageState::Partial;
                let what = "the ruleset of nf_tables in force";
                sink.missed_because(&scope, what, Reason::of_io(&error), BE_NET_ADMIN);
            }
        }
        let older = filter::older_tables(&mut reading);
        if !older.is_empty() {
            state = CoverageState::Partial;
            let what = format!("the older iptables in force (tables {})", older.join(", "));
            let remedy = "their saved rules are read; compare them with iptables-legacy-save";
            sink.missed_because(&scope, what, Reason::Unsupported, remedy);
        }
        sink.covered_now(window, &scope, state);
    }
}
