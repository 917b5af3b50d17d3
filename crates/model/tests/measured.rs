//! The list of metrics, held against the page that people read.

use groma_model::measured::{METRICS, metric};

const PAGE: &str = include_str!("../../../docs/reference/measurements.md");

#[test]
fn the_page_tells_every_metric_and_no_other() {
    let rows: Vec<String> = METRICS
        .iter()
        .map(|m| {
            let better = m.better.word();
            format!(
                "| `{}` | {} | {} | {} | {better} |",
                m.name, m.unit, m.counts, m.source
            )
        })
        .collect();
    let told: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(told, rows, "the table should be:\n{}", rows.join("\n"));
}

#[test]
fn words_are_sorted_plain_and_found() {
    for pair in METRICS.windows(2) {
        let [one, other] = pair else { unreachable!() };
        let stem = |name: &str| name.replace('*', "~");
        assert!(
            stem(one.name) < stem(other.name),
            "{} before {}",
            one.name,
            other.name
        );
    }
    for m in METRICS {
        assert_eq!(metric(m.name), Some(m));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_*".contains(&b);
        assert!(m.name.bytes().all(plain), "{}", m.name);
        assert!(!m.counts.contains('|') && !m.source.contains('|'));
    }
    assert_eq!(
        metric("directory_people").map(|m| m.name),
        Some("directory_*")
    );
    assert_eq!(
        metric("directory_bind_seconds").map(|m| m.name),
        Some("directory_bind_seconds")
    );
    assert_eq!(metric("mail_delay_p99_seconds"), None);
    assert_eq!(metric(""), None);
}
