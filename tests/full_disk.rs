//! The index where the disk has no more room: an answer is right all the same, and the database is sound afterwards.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Outcome, Place};

const SKIFF: &str = env!("CARGO_BIN_EXE_skiff");
const QUESTION: [&str; 5] = ["find", "--json", "-n", "50", "write the value of part 7"];

/// Enough that the database does not fit into what the tests leave of the disk.
fn place() -> Place {
    let mut files = Vec::new();
    for part in 0..120 {
        let mut text = String::new();
        for value in 0..20 {
            let unique = (part * 7919 + value * 104_729) % 99_991;
            writeln!(
                text,
                "def write_{unique}_{part}(value_{value}):\n    return key_{unique} + value_{value}\n"
            )
            .unwrap();
        }
        files.push((format!("part_{part}.py"), text));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Place::with(&files)
}

/// What a sound index answers.
fn expected() -> Value {
    let answer = place().skiff(&QUESTION).json();
    assert!(!answer["symbols"].as_array().unwrap().is_empty());
    answer
}

/// Asserts that a run ended as `skiff index` does where it cannot write.
fn assert_not_kept(outcome: &Outcome, case: &str) {
    assert_eq!(outcome.code, 1, "{case}: {}", outcome.stderr);
    assert!(
        outcome.stderr.contains("error: the index could not be kept on disk: "),
        "{case}: {}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("panicked"), "{case}: {}", outcome.stderr);
}

/// Limits the size of every file: a write beyond it fails, as on a full disk.
fn limited(place: &Place, blocks: u32, args: &[&str]) -> Outcome {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    Outcome::of(place.command("sh").args(["-c", &script, SKIFF]).args(args))
}

#[test]
fn a_write_that_fails_loses_no_answer() {
    let expected = expected();
    let mut failed = 0;
    for blocks in [0, 1, 8, 40, 80, 160, 320, 640, 100_000] {
        let place = place();
        let case = format!("{blocks} blocks");
        let index = limited(&place, blocks, &["-q", "index"]);
        if index.code != 0 {
            assert_not_kept(&index, &case);
            failed += 1;
        }
        assert_eq!(limited(&place, blocks, &QUESTION).json(), expected, "{case}");
        let after = place.skiff(&["index", "--json"]);
        assert!(!after.stderr.contains("damaged"), "{case}: {}", after.stderr);
        assert!(after.json()["database_bytes"].as_u64().is_some(), "{case}");
        assert_eq!(place.skiff(&QUESTION).json(), expected, "{case}");
    }
    assert!(failed >= 4, "{failed}");
}

/// Runs a script as root of a mount namespace of its own, with a file system of 48 KB for the cache; none where the
/// kernel does not let it.
///
/// In the script `run NAME ARGUMENTS` runs skiff and keeps what it came to.
fn on_a_small_disk(place: &Place, script: &str) -> Option<()> {
    const NAMESPACE: [&str; 5] = ["--user", "--map-root-user", "--mount", "sh", "-euc"];
    let probe = "mount -t tmpfs -o size=48k tmpfs \"$1\"";
    let cache = place.home().join("cache");
    fs::create_dir_all(&cache).unwrap();
    let mut allowed = place.command("unshare");
    allowed.args(NAMESPACE).args([probe, "sh"]).arg(&cache);
    if !allowed
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no file system can be mounted here");
        return None;
    }
    let whole = format!(
        "{probe}\nskiff=$2 out=$3\n\
         run() {{ name=$1; shift; code=0; \"$skiff\" \"$@\" > \"$out/$name.out\" 2> \"$out/$name.err\" || code=$?; \
         echo $code > \"$out/$name.code\"; }}\n{script}"
    );
    let mut command: Command = place.command("unshare");
    command
        .args(NAMESPACE)
        .args([whole.as_str(), "sh"])
        .arg(&cache)
        .arg(SKIFF)
        .arg(place.home());
    let outcome = Outcome::of(&mut command);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    Some(())
}

fn outcome(place: &Place, name: &str) -> Outcome {
    let read = |ending: &str| fs::read_to_string(place.home().join(format!("{name}.{ending}"))).unwrap();
    Outcome {
        code: read("code").trim().parse().unwrap(),
        stdout: read("out"),
        stderr: read("err"),
    }
}

#[test]
fn a_full_disk_loses_no_answer() {
    let place = place();
    let ask = format!("{} '{}'", QUESTION[..4].join(" "), QUESTION[4]);
    let script = format!(
        "run small index; run asked {ask}\n\
         mount -o remount,size=32m \"$1\"; run large index --json; run kept {ask}\n\
         echo 'def write_more(value): pass' >> part_7.py\n\
         for n in $(seq 70); do cp part_1.py more_$n.py; echo \"# $n\" >> more_$n.py; done\n\
         cat /dev/zero > \"$1/filler\" 2> /dev/null || true\n\
         run full index; run full_asked {ask}\n\
         rm \"$1/filler\"; run room index --json; run room_asked {ask}"
    );
    if on_a_small_disk(&place, &script).is_none() {
        return;
    }
    assert_not_kept(&outcome(&place, "small"), "a small disk");
    let expected = expected();
    assert_eq!(outcome(&place, "asked").json(), expected);
    let large = outcome(&place, "large");
    assert!(!large.stderr.contains("damaged"), "{}", large.stderr);
    assert_eq!(large.json()["new_blobs"], 120);
    assert_eq!(outcome(&place, "kept").json(), expected);
    assert_not_kept(&outcome(&place, "full"), "a full disk");
    let room = outcome(&place, "room");
    assert!(!room.stderr.contains("damaged"), "{}", room.stderr);
    assert_eq!(room.json()["new_blobs"], 71);
    // In a home of its own, so that the index is made by nothing of this.
    let changed = place.skiff(&QUESTION).json();
    assert_ne!(changed, expected);
    assert_eq!(outcome(&place, "full_asked").json(), changed);
    assert_eq!(outcome(&place, "room_asked").json(), changed);
}
