use super::context::Context;
use super::message;
use super::price::Prices;
use crate::ledger::{Head, Marking};
use crate::patch::Patch;
use crate::review::escape_line;

/// What a patch or a report carries besides its content: the user's marking, the head of the ledger, and in a report what
/// tokens would cost at the user's prices.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    pub(crate) marking: Option<Marking>,
    pub(crate) head: Option<Head>,
    pub(crate) prices: Prices,
}

impl Stamp {
    /// Takes the marking of the settings and the head that the ledger has now.
    pub(crate) fn of(context: &Context) -> Self {
        let head = context.ledger().head().unwrap_or_else(|error| {
            // Looking at a proposal is possible all the same.
            message::warning(&format!("the patch does not name the head of the ledger: {error}"));
            None
        });
        Self {
            marking: context.settings.marking.clone(),
            head,
            prices: context.settings.prices.clone(),
        }
    }

    /// Returns the trailers, one line each.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let head = self.head.map(|head| format!("Skiff-Ledger: {head}"));
        marking_line(self.marking.as_ref()).into_iter().chain(head)
    }

    /// Returns a unified diff below the trailers; `git apply` and `patch` pass over lines before the first file.
    pub(crate) fn diff(&self, patch: &Patch) -> String {
        let lines: String = self.lines().map(|line| line + "\n").collect();
        lines + &patch.unified()
    }

    /// Returns a unified diff below the marking alone.
    pub(crate) fn marked(&self, patch: &Patch) -> String {
        let line = marking_line(self.marking.as_ref()).map(|line| line + "\n");
        line.unwrap_or_default() + &patch.unified()
    }

    /// Returns the marking as the first line of a report for a person; nothing where there is none.
    pub(crate) fn line(&self) -> String {
        line(self.marking.as_ref())
    }
}

/// Returns a marking as the first line of a report for a person; nothing where there is none.
pub(crate) fn line(marking: Option<&Marking>) -> String {
    marking_line(marking).map_or(String::new(), |line| escape_line(&line) + "\n")
}

pub(super) fn marking_line(marking: Option<&Marking>) -> Option<String> {
    marking.map(|marking| format!("Marking: {marking}"))
}
