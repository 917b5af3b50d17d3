//! Lines of another form in a file that is taken apart by its keys: `server 10.0.0.1:8080;` among `key = value`.
//!
//! Whoever reads such a file by its keys makes nothing of them, or a key of half a line. They are searched as lines of files
//! are that no rule knows.

use groma_knowledge::rules::Format;
use groma_model::fact::Reference;

use crate::apply::Place;
use crate::generic::{Dialect, scan};

/// What `text` names in lines that no reader of `format` takes apart, but for what is `known`.
pub(crate) fn references(
    text: &str,
    format: Format,
    dialect: Dialect,
    place: Place,
    known: &[Reference],
) -> Vec<Reference> {
    let may_go_on = match format {
        Format::Equals | Format::Colon => false,
        // A line that begins with white space goes on with the value before it.
        Format::Ini | Format::IniWhole => true,
        _ => return Vec::new(),
    };
    let lines: Vec<&str> = text.lines().collect();
    let line = |number: u32| {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        let before = at.checked_sub(1).and_then(|n| lines.get(n));
        Some((*lines.get(at)?, before.copied().unwrap_or_default()))
    };
    let is_another = |reference: &Reference| {
        line(reference.line).is_some_and(|(line, before)| {
            let goes_on = before.ends_with('\\') || (may_go_on && line.starts_with([' ', '\t']));
            !goes_on && is_word_and_value(line)
        })
    };
    let is_known = |new: &Reference| {
        let same = |r: &&Reference| r.peer == new.peer && r.port == new.port;
        known.iter().any(|r| same(&r))
    };
    let (finds, _) = scan(text, dialect, place);
    let found = finds.references();
    found.filter(|r| is_another(r) && !is_known(r)).collect()
}

/// True for a word, white space and a value, with no sign between them that ends a key: whatever `=` or `:` comes first
/// stands within the value.
fn is_word_and_value(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (Some(first), Some(second)) = (words.next(), words.next()) else {
        return false;
    };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !first.bytes().all(is_plain) {
        return false;
    }
    let is_sign = |c: char| matches!(c, '=' | ':');
    match second.find(is_sign) {
        Some(at) => at > 0 && at + 1 < second.len(),
        None => !words.any(|word| word.contains(is_sign)),
    }
}

#[cfg(test)]
mod tests {
    use groma_model::Foreign;
    use groma_model::fact::{Component, ComponentClass};

    use super::*;

    fn found(text: &str, format: Format, known: &[Reference]) -> Vec<Reference> {
        let place = Place {
            file: "/opt/x".into(),
            component: Component {
                class: ComponentClass::File,
                name: Foreign::from("/opt/x"),
            },
            rhythm: None,
            is_crontab: false,
        };
        references(text, format, Dialect::Settings, place, known)
    }

    fn shown(text: &str, format: Format) -> Vec<String> {
        let found = found(text, format, &[]);
        let shown = |r: &Reference| format!("{} {} {}", r.line, r.key, r.peer);
        found.iter().map(shown).collect()
    }

    #[test]
    fn a_line_of_another_form_is_searched() {
        let text = "a=b\n  server 10.1.2.3:80;\nproxy_pass http://app1.corp:8080;\nupstream 10.1.2.4\nurl https://b.corp/x?y=1\n";
        let all = [
            "2 server 10.1.2.3",
            "3 proxy_pass app1.corp",
            "4 upstream 10.1.2.4",
            "5 url b.corp",
        ];
        assert_eq!(shown(text, Format::Equals), all);
        assert_eq!(shown(text, Format::Ini), all[1..]);
        assert!(shown(text, Format::Yaml).is_empty());
    }

    #[test]
    fn what_a_key_stands_before_is_left_to_its_reader() {
        for text in [
            "server = 10.1.2.3:80\n",
            "server: 10.1.2.3\n",
            "Mail Server: 10.1.2.3:25\n",
            "the server = http://a.corp/\n",
            "%dev.url=http://a.corp/\n",
            "servers=10.0.0.9,\\\n  server 10.1.2.3:80\n",
            "[server 10.1.2.3]\n",
            "# server 10.1.2.3:80\n",
            "server 10.1.2.3/24 net=1\n",
            "allow 10.1.2.3\n",
        ] {
            assert!(shown(text, Format::Equals).is_empty(), "{text}");
            assert!(shown(text, Format::Colon).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_known_is_not_said_twice() {
        let text = "server 10.1.2.3:80\n";
        let once = found(text, Format::Equals, &[]);
        assert_eq!(once.len(), 1);
        assert!(found(text, Format::Equals, &once).is_empty());
    }

    #[test]
    fn no_text_breaks_the_search() {
        let corpus: [&[u8]; 2] = [b"server 10.1.2.3:80\\\n x y:z\n", b"\n\n a http://b:1=2\n"];
        groma_fuzz::hammer(500, &corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = found(&text, Format::Ini, &[]);
        });
    }
}
