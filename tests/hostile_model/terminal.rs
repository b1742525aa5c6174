//! A terminal of its own for every run, and what may be seen on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

/// No run of the binary takes longer, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(120);

/// What a run came to.
pub(crate) struct Seen {
    pub(crate) code: i32,
    /// What the terminal was sent, by skiff and by nobody else: it does not echo what is typed.
    pub(crate) bytes: Vec<u8>,
}

/// What draws on the terminal besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// Colours.
    Colours,
    /// Colours, and progress bars that are drawn over.
    Bars,
}

/// Runs a command on a terminal, types `input` and the end of input after it.
pub(crate) fn run(mut command: Command, input: &str) -> Seen {
    let (mut master, slave) = open();
    let mut child = {
        command
            .env("TERM", "xterm-256color")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave);
        let child = command.spawn().unwrap();
        // The command keeps the other end open.
        drop(command);
        child
    };
    // Control-D ends the input at the beginning of a line, more than once where more is asked for.
    master.write_all(format!("{input}\u{4}\u{4}\u{4}").as_bytes()).unwrap();
    let deadline = Instant::now() + LIMIT;
    let mut bytes = Vec::new();
    let mut buffer = [0; 1 << 16];
    loop {
        let mut waited = libc::pollfd {
            fd: master.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: poll(2) is given one structure that lives as long as the call.
        let ready = unsafe { libc::poll(&mut waited, 1, 1000) };
        if ready == 0 && Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it does not end: {}", String::from_utf8_lossy(&bytes));
        }
        if ready > 0 {
            // Reading fails when the last process has closed the other end.
            match master.read(&mut buffer) {
                Ok(length) if length > 0 => bytes.extend_from_slice(&buffer[..length]),
                _ => break,
            }
        }
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Seen { code, bytes }
}

/// Opens a terminal of 100 columns that hands lines on and does not echo them.
fn open() -> (File, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let size = libc::winsize {
        ws_row: 40,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: openpty(3) fills in the two descriptors and reads the size; the other arguments may be null.
    let opened = unsafe { libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null(), &size) };
    assert_eq!(opened, 0, "no terminal: {}", std::io::Error::last_os_error());
    // SAFETY: both descriptors are open and belong to nobody else; termios is plain data that tcgetattr(3) fills in.
    unsafe {
        for fd in [master, slave] {
            assert_eq!(libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC), 0);
        }
        let mut modes: libc::termios = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(slave, &mut modes), 0);
        modes.c_lflag &= !(libc::ECHO | libc::ECHOE | libc::ECHOK | libc::ECHONL | libc::ECHOCTL);
        assert_eq!(libc::tcsetattr(slave, libc::TCSANOW, &modes), 0);
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

/// Returns everything that no terminal should have been sent: bytes that are no text, controls other than line endings,
/// tabs, and the colours and bars of skiff itself, and characters that are not shown or change the direction of others.
pub(crate) fn raw(bytes: &[u8], drawing: Drawing) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec!["bytes that are not UTF-8".to_owned()];
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match own(rest, drawing) {
            Some(length) => length,
            None => {
                if is_raw(c) {
                    let near: String = rest.chars().take(24).collect();
                    found.push(format!("U+{:04X} in {near:?}", u32::from(c)));
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    found
}

/// Returns the length of what skiff itself may send at the beginning of a text: the line endings of the terminal, the
/// colours of its styles and, where there are bars, what draws over them.
fn own(text: &str, drawing: Drawing) -> Option<usize> {
    const COLOURS: [&str; 8] = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[7m",
        "\u{1b}[31m",
        "\u{1b}[32m",
        "\u{1b}[33m",
        "\u{1b}[36m",
        "\r\n",
    ];
    const BARS: [&str; 2] = ["\r\u{1b}[2K", "\u{1b}[1A"];
    let bars = match drawing {
        Drawing::Colours => &[][..],
        Drawing::Bars => &BARS,
    };
    let known = COLOURS.iter().chain(bars).find(|known| text.starts_with(**known));
    known.map(|known| known.len())
}

/// Written by the lists of Unicode, not by those of skiff: controls, `Bidi_Control`, `Default_Ignorable_Code_Point` but
/// for the variation selector of emoji, separators of lines, and annotations.
fn is_raw(c: char) -> bool {
    let code = u32::from(c);
    match code {
        0x0a | 0x09 => false,
        0x00..=0x1f | 0x7f..=0x9f => true,
        0x61c | 0x200e..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => true,
        0xad | 0x34f | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200d => true,
        0x2028..=0x2029 | 0x2060..=0x2065 | 0x206a..=0x206f | 0x3164 | 0xfe00..=0xfe0e | 0xfeff => true,
        0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff => true,
        _ => false,
    }
}

#[test]
fn what_is_raw_is_found() {
    let sound = "a\tb\r\n\u{1b}[1m\u{1b}[31mred\u{1b}[0m \\u{202e} ü 漢 🦀";
    assert_eq!(raw(sound.as_bytes(), Drawing::Colours), [""; 0]);
    for hostile in [
        "\u{1b}[35m",
        "\u{1b}[2J",
        "\u{1b}]0;t",
        "\r",
        "\u{8}",
        "\u{9b}",
        "\u{202e}",
        "\u{e0041}",
        "\u{1b}[2K",
    ] {
        let text = format!("a{hostile}b");
        assert_eq!(raw(text.as_bytes(), Drawing::Bars).len(), 1, "{hostile:?}");
    }
    let bar = b"\r\x1b[2Kwriting\r\x1b[2K";
    assert_eq!(raw(bar, Drawing::Bars), [""; 0]);
    assert_eq!(raw(bar, Drawing::Colours).len(), 4);
    assert_eq!(raw(b"\xff", Drawing::Bars).len(), 1);
}
