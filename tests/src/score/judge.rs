//! Findings against the truth: which entry is which finding, and what is left over on either side.

use std::collections::BTreeMap;

use groma_model::registry::REGISTRY;

use super::finding::Finding;
use super::ledger::{Told, Use};
use super::place::Places;
use super::truth::{Decoy, Entry, LabTruth, Onward};

/// How closely a finding must fit an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generosity {
    /// groma: consumer, provider, port, transport and kind.
    Strict,
    /// Peers: no kind; one that says no port found nothing, but invented nothing either if the two machines are right.
    Generous,
}

/// What became of one entry of the truth.
#[derive(Clone, Default, Debug)]
pub struct Verdict {
    /// True if it was found.
    pub found: bool,
    /// How many more findings say the same.
    pub doubled: usize,
    /// In which ways it is known.
    pub witnesses: Vec<String>,
    /// True if it is said to be hidden.
    pub called_hidden: bool,
    /// True if it was not found, but both its machines were named together.
    pub named: bool,
    /// The finding that comes closest, if it was not found.
    pub nearly: Option<String>,
}

/// A finding that is not true.
#[derive(Clone, Debug)]
pub struct Invented {
    /// It, in one line.
    pub line: String,
    /// The part of the consumer it names.
    pub component: Option<String>,
    /// Its kind, if it has one.
    pub kind: Option<String>,
    /// True if it is said to be hidden.
    pub hidden: bool,
    /// The decoy it fell for, in words.
    pub decoy: Option<String>,
    /// The entry that comes closest, and in what it differs.
    pub nearly: Option<String>,
    /// In which ways it claims to be known.
    pub witnesses: Vec<String>,
}

/// Everything there is to say about one contestant.
#[derive(Clone, Debug)]
pub struct Score {
    /// The truth it was held against.
    pub entries: Vec<Entry>,
    /// What became of each entry, in the same order.
    pub verdicts: Vec<Verdict>,
    /// What follows through relays, each with whether it was concluded.
    pub onward: Vec<(Onward, bool)>,
    /// The uses the truth of the ledgers names, each with what became of it; none unless that truth was read.
    pub uses: Vec<(Use, Told)>,
    /// What it found that is not there.
    pub invented: Vec<Invented>,
}

/// Holds `findings` against `truth`. `whole` is the truth of the whole lab: while only a part of it is up,
/// a true finding about the rest is neither found nor invented.
pub fn judge(
    truth: &LabTruth,
    whole: &LabTruth,
    findings: &[Finding],
    places: &Places,
    generosity: Generosity,
) -> Score {
    let judge = Judge { places, generosity };
    let mut verdicts = vec![Verdict::default(); truth.entries.len()];
    let mut left: Vec<&Finding> = match generosity {
        Generosity::Strict => judge.assign(truth, findings, &mut verdicts),
        Generosity::Generous => judge.grant(truth, findings, &mut verdicts),
    };
    let led = |o: &Onward| (o.clone(), left.iter().any(|f| judge.leads(o, f)));
    let onward = truth.onward.iter().map(led).collect();
    left.retain(|f| !whole.onward.iter().any(|o| judge.leads(o, f)));
    judge.mark_near_misses(truth, &left, &mut verdicts);
    left.retain(|f| !whole.entries.iter().any(|e| judge.excuses(e, f)));
    let invented = left
        .iter()
        .map(|f| judge.invented(f, whole, truth))
        .collect();
    Score {
        entries: truth.entries.clone(),
        verdicts,
        onward,
        uses: Vec::new(),
        invented,
    }
}

struct Judge<'a> {
    places: &'a Places,
    generosity: Generosity,
}

impl Judge<'_> {
    /// Every finding stands for one entry at most; more findings of the same key are doubled.
    fn assign<'f>(
        &self,
        truth: &LabTruth,
        findings: &'f [Finding],
        verdicts: &mut [Verdict],
    ) -> Vec<&'f Finding> {
        let mut left = Vec::new();
        // The findings of each set of entries that share a key.
        let mut groups: BTreeMap<Vec<usize>, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            let group = self.entries_of(truth, finding);
            if group.is_empty() {
                left.push(finding);
            } else {
                groups.entry(group).or_default().push(finding);
            }
        }
        for (group, findings) in groups {
            settle(&truth.entries, &group, findings, verdicts);
        }
        left
    }

    fn entries_of(&self, truth: &LabTruth, finding: &Finding) -> Vec<usize> {
        let fitting = truth.entries.iter().enumerate();
        fitting
            .filter(|(_, e)| self.fits(e, finding))
            .map(|(at, _)| at)
            .collect()
    }

    /// Every entry that any finding fits is found.
    fn grant<'f>(
        &self,
        truth: &LabTruth,
        findings: &'f [Finding],
        verdicts: &mut [Verdict],
    ) -> Vec<&'f Finding> {
        let mut left = Vec::new();
        for finding in findings {
            let fitting = self.entries_of(truth, finding);
            if fitting.is_empty() {
                left.push(finding);
            }
            for at in fitting {
                if let Some(verdict) = verdicts.get_mut(at) {
                    verdict.found = true;
                }
            }
        }
        left
    }

    fn fits(&self, entry: &Entry, finding: &Finding) -> bool {
        self.same_ends(entry, finding)
            && same_port(entry, finding)
            && self.same_transport(entry, finding)
            && self.same_kind(entry, finding)
    }

    /// True if the finding says this need, and through what it goes.
    fn leads(&self, onward: &Onward, finding: &Finding) -> bool {
        let through = |end: &super::finding::End| end.is(&onward.through, self.places);
        self.fits(&onward.entry, finding) && finding.through.iter().any(through)
    }

    fn same_ends(&self, entry: &Entry, finding: &Finding) -> bool {
        finding.consumer.is(&entry.consumer, self.places)
            && finding.provider.is(&entry.provider, self.places)
    }

    /// True if the finding is not invented, be it that it names a machine and no more.
    fn excuses(&self, entry: &Entry, finding: &Finding) -> bool {
        let no_port = self.generosity == Generosity::Generous && finding.port.is_none();
        self.fits(entry, finding) || no_port && self.same_ends(entry, finding)
    }

    fn same_transport(&self, entry: &Entry, finding: &Finding) -> bool {
        let Some(transport) = &finding.transport else {
            return true;
        };
        entry.port.is_none() || *transport == entry.transport || speaks_both(entry)
    }

    fn same_kind(&self, entry: &Entry, finding: &Finding) -> bool {
        finding.kind.as_ref().is_none_or(|kind| *kind == entry.kind)
    }

    /// Says beside every missed entry which of the findings that fit nothing comes closest.
    fn mark_near_misses(&self, truth: &LabTruth, left: &[&Finding], verdicts: &mut [Verdict]) {
        for (entry, verdict) in truth.entries.iter().zip(verdicts) {
            if !verdict.found {
                let near = left.iter().find(|f| self.same_ends(entry, f));
                verdict.nearly = near.map(|f| f.line());
                verdict.named = near.is_some();
            }
        }
    }

    fn invented(&self, finding: &Finding, whole: &LabTruth, truth: &LabTruth) -> Invented {
        let decoy = whole.decoys.iter().find(|d| self.falls_for(d, finding));
        let near = truth.entries.iter().find(|e| self.same_ends(e, finding));
        Invented {
            line: finding.line(),
            component: finding.component.clone(),
            kind: finding.kind.clone(),
            hidden: finding.hidden,
            decoy: decoy.map(|d| format!("{} ({})", d.why, d.place)),
            nearly: near.map(|e| self.difference(e, finding)),
            witnesses: finding.witnesses.clone(),
        }
    }

    fn falls_for(&self, decoy: &Decoy, finding: &Finding) -> bool {
        let of = decoy.consumer.as_ref();
        of.is_none_or(|c| finding.consumer.is(c, self.places))
            && finding.provider.is(&decoy.provider, self.places)
            && decoy.port.is_none_or(|p| finding.port == Some(p))
            && agree(decoy.transport.as_deref(), finding.transport.as_deref())
            && agree(decoy.kind.as_deref(), finding.kind.as_deref())
    }

    /// In what a finding between the right two machines differs from the entry.
    fn difference(&self, entry: &Entry, finding: &Finding) -> String {
        let parts = [
            (same_port(entry, finding), "port"),
            (self.same_transport(entry, finding), "transport"),
            (self.same_kind(entry, finding), "kind"),
        ];
        let differing: Vec<&str> = parts
            .iter()
            .filter(|(same, _)| !same)
            .map(|(_, word)| *word)
            .collect();
        format!("other {}: {}", differing.join(" and "), entry.line())
    }
}

/// True unless both say something, and not the same.
fn agree(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

fn same_port(entry: &Entry, finding: &Finding) -> bool {
    entry.port == finding.port
}

/// True if the service speaks both transports on this port (DNS, Kerberos): which one was used says nothing.
fn speaks_both(entry: &Entry) -> bool {
    let Some(kind) = REGISTRY.dependencies.get(&entry.kind) else {
        return false;
    };
    let on_this_port = |(port, _): &(groma_model::Port, _)| Some(port.0) == entry.port;
    kind.endpoints().filter(on_this_port).count() > 1
}

/// Gives the findings of one key to the entries of that key: first those of the same component, then the rest in
/// order; what is left over is doubled.
fn settle(
    entries: &[Entry],
    group: &[usize],
    mut findings: Vec<&Finding>,
    verdicts: &mut [Verdict],
) {
    let mut open: Vec<usize> = Vec::new();
    for at in group {
        let component = entries.get(*at).and_then(|e| e.component.as_ref());
        let same = |f: &&Finding| component.is_some() && f.component.as_ref() == component;
        match findings.iter().position(same) {
            Some(hit) => verdicts[*at].take(findings.remove(hit)),
            None => open.push(*at),
        }
    }
    for at in open {
        if !findings.is_empty() {
            verdicts[at].take(findings.remove(0));
        }
    }
    if let Some(first) = group.first() {
        for more in findings {
            verdicts[*first].doubled += 1;
            verdicts[*first].add(more);
        }
    }
}

impl Verdict {
    fn take(&mut self, finding: &Finding) {
        self.found = true;
        self.add(finding);
    }

    fn add(&mut self, finding: &Finding) {
        self.witnesses.extend(finding.witnesses.iter().cloned());
        self.witnesses.sort();
        self.witnesses.dedup();
        self.called_hidden |= finding.hidden;
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::*;
    use super::super::finding::{PeerReport, Row, of_inventory, of_peer};
    use super::*;

    fn score(edges: &[Edge]) -> Score {
        let findings = of_inventory(&inventory(edges), &places());
        judge(&truth(), &truth(), &findings, &places(), Generosity::Strict)
    }

    fn found(score: &Score) -> Vec<String> {
        let lines = score.entries.iter().zip(&score.verdicts);
        lines
            .filter(|(_, v)| v.found)
            .map(|(e, _)| e.line())
            .collect()
    }

    #[test]
    fn everything_that_is_true_is_found_once() {
        let score = score(&[
            edge(COPIER, OLDMAIL, 25, "smtp-relay"),
            edge(COPIER, NS1, 53, "dns"),
            edge(APP1, NS1, 53, "dns"),
            edge(APP1, NS1, 5433, "sql"),
            edge(APP1, MIRROR, 443, "package-mirror"),
        ]);
        assert_eq!(found(&score).len(), 5);
        assert!(score.invented.is_empty(), "{:?}", score.invented);
        assert!(score.verdicts.iter().all(|v| v.doubled == 0));
    }

    #[test]
    fn a_wrong_port_kind_or_transport_is_missed_and_invented() {
        let mut udp = edge(APP1, NS1, 5433, "sql");
        udp.transport = "udp";
        let mut without = edge(APP1, NS1, 5433, "sql");
        without.port = None;
        for wrong in [
            edge(APP1, NS1, 5432, "sql"),
            edge(APP1, NS1, 5433, "nosql"),
            edge(NS1, APP1, 5433, "sql"),
            udp,
            without,
        ] {
            let score = score(std::slice::from_ref(&wrong));
            assert!(found(&score).is_empty(), "{wrong:?}");
            assert_eq!(score.invented.len(), 1, "{wrong:?}");
        }
        let score = score(&[edge(APP1, NS1, 5432, "sql")]);
        let nearly = score.invented[0].nearly.clone().unwrap();
        assert!(
            nearly.starts_with("other port: app1 (unit:erp.service)"),
            "{nearly}"
        );
        let orders = score.entries.iter().position(|e| e.kind == "sql").unwrap();
        assert!(score.verdicts[orders].nearly.is_some());
    }

    #[test]
    fn a_name_service_may_be_asked_in_either_way() {
        let mut tcp = edge(APP1, NS1, 53, "dns");
        tcp.transport = "tcp";
        let score = score(&[tcp.clone(), edge(APP1, NS1, 53, "dns")]);
        assert_eq!(found(&score).len(), 1);
        assert_eq!(score.verdicts.iter().map(|v| v.doubled).sum::<usize>(), 1);
    }

    #[test]
    fn a_need_through_a_relay_is_judged_apart_and_a_wrong_one_is_invented() {
        let concluded = |port, through| Edge {
            through: Some(through),
            ..edge(APP1, OLDMAIL, port, "smtp-relay")
        };
        let right = score(&[concluded(2525, NS1)]);
        assert!(right.invented.is_empty(), "{:?}", right.invented);
        assert!(right.onward[0].1);
        assert!(found(&right).is_empty(), "it is no entry");
        // Another port, another relay, or the same said as if nothing stood between.
        for wrong in [
            concluded(25, NS1),
            concluded(2525, COPIER),
            edge(APP1, OLDMAIL, 2525, "smtp-relay"),
        ] {
            let score = score(std::slice::from_ref(&wrong));
            assert_eq!(score.invented.len(), 1, "{wrong:?}");
            assert!(!score.onward[0].1, "{wrong:?}");
        }
    }

    #[test]
    fn a_decoy_is_invented_and_named() {
        let decoy = ("external", "10.61.1.99", Some("10.61.1.99"));
        let score = score(&[
            edge(APP1, decoy, 25, "smtp-relay"),
            edge(NS1, decoy, 25, "smtp-relay"),
        ]);
        let decoys: Vec<_> = score.invented.iter().map(|i| i.decoy.is_some()).collect();
        assert_eq!(decoys, [true, false]);
    }

    #[test]
    fn the_part_only_separates_entries_of_one_key() {
        let job = "[[dependency]]\nwhy='reports'\nconsumer='app1'\ncomponent='scheduled-job:/etc/cron.d/report'\n\
            provider='ns1'\nport=5433\nkind='sql'\nknown_by=['written']\nhidden=['scheduled']\n";
        let unit = job
            .replace("scheduled-job:/etc/cron.d/report", "unit:erp.service")
            .replace("reports", "orders");
        let two = LabTruth::parse(&format!("{job}{unit}"), &places()).unwrap();
        let findings = |parts: &[&'static str]| {
            let edges: Vec<Edge> = parts
                .iter()
                .map(|part| Edge {
                    component: part,
                    ..edge(APP1, NS1, 5433, "sql")
                })
                .collect();
            of_inventory(&inventory(&edges), &places())
        };
        let verdicts = |parts: &[&'static str]| {
            let score = judge(&two, &two, &findings(parts), &places(), Generosity::Strict);
            let of = |v: &Verdict| (v.found, v.doubled);
            score.verdicts.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(&["erp.service"]), [(false, 0), (true, 0)]);
        assert_eq!(verdicts(&["a", "erp.service"]), [(true, 0), (true, 0)]);
        assert_eq!(verdicts(&["a", "b", "c"]), [(true, 1), (true, 0)]);
    }

    #[test]
    fn what_is_true_of_an_absent_host_is_neither_found_nor_invented() {
        let up = std::collections::BTreeSet::from(["app1".to_owned()]);
        let findings = of_inventory(
            &inventory(&[
                edge(COPIER, OLDMAIL, 25, "smtp-relay"),
                edge(COPIER, OLDMAIL, 587, "smtp-submission"),
            ]),
            &places(),
        );
        let score = judge(
            &truth().of(&up),
            &truth(),
            &findings,
            &places(),
            Generosity::Strict,
        );
        assert!(found(&score).is_empty());
        assert_eq!(score.invented.len(), 1);
    }

    #[test]
    fn a_peer_needs_no_kind_and_a_row_without_port_is_neither_found_nor_invented() {
        let row = |consumer: &str, provider: &str, port| Row {
            consumer: consumer.into(),
            provider: provider.into(),
            port,
            transport: None,
            names: true,
        };
        let report = PeerReport {
            peer: "grep".into(),
            version: "1".into(),
            seconds: 0.0,
            available: true,
            why_not: None,
            rows: vec![
                row("app1", "ns1.kontor.example", None),
                row("copier1", "smtp", Some(25)),
                row("app1", "10.61.1.99", None),
                row("copier1", "smtp", Some(26)),
            ],
            leaks: 0,
            note: None,
        };
        let findings = of_peer(&report, &places());
        let score = judge(
            &truth(),
            &truth(),
            &findings,
            &places(),
            Generosity::Generous,
        );
        assert_eq!(found(&score).len(), 1);
        assert_eq!(score.verdicts.iter().filter(|v| v.named).count(), 2);
        assert_eq!(score.invented.len(), 2);
        assert_eq!(
            score.invented.iter().filter(|i| i.decoy.is_some()).count(),
            1
        );
    }
}
