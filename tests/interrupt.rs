//! Ctrl-C ends the process soon, whatever it waits for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::Place;

#[test]
fn a_blocked_process_ends_with_130() {
    let place = Place::with(&[("a.py", "x = 1\n")]);
    for signal in [Signal::INT, Signal::TERM] {
        // Waits for its request, in a call that does not poll.
        let mut child = place
            .command(env!("CARGO_BIN_EXE_skiff"))
            .args(["edit", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        wait_for_watchdog(&child);
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let took = sent.elapsed();
        drop(stdin);
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "skiff: interrupted\n");
        // The promise is half a second; a loaded machine gets some more.
        assert!(took < Duration::from_millis(1500), "{took:?}");
    }
}

/// Returns when the thread that watches for signals runs: the handlers are in place then.
fn wait_for_watchdog(child: &Child) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let tasks = format!("/proc/{}/task", child.id());
    while Instant::now() < deadline {
        let named = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if fs::read_dir(&tasks)
            .into_iter()
            .flatten()
            .flatten()
            .any(|task| named(task).trim() == "interrupt")
        {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("the process never began to watch for signals");
}
