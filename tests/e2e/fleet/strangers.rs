//! Who sends nonsense, or nothing at all.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use crate::scene::{Fleet, said};
use crate::witness::Witness;

#[test]
fn whoever_sends_what_is_no_batch_of_his_own_is_refused_and_nothing_of_it_is_kept() {
    let Some(fleet) = Fleet::begin() else { return };
    let mut witness = Witness::of(&fleet);
    assert!(witness.beat(&fleet));
    let send = |witness: &Witness, bytes: Option<&[u8]>| {
        let packed = witness.batch(&fleet, 1);
        if let Some(bytes) = bytes {
            fs::write(&packed, bytes).unwrap();
        }
        witness.send(&fleet, &packed, &[])
    };
    // A name of somebody else, a batch that breaks off, one that is none, and one that unpacks to a gigabyte.
    let own = std::mem::replace(&mut witness.agent, format!("agt-{}", "0".repeat(32)));
    assert_eq!(send(&witness, None), Some(403));
    witness.agent = own;
    let whole = fs::read(witness.batch(&fleet, 1)).unwrap();
    for cut in (0..whole.len()).step_by(whole.len() / 40 + 1) {
        assert_eq!(
            send(&witness, Some(&whole[..cut])),
            Some(400),
            "cut at {cut}"
        );
    }
    assert_eq!(send(&witness, Some(b"GIF89a")), Some(400));
    let bomb = Command::new("sh")
        .args(["-c", "head -c 1000000000 /dev/zero | zstd -q -3 -c"])
        .output()
        .unwrap()
        .stdout;
    assert_eq!(send(&witness, Some(&bomb)), Some(413));
    let large = vec![b'x'; (4 << 20) + 1];
    assert_eq!(send(&witness, Some(&large)), Some(413));
    // A run nobody heard of, and none at all.
    let packed = witness.batch(&fleet, 1);
    let data = format!("@{}", packed.display());
    assert_eq!(
        witness.curl(
            &fleet,
            "/v1/batches",
            &["-H", "groma-run: 8", "--data-binary", &data]
        ),
        Some(503)
    );
    assert_eq!(
        witness.curl(&fleet, "/v1/batches", &["--data-binary", &data]),
        Some(400)
    );
    // No certificate: not even a handshake.
    let none = Command::new("curl")
        .args([
            "-sk",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--noproxy",
            "*",
            &format!("https://127.0.0.1:{}/v1/beat", fleet.ports[1]),
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&none.stdout), "000");
    assert_eq!(fleet.sql("SELECT count(*) FROM look"), "0");
    // And its own batch, twice.
    assert_eq!(send(&witness, None), Some(200));
    assert_eq!(send(&witness, None), Some(200));
    assert_eq!(
        fleet.sql("SELECT count(*) FROM look WHERE source = 'host.system'"),
        "1"
    );
}

#[test]
fn connections_that_say_nothing_keep_nobody_else_waiting() {
    let Some(fleet) = Fleet::begin() else { return };
    let silent: Vec<TcpStream> = (0..120)
        .flat_map(|_| {
            [
                TcpStream::connect(("127.0.0.1", fleet.ports[0])),
                TcpStream::connect(("127.0.0.1", fleet.ports[1])),
            ]
        })
        .map(Result::unwrap)
        .collect();
    let enrolled = fleet.enroll("a", &fleet.token(&[]));
    assert!(enrolled.status.success(), "{}", said(&enrolled));
    drop(silent);
}
