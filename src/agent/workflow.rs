use crate::lang::ParsedFile;
use crate::model::Session;
use crate::patch::Patch;
use crate::patch::gate::{Changed, GateFailure, Promise, check, qualified};
use crate::prompt::{
    CreatePrompt, Fragment, InsertPrompt, PromptFile, RewritePrompt, Template, TokenBudget, fence_for,
};
use crate::repo::SourceText;
use crate::text::{Eol, RepoPath, TextEdit, TextRange};

use super::answer::Answer;
use super::context;
use super::draft::Drafts;
use super::followup;
use super::locate::locate;
use super::mention::Mentions;
use super::placement::{self, Placed};
use super::proposal::{Action, ModelStamp, Proposal, RegionReport};
use super::target::{Place, Region, Target, from_line_start};
use super::writing::{Judged, Writing, Written};
use super::{AgentError, Request, Workbench};
use crate::model::Usage;

/// Turns a request into a proposal: locate → rewrite → gate → repair.
///
/// # Errors
/// [`AgentError`] for what stops the run; a place that does not pass its gates is part of the proposal.
pub fn propose(request: &Request, bench: &Workbench<'_>) -> Result<Proposal, AgentError> {
    let mut run = Run {
        request,
        bench,
        session: bench.model.session()?,
        drafts: Drafts::new(bench.snapshot),
        usage: Usage::default(),
        regions: Vec::new(),
        done: Vec::new(),
    };
    let targets = locate(request, bench, run.session.as_mut(), &mut run.usage)?;
    for (i, target) in targets.iter().enumerate() {
        bench.progress.note(&format!(
            "{} {} in {}",
            verb(target),
            target.name(bench.index),
            target.path(bench.index)
        ));
        let others: Vec<String> = targets
            .iter()
            .enumerate()
            .filter(|(j, _)| *j != i)
            .map(|(_, other)| format!("`{}`", other.name(bench.index)))
            .collect();
        run.work(target, &others.join(", "))?;
    }
    Ok(Proposal {
        request: request.text.clone(),
        model: ModelStamp {
            name: bench.model.name().to_owned(),
            sha256: bench.model.digest().to_owned(),
        },
        sampling: bench.config.sampling,
        regions: run.regions,
        usage: run.usage,
        patch: Patch::build(&run.drafts.into_change()?, bench.snapshot)?,
    })
}

fn verb(target: &Target) -> &'static str {
    match target {
        Target::Rewrite(_) => "rewriting",
        Target::Insert(_) => "adding beside",
        Target::Create(_) => "writing",
        Target::Delete(_) => "deleting",
    }
}

/// One run: what it has and what it has done.
struct Run<'a> {
    request: &'a Request,
    bench: &'a Workbench<'a>,
    session: Box<dyn Session + 'a>,
    drafts: Drafts<'a>,
    usage: Usage,
    regions: Vec<RegionReport>,
    /// New code by place, for the places that follow.
    done: Vec<Fragment>,
}

impl Run<'_> {
    fn work(&mut self, target: &Target, others: &str) -> Result<(), AgentError> {
        match target {
            Target::Rewrite(place) => self.rewrite(place, others),
            Target::Insert(place) => self.insert(place),
            Target::Create(path) => self.create(path),
            Target::Delete(place) => self.delete(place),
        }
    }

    fn rewrite(&mut self, place: &Place, others: &str) -> Result<(), AgentError> {
        let bench = self.bench;
        let source = self.drafts.source(place.path(bench.index))?.clone();
        let region = Region::new(place, &source, bench.index);
        let own_name = place.symbol(bench.index).map(|symbol| qualified(&symbol.definition));
        let fence = fence_for(&[&source.text, &self.request.text]);
        let fragments = [
            Fragment {
                title: "what is changed already".to_owned(),
                text: self.done_text(),
            },
            context::outline(bench.index, &source, &region),
            context::used(bench.index, &source, &region, &self.request.text),
        ];
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
            (Some(name), Some((placed, _))) if written.failure.is_none() => renamed_to(&source, &region, name, placed),
            _ => None,
        };
        self.record(place, Action::Rewrite, &source.path, written)?;
        if let (Some(new_name), Some(symbol)) = (new_name, place.symbol(bench.index)) {
            self.rename(&symbol.definition.name, &new_name)?;
        }
        Ok(())
    }

    fn insert(&mut self, place: &Place) -> Result<(), AgentError> {
        let bench = self.bench;
        let source = self.drafts.source(place.path(bench.index))?.clone();
        let anchor = Region::new(place, &source, bench.index);
        let fence = fence_for(&[&source.text, &self.request.text]);
        let fragments = [
            Fragment {
                title: "what is changed already".to_owned(),
                text: self.done_text(),
            },
            context::outline(bench.index, &source, &anchor),
            context::used(bench.index, &source, &anchor, &self.request.text),
        ];
        let answer_tokens = self.answer_tokens(1024);
        let language = anchor.language.map_or("", |language| language.spec().fence);
        let fitted = self.budget(answer_tokens).fit(bench.model, &fragments, |texts| {
            InsertPrompt {
                path: anchor.path.as_str(),
                language,
                kind: &anchor.kind,
                place: "after",
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
            (Some(crate::lang::Language::Python), true) => 2,
            _ => 1,
        };
        let writing = Writing {
            request: &self.request.text,
            what: "the new code",
            fence: &fence,
            language,
            answer_tokens,
        };
        let written = writing.run(bench, self.session.as_mut(), &mut self.usage, fitted, |text| {
            let answer = Answer::new(text, anchor.language);
            let placed = placement::insert_after(&source.text, &anchor, blank_lines, &answer);
            judge(&source, &anchor, placed, answer, Promise::AddsNames)
        })?;
        self.record(place, Action::InsertAfter, &source.path, written)
    }

    fn create(&mut self, path: &RepoPath) -> Result<(), AgentError> {
        let bench = self.bench;
        let language = crate::lang::Language::of_path(path);
        let shown = self.files_for_a_new_file(path);
        let texts: Vec<&str> = shown.iter().map(|file| file.text.as_str()).collect();
        let fence = fence_for(&[&texts[..], &[&self.request.text]].concat());
        let fragments: Vec<Fragment> = shown
            .iter()
            .map(|file| Fragment {
                title: file.path.clone(),
                text: file.text.clone(),
            })
            .collect();
        let answer_tokens = self.answer_tokens(2048);
        let mut budget = self.budget(answer_tokens);
        budget.fragment_tokens *= 2;
        let fitted = budget.fit(bench.model, &fragments, |texts| {
            let files: Vec<PromptFile> = shown
                .iter()
                .zip(texts)
                .filter(|(_, text)| !text.is_empty())
                .map(|(file, _)| file.clone())
                .collect();
            CreatePrompt {
                path: path.as_str(),
                files: &files,
                request: &self.request.text,
                fence: &fence,
            }
            .messages()
        });
        let fitted = fitted.map_err(|error| AgentError::budget(path.as_str(), error))?;
        let what = format!("the file {path}");
        let writing = Writing {
            request: &self.request.text,
            what: &what,
            fence: &fence,
            language: language.map_or("", |language| language.spec().fence),
            answer_tokens,
        };
        let written = writing.run(bench, self.session.as_mut(), &mut self.usage, fitted, |text| {
            let mut after = Answer::new(text, None).code;
            after.push('\n');
            let changed = Changed {
                language,
                before: "",
                after: &after,
                range_before: TextRange::empty(0),
                range_after: TextRange::new(0, after.len()),
            };
            let failures = check(&changed, Promise::Nothing);
            Judged {
                failures,
                result: after,
            }
        })?;
        if let Some(text) = &written.best {
            self.drafts.create(path.clone(), text.clone())?;
        }
        self.regions.push(RegionReport {
            path: path.clone(),
            symbol: None,
            action: Action::Create,
            attempts: written.attempts,
            gate_hits: written.gate_hits,
            failure: written.failure,
        });
        Ok(())
    }

    fn delete(&mut self, place: &Place) -> Result<(), AgentError> {
        let index = self.bench.index;
        let path = place.path(index).clone();
        let mut gate_hits = Vec::new();
        match place.symbol(index) {
            None => self.drafts.delete(path.clone())?,
            Some(symbol) => {
                let source = self.drafts.source(&path)?;
                let range = with_blank_lines(
                    &source.text,
                    from_line_start(&source.text, symbol.definition.full_range),
                );
                let edit = TextEdit {
                    range,
                    replacement: String::new(),
                };
                self.drafts.edit(&path, edit)?;
                let (_, dangling) = followup::forget(&mut self.drafts, index, &symbol.definition.name)?;
                let elsewhere = index.named(&symbol.definition.name).len() > 1;
                if !elsewhere {
                    gate_hits.extend(
                        dangling
                            .iter()
                            .map(|d| format!("still used at {}:{}", d.path, d.line + 1)),
                    );
                }
            }
        }
        for hit in &gate_hits {
            self.bench.progress.note(hit);
        }
        self.regions.push(RegionReport {
            symbol: place.symbol(index).map(|symbol| symbol.qualified.clone()),
            path,
            action: Action::Delete,
            attempts: 0,
            gate_hits,
            failure: None,
        });
        Ok(())
    }

    fn record(
        &mut self,
        place: &Place,
        action: Action,
        path: &RepoPath,
        written: Written<(Placed, Answer)>,
    ) -> Result<(), AgentError> {
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
            failure: written.failure,
        });
        Ok(())
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

    fn answer_tokens(&self, by_size: usize) -> usize {
        self.bench.config.answer_tokens.unwrap_or(by_size)
    }

    fn budget(&self, answer_tokens: usize) -> TokenBudget {
        TokenBudget {
            context_tokens: self.bench.model.context_tokens(),
            answer_tokens,
            fragment_tokens: self.bench.config.fragment_tokens,
        }
    }

    fn done_text(&self) -> String {
        const MOST_LINES: usize = 60;
        let all: Vec<String> = self
            .done
            .iter()
            .map(|done| format!("{}:\n{}", done.title, done.text))
            .collect();
        let text = all.join("\n\n");
        match text.lines().count() > MOST_LINES {
            true => String::new(),
            false => text,
        }
    }

    /// Returns the files that help to write a new one: those the request names, by path or by symbol, then the one that
    /// ranks first.
    fn files_for_a_new_file(&self, path: &RepoPath) -> Vec<PromptFile> {
        const MOST: usize = 3;
        let index = self.bench.index;
        let mentions = Mentions::of(&self.request.text);
        let mut paths: Vec<RepoPath> = Vec::new();
        let by_name = mentions
            .all()
            .flat_map(|name| index.named(name))
            .map(|s| s.path.clone());
        let ranked = index
            .search_files(&self.request.text, 2)
            .into_iter()
            .map(|hit| hit.path);
        for candidate in mentions.paths.iter().cloned().chain(by_name).chain(ranked) {
            let full = self.bench.snapshot.files().iter().map(|file| &file.path);
            let ends = format!("/{candidate}");
            let found = full
                .into_iter()
                .find(|p| **p == candidate || p.as_str().ends_with(&ends));
            if let Some(found) = found.filter(|found| *found != path && !paths.contains(found)) {
                paths.push(found.clone());
            }
        }
        paths.truncate(MOST);
        paths
            .into_iter()
            .filter_map(|path| self.bench.snapshot.read(&path).ok())
            .map(|source| PromptFile {
                path: source.path.to_string(),
                text: Eol::Lf.normalize(source.text.trim_end()),
            })
            .collect()
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
    let failures: Vec<GateFailure> = check(&changed, promise);
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

/// Widens a deleted range to its line ending and to the blank lines that set it apart.
fn with_blank_lines(text: &str, range: TextRange) -> TextRange {
    let mut end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    if !text[range.end..end].trim_matches([';', ',']).trim().is_empty() {
        return range;
    }
    let blank = |line: &str| line.trim().is_empty() && line.ends_with('\n');
    for line in text[end..].split_inclusive('\n').take_while(|line| blank(line)) {
        end += line.len();
    }
    let mut start = range.start;
    if end >= text.len() || text[end..].trim_start().starts_with('}') {
        start = text[..start].trim_end().len();
        start = text[start..]
            .find('\n')
            .map_or(start, |at| start + at + 1)
            .min(range.start);
    }
    TextRange::new(start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_takes_its_blank_lines_along() {
        let text = "a\n\n\nb\n\n\nc\n";
        let cut = |text: &str, what: &str| {
            let at = text.find(what).unwrap();
            let range = with_blank_lines(text, TextRange::new(at, at + what.len()));
            format!("{}{}", &text[..range.start], &text[range.end..])
        };
        assert_eq!(cut(text, "b"), "a\n\n\nc\n");
        assert_eq!(cut(text, "c"), "a\n\n\nb\n");
        assert_eq!(cut("x {\n  a\n\n  b\n}\n", "  b"), "x {\n  a\n}\n");
        assert_eq!(cut("b; c\n", "b"), "; c\n");
    }
}
