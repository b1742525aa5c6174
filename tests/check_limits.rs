//! A check command that does not end, or takes more than it may, is ended; the proposal is kept and says why it does
//! not pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Place, running};

const BEFORE: &str = "def f():\n    return 1\n";

/// By then it has ended on any machine; none of these commands would end by itself.
const AT_LAST: Duration = Duration::from_secs(300);

/// Runs `edit --check` within the user's settings, and asserts that the check is said to have ended so, in the record of
/// the proposal and in words, and that nothing of it is left.
fn ends(settings: &str, line: &str, end: &str, said: &str) {
    let place = Place::with(&[("a.py", BEFORE)]);
    if !place.has_landlock() {
        return;
    }
    place.configure(settings);
    let started = Instant::now();
    let outcome = place.edit_f(&["--check", line, "--check", "true", "--apply"]);
    assert!(started.elapsed() < AT_LAST, "{:?}", started.elapsed());

    assert_eq!(outcome.code, 4, "{}", outcome.stderr);
    let failed = format!("the check `{line}` failed ({said})");
    assert!(outcome.stderr.contains(&failed), "{}", outcome.stderr);
    let shown = place.skiff(&["show", "1", "--json"]).json();
    assert_eq!((&shown["passed"], &shown["state"]), (&false.into(), &"open".into()));
    assert!(shown["patch"].as_str().unwrap().contains("+    return 2\n"), "{shown}");
    // The one behind it was not run.
    assert_eq!(shown["checks"].as_array().unwrap().len(), 1, "{shown}");
    let check = &shown["checks"][0];
    assert_eq!((&check["end"], &check["code"]), (&end.into(), &Value::Null), "{shown}");
    assert_eq!(check["passed"], false);

    assert_eq!(place.read("a.py"), BEFORE);
    let folders = fs::read_dir(place.home().join("cache/skiff/checks")).unwrap();
    assert_eq!(folders.count(), 0);
    assert_eq!(running(line), 0);
}

#[test]
fn one_that_hangs() {
    let line = "trap '' TERM HUP INT; while true; do sleep 1000; done";
    ends("check_seconds = 1\n", line, "time_limit", "it took too long");
}

#[test]
fn one_that_forks_without_end() {
    let line = "while true; do sleep 1000 & done";
    ends("", line, "process_limit", "it had too many processes");
}

#[test]
fn one_that_floods_its_output() {
    ends("", "yes", "output_limit", "it wrote too much to its output");
}

/// Many processes that are each below the limit.
#[test]
fn one_that_takes_memory() {
    let line = "for i in 1 2 3 4; do yes | tail -c 30M & done; wait";
    ends(
        "check_memory_mib = 64\n",
        line,
        "memory_limit",
        "it took too much memory",
    );
}

/// The file is a hole and takes nothing of the disk: what counts is its length.
#[test]
fn one_that_writes_a_file_without_end() {
    for line in [
        "exec dd if=/dev/zero of=big bs=1 count=1 seek=8G",
        "dd if=/dev/zero of=\"$TMPDIR/big\" bs=1 count=1 seek=8G; exit $?",
    ] {
        ends("", line, "file_limit", "it wrote a file that became too long");
    }
}
