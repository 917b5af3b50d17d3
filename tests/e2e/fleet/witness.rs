//! Who hands over batches without a line of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::scene::{Fleet, said};

/// Who hands over batches and writes down what was acknowledged: curl, with the certificate of an agent, and no line of ours.
pub(crate) struct Witness {
    pub(crate) agent: String,
    pub(crate) site: String,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) authority: PathBuf,
    pub(crate) header: Value,
    pub(crate) body: String,
}

impl Witness {
    pub(crate) fn of(fleet: &Fleet) -> Self {
        assert!(fleet.enroll("w", &fleet.token(&[])).status.success());
        let identity: Value =
            serde_json::from_str(&fs::read_to_string(fleet.path("w/identity.json")).unwrap())
                .unwrap();
        let file = |name: &str, field: &str| {
            fs::write(fleet.path(name), identity[field].as_str().unwrap()).unwrap();
            fleet.path(name)
        };
        let looked = fleet.agent(
            "w2",
            &[
                "look",
                "--source",
                "host.system",
                "--for",
                "0s",
                "--format",
                "batch",
                "--out",
                fleet.path("w.batch").to_str().unwrap(),
            ],
        );
        assert!(looked.status.success(), "{}", said(&looked));
        let unpacked = Command::new("zstd")
            .args(["-dcq"])
            .arg(fleet.path("w.batch"))
            .output()
            .unwrap();
        let text = String::from_utf8(unpacked.stdout).unwrap();
        let (header, body) = text.split_once('\n').unwrap();
        Self {
            agent: identity["agent"].as_str().unwrap().to_owned(),
            site: identity["site"].as_str().unwrap().to_owned(),
            certificate: file("w.pem", "certificate"),
            key: file("w.key", "key"),
            authority: file("w.ca", "authorities"),
            header: serde_json::from_str(header).unwrap(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn curl(&self, fleet: &Fleet, path: &str, words: &[&str]) -> Option<u16> {
        let asked = Command::new("curl")
            .args([
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "--max-time",
                "20",
                "--noproxy",
                "*",
                "--cacert",
            ])
            .arg(&self.authority)
            .arg("--cert")
            .arg(&self.certificate)
            .arg("--key")
            .arg(&self.key)
            .args([
                "--connect-to",
                &format!("collector.groma.internal:443:127.0.0.1:{}", fleet.ports[1]),
            ])
            .args(words)
            .arg(format!("https://collector.groma.internal{path}"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&asked.stdout)
            .parse()
            .ok()
            .filter(|code| *code != 0)
    }

    pub(crate) fn beat(&self, fleet: &Fleet) -> bool {
        let said = r#"{"run":7,"host":{"name":"w","system":"","fingerprint":"f","version":"0"},"status":{"spool_batches":0,"spool_bytes":0,"spool_losses":0},"policy":0,"now":"2026-01-01T00:00:00Z"}"#;
        self.curl(
            fleet,
            "/v1/beat",
            &[
                "-H",
                "content-type: application/json",
                "--data-binary",
                said,
            ],
        ) == Some(200)
    }

    pub(crate) fn batch(&self, fleet: &Fleet, sequence: u64) -> PathBuf {
        let mut header = self.header.clone();
        header["agent"] = self.agent.clone().into();
        header["site"] = self.site.clone().into();
        header["epoch"] = 7.into();
        header["sequence"] = sequence.into();
        let (plain, packed) = (fleet.path("next.jsonl"), fleet.path("next.zst"));
        fs::write(&plain, format!("{header}\n{}", self.body)).unwrap();
        assert!(
            Command::new("zstd")
                .args(["-qf", "-3"])
                .arg(&plain)
                .arg("-o")
                .arg(&packed)
                .status()
                .unwrap()
                .success()
        );
        packed
    }

    pub(crate) fn send(&self, fleet: &Fleet, packed: &Path, words: &[&str]) -> Option<u16> {
        let data = format!("@{}", packed.display());
        let all = [
            &[
                "-H",
                "groma-run: 7",
                "-H",
                "content-type: application/zstd",
                "--data-binary",
                &data,
            ],
            words,
        ]
        .concat();
        self.curl(fleet, "/v1/batches", &all)
    }
}
