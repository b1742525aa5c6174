use std::{collections::HashSet, fs, thread};

/// How busy the cores are while the model loads; from that, how many threads to compute with.
///
/// The threads of ggml wait for each other by spinning, hundreds of times for each token. With fewer free cores than
/// threads, a thread that waits spends the time slice that the thread it waits for needs: on two cores shared with a
/// compiler, two threads were measured at a sixteenth of the speed of one. So the default is the number of physical cores
/// that nobody else is using.
pub(super) struct CoreUse {
    begin: Option<Ticks>,
}

impl CoreUse {
    /// Begins to watch.
    pub(super) fn begin() -> Self {
        Self { begin: Ticks::now() }
    }

    /// Returns the number of threads to compute with: at least 1, at most the physical cores this process may use.
    pub(super) fn threads(&self) -> u32 {
        let cores = physical_cores();
        let free = match (&self.begin, Ticks::now()) {
            (Some(begin), Some(end)) => begin.free_cores(&end),
            _ => None,
        };
        free.map_or(cores, |free| cores.min(free.max(1)))
    }
}

/// Processor time so far, in the kernel's ticks.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    /// Of the cores that this process may use, together.
    all: u64,
    idle: u64,
    /// Of this process.
    own: u64,
    cores: u64,
}

/// Fewer ticks than this for each core say nothing.
const MIN_TICKS: u64 = 10;

impl Ticks {
    fn now() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let allowed = parse_ranges(allowed.trim())?;
        let own = own_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
        let mut ticks = Self {
            all: 0,
            idle: 0,
            own,
            cores: 0,
        };
        for line in fs::read_to_string("/proc/stat").ok()?.lines() {
            if let Some((number, all, idle)) = core_ticks(line)
                && allowed.contains(&number)
            {
                ticks.all += all;
                ticks.idle += idle;
                ticks.cores += 1;
            }
        }
        (ticks.cores > 0).then_some(ticks)
    }

    /// Returns the cores that others left free between two moments, rounded to whole ones.
    fn free_cores(&self, end: &Self) -> Option<u32> {
        let all = end.all.checked_sub(self.all)?;
        if all < MIN_TICKS * self.cores {
            return None;
        }
        let usable = end.idle.checked_sub(self.idle)? + end.own.checked_sub(self.own)?;
        let free = (usable as f64 / all as f64 * self.cores as f64).round();
        Some(free as u32)
    }
}

/// Reads `cpuN user nice system idle iowait irq softirq steal …` as the core's number, all its ticks, and the idle ones.
fn core_ticks(line: &str) -> Option<(u32, u64, u64)> {
    let (number, times) = line.strip_prefix("cpu")?.split_once(' ')?;
    // The line without a number is the sum of all cores.
    let number = number.parse().ok()?;
    // What comes after steal is contained in user and nice.
    let times: Vec<u64> = times
        .split_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    let idle = times.get(3)? + times.get(4)?;
    Some((number, times.iter().sum(), idle))
}

/// Reads user and system time from `/proc/self/stat`, whose second field may hold anything, in parentheses.
fn own_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn parse_ranges(list: &str) -> Option<HashSet<u32>> {
    let mut numbers = HashSet::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    Some(numbers)
}

/// Returns the number of physical cores that this process may use: two threads on one core share its vector units.
fn physical_cores() -> u32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        assert_eq!(core_ticks("cpu1 10 1 5 100 4 0 1 9 3 0"), Some((1, 130, 104)));
        assert_eq!(
            core_ticks("cpu  10 1 5 100 4 0 1 9 3 0").map(|(number, ..)| number),
            None
        );
        assert_eq!(core_ticks("intr 12 3"), None);
        assert_eq!(own_ticks("7 (a) b) R 1 2 3 4 5 6 7 8 9 10 30 12 0 0"), Some(42));
        assert_eq!(parse_ranges("0-2,5"), Some(HashSet::from([0, 1, 2, 5])));
        assert_eq!(parse_ranges("x"), None);
    }

    #[test]
    fn cores_that_others_use_are_not_free() {
        let begin = Ticks {
            all: 0,
            idle: 0,
            own: 0,
            cores: 4,
        };
        let after = |idle, own| Ticks {
            all: 400,
            idle,
            own,
            cores: 4,
        };
        assert_eq!(begin.free_cores(&after(300, 100)), Some(4));
        assert_eq!(begin.free_cores(&after(150, 60)), Some(2));
        assert_eq!(begin.free_cores(&after(0, 30)), Some(0));
        assert_eq!(begin.free_cores(&Ticks { all: 20, ..begin }), None);
        let threads = CoreUse { begin: None }.threads();
        assert_eq!(threads, physical_cores());
    }
}
