//! What platforms of virtualization tell, where any of them told of something.

use super::{Document, escape};
use crate::page::{Page, VirtualRow};

/// The section.
pub(super) fn guests(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    let Some(part) = &page.guests else {
        return;
    };
    out.heading(words.guests, words.guests_lead);
    out.line(&escape(&part.summary.join(" · ")));
    if !part.guests.rows.is_empty() {
        let columns = [
            words.name,
            words.guests_where,
            words.guests_size,
            words.guests_blockers,
            words.guests_ways,
        ];
        out.rows(&columns, &part.guests, |row| guest(row, words));
    }
    carriers(out, page);
    stores(out, page);
    if !part.unsure.rows.is_empty() {
        out.line(&format!("### {}", escape(words.guests_unsure)));
        out.line(&escape(words.guests_unsure_lead));
        for row in &part.unsure.rows {
            let says = format!(
                "**{}** {}",
                escape(&row.name),
                escape(&row.because.join(" · "))
            );
            out.item(&says);
        }
        out.line("");
        out.cut(&part.unsure);
    }
}

fn guest(row: &VirtualRow, words: &crate::text::Catalogue) -> Vec<String> {
    let blockers = row.blockers.iter().map(|line| {
        let grave = match line.grave {
            true => words.guests_critical,
            false => words.guests_warning,
        };
        format!("{grave}: {} {}", line.says, line.remedy)
    });
    let mut blockers: Vec<String> = blockers.chain(row.more.clone()).collect();
    if blockers.is_empty() {
        blockers.push(words.guests_no_blocker.to_owned());
    }
    vec![
        row.name.clone(),
        row.place.join(" · "),
        row.size.join(" · "),
        blockers.join(" · "),
        row.ways.join(" · "),
    ]
}

fn carriers(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    let Some(part) = page
        .guests
        .as_ref()
        .filter(|part| !part.hosts.rows.is_empty())
    else {
        return;
    };
    out.line(&format!("### {}", escape(words.guests_hosts)));
    let columns = [
        words.name,
        words.guests_product,
        words.guests,
        words.guests_host_memory,
        words.guests_host_processors,
    ];
    out.rows(&columns, &part.hosts, |row| {
        vec![
            row.name.clone(),
            row.product.join(" · "),
            row.guests.clone(),
            row.memory.join(" · "),
            row.processors.join(" · "),
        ]
    });
}

fn stores(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    let Some(part) = page
        .guests
        .as_ref()
        .filter(|part| !part.stores.rows.is_empty())
    else {
        return;
    };
    out.line(&format!("### {}", escape(words.guests_stores)));
    let columns = [
        words.name,
        words.guests_product,
        words.data_size,
        words.guests_room,
    ];
    out.rows(&columns, &part.stores, |row| {
        let free = row.free.as_deref().unwrap_or(words.guests_not_measured);
        vec![
            row.name.clone(),
            row.product.clone(),
            row.capacity.clone(),
            free.to_owned(),
        ]
    });
}
