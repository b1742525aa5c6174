use super::Run;
use crate::agent::AgentError;
use crate::agent::answer::Answer;
use crate::agent::context;
use crate::agent::followup;
use crate::agent::placement::{self, Placed};
use crate::agent::proposal::{Action, RegionReport};
use crate::agent::target::{Place, Region};
use crate::agent::writing::{Ending, Judged, Writing, Written};
use crate::lang::{Language, ParsedFile};
use crate::patch::gate::{Changed, Promise, check, qualified};
use crate::prompt::{Fragment, InsertPrompt, RewritePrompt, Template, fence_for};
use crate::repo::SourceText;
use crate::text::RepoPath;

impl Run<'_> {
    /// Lets the model write a region anew.
    pub(super) fn rewrite(&mut self, place: &Place, others: &str) -> Result<Ending, AgentError> {
        let bench = self.bench;
        let source = self.drafts.source(place.path(bench.index))?.clone();
        let region = Region::new(place, &source, bench.index);
        let own_name = place.symbol(bench.index).map(|symbol| qualified(&symbol.definition));
        let fence = fence_for(&[&source.text, &self.request.text]);
        let fragments = self.context_of(&source, &region);
        let answer_tokens = self.answer_tokens(2 * bench.model.count_tokens(&region.code) + 256);
        let language = region.language.map_or("", |language| language.spec().fence);
        let fitted = self.budget(answer_tokens).fit(bench.model, &fragments, |texts| {
            RewritePrompt {
                path: region.path.as_str(),
                language,
                kind: &region.kind,
                name: &region.name,
                code: &region.code,
                done: texts[0],
                outline: texts[1],
                used: texts[2],
                others,
                request: &self.request.text,
                fence: &fence,
            }
            .messages()
        });
        let fitted =
            fitted.map_err(|error| AgentError::budget(&format!("{} in {}", region.name, region.path), error))?;
        let what = format!("the {} `{}`", region.kind, region.name);
        let writing = Writing {
            request: &self.request.text,
            what: &what,
            fence: &fence,
            language,
            answer_tokens,
            copy: Some(&region.code),
            on_unchanged: self.on_unchanged,
        };
        let promise = match (&own_name, self.may_lose_names()) {
            (Some(name), true) => Promise::MayLose(name),
            _ => Promise::KeepsNames,
        };
        let written = writing.run(bench, self.session.as_mut(), &mut self.usage, fitted, |text| {
            let answer = match place {
                Place::Symbol(_) => Answer::new(text, region.language),
                Place::File(_) => Answer::new(text, None),
            };
            let placed = placement::replace(&source.text, &region, own_name.as_deref(), &answer);
            judge(&source, &region, placed, answer, promise)
        })?;
        let new_name = match (&own_name, &written.best) {
            (Some(name), Some((placed, _))) if written.ending == Ending::Passed => {
                renamed_to(&source, &region, name, placed)
            }
            _ => None,
        };
        let after = written.best.as_ref().map(|(placed, _)| placed.after.clone());
        let ending = self.record(place, Action::Rewrite, &source.path, written)?;
        if let (Some(symbol), Some(after), Ending::Passed) = (place.symbol(bench.index), after, &ending) {
            match new_name {
                Some(new_name) => self.rename(&symbol.definition.name, &new_name)?,
                None => followup::redeclare(&mut self.drafts, bench.index, symbol, &source.text, &after)?,
            }
        }
        Ok(ending)
    }

    /// Lets the model write new code after an anchor.
    pub(super) fn insert(&mut self, place: &Place) -> Result<Ending, AgentError> {
        let bench = self.bench;
        let source = self.drafts.source(place.path(bench.index))?.clone();
        let anchor = Region::new(place, &source, bench.index);
        let fence = fence_for(&[&source.text, &self.request.text]);
        let fragments = self.context_of(&source, &anchor);
        let answer_tokens = self.answer_tokens(1024);
        let language = anchor.language.map_or("", |language| language.spec().fence);
        let fitted = self.budget(answer_tokens).fit(bench.model, &fragments, |texts| {
            InsertPrompt {
                path: anchor.path.as_str(),
                language,
                kind: &anchor.kind,
                code: &anchor.code,
                done: texts[0],
                outline: texts[1],
                used: texts[2],
                request: &self.request.text,
                fence: &fence,
            }
            .messages()
        });
        let fitted =
            fitted.map_err(|error| AgentError::budget(&format!("{} in {}", anchor.name, anchor.path), error))?;
        let blank_lines = match (anchor.language, anchor.indent.is_empty()) {
            (Some(Language::Python), true) => 2,
            _ => 1,
        };
        let writing = Writing {
            request: &self.request.text,
            what: "the new code",
            fence: &fence,
            language,
            answer_tokens,
            copy: Some(""),
            on_unchanged: self.on_unchanged,
        };
        let written = writing.run(bench, self.session.as_mut(), &mut self.usage, fitted, |text| {
            let answer = Answer::new(text, anchor.language);
            let placed = placement::insert_after(&source.text, &anchor, blank_lines, &answer);
            judge(&source, &anchor, placed, answer, Promise::AddsNames)
        })?;
        self.record(place, Action::InsertAfter, &source.path, written)
    }

    /// Returns what helps to write at a region, the most useful first.
    fn context_of(&self, source: &SourceText, region: &Region) -> [Fragment; 3] {
        let index = self.bench.index;
        [
            Fragment {
                title: "what is changed already".to_owned(),
                text: self.done_text(),
            },
            context::outline(index, source, region, &self.request.text),
            context::used(self.bench, source, region, &self.request.text),
        ]
    }

    fn record(
        &mut self,
        place: &Place,
        action: Action,
        path: &RepoPath,
        written: Written<(Placed, Answer)>,
    ) -> Result<Ending, AgentError> {
        let failure = written.failure();
        if let Some((placed, answer)) = written.best {
            let new_code = placed.after[placed.range_after.as_range()].to_owned();
            self.drafts.edit(path, placed.edit)?;
            self.drafts.import(path, &answer.imports)?;
            self.done.push(Fragment {
                title: path.to_string(),
                text: new_code.replace("\r\n", "\n"),
            });
        }
        self.regions.push(RegionReport {
            path: path.clone(),
            symbol: place.symbol(self.bench.index).map(|symbol| symbol.qualified.clone()),
            action,
            attempts: written.attempts,
            gate_hits: written.gate_hits,
            failure,
        });
        Ok(written.ending)
    }

    /// Carries a new name to every use of the old one.
    fn rename(&mut self, old: &str, new: &str) -> Result<(), AgentError> {
        for path in followup::rename(&mut self.drafts, self.bench.index, old, new)? {
            self.bench.progress.note(&format!("renaming {old} to {new} in {path}"));
            self.regions.push(RegionReport {
                path,
                symbol: None,
                action: Action::Rewrite,
                attempts: 0,
                gate_hits: Vec::new(),
                failure: None,
            });
        }
        Ok(())
    }

    fn may_lose_names(&self) -> bool {
        let lower = self.request.text.to_lowercase();
        ["rename", "remove", "delete", "drop"]
            .iter()
            .any(|word| lower.contains(word))
    }
}

fn judge(
    source: &SourceText,
    region: &Region,
    placed: Placed,
    answer: Answer,
    promise: Promise<'_>,
) -> Judged<(Placed, Answer)> {
    let changed = Changed {
        language: region.language,
        before: &source.text,
        after: &placed.after,
        range_before: placed.edit.range,
        range_after: placed.range_after,
    };
    let failures = check(&changed, promise);
    Judged {
        failures,
        result: (placed, answer),
    }
}

/// Returns the new name of a definition that the answer renamed: the only new name of its container.
fn renamed_to(source: &SourceText, region: &Region, name: &str, placed: &Placed) -> Option<String> {
    let language = region.language?;
    let before = ParsedFile::parse(language, &source.text).definitions(&source.text);
    let after = ParsedFile::parse(language, &placed.after).definitions(&placed.after);
    if after.iter().any(|d| qualified(d) == name) {
        return None;
    }
    let container = name.rsplit_once('.').map(|(container, _)| container);
    let mut fresh = after.iter().filter(|d| {
        placed.range_after.contains(d.range)
            && d.container.as_deref().map(|c| c.replace("::", ".")).as_deref() == container
            && !before.iter().any(|old| qualified(old) == qualified(d))
    });
    match (fresh.next(), fresh.next()) {
        (Some(only), None) => Some(only.name.clone()),
        _ => None,
    }
}
