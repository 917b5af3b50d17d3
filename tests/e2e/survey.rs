//! `groma survey` on a machine with real servers: found, missed and invented, by name.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::sync::OnceLock;

use groma_tests::{Kind, Machine, Truth};

const DATA: &str = "/var/lib/groma";
const OUT: &str = "/root/out";

/// The machine after one survey, and what the survey said; one for all tests of this file.
fn surveyed() -> Option<&'static (Machine, String)> {
    static SURVEYED: OnceLock<Option<(Machine, String)>> = OnceLock::new();
    SURVEYED
        .get_or_init(|| {
            let machine = Machine::start(Kind::Full)?;
            let said = machine
                .groma(&["survey", "--for", "5s", "--data", DATA, "--out", OUT])
                .expect_code(0);
            Some((machine, said.stdout + &said.stderr))
        })
        .as_ref()
}

fn truth() -> Truth {
    Truth::read(include_str!("expected.toml"))
}

#[test]
fn every_real_dependency_is_found_once() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let wrong = truth().missed(&machine.inventory(DATA));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_dependency_is_invented() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let wrong = truth().invented(&machine.inventory(DATA));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_says_how_it_is_known_and_why_it_is_hidden() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let inventory = machine.inventory(DATA);
    let truth = truth();
    let mut wrong = Vec::new();
    for (at, found) in truth.matched(&inventory) {
        let (expected, Some(found)) = (&truth.dependency[at], found.first()) else {
            continue;
        };
        let chance = |w: &&str| {
            let named = |list: &[String]| list.iter().any(|word| word == w);
            named(&expected.witnesses) || !named(&expected.perhaps)
        };
        let witnesses = found.witnesses.iter().map(|w| w.as_str());
        let witnesses: Vec<&str> = witnesses.filter(chance).collect();
        let mut hidden = expected.hidden.clone();
        hidden.sort();
        let reached = found.reached_by.map(|r| {
            serde_json::to_value(r)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        });
        if witnesses != expected.witnesses {
            wrong.push(format!(
                "{}: witnesses {witnesses:?}, not {:?}",
                expected.line(),
                expected.witnesses
            ));
        }
        if found.hidden_because != hidden || found.hidden == hidden.is_empty() {
            wrong.push(format!(
                "{}: hidden because {:?}, not {hidden:?}",
                expected.line(),
                found.hidden_because
            ));
        }
        if expected.reached_by.is_some() && reached != expected.reached_by {
            wrong.push(format!(
                "{}: reached by {reached:?}, not {:?}",
                expected.line(),
                expected.reached_by
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_cites_a_line_a_person_understands() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let inventory = machine.inventory(DATA);
    assert!(!inventory.dependencies.is_empty());
    for dependency in &inventory.dependencies {
        assert!(
            !dependency.evidence.is_empty(),
            "{} has no evidence",
            dependency.id.as_str()
        );
        for id in &dependency.evidence {
            let entry = inventory
                .evidence_entry(id)
                .unwrap_or_else(|| panic!("{} is cited and not there", id.as_str()));
            assert!(
                entry.says.split_whitespace().count() >= 3,
                "this says nothing: {:?}",
                entry.says
            );
            assert!(
                !entry.says.contains('\n') && !entry.says.contains('{'),
                "this is not a line: {:?}",
                entry.says
            );
        }
    }
}

/// True if `text` holds the decoys' word with a number behind it; a package of this machine may be called alike.
fn names_one(text: &str, decoy: &str) -> bool {
    let behind = text.match_indices(decoy).map(|(at, _)| at + decoy.len());
    behind
        .filter_map(|at| text.as_bytes().get(at))
        .any(u8::is_ascii_digit)
}

#[test]
fn nothing_a_comment_a_backup_or_an_example_names_becomes_anything() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let json = machine.inventory_json(DATA);
    let decoy = truth().decoys.contain;
    for list in [
        "entities",
        "dependencies",
        "findings",
        "questions",
        "systems",
        "evidence",
    ] {
        for row in json[list].as_array().unwrap() {
            assert!(
                !names_one(&row.to_string(), &decoy),
                "a decoy became one of the {list}: {row:#}"
            );
        }
    }
}

#[test]
fn a_survey_does_not_find_itself() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    for dependency in machine.inventory(DATA).dependencies {
        let programs = dependency.details.programs.join(" ");
        let component = dependency.consumer.component.name.lossy().into_owned();
        assert!(
            !programs.contains("groma") && !component.contains("groma"),
            "{component} {programs}"
        );
    }
}

#[test]
fn the_export_is_what_its_published_schema_says() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let schema = include_str!("../../docs/reference/inventory.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("the published schema is a schema");
    let document = machine.inventory_json(DATA);
    let errors: Vec<_> = validator
        .iter_errors(&document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut broken = document;
    broken["dependencies"][0]["evidence"] = serde_json::json!("not a list");
    assert!(
        !validator.is_valid(&broken),
        "the schema would accept anything"
    );
}

#[test]
fn two_standard_tools_read_the_export_the_way_the_readme_says() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let lines = machine.shell(&format!(
        "groma export --format json --out - --data {DATA} | jq -r '.dependencies[] | select(.hidden) | \
         .consumer.name + \" needs \" + .provider.name + \" (\" + .kind + \"): \" + (.hidden_because | join(\", \"))'"
    ));
    assert!(lines.contains("archive.corp.example"), "{lines}");
}

#[test]
fn the_survey_ends_by_naming_the_report_and_three_findings() {
    let Some((machine, said)) = surveyed() else {
        return;
    };
    assert!(said.contains("report.html"), "{said}");
    assert!(
        said.contains("not an audit"),
        "five seconds on one machine are not an audit: {said}"
    );
    let report = machine.shell(&format!("cat {OUT}/report.html"));
    assert!(report.contains("not an audit"));
    assert!(!said.contains('\u{1b}'), "a pipe is no terminal: {said:?}");
}

#[test]
fn the_report_is_one_file_that_loads_nothing() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let report = machine.shell(&format!("cat {OUT}/report.html"));
    assert!(report.len() > 10_000 && report.contains("<svg"));
    for loads in [
        "src=\"http",
        "href=\"http",
        "url(http",
        "@import",
        "src='http",
        "<link rel=\"stylesheet\" href",
    ] {
        assert!(
            !report.contains(loads),
            "the report loads something: {loads}"
        );
    }
    assert!(
        report.contains("Content-Security-Policy"),
        "no content security policy"
    );
    assert!(
        report.contains("archive.corp.example"),
        "the monthly job's server is not in the report"
    );
}

#[test]
fn what_is_written_is_for_its_owner_alone() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let modes = machine.shell(&format!("find {DATA} {OUT} -type f -printf '%m %p\\n'"));
    assert!(modes.lines().count() >= 2, "{modes}");
    for line in modes.lines() {
        assert!(line.starts_with("600 "), "{line}");
    }
}

#[test]
fn the_web_servers_certificate_is_one_thing_on_disk_and_on_the_wire() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let inventory = machine.inventory(DATA);
    let certificates: Vec<_> = inventory
        .entities
        .iter()
        .filter(|e| {
            e.attributes
                .certificate
                .as_ref()
                .is_some_and(|c| c.subject.contains("app1.corp.example"))
        })
        .collect();
    assert_eq!(certificates.len(), 1, "{certificates:#?}");
    let places: Vec<_> = certificates[0]
        .attributes
        .places
        .iter()
        .map(|p| format!("{:?}", p.place))
        .collect();
    let places = places.join("\n");
    assert!(places.contains("app1.pem"), "not seen on disk: {places}");
    assert!(
        places.contains("443") && places.contains("636"),
        "not seen at both listeners: {places}"
    );
    let listener = inventory
        .listeners
        .iter()
        .find(|l| l.port.0 == 443 && l.certificate.is_some());
    assert_eq!(
        listener.and_then(|l| l.certificate.clone()),
        Some(certificates[0].id.clone())
    );
}

#[test]
fn the_checks_find_what_the_lab_holds() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let inventory = machine.inventory(DATA);
    let checks: std::collections::BTreeSet<_> = inventory
        .findings
        .iter()
        .map(|f| f.check.as_str())
        .collect();
    let said: Vec<_> = inventory
        .findings
        .iter()
        .map(|f| format!("{}: {}", f.check, f.indicator))
        .collect();
    for word in ["certificate", "address-literal", "hosts-file", "cleartext"] {
        assert!(
            checks.iter().any(|c| c.contains(word)),
            "no finding about {word}: {said:#?}"
        );
    }
    for finding in &inventory.findings {
        assert!(
            !finding.mitigations.is_empty() && !finding.impact.is_empty(),
            "{finding:#?}"
        );
        assert!(
            !finding.evidence.is_empty(),
            "{} cites nothing",
            finding.check
        );
    }
}

#[test]
fn impact_names_who_breaks() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let said = machine
        .groma(&["impact", "relay1", "--data", DATA])
        .expect_code(0)
        .stdout;
    assert!(
        said.contains("postfix") && said.contains("mail relay"),
        "{said}"
    );
    // Through it, whoever needs this machine is touched too.
    assert!(said.contains("directory logon"), "{said}");
    machine
        .groma(&["impact", "no-such-machine", "--data", DATA])
        .expect_code(3);
}

#[test]
fn the_security_officer_reads_all_that_leaves_the_host_with_two_standard_tools() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    machine.shell("groma-agent look --for 1s --out /root/look.batch");
    let facts = machine.shell("zstd -dc /root/look.batch | jq -s 'length'");
    assert!(facts.trim().parse::<u32>().unwrap() > 50, "{facts}");
}

#[test]
fn an_explanation_comes_before_anything_is_read() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let said = machine.shell("groma-agent explain");
    for word in ["/etc/passwd", "/proc", "CAP_", "never sends"] {
        assert!(said.contains(word), "explain does not say {word}: {said}");
    }
}

#[test]
fn a_verdict_survives_the_next_survey() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let before = machine.inventory(DATA);
    let target = before
        .dependencies
        .iter()
        .find(|d| d.provider.name.contains("archive"))
        .expect("the monthly job is known");
    machine
        .groma(&[
            "annotate",
            target.id.as_str(),
            "--verdict",
            "confirmed",
            "--because",
            "asked Anna",
            "--data",
            DATA,
        ])
        .expect_code(0);
    machine
        .groma(&["survey", "--for", "2s", "--data", DATA, "--out", OUT])
        .expect_code(0);
    let after = machine.inventory(DATA);
    let again = after
        .dependencies
        .iter()
        .find(|d| d.id == target.id)
        .expect("the same need keeps its id");
    assert_eq!(
        again.verdict.as_ref().map(|v| v.because.as_str()),
        Some("asked Anna")
    );
}

#[test]
fn a_second_survey_of_an_unchanged_machine_adds_next_to_nothing() {
    let Some((machine, _)) = surveyed() else {
        return;
    };
    let size = || -> f64 {
        machine
            .shell("du -sb /root/twice | cut -f1")
            .trim()
            .parse()
            .unwrap()
    };
    let survey = || {
        machine
            .groma(&[
                "survey",
                "--for",
                "3s",
                "--data",
                "/root/twice",
                "--out",
                OUT,
            ])
            .expect_code(0)
    };
    survey();
    let first = size();
    survey();
    let grown = (size() - first) / first;
    assert!(
        grown < 0.05,
        "the second survey added {:.1} % to a store of {first} bytes",
        grown * 100.0
    );
}
