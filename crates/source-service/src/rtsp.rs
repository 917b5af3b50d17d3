//! Cameras and what else sends pictures (RFC 2326 §10.1, §10.2): the program that speaks, and whether it wants to know who comes.

use std::io::{Read, Write};

use groma_model::fact::ServiceAnswer;

use crate::talk::{answer, plain, say};

/// Which methods are known; of no stream in particular.
pub(crate) const QUESTION: &[u8] = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";

/// What stands at the root of the server at `host`, in words. No picture is asked for, and no stream is set up; a server that is open
/// to everybody may look at its source to describe it.
fn description(host: &str) -> Vec<u8> {
    format!("DESCRIBE rtsp://{host}/ RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n")
        .into_bytes()
}

/// What the answer to [`QUESTION`] tells, and to the one more question that follows on the same conversation.
pub(crate) fn ask(talk: &mut (impl Read + Write), host: &str, heard: &[u8]) -> ServiceAnswer {
    let mut told = crate::http::tells(heard);
    let second = say(talk, &description(host)).and_then(|()| {
        answer(talk, |heard| {
            heard.windows(4).any(|four| four == b"\r\n\r\n")
        })
    });
    let second = second.unwrap_or_default();
    let more = crate::http::tells(&second);
    if told.product.is_none() {
        told = ServiceAnswer {
            asks_for: told.asks_for,
            ..more.clone()
        };
    }
    told.asks_for.extend(more.asks_for);
    told.asks_for.sort();
    told.asks_for.dedup();
    told.title = title(&second);
    told
}

/// The name of a session (RFC 8866 §5.3), if it has one.
fn title(heard: &[u8]) -> Option<String> {
    let line = heard
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"s="))?;
    plain(line, 120).filter(|name| name != "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says one thing, whatever it hears.
    struct Camera(Vec<u8>, Vec<u8>);

    impl Read for Camera {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let said = std::mem::take(&mut self.0);
            let length = said.len().min(into.len());
            into[..length].copy_from_slice(&said[..length]);
            Ok(length)
        }
    }

    impl Write for Camera {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn asked(options: &str, described: &str) -> ServiceAnswer {
        let mut camera = Camera(described.as_bytes().to_vec(), Vec::new());
        let told = ask(&mut camera, "192.0.2.9", options.as_bytes());
        let said = String::from_utf8(camera.1).unwrap();
        assert!(said.starts_with("DESCRIBE rtsp://192.0.2.9/ ") && !said.contains("SETUP"));
        told
    }

    #[test]
    fn a_camera_names_its_program_and_its_realm() {
        let told = asked(
            "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Example RTSP/2.1\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n",
            "RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm=\"Example camera 7\", nonce=\"4f2a\"\r\n\r\n",
        );
        assert_eq!(told.product.as_deref(), Some("Example RTSP"));
        assert_eq!(told.asks_for, ["Digest \"Example camera 7\""]);
        assert!(!format!("{told:?}").contains("4f2a"));
    }

    /// The twin: who says nothing of itself is named nothing.
    #[test]
    fn a_server_without_a_name_has_none() {
        let told = asked("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", "");
        assert_eq!(told, ServiceAnswer::default());
        let told = asked(
            "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
            "RTSP/1.0 200 OK\r\n\r\nv=0\r\ns=-\r\n",
        );
        assert_eq!(told.title, None);
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let seed = b"RTSP/1.0 200 OK\r\nServer: x/1\r\n\r\nv=0\r\ns=Gate\r\n";
        groma_fuzz::hammer(10_000, &[seed], |bytes| {
            let mut camera = Camera(bytes.iter().copied().take(4_000).collect(), Vec::new());
            let _ = ask(&mut camera, "192.0.2.9", bytes);
        });
    }
}
