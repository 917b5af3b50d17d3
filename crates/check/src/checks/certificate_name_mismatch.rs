//! `certificate-name-mismatch`: a service is asked for by a name its certificate does not hold.

use groma_model::HostName;
use groma_model::fact::Certificate;
use groma_model::inventory::{Dependency, Likelihood, Severity};
use groma_model::name::Protection;

use crate::view::consumers;
use crate::wording::{agree, names, place, who};
use crate::{Check, Draft, View};

pub(crate) struct CertificateNameMismatch;

impl Check for CertificateNameMismatch {
    fn name(&self) -> &'static str {
        "certificate-name-mismatch"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.grouped(|d| {
            Some((
                name_asked(d)?.as_str().to_owned(),
                certificate(view, d)?.sha256.clone(),
            ))
        });
        let mismatched = groups
            .into_iter()
            .filter_map(|((asked, sha256), dependencies)| {
                let certificate = certificate(view, dependencies.first()?)?;
                (!covers(certificate, &asked))
                    .then(|| draft(view, &asked, &sha256, certificate, &dependencies))
            });
        mismatched.collect()
    }
}

/// The qualified name under which somebody asks for a protected service of another machine.
fn name_asked(dependency: &Dependency) -> Option<HostName> {
    let open = dependency.details.protection == Some(Protection::None);
    let name = HostName::parse(dependency.reached_as.as_deref()?)?;
    (!open && !dependency.details.local && name.is_qualified()).then_some(name)
}

/// The certificate the provider presents at the port that is asked for.
fn certificate<'a>(view: &View<'a>, dependency: &Dependency) -> Option<&'a Certificate> {
    let port = dependency.provider.port?;
    let listener = view
        .listeners(&dependency.provider.entity)
        .iter()
        .find(|l| l.port == port && l.certificate.is_some())?;
    view.entity(listener.certificate.as_ref()?)?
        .attributes
        .certificate
        .as_ref()
}

/// True if the certificate holds the name, also by a wildcard of one label (RFC 9525 §6.3). A certificate
/// without alternative names is judged by its common name, as old clients do.
fn covers(certificate: &Certificate, asked: &str) -> bool {
    let common = certificate
        .subject
        .split(',')
        .filter_map(|p| p.trim().strip_prefix("CN="));
    let alternatives = certificate.names.iter().map(String::as_str);
    let mut held: Vec<&str> = alternatives.collect();
    if held.is_empty() {
        held.extend(common);
    }
    held.iter().any(|name| matches(name, asked))
}

fn matches(held: &str, asked: &str) -> bool {
    let held = held.trim_end_matches('.').to_ascii_lowercase();
    let wild = held.strip_prefix("*.");
    held == asked
        || wild.is_some_and(|parent| {
            asked
                .split_once('.')
                .is_some_and(|(_, rest)| rest == parent)
        })
}

fn draft(
    view: &View<'_>,
    asked: &str,
    sha256: &str,
    certificate: &Certificate,
    dependencies: &[&Dependency],
) -> Draft {
    let users = consumers(dependencies);
    let mut draft = Draft::about(&[asked, sha256]);
    draft.severity = Severity::Low;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{asked} answers with a certificate for other names: it works only while nobody checks."
    );
    let held = if certificate.names.is_empty() {
        names([&certificate.subject])
    } else {
        names(&certificate.names)
    };
    let places = names(dependencies.iter().map(|d| place(&d.provider)));
    draft.indicator = format!(
        "asked for as {asked} at {places}, holds {held}, valid until {}",
        certificate.not_after.day()
    );
    draft.impact = format!(
        "{} {} connecting as soon as the check is switched on, as newer software does by itself.",
        who(dependencies),
        agree(users, "stops", "stop")
    );
    draft.mitigations = vec![
        "Issue the certificate of the new system with every name it is asked for.",
        "Until then, keep the setting that lets these clients connect, and note where it stands.",
    ];
    for dependency in dependencies {
        draft.cites(dependency);
        view.entity(&dependency.provider.entity)
            .into_iter()
            .for_each(|e| draft.points_at(e));
    }
    draft
}
