//! The judge of the lab as a program: see [`groma_tests::score`].
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    let words = std::env::args().skip(1);
    groma_tests::score::run(words, &mut std::io::stdout(), &mut std::io::stderr()).into()
}
