//! The scoreboard as a page people read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::command::{Board, Contestant};
use super::ledger::{Ledger, Told, Use};
use super::table::{Share, Table, Tally};

/// The rules of the scoreboard, as they stand at its head.
pub const RULES: &str = "\
- Only dependencies between different machines, or to a name outside, are judged. What a machine needs of itself is not.
- A finding is an entry of the truth if the consumer is the same machine, the provider is the same machine or name (by any \
of its names and addresses), and port, transport and kind are the same. An entry without a port is only a finding without \
one. DNS and Kerberos speak both transports on one port, so there the transport is not compared.
- The part of the consumer (unit, job, file) only separates entries that are otherwise the same.
- An entry that two findings state is found once, and doubled. A finding that is no entry is invented; where it fell for a \
decoy, the decoy is named. What is nearly right (another port, another kind) is missed *and* invented.
- Recall is found of all entries; precision is found of found and invented. Hidden recall counts the entries the truth calls \
hidden; hidden precision counts what was invented and called hidden.
- *Through what stands between*: a consumer that calls a relay needs whoever the relay is configured to hand its call to. The two direct needs \
are entries; what follows of them is written down apart (`[[onward]]`) and judged apart: concluded or not, it changes neither recall nor precision. It counts \
only where the finding says through what it goes. One that the relay's configuration does not state is invented like any other (`docs/decisions/0022`).
- Peers are favoured: they have no word for kinds, so none is asked for; a row without a port finds nothing that has one, but \
is not invented where its two machines have any dependency; the same row twice is one.
- *What hosts show* are the entries that a connection or something written could tell an agent; what only a log, the network or the directory knows is left out there.
- A witness *could reach* the entries the truth says it could know in principle; it *reached* those found with that witness.
- The monthly jobs of the lab run for real while it comes up. What the kernel still remembers of their connections is removed \
before anybody looks: they are history, and a contestant that reads logs may know them.
- Leaks are secrets of the lab that stand in anything a contestant printed or sent. There must be none.
- The truth is written from the lab's configuration before anybody looks, and no program under test reads it. But the lab is where rules are \
learnt: the first scoreboard found 63.1 % (54.2 % of the hidden ones) and invented 40, and what it missed was then worked through on these same \
hosts. Today's figures are not those of an estate nobody has seen.
";

/// What the page is, for somebody who meets it in the documentation.
const HEAD: &str = "\
# The scoreboard

What groma finds of the dependencies of the lab (`tests/lab/`), and what the tools of today find there in the same minutes.
Written by `tests/lab/lab score --peers --keep`; the rules stand below. The goal later work is held to: recall of at least 95 %,
over all and of the hidden ones, and at most 2 % invented.

";

/// The whole scoreboard.
pub(crate) fn markdown(board: &Board) -> String {
    let mut page = String::from(HEAD);
    head(&mut page, board);
    contestants(&mut page, board);
    page.push_str("\n## Rules\n\n");
    page.push_str(RULES);
    if let Some(own) = board.contestants.first() {
        by_kind(&mut page, &own.table);
        by_reason(&mut page, &own.table);
        by_witness(&mut page, &own.table);
        machines(&mut page, board);
        onward(&mut page, own);
        ledgers(&mut page, own);
        missed(&mut page, own);
        invented(&mut page, own);
        doubled(&mut page, own);
    }
    decoys_of_peers(&mut page, board);
    amiss(&mut page, board);
    page
}

fn head(page: &mut String, board: &Board) {
    for (key, value) in &board.about {
        line(page, format_args!("- {key}: {}", cell(value)));
    }
    let (all, hidden, decoys) = board.truth;
    line(
        page,
        format_args!("- the truth: {all} dependencies, {hidden} of them hidden, {decoys} decoys\n"),
    );
}

fn contestants(page: &mut String, board: &Board) {
    page.push_str(
        "| | found | recall | hidden found | hidden recall | invented | decoys | precision | doubled | leaks | seconds |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for c in &board.contestants {
        let name = cell(&format!("{} {}", c.name, c.version));
        let name = name.trim();
        if !c.available {
            let why = c.why_not.as_deref().unwrap_or("no reason was given");
            line(
                page,
                format_args!(
                    "| {name} | not available: {} | | | | | | | | | |",
                    cell(why)
                ),
            );
            continue;
        }
        let (all, hidden) = (&c.table.all, &c.table.hidden);
        line(
            page,
            format_args!(
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                all.found,
                percent(all.recall()),
                hidden.found,
                percent(hidden.recall()),
                all.invented,
                all.decoys,
                percent(all.precision()),
                all.doubled,
                c.leaks.len().max(c.leaks_counted),
                c.seconds.map_or(String::new(), |s| format!("{s:.0}")),
            ),
        );
    }
    page.push_str("\n| what hosts show | found | of | recall | hidden found | of | hidden recall |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for c in board.contestants.iter().filter(|c| c.available) {
        let (all, hidden) = (c.table.on_hosts, c.table.on_hosts_hidden);
        line(
            page,
            format_args!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                cell(&c.name),
                all.part,
                all.whole,
                percent(all),
                hidden.part,
                hidden.whole,
                percent(hidden),
            ),
        );
    }
    for c in board.contestants.iter().filter(|c| c.available) {
        let named = c.score.verdicts.iter().filter(|v| v.named).count();
        let note = c
            .note
            .as_deref()
            .map_or(String::new(), |n| format!("; {n}"));
        line(
            page,
            format_args!(
                "\n{}: of {named} missed entries it knows that the one machine has to do with the other{}",
                c.name,
                cell(&note)
            ),
        );
    }
}

fn by_kind(page: &mut String, table: &Table) {
    for (title, all, kinds) in [
        ("By kind", &table.all, &table.kinds),
        ("By kind, hidden ones", &table.hidden, &table.hidden_kinds),
    ] {
        line(page, format_args!("\n## {title}\n"));
        page.push_str(
            "| kind | entries | found | missed | invented | recall | precision |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        kinds
            .iter()
            .for_each(|(kind, tally)| row(page, kind, tally));
        row(page, "**all**", all);
    }
    let (right, wrong) = (table.called_hidden, table.called_hidden_wrongly);
    line(
        page,
        format_args!(
            "\nCalled hidden: {} of the {} hidden ones found, and {} of the {} others found.",
            right.part, right.whole, wrong.part, wrong.whole
        ),
    );
}

fn row(page: &mut String, name: &str, tally: &Tally) {
    line(
        page,
        format_args!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            tally.found + tally.missed,
            tally.found,
            tally.missed,
            tally.invented,
            percent(tally.recall()),
            percent(tally.precision()),
        ),
    );
}

fn by_reason(page: &mut String, table: &Table) {
    page.push_str("\n## By reason for being hidden\n\n| reason | entries | found | recall |\n| --- | ---: | ---: | ---: |\n");
    for (reason, share) in &table.reasons {
        let (whole, part) = (share.whole, share.part);
        line(
            page,
            format_args!("| {reason} | {whole} | {part} | {} |", percent(*share)),
        );
    }
}

fn by_witness(page: &mut String, table: &Table) {
    page.push_str(
        "\n## By witness: what it could reach, and what it reached\n\n\
         | witness | could reach | reached | hidden: could | reached | nobody else could | found |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (witness, row) in &table.witnesses {
        line(
            page,
            format_args!(
                "| {witness} | {} | {} | {} | {} | {} | {} |",
                row.all.whole,
                row.all.part,
                row.hidden.whole,
                row.hidden.part,
                row.alone.whole,
                row.alone.part
            ),
        );
    }
}

fn machines(page: &mut String, board: &Board) {
    list(page, "Machines that are there twice", &board.twice);
    list(page, "Machines wrongly taken for one", &board.merged);
}

/// The map of what to build next: what was missed, under the witness that knows it best.
fn missed(page: &mut String, own: &Contestant) {
    page.push_str("\n## Missed, by the witness that knows it best\n");
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (entry, verdict) in own.score.entries.iter().zip(&own.score.verdicts) {
        if verdict.found {
            continue;
        }
        let hidden = match entry.hidden.as_slice() {
            [] => String::new(),
            reasons => format!(" [hidden: {}]", reasons.join(", ")),
        };
        let nearly = verdict
            .nearly
            .as_ref()
            .map_or(String::new(), |n| format!("; nearly: {n}"));
        groups
            .entry(entry.best_witness())
            .or_default()
            .push(format!(
                "{} — {} ({}){hidden}{nearly}",
                entry.line(),
                entry.why,
                entry.place
            ));
    }
    for (witness, lines) in groups {
        line(page, format_args!("\n### {witness}: {}\n", lines.len()));
        bullets(page, lines);
    }
}

fn onward(page: &mut String, own: &Contestant) {
    let share = own.table.onward;
    if share.whole == 0 {
        return;
    }
    line(page, format_args!("\n## Through what stands between\n"));
    line(
        page,
        format_args!(
            "Concluded {} of {} ({}).\n",
            share.part,
            share.whole,
            percent(share)
        ),
    );
    let told = own.score.onward.iter().map(|(onward, led)| {
        let word = if *led { "concluded" } else { "missed" };
        let (line, entry) = (onward.line(), &onward.entry);
        format!("{word}: {line} — {} ({})", entry.why, entry.place)
    });
    bullets(page, told.collect());
}

/// Who binds and who sends: a use is told if its row has the account, the mechanism, the protection and evidence.
fn ledgers(page: &mut String, own: &Contestant) {
    for ledger in [Ledger::Bindings, Ledger::Mail] {
        let of_it = |(one, _): &&(Use, Told)| one.ledger == ledger;
        let uses: Vec<_> = own.score.uses.iter().filter(of_it).collect();
        if uses.is_empty() {
            continue;
        }
        let whole = uses.iter().filter(|(_, t)| *t == Told::Whole).count();
        line(page, format_args!("\n## The {} ledger\n", ledger.name()));
        line(page, format_args!("Told {whole} of {} uses.\n", uses.len()));
        bullets(page, uses.iter().filter_map(|u| untold(u)).collect());
    }
}

fn untold((one, told): &(Use, Told)) -> Option<String> {
    let why = match told {
        Told::Whole => return None,
        Told::Differs(what) => format!("says {what}"),
        Told::Missed => "no row".into(),
    };
    Some(format!("{}: {why} ({})", one.line(), one.place))
}

fn invented(page: &mut String, own: &Contestant) {
    let lines: Vec<String> = own.score.invented.iter().map(invented_line).collect();
    list(page, "Invented", &lines);
    let nearly = own.score.invented.iter().filter_map(|i| i.nearly.as_ref());
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for words in nearly {
        *by.entry(words.split(':').next().unwrap_or_default())
            .or_default() += 1;
    }
    let by: Vec<String> = by.iter().map(|(word, n)| format!("{n} {word}")).collect();
    if !by.is_empty() {
        line(
            page,
            format_args!(
                "\nNearly right, between the right machines: {}.",
                by.join(", ")
            ),
        );
    }
}

fn invented_line(invented: &super::judge::Invented) -> String {
    let decoy = invented
        .decoy
        .as_ref()
        .map_or(String::new(), |d| format!(" — DECOY: {d}"));
    let nearly = invented
        .nearly
        .as_ref()
        .map_or(String::new(), |n| format!(" — {n}"));
    let part = invented.component.as_deref().unwrap_or_default();
    let known: Vec<&str> = std::iter::once(part)
        .chain(invented.witnesses.iter().map(String::as_str))
        .filter(|word| !word.is_empty())
        .collect();
    let known = match known.as_slice() {
        [] => String::new(),
        words => format!(" ({})", words.join(", ")),
    };
    format!("{}{known}{decoy}{nearly}", invented.line)
}

fn doubled(page: &mut String, own: &Contestant) {
    let lines: Vec<String> = own
        .score
        .entries
        .iter()
        .zip(&own.score.verdicts)
        .filter(|(_, v)| v.doubled > 0)
        .map(|(e, v)| format!("{}: {} more", e.line(), v.doubled))
        .collect();
    list(page, "Doubled", &lines);
}

fn decoys_of_peers(page: &mut String, board: &Board) {
    for peer in board
        .contestants
        .iter()
        .skip(1)
        .filter(|c| c.available && !c.is_sum)
    {
        let fallen = peer.score.invented.iter().filter(|i| i.decoy.is_some());
        let lines: Vec<String> = fallen.map(|i| i.line.clone()).collect();
        list(page, &format!("Decoys {} fell for", peer.name), &lines);
    }
}

fn amiss(page: &mut String, board: &Board) {
    list(page, "What is wrong with the truth itself", &board.amiss);
    let leaks: Vec<String> = board
        .contestants
        .iter()
        .flat_map(|c| c.leaks.iter().map(move |l| format!("{}: {l}", c.name)))
        .collect();
    list(page, "Leaks", &leaks);
}

fn list(page: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        line(page, format_args!("\n## {title}: {}\n", lines.len()));
        bullets(page, lines.to_vec());
    }
}

fn bullets(page: &mut String, mut lines: Vec<String>) {
    lines.sort();
    for text in lines {
        line(page, format_args!("- {}", cell(&text)));
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("writing into a string does not fail");
}

fn percent(share: Share) -> String {
    share
        .percent()
        .map_or_else(|| "–".to_owned(), |p| format!("{p:.1} %"))
}

/// Names that were found are strangers' input: no line breaks, no markup.
fn cell(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars()
        .map(plain)
        .collect::<String>()
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('*', "\\*")
}
