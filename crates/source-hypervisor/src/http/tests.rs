//! Against a server of a few lines on loopback.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{Server, machine, whole};

fn http(server: &Server, trust: &Trust, limit: Duration) -> Http {
    let (world, window) = machine(limit);
    let address = Address::parse(&server.url, 443).unwrap();
    Http::new(&world, &window, &Budget::default(), address, trust, None).unwrap()
}

fn plain(server: &Server) -> Http {
    http(server, &Trust::Nothing, Duration::from_secs(60))
}

fn text(http: &Http, path: &str) -> Result<String, Cause> {
    let answer = http.request(Method::Get, path, &[], b"", WHOLE_BYTES_MAX)?;
    answer
        .whole()
        .map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn answers_of_every_shape_are_read_over_one_connection() {
    let server = Server::open(|asked, out| {
        match asked.line.as_str() {
        "GET /chunked HTTP/1.1" => {
            out.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        }
        "POST /echo HTTP/1.1" => whole(out, "200 OK", &asked.body),
        _ => whole(out, "404 Not Found", "no"),
    }
    });
    let http = plain(&server);
    assert_eq!(text(&http, "/chunked").unwrap(), "abcde");
    let post = http.request(Method::Post, "/echo", &[("x", "y")], b"body", 10);
    assert_eq!(post.unwrap().whole().unwrap(), b"body");
    let missing = http.request(Method::Get, "/none", &[], b"", 10).unwrap();
    assert_eq!(missing.status, 404);
    assert_eq!(missing.whole().unwrap(), b"no");
    assert_eq!(server.connections(), 1);
    assert!(server.asked()[1].head.contains(&"x: y".to_owned()));
}

#[test]
fn no_verb_can_be_asked_for_that_changes_something() {
    let server = Server::open(|_, out| {
        out.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    });
    let http = plain(&server);
    // Whoever adds a verb is stopped by the compiler here, and reads this.
    let all = |method| match method {
        Method::Get | Method::Post => method,
    };
    for method in [Method::Get, Method::Post].map(all) {
        http.request(method, "/", &[], b"", 10).unwrap();
    }
    let asked = server.asked();
    let verbs: BTreeSet<&str> = asked
        .iter()
        .filter_map(|asked| asked.line.split(' ').next())
        .collect();
    assert_eq!(verbs, BTreeSet::from(["GET", "POST"]));
}

#[test]
fn a_redirection_is_an_answer_and_nobody_follows_it() {
    let server = Server::open(|_, out| {
        out.write_all(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
    });
    let answer = plain(&server)
        .request(Method::Get, "/", &[], b"", 10)
        .unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.headers["location"], "/elsewhere");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_body_is_as_long_as_it_may_be_and_not_a_byte_longer() {
    let server = Server::open(|_, out| whole(out, "200 OK", "0123456789"));
    let http = plain(&server);
    let read = |most| {
        http.request(Method::Get, "/", &[], b"", most)
            .unwrap()
            .whole()
    };
    assert_eq!(read(10).unwrap(), b"0123456789");
    assert_eq!(read(9).unwrap_err().reason, Reason::TooLarge);
}

#[test]
fn a_body_that_is_cut_is_no_body() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n0123",
        "HTTP/1.1 200",
        "",
    ] {
        let server = Server::open(move |_, out| {
            out.write_all(cut.as_bytes())?;
            Err(io::ErrorKind::Other.into())
        });
        assert!(text(&plain(&server), "/").is_err(), "{cut}");
    }
}

#[test]
fn what_speaks_something_else_is_told_apart() {
    let server = Server::open(|_, out| out.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"));
    let cause = text(&plain(&server), "/").unwrap_err();
    assert_eq!(cause.reason, Reason::NotThisService, "{cause:?}");
}

#[test]
fn a_server_that_says_nothing_is_left_when_the_look_is_over() {
    let server = Server::open(|asked, out| {
        if asked.line.contains("slow") {
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1")?;
        }
        out.flush()?;
        std::thread::sleep(Duration::from_secs(600));
        Ok(())
    });
    for path in ["/silent", "/slow"] {
        let (world, window) = machine(Duration::from_millis(200));
        let budget = Budget {
            network_timeout_ms: 50,
            ..Budget::default()
        };
        let address = Address::parse(&server.url, 443).unwrap();
        let http = Http::new(&world, &window, &budget, address, &Trust::Nothing, None).unwrap();
        let cause = text(&http, path).unwrap_err();
        assert_eq!(cause.reason, Reason::BudgetExhausted, "{path}: {cause:?}");
    }
}

#[test]
fn nothing_is_said_to_a_server_that_is_not_known() {
    let server = Server::secured(|_, out| whole(out, "200 OK", "in"));
    let ask = |trust| {
        let http = http(&server, &trust, Duration::from_secs(60));
        let headers = [("authorization", "s3cret-of-a-test")];
        let answer = http.request(Method::Post, "/", &headers, b"s3cret-of-a-test", 10)?;
        answer.whole()
    };
    let unnamed = ask(Trust::Nothing).unwrap_err();
    assert_eq!(unnamed.reason, Reason::Locked);
    assert!(
        unnamed
            .remedy
            .contains(&groma_model::foreign::hex(&server.print))
    );
    assert_eq!(
        ask(Trust::Fingerprint([7; 32])).unwrap_err().reason,
        Reason::Refused
    );
    assert_eq!(server.asked(), []);
    assert_eq!(ask(Trust::Fingerprint(server.print)).unwrap(), b"in");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn what_has_no_place_in_http_is_refused_and_not_shown() {
    let server = Server::open(|_, out| whole(out, "200 OK", ""));
    let http = plain(&server);
    for (path, header) in [
        ("/?token=s3cret\r\n", "x"),
        ("/", "s3cret\r\nx: y"),
        ("/\u{7f} ", "x"),
    ] {
        let asked = http.request(Method::Get, path, &[("authorization", header)], b"", 10);
        let Err(cause) = asked else { panic!("{path}") };
        assert!(!format!("{cause:?}").contains("s3cret"));
    }
    assert_eq!(server.asked(), []);
}
