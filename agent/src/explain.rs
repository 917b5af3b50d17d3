//! `groma-agent explain`: what would be read, contacted and sent, before anything is.

use std::fmt::Write;

use groma_model::SourceName;
use groma_source::Explanation;

/// The explanations as text. `rights_only` leaves everything but the rights out.
pub fn render(sources: &[(SourceName, Explanation)], rights_only: bool) -> String {
    let mut text = String::new();
    for (name, explanation) in sources {
        let _ = writeln!(text, "{name}\n  {}", explanation.purpose);
        if !rights_only {
            list(&mut text, "reads", &explanation.reads);
            list(&mut text, "contacts", &explanation.contacts);
            list(&mut text, "sends", &explanation.sends);
            list(&mut text, "never sends", &explanation.never_sends);
            let _ = writeln!(text, "  cost: {}", explanation.cost);
        }
        list(&mut text, "rights", &explanation.rights);
        text.push('\n');
    }
    if !rights_only {
        text.push_str(ALWAYS);
    }
    text
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        let _ = writeln!(text, "  {title}: nothing");
        return;
    }
    let _ = writeln!(text, "  {title}:");
    for line in lines {
        let _ = writeln!(text, "    - {line}");
    }
}

const ALWAYS: &str = "\
always
  Nothing found is executed. No file is written but the batch and the agent's own state. FIFOs, sockets and
  devices are never opened; network file systems are never walked. Not one packet goes to TCP 515, 9100-9116
  or 9999, on any host. Private names and addresses never go to a public resolver. No password, key or raw
  line of a file leaves this machine. See all of it: zstd -dc BATCH | jq
";
