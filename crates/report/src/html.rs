//! The page: one file, no request, a policy that names the hashes of its own style and script.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::glossary::{self, Explained};
use crate::index::Index;
use crate::map::{self, Grain, Layout, Picture, WavePicture, data::PanelData};
use crate::markdown::facts;
use crate::page::{LINES, Need, Page, Risk};
use crate::text::{Catalogue, fill};

const STYLE: &str = include_str!("../templates/report.css");
const SCRIPT: &str = include_str!("../templates/report.js");

#[derive(Template)]
#[template(path = "report.html")]
struct Document<'a> {
    page: &'a Page,
    words: &'a Catalogue,
    policy: String,
    style: &'static str,
    script: &'static str,
    map_lead: String,
    map: Option<String>,
    map_left_out: Option<String>,
    waves_map: Option<String>,
    waves_left_out: Option<String>,
    glossary: Vec<Explained>,
    data: String,
}

/// The drawn map with what the side panel reads.
pub(crate) struct Map {
    grain: Grain,
    things: usize,
    edges_left_out: usize,
    drawing: Option<String>,
    by_waves: Option<String>,
    lines_left_out: usize,
    data: String,
}

impl Map {
    pub(crate) fn of(index: &Index<'_>, words: &Catalogue) -> Self {
        let picture = Picture::of(index, words);
        let drawn = !picture.nodes.is_empty();
        let by_waves = WavePicture::of(index, words).filter(|_| drawn);
        Self {
            lines_left_out: by_waves.as_ref().map_or(0, |p| p.lines_left_out),
            by_waves: by_waves.map(|p| map::render_waves(&p, words)),
            drawing: drawn.then(|| map::render(&picture, &Layout::of(&picture), words)),
            data: data_block(&PanelData::of(index, &picture, words)),
            things: picture.nodes.iter().map(|n| n.members.len()).sum(),
            edges_left_out: picture.edges_left_out,
            grain: picture.grain,
        }
    }
}

/// The whole page.
pub(crate) fn render(page: &Page, map: Map, words: &Catalogue) -> String {
    let (things, left_out) = (map.things, map.edges_left_out);
    let document = Document {
        page,
        words,
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        map_lead: match map.grain {
            Grain::Parts => words.map_lead_parts.to_owned(),
            Grain::Things => words.map_lead_things.to_owned(),
            Grain::Groups => fill(words.map_lead_groups, &[&crate::human::number(things)]),
        },
        waves_left_out: (map.lines_left_out > 0)
            .then(|| words.count(words.waves_map_left_out, map.lines_left_out)),
        waves_map: map.by_waves,
        glossary: glossary::of(page),
        map: map.drawing,
        map_left_out: (left_out > 0)
            .then(|| fill(words.map_edges_left_out, &[&crate::human::number(left_out)])),
        data: map.data,
    };
    document
        .render()
        .expect("writing into a string cannot fail")
}

/// Nothing may be fetched, sent, framed or run, but this page's own style and script.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        STANDARD.encode(Sha256::digest(STYLE.as_bytes())),
        STANDARD.encode(Sha256::digest(SCRIPT.as_bytes())),
    )
}

/// The policy of a page without a script.
pub(crate) fn policy_of(style: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(style.as_bytes())),
    )
}

/// JSON that stands inside a `script` element: no `<`, `>` or `&` is left that could end it or begin a comment.
fn data_block(data: &PanelData<'_>) -> String {
    let json =
        serde_json::to_string(data).expect("panel data has only string keys and whole numbers");
    let mut safe = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            c => safe.push(c),
        }
    }
    safe
}

impl Document<'_> {
    fn facts(&self, need: &Need) -> Vec<(&'static str, String)> {
        facts(need, self.words)
    }

    fn through(&self, need: &Need) -> Option<String> {
        crate::markdown::through(need, self.words)
    }

    fn onward(&self, need: &Need) -> Option<String> {
        crate::markdown::onward(need, self.words)
    }

    fn wrong_line(&self) -> Option<String> {
        let wrong = self.page.wrong_left_out;
        (wrong > 0).then(|| self.words.count(self.words.wrong_left_out, wrong))
    }

    fn authorities_line(&self) -> Option<String> {
        let left_out = self.page.authorities_left_out;
        (left_out > 0).then(|| {
            self.words
                .count(self.words.certificates_authorities, left_out)
        })
    }

    fn risks_rest(&self) -> Option<String> {
        let more = self.page.risks_more;
        (more > 0).then(|| self.words.count(self.words.risks_rest, more))
    }

    /// The gravest risks of the first page; all ten stand below it.
    fn gravest(&self) -> &[Risk] {
        let risks = self.page.risks.as_slice();
        risks.get(..LINES).unwrap_or(risks)
    }

    fn gravest_rest(&self) -> Option<String> {
        let beyond = self.page.risks.iter().skip(LINES).map(|r| r.alike + 1);
        let alike = self.gravest().iter().map(|r| r.alike);
        let more = beyond.chain(alike).sum::<usize>() + self.page.risks_more;
        (more > 0).then(|| self.words.count(self.words.brief_more_risks, more))
    }

    fn generated(&self) -> String {
        fill(self.words.generated, &[&self.page.generated_at])
    }

    fn snapshot(&self) -> Option<String> {
        self.page
            .snapshot
            .as_ref()
            .map(|name| fill(self.words.of_snapshot, &[name]))
    }

    fn changed(&self, bytes: &str) -> String {
        fill(self.words.volumes_changed, &[bytes])
    }

    fn same_key(&self, name: &str) -> String {
        fill(self.words.same_key, &[name])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_cannot_end_their_own_element() {
        assert!(!STYLE.contains("</"));
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        for forbidden in [
            "innerHTML",
            "insertAdjacentHTML",
            "outerHTML",
            "document.write",
            "eval(",
            "http:",
            "https:",
        ] {
            assert!(!SCRIPT.contains(forbidden), "{forbidden}");
        }
    }
}
