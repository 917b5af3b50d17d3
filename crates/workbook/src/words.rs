//! The words of the document for what it says by a variant.

use groma_model::CoverageState;
use groma_model::fact::{CertificateRole, ComponentClass, ForwardMode, WatchPurpose};
use groma_model::inventory::{
    Basis, Disposition, FindingOrigin, FindingState, Likelihood, ReachedBy, Severity, Strength,
    VerdictWord,
};
use groma_model::ledger::ConsumerClass;
use groma_model::mail_ledger::MailSide;
use groma_model::name::Protection;

pub(crate) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

pub(crate) const fn likelihood(likelihood: Likelihood) -> &'static str {
    match likelihood {
        Likelihood::Low => "low",
        Likelihood::Medium => "medium",
        Likelihood::High => "high",
    }
}

pub(crate) const fn state(state: FindingState) -> &'static str {
    match state {
        FindingState::Open => "open",
        FindingState::Closed => "closed",
        FindingState::Accepted => "accepted",
    }
}

pub(crate) const fn origin(origin: FindingOrigin) -> &'static str {
    match origin {
        FindingOrigin::Generated => "generated",
        FindingOrigin::Person => "person",
    }
}

pub(crate) const fn verdict(verdict: VerdictWord) -> &'static str {
    match verdict {
        VerdictWord::Confirmed => "confirmed",
        VerdictWord::Wrong => "wrong",
        VerdictWord::Accepted => "accepted",
    }
}

/// What the consumer does when the provider is gone.
pub(crate) const fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Blocking => "stops",
        Strength::Degrading => "limps",
        Strength::Unknown => "unknown",
    }
}

pub(crate) const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Observed => "observed",
        Basis::Declared => "declared",
        Basis::Inferred => "inferred",
    }
}

pub(crate) const fn reached_by(by: ReachedBy) -> &'static str {
    match by {
        ReachedBy::Name => "name",
        ReachedBy::Alias => "alias",
        ReachedBy::AddressLiteral => "address-literal",
        ReachedBy::HostsFile => "hosts-file",
        ReachedBy::Broadcast => "broadcast",
    }
}

pub(crate) const fn protection(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "none",
        Protection::Starttls => "starttls",
        Protection::Tls => "tls",
    }
}

pub(crate) const fn disposition(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Stay => "stay",
        Disposition::Move => "move",
        Disposition::Replace => "replace",
        Disposition::Retire => "retire",
    }
}

pub(crate) const fn component(class: ComponentClass) -> &'static str {
    match class {
        ComponentClass::Unit => "unit",
        ComponentClass::Executable => "executable",
        ComponentClass::ScheduledJob => "scheduled job",
        ComponentClass::Device => "device",
        ComponentClass::File => "file",
        ComponentClass::Container => "container",
    }
}

pub(crate) const fn consumer(class: ConsumerClass) -> &'static str {
    match class {
        ConsumerClass::Device => "device",
        ConsumerClass::Monitoring => "monitoring",
        ConsumerClass::Application => "application",
        ConsumerClass::Person => "person",
        ConsumerClass::Server => "server",
        ConsumerClass::Unknown => "unknown",
    }
}

pub(crate) const fn side(side: MailSide) -> &'static str {
    match side {
        MailSide::Sends => "sends",
        MailSide::Reads => "reads",
    }
}

pub(crate) const fn watch(purpose: WatchPurpose) -> &'static str {
    match purpose {
        WatchPurpose::WatchedBy => "watched by",
        WatchPurpose::Watches => "watches",
        WatchPurpose::LogsTo => "logs go to",
    }
}

pub(crate) const fn role(role: CertificateRole) -> &'static str {
    match role {
        CertificateRole::Presents => "presents",
        CertificateRole::Trusts => "trusts",
    }
}

pub(crate) const fn mode(mode: ForwardMode) -> &'static str {
    match mode {
        ForwardMode::HttpProxy => "http-proxy",
        ForwardMode::TcpProxy => "tcp-proxy",
        ForwardMode::Nat => "nat",
        ForwardMode::Tunnel => "tunnel",
    }
}

pub(crate) const fn coverage(state: CoverageState) -> &'static str {
    match state {
        CoverageState::Complete => "complete",
        CoverageState::Partial => "partial",
    }
}
