use std::env;

use super::stamp::{Stamp, marking_line};
use crate::batch::{Author, Outcome, RunStamp, SeriesPatch, SiteRecord};
use crate::ledger::{Entry, Marking};
use crate::patch::Envelope;
use crate::repo::CommitText;
use crate::text::head;

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
    let (author, email) = author();
    entry.proposal.patch.mbox(&Envelope {
        subject,
        body,
        author,
        email,
        date_unix_s: i64::try_from(entry.created_unix_s).unwrap_or(i64::MAX),
        trailers: [format!("Assisted-by: skiff ({})", entry.proposal.model.name)]
            .into_iter()
            .chain(stamp.lines())
            .collect(),
    })
}

/// Renders one patch of a series as mail for `git am`: the same whenever the same was done, so that it names no record of a
/// run.
pub(crate) fn of_series(
    patch: &SeriesPatch<'_>,
    stamp: &RunStamp,
    marking: Option<&Marking>,
    date_unix_s: u64,
) -> String {
    patch.patch.mbox(&envelope(patch, stamp, marking, date_unix_s))
}

/// Returns what `git am` would make of the mail of a patch: its author and its message.
pub(crate) fn commit_text(
    patch: &SeriesPatch<'_>,
    stamp: &RunStamp,
    marking: Option<&Marking>,
    date_unix_s: u64,
) -> CommitText {
    let envelope = envelope(patch, stamp, marking, date_unix_s);
    let parts = [envelope.subject, envelope.body, envelope.trailers.join("\n")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    CommitText {
        message: parts.join("\n\n") + "\n",
        author: envelope.author,
        email: envelope.email,
        date_unix_s: envelope.date_unix_s,
    }
}

fn envelope(patch: &SeriesPatch<'_>, stamp: &RunStamp, marking: Option<&Marking>, date_unix_s: u64) -> Envelope {
    const MOST_DIGITS: usize = 12;
    let place = |site: &SiteRecord| format!("{}:{}", site.path, site.line + 1);
    let (first, body) = match &patch.sites[..] {
        [only] => (format!(" ({})", place(only)), String::new()),
        sites => {
            let lines: Vec<String> = sites.iter().map(|site| place(site)).collect();
            let path = &sites[0].path;
            let is_one_file = sites.iter().all(|site| site.path == *path);
            let first = if is_one_file {
                format!(" ({path})")
            } else {
                String::new()
            };
            (first, lines.join("\n"))
        }
    };
    // What is cut is what the plan says, not the place.
    let most = SUBJECT_CHARS
        .saturating_sub(first.chars().count())
        .max(SUBJECT_CHARS / 2);
    let asked = |site: &&SiteRecord| matches!(site.outcome, Outcome::Done { by: Author::Model, .. });
    let model = patch
        .sites
        .iter()
        .any(asked)
        .then_some(stamp.model.as_deref())
        .flatten();
    let digits = |digest: &str| head(digest, MOST_DIGITS).to_owned();
    let assisted = model.map(|model| format!("Assisted-by: skiff (model {})", digits(model)));
    let (author, email) = author();
    Envelope {
        subject: format!("{}{first}", head(&stamp.title, most)),
        body,
        author,
        email,
        date_unix_s: i64::try_from(date_unix_s).unwrap_or(i64::MAX),
        trailers: assisted
            .into_iter()
            .chain([format!("Skiff-Plan: {}", digits(&stamp.plan))])
            .chain(marking_line(marking))
            .collect(),
    }
}

/// Returns whom the environment names as the author, else skiff itself.
fn author() -> (String, String) {
    let variable = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    (
        variable("GIT_AUTHOR_NAME", "skiff"),
        variable("GIT_AUTHOR_EMAIL", "skiff@localhost"),
    )
}
