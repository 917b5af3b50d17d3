//! What a page consists of, read as strictly as our own templates write it.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use std::collections::BTreeSet;

/// One start tag: its name and its attributes.
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

/// Every start tag of a page; fails where tags do not balance. Knows what our templates use, no more.
pub fn tags(html: &str) -> Vec<Tag> {
    const VOID: [&str; 4] = ["meta", "input", "br", "!doctype"];
    let (mut tags, mut open) = (Vec::new(), Vec::<String>::new());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (inside, after) = split_tag(&rest[start + 1..]);
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(name.trim().to_lowercase()),
                "end tags match"
            );
            continue;
        }
        let tag = parse_tag(inside.trim_end_matches('/'));
        if matches!(tag.name.as_str(), "script" | "style") {
            let end = format!("</{}>", tag.name);
            let at = rest.find(&end).expect("raw text ends");
            rest = &rest[at + end.len()..];
        } else if !VOID.contains(&tag.name.as_str()) && !inside.ends_with('/') {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "everything is closed: {open:?}");
    tags
}

/// The text up to the `>` that ends a tag, outside of quotes, and what follows.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return (&text[..at], &text[at + 1..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    panic!("a tag never ends: {}", &text[..text.len().min(80)]);
}

impl Tag {
    /// The value of an attribute.
    pub fn value(&self, name: &str) -> Option<&str> {
        let all = self.attributes.iter();
        all.filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .next()
    }
}

fn parse_tag(inside: &str) -> Tag {
    let (name, mut rest) = inside
        .split_once(char::is_whitespace)
        .unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let attribute = rest[..end].to_lowercase();
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(quoted) => {
                let end = quoted.find('"').expect("values are quoted");
                rest = &quoted[end + 1..];
                &quoted[..end]
            }
            None => "",
        };
        attributes.push((attribute, value.to_owned()));
    }
    Tag {
        name: name.to_lowercase(),
        attributes,
    }
}

const ELEMENTS: &str = "!doctype html head meta title style script body a header div p svg path b span nav main section h1 h2 h3 strong dl dt dd \
    ol ul li em article fieldset legend h4 input label button aside noscript table caption thead tbody tr th td footer defs clippath rect marker g text";
const ATTRIBUTES: &str = "lang charset http-equiv content name class id href viewbox width height aria-hidden d fill stroke stroke-width \
    stroke-linecap aria-label aria-labelledby role type value checked placeholder autocomplete spellcheck hidden title tabindex xmlns data-height data-full \
    rx ry x y refx refy markerwidth markerheight markerunits orient dy data-a data-b data-n transform clip-path scope";

/// Only elements and attributes of our own templates, no link that leaves the page, one style and one script.
pub fn assert_clean(html: &str) {
    let elements: BTreeSet<&str> = ELEMENTS.split_whitespace().collect();
    let attributes: BTreeSet<&str> = ATTRIBUTES.split_whitespace().collect();
    let tags = tags(html);
    for tag in &tags {
        assert!(elements.contains(tag.name.as_str()), "element {}", tag.name);
        for (name, value) in &tag.attributes {
            assert!(
                attributes.contains(name.as_str()) || (tag.name == "!doctype" && name == "html"),
                "attribute {name} of {}",
                tag.name
            );
            assert!(name != "href" || value.starts_with('#'), "href {value}");
            assert!(
                name != "xmlns" || value == "http://www.w3.org/2000/svg",
                "xmlns {value}"
            );
        }
    }
    assert_eq!(
        tags.iter().filter(|t| t.name == "script").count(),
        2,
        "the data and our script"
    );
    assert_eq!(tags.iter().filter(|t| t.name == "style").count(), 1);
}
