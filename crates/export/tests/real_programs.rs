//! The programs these formats are for read what we write. Where one is not installed the test says so and is skipped.
#![allow(clippy::unwrap_used, reason = "tests only")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so aloud")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests run the real programs on real files"
)]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{empty, hostile, hostile_names, office, shown};
use groma_model::inventory::Inventory;

fn estates() -> [Inventory; 3] {
    [empty(), office(), hostile(&hostile_names())]
}

/// Runs `program` if it is there; says aloud that it is not.
fn run(program: &str, words: &[&str], file: &Path) -> Option<Output> {
    match Command::new(program)
        .args(words)
        .arg(file)
        .env("LC_ALL", "C.UTF-8")
        .output()
    {
        Ok(output) => Some(output),
        Err(error) => {
            println!("SKIPPED: {program} cannot be run: {error}");
            None
        }
    }
}

fn read_by(program: &str, words: &[&str], name: &str, text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let output = run(program, words, &file)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program}: {said}");
    assert!(
        !said.to_lowercase().contains("warning"),
        "{program}: {said}"
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn graphviz_draws_every_name() {
    for estate in estates() {
        let Some(svg) = read_by("dot", &["-Tsvg"], "estate.dot", &groma_export::dot(&estate))
        else {
            return;
        };
        // Graphviz writes `-` and `&` by their numbers, and blanks as ones that do not break.
        let svg = svg.replace("&#45;", "-").replace("&#160;", " ");
        for entity in estate
            .entities
            .iter()
            .filter(|e| e.kind != "certificate" && !e.name.trim().is_empty())
        {
            let name = quick_xml::escape::escape(shown(&entity.name)).into_owned();
            let name = name.replace("&apos;", "&#39;");
            assert!(
                svg.contains(&name) || svg.contains(&name.replace("  ", " ")),
                "{name}"
            );
        }
    }
}

#[test]
fn ansible_takes_the_inventory_and_computes_nothing() {
    for estate in estates() {
        let text = groma_export::ansible(&estate);
        let Some(json) = read_by("ansible-inventory", &["--list", "-i"], "hosts.yaml", &text)
        else {
            return;
        };
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        let hosts = read["_meta"]["hostvars"]
            .as_object()
            .map_or(0, |hosts| hosts.len());
        let machines = estate
            .entities
            .iter()
            .filter(|e| ["host", "vm", "hypervisor"].contains(&e.kind.as_str()));
        assert_eq!(hosts, machines.count());
        assert!(!json.contains("\"49\""), "a template was computed");
    }
}

#[test]
fn networkx_reads_the_graph() {
    const READ: &str = "import sys, networkx as n; g = n.read_graphml(sys.argv[1], force_multigraph=True); \
        print(g.is_directed(), g.number_of_nodes(), g.number_of_edges(), sorted(d['name'] for _, d in g.nodes(data=True)))";
    let python = ["-c", "import networkx"];
    if !Command::new("python3")
        .args(python)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("SKIPPED: python3 with networkx cannot be run");
        return;
    }
    for estate in estates() {
        let read = read_by(
            "python3",
            &["-c", READ],
            "estate.graphml",
            &groma_export::graphml(&estate),
        )
        .unwrap();
        assert!(
            read.starts_with("True ") || estate.entities.is_empty(),
            "{read}"
        );
        let wrong = estate.dependencies.iter().filter(|d| {
            d.verdict
                .as_ref()
                .is_some_and(|v| v.by == "anna" && v.because == "an old file")
        });
        let edges = estate.dependencies.len() - wrong.count();
        assert_eq!(
            read.split(' ').nth(2),
            Some(edges.to_string().as_str()),
            "{read}"
        );
    }
}

#[test]
fn prometheus_takes_the_targets() {
    const CONFIGURATION: &str = "scrape_configs:\n  - job_name: groma\n    file_sd_configs:\n      - files: [targets.json]\n";
    for estate in estates() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("targets.json"),
            groma_export::prometheus_sd(&estate),
        )
        .unwrap();
        let configuration = folder.path().join("prometheus.yml");
        std::fs::write(&configuration, CONFIGURATION).unwrap();
        let Some(output) = run("promtool", &["check", "config"], &configuration) else {
            return;
        };
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            output.status.success() && said.contains("SUCCESS"),
            "{said}"
        );
    }
}
