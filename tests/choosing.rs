//! Choosing hunks with `apply -p`, and the yes that flags want, on the real binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use support::Place;

/// A file with two changes far apart, CRLF, a byte order mark and no line ending at its end.
fn two_hunks() -> (Place, String, [String; 4]) {
    let lines: Vec<String> = (0..20).map(|n| format!("line {n}\r\n")).collect();
    let old = format!("\u{feff}{}end", lines.concat());
    let first = old.replace("line 1\r\n", "line one\r\n");
    let second = old.replace("end", "the end");
    let both = first.replace("end", "the end");
    let place = Place::with(&[("a.txt", &old)]);
    let id = place.propose("a.txt", &old, &both).to_string();
    (place, id, [old, first, second, both])
}

#[test]
fn parts_are_applied_and_taken_back_one_by_one() {
    let (place, id, [old, first, _, both]) = two_hunks();
    let part = place.skiff_told(&["apply", "-p", &id], "y\nn\n");
    assert_eq!(part.code, 0, "{}", part.stderr);
    assert_eq!(place.read("a.txt"), first);
    assert!(place.skiff(&["list"]).stdout.contains("partly applied"));
    assert_eq!(place.skiff(&["show", &id, "--json"]).json()["state"], "partly_applied");

    // What is left, with `-p` or without it.
    let rest = place.skiff(&["apply", &id]);
    assert_eq!(rest.code, 0, "{}", rest.stderr);
    assert_eq!(place.read("a.txt"), both);
    assert_eq!(place.skiff(&["list"]).stdout, "");

    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.read("a.txt"), first);
    assert!(place.skiff(&["list"]).stdout.contains("partly applied"));
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.read("a.txt"), old);
    assert!(place.skiff(&["list"]).stdout.contains(" open "));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_rest_can_be_discarded() {
    let (place, id, [old, first, ..]) = two_hunks();
    assert_eq!(place.skiff_told(&["apply", "-p", &id], "y\nn\n").code, 0);
    assert_eq!(place.skiff(&["discard", &id]).code, 0);
    assert_eq!(place.read("a.txt"), first);
    assert_eq!(place.skiff(&["list"]).stdout, "");
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.read("a.txt"), old);
    assert!(place.skiff(&["list", "--all"]).stdout.contains("discarded"));
}

#[test]
fn every_choice_comes_to_its_bytes() {
    for (answers, nth) in [("y\nn\n", 1), ("n\ny\n", 2), ("y\ny\n", 3), ("a\n", 3)] {
        let (place, id, texts) = two_hunks();
        let outcome = place.skiff_told(&["apply", "--patch", &id], answers);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
        assert_eq!(place.read("a.txt"), texts[nth], "{answers:?}");
        assert_eq!(place.skiff(&["undo"]).code, 0);
        assert_eq!(place.read("a.txt"), texts[0], "{answers:?}");
    }
}

#[test]
fn no_hunk_is_no_change_and_no_answer_is_an_error() {
    let (place, id, [old, ..]) = two_hunks();
    for answers in ["n\nn\n", "q\n", "d\n"] {
        let outcome = place.skiff_told(&["apply", "-p", &id], answers);
        assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    }
    for answers in ["", "y\n", "?\n"] {
        let outcome = place.skiff_told(&["apply", "-p", &id], answers);
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("the input ended before every hunk was decided"),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(place.read("a.txt"), old);
    assert!(place.skiff(&["list"]).stdout.contains(" open "));
}

#[test]
fn a_hunk_is_edited_in_a_file() {
    use std::io::{BufRead as _, BufReader};

    let place = Place::with(&[("a.txt", "one\ntwo\n")]);
    let id = place.propose("a.txt", "two", "2").to_string();
    let mut child = place
        .command(env!("CARGO_BIN_EXE_skiff"))
        .args(["apply", "-p", &id])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    stdin.write_all(b"e\n").unwrap();
    let file = loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "no file was named");
        if line.trim_end().ends_with(".diff") {
            break line.trim().split_once(' ').unwrap().1.to_owned();
        }
    };
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(" one", " other")).unwrap();
    stdin.write_all(b"\n").unwrap();
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("is not the next line of the file"), "{line}");
    fs::write(&file, text.replace("+2\n", "+deux\n+trois\n")).unwrap();
    stdin.write_all(b"\n").unwrap();
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(place.read("a.txt"), "one\ndeux\ntrois\n");
    assert!(!fs::exists(&file).unwrap(), "the hunk's file is left behind");
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.read("a.txt"), "one\ntwo\n");
}

#[test]
fn a_flagged_proposal_wants_a_yes() {
    let place = Place::with(&[("AGENTS.md", "be careful\n"), ("a.py", "x = 1\n")]);
    let agents = place.propose("AGENTS.md", "careful", "careless").to_string();
    let bidi = place.propose("a.py", "1", "'\u{202e}'").to_string();
    for (id, file) in [(&agents, "AGENTS.md"), (&bidi, "a.py")] {
        let refused = place.skiff(&["apply", id]);
        assert_eq!(refused.code, 5, "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("flag: {file}")), "{}", refused.stderr);
        assert!(refused.stderr.contains("--accept-flags"), "{}", refused.stderr);
        let chosen = place.skiff_told(&["apply", "-p", id], "y\n");
        assert_eq!(chosen.code, 5, "{}", chosen.stderr);
        // An answer that is piped in is nobody's yes.
        assert_eq!(place.skiff_told(&["apply", id], "yes\n").code, 5);
    }
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    let shown = place.skiff(&["show", &bidi, "--color", "always"]).stdout;
    assert!(
        shown.contains("flag: a.py:1: changes the direction of text: U+202E"),
        "{shown}"
    );
    let json = place.skiff(&["show", &agents, "--json"]).json();
    assert_eq!(json["flags"][0]["kind"], "agent_configuration");
    assert_eq!(json["flags"][0]["line"], serde_json::Value::Null);

    assert_eq!(place.skiff(&["apply", "--accept-flags", &agents]).code, 0);
    assert_eq!(place.read("AGENTS.md"), "be careless\n");
}

#[test]
fn an_edit_never_applies_a_flagged_patch_by_itself() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let model = place.scripted("{\"reply\": \"def f():\\n    return '\\u202e'\\n```\"}\n");
    let edit = place.skiff(&["edit", "return it", "--symbol", "f", "--apply", "--model", &model]);
    assert_eq!(edit.code, 4, "{}", edit.stderr);
    assert!(edit.stderr.contains("the patch is flagged"), "{}", edit.stderr);
    assert!(edit.stderr.contains("U+202E"), "{}", edit.stderr);
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
    assert!(place.skiff(&["list"]).stdout.contains(" open "));
    assert_eq!(place.skiff(&["apply", "--accept-flags", "1"]).code, 0);
}

/// Runs skiff on a terminal of its own, types `input`, and returns the exit code and what the terminal was sent.
#[cfg(target_os = "linux")]
fn on_a_terminal(place: &Place, args: &[&str], input: &str) -> (i32, String) {
    use std::fs::File;
    use std::io::Read as _;
    use std::os::fd::{FromRawFd as _, OwnedFd};

    let (mut master, mut slave) = (-1, -1);
    // SAFETY: openpty(3) fills in the two descriptors; the other arguments may be null.
    let opened = unsafe {
        libc::openpty(
            &mut master,
            &mut slave,
            std::ptr::null_mut(),
            std::ptr::null(),
            std::ptr::null(),
        )
    };
    assert_eq!(opened, 0);
    // SAFETY: both descriptors are open and belong to nobody else.
    let (mut master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
    let mut child = {
        // The command keeps the other end open, and goes with this block.
        let mut command = place.command(env!("CARGO_BIN_EXE_skiff"));
        command
            .args(args)
            .env("TERM", "xterm")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave);
        command.spawn().unwrap()
    };
    master.write_all(input.as_bytes()).unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    // Reading fails when the last process has closed the other end.
    while let Ok(length) = master.read(&mut buffer) {
        if length == 0 {
            break;
        }
        seen.extend_from_slice(&buffer[..length]);
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    (code, String::from_utf8(seen).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_flags_are_asked_about() {
    let place = Place::with(&[("a.py", "x = 1\n")]);
    let id = place.propose("a.py", "1", "'\u{202e}\u{1b}]0;t\u{7}'").to_string();
    for no in ["y\n", "\n", "no\n", "\u{4}"] {
        let (code, seen) = on_a_terminal(&place, &["apply", &id], no);
        assert_eq!(code, 5, "{no:?}: {seen}");
        assert_eq!(place.read("a.py"), "x = 1\n");
    }
    let (code, seen) = on_a_terminal(&place, &["apply", "-p", &id], "y\nyes\n");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("apply this hunk [y,n,a,d,e,q,?]?"), "{seen}");
    assert!(seen.contains("apply it all the same? Write yes:"), "{seen}");
    assert!(seen.contains("\u{1b}[36m@@ -1 +1 @@\u{1b}[0m"), "{seen:?}");
    assert!(
        !seen.contains("\u{202e}") && !seen.contains("\u{1b}]") && !seen.contains('\u{7}'),
        "{seen:?}"
    );
    assert_eq!(place.read("a.py"), "x = '\u{202e}\u{1b}]0;t\u{7}'\n");
}
