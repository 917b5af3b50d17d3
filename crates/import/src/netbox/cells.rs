//! What is said of a machine, as the cells of a row.

use serde_json::Value;

use super::{named, text};
use crate::columns::{Field, Header};

/// Most characters of the name of a field somebody added.
const SHOWN: usize = 60;

/// What cells mean, by the columns that [`Cells`] writes.
const COLUMNS: &[(Field, &str)] = &[
    (Field::Name, "name"),
    (Field::Alias, "dns_name"),
    (Field::Address, "address"),
    (Field::Mac, "mac_address"),
    (Field::RunsOn, "device"),
    (Field::OperatingSystem, "platform"),
    (Field::Owner, "tenant"),
    (Field::Criticality, "criticality"),
    (Field::Uuid, "uuid"),
];

/// The cells of a row and what their columns mean.
pub(super) struct Cells {
    pub(super) header: Header,
    pub(super) cells: Vec<(u32, String)>,
}

impl Default for Cells {
    fn default() -> Self {
        let columns = (0..)
            .zip(COLUMNS)
            .map(|(column, (field, word))| (column, (*field, (*word).to_owned())));
        Self {
            header: Header {
                columns: columns.collect(),
                is_virtual: false,
            },
            cells: Vec::new(),
        }
    }
}

impl Cells {
    fn put(&mut self, field: Field, text: Option<&str>) {
        let column = COLUMNS.iter().position(|(known, _)| *known == field);
        let column = column.and_then(|column| u32::try_from(column).ok());
        if let (Some(column), Some(text)) = (column, text) {
            self.cells
                .push((column, text.chars().take(crate::CELL_BYTES / 4).collect()));
        }
    }

    /// A text that is kept under `word`.
    fn keep(&mut self, field: Field, word: &str, text: Option<&str>) {
        let Some(text) = text else {
            return;
        };
        let column = u32::try_from(self.header.columns.len()).unwrap_or(u32::MAX);
        if column < crate::COLUMNS {
            let word = word
                .chars()
                .filter(|c| !c.is_control())
                .take(SHOWN)
                .collect();
            self.header.columns.insert(column, (field, word));
            self.cells
                .push((column, text.chars().take(crate::CELL_BYTES / 4).collect()));
        }
    }

    pub(super) fn take(&mut self, object: &Value) {
        let of = |key: &str| object.get(key).and_then(named);
        self.put(Field::Name, text(object, "name"));
        for primary in ["primary_ip4", "primary_ip6", "primary_ip"] {
            if let Some(address) = object.get(primary) {
                self.part(address);
            }
        }
        self.put(Field::RunsOn, of("device"));
        self.put(Field::OperatingSystem, of("platform"));
        self.put(Field::Owner, of("tenant"));
        self.put(Field::Owner, of("owner"));
        self.status(object);
        let role = of("role").or_else(|| of("device_role"));
        let model = object.get("device_type");
        for (word, told) in [
            ("site", of("site")),
            ("function", role),
            ("serial", text(object, "serial")),
            ("asset tag", text(object, "asset_tag")),
            ("location", of("location")),
            ("rack", of("rack")),
            ("cluster", of("cluster")),
            (
                "manufacturer",
                model
                    .and_then(|model| model.get("manufacturer"))
                    .and_then(named),
            ),
            ("model", model.and_then(|model| text(model, "model"))),
            (
                "out-of-band address",
                object.get("oob_ip").and_then(|ip| text(ip, "address")),
            ),
            ("description", text(object, "description")),
            ("comments", text(object, "comments")),
        ] {
            self.keep(Field::More, word, told);
        }
        self.custom(object);
    }

    /// `active`, `offline`, `planned`, `decommissioning` and the like.
    pub(super) fn status(&mut self, object: &Value) {
        let status = object.get("status");
        let word = status.and_then(|status| status.as_str().or_else(|| text(status, "value")));
        self.keep(Field::More, "status", word);
    }

    /// An address, a MAC address or an interface.
    pub(super) fn part(&mut self, object: &Value) {
        self.put(Field::Address, text(object, "address"));
        self.put(Field::Alias, text(object, "dns_name"));
        self.put(Field::Mac, text(object, "mac_address"));
    }

    /// Fields somebody added: what a column of that name means in any list. A column of passwords is not read.
    fn custom(&mut self, object: &Value) {
        let fields = object.get("custom_fields").and_then(Value::as_object);
        for (key, value) in fields.into_iter().flatten() {
            let told = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Object(_) => named(value).unwrap_or_default().to_owned(),
                _ => continue,
            };
            let header = Header::of(&[(0, key.clone())]);
            match header.columns.get(&0) {
                Some((Field::Secret | Field::Ignored, _)) | None => {}
                Some((field @ (Field::Owner | Field::Criticality | Field::Uuid), word)) => {
                    self.keep(*field, word, Some(&told));
                }
                Some(_) => self.keep(Field::More, key, Some(&told)),
            }
        }
    }
}
