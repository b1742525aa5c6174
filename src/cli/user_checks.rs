use std::sync::{Mutex, PoisonError};

use crate::agent::{CheckFailure, Checks, Examples, JudgeBy};
use crate::ledger::Recorder;
use crate::patch::Patch;
use crate::progress::Progress;
use crate::sandbox::{CheckOutcome, Checker, EXAMPLES_COMMAND};

/// The check commands that the user named, run by the checker's process and recorded.
pub(crate) struct UserChecks<'a> {
    pub(crate) checker: &'a Mutex<Checker>,
    pub(crate) commands: &'a [String],
    pub(crate) recorder: &'a Recorder,
    pub(crate) progress: &'a dyn Progress,
}

impl Checks for UserChecks<'_> {
    fn run(&self, patch: &Patch, examples: Option<&Examples>) -> Result<Vec<CheckOutcome>, CheckFailure> {
        self.recorder.record_checks(patch, self.commands)?;
        let mut checker = self.checker.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writes = patch.writes();
        if self.judge_by().takes_examples() {
            writes.extend(Examples::files(examples));
        }
        let outcomes = checker.check(&writes)?;
        // Both have looked what `@auto` stands for.
        if outcomes
            .iter()
            .zip(self.commands)
            .any(|(outcome, line)| outcome.command != *line)
        {
            return Err("the work tree changed, and with it what is checked; ask again".into());
        }
        for outcome in &outcomes {
            let seconds = outcome.elapsed_ms as f64 / 1000.0;
            let said = format!("check `{}`: {}, {seconds:.1} s", outcome.command, outcome.end);
            self.progress.note(&said);
        }
        self.recorder.note_checks(&outcomes);
        Ok(outcomes)
    }

    fn judge_by(&self) -> JudgeBy {
        match self.commands.iter().filter(|line| *line == EXAMPLES_COMMAND).count() {
            0 => JudgeBy::Commands,
            examples if examples == self.commands.len() => JudgeBy::Examples,
            _ => JudgeBy::CommandsAndExamples,
        }
    }
}
