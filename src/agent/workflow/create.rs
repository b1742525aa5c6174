use std::collections::BTreeSet;

use super::Run;
use crate::agent::AgentError;
use crate::agent::branch::State;
use crate::agent::mention::Mentions;
use crate::agent::proposal::{Action, RegionReport};
use crate::agent::task::{Slot, Task, Written};
use crate::agent::writing::Outcome;
use crate::lang::Language;
use crate::prompt::{CreatePrompt, Fragment, PromptFile, Template, fence_for};
use crate::text::{Eol, RepoPath};

impl Run<'_> {
    /// Says how a new file is written.
    pub(super) fn create(&self, path: &RepoPath) -> Result<Task, AgentError> {
        let bench = self.bench;
        let language = Language::of_path(path);
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
        self.say_left_out(&fitted);
        Ok(Task {
            fitted,
            what: format!("the file {path}"),
            fence,
            language: language.map_or("", |language| language.spec().fence),
            answer_tokens,
            copy: String::new(),
            unsettled: BTreeSet::new(),
            slot: Slot::File(path.clone()),
        })
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

/// Puts what came of a new file into the drafts and the report.
pub(super) fn record(state: &mut State<'_>, path: &RepoPath, outcome: &Outcome) -> Result<(), AgentError> {
    if let Some(Written::File(text)) = outcome.written() {
        state.drafts.create(path.clone(), text.clone())?;
    }
    state.regions.push(RegionReport {
        path: path.clone(),
        symbol: None,
        action: Action::Create,
        attempts: outcome.attempts,
        gate_hits: outcome.gate_hits.clone(),
        failure: outcome.failure(),
    });
    Ok(())
}
