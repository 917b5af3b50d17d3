//! One line for what exported logs report.

use crate::name::Protection;
use crate::reported::ReportedUse;

pub(super) fn used(used: &ReportedUse) -> String {
    let ReportedUse {
        consumer,
        provider,
        product,
        log,
        ..
    } = used;
    let mut how = String::new();
    match &used.account {
        Some(account) if account.is_empty() => how.push_str(", as nobody"),
        Some(account) => how.push_str(&format!(", as {account}")),
        None => {}
    }
    if let Some(mechanism) = &used.mechanism {
        how.push_str(&format!(", by {mechanism}"));
    }
    if let Some(program) = &used.program {
        how.push_str(&format!(", with {program}"));
    }
    if let Some(client) = &used.client {
        how.push_str(&format!(" ({client})"));
    }
    how.push_str(match used.protection {
        Some(Protection::None) => ", in clear text",
        Some(Protection::Starttls) => ", with STARTTLS",
        Some(Protection::Tls) => ", with TLS",
        None => "",
    });
    if let Some(version) = &used.tls {
        how.push_str(&format!(" ({version})"));
    }
    if let Some(name) = &used.name {
        how.push_str(&format!(", by the name {name}"));
    }
    if let Some(service) = &used.service {
        how.push_str(&format!(", for {service}"));
    }
    if let Some(asks) = &used.asks {
        how.push_str(&format!(", asking {asks}"));
    }
    if let Some(mail) = &used.mail {
        let to = |to: &crate::fact::MailRecipients| to.domain.clone();
        let to: Vec<String> = mail.recipients.iter().map(to).collect();
        let from = mail.sender.as_deref().unwrap_or("nobody");
        how.push_str(&format!(", mail from {from}"));
        if !to.is_empty() {
            how.push_str(&format!(" to {}", to.join(", ")));
        }
        if let Some(why) = mail.refused {
            how.push_str(&format!(" not taken ({})", why.as_str()));
        }
    }
    if used.is_at_home() {
        return format!("an account works on {provider}{how}: {log}");
    }
    let port = used.port.map_or_else(String::new, |port| {
        format!(" port {port}/{}", used.transport)
    });
    let verb = if used.refused {
        "was refused by"
    } else {
        "used"
    };
    format!("{consumer} {verb} {product} of {provider}{port}{how}: {log}")
}
