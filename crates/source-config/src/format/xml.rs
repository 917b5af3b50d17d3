//! XML: attributes are keys with `@`, text is the value of its element's name.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::settings::Settings;

const DEPTH_MAX: usize = 64;

/// Elements, attributes and text; comments, CDATA marks and declarations say nothing. Of a document's own
/// entities only short literals are put in their place, never one that holds another or stands in a file.
pub(super) fn xml(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut lines = Lines {
        text,
        at: 0,
        line: 1,
    };
    let mut path: Vec<(String, u32)> = Vec::new();
    let mut content = String::new();
    let mut entities = BTreeMap::new();
    loop {
        let line = lines.line(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                let group = attributes(&mut settings, &path, &element, line);
                if path.len() >= DEPTH_MAX {
                    settings.partial = true;
                    return settings;
                }
                path.push((name(&element), group));
                content.clear();
            }
            Ok(Event::Empty(element)) => {
                attributes(&mut settings, &path, &element, line);
            }
            Ok(Event::Text(part)) => content.push_str(&part),
            Ok(Event::CData(part)) => content.push_str(&part),
            Ok(Event::GeneralRef(part)) => {
                let own = entities.get(part.trim());
                content.push_str(own.map_or_else(|| entity(&part), String::as_str));
            }
            Ok(Event::DocType(part)) => entities = own_entities(&part),
            Ok(Event::End(_)) => {
                if let Some((element, _)) = path.pop() {
                    let group = path.last().map_or(0, |(_, group)| *group);
                    let value = content.trim();
                    if !value.is_empty() && value.len() < 64 << 10 {
                        settings.add(line, group, &section(&path), &element, value);
                    }
                }
                content.clear();
            }
            Ok(Event::Eof) => return settings,
            Ok(_) => {}
            Err(_) => {
                settings.partial = true;
                return settings;
            }
        }
    }
}

/// Preferences of a group policy: an element with `disabled="1"` and all below it say nothing.
pub(super) fn group_policy(text: &str) -> Settings {
    let mut settings = xml(text);
    let mut off: Option<(String, u32)> = None;
    let mut disabled: BTreeMap<u32, String> = BTreeMap::new();
    for setting in &settings.all {
        if setting.key.eq_ignore_ascii_case("@disabled") && setting.value == "1" {
            let section = || setting.section.clone();
            disabled.entry(setting.group).or_insert_with(section);
        }
    }
    settings.all.retain(|setting| {
        if let Some((section, group)) = &off {
            let below = setting
                .section
                .strip_prefix(section.as_str())
                .is_some_and(|rest| rest.starts_with('/'));
            if below || setting.group == *group {
                return false;
            }
        }
        off = disabled
            .get(&setting.group)
            .map(|section| (section.clone(), setting.group));
        off.is_none()
    });
    settings
}

/// So many entities, and so long ones, are names for values; what goes beyond is an attack.
const ENTITIES_MAX: usize = 64;
const ENTITY_MAX: usize = 256;

/// `<!ENTITY name "literal">` of a document type.
fn own_entities(doctype: &str) -> BTreeMap<String, String> {
    let declarations = doctype.split("<!ENTITY").skip(1).take(ENTITIES_MAX);
    let literal = |declaration: &str| {
        let (name, rest) = declaration.trim_start().split_once([' ', '\t', '\n'])?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let value = rest.get(1..)?.split(quote).next()?;
        let plain = value.len() <= ENTITY_MAX
            && !value.contains(['&', '<', '%'])
            && name.len() <= ENTITY_MAX;
        plain.then(|| (name.to_owned(), value.to_owned()))
    };
    declarations.filter_map(literal).collect()
}

fn entity(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => " ",
    }
}

fn name(element: &BytesStart<'_>) -> String {
    element.local_name().as_ref().chars().take(200).collect()
}

fn section(path: &[(String, u32)]) -> String {
    let names: Vec<&str> = path.iter().map(|(name, _)| name.as_str()).collect();
    names.join("/")
}

fn attributes(
    settings: &mut Settings,
    path: &[(String, u32)],
    element: &BytesStart<'_>,
    line: u32,
) -> u32 {
    let group = settings.open_group();
    let outer = section(path);
    let inner = name(element);
    let section = if outer.is_empty() {
        inner
    } else {
        format!("{outer}/{inner}")
    };
    for attribute in element.attributes().with_checks(false).flatten().take(256) {
        let key = attribute.key.as_ref().to_owned();
        if key.starts_with("xmlns") || key.ends_with("schemaLocation") {
            continue;
        }
        let raw = attribute.value.clone().into_owned();
        let value = raw
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        settings.add(line, group, &section, &format!("@{key}"), &value);
    }
    group
}

/// Counts lines as the reader moves forward.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line of the first thing at or after `offset` that is no white space.
    fn line(&mut self, offset: usize) -> u32 {
        let bytes = self.text.as_bytes();
        let mut end = offset.min(bytes.len());
        while bytes.get(end).is_some_and(u8::is_ascii_whitespace) {
            end += 1;
        }
        let passed = bytes
            .get(self.at..end)
            .unwrap_or_default()
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        self.line = self
            .line
            .saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        self.at = end.max(self.at);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_that_is_switched_off_says_nothing() {
        let text = "<Drives><Drive name=\"A\" disabled=\"1\"><Properties path=\"old\"/></Drive><Drive name=\"B\"><Properties path=\"new\"/></Drive></Drives>";
        let shown: Vec<_> = group_policy(text)
            .all
            .iter()
            .map(|s| format!("{} {}={}", s.section, s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            ["Drives/Drive @name=B", "Drives/Drive/Properties @path=new"]
        );
    }

    #[test]
    fn attributes_and_text_are_settings_and_comments_are_not() {
        let text = "<c xmlns=\"http://w3.org/x\">\n<!-- <a url=\"old\"/> -->\n  <a url=\"x&amp;y\"/>\n  <host>db1</host>\n</c>";
        let shown: Vec<_> = xml(text)
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect();
        assert_eq!(shown, ["3 c/a @url=x&y", "4 c host=db1"]);
    }

    #[test]
    fn thousands_of_preferences_switched_off_are_matched_in_one_pass() {
        let text = format!(
            "<D>{}{}</D>",
            "<A disabled=\"1\"><P path=\"old\"/></A>".repeat(4_000),
            "<A name=\"new\"><P path=\"new\"/></A>".repeat(4_000)
        );
        let said = group_policy(&text).all;
        assert_eq!(said.len(), 8_000);
        assert!(said.iter().all(|s| s.value == "new"));
    }
}
