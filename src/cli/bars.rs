use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{interrupt, message};
use crate::progress::{Phase, Progress};
use crate::review::escape;

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    /// Notes, and bars on a terminal.
    Normal,
    /// Also what each phase took.
    Verbose,
}

/// Progress on stderr: bars on a terminal, lines elsewhere.
#[derive(Debug)]
pub(crate) struct Bars {
    verbosity: Verbosity,
    terminal: bool,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    phase: Phase,
    bar: ProgressBar,
    done: u64,
    started: Instant,
}

impl Bars {
    /// Returns progress that draws nothing yet.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let terminal = io::stderr().is_terminal() && verbosity > Verbosity::Quiet;
        Self {
            verbosity,
            terminal,
            running: Mutex::new(None),
        }
    }

    /// Says one line where more was asked for.
    pub(crate) fn detail(&self, line: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.note(line);
        }
    }

    /// Tells whether nothing but errors is said.
    pub(crate) fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, phase: Phase, total: u64) {
        let bar = if self.terminal {
            ProgressBar::new(total).with_style(style(phase, total))
        } else {
            ProgressBar::hidden()
        };
        bar.set_prefix(title(phase));
        if self.terminal {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        *self.running() = Some(Running {
            phase,
            bar,
            done: 0,
            started: Instant::now(),
        });
    }

    fn advance(&self, phase: Phase, done: u64) {
        if let Some(running) = self.running().as_mut().filter(|running| running.phase == phase) {
            running.done = done;
            running.bar.set_position(done);
        }
    }

    fn end(&self, phase: Phase) {
        let Some(running) = self.running().take_if(|running| running.phase == phase) else {
            return;
        };
        running.bar.finish_and_clear();
        if self.verbosity >= Verbosity::Verbose {
            message::note(&summary(phase, running.done, running.started.elapsed()));
        }
    }

    fn note(&self, line: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        match self.running().as_ref().filter(|_| self.terminal) {
            Some(running) => running.bar.println(format!("skiff: {}", escape(line.trim_end()))),
            None => message::note(line),
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::requested()
    }
}

fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Hash => "hashing",
        Phase::Load => "loading the model",
        Phase::Index => "indexing",
        Phase::Prefill => "reading the prompt",
        Phase::Decode => "writing",
        Phase::Embed => "embedding",
        Phase::Batch => "batch",
    }
}

fn style(phase: Phase, total: u64) -> ProgressStyle {
    let counted = match phase {
        Phase::Hash => "{bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
        Phase::Load => "{percent}% {elapsed}",
        Phase::Index => "{pos}/{len} files {per_sec}",
        Phase::Prefill => "{pos}/{len} tok {per_sec}",
        // The total is only the most that may come: a bar would mislead.
        Phase::Decode => "{pos} tok {per_sec}",
        Phase::Embed => "{pos}/{len} texts {per_sec}",
        Phase::Batch => "{pos}/{len} sites {per_sec} eta {eta}",
    };
    let bar = match phase {
        Phase::Decode => "",
        _ if total == 0 => "",
        _ => "[{bar:30}] ",
    };
    ProgressStyle::with_template(&format!("{{spinner}} {{prefix}} {bar}{counted}"))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn summary(phase: Phase, done: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let rate = done as f64 / seconds.max(1e-9);
    let (title, time) = (title(phase), format!("{seconds:.2} s"));
    match phase {
        Phase::Hash => format!(
            "{title}: {:.1} MB in {time} ({:.0} MB/s)",
            done as f64 / 1e6,
            rate / 1e6
        ),
        Phase::Load => format!("{title}: {time}"),
        Phase::Index => format!("{title}: {done} files in {time} ({rate:.0} files/s)"),
        Phase::Embed => format!("{title}: {done} texts in {time} ({rate:.1} texts/s)"),
        Phase::Batch => format!("{title}: {done} sites in {time} ({rate:.1} sites/s)"),
        Phase::Prefill | Phase::Decode => format!("{title}: {done} tokens in {time} ({rate:.1} tok/s)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_style_that_parses_and_a_rate() {
        for phase in [
            Phase::Hash,
            Phase::Load,
            Phase::Index,
            Phase::Prefill,
            Phase::Decode,
            Phase::Embed,
            Phase::Batch,
        ] {
            let _ = style(phase, 10);
        }
        let second = Duration::from_secs(2);
        assert_eq!(
            summary(Phase::Decode, 30, second),
            "writing: 30 tokens in 2.00 s (15.0 tok/s)"
        );
        assert_eq!(
            summary(Phase::Hash, 5_000_000, second),
            "hashing: 5.0 MB in 2.00 s (2 MB/s)"
        );
    }

    #[test]
    fn phases_that_do_not_run_are_ignored() {
        let bars = Bars::new(Verbosity::Quiet);
        bars.advance(Phase::Hash, 1);
        bars.end(Phase::Hash);
        bars.begin(Phase::Hash, 2);
        bars.end(Phase::Load);
        bars.advance(Phase::Hash, 2);
        assert_eq!(bars.running().as_ref().map(|running| running.done), Some(2));
    }
}
