use std::collections::BTreeSet;

use super::Run;
use crate::agent::AgentError;
use crate::agent::branch::State;
use crate::agent::context;
use crate::agent::followup;
use crate::agent::lacking::Lacking;
use crate::agent::observation::{MOST_OUTPUT_TOKENS, condense};
use crate::agent::placement::Placed;
use crate::agent::proposal::{Action, RegionReport};
use crate::agent::target::{Place, Region};
use crate::agent::task::{Loses, Slot, Task, Written};
use crate::agent::usage::words;
use crate::agent::writing::{Ending, Outcome, length};
use crate::index::Index;
use crate::lang::{Definition, Language, ParsedFile, skeleton};
use crate::patch::gate::qualified;
use crate::prompt::{Fragment, InsertPrompt, RewritePrompt, Template, Wants, fence_for};
use crate::repo::SourceText;

/// A stub has no length to go by: what a request wants of it may be a whole program.
const LEAST_ANSWER_TOKENS: usize = 1024;

impl<'a> Run<'a> {
    /// Says how a region is written anew, or what it is to give.
    pub(super) fn rewrite(
        &self,
        state: &mut State<'a>,
        place: &Place,
        others: &str,
        wants: Wants,
    ) -> Result<Task, AgentError> {
        let bench = self.bench;
        let (source, region) = state.region(place, bench.index)?;
        // Examples are of the request, and asked for as they were before anything failed.
        let failure = match wants {
            Wants::Examples => String::new(),
            Wants::Code | Wants::CodeAnew => condense(&self.request.failure, MOST_OUTPUT_TOKENS, &|text| {
                bench.model.count_tokens(text)
            }),
        };
        let lacking = Lacking::of(&self.request.failure, &source.text);
        let lacking: Vec<String> = lacking.iter().map(Lacking::to_string).collect();
        let shown = match (wants, region.language) {
            (Wants::CodeAnew | Wants::Examples, Some(language)) => {
                skeleton(&ParsedFile::parse(language, &region.code), &region.code)
            }
            (Wants::Code, _) | (_, None) => None,
        };
        let shown = shown.unwrap_or_else(|| region.code.clone());
        let fence = fence_for(&[&source.text, &self.request.text, &failure]);
        let fragments = self.context_of(state, &source, &region);
        let answer_tokens =
            self.answer_tokens((2 * bench.model.count_tokens(&region.code) + 256).max(LEAST_ANSWER_TOKENS));
        let language = region.language.map_or("", |language| language.spec().fence);
        let fitted = self.budget(answer_tokens).fit(bench.model, &fragments, |texts| {
            RewritePrompt {
                path: region.path.as_str(),
                language,
                kind: &region.kind,
                name: &region.name,
                code: &shown,
                done: texts[0],
                outline: texts[1],
                used: texts[2],
                others,
                failure: &failure,
                lacking: &lacking.join(", "),
                request: &self.request.text,
                length: length(bench, &self.request.text),
                wants,
                fence: &fence,
            }
            .messages()
        });
        let fitted =
            fitted.map_err(|error| AgentError::budget(&format!("{} in {}", region.name, region.path), error))?;
        self.say_left_out(&fitted);
        Ok(Task {
            fitted,
            what: format!("the {} `{}`", region.kind, region.name),
            fence,
            language,
            answer_tokens,
            copy: region.code.clone(),
            unsettled: BTreeSet::new(),
            slot: Slot::Region {
                place: place.clone(),
                own_name: place
                    .symbol(bench.index)
                    .map(|symbol| name_now(&symbol.definition, &source, &region)),
                loses: self.loses(),
                source,
                region,
            },
        })
    }

    /// Says how new code is written after an anchor.
    pub(super) fn insert(&self, state: &mut State<'a>, place: &Place) -> Result<Task, AgentError> {
        let bench = self.bench;
        let source = state.drafts.source(place.path(bench.index))?.clone();
        let anchor = Region::new(place, &source, bench.index);
        let shown = state.region(place, bench.index)?.1.code;
        let fence = fence_for(&[&source.text, &self.request.text]);
        let fragments = self.context_of(state, &source, &anchor);
        let answer_tokens = self.answer_tokens(LEAST_ANSWER_TOKENS);
        let language = anchor.language.map_or("", |language| language.spec().fence);
        let fitted = self.budget(answer_tokens).fit(bench.model, &fragments, |texts| {
            InsertPrompt {
                path: anchor.path.as_str(),
                language,
                kind: &anchor.kind,
                code: &shown,
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
        self.say_left_out(&fitted);
        let blank_lines = match (anchor.language, anchor.indent.is_empty()) {
            (Some(Language::Python), true) => 2,
            _ => 1,
        };
        Ok(Task {
            fitted,
            what: "the new code".to_owned(),
            fence,
            language,
            answer_tokens,
            copy: String::new(),
            unsettled: BTreeSet::new(),
            slot: Slot::After {
                place: place.clone(),
                source,
                anchor,
                blank_lines,
            },
        })
    }

    /// Returns what helps to write at a region, the most useful first.
    fn context_of(&self, state: &State<'a>, source: &SourceText, region: &Region) -> [Fragment; 3] {
        let index = self.bench.index;
        [
            Fragment {
                title: "what is changed already".to_owned(),
                text: state.done_text(),
            },
            context::outline(index, source, region, &self.request.text),
            context::used(self.bench, source, region, &self.request.text),
        ]
    }

    /// Takes what came of a region into a state.
    pub(super) fn commit_region(
        &self,
        state: &mut State<'a>,
        slot: &Slot,
        outcome: &Outcome,
    ) -> Result<(), AgentError> {
        let Slot::Region {
            place,
            source,
            region,
            own_name,
            ..
        } = slot
        else {
            return Ok(());
        };
        let index = self.bench.index;
        record(state, index, place, Action::Rewrite, outcome)?;
        let (Some(symbol), Some(Written::Code(placed, _)), Ending::Passed) =
            (place.symbol(index), outcome.written(), &outcome.ending)
        else {
            return Ok(());
        };
        let new_name = own_name
            .as_deref()
            .and_then(|name| renamed_to(source, region, name, placed));
        match new_name {
            Some(new_name) => self.rename(state, &symbol.definition.name, &new_name),
            None => Ok(followup::redeclare(
                &mut state.drafts,
                index,
                symbol,
                &source.text,
                &placed.after,
            )?),
        }
    }

    /// Carries a new name to every use of the old one.
    pub(in crate::agent) fn rename(&self, state: &mut State<'a>, old: &str, new: &str) -> Result<(), AgentError> {
        for path in followup::rename(&mut state.drafts, self.bench.index, old, new)? {
            self.bench.progress.note(&format!("renaming {old} to {new} in {path}"));
            state.regions.push(RegionReport {
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

    fn loses(&self) -> Loses {
        let lower = self.request.text.to_lowercase();
        let may_lose = ["rename", "remove", "delete", "drop"]
            .iter()
            .any(|word| lower.contains(word));
        match may_lose {
            true => Loses::Named(words(&self.request.text).map(str::to_owned).collect()),
            false => Loses::Nothing,
        }
    }
}

/// Puts what came of a region, or of an insertion beside it, into the drafts and the report.
pub(super) fn record(
    state: &mut State<'_>,
    index: &Index,
    place: &Place,
    action: Action,
    outcome: &Outcome,
) -> Result<(), AgentError> {
    let path = place.path(index);
    if let Some(written @ Written::Code(placed, answer)) = outcome.written() {
        match action {
            Action::Rewrite => {
                let source = state.drafts.source(path)?;
                let extent = Region::new(place, source, index).extent(place);
                state.drafts.edit_again(path, extent, placed.edit.clone())?;
            }
            Action::InsertAfter | Action::Create | Action::Delete => state.drafts.edit(path, placed.edit.clone())?,
        }
        state.drafts.import(path, &answer.imports)?;
        state.done.push(Fragment {
            title: path.to_string(),
            text: written.code().replace("\r\n", "\n"),
        });
    }
    state.regions.push(RegionReport {
        path: path.clone(),
        symbol: place.symbol(index).map(|symbol| symbol.qualified.clone()),
        action,
        attempts: outcome.attempts,
        gate_hits: outcome.gate_hits.clone(),
        failure: outcome.failure(),
    });
    Ok(())
}

/// Returns the qualified name that a definition has in a state of its file: another one where it was renamed.
fn name_now(definition: &Definition, source: &SourceText, region: &Region) -> String {
    let before = qualified(definition);
    let Some(language) = region.language else {
        return before;
    };
    let now = ParsedFile::parse(language, &source.text).definitions(&source.text);
    let own: Vec<&Definition> = now.iter().filter(|own| region.range.contains(own.range)).collect();
    match own.first() {
        Some(first) if own.iter().all(|own| qualified(own) != before) => qualified(first),
        _ => before,
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
