//! `groma`: the operator's command.

/// Conclusions about a large estate are millions of small pieces made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    groma_collector::run(std::env::args_os())
}
