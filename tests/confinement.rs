//! The real binary gives up networking, and says so truthfully.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use support::Place;

#[test]
fn doctor_finds_every_forbidden_call_denied() {
    let place = Place::with(&[]);
    let report = place.skiff(&["doctor", "--json"]).json();
    let confinement = &report["confinement"];
    assert_eq!(confinement["kind"], "seccomp");
    assert_eq!(confinement["holds"], true);
    assert_eq!(confinement["seccomp_mode"], 2);
    assert_eq!(confinement["no_new_privs"], true);
    assert_eq!(confinement["threads"], confinement["threads_filtered"]);
    let calls = confinement["calls"].as_array().unwrap();
    // 46 families with three types and a pair each, the disguised family, and three io_uring calls.
    assert_eq!(calls.len(), 46 * 4 + 1 + 3);
    for call in calls {
        let argument = call["argument"].as_str().unwrap();
        assert_eq!(call["permitted"], argument.starts_with("AF_UNIX "), "{call}");
        if call["permitted"] == false {
            assert_eq!(call["outcome"], "denied", "{call}");
        }
    }
    let unix = calls
        .iter()
        .find(|call| call["argument"] == "AF_UNIX SOCK_STREAM")
        .unwrap();
    assert_eq!(unix["outcome"], "allowed");
}

#[test]
fn doctor_for_a_person_counts_the_denied_calls() {
    let outcome = Place::with(&[]).skiff(&["doctor"]);
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stdout.contains("184 of 184 forbidden calls denied"),
        "{}",
        outcome.stdout
    );
}

/// Runs the probe's own process under a filter that already forbids to install another one.
#[test]
fn a_kernel_that_takes_no_filter_ends_the_run_with_5() {
    use std::os::unix::process::CommandExt;

    let place = Place::with(&[]);
    let mut command = place.command(env!("CARGO_BIN_EXE_skiff"));
    command.arg("list");
    let program: seccompiler::BpfProgram = seccompiler::SeccompFilter::new(
        [(libc::SYS_seccomp, Vec::new())].into(),
        seccompiler::SeccompAction::Allow,
        seccompiler::SeccompAction::Errno(libc::EINVAL as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap()
    .try_into()
    .unwrap();
    // SAFETY: installing a filter allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || seccompiler::apply_filter(&program).map_err(std::io::Error::other));
    }
    let outcome = support::Outcome::of(&mut command);
    assert_eq!(outcome.code, 5, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("did not take the seccomp filter"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
}
