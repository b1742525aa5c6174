//! The processes of a check command: all that descend from it, wherever they have gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

/// A process as proc_pid_stat(5) shows it.
#[derive(Clone, Copy, Debug)]
struct Process {
    is_dead: bool,
    parent: i32,
    session: i32,
    threads: usize,
    resident_pages: u64,
}

/// A command and its descendants. One that loses its parent comes to this process, which is the reaper of them all; it is
/// told from other children by its session, as the command began one of its own.
#[derive(Debug)]
pub(super) struct Family {
    own_id: i32,
    own_session: i32,
    head: Option<i32>,
    strangers: BTreeSet<i32>,
}

/// What a family has at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    pub(super) processes: usize,
    pub(super) resident_bytes: u64,
}

/// The children of other sessions that this process has before the command starts.
pub(super) fn strangers() -> BTreeSet<i32> {
    let (own_id, own_session) = own();
    let all = processes();
    let others = all
        .iter()
        .filter(|(_, p)| p.parent == own_id && p.session != own_session);
    others.map(|(id, _)| *id).collect()
}

/// Makes this process the one that orphans below it come to.
pub(super) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: prctl(2) with this option takes integers.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Family {
    pub(super) fn new(head: u32, strangers: BTreeSet<i32>) -> Self {
        let (own_id, own_session) = own();
        Self {
            own_id,
            own_session,
            head: Some(head as i32),
            strangers,
        }
    }

    /// Remembers that the head is gone and waited for: its number may be that of any process now.
    pub(super) fn bury_head(&mut self) {
        self.head = None;
    }

    /// Returns what the family has now, and takes leave of orphans that are dead.
    pub(super) fn usage(&self) -> Use {
        let all = processes();
        let members = self.members(&all);
        self.reap(&all, &members);
        let living = || members.iter().map(|id| all[id]).filter(|process| !process.is_dead);
        // SAFETY: sysconf(3) takes an integer.
        let page_bytes = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        Use {
            processes: living().count(),
            resident_bytes: living().map(|process| process.resident_pages * page_bytes).sum(),
        }
    }

    /// Ends every member, and waits for those that are children of this process but the head, which its owner waits for.
    ///
    /// All are stopped before the first is killed: one that is stopped starts no other while the rest is looked for.
    pub(super) fn end(&self) {
        const ROUNDS: usize = 2000;
        let mut stopped = BTreeSet::new();
        for _ in 0..ROUNDS {
            let all = processes();
            let members = self.members(&all);
            let running: Vec<i32> = members.iter().copied().filter(|id| !stopped.contains(id)).collect();
            if running.is_empty() {
                members.iter().for_each(|id| send(*id, libc::SIGKILL));
                self.reap(&all, &members);
                if members.iter().all(|id| Some(*id) == self.head) {
                    return;
                }
            }
            for id in running {
                send(id, libc::SIGSTOP);
                stopped.insert(id);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for the dead among the orphans, without waiting.
    fn reap(&self, all: &BTreeMap<i32, Process>, members: &BTreeSet<i32>) {
        let own = members
            .iter()
            .filter(|id| Some(**id) != self.head && all[id].parent == self.own_id);
        for id in own {
            // SAFETY: waitpid(2) for a child, at once; no status is asked for.
            unsafe { libc::waitpid(*id, std::ptr::null_mut(), libc::WNOHANG) };
        }
    }

    fn members(&self, all: &BTreeMap<i32, Process>) -> BTreeSet<i32> {
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for (id, process) in all {
            children.entry(process.parent).or_default().push(*id);
        }
        let orphans = children.get(&self.own_id).into_iter().flatten().copied();
        let orphans = orphans.filter(|id| all[id].session != self.own_session && !self.strangers.contains(id));
        let mut open: Vec<i32> = orphans.chain(self.head.filter(|id| all.contains_key(id))).collect();
        let mut members = BTreeSet::new();
        while let Some(id) = open.pop() {
            if members.insert(id) {
                open.extend(children.get(&id).into_iter().flatten());
            }
        }
        members
    }
}

/// Returns how many threads the user of this process has, over all sessions.
pub(super) fn threads_of_this_user() -> usize {
    use std::os::unix::fs::MetadataExt as _;

    // SAFETY: getuid(2) takes nothing and cannot fail.
    let user = unsafe { libc::getuid() };
    let is_own = |id: &i32| fs::metadata(format!("/proc/{id}")).is_ok_and(|meta| meta.uid() == user);
    let all = processes();
    all.iter()
        .filter(|(id, _)| is_own(id))
        .map(|(_, process)| process.threads)
        .sum()
}

fn own() -> (i32, i32) {
    // SAFETY: getsid(2) of this process cannot fail.
    (std::process::id() as i32, unsafe { libc::getsid(0) })
}

fn send(id: i32, signal: i32) {
    // SAFETY: kill(2) takes two integers. A process that is gone meanwhile is no error.
    unsafe { libc::kill(id, signal) };
}

fn processes() -> BTreeMap<i32, Process> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter_map(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        Some((id, parse(&stat)?))
    })
    .collect()
}

/// Reads the fields after the name, which may hold anything but ends at the last parenthesis. Dead ones do not count.
fn parse(stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    Some(Process {
        is_dead: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        resident_pages: fields.get(21)?.parse().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_passed_over() {
        let stat = "12 (a) b (c) R 7 12 9 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 55 1000 33 18446744073709551615";
        let process = parse(stat).unwrap();
        let read = (process.parent, process.session, process.threads, process.resident_pages);
        assert_eq!(read, (7, 9, 1, 33));
        assert!(parse("12 a").is_none());
    }
}
