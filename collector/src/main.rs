//! `groma`: the operator's command.

fn main() -> std::process::ExitCode {
    groma_collector::run(std::env::args_os())
}
