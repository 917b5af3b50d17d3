//! How to walk the document: its own schema, with a decision at every text.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use groma_model::inventory::Inventory;
use serde_json::Value;

use crate::fields::{Decision, UNDECIDED, decision};

/// What stands at a place of the document.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Numbers, truths and words of a closed list: nothing there can be a name. The words, if it is a list of them.
    Closed(BTreeSet<String>),
    /// Text.
    Text(Decision),
    /// Several of the same.
    List(Box<Self>),
    /// Entries under keys that are text too.
    Map(Decision, Box<Self>),
    /// A type, by its number in [`Plans`].
    Type(usize),
}

/// What is in a type, by field.
pub(crate) type Fields = BTreeMap<String, Plan>;

/// The plan of every type.
#[derive(Debug)]
pub(crate) struct Plans {
    types: Vec<Fields>,
    numbers: BTreeMap<String, usize>,
    definitions: serde_json::Map<String, Value>,
    /// Fields that hold text, and whether somebody decided about them.
    pub(crate) texts: BTreeMap<String, bool>,
}

impl Plans {
    /// The plan of the inventory, whose own fields are those of type 0.
    pub(crate) fn of_inventory() -> Self {
        Self::of_schema(schemars::schema_for!(Inventory).to_value(), "Inventory")
    }

    /// The plan of a schema whose root is called `name`.
    pub(crate) fn of_schema(mut schema: Value, name: &str) -> Self {
        let definitions = match schema.get_mut("$defs").map(Value::take) {
            Some(Value::Object(definitions)) => definitions,
            _ => serde_json::Map::new(),
        };
        let mut plans = Self {
            types: vec![Fields::new()],
            numbers: BTreeMap::from([(name.to_owned(), 0)]),
            definitions,
            texts: BTreeMap::new(),
        };
        let fields = plans.fields(&schema, name, name);
        plans.set(0, fields);
        plans
    }

    /// The fields of a type.
    pub(crate) fn of_type(&self, number: usize) -> Option<&Fields> {
        self.types.get(number)
    }

    fn set(&mut self, number: usize, fields: Fields) {
        if let Some(place) = self.types.get_mut(number) {
            *place = fields;
        }
    }

    /// Every field of `schema`, whatever variant has it. `place` is where it is used, `name` what its type is called.
    fn fields(&mut self, schema: &Value, place: &str, name: &str) -> Fields {
        let mut out = Fields::new();
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (field, inner) in properties {
                let names = [format!("{place}.{field}"), format!("{name}.{field}")];
                out.insert(field.clone(), self.plan(inner, &names));
            }
        }
        for variant in variants(schema) {
            out.extend(self.fields(variant, place, name));
        }
        out
    }

    /// The plan of what `schema` allows at a field that has these names, the nearest first.
    fn plan(&mut self, schema: &Value, names: &[String; 2]) -> Plan {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return self.reference(target.trim_start_matches("#/$defs/"), names);
        }
        let closed = closed(schema);
        if !closed.is_empty() {
            return Plan::Closed(closed);
        }
        if let Some(variant) = variants(schema).iter().find(|v| !is_null(v)) {
            // A field that may be of several types is a type of its own: every field of each.
            return match variants(schema).iter().filter(|v| !is_null(v)).count() {
                1 => self.plan(variant, names),
                _ => self.inline(schema, names),
            };
        }
        match kind(schema) {
            "array" => {
                let items = schema.get("items").cloned().unwrap_or(Value::Bool(true));
                Plan::List(Box::new(self.plan(&items, names)))
            }
            "object" if schema.get("properties").is_some() => self.inline(schema, names),
            "object" => {
                let keys = [format!("{}{{}}", names[0]), format!("{}{{}}", names[1])];
                let key = self.decide(&keys);
                let entries = schema.get("additionalProperties").cloned();
                let entries = self.plan(&entries.unwrap_or(Value::Bool(true)), names);
                Plan::Map(key, Box::new(entries))
            }
            "integer" | "number" | "boolean" | "null" => Plan::Closed(BTreeSet::new()),
            _ => Plan::Text(self.decide(names)),
        }
    }

    fn inline(&mut self, schema: &Value, [place, name]: &[String; 2]) -> Plan {
        let fields = self.fields(schema, place, name);
        self.types.push(fields);
        Plan::Type(self.types.len() - 1)
    }

    fn reference(&mut self, target: &str, names: &[String; 2]) -> Plan {
        let Some(schema) = self.definitions.get(target).cloned() else {
            return Plan::Text(self.decide(names));
        };
        let closed = closed(&schema);
        if !closed.is_empty() {
            return Plan::Closed(closed);
        }
        // Foreign text is text: UTF-8, or its bytes.
        if target == "Foreign" {
            return Plan::Text(self.decide(names));
        }
        if kind(&schema) == "string" {
            return Plan::Text(self.decide(&[names[0].clone(), target.to_owned()]));
        }
        if !matches!(kind(&schema), "object" | "") {
            return self.plan(&schema, &[names[0].clone(), target.to_owned()]);
        }
        // Where a decision is made for one place of a type, this place has a plan of its own.
        let own = format!("{}.", names[0]);
        let is_own = properties(&schema).any(|field| decision(&format!("{own}{field}")).is_some());
        let key = if is_own {
            names[0].clone()
        } else {
            target.to_owned()
        };
        if let Some(number) = self.numbers.get(&key) {
            return Plan::Type(*number);
        }
        let number = self.types.len();
        self.types.push(Fields::new());
        self.numbers.insert(key.clone(), number);
        let fields = self.fields(&schema, &key, target);
        self.set(number, fields);
        Plan::Type(number)
    }

    fn decide(&mut self, names: &[String; 2]) -> Decision {
        let decided = names.iter().find_map(|name| Some((name, decision(name)?)));
        let (name, decision) = decided.map_or((&names[1], UNDECIDED), |(n, d)| (n, d));
        self.texts.insert(name.clone(), decided.is_some());
        decision
    }
}

fn variants(schema: &Value) -> Vec<&Value> {
    ["oneOf", "anyOf", "allOf"]
        .iter()
        .filter_map(|word| schema.get(*word)?.as_array())
        .flatten()
        .collect()
}

fn properties(schema: &Value) -> impl Iterator<Item = &String> {
    let own = schema.get("properties").and_then(Value::as_object);
    own.into_iter().flat_map(serde_json::Map::keys)
}

fn is_null(schema: &&&Value) -> bool {
    kind(schema) == "null"
}

/// The first type that is not null; empty where nothing tells.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(word)) => word,
        Some(Value::Array(words)) => words
            .iter()
            .filter_map(Value::as_str)
            .find(|word| *word != "null")
            .unwrap_or("null"),
        _ => "",
    }
}

/// The words of a closed list; empty where it is none.
fn closed(schema: &Value) -> BTreeSet<String> {
    let one = schema.get("const").into_iter();
    let several = schema.get("enum").and_then(Value::as_array).into_iter();
    let own: BTreeSet<String> = one
        .chain(several.flatten())
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    if !own.is_empty() {
        return own;
    }
    let variants = variants(schema);
    let words: Vec<_> = variants.iter().map(|variant| closed(variant)).collect();
    match words.iter().any(BTreeSet::is_empty) {
        true => BTreeSet::new(),
        false => words.into_iter().flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_text_of_the_document_is_decided() {
        let plans = Plans::of_inventory();
        let open: Vec<_> = plans.texts.iter().filter(|(_, is)| !**is).collect();
        assert!(
            open.is_empty(),
            "decide in crates/share/src/fields.txt what becomes of {open:#?}"
        );
    }

    #[test]
    fn no_decision_is_about_a_field_that_is_gone() {
        let plans = Plans::of_inventory();
        let table = include_str!("fields.txt");
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        for field in lines
            .filter_map(|l| l.rsplit_once(": "))
            .flat_map(|(_, f)| f.split_whitespace())
        {
            assert!(plans.texts.contains_key(field), "{field} is no field");
        }
    }

    #[test]
    fn a_new_field_is_found_wherever_it_hides() {
        let schema = json!({"type": "object", "properties": {
            "list": {"type": "array", "items": {"type": ["string", "null"]}},
            "deep": {"anyOf": [{"$ref": "#/$defs/Deep"}, {"type": "null"}]},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "any": true,
            "number": {"type": "integer"},
        }, "$defs": {"Deep": {"oneOf": [
            {"type": "string", "const": "here"},
            {"type": "object", "properties": {"there": {"type": "object", "properties": {"secret": {"type": "string"}}}}},
        ]}}});
        let plans = Plans::of_schema(schema, "New");
        let texts: Vec<_> = plans.texts.keys().map(String::as_str).collect();
        assert_eq!(
            texts,
            [
                "Deep.there.secret",
                "New.any",
                "New.list",
                "New.map",
                "New.map{}"
            ]
        );
        assert!(plans.texts.values().all(|decided| !decided));
    }
}
