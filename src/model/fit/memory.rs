use std::{
    fs,
    path::{Path, PathBuf},
};

use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};

use super::super::CpuCode;

/// The memory of one GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuMemory {
    /// The name that the back end gives the device.
    pub name: String,
    /// The bytes that are free now.
    pub free_bytes: u64,
}

/// Main memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostMemory {
    /// The bytes that this process may still take without swapping.
    pub free_bytes: u64,
    /// The bytes that others can be swapped out to.
    pub swap_free_bytes: u64,
}

/// What a plan is made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The GPUs, in llama.cpp's order.
    pub gpus: Vec<GpuMemory>,
    /// Main memory; none where the system does not tell.
    pub host: Option<HostMemory>,
}

impl Devices {
    /// Returns what this machine has free now.
    pub fn of_this_machine() -> Self {
        Self {
            gpus: gpus(),
            host: HostMemory::of_machine(Path::new("/")),
        }
    }
}

/// Returns the GPUs that this build can use, with what is free on them now.
pub fn gpus() -> Vec<GpuMemory> {
    // The choice changes ggml's list of devices, so it must not come while that is read.
    CpuCode::in_use();
    let devices = list_llama_ggml_backend_devices();
    let of_type = |kind: LlamaBackendDeviceType| -> Vec<GpuMemory> {
        let devices = devices.iter().filter(|device| device.device_type == kind);
        devices
            .map(|device| GpuMemory {
                name: device.name.clone(),
                free_bytes: device.memory_free as u64,
            })
            .collect()
    };
    // As llama.cpp does: integrated ones only where there is nothing else.
    let own_memory = of_type(LlamaBackendDeviceType::Gpu);
    match own_memory.is_empty() {
        true => of_type(LlamaBackendDeviceType::IntegratedGpu),
        false => own_memory,
    }
}

impl HostMemory {
    /// Reads proc_meminfo(5), and the limits of the control groups (version 2) that this process is in, below `root`.
    fn of_machine(root: &Path) -> Option<Self> {
        let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
        let mut memory = Self {
            free_bytes: meminfo_bytes(&text, "MemAvailable:")?,
            swap_free_bytes: meminfo_bytes(&text, "SwapFree:").unwrap_or(0),
        };
        for group in control_groups(root) {
            if let Some(room) = room(&group, "memory.max", "memory.current") {
                let room = room.saturating_add(page_cache_bytes(&group));
                memory.free_bytes = memory.free_bytes.min(room);
            }
            if let Some(room) = room(&group, "memory.swap.max", "memory.swap.current") {
                memory.swap_free_bytes = memory.swap_free_bytes.min(room);
            }
        }
        Some(memory)
    }
}

fn meminfo_bytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Returns the folders of the control group of this process and of those around it; nothing for version 1.
fn control_groups(root: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let Some(path) = text.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return Vec::new();
    };
    let top = root.join("sys/fs/cgroup");
    let own = top.join(path);
    own.ancestors()
        .take_while(|folder| folder.starts_with(&top))
        .map(Path::to_owned)
        .collect()
}

/// Returns a limit less what is used of it; none where there is no limit.
fn room(group: &Path, limit: &str, used: &str) -> Option<u64> {
    let number = |file: &str| fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    Some(number(limit)?.saturating_sub(number(used).unwrap_or(0)))
}

/// Returns the bytes of files in memory, which count as used and are given up when memory is wanted.
fn page_cache_bytes(group: &Path) -> u64 {
    let text = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(key, _)| matches!(*key, "active_file" | "inactive_file"))
        .filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal: 9000 kB\nMemAvailable:    4000 kB\nSwapFree:  100 kB\n",
    );

    #[test]
    fn a_machine_without_limits_has_what_the_kernel_says() {
        let machine = machine(&[MEMINFO, ("proc/self/cgroup", "0::/user.slice\n")]);
        let memory = HostMemory::of_machine(machine.path()).unwrap();
        assert_eq!((memory.free_bytes, memory.swap_free_bytes), (4000 << 10, 100 << 10));
        assert_eq!(HostMemory::of_machine(&machine.path().join("proc")), None);
    }

    #[test]
    fn the_tightest_group_around_the_process_holds() {
        let machine = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "1:name=systemd:/x\n0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/memory.max", "3000000\n"),
            ("sys/fs/cgroup/outer/memory.current", "2000000\n"),
            (
                "sys/fs/cgroup/outer/memory.stat",
                "anon 1\nactive_file 100\ninactive_file 200\nfile 900\n",
            ),
            ("sys/fs/cgroup/outer/memory.swap.max", "0\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "max\n"),
            ("sys/fs/cgroup/outer/inner/memory.current", "5\n"),
        ]);
        let memory = HostMemory::of_machine(machine.path()).unwrap();
        assert_eq!((memory.free_bytes, memory.swap_free_bytes), (1_000_300, 0));
    }

    #[test]
    fn what_is_not_a_number_is_no_limit() {
        let machine = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/../x\n"),
            ("sys/fs/cgroup/memory.max", "-1"),
        ]);
        assert_eq!(
            HostMemory::of_machine(machine.path()).map(|memory| memory.free_bytes),
            Some(4000 << 10)
        );
    }
}
