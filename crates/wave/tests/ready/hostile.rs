//! What was found may have been written by an attacker, and goes to a terminal, a ticket and a browser.

use groma_model::inventory::ReachedBy;
use groma_wave::{checklist_html, checklist_markdown, checklist_text, checklist_to_json};
use proptest::prelude::*;

use crate::build::{depends, host, with};
use crate::{checked, estate, wave};

const NASTY: [&str; 7] = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a\u{202e}gpj.exe",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "x\u{0}y\r\n# heading\n- [x] done",
    "\"><img src=x onerror=alert(1)>",
    "[link](javascript:alert(1)) http://evil.example www.evil.example",
];

fn documents(name: &str) -> [String; 4] {
    let mut consumer = host("app1");
    consumer.name = name.to_owned();
    consumer.owner = Some(name.to_owned());
    let need = with(depends("app1", "imap", "mail1", 143), |d| {
        d.consumer.name = name.to_owned();
        d.reached_by = Some(ReachedBy::AddressLiteral);
        d.reached_as = Some(name.to_owned());
        d.details.written_in = vec![format!("{name}:1")];
        d.details.accounts = vec![name.to_owned()];
    });
    let mut planned = wave();
    planned.name = name.to_owned();
    planned.owner = Some(name.to_owned());
    let list = checked(&estate(vec![consumer], vec![need]), &planned);
    [
        checklist_text(&list),
        checklist_markdown(&list),
        checklist_html(&list),
        checklist_to_json(&list),
    ]
}

fn holds(name: &str) {
    let [text, markdown, html, json] = documents(name);
    let steers = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!text.chars().any(steers), "{text:?}");
    assert!(!html.chars().any(steers));
    let tags = ["<script", "<img", "<a href=\"http", "onerror=alert(1)>"];
    assert!(tags.iter().all(|tag| !html.contains(tag)), "{html}");
    let bare = markdown.replace("\\]", "");
    assert!(
        !markdown.contains('<') && !bare.contains("](") && !markdown.contains("http://"),
        "{markdown}"
    );
    let ours = ["# Wave", "## ", "- [", "  - ", ""];
    let begins = |line: &str| {
        ours.iter()
            .any(|o| line.starts_with(o) && (!o.is_empty() || line.is_empty()))
            || !line.starts_with(['#', '-', '>', '+', '=', '|', ' ', '\t'])
    };
    assert!(markdown.lines().all(begins), "{markdown}");
    assert!(serde_json::from_str::<groma_wave::Checklist>(&json).is_ok());
}

#[test]
fn names_of_strangers_are_text_everywhere() {
    NASTY.iter().for_each(|name| holds(name));
}

proptest! {
    #[test]
    fn any_name_is_text_everywhere(name in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
        holds(&name);
    }
}
