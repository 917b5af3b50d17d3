//! A small estate, and tables as people hand them back.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests only")]

use groma_model::inventory::{Dependency, Finding, Inventory, System};
use groma_model::{EntityId, Timestamp};
use serde_json::json;

/// 2026-11-20T10:00:00Z.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// Text that harms whoever computes, prints or believes it.
pub(crate) const HOSTILE: [&str; 9] = [
    "=cmd|' /C calc'!A0",
    "'=1+1",
    "<script>alert(1)</script>",
    "invoice\u{202e}fdp.exe",
    "\u{1b}[31mred\u{1b}[0m",
    "nul\u{0}in\u{0}it",
    "a \"quoted\" word, and; more\twords",
    "two\r\nlines\n",
    "@SUM(A1) 't Hooft",
];

fn entity(id: &str, name: &str) -> serde_json::Value {
    json!({
        "id": id, "kind": "host", "name": name, "names": [name], "addresses": [], "layer": "os", "site": "default",
        "system": null, "owner": null, "criticality": null, "first_seen": now(), "last_seen": now(), "has_agent": true,
        "declared": false, "attributes": {}, "merged_because": [], "evidence": [],
    })
}

/// A hidden need of `app1` at `mail1`.
pub(crate) fn need() -> Dependency {
    serde_json::from_value(json!({
        "id": "dep-1", "kind": "smtp-relay",
        "consumer": {"entity": "ent-app", "name": "app1", "addresses": [], "component": {"class": "unit", "name": "app.service"}},
        "provider": {"entity": "ent-mail", "name": "mail1", "addresses": [], "port": 25, "transport": "tcp", "component": null},
        "layer": "mail", "strength": "blocking", "shared_service": false, "witnesses": ["written"], "basis": "declared",
        "hidden": true, "hidden_because": ["config-only"], "reached_by": "name", "reached_as": "mail1",
        "first_seen": now(), "last_seen": now(), "current": true, "count": 1, "rhythm": null, "next_due": null,
        "details": {"written_in": ["/etc/app.conf:3"]}, "verdict": null, "evidence": [],
    }))
    .unwrap()
}

pub(crate) fn finding(id: &str, risk: &str) -> Finding {
    serde_json::from_value(json!({
        "id": id, "check": "address-literal", "origin": "generated", "state": "open", "severity": "high",
        "layer": "mail", "risk": risk, "indicator": "app1 calls 10.0.0.9", "impact": "Mail stops.", "likelihood": "high",
        "mitigations": ["Use the name.", "Then listen."], "owner": "Mail team", "control_date": null,
        "subjects": ["ent-mail", "dep-1"], "evidence": [], "verdict": null,
    }))
    .unwrap()
}

/// Two machines, one system of the mail team and one of nobody, a hidden need and a finding.
pub(crate) fn estate() -> Inventory {
    let mut inventory: Inventory = serde_json::from_value(json!({
        "schema": "groma.inventory/1", "generated_at": now(), "snapshot": null, "window": {"from": now(), "to": now()},
        "data_level": "standard", "compared_with_list": false, "coverage": [], "layers": [], "sites": [], "links": [],
        "systems": [], "entities": [entity("ent-app", "app1"), entity("ent-mail", "mail1")], "listeners": [],
        "dependencies": [], "volumes": [], "rights": [], "backups": [], "measurements": [], "waves": [], "findings": [],
        "estimate": null, "questions": [
            {"to": null, "about": "ent-mail", "question": "mail1: when was something last restored?"},
        ],
        "evidence": [],
    }))
    .unwrap();
    inventory.systems = vec![
        System {
            id: "sys-mail".to_owned(),
            name: "company mail".to_owned(),
            functions: vec!["mail".to_owned()],
            members: vec![EntityId::new("ent-mail")],
            owner: Some("Mail team".to_owned()),
            criticality: Some("Tier 1".to_owned()),
            ..System::default()
        },
        System {
            id: "sys-app".to_owned(),
            name: "app1".to_owned(),
            members: vec![EntityId::new("ent-app")],
            ..System::default()
        },
    ];
    inventory.dependencies = vec![need()];
    inventory.findings = vec![finding("fnd-1", "Mail stops on the day of the move.")];
    inventory
}

/// A table as rows of cells.
pub(crate) struct Table(pub(crate) Vec<Vec<String>>);

impl Table {
    pub(crate) fn of(csv: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(csv.as_bytes());
        let rows = reader.records().map(|row| {
            let row = row.unwrap();
            row.iter().map(str::to_owned).collect()
        });
        Self(rows.collect())
    }

    pub(crate) fn column(&self, name: &str) -> usize {
        self.0[0].iter().position(|n| n == name).unwrap()
    }

    /// Writes into the first row whose cells fit; into one where nothing stands yet if there is such a row.
    pub(crate) fn write(&mut self, fit: &[(&str, &str)], column: &str, text: &str) {
        let fit: Vec<(usize, &str)> = fit.iter().map(|(c, t)| (self.column(c), *t)).collect();
        let at = self.column(column);
        let fits = |row: &Vec<String>| fit.iter().all(|(c, t)| row[*c] == *t);
        let free = |row: &Vec<String>| fits(row) && row[at].is_empty();
        let rows = &mut self.0;
        let number = rows.iter().skip(1).position(free);
        let number = number.or_else(|| rows.iter().skip(1).position(fits));
        rows[number.unwrap() + 1][at] = text.to_owned();
    }

    pub(crate) fn csv(&self, delimiter: u8) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_writer(Vec::new());
        for row in &self.0 {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    }

    pub(crate) fn xlsx(&self) -> Vec<u8> {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (number, row) in (0..).zip(&self.0) {
            for (column, cell) in (0..).zip(row) {
                if !cell.is_empty() {
                    sheet.write_string(number, column, cell).unwrap();
                }
            }
        }
        book.save_to_buffer().unwrap()
    }
}
