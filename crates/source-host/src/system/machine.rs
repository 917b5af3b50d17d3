//! What the kernel says of itself, processors and memory, through `sysinfo`.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Kernel, processors and memory of the machine this program runs on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Machine {
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture, as `x86_64`.
    pub architecture: String,
    /// Processor model.
    pub processor: Option<String>,
    /// Logical processors; 0 if it could not be told.
    pub processors: u32,
    /// Main memory in bytes; 0 if it could not be told.
    pub memory_bytes: u64,
    /// Memory a new program could have, in bytes.
    pub memory_available_bytes: u64,
}

/// Asks the running kernel; neither processes nor processor load are touched.
pub(crate) fn this_machine() -> Machine {
    let kinds = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let architecture = System::cpu_arch();
    let kernel = System::kernel_version().unwrap_or_default();
    let Ok(system) = System::new_with_specifics(kinds) else {
        return Machine {
            kernel,
            architecture,
            ..Machine::default()
        };
    };
    let brand = system
        .cpus()
        .first()
        .map(|cpu| cpu.brand().trim().to_owned());
    Machine {
        kernel,
        architecture,
        processor: brand.filter(|brand| !brand.is_empty()),
        processors: u32::try_from(system.cpus().len()).unwrap_or(u32::MAX),
        memory_bytes: system.total_memory(),
        memory_available_bytes: system.available_memory(),
    }
}
