use std::env;

use super::stamp::Stamp;
use crate::ledger::Entry;
use crate::patch::Envelope;

/// The most characters of a subject.
const SUBJECT_CHARS: usize = 72;

/// Renders a proposal as mail for `git am`.
///
/// The author is whom `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL` name, else skiff itself. The trailer says which model
/// helped, others the marking and the head of the ledger; nothing is signed off, as that is a person's to say.
pub(crate) fn message(entry: &Entry, stamp: &Stamp) -> String {
    let request = entry.proposal.request.trim();
    let subject: String = request
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(SUBJECT_CHARS)
        .collect();
    let body = if subject == request {
        String::new()
    } else {
        request.to_owned()
    };
    let variable = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    entry.proposal.patch.mbox(&Envelope {
        subject,
        body,
        author: variable("GIT_AUTHOR_NAME", "skiff"),
        email: variable("GIT_AUTHOR_EMAIL", "skiff@localhost"),
        date_unix_s: i64::try_from(entry.created_unix_s).unwrap_or(i64::MAX),
        trailers: [format!("Assisted-by: skiff ({})", entry.proposal.model.name)]
            .into_iter()
            .chain(stamp.lines())
            .collect(),
    })
}
