//! `groma-agent`: looks at the machine it runs on.

fn main() -> std::process::ExitCode {
    groma_sys::begin();
    groma_agent::run(std::env::args_os())
}
