//! Settings of Knot DNS, as far as they say which zones it answers for and whether it writes questions down (`mod-dnstap`).

/// Lines that are read; a server of a provider has a few thousand zones.
const LINES_MAX: usize = 100_000;

/// What `knot.conf` says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Knot {
    /// Zones it answers for, in small letters, without the dot at the end.
    pub(crate) zones: Vec<String>,
    /// Where questions are written: a file, or `unix:` and a socket. Of several modules the first that is in use.
    pub(crate) sink: Option<String>,
    /// True if the questions of all clients are written there.
    pub(crate) is_whole: bool,
    /// True if settings stand in further files, which are not read.
    pub(crate) has_more: bool,
}

#[derive(Default)]
struct Module {
    id: String,
    sink: String,
    asks: bool,
}

/// Reads `knot.conf` (knot.conf(5)): sections at the margin, in each of them items that begin with `- `.
pub(crate) fn settings(text: &str) -> Knot {
    let mut out = Knot::default();
    let mut section = "";
    let mut modules: Vec<Module> = Vec::new();
    let (mut of_all, mut of_some) = (Vec::new(), Vec::new());
    for line in text.lines().take(LINES_MAX) {
        let line = without_comment(line);
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let is_item = key.trim_start().starts_with('-');
        let key = key.trim_start_matches(['-', ' ', '\t']).trim_end();
        let value = value.trim().trim_matches(['"', '\'']);
        if !line.starts_with([' ', '\t', '-']) && !line.is_empty() {
            section = key;
            out.has_more |= section == "include";
            continue;
        }
        match (section, key) {
            ("zone", "domain") if !value.is_empty() => {
                out.zones
                    .push(value.trim_end_matches('.').to_ascii_lowercase());
            }
            ("mod-dnstap", _) => module(&mut modules, is_item, key, value),
            ("template", "global-module") => of_all.push(value),
            ("template" | "zone", "module") => of_some.push(value),
            _ => {}
        }
    }
    let uses = |lists: &[&str], id: &str| {
        let named = format!("mod-dnstap/{id}");
        let words = lists
            .iter()
            .flat_map(|list| list.split(['[', ']', ',', ' ', '"']));
        words.into_iter().any(|word| word == named)
    };
    let used = modules
        .iter()
        .filter(|m| uses(&of_all, &m.id) || uses(&of_some, &m.id));
    if let Some(module) = used.into_iter().find(|m| !m.sink.is_empty()) {
        out.sink = Some(module.sink.clone());
        out.is_whole = module.asks && uses(&of_all, &module.id);
    }
    out
}

fn module(modules: &mut Vec<Module>, is_item: bool, key: &str, value: &str) {
    if is_item {
        modules.push(Module {
            asks: true,
            ..Module::default()
        });
    }
    let Some(module) = modules.last_mut() else {
        return;
    };
    match key {
        "id" => value.clone_into(&mut module.id),
        "sink" => value.clone_into(&mut module.sink),
        "log-queries" => module.asks = matches!(value, "on" | "true"),
        _ => {}
    }
}

/// What stands before a comment: a `#` at the begin or behind a blank.
fn without_comment(line: &str) -> &str {
    let end = line.match_indices('#').find(|(at, _)| {
        line.get(..*at)
            .is_some_and(|head| head.is_empty() || head.ends_with([' ', '\t']))
    });
    line.get(..end.map_or(line.len(), |(at, _)| at))
        .unwrap_or(line)
        .trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "server:\n    listen: 10.20.1.2@53\nmod-dnstap:\n  - id: capture_all\n    sink: \"/var/lib/knot/knot.tap\" # here\n  - id: other\n    sink: unix:/run/x\n\
        template:\n  - id: default\n    global-module: mod-dnstap/capture_all\nzone:\n  - domain: corp.example\n  - domain: \"Branch.Example.\"\n#  - domain: ghost.example\n";

    #[test]
    fn zones_and_the_module_in_use_are_read() {
        let knot = settings(TEXT);
        assert_eq!(knot.zones, ["corp.example", "branch.example"]);
        assert_eq!(knot.sink.as_deref(), Some("/var/lib/knot/knot.tap"));
        assert!(knot.is_whole && !knot.has_more);
    }

    #[test]
    fn a_module_nobody_uses_writes_nothing_and_one_of_a_zone_not_all() {
        let unused = TEXT.replace("global-module: mod-dnstap/capture_all", "storage: /x");
        assert_eq!(settings(&unused).sink, None);
        let zone = TEXT.replace(
            "global-module: mod-dnstap/capture_all",
            "module: [mod-stats, mod-dnstap/other]",
        );
        let knot = settings(&zone);
        assert_eq!(
            (knot.sink.as_deref(), knot.is_whole),
            (Some("unix:/run/x"), false)
        );
        let answers = TEXT.replace("knot.tap\" # here", "knot.tap\"\n    log-queries: off");
        assert!(!settings(&answers).is_whole);
        assert!(settings("include: more.conf\n").has_more);
    }

    #[test]
    fn no_text_brings_it_down() {
        groma_fuzz::hammer(10_000, &[TEXT.as_bytes()], |bytes| {
            let _ = settings(&String::from_utf8_lossy(bytes));
        });
    }
}
