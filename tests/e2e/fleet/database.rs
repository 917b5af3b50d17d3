//! Several collectors on one database.

use crate::cluster::Cluster;
use crate::scene::{Fleet, lack, said};
use crate::witness::Witness;

#[test]
fn two_collectors_on_one_database_are_one_to_their_agents() {
    if let Some(lack) = lack() {
        groma_tests::skip(&lack);
        return;
    }
    let Some(cluster) = Cluster::begin() else {
        return;
    };
    let mut one = Fleet::over(Some(cluster.url()), None);
    let other = Fleet::over(Some(cluster.url()), Some(&one.path("data/authority")));
    // Let in by the one, heard by the other.
    let witness = Witness::of(&one);
    assert!(witness.beat(&other));
    for sequence in 1..=20 {
        let to = if sequence % 2 == 0 { &one } else { &other };
        assert_eq!(
            witness.send(to, &witness.batch(to, sequence), &[]),
            Some(200),
            "{sequence}"
        );
        // And again at the other one, as an agent does whose answer was lost.
        let again = if sequence % 2 == 0 { &other } else { &one };
        assert_eq!(
            witness.send(again, &witness.batch(again, sequence), &[]),
            Some(200)
        );
    }
    one.kill_collector();
    assert_eq!(
        witness.send(&other, &witness.batch(&other, 21), &[]),
        Some(200)
    );
    let kept = cluster.sql("SELECT count(*), count(DISTINCT sequence), max(sequence) FROM groma.look WHERE source = 'host.system'");
    assert_eq!(kept, "21|21|21");
    // What the one revokes the other refuses.
    one.serve();
    let id = other.listed()[0]["agent"].as_str().unwrap().to_owned();
    assert!(
        one.groma(&["agents", "revoke", &id, "--because", "sold"])
            .status
            .success()
    );
    assert_eq!(
        witness.send(&other, &witness.batch(&other, 22), &[]),
        Some(403)
    );
    let exported = other.groma(&["export", "--format", "json", "--out", "-"]);
    assert!(exported.status.success(), "{}", said(&exported));
}
