use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where Linux shows the counters of RAPL, of Intel's and AMD's processors (the kernel's `power/powercap/powercap.rst`).
const POWERCAP: &str = "/sys/class/powercap";

/// The energy that the processor packages of this machine take, whatever runs on them; memory and graphics cards are not
/// in it.
///
/// Most systems let root alone read the counters. They wrap, after some tens of minutes at full load, so that
/// [`EnergyMeter::millijoules`] must be asked more often than that.
#[derive(Debug)]
pub struct EnergyMeter {
    /// None when a counter could not be read any more: a sum without it would be wrong.
    counters: Mutex<Option<Vec<Counter>>>,
}

/// The counter of one package.
#[derive(Debug)]
struct Counter {
    file: PathBuf,
    /// After this it begins again at 0.
    range_uj: u64,
    last_uj: u64,
    taken_uj: u64,
}

impl EnergyMeter {
    /// Begins to measure; none where the machine does not tell.
    pub fn start() -> Option<Self> {
        Self::start_in(Path::new(POWERCAP))
    }

    /// Begins to measure with the counters in a folder that is laid out as `/sys/class/powercap`; none where there are no
    /// packages or one of them cannot be read.
    pub fn start_in(folder: &Path) -> Option<Self> {
        let zones = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        let packages = zones.filter(|zone| is_package(zone));
        let counters: Option<Vec<Counter>> = packages.map(|zone| Counter::start(&zone)).collect();
        let counters = counters.filter(|counters| !counters.is_empty())?;
        Some(Self {
            counters: Mutex::new(Some(counters)),
        })
    }

    /// Returns what was taken since the start, in millijoules; none when a counter cannot be read any more.
    pub fn millijoules(&self) -> Option<u64> {
        const MICRO_IN_MILLI: u64 = 1000;
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let is_read = counters.as_mut()?.iter_mut().all(|counter| counter.advance().is_some());
        if !is_read {
            *counters = None;
        }
        let taken_uj = counters.as_ref()?.iter().map(|counter| counter.taken_uj).sum::<u64>();
        Some(taken_uj / MICRO_IN_MILLI)
    }
}

impl Counter {
    fn start(zone: &Path) -> Option<Self> {
        let file = zone.join("energy_uj");
        Some(Self {
            last_uj: number(&file)?,
            range_uj: number(&zone.join("max_energy_range_uj"))?,
            taken_uj: 0,
            file,
        })
    }

    fn advance(&mut self) -> Option<()> {
        let now_uj = number(&self.file)?;
        let step_uj = match now_uj.checked_sub(self.last_uj) {
            Some(step_uj) => step_uj,
            None => self.range_uj.checked_sub(self.last_uj)?.checked_add(now_uj)?,
        };
        self.taken_uj = self.taken_uj.checked_add(step_uj)?;
        self.last_uj = now_uj;
        Some(())
    }
}

/// Tells whether a zone is a package: not a part of one, and not the whole board, which has the packages in it.
fn is_package(zone: &Path) -> bool {
    let is_whole = zone
        .file_name()
        .and_then(|name| name.to_str()?.strip_prefix("intel-rapl:"))
        .is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    is_whole && fs::read_to_string(zone.join("name")).is_ok_and(|name| name.starts_with("package"))
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, zone: &str, name: &str, energy_uj: u64) {
        let zone = folder.join(zone);
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("name"), format!("{name}\n")).unwrap();
        fs::write(zone.join("max_energy_range_uj"), "1000000\n").unwrap();
        fs::write(zone.join("energy_uj"), format!("{energy_uj}\n")).unwrap();
    }

    #[test]
    fn packages_are_added_and_a_wrap_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        zone(folder, "intel-rapl:0", "package-0", 990_000);
        zone(folder, "intel-rapl:1", "package-1", 5_000);
        zone(folder, "intel-rapl:0:0", "core", 0);
        zone(folder, "intel-rapl:2", "psys", 0);
        let meter = EnergyMeter::start_in(folder).unwrap();
        assert_eq!(meter.millijoules(), Some(0));
        for (name, energy_uj) in [
            ("intel-rapl:0:0", 900_000),
            ("intel-rapl:2", 900_000),
            ("intel-rapl:1", 9_000),
        ] {
            fs::write(folder.join(name).join("energy_uj"), energy_uj.to_string()).unwrap();
        }
        assert_eq!(meter.millijoules(), Some(4));
        fs::write(folder.join("intel-rapl:0/energy_uj"), "20000").unwrap();
        assert_eq!(meter.millijoules(), Some(4 + 30));
        // A sum that lacks a package is none, also later.
        fs::write(folder.join("intel-rapl:1/energy_uj"), "?").unwrap();
        assert_eq!(meter.millijoules(), None);
        fs::write(folder.join("intel-rapl:1/energy_uj"), "9000").unwrap();
        assert_eq!(meter.millijoules(), None);
    }

    #[test]
    fn a_machine_that_does_not_tell_has_no_meter() {
        let folder = tempfile::tempdir().unwrap();
        assert!(EnergyMeter::start_in(folder.path()).is_none());
        assert!(EnergyMeter::start_in(&folder.path().join("missing")).is_none());
        zone(folder.path(), "intel-rapl:0", "package-0", 1);
        zone(folder.path(), "intel-rapl:1", "package-1", 1);
        fs::remove_file(folder.path().join("intel-rapl:1/energy_uj")).unwrap();
        assert!(EnergyMeter::start_in(folder.path()).is_none());
    }
}
