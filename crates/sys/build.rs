//! Compiles the program for the kernel, where the feature `ebpf` asks for it (docs/decisions/0026).
//!
//! Needs a clang that knows the target `bpf`; `CLANG` names another one than the first that is found.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "src/kernel/bpf/flows.bpf.c";
/// Tried in this order.
const COMPILERS: [&str; 10] = [
    "clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15",
    "clang-14", "clang-13",
];

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=CLANG");
    let set = |name: &str| std::env::var_os(name);
    let linux = set("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux");
    if !linux || set("CARGO_FEATURE_EBPF").is_none() {
        return;
    }
    let folder = PathBuf::from(set("OUT_DIR").expect("cargo names a folder for what is built"));
    let big_endian = set("CARGO_CFG_TARGET_ENDIAN").is_some_and(|endian| endian == "big");
    compile(&folder.join("flows.bpf.o"), big_endian);
}

fn compile(object: &Path, big_endian: bool) {
    let compiler = compiler();
    let target = if big_endian { "bpfeb" } else { "bpfel" };
    let done = Command::new(&compiler)
        .args(["-target", target, "-mcpu=v2", "-O2", "-g"])
        .args(["-Wall", "-Wextra", "-Werror", "-nostdinc"])
        .args(["-c", SOURCE, "-o"])
        .arg(object)
        .status();
    let built = done.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(
        built,
        "the feature `ebpf` needs a clang for the target bpf ({compiler}: {done:?}); \
         install clang, name one with CLANG, or build without the feature"
    );
}

fn compiler() -> String {
    if let Ok(named) = std::env::var("CLANG") {
        return named;
    }
    let runs = |name: &&&str| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|answer| answer.status.success())
    };
    (*COMPILERS.iter().find(runs).unwrap_or(&"clang")).to_owned()
}
