//! Check commands run in a scratch work tree, and can do nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use skiff::repo::{FileContent, FileMode, FileWrite, Repository};
use skiff::sandbox::{CheckCommand, CheckEnd, CheckLimits, CheckOutcome, Scratch};
use skiff::text::RepoPath;
use support::{Place, running};

/// The system's own: one that a version manager puts in `PATH` needs folders that a check command does not see.
const PYTHON: &str = "/usr/bin/python3";

fn has_python() -> bool {
    let has = PathBuf::from(PYTHON).exists();
    if !has {
        eprintln!("SKIPPED: {PYTHON} is missing");
    }
    has
}

/// Tells whether the kernel can keep a check command in; says so where it cannot.
fn has_landlock() -> bool {
    // SAFETY: with this flag landlock_create_ruleset(2) takes no structure and opens nothing.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0_usize, 0_usize, 1) };
    if abi < 2 {
        eprintln!("SKIPPED: this kernel has no Landlock");
    }
    abi >= 2
}

struct Checked {
    place: Place,
    scratch: Scratch,
}

impl Checked {
    fn new() -> Self {
        let place = Place::with(&[
            ("a.txt", "old\n"),
            ("lib/b.txt", "b\n"),
            ("gone.txt", "x\n"),
            (".gitignore", "out\n"),
        ]);
        fs::write(place.repo().join("new.txt"), "untracked\n").unwrap();
        fs::write(place.repo().join("out"), "ignored\n").unwrap();
        fs::write(place.root().join("secret"), "secret\n").unwrap();
        let snapshot = Repository::discover(&place.repo()).unwrap().snapshot().unwrap();
        let scratch = Scratch::copy(&snapshot, &place.home().join("cache/checks")).unwrap();
        Self { place, scratch }
    }

    fn run(&self, line: &str) -> CheckOutcome {
        self.run_within(line, CheckLimits::default())
    }

    fn run_within(&self, line: &str, limits: CheckLimits) -> CheckOutcome {
        let command = CheckCommand {
            line: line.to_owned(),
            limits,
            passed_on: Vec::new(),
        };
        command.run(&self.scratch, &|| false).unwrap()
    }

    fn passes(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert!(outcome.passed(), "{line}: {outcome:?}");
        outcome.output
    }

    fn fails(&self, line: &str) {
        let outcome = self.run(line);
        assert!(!outcome.passed(), "{line}: {outcome:?}");
    }
}

#[test]
fn the_scratch_tree_has_the_files_the_change_and_no_git() {
    if !has_landlock() {
        return;
    }
    let checked = Checked::new();
    let write = |path: &str, after: Option<(&str, FileMode)>| FileWrite {
        path: RepoPath::new(path).unwrap(),
        before: None,
        after: after.map(|(text, mode)| FileContent {
            bytes: text.as_bytes().to_vec(),
            mode,
        }),
    };
    let writes = [
        write("a.txt", Some(("new\n", FileMode::Regular))),
        write("bin/tool", Some(("#!/bin/sh\necho ran\n", FileMode::Executable))),
        write("gone.txt", None),
    ];
    checked.scratch.change(&writes).unwrap();
    assert_eq!(
        checked.passes("cat a.txt lib/b.txt new.txt && bin/tool"),
        "new\nb\nuntracked\nran\n"
    );
    for missing in ["gone.txt", "out", ".git"] {
        checked.fails(&format!("test -e {missing}"));
    }
    // It may change everything of its own; the work tree stays.
    checked
        .passes("echo x >> a.txt && rm -r lib && mkdir d && ln -s a.txt l && mv new.txt d/ && echo t > \"$TMPDIR/t\"");
    // Tools that keep modes, owners and times do so.
    checked.passes(
        "cp -p a.txt c && sed -i s/x/y/ c && grep -q y c && install -m 755 c e && test -x e && cp -a d f && touch e",
    );
    checked.passes("mkdir t && tar -cf - a.txt | tar -xf - -C t && test -s t/a.txt");
    checked.fails("chown 12345 a.txt");
    checked.fails("chgrp 12345 a.txt");
    assert_eq!(checked.place.read("a.txt"), "old\n");
    assert!(checked.place.repo().join("lib/b.txt").exists());
    let folder = checked.scratch.tree();
    drop(checked.scratch);
    assert!(!folder.exists());
}

#[test]
fn nothing_outside_can_be_changed_or_read() {
    if !has_landlock() {
        return;
    }
    let checked = Checked::new();
    let root = checked.place.root();
    let secret = root.join("secret").display().to_string();
    let repo = checked.place.repo().display().to_string();
    checked.fails(&format!("cat {secret}"));
    checked.fails(&format!("cat {repo}/a.txt"));
    for line in [
        format!("echo x > {secret}"),
        format!("echo x >> {repo}/a.txt"),
        format!("rm {repo}/a.txt"),
        format!("mv {repo}/a.txt b"),
        format!("ln {repo}/a.txt b"),
        format!("mkdir {root}/d", root = root.display()),
        format!("touch {repo}/.git/x"),
        format!("ln -s {secret} l && echo x > l"),
        "echo x > /tmp/skiff-check-escape".to_owned(),
        format!("truncate -s 0 {secret}"),
    ] {
        checked.fails(&line);
    }
    assert_eq!(fs::read_to_string(root.join("secret")).unwrap(), "secret\n");
    assert_eq!(checked.place.read("a.txt"), "old\n");
    assert!(!root.join("d").exists() && !PathBuf::from("/tmp/skiff-check-escape").exists());
}

#[test]
fn there_is_no_network_and_no_way_to_other_processes() {
    if !has_landlock() {
        return;
    }
    let checked = Checked::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    checked.fails(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}"));
    checked.fails(&format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"));
    let victim = std::process::id();
    checked.fails(&format!("kill -0 {victim}"));
    checked.fails("unshare -r true");
    if has_python() {
        let python = |code: &str| format!("{PYTHON} -c '{code}'");
        for code in [
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
            "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
            "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
            "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        ] {
            checked.fails(&python(code));
        }
        checked.passes(&python(
            "import socket; a, b = socket.socketpair(); a.send(b\"x\"); assert b.recv(1) == b\"x\"",
        ));
    }
}

/// A call by `int 0x80` has other numbers, which the filter does not know: it ends the process.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_call_under_the_32_bit_abi_kills() {
    if !has_landlock() || !has_python() {
        return;
    }
    let checked = Checked::new();
    // getpid(2) as 32-bit code calls it.
    let code = "import mmap, ctypes\n\
                code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n\
                code.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))\n\
                call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))\n\
                print(call())\n";
    fs::write(checked.scratch.tree().join("call.py"), code).unwrap();
    let outcome = checked.run(&format!("exec {PYTHON} call.py"));
    assert_eq!(outcome.end, CheckEnd::Signal(libc::SIGSYS), "{outcome:?}");
}

#[test]
fn the_environment_is_a_list() {
    if !has_landlock() {
        return;
    }
    let checked = Checked::new();
    let output = checked.passes("env | cut -d= -f1 | sort");
    let mut names: Vec<&str> = output
        .lines()
        .filter(|name| !matches!(*name, "_" | "PWD" | "SHLVL" | "OLDPWD"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "TERM", "TMPDIR"]);
    let output = checked.passes("echo \"$HOME $LANG $TERM\"; pwd");
    let home = checked.scratch.home().display().to_string();
    assert_eq!(
        output,
        format!("{home} C.UTF-8 dumb\n{}\n", checked.scratch.tree().display())
    );
    // What is passed on is there, and a folder that it names can be read.
    let folder = checked.place.root().join("toolchain");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "read\n").unwrap();
    let command = CheckCommand {
        line: "cat \"$TOOLS/file\"; echo x > \"$TOOLS/file\"".to_owned(),
        limits: CheckLimits::default(),
        passed_on: vec![("TOOLS".into(), folder.clone().into())],
    };
    let outcome = command.run(&checked.scratch, &|| false).unwrap();
    assert!(outcome.output.starts_with("read\n") && !outcome.passed(), "{outcome:?}");
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "read\n");
}

#[test]
fn how_a_command_ends_is_told() {
    if !has_landlock() {
        return;
    }
    let checked = Checked::new();
    assert_eq!(checked.run("exit 7").end, CheckEnd::Exited(7));
    assert_eq!(checked.run("kill -9 $$").end, CheckEnd::Signal(9));
    let outcome = checked.run("echo out; echo err >&2; printf '\\377'; false");
    assert_eq!(
        (outcome.end, outcome.output.as_str()),
        (CheckEnd::Exited(1), "out\nerr\n\u{fffd}")
    );
    // Of much output the end is kept.
    let outcome = checked.run("yes 0123456789 | head -n 20000; echo last");
    assert!(outcome.passed() && outcome.output.ends_with("last\n"));
    assert_eq!(outcome.output.len(), 64 << 10);
}

#[test]
fn a_limit_ends_the_command_and_all_that_it_started() {
    if !has_landlock() {
        return;
    }
    let checked = Checked::new();
    let limits = CheckLimits {
        time: Duration::from_millis(700),
        memory_bytes: 200 << 20,
        processes: 20,
        output_bytes: 1 << 20,
        file_bytes: 1 << 20,
    };
    // A mark that can be looked for, carried by processes in the background, in another session, with no parent left.
    let mark = "31415926";
    let started = Instant::now();
    let line =
        format!("sleep {mark} & setsid sh -c '(sleep {mark} &) ; sleep {mark}' & trap '' TERM HUP; sleep {mark}");
    assert_eq!(checked.run_within(&line, limits).end, CheckEnd::TimeLimit);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(running(mark), 0);
    // What stays behind when the command itself has ended goes too.
    let outcome = checked.run_within(&format!("setsid sleep {mark} & (sleep {mark} &) ; exit 0"), limits);
    assert_eq!((outcome.end, running(mark)), (CheckEnd::Exited(0), 0));

    let long = CheckLimits {
        time: Duration::from_secs(60),
        ..limits
    };
    let many = format!("i=0; while [ $i -lt 60 ]; do sleep {mark} & i=$((i+1)); done; wait");
    assert_eq!(checked.run_within(&many, long).end, CheckEnd::ProcessLimit);
    assert_eq!(running(mark), 0);
    assert_eq!(checked.run_within("yes", long).end, CheckEnd::OutputLimit);
    // A file that is too long: the signal ends the writer, be it the shell's process or one that the shell waits for.
    for line in [
        "exec head -c 3000000 /dev/zero > big",
        "head -c 3000000 /dev/zero > big || exit",
    ] {
        let outcome = checked.run_within(line, long);
        assert_eq!(outcome.end, CheckEnd::FileLimit, "{outcome:?}");
        assert!(fs::metadata(checked.scratch.tree().join("big")).unwrap().len() <= 1 << 20);
    }
    if has_python() {
        let outcome = checked.run_within(&format!("{PYTHON} -c 'x = bytearray(400 << 20); print(len(x))'"), long);
        assert!(!outcome.passed(), "{outcome:?}");
        // Each process below the limit, and together above it.
        let each = format!("{PYTHON} -c 'import time; x = bytearray(b\"x\") * (80 << 20); time.sleep(30)'");
        let outcome = checked.run_within(&format!("{each} & {each} & {each} & wait"), long);
        assert_eq!(outcome.end, CheckEnd::MemoryLimit, "{outcome:?}");
    }
    let command = CheckCommand {
        line: format!("sleep {mark}"),
        limits: long,
        passed_on: Vec::new(),
    };
    assert_eq!(command.run(&checked.scratch, &|| true).unwrap().end, CheckEnd::Stopped);
    assert_eq!(running(mark), 0);
}

/// The whole of it: `edit --check`, with a scripted model.
#[test]
fn an_edit_is_checked_before_it_is_kept() {
    if !has_landlock() {
        return;
    }
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let passed = place
        .edit_f(&[
            "--check",
            "grep -q 'return 2' a.py",
            "--check",
            "test ! -e .git",
            "--json",
        ])
        .json();
    assert_eq!(passed["passed"], true);
    assert_eq!(passed["checks"].as_array().unwrap().len(), 2);
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
    let failed = place.edit_f(&["--check", "echo said; exit 3", "--check", "true", "--apply"]);
    assert_eq!(failed.code, 4, "{}", failed.stderr);
    assert!(
        failed
            .stderr
            .contains("the check `echo said; exit 3` failed (exit code 3)"),
        "{}",
        failed.stderr
    );
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
    let shown = place.skiff(&["show", "2", "--json"]).json();
    assert_eq!(shown["checks"][0]["output"], "said\n");
    assert_eq!(shown["checks"][0]["code"], 3);
    assert_eq!(shown["passed"], false);
    // The brain makes the proposal, and the hand applies it.
    let applied = place.edit_f(&["--check", "grep -q 'return 2' a.py", "--apply"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert!(applied.stderr.contains("applied proposal 3"), "{}", applied.stderr);
    assert_eq!(place.read("a.py"), "def f():\n    return 2\n");
    assert_eq!(
        fs::read_dir(place.home().join("cache/skiff/checks")).unwrap().count(),
        0
    );
}
