//! The report of an estate on its way: the first page, waves, the register, notes, copies and words.

mod markup;
mod sample;

use groma_model::inventory::{Inventory, WaveEntry};
use markup::{assert_clean, tags};
use proptest::prelude::*;

/// The text of one section of a page.
fn section<'h>(html: &'h str, id: &str) -> &'h str {
    let begin = html.find(&format!("<section id=\"{id}\""));
    let rest = &html[begin.unwrap_or_else(|| panic!("a section {id}"))..];
    rest.split("</section>").next().unwrap_or_default()
}

/// The first page.
fn front(html: &str) -> &str {
    let rest = html.split("<section class=\"front\"").nth(1);
    let rest = rest.expect("a first page");
    rest.split("</section>").next().unwrap_or_default()
}

fn has_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn the_first_page_says_what_breaks_what_is_ready_and_who_is_asked() {
    let html = groma_report::html(&sample::moving());
    has_all(
        front(&html),
        &[
            "When mail1.corp.example goes, scan to mail on copier-2nd-floor stops: its mail relay is there.",
            "No list shows it: relays mail by its address alone",
            "Mail clients refuse the mail server.",
            "Mail team, 2026-11-21",
            "href=\"#wave-1\">w1 mail</a> <span class=\"chip\">ready</span> 2026-12-05 10:00 to 2026-12-06 10:00 UTC",
            "15 blank fields",
            "Nobody can say yet how much is still unseen",
            "9 of 11 hosts were looked at from inside.",
            // One of the inventory, fifteen of the wave that nobody owns.
            "<li><span>No owner known</span> <b>16 questions</b></li>",
            "<li><span>Jo Example</span> <b>3 questions</b></li>",
            "more persons or teams",
        ],
    );
}

#[test]
fn an_estimate_stands_on_the_first_page_with_its_interval() {
    let mut moving = sample::moving();
    let mut estimate = sample::moving_named("x").estimate.unwrap();
    estimate.meaningful = true;
    estimate.says = vec!["Probably 12 more, 4 to 31.".to_owned()];
    moving.estimate = Some(estimate);
    let html = groma_report::html(&moving);
    has_all(front(&html), &["Probably 12 more, 4 to 31."]);
    assert!(!front(&html).contains("Nobody can say yet"));
    has_all(section(&html, "glossary"), &["<dt>probably unseen</dt>"]);
}

#[test]
fn a_wave_shows_every_field_and_asks_its_owner_for_the_blank_one() {
    let html = groma_report::html(&sample::moving());
    let waves = section(&html, "waves");
    let first = waves.split("<article").nth(1).unwrap();
    has_all(
        first,
        &[
            "1. w1 mail",
            "2026-12-05 10:00 to 2026-12-06 10:00 UTC",
            "CHG-1042",
            "mail-old.corp.example (nothing of that name was found)",
            "mail1 → mail-new; names that follow: mail.corp.example",
            "smtp-relay to mail-new:25",
            "the old server relays what still arrives there",
            "2026-12-20",
            "point mail.corp.example back to mail1",
            "45 min",
            "nightly copy of mail1",
            "2026-11-17",
            "mail_delay_p95_seconds at most 60, compared with before-w1, accepted by head of sales",
            "users: mail on Thursday before",
            "Question for Jo Example: Who decides to go back?",
        ],
    );
    assert_eq!(first.matches("class=\"ask\"").count(), 1);
}

#[test]
fn a_wave_nobody_filled_in_is_all_questions_and_nobody_is_made_up() {
    let html = groma_report::html(&sample::moving());
    let second = section(&html, "waves").split("<article").nth(2).unwrap();
    has_all(
        second,
        &[
            "2. w2 applications",
            "Question, nobody named yet: Who answers for this wave?",
            "Question, nobody named yet: When was restoring that copy last tried?",
            "Question, nobody named yet: Which needs must work afterwards?",
        ],
    );
    assert_eq!(second.matches("class=\"ask\"").count(), 15);
}

#[test]
fn needs_cross_where_ends_move_apart_and_only_there() {
    let html = groma_report::html(&sample::moving());
    let waves: Vec<&str> = section(&html, "waves").split("<article").collect();
    has_all(
        waves[1],
        &[
            "dir1.corp.example is needed by app1.corp.example (w2 applications): directory logon (LDAP)",
        ],
    );
    has_all(
        waves[2],
        &["app1.corp.example needs dir1.corp.example (w1 mail): directory logon (LDAP)"],
    );
    // Both move in the second wave.
    assert!(!waves[2].contains("app1.corp.example needs db1.corp.example"));
    // What nearly every host needs is no cut.
    assert!(!waves[2].contains("name resolution"));
}

#[test]
fn the_map_by_waves_has_a_column_per_wave_and_marks_each_cut() {
    let html = groma_report::html(&sample::moving());
    let picture = html.split("id=\"waves-map\"").nth(1).unwrap();
    let picture = picture.split("</svg>").next().unwrap();
    let at = |text: &str| picture.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at(">w1 mail</text>") < at(">w2 applications</text>"));
    assert!(at(">w2 applications</text>") < at(">In no wave</text>"));
    let cuts = picture.matches("class=\"edge cut").count();
    let marks = picture
        .split("class=\"cuts\"")
        .nth(1)
        .unwrap()
        .matches("<path")
        .count();
    assert!(cuts > 0);
    assert_eq!(cuts, marks);
    assert!(
        picture.contains("app1 → db1: SQL"),
        "both ends move together"
    );
    assert!(!picture.contains("app1 → db1: SQL, crosses"));
    let mut all = sample::moving();
    all.waves[0].members = all.entities.iter().map(|e| e.name.clone()).collect();
    let html = groma_report::html(&all);
    assert!(
        !html.contains(">In no wave</text>"),
        "nobody is left behind"
    );
    has_all(&html, &["type=\"radio\" name=\"view\" value=\"waves\""]);
}

#[test]
fn without_a_wave_the_report_says_how_to_make_a_plan() {
    let html = groma_report::html(&sample::office());
    has_all(
        section(&html, "waves"),
        &["&#34;groma wave plan --files DIR&#34;"],
    );
    for absent in [
        "id=\"waves-map\"",
        "type=\"radio\"",
        "cut edge",
        "<dt>wave</dt>",
    ] {
        assert!(!html.contains(absent), "{absent}");
    }
}

#[test]
fn the_order_in_which_waves_are_named_changes_nothing() {
    let moving = sample::moving();
    let mut turned = moving.clone();
    turned.waves.reverse();
    assert_eq!(groma_report::html(&moving), groma_report::html(&turned));
    assert_eq!(
        groma_report::markdown(&moving),
        groma_report::markdown(&turned)
    );
}

#[test]
fn what_two_waves_claim_moves_in_the_first() {
    let mut moving = sample::moving();
    moving.waves[0].members.push("dir1".into());
    let html = groma_report::html(&moving);
    let second = section(&html, "waves").split("<article").nth(2).unwrap();
    has_all(
        second,
        &["app1.corp.example needs dir1.corp.example (w1 mail)"],
    );
}

#[test]
fn the_register_says_why_a_row_stands_where_it_stands() {
    let html = groma_report::html(&sample::moving());
    let register = section(&html, "findings");
    let row = |text: &str| {
        let mut rows = register.split("<tr>");
        rows.find(|row| row.contains(text))
            .unwrap_or_else(|| panic!("{text}"))
    };
    has_all(
        row("A risk that is closed."),
        &[
            "closed on 2026-11-18",
            "the newest look saw the new certificate everywhere",
        ],
    );
    let person = row("A risk that is written by a person.");
    has_all(
        person,
        &[
            "<span class=\"chip person\">written by a person</span>",
            "open since 2026-11-11",
        ],
    );
    assert!(!row("The intranet stops").contains("written by a person"));
    assert!(!front(&html).contains("A risk that is closed."));
}

#[test]
fn notes_stand_with_name_and_day_and_only_where_there_are_any() {
    let html = groma_report::html(&sample::moving());
    let notes = section(&html, "notes");
    has_all(
        notes,
        &[
            "<b>company mail</b></td><td>ask Ben before the first of a month</td><td>Jo Example<span class=\"item\">2026-11-18",
            "<b>db1.corp.example</b></td><td>version 15, not 13</td><td>Ben Example",
        ],
    );
    let place = |text| notes.find(text).unwrap();
    assert!(
        place("ask Ben") < place("the fax gateway"),
        "the newest first"
    );
    assert!(!groma_report::html(&sample::office()).contains("id=\"notes\""));
}

#[test]
fn archives_volumes_rights_and_copies_have_sections_of_their_own() {
    let html = groma_report::html(&sample::moving());
    has_all(
        section(&html, "archives"),
        &["/home/ana/archive-2019.pst", "0.1 to 0.6 h"],
    );
    assert!(!section(&html, "archives").contains("//files1/projects"));
    assert!(!section(&html, "data-volumes").contains("archive-2019"));
    let volumes = section(&html, "volumes");
    let place = |text| volumes.find(text).unwrap();
    assert!(
        place("//files1/projects") < place("//mail1/spool"),
        "the longest first"
    );
    assert!(volumes.contains("8.1 to 31.5 h"));
    let rights = section(&html, "rights");
    assert!(rights.find("stands for nobody").unwrap() < rights.find("archive-2019").unwrap());
    has_all(
        section(&html, "backups"),
        &[
            "on 2026-11-17, as wave w1 mail says",
            "Question for nobody named yet (w2 applications): when was restoring it last tried?",
        ],
    );
    let office = groma_report::html(&sample::office());
    for id in ["archives", "volumes", "rights", "backups"] {
        assert!(!office.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
}

#[test]
fn only_words_that_occur_are_explained() {
    let explained = |inventory: &Inventory, word: &str| {
        let html = groma_report::html(inventory);
        section(&html, "glossary").contains(&format!("<dt>{word}</dt>"))
    };
    assert!(explained(&sample::moving(), "cut edge"));
    assert!(!explained(&sample::single(), "cut edge"));
    assert!(!explained(&sample::single(), "snapshot"));
    assert!(explained(&sample::single(), "consumer"));
}

#[test]
fn the_markdown_has_waves_archives_and_notes_in_short() {
    let text = groma_report::markdown(&sample::moving());
    has_all(
        &text,
        &[
            "### 1. w1 mail, ready",
            "- Who decides: **Question for Jo Example: Who decides to go back?**",
            "## Archives",
            "## Notes",
            "closed on 2026-11-18: the newest look",
        ],
    );
    assert!(!text.contains("cut edge"));
}

#[test]
fn headings_tables_and_ids_are_in_order() {
    for inventory in [
        sample::office(),
        sample::moving(),
        sample::single(),
        sample::devices(),
    ] {
        let tags = tags(&groma_report::html(&inventory));
        let mut level = 0;
        for tag in &tags {
            let heading = tag
                .name
                .strip_prefix('h')
                .and_then(|n| n.parse::<u32>().ok());
            if let Some(next) = heading {
                assert!(next <= level + 1, "{} after h{level}", tag.name);
                level = next;
            }
        }
        assert_eq!(tags.iter().filter(|t| t.name == "h1").count(), 1);
        let count = |name: &str| tags.iter().filter(|t| t.name == name).count();
        for part in ["caption", "thead", "tbody"] {
            assert_eq!(count(part), count("table"), "{part}");
        }
        assert!(
            tags.iter()
                .filter(|t| t.name == "th")
                .all(|t| t.value("scope") == Some("col"))
        );
        let mut ids: Vec<&str> = tags.iter().filter_map(|t| t.value("id")).collect();
        ids.sort_unstable();
        assert!(
            ids.windows(2).all(|pair| pair[0] != pair[1]),
            "an id stands twice"
        );
        let known = |id: &&str| ids.binary_search(id).is_ok();
        for tag in &tags {
            let label = tag
                .value("aria-labelledby")
                .into_iter()
                .filter(|id| *id != "panel-title");
            assert!(label.clone().all(|id| known(&id)), "{label:?}");
            let link = tag.value("href").and_then(|h| h.strip_prefix('#'));
            let link = link.filter(|id| !id.starts_with("entity="));
            assert!(link.iter().all(known), "{link:?}");
        }
        assert!(
            tags.iter()
                .any(|t| t.name == "html" && t.value("lang") == Some("en"))
        );
        assert!(
            tags.iter()
                .any(|t| t.name == "a" && t.value("class") == Some("skip"))
        );
    }
}

/// How many header cells the rows of each table have beside how many cells.
#[test]
fn every_row_has_a_cell_below_each_header() {
    let html = groma_report::html(&sample::moving());
    for table in html.split("<table").skip(1) {
        let table = table.split("</table>").next().unwrap();
        let (head, body) = table.split_once("</thead>").unwrap();
        let columns = head.matches("<th ").count();
        for row in body.split("<tr").skip(1) {
            assert_eq!(row.matches("<td").count(), columns, "{row}");
        }
    }
}

/// Colours by name of each palette of the page: light, dark, print.
fn palettes(html: &str) -> Vec<Vec<(String, f64)>> {
    let style = html.split("<style>").nth(1).expect("a style");
    let style = style.split("</style>").next().unwrap_or_default();
    let palettes = style.split(":root{").skip(1);
    palettes
        .map(|palette| {
            let palette = palette.split('}').next().unwrap_or_default();
            let set = palette.split(';').filter_map(|one| one.split_once(':'));
            set.filter(|(name, _)| name.starts_with("--"))
                .map(|(name, colour)| (name.to_owned(), luminance(colour)))
                .collect()
        })
        .collect()
}

/// Relative luminance as WCAG 2.1 defines it.
fn luminance(colour: &str) -> f64 {
    let digits = colour.trim_start_matches('#');
    let wide: String = match digits.len() {
        3 => digits.chars().flat_map(|c| [c, c]).collect(),
        _ => digits.to_owned(),
    };
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&wide[at..at + 2], 16).expect("a colour")) / 255.0;
        match value <= 0.03928 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

#[test]
fn an_estimate_of_many_words_is_cut_on_the_first_page_and_whole_below() {
    let mut moving = sample::moving();
    let mut estimate = sample::moving_named("x").estimate.expect("an estimate");
    estimate.why_not = Some(format!(
        "{}and that is why.",
        "too little was seen, ".repeat(12)
    ));
    moving.estimate = Some(estimate);
    let html = groma_report::html(&moving);
    assert!(!front(&html).contains("and that is why."));
    has_all(section(&html, "unknown"), &["and that is why."]);
}

#[test]
fn text_can_be_read_in_light_in_dark_and_on_paper() {
    let palettes = palettes(&groma_report::html(&sample::single()));
    assert_eq!(palettes.len(), 3);
    let grounds = ["paper", "card", "wash", "band", "notice"];
    let on = ["critical", "high", "medium", "low", "hidden"];
    for palette in palettes {
        let of = |name: &str| {
            let known = palette
                .iter()
                .find(|(n, _)| n.trim_start_matches("--") == name);
            known.unwrap_or_else(|| panic!("{name}")).1
        };
        let ratio = |a: &str, b: &str| {
            let (a, b) = (of(a), of(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for ground in grounds {
            for ink in ["ink", "soft"] {
                assert!(
                    ratio(ink, ground) >= 4.5,
                    "{ink} on {ground}: {}",
                    ratio(ink, ground)
                );
            }
        }
        for ground in ["paper", "card", "wash"] {
            for ink in ["accent", "medium", "high", "critical", "hidden"] {
                assert!(
                    ratio(ink, ground) >= 4.5,
                    "{ink} on {ground}: {}",
                    ratio(ink, ground)
                );
            }
        }
        for word in on {
            let wash = format!("{word}-wash");
            assert!(ratio(word, &wash) >= 4.5, "{word}: {}", ratio(word, &wash));
        }
    }
}

#[test]
fn nothing_in_a_plan_becomes_markup_whoever_wrote_it() {
    for hostile in sample::moving_hostile() {
        let html = groma_report::html(&hostile);
        assert_clean(&html);
        assert!(!html.contains("<script>alert"));
        for text in [
            html,
            groma_report::markdown(&hostile),
            groma_report::json(&hostile),
        ] {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']));
        }
    }
}

#[test]
fn a_plan_of_hundreds_of_waves_stays_a_page() {
    let mut large = sample::large(2_000, 10_000);
    let names: Vec<String> = large.entities.iter().map(|e| e.name.clone()).collect();
    large.waves = (0_u32..)
        .zip(names.chunks(5))
        .map(|(order, members)| WaveEntry {
            name: format!("w{order}"),
            order,
            members: members.to_vec(),
            state: "planned".into(),
            ..WaveEntry::default()
        })
        .collect();
    let html = groma_report::html(&large);
    assert_clean(&html);
    has_all(&html, &["later waves</text>", "Showing 100 of 400"]);
    let picture = html.split("id=\"waves-map\"").nth(1).unwrap();
    let picture = picture.split("</svg>").next().unwrap();
    assert!(picture.matches("class=\"node").count() <= 13 * 16);
    assert!(html.len() < 6_000_000, "{}", html.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_a_plan_breaks_out_of_its_place(text in "[<>\"'&=/a-z #%\\-!\u{0}-\u{1f}\u{202a}-\u{202e}]{0,40}") {
        assert_clean(&groma_report::html(&sample::moving_named(&text)));
    }
}
