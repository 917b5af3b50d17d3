//! What NetBox keeps, as its REST API lists it: devices, virtual machines, addresses
//! (docs.netbox.dev/en/stable/integrations/rest-api, version 4.6).
//!
//! Read are the answer to a list (`{"count": …, "results": […]}`), a plain list of such objects, several of them in one
//! list (as `jq -s` joins them), and what `groma export --format netbox` writes. Addresses, interfaces and MAC
//! addresses go to the machine they are assigned to; in a file without machines they name it themselves.
//!
//! The rows are those a list of separated values gives, and the same rules hold: remarks that speak of passwords are
//! left out. Contexts of configuration (`config_context`, `local_context_data`) are not looked at, they may hold
//! secrets. An out-of-band address is another machine's, the board's; it is kept as a remark, not as an address.
//! **Never run against a real NetBox**: the tests stand on input made to the published shapes.

mod cells;

use std::collections::BTreeMap;

use groma_model::device::DeviceClass;
use groma_model::fact::Declared;
use serde_json::Value;

use crate::row::{Row, declared, kind_of};
use crate::{ImportError, ROWS, Reading};
use cells::Cells;

/// An export is recognised by its first objects.
const SAMPLE: usize = 16;

/// Lists within lists that are followed.
const DEPTH: usize = 3;

/// What an object is, as far as it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    Device,
    VirtualMachine,
    /// An address, a MAC address or an interface: something of a machine.
    Part,
    /// A site, a rack and so on: nothing that is a machine.
    Other,
}

/// Endpoints and what they list.
const ENDPOINTS: &[(&str, Sort)] = &[
    ("dcim/devices", Sort::Device),
    ("virtualization/virtual-machines", Sort::VirtualMachine),
    ("ipam/ip-addresses", Sort::Part),
    ("dcim/mac-addresses", Sort::Part),
    ("dcim/interfaces", Sort::Part),
    ("virtualization/interfaces", Sort::Part),
];

/// True if `bytes` are JSON that NetBox lists.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    let top = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    if !top.iter().any(|byte| matches!(byte, b'{' | b'[')) {
        return false;
    }
    let text = crate::text::decode(bytes).unwrap_or_default();
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str(&text).is_ok_and(|value| is_meant(&value))
}

fn is_meant(value: &Value) -> bool {
    let mut found = Vec::new();
    gather(value, None, DEPTH, &mut found, &mut Vec::new());
    let known = |(_, sort): &(&Value, Sort)| *sort != Sort::Other;
    found.iter().take(SAMPLE).any(known) || is_own(value)
}

/// True for what we write ourselves, also where there is nothing in it.
fn is_own(value: &Value) -> bool {
    [
        "dcim/devices",
        "virtualization/virtual-machines",
        "ipam/ip-addresses",
    ]
    .iter()
    .all(|endpoint| value.get(endpoint).is_some_and(Value::is_array))
}

/// Reads what NetBox listed into `text`, the list `list`.
pub(crate) fn read(list: &str, text: &str) -> Result<Reading, ImportError> {
    let value: Value = serde_json::from_str(text).map_err(|error| ImportError::Broken {
        list: list.to_owned(),
        place: format!("line {}", error.line()),
        why: "this is no whole JSON".to_owned(),
    })?;
    let (mut objects, mut pages) = (Vec::new(), Vec::new());
    gather(&value, None, DEPTH, &mut objects, &mut pages);
    if objects.len() > ROWS {
        return Err(ImportError::TooLarge {
            list: list.to_owned(),
            what: "rows",
            limit: ROWS as u64,
        });
    }
    let mut reading = Reading::default();
    for page in pages {
        reading.problem("all", "next", page);
    }
    let mut estate = Estate::default();
    for (number, (object, sort)) in (1..).zip(&objects) {
        estate.take_machine(number, object, *sort);
    }
    for (number, (object, sort)) in (1..).zip(&objects) {
        estate.take_part(number, object, *sort, &mut reading);
    }
    for machine in estate.machines {
        reading.rows += 1;
        if let Some(row) = machine.row(list, &mut reading) {
            reading.declared.push(row);
        }
    }
    Ok(reading)
}

/// The objects of an export with what each is; `pages` takes what is said of lists that end too early.
fn gather<'v>(
    value: &'v Value,
    sort: Option<Sort>,
    depth: usize,
    found: &mut Vec<(&'v Value, Sort)>,
    pages: &mut Vec<String>,
) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(items) => {
            for item in items {
                gather(
                    item,
                    sort,
                    if sort.is_some() { depth } else { depth - 1 },
                    found,
                    pages,
                );
            }
        }
        Value::Object(_) if is_own(value) => {
            for (endpoint, sort) in ENDPOINTS {
                if let Some(list) = value.get(endpoint) {
                    gather(list, Some(*sort), depth - 1, found, pages);
                }
            }
        }
        Value::Object(map) => {
            match map.get("results").and_then(Value::as_array) {
                Some(results) => {
                    if map.get("next").is_some_and(Value::is_string) {
                        let all = map.get("count").and_then(Value::as_u64).unwrap_or_default();
                        pages.push(format!("this is one page, {} of {all} objects: ask for all of them with ?limit=0", results.len()));
                    }
                    found.extend(
                        results
                            .iter()
                            .filter(|item| item.is_object())
                            .map(|item| (item, sort_of(item))),
                    );
                }
                None => found.push((value, sort.unwrap_or_else(|| sort_of(value)))),
            }
        }
        _ => {}
    }
}

/// What an object is: by its own address in the API, or by the fields only such an object has.
fn sort_of(object: &Value) -> Sort {
    let has = |key: &str| object.get(key).is_some();
    if let Some(url) = text(object, "url") {
        let known = |(endpoint, _): &&(&str, Sort)| url.contains(&format!("/api/{endpoint}/"));
        if url.contains("/api/") {
            return ENDPOINTS
                .iter()
                .find(known)
                .map_or(Sort::Other, |(_, sort)| *sort);
        }
    }
    let is_device = has("device_type") && (has("role") || has("device_role")) && has("site");
    let is_virtual =
        has("name") && has("status") && has("vcpus") && has("cluster") && !has("device_type");
    let is_address =
        text(object, "address").is_some_and(|a| a.contains('/')) && has("assigned_object_type");
    match (is_device, is_virtual, is_address) {
        (true, ..) => Sort::Device,
        (_, true, _) => Sort::VirtualMachine,
        (_, _, true) => Sort::Part,
        _ => Sort::Other,
    }
}

/// What tells machines of one file apart: the id, or the name within its site where there is none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Id(bool, u64),
    Name(bool, String, String),
}

impl Key {
    fn of(object: &Value, is_virtual: bool) -> Option<Self> {
        if let Some(id) = object.get("id").and_then(Value::as_u64) {
            return Some(Self::Id(is_virtual, id));
        }
        let site = object.get("site").and_then(named).unwrap_or_default();
        Some(Self::Name(
            is_virtual,
            text(object, "name")?.to_owned(),
            site.to_owned(),
        ))
    }
}

/// The machines of a file, in its order.
#[derive(Default)]
struct Estate {
    machines: Vec<Machine>,
    at: BTreeMap<Key, usize>,
}

struct Machine {
    number: usize,
    kind: &'static str,
    cells: Cells,
}

impl Estate {
    fn take_machine(&mut self, number: usize, object: &Value, sort: Sort) {
        let is_virtual = match sort {
            Sort::Device => false,
            Sort::VirtualMachine => true,
            Sort::Part | Sort::Other => return,
        };
        if let Some(key) = Key::of(object, is_virtual) {
            self.at.entry(key).or_insert(self.machines.len());
        }
        let mut cells = Cells::default();
        cells.take(object);
        self.machines.push(Machine {
            number,
            kind: kind(object, is_virtual),
            cells,
        });
    }

    /// An address, an interface: it goes to the machine it is of, or names one.
    fn take_part(&mut self, number: usize, object: &Value, sort: Sort, reading: &mut Reading) {
        match sort {
            Sort::Part => {}
            Sort::Other => {
                reading.rows += 1;
                return reading.problem(
                    place(number),
                    "",
                    "neither a device, a virtual machine nor an address: left out",
                );
            }
            Sort::Device | Sort::VirtualMachine => return,
        }
        let assigned = object
            .get("assigned_object")
            .filter(|at| at.is_object())
            .unwrap_or(object);
        let holders = [
            (false, assigned.get("device")),
            (true, assigned.get("virtual_machine")),
        ];
        let holder = holders
            .into_iter()
            .find_map(|(is_virtual, holder)| Some((is_virtual, holder.filter(|h| h.is_object())?)));
        let at = match holder {
            Some((is_virtual, holder)) => self.holder(number, is_virtual, holder),
            None if text(object, "dns_name").is_some() => {
                let mut cells = Cells::default();
                cells.status(object);
                self.machines.push(Machine {
                    number,
                    kind: "host",
                    cells,
                });
                Some(self.machines.len() - 1)
            }
            None => None,
        };
        match at.and_then(|at| self.machines.get_mut(at)) {
            Some(machine) => machine.cells.part(object),
            None => {
                reading.rows += 1;
                reading.problem(
                    place(number),
                    "",
                    "assigned to no machine and without a name: left out",
                );
            }
        }
    }

    fn holder(&mut self, number: usize, is_virtual: bool, holder: &Value) -> Option<usize> {
        let key = Key::of(holder, is_virtual)?;
        let next = self.machines.len();
        let at = *self.at.entry(key).or_insert(next);
        if at == next {
            let mut cells = Cells::default();
            cells.take(holder);
            self.machines.push(Machine {
                number,
                kind: kind(holder, is_virtual),
                cells,
            });
        }
        Some(at)
    }
}

impl Machine {
    fn row(self, list: &str, reading: &mut Reading) -> Option<Declared> {
        let row = Row {
            place: place(self.number),
            cells: self.cells.cells,
        };
        declared(&self.cells.header, &row, list, self.kind, reading)
    }
}

fn place(number: usize) -> String {
    format!("object {number}")
}

/// What it is: virtual, or what its role says; a machine where that says nothing, as in any other list.
fn kind(object: &Value, is_virtual: bool) -> &'static str {
    if is_virtual {
        return "vm";
    }
    let roles = ["role", "device_role"]
        .into_iter()
        .filter_map(|key| object.get(key));
    let words: Vec<&str> = roles
        .flat_map(|role| [text(role, "slug"), named(role)])
        .flatten()
        .collect();
    let is_class = |word: &&str| {
        let class = serde_json::from_value::<DeviceClass>(Value::from(*word));
        *word == "device" || class.is_ok_and(|class| class != DeviceClass::Computer)
    };
    match words.iter().any(is_class) {
        true => "device",
        false => words
            .iter()
            .find_map(|word| kind_of(word))
            .unwrap_or("host"),
    }
}

fn text<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    let text = object.get(key)?.as_str()?.trim();
    Some(text).filter(|text| !text.is_empty())
}

/// What another object is called; where it is named by its slug alone, that.
fn named(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()),
        Value::Object(_) => ["name", "display", "model", "slug", "label"]
            .iter()
            .find_map(|key| text(value, key)),
        _ => None,
    }
}
