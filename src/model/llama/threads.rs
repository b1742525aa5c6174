use std::{collections::HashSet, fs, thread};

/// Returns the number of physical cores that this process may use.
///
/// Two threads on one core fight for its vector units: decoding with all hardware threads is slower than with one for
/// each core.
pub(super) fn physical_cores() -> u32 {
    let available = thread::available_parallelism().map_or(1, usize::from);
    let cores = core_count().map_or(available, |cores| cores.min(available));
    u32::try_from(cores).unwrap_or(u32::MAX).max(1)
}

/// Counts distinct cores, where the kernel tells which hardware threads share one.
fn core_count() -> Option<usize> {
    let mut cores = HashSet::new();
    for entry in fs::read_dir("/sys/devices/system/cpu").ok()?.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("cpu"));
        if number.is_some_and(|number| number.parse::<u32>().is_ok())
            && let Ok(siblings) = fs::read_to_string(entry.path().join("topology/thread_siblings_list"))
        {
            cores.insert(siblings);
        }
    }
    (!cores.is_empty()).then_some(cores.len())
}
