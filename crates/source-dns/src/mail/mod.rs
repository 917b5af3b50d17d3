//! The mail of domains: what the domain name system says about who takes it, who may send it, and what proves it.

mod asking;
mod reverse;
mod spf;
mod tenants;

use groma_model::{CoverageState, Fact, HostName, Reason, Scope, SourceName};
use groma_source::names::RESOLV_CONF;
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use self::asking::{Asking, Told};
use crate::parse::Resolvers;

/// Selectors that are asked for beyond the usual ones.
const SELECTORS_MAX: usize = 200;

/// A selector of DKIM that somebody knows: it cannot be listed from outside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Selector {
    /// The domain whose mail is signed with it; `None` where it is not said, and any of the domains may have it.
    pub domain: Option<HostName>,
    /// The selector, as `sel2024`.
    pub name: String,
}

/// `names.mail`: the records about the mail of the domains an operator names, and of no other.
pub struct MailDomains {
    world: World,
    domains: Vec<HostName>,
    selectors: Vec<Selector>,
}

impl MailDomains {
    /// The source over `domains`; the same one twice is asked about once.
    pub fn new(world: World, mut domains: Vec<HostName>) -> Self {
        domains.sort();
        domains.dedup();
        Self {
            world,
            domains,
            selectors: Vec::new(),
        }
    }

    /// The same, asking for keys under these selectors too, beyond the usual ones.
    pub fn with_selectors(mut self, mut selectors: Vec<Selector>) -> Self {
        selectors.sort();
        selectors.dedup();
        selectors.truncate(SELECTORS_MAX);
        self.selectors = selectors;
        self
    }

    fn resolvers(&self) -> Resolvers {
        let world = &self.world;
        crate::resolvers(world.network.as_ref(), world.disk.as_ref()).unwrap_or_default()
    }
}

impl Source for MailDomains {
    fn name(&self) -> SourceName {
        SourceName::new("names.mail")
    }

    fn explain(&self) -> Explanation {
        let domains: Vec<&str> = self.domains.iter().map(HostName::as_str).collect();
        let contacts = match domains.is_empty() {
            true => Vec::new(),
            false => vec![
                format!("the resolvers in {RESOLV_CONF}"),
                format!("the name servers of {}, at port 53", domains.join(", ")),
            ],
        };
        Explanation {
            purpose: "Learns who takes the mail of the domains given with --mail-domain, who may send in their name, where their directory, calls and chats are found, and for how long others remember it.".into(),
            reads: vec![format!("{RESOLV_CONF}: resolvers, search list")],
            contacts,
            sends: vec![
                "NS, SOA, MX, A, AAAA, TXT, TLSA and SRV questions about these domains, TXT questions about those their SPF records include, and PTR questions about the addresses that take or send their mail".into(),
                "the answers: of texts only SPF, DMARC, DKIM, MTA-STS and TLS-RPT, of the SOA only the primary name server".into(),
            ],
            never_sends: vec![
                "anything at all unless a domain was given".into(),
                "a private name to a public server".into(),
                "other texts of a domain, as proofs of ownership".into(),
            ],
            rights: vec!["none".into()],
            cost: "about a hundred and fifty small packets per domain, one after the other".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        if self.domains.is_empty() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let what = "the records of mail domains: the resolver could not be set up";
                sink.missed_because(
                    &Scope::new("mail", ""),
                    what.to_owned(),
                    Reason::of_io(&error),
                    "",
                );
                return;
            }
        };
        let resolvers = self.resolvers();
        let mut asking = Asking::new(
            &resolvers,
            self.world.network.as_ref(),
            window,
            budget,
            &self.selectors,
        );
        for domain in &self.domains {
            let told = runtime.block_on(asking.domain(domain));
            say(domain, told, window, sink);
        }
        runtime.shutdown_background();
    }
}

fn say(domain: &HostName, told: Told, window: &Window, sink: &mut dyn Sink) {
    let scope = Scope::new("mail", domain.as_str());
    let state = match told.missed.is_empty() {
        true => CoverageState::Complete,
        false => CoverageState::Partial,
    };
    tenants::unseen(domain, &told.records, window, sink);
    for record in told.records {
        sink.saw_now(window, &scope, Fact::MailRecord(record));
    }
    for (what, reason) in told.missed {
        let remedy = match reason {
            Reason::Forbidden => {
                "look from a machine whose resolvers may be asked, without --offline"
            }
            _ => "look again; if it stays, ask whoever runs the name servers of the domain",
        };
        sink.missed_because(&scope, what, reason, remedy);
    }
    let unlisted = format!(
        "keys for DKIM of {domain} under selectors that are neither usual nor in the settings of this machine: they cannot be listed"
    );
    sink.missed_because(
        &scope,
        unlisted,
        Reason::Unsupported,
        "read the selector (s=) in the header DKIM-Signature of a mail from each sender, and look again with --dkim-selector",
    );
    sink.covered_now(window, &scope, state);
}
