use crate::lang::Language;
use crate::patch::gate::{Changed, GateFailure, Promise, check};
use crate::prompt::Fitted;
use crate::repo::SourceText;
use crate::text::{RepoPath, TextRange};

use super::answer::Answer;
use super::placement::{self, Placed};
use super::target::{Place, Region};

/// One piece of code to be written: what is asked, and how an answer is put in its place.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The conversation that asks for it.
    pub(super) fitted: Fitted,
    /// For example: the function `f`.
    pub(super) what: String,
    pub(super) fence: String,
    /// The info string of the fence.
    pub(super) language: &'static str,
    pub(super) answer_tokens: usize,
    /// What the answer repeats with changes.
    pub(super) copy: String,
    pub(super) slot: Slot,
}

/// Where an answer goes.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// In the place of a region.
    Region {
        place: Place,
        source: SourceText,
        region: Region,
        /// The qualified name of what stands there.
        own_name: Option<String>,
        loses: Loses,
    },
    /// After a region.
    After {
        place: Place,
        source: SourceText,
        anchor: Region,
        blank_lines: usize,
    },
    /// Into a new file.
    File(RepoPath),
}

/// Whether a request may take names away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loses {
    Nothing,
    ItsOwnName,
}

/// An answer in its place.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Code(Placed, Answer),
    File(String),
}

/// An answer and what the gates say of it.
pub(super) struct Judged {
    pub(super) failures: Vec<GateFailure>,
    pub(super) written: Written,
}

impl Task {
    /// Puts an answer in its place and asks the gates.
    pub(super) fn judge(&self, text: &str) -> Judged {
        match &self.slot {
            Slot::Region {
                place,
                source,
                region,
                own_name,
                loses,
            } => {
                let answer = match place {
                    Place::Symbol(_) => Answer::new(text, region.language),
                    Place::File(_) => Answer::new(text, None),
                };
                let promise = match (own_name, loses) {
                    (Some(name), Loses::ItsOwnName) => Promise::MayLose(name),
                    _ => Promise::KeepsNames,
                };
                let placed = placement::replace(&source.text, region, own_name.as_deref(), &answer);
                judged(source, region.language, placed, answer, promise)
            }
            Slot::After {
                source,
                anchor,
                blank_lines,
                ..
            } => {
                let answer = Answer::new(text, anchor.language);
                let placed = placement::insert_after(&source.text, anchor, *blank_lines, &answer);
                judged(source, anchor.language, placed, answer, Promise::AddsNames)
            }
            Slot::File(path) => {
                let mut after = Answer::new(text, None).code;
                after.push('\n');
                let changed = Changed {
                    language: Language::of_path(path),
                    before: "",
                    after: &after,
                    range_before: TextRange::empty(0),
                    range_after: TextRange::new(0, after.len()),
                };
                Judged {
                    failures: check(&changed, Promise::Nothing),
                    written: Written::File(after),
                }
            }
        }
    }

    /// Returns the file that the answer goes to.
    pub(super) fn path(&self) -> &RepoPath {
        match &self.slot {
            Slot::Region { source, .. } | Slot::After { source, .. } => &source.path,
            Slot::File(path) => path,
        }
    }
}

impl Written {
    /// Returns the code that stands in the place now.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Code(placed, _) => &placed.after[placed.range_after.as_range()],
            Self::File(text) => text,
        }
    }
}

fn judged(
    source: &SourceText,
    language: Option<Language>,
    placed: Placed,
    answer: Answer,
    promise: Promise<'_>,
) -> Judged {
    let changed = Changed {
        language,
        before: &source.text,
        after: &placed.after,
        range_before: placed.edit.range,
        range_after: placed.range_after,
    };
    Judged {
        failures: check(&changed, promise),
        written: Written::Code(placed, answer),
    }
}
