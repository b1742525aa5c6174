use std::collections::BTreeSet;

use crate::lang::Language;
use crate::patch::gate::{Changed, GateFailure, Promise, Surroundings, check};
use crate::prompt::Fitted;
use crate::repo::SourceText;
use crate::text::{RepoPath, TextEdit, TextRange};

use super::Workbench;
use super::answer::Answer;
use super::draft::import_edit;
use super::left_out::{Restored, fill, restore};
use super::placement::{self, Placed};
use super::target::{Place, Region};
use super::usage::{arity_of, forgotten_imports};

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
    /// Names that other places of the same request bring or change.
    pub(super) unsettled: BTreeSet<String>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loses {
    Nothing,
    /// The region its own name, and of what it holds what has one of the words of the request.
    Named(BTreeSet<String>),
}

/// An answer in its place.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Code(Placed, Answer),
    File(String),
}

/// Where a forgotten import goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImportPlace {
    /// Among the imports of the file, outside of the answer.
    File,
    /// Into the answer, which is the whole file.
    Answer,
}

/// An answer and what the gates say of it.
pub(super) struct Judged {
    pub(super) failures: Vec<GateFailure>,
    /// What was mended without asking the model, a sentence each.
    pub(super) mended: Vec<String>,
    pub(super) written: Written,
    /// The answer with what it left out, where all that it lacks is that some of this is written.
    pub(super) unfinished: Option<Unfinished>,
}

/// An answer of which a part is still to be written.
#[derive(Clone, Debug)]
pub(super) struct Unfinished {
    pub(super) text: String,
    /// The qualified names of what is to be written.
    pub(super) names: Vec<String>,
    /// The lines of it, as they stand.
    pub(super) code: String,
}

impl Task {
    /// Puts an answer in its place, asks the gates, and adds the imports that it forgot.
    pub(super) fn judge(&self, text: &str, bench: &Workbench<'_>) -> Judged {
        match &self.slot {
            Slot::Region {
                place,
                source,
                region,
                own_name,
                loses,
            } => {
                let mut answer = match place {
                    Place::Symbol(_) => Answer::new(text, region.language),
                    Place::File(_) => Answer::new(text, None),
                };
                let restored = region.language.and_then(|language| {
                    let own = own_name.as_deref().and_then(|name| name.rsplit('.').next());
                    restore(language, own, &region.code, &answer.code, &|name| loses.may_go(name))
                });
                if let Some(restored) = &restored {
                    answer.code.clone_from(&restored.text);
                }
                let promise = match (own_name, loses) {
                    (Some(name), Loses::Named(_)) => Promise::MayLose(name),
                    _ => Promise::KeepsNames,
                };
                let placed = placement::replace(&source.text, region, own_name.as_deref(), &answer);
                let import_place = match place {
                    Place::Symbol(_) => ImportPlace::File,
                    Place::File(_) => ImportPlace::Answer,
                };
                let mut judged = self.judged(source, region.language, (placed, answer), promise, import_place, bench);
                if let Some(restored) = restored {
                    judged.take_in(restored);
                }
                judged
            }
            Slot::After {
                source,
                anchor,
                blank_lines,
                ..
            } => {
                let answer = Answer::new(text, anchor.language);
                let placed = placement::insert_after(&source.text, anchor, *blank_lines, &answer);
                let promise = Promise::AddsNames;
                self.judged(
                    source,
                    anchor.language,
                    (placed, answer),
                    promise,
                    ImportPlace::File,
                    bench,
                )
            }
            Slot::File(path) => {
                let mut after = Answer::new(text, None).code;
                after.push('\n');
                self.judged_file(path, after, bench)
            }
        }
    }

    /// Puts the part that was asked for into an answer that lacked it.
    pub(super) fn finished(&self, unfinished: &Unfinished, part: &str) -> String {
        let language = match &self.slot {
            Slot::Region { region, .. } => region.language,
            Slot::After { .. } | Slot::File(_) => None,
        };
        let part = Answer::new(part, None).code;
        match language {
            Some(language) => fill(language, &unfinished.text, &part, &unfinished.names),
            None => part,
        }
    }

    fn judged(
        &self,
        source: &SourceText,
        language: Option<Language>,
        (mut placed, mut answer): (Placed, Answer),
        promise: Promise<'_>,
        import_place: ImportPlace,
        bench: &Workbench<'_>,
    ) -> Judged {
        let failures_of = |placed: &Placed, answer: &Answer| {
            let changed = Changed {
                language,
                before: &source.text,
                after: &placed.after,
                range_before: placed.edit.range,
                range_after: placed.range_after,
            };
            self.check(&changed, promise, &answer.imports, bench)
        };
        let mut failures = failures_of(&placed, &answer);
        let added = language.map_or_else(Vec::new, |language| forgotten_imports(bench, language, &failures));
        let (lines, mended): (Vec<String>, Vec<String>) =
            added.into_iter().map(|added| (added.line, added.said)).unzip();
        if !lines.is_empty() {
            match import_place {
                ImportPlace::File => answer.imports.extend(lines),
                ImportPlace::Answer => placed.insert(&import_edit(&source.path, &placed.after, &lines)),
            }
            failures = failures_of(&placed, &answer);
        }
        Judged {
            failures,
            mended,
            written: Written::Code(placed, answer),
            unfinished: None,
        }
    }

    fn judged_file(&self, path: &RepoPath, text: String, bench: &Workbench<'_>) -> Judged {
        let language = Language::of_path(path);
        let failures_of = |text: &str| {
            let changed = Changed {
                language,
                before: "",
                after: text,
                range_before: TextRange::empty(0),
                range_after: TextRange::new(0, text.len()),
            };
            self.check(&changed, Promise::Nothing, &[], bench)
        };
        let failures = failures_of(&text);
        let added = language.map_or_else(Vec::new, |language| forgotten_imports(bench, language, &failures));
        if added.is_empty() {
            return Judged {
                failures,
                mended: Vec::new(),
                written: Written::File(text),
                unfinished: None,
            };
        }
        let (lines, mended): (Vec<String>, Vec<String>) =
            added.into_iter().map(|added| (added.line, added.said)).unzip();
        let edit = import_edit(path, &text, &lines);
        let (head, tail) = text.split_at(edit.range.start);
        let text = format!("{head}{}{tail}", edit.replacement);
        Judged {
            failures: failures_of(&text),
            mended,
            written: Written::File(text),
            unfinished: None,
        }
    }

    fn check(
        &self,
        changed: &Changed<'_>,
        promise: Promise<'_>,
        imports: &[String],
        bench: &Workbench<'_>,
    ) -> Vec<GateFailure> {
        let surroundings = Surroundings {
            imports,
            unsettled: &self.unsettled,
            elsewhere: &|name, module| arity_of(bench, name, module),
        };
        check(changed, promise, &surroundings)
    }

    /// Returns the file that the answer goes to.
    pub(super) fn path(&self) -> &RepoPath {
        match &self.slot {
            Slot::Region { source, .. } | Slot::After { source, .. } => &source.path,
            Slot::File(path) => path,
        }
    }
}

impl Loses {
    fn may_go(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Named(words) => words.contains(name),
        }
    }
}

impl Judged {
    /// Says what was put back, and what of it was never written.
    fn take_in(&mut self, restored: Restored) {
        let Restored {
            text,
            names,
            stubs,
            code,
        } = restored;
        let said = format!("left out, and put back as it was: {}", names.join(", "));
        self.mended.push(said);
        if stubs.is_empty() {
            return;
        }
        if self.failures.is_empty() {
            self.unfinished = Some(Unfinished {
                text,
                names: stubs.clone(),
                code: code.clone(),
            });
        }
        self.failures.push(GateFailure::Unwritten {
            names: stubs,
            excerpt: code,
        });
    }
}

impl Written {
    /// Returns what changes of a file that was there.
    pub(super) fn edit(&self) -> Option<&TextEdit> {
        match self {
            Self::Code(placed, _) => Some(&placed.edit),
            Self::File(_) => None,
        }
    }

    /// Returns the code that stands in the place now.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Code(placed, _) => &placed.after[placed.range_after.as_range()],
            Self::File(text) => text,
        }
    }
}
