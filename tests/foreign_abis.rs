//! The two ways around a filter of system calls on x86-64: calls under the x32 ABI, which bear the same architecture number,
//! and `int 0x80`, which takes the numbers of 32-bit programs. Each is really tried in a process with each role.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it is said what is skipped and what came of a call"
)]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::arch::asm;
use std::io::{self, Write as _};
use std::process::Command;

use skiff::sandbox::{Confinement, Role};

/// Names the role and what is tried, for the process that tries it.
const ATTEMPT: &str = "SKIFF_TEST_ATTEMPT";

const X32_SYSCALL_BIT: i64 = 0x4000_0000;

/// The number of getpid(2) in 32-bit programs; on x86-64 it is writev(2), which no role is refused.
const GETPID_32: i64 = 20;

/// What a filter of the test answers to x32 calls: no kernel answers a call with it that it does not know.
const WITNESS: i32 = libc::EXDEV;

/// Runs [`attempt`] and returns what it said.
fn tried(role: &str, what: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "attempt", "--test-threads=1", "--nocapture"]);
    let output = command.env(ATTEMPT, format!("{role} {what}")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[test]
fn x32_calls_are_refused_by_the_filter() {
    // Without a role the filter of the test answers, so that what a role answers is its own doing.
    let outside = tried("none", "x32");
    assert!(
        outside.contains(&format!("x32: {WITNESS}, {WITNESS}; status 0")),
        "{outside}"
    );
    for role in ["brain", "hand", "checker"] {
        let said = tried(role, "x32");
        let refused = format!("entered; x32: {0}, {0}; status 0", libc::ENOSYS);
        assert!(said.contains(&refused), "{role}: {said}");
    }
}

#[test]
fn int_0x80_ends_the_process() {
    let outside = tried("none", "int80");
    if !outside.contains("int 0x80: answered; status 0") {
        eprintln!("SKIPPED: this kernel takes no calls of 32-bit programs: {outside}");
        return;
    }
    for role in ["brain", "hand", "checker"] {
        let said = tried(role, "int80");
        // SIGSYS, from the filter.
        assert!(said.contains("entered; status signal 31"), "{role}: {said}");
    }
    assert_eq!(libc::SIGSYS, 31);
}

/// Tries one thing in a child of this process, which has one thread, as a role can be entered with one only.
#[test]
#[ignore = "started by the others"]
fn attempt() {
    let Ok(attempt) = std::env::var(ATTEMPT) else { return };
    // SAFETY: the only other thread waits for this one and holds no lock; the child never returns from here.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let ended = std::panic::catch_unwind(|| carry_out(&attempt));
        io::stdout().flush().unwrap();
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(i32::from(ended.is_err())) }
    }
    let mut status = 0;
    // SAFETY: waitpid(2) writes the status that it is given room for.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    match libc::WIFSIGNALED(status) {
        true => println!("status signal {}", libc::WTERMSIG(status)),
        false => println!("status {}", libc::WEXITSTATUS(status)),
    }
}

fn carry_out(attempt: &str) {
    let (role, what) = attempt.split_once(' ').unwrap();
    answer_x32();
    let role = match role {
        "brain" => Some(Role::Brain),
        "hand" => Some(Role::Hand),
        "checker" => Some(Role::Checker),
        _ => None,
    };
    if let Some(role) = role {
        Confinement::enter(role, &[]).unwrap();
        print!("entered; ");
        io::stdout().flush().unwrap();
    }
    match what {
        "x32" => {
            // One that natively is refused, and one that is not.
            let socket = x32(
                libc::SYS_socket,
                [i64::from(libc::AF_INET), i64::from(libc::SOCK_STREAM)],
            );
            print!("x32: {socket}, {}; ", x32(libc::SYS_getpid, [0, 0]));
        }
        _ => {
            assert_eq!(int_0x80(GETPID_32), i64::from(std::process::id()));
            print!("int 0x80: answered; ");
        }
    }
}

/// Installs a filter that answers x32 calls with [`WITNESS`]. Where several filters give an error, that of the one which was
/// installed last counts.
fn answer_x32() {
    let instruction = |code: u32, jt, jf, k| seccompiler::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let answer = libc::SECCOMP_RET_ERRNO | WITNESS as u32;
    let program = vec![
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(
            libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
            0,
            1,
            X32_SYSCALL_BIT as u32,
        ),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, answer),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    seccompiler::apply_filter(&program).unwrap();
}

/// Makes a call under the x32 ABI and returns its error number, 0 where it has none.
fn x32(number: i64, [a, b]: [i64; 2]) -> i32 {
    // SAFETY: both calls take integers and touch no memory; a socket would go with the process.
    let result = unsafe { libc::syscall(X32_SYSCALL_BIT | number, a, b, 0_i64) };
    match result {
        -1 => io::Error::last_os_error().raw_os_error().unwrap(),
        _ => 0,
    }
}

/// Makes a call without arguments as 32-bit programs do.
fn int_0x80(number: i64) -> i64 {
    let result: i64;
    // SAFETY: the call takes nothing; the kernel may clear the registers that 32-bit programs do not have.
    unsafe {
        asm!("int 0x80", inlateout("rax") number => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    result
}
