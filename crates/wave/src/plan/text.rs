//! A plan on a terminal: no control character of a stranger reaches it.

use std::fmt::Write as _;

use super::shape::Plan;
use super::shown::shown;
use super::view::{Card, Most, besides, cards, summary};

/// What a terminal shows of each list; the JSON form has all.
const MOST: Most = Most {
    members: 30,
    edges: 5,
};

/// Lines of a section beside the waves.
const LINES: usize = 40;

/// The plan in words, wave by wave. It never fails, and holds no control character but line ends.
pub fn text(plan: &Plan) -> String {
    let mut page = String::new();
    for line in summary(plan) {
        line_of(&mut page, &line);
    }
    for note in &plan.notes {
        line_of(&mut page, &format!("! {}", shown(note)));
    }
    for card in cards(plan, MOST) {
        page.push('\n');
        one(&mut page, &card);
    }
    for (heading, lines) in besides(plan, LINES) {
        line_of(&mut page, &format!("\n{heading}"));
        for line in lines {
            line_of(&mut page, &format!("  {line}"));
        }
    }
    page
}

fn line_of(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}

fn one(page: &mut String, card: &Card) {
    line_of(
        page,
        &format!("{}  {}, {}", card.name, card.title, card.machines),
    );
    for why in &card.why {
        line_of(page, &format!("  {:<10}{why}", "why"));
    }
    let mut names: Vec<&str> = card.members.iter().map(|m| m.name.as_str()).collect();
    let more = format!("and {} more", card.members_more);
    if card.members_more > 0 {
        names.push(&more);
    }
    line_of(page, &format!("  {:<10}{}", "members", names.join(", ")));
    for line in &card.lines {
        line_of(page, &format!("  {:<10}{}", line.word, line.says));
        for under in &line.under {
            line_of(page, &format!("  {:<10}  {under}", ""));
        }
    }
    edges(page, card);
}

fn edges(page: &mut String, card: &Card) {
    if card.edges_total == 0 {
        return;
    }
    let _ = writeln!(page, "  {:<10}{} from here on", "apart", card.edges_total);
    for edge in &card.edges {
        let _ = writeln!(
            page,
            "  {:<10}  {} ({}, {})",
            "", edge.says, edge.strength, edge.until
        );
        for step in &edge.to_do {
            let _ = writeln!(page, "  {:<10}    - {step}", "");
        }
    }
    let more = card.edges_total - card.edges.len();
    if more > 0 {
        let _ = writeln!(
            page,
            "  {:<10}  and {more} more; the JSON form has all of them",
            ""
        );
    }
}
