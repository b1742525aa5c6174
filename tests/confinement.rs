//! The real binary gives up what its roles do not need, and says so truthfully.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use skiff::sandbox::{Confinement, Level, Role, SandboxError};
use support::{Outcome, Place, RETURNS_2};

const SKIFF: &str = env!("CARGO_BIN_EXE_skiff");

/// The version of the kernel's Landlock, as far as skiff uses it.
fn landlock_abi() -> Option<i64> {
    // SAFETY: with this flag landlock_create_ruleset(2) takes no structure and opens nothing.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0_usize, 0_usize, 1) };
    if abi < 2 {
        eprintln!("SKIPPED: this kernel has no Landlock");
    }
    (abi >= 2).then_some(abi)
}

/// Lets a command run on a kernel that answers one call with an error.
fn without_call(command: &mut Command, call: i64, error: i32) {
    let program: seccompiler::BpfProgram = seccompiler::SeccompFilter::new(
        [(call, Vec::new())].into(),
        seccompiler::SeccompAction::Allow,
        seccompiler::SeccompAction::Errno(error as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap()
    .try_into()
    .unwrap();
    // SAFETY: installing a filter allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || seccompiler::apply_filter(&program).map_err(std::io::Error::other));
    }
}

fn calls(report: &Value) -> &Vec<Value> {
    report["confinement"]["calls"].as_array().unwrap()
}

fn outcome_of<'a>(report: &'a Value, call: &str, argument: &str) -> &'a Value {
    let found = calls(report)
        .iter()
        .find(|c| c["call"] == call && c["argument"] == argument);
    found.unwrap_or_else(|| panic!("{call} {argument} was not tried"))
}

#[test]
fn doctor_finds_every_forbidden_call_denied() {
    let place = Place::with(&[("a.txt", "a\n")]);
    // Files outside that are there to be found.
    fs::write(place.home().join(".bashrc"), "secret\n").unwrap();
    // Makes the folders of skiff's own.
    place.skiff(&["index"]);
    let report = place.skiff(&["doctor", "--json"]).json();
    let confinement = &report["confinement"];
    assert_eq!(confinement["role"], "brain");
    assert_eq!(confinement["holds"], true, "{confinement:#}");
    assert_eq!(confinement["seccomp_mode"], 2);
    assert_eq!(confinement["no_new_privs"], true);
    assert_eq!(confinement["threads"], confinement["threads_filtered"]);
    let calls = calls(&report);
    for call in calls {
        if call["permitted"] == false {
            // A call of a foreign ABI ends the process.
            let refusal = if call["argument"].as_str().unwrap().contains("int 0x80") {
                "killed"
            } else {
                "denied"
            };
            assert_eq!(call["outcome"], refusal, "{call}");
        }
    }
    let roles = report["roles"].as_array().unwrap();
    let names: Vec<&Value> = roles.iter().map(|role| &role["role"]).collect();
    assert_eq!(names, ["hand", "checker"]);
    for role in roles {
        assert_eq!(
            (&role["holds"], &role["error"]),
            (&true.into(), &Value::Null),
            "{role:#}"
        );
        assert_eq!(
            (&role["refused"], &role["level"]),
            (&role["forbidden"], &confinement["level"])
        );
    }
    // 46 families with three types and a pair each, and the disguised family.
    let of_sockets = |call: &&Value| call["call"] == "socket" || call["call"] == "socketpair";
    let sockets: Vec<&Value> = calls.iter().filter(of_sockets).collect();
    assert_eq!(sockets.len(), 46 * 4 + 1);
    let has_drivers = cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm"));
    for socket in sockets {
        let is_unix = socket["argument"].as_str().unwrap().starts_with("AF_UNIX ");
        assert_eq!(socket["permitted"], is_unix && has_drivers, "{socket}");
    }
    for call in [
        "execve", "execveat", "ptrace", "bpf", "mount", "unshare", "setns", "kill", "ioctl", "connect",
    ] {
        assert!(calls.iter().any(|c| c["call"] == call), "{call} was not tried");
    }
    let Some(abi) = landlock_abi() else {
        assert_eq!(confinement["kind"], "seccomp");
        return;
    };
    assert_eq!(
        (&confinement["kind"], &confinement["landlock_abi"]),
        (&"landlock".into(), &abi.into())
    );
    let (home, repo) = (place.home().display().to_string(), place.repo().display().to_string());
    for (call, argument) in [
        ("open", format!("for reading {home}/.bashrc")),
        ("open", format!("for writing {home}/.bashrc")),
        ("open", "for reading /".to_owned()),
        ("open", format!("for reading /proc/{}/environ", std::process::id())),
        ("mkdir", format!("in {home}")),
        ("mkdir", format!("in {repo}")),
        ("open", format!("for writing {repo}/.git/HEAD")),
        ("open", "for writing /etc/passwd".to_owned()),
    ] {
        assert_eq!(
            outcome_of(&report, call, &argument)["outcome"],
            "denied",
            "{call} {argument}"
        );
    }
    assert_eq!(
        outcome_of(&report, "open", &format!("for reading {repo}"))["outcome"],
        "allowed"
    );
    assert_eq!(
        outcome_of(&report, "mkdir", &format!("in {home}/cache/skiff"))["outcome"],
        "allowed"
    );
}

#[test]
fn doctor_for_a_person_counts_the_denied_calls() {
    let outcome = Place::with(&[]).skiff(&["doctor"]);
    assert_eq!(outcome.code, 0);
    let tested = outcome.stdout.lines().filter(|line| line.starts_with("tested "));
    let tested: Vec<&str> = tested.collect();
    assert_eq!(tested.len(), 3, "{}", outcome.stdout);
    for (line, role) in tested.iter().zip(["(brain)", "(hand)", "(checker)"]) {
        let counts: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(
            counts.len() == 2 && counts[0] == counts[1] && counts[0] > 200 && line.ends_with(role),
            "{line}"
        );
    }
}

#[test]
fn a_kernel_that_takes_no_filter_ends_the_run_with_5() {
    let place = Place::with(&[]);
    let mut command = place.command(SKIFF);
    command.arg("list");
    without_call(&mut command, libc::SYS_seccomp, libc::EINVAL);
    let outcome = Outcome::of(&mut command);
    assert_eq!(outcome.code, 5, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("did not take the seccomp filter"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
}

#[test]
fn without_landlock_the_level_is_lower_and_said() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let run = |args: &[&str]| {
        let mut command = place.command(SKIFF);
        command.args(args);
        without_call(&mut command, libc::SYS_landlock_create_ruleset, libc::ENOSYS);
        Outcome::of(&mut command)
    };
    let report = run(&["doctor", "--json"]).json();
    assert_eq!(report["confinement"]["kind"], "seccomp");
    assert_eq!(report["confinement"]["landlock_abi"], Value::Null);
    assert_eq!(report["confinement"]["holds"], true);
    assert!(run(&["doctor"]).stdout.contains("files are NOT confined"));
    assert_eq!(run(&["find", "f"]).code, 0);
    // A check command would reach every file of the user.
    let outcome = run(&["edit", "change f", "--check", "true", "-m", "none"]);
    assert_eq!(outcome.code, 5, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("need Landlock"), "{}", outcome.stderr);
}

#[test]
fn a_process_with_threads_is_not_confined_half() {
    // The test harness runs tests in threads.
    let entered = Confinement::enter(Role::Brain, &[]);
    assert!(matches!(entered, Err(SandboxError::Threads(2..))), "{entered:?}");
    assert!(Level::None < Level::Seccomp && Level::Seccomp < Level::Landlock(1));
}

#[test]
fn inherited_descriptors_are_closed() {
    let place = Place::with(&[("a.txt", "a\n")]);
    let mut child = place
        .command("bash")
        .args(["-c", "exec 7</etc/passwd 63</etc/passwd; exec \"$0\" edit -", SKIFF])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It waits for its request, and has its thread for signals: it is confined.
    let deadline = Instant::now() + Duration::from_secs(10);
    let threads = format!("/proc/{}/task", child.id());
    while fs::read_dir(&threads).map_or(0, Iterator::count) < 2 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().flatten();
    let targets: Vec<PathBuf> = open.filter_map(|fd| fs::read_link(fd.path()).ok()).collect();
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(!targets.contains(&PathBuf::from("/etc/passwd")), "{targets:?}");
}

#[test]
fn a_work_tree_that_the_repository_puts_elsewhere_is_out_of_reach() {
    if landlock_abi().is_none() {
        return;
    }
    let place = Place::with(&[("a.py", "def inside():\n    return 1\n")]);
    let id = place.propose("a.py", "1", "2").to_string();
    let outside = place.root().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.py"), "def outside():\n    return 1\n").unwrap();
    place.git(&["config", "core.worktree", outside.to_str().unwrap()]);
    let found = place.skiff(&["find", "outside"]);
    assert!(!found.stdout.contains("a.py"), "{found:?}");
    let applied = place.skiff(&["apply", &id]);
    assert_ne!(applied.code, 0, "{applied:?}");
    assert_eq!(
        fs::read_to_string(outside.join("a.py")).unwrap(),
        "def outside():\n    return 1\n"
    );
}

#[test]
fn files_move_between_folders_of_the_work_tree() {
    let place = Place::with(&[("a.py", "x = 1\n")]);
    let model = place.scripted("{\"reply\": \"x = 1\\n\"}\n");
    // A new file below folders that are not there: it is staged above them and moved.
    let outcome = place.skiff(&["edit", "-m", &model, "Create new/deep/b.py with x = 1.", "--apply"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(place.read("new/deep/b.py"), "x = 1\n");
    let undone = place.skiff(&["undo"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(!place.repo().join("new").exists());
}

#[test]
fn a_signal_to_the_hand_ends_the_brain_too() {
    let place = Place::with(&[("a.txt", "a\n")]);
    let mut hand = place
        .command(SKIFF)
        .args(["edit", "--apply", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", hand.id());
    let deadline = Instant::now() + Duration::from_secs(10);
    // `SigCgt` of proc_pid_status(5): which signals the hand handles.
    let handles_term = || {
        let status = fs::read_to_string(format!("/proc/{}/status", hand.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask & 1 << (libc::SIGTERM - 1) != 0)
    };
    // The brain has its thread for signals when it waits for the request.
    let brain = loop {
        assert!(Instant::now() < deadline);
        let brain = fs::read_to_string(&children).unwrap_or_default().trim().to_owned();
        let is_waiting =
            !brain.is_empty() && fs::read_dir(format!("/proc/{brain}/task")).map_or(0, Iterator::count) > 1;
        if is_waiting && handles_term() {
            break brain;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let id = rustix::process::Pid::from_child(&hand);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(hand.wait().unwrap().code(), Some(130));
    let alive = || fs::read_to_string(format!("/proc/{brain}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while alive() {
        assert!(Instant::now() < deadline, "the brain lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Git's configuration of the user may be links to another folder, include more files, and name a file of exclusions.
#[test]
fn the_configuration_of_git_is_read_wherever_it_lies() {
    let place = Place::with(&[("a.py", "def kept():\n    return 1\n")]);
    fs::write(place.repo().join("left.py"), "def left_out():\n    return 1\n").unwrap();
    let own = place.root().join("dotfiles");
    fs::create_dir_all(&own).unwrap();
    fs::write(
        own.join("config"),
        format!("[include]\n\tpath = {}\n", own.join("more").display()),
    )
    .unwrap();
    fs::write(
        own.join("more"),
        format!("[core]\n\texcludesFile = {}\n", own.join("excludes").display()),
    )
    .unwrap();
    fs::write(own.join("excludes"), "left.py\n").unwrap();
    let folder = place.home().join("config/git");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(own.join("config"), folder.join("config")).unwrap();
    let found = place.skiff(&["find", "kept"]);
    assert!(found.code == 0 && found.stdout.contains("a.py"), "{found:?}");
    // A repository's own configuration names no files outside: it is refused, or does without.
    place.git(&["config", "include.path", own.join("more").to_str().unwrap()]);
    let found = place.skiff(&["find", "kept"]);
    assert!(found.code == 0 || found.stderr.contains("error: "), "{found:?}");
}

/// The brain keeps a proposal, and cannot write where it is applied from: the journal of the work tree.
#[test]
fn the_patch_goes_where_it_is_named_and_nowhere_else() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let model = place.scripted(RETURNS_2);
    let request = ["edit", "-m", &model, "return 2 from f", "--symbol", "f", "-o"];
    // Beside the work tree, in it, and over a longer file.
    fs::write(place.root().join("long.patch"), "x\n".repeat(1000)).unwrap();
    for name in ["../new.patch", "inside.patch", "../long.patch"] {
        let outcome = place.skiff(&[&request[..], &[name]].concat());
        assert_eq!(outcome.code, 0, "{name}: {}", outcome.stderr);
        let patch = fs::read_to_string(place.repo().join(name)).unwrap();
        let (trailers, diff) = patch.split_once("diff --git ").unwrap();
        assert!(
            trailers.starts_with("Skiff-Ledger: ") && trailers.lines().count() == 1 && diff.ends_with("return 2\n"),
            "{name}: {patch}"
        );
    }
    let state = fs::read_dir(place.home().join("state/skiff")).unwrap().flatten();
    let names: Vec<_> = state.map(|entry| entry.file_name()).collect();
    assert!(!names.iter().any(|name| name == "worktrees"), "{names:?}");
}

/// Runs skiff in a mount namespace in which `/etc` holds a policy and nothing else; none where there can be none.
fn under_policy(place: &Place, policy: &str, args: &[&str]) -> Option<Outcome> {
    let script = "mount -t tmpfs none /etc && mkdir /etc/skiff && printf '%s' \"$POLICY\" > /etc/skiff/policy.toml || exit 77; \
                  exec \"$0\" \"$@\"";
    let mut command = place.command("unshare");
    command
        .args(["-r", "-m", "sh", "-c", script, SKIFF])
        .args(args)
        .env("POLICY", policy);
    let outcome = Outcome::of(&mut command);
    if outcome.code == 77 || outcome.stderr.starts_with("unshare: ") {
        eprintln!("SKIPPED: no mount namespace for a policy: {}", outcome.stderr);
        return None;
    }
    Some(outcome)
}

#[test]
fn a_policy_demands_a_level_refuses_checks_and_models() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let refused = |policy: &str, args: &[&str], said: &str| {
        let Some(outcome) = under_policy(&place, policy, args) else {
            return;
        };
        assert_eq!(outcome.code, 5, "{policy}: {outcome:?}");
        assert!(outcome.stderr.contains(said), "{policy}: {}", outcome.stderr);
    };
    refused(
        "check = 'deny'",
        &["edit", "x", "--check", "true"],
        "does not allow check commands",
    );
    refused(
        "check = 'deny'",
        &["edit", "x", "--check", "@auto"],
        "does not allow check commands",
    );
    // Nor those of the user's file, unless they are left out.
    place.configure(&format!(
        "[[repository]]\npath = {:?}\nchecks = ['true']\n",
        place.repo()
    ));
    refused("check = 'deny'", &["edit", "x"], "does not allow check commands");
    if let Some(outcome) = under_policy(
        &place,
        "check = 'deny'",
        &["edit", "x", "--no-check", "-m", "scripted:none"],
    ) {
        assert_eq!(outcome.code, 1, "{outcome:?}");
    }
    place.configure("");
    let listed = format!("allowed_models = ['{}']", "ab".repeat(32));
    refused(&listed, &["edit", "x", "-m", "scripted:none"], "a script is none");
    // No model at all, and refused for its hash: nothing of it was parsed.
    let garbage = place.repo().join("garbage.gguf");
    fs::write(&garbage, "not a model").unwrap();
    for args in [
        &["edit", "x", "-m", "garbage.gguf"][..],
        &["model", "add", "garbage.gguf"],
    ] {
        refused(&listed, args, "is not among those that are allowed");
    }
    if let Some(outcome) = under_policy(&place, "confinement = 'landlock'", &["find", "f"]) {
        let expected = if landlock_abi().is_some() { 0 } else { 5 };
        assert_eq!(outcome.code, expected, "{outcome:?}");
    }
    if let Some(outcome) = under_policy(&place, "confinment = 'landlock'", &["list"]) {
        assert_eq!(outcome.code, 1, "{outcome:?}");
    }
}
