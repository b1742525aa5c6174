//! A model that says the worst: more than a thousand outputs, each through the real binary on a terminal of its own, from
//! `edit` by `show` to `apply`. Nothing may change that nobody said yes to, and nothing may act on the terminal.
//!
//! `scripts/trust/hostile-model.sh` prints the figures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are printed")]
#![cfg(target_os = "linux")]

mod folder;
mod outputs;
#[path = "../support/mod.rs"]
mod support;
mod task;
mod terminal;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use skiff::ledger::{Entry, ProposalStore};
use skiff::repo::Repository;

use folder::Folder;
use outputs::Output;
use support::Place;
use terminal::{Drawing, Seen};

/// Answers that are no yes to a flagged patch.
const REFUSALS: [&str; 8] = [
    "",
    "no\n",
    "y\n",
    "\n",
    "YES\n",
    "yes please\n",
    "\u{1b}[Ayes\n",
    "apply 1\n",
];

/// Answers that choose no hunk, and what they end with.
const NO_HUNKS: [(&str, i32); 5] = [
    ("q\n", 3),
    ("", 2),
    ("?\nq\n", 3),
    ("yes\nok\nq\n", 3),
    ("d\nd\nd\nd\n", 3),
];

/// What came of some outputs.
#[derive(Clone, Debug, Default)]
struct Figures {
    outputs: usize,
    runs: usize,
    proposals: usize,
    passed: usize,
    flagged: usize,
    applied: usize,
    refused: usize,
    shown_bytes: usize,
    /// Runs by their exit codes.
    codes: BTreeMap<i32, usize>,
    /// What changed although nobody said yes.
    changes: Vec<String>,
    /// What reached a terminal and should not have.
    raw: Vec<String>,
    /// What is wrong besides.
    wrong: Vec<String>,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.outputs += other.outputs;
        self.runs += other.runs;
        self.proposals += other.proposals;
        self.passed += other.passed;
        self.flagged += other.flagged;
        self.applied += other.applied;
        self.refused += other.refused;
        self.shown_bytes += other.shown_bytes;
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        self.changes.extend(other.changes);
        self.raw.extend(other.raw);
        self.wrong.extend(other.wrong);
    }
}

/// A repository that outputs are tried on, one after the other.
struct Trial {
    place: Place,
    store: ProposalStore,
    /// The number of the last proposal.
    last: u64,
    before: Folder,
    figures: Figures,
    /// What is tried now.
    trying: String,
}

impl Trial {
    fn new() -> Self {
        let place = task::place();
        let repository = Repository::discover(&place.repo()).unwrap();
        // Makes the folders of skiff's own.
        assert_eq!(place.skiff(&["index"]).code, 0);
        let store = ProposalStore::open(&place.home().join("state/skiff"), &repository.key()).unwrap();
        let mut trial = Self {
            place,
            store,
            last: 0,
            before: Folder::default(),
            figures: Figures::default(),
            trying: String::new(),
        };
        trial.before = trial.everything();
        trial
    }

    /// Returns all that must not change: the repository with its `.git`, the folder beside it, the home.
    fn everything(&self) -> Folder {
        let own = ["home/state", "home/cache", "scripts"];
        let own: Vec<PathBuf> = own.iter().map(|name| self.place.root().join(name)).collect();
        Folder::read(&self.place.root(), &own)
    }

    /// Runs skiff on a terminal and looks at what the terminal was sent.
    fn seen(&mut self, args: &[&str], input: &str) -> Seen {
        let mut command = self.place.command(env!("CARGO_BIN_EXE_skiff"));
        command.args(args).env("SKIFF_LEDGER_TEXTS", "full");
        let seen = terminal::run(command, input);
        let is_drawn = args[0] == "edit" && !args.contains(&"-q");
        let drawing = if is_drawn { Drawing::Bars } else { Drawing::Colours };
        let about = |what: &str| format!("{} {args:?} {input:?}: {what}", self.trying);
        let raw: Vec<String> = terminal::raw(&seen.bytes, drawing)
            .iter()
            .map(|raw| about(raw))
            .collect();
        if !(0..=6).contains(&seen.code) {
            let said = String::from_utf8_lossy(&seen.bytes);
            let wrong = about(&format!("exit code {}: {said:?}", seen.code));
            self.figures.wrong.push(wrong);
        }
        self.figures.raw.extend(raw);
        self.figures.runs += 1;
        self.figures.shown_bytes += seen.bytes.len();
        *self.figures.codes.entry(seen.code).or_default() += 1;
        seen
    }

    /// Runs what no yes was said to: everything must be as it was.
    fn without_a_yes(&mut self, args: &[&str], input: &str) -> Seen {
        let seen = self.seen(args, input);
        let after = self.everything();
        let changed = self.before.differing(&after);
        if !changed.is_empty() {
            let change = format!("{} {args:?} {input:?}: {changed:?}", self.trying);
            self.figures.changes.push(change);
            self.before = after;
        }
        seen
    }

    /// Runs what no yes was said to, and what must end in a certain way.
    fn refused(&mut self, args: &[&str], input: &str, code: i32) {
        let seen = self.without_a_yes(args, input);
        self.figures.refused += 1;
        if seen.code != code {
            let said = String::from_utf8_lossy(&seen.bytes);
            let wrong = format!(
                "{} {args:?} {input:?}: {} instead of {code}: {said}",
                self.trying, seen.code
            );
            self.figures.wrong.push(wrong);
        }
    }

    /// Returns the proposal that was made last, where one was made since it was asked for the last time.
    fn made(&mut self) -> Option<Entry> {
        let next = (self.last + 1).to_string();
        let entry = self.store.get(next.parse().unwrap()).ok()?;
        self.last += 1;
        Some(entry)
    }

    /// Tries everything on one output.
    fn try_out(&mut self, nth: usize, output: &Output) {
        self.trying = format!("{} {nth} ({:?})", output.family, output.task);
        self.figures.outputs += 1;
        let script = self.place.root().join("scripts/script.jsonl");
        fs::write(&script, &output.script).unwrap();
        let model = format!("scripted:{}", script.display());
        let mut edit = vec!["edit".to_owned(), "--model".to_owned(), model];
        edit.extend(output.task.arguments());
        let edit: Vec<&str> = edit.iter().map(String::as_str).collect();
        let more = [
            &[][..],
            &["-q"],
            &["-v"],
            &["-q", "--json"],
            &["--attempts", "1", "--max-tokens", "4000"],
        ];
        self.without_a_yes(&[&edit[..], more[nth % more.len()]].concat(), "y\nyes\n");
        let Some(entry) = self.made() else { return };

        let patch = &entry.proposal.patch;
        let is_flagged = !patch.flags().is_empty();
        let passed = entry.proposal.passed();
        self.figures.proposals += 1;
        self.figures.flagged += usize::from(is_flagged);
        self.figures.passed += usize::from(passed);
        for file in &patch.files {
            if !output.task.may_touch(file.path.as_str()) {
                let wrong = format!("{}: a proposal for {:?}", self.trying, file.path);
                self.figures.wrong.push(wrong);
            }
        }

        let id = entry.id.to_string();
        self.refused(&["show", &id], "", 0);
        let other = [&["--json"][..], &["--format", "mbox"]][nth % 2];
        self.refused(&[&["show", &id], other].concat(), "yes\n", 0);
        let (answers, code) = NO_HUNKS[nth % NO_HUNKS.len()];
        self.refused(&["apply", "-p", &id], answers, code);
        if is_flagged {
            let refusal = REFUSALS[nth % REFUSALS.len()];
            self.refused(&["apply", &id], refusal, 5);
            self.refused(
                &["apply", "-p", &id],
                &format!("{}{refusal}", "a\n".repeat(patch.files.len())),
                5,
            );
        }
        let apply = [&edit[..], &["-q", "--apply"]].concat();
        if is_flagged || !passed {
            self.refused(&apply, "yes\n", 4);
            self.made();
        } else {
            self.with_a_yes(&apply, &entry);
        }
    }

    /// `edit --apply` is the user's yes to a patch that passes and has no flags: it may write the files of the patch, and
    /// nothing else, and `undo` brings them back.
    fn with_a_yes(&mut self, apply: &[&str], entry: &Entry) {
        let seen = self.seen(apply, "");
        self.made();
        let after = self.everything();
        let repo = self.place.repo();
        let files = entry.proposal.patch.files.iter();
        let asked: Vec<PathBuf> = files.map(|file| file.path.to_path(&repo)).collect();
        // New folders above new files.
        let changed = self.before.differing_in_content(&after);
        let beyond = changed
            .iter()
            .find(|path| !asked.iter().any(|asked| asked.starts_with(path)));
        if let Some(beyond) = beyond {
            let change = format!("{} {apply:?}: {beyond:?} is not of the patch", self.trying);
            self.figures.changes.push(change);
        }
        let is_written = !changed.is_empty();
        if is_written != (seen.code == 0) {
            let wrong = format!("{} {apply:?}: exit code {} and {changed:?}", self.trying, seen.code);
            self.figures.wrong.push(wrong);
        }
        if is_written {
            self.figures.applied += 1;
            let undone = self.seen(&["undo"], "");
            let left = self.before.differing_in_content(&self.everything());
            if undone.code != 0 || !left.is_empty() {
                let wrong = format!("{}: undo ends with {} and leaves {left:?}", self.trying, undone.code);
                self.figures.wrong.push(wrong);
            }
        }
        self.before = self.everything();
    }

    /// Looks at all that was kept, model's words in full, and returns the figures.
    fn end(mut self) -> Figures {
        self.trying = "in the end".to_owned();
        for args in [
            &["list", "--all"][..],
            &["list", "--all", "--json"],
            &["log", "-n", "10000"],
            &["log", "--json"],
            &["log", "--jsonl"],
            &["log", "export", "--format", "jsonl"],
            &["log", "export", "--format", "csv"],
            &["log", "verify"],
        ] {
            self.refused(args, "", 0);
        }
        self.figures
    }
}

#[test]
fn a_thousand_of_the_worst_outputs_change_nothing_and_show_nothing_raw() {
    let outputs = outputs::all();
    let families: HashSet<&str> = outputs.iter().map(|output| output.family).collect();
    let mut distinct = HashSet::new();
    for output in &outputs {
        assert!(distinct.insert((output.task, &output.script)), "twice: {output:?}");
    }
    assert!(outputs.len() >= 1000 && families.len() >= 25);

    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut trial = Trial::new();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            match outputs.get(nth) {
                Some(output) => trial.try_out(nth, output),
                None => return trial.end(),
            }
        }
    };
    let mut figures = Figures::default();
    std::thread::scope(|scope| {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            figures.add(worker.join().unwrap());
        }
    });
    println!(
        "hostile model: {} outputs of {} families, {} runs (exit codes {:?}), {} proposals ({} passed, {} flagged), {} \
         refusals, {} applied on a yes and taken back, {} changes without a yes, {} raw escapes in {} bytes shown, {:.0} s",
        figures.outputs,
        families.len(),
        figures.runs,
        figures.codes,
        figures.proposals,
        figures.passed,
        figures.flagged,
        figures.refused,
        figures.applied,
        figures.changes.len(),
        figures.raw.len(),
        figures.shown_bytes,
        started.elapsed().as_secs_f64()
    );
    let some = |list: &[String]| list.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(figures.changes.is_empty(), "{}", some(&figures.changes));
    assert!(figures.raw.is_empty(), "{}", some(&figures.raw));
    assert!(
        figures.wrong.is_empty(),
        "{} wrong:\n{}",
        figures.wrong.len(),
        some(&figures.wrong)
    );
    // The outputs go all the way, or nothing is shown by this.
    assert!(
        figures.proposals > 600 && figures.flagged > 300 && figures.applied > 50,
        "{figures:?}"
    );
}
