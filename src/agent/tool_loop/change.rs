use super::ToolLoop;
use super::catalog::Spot;
use super::seen::{Seen, SeenKind};
use crate::agent::branch::Branch;
use crate::agent::candidate::allowed;
use crate::agent::proposal::{Action, RegionReport};
use crate::agent::target::{Region, Target};
use crate::agent::{AgentError, Request};
use crate::index::{Symbol, SymbolId};
use crate::lang::{Language, ParsedFile};
use crate::model::Message;
use crate::patch::Patch;
use crate::prompt::{PartPrompt, Template, fence_for};
use crate::text::{Eol, LineIndex, RepoPath, TextEdit};

/// New code that is longer is not shown again in the result.
const MOST_ECHO_TOKENS: usize = 300;

impl<'a> ToolLoop<'a> {
    /// Has a definition or a file written anew.
    pub(super) fn rewrite(&mut self, spot: &Spot, how: &str) -> Result<Seen, AgentError> {
        match spot {
            Spot::File(path) if self.branch.state.drafts.created(path).is_some() => self.new_file(path, how),
            Spot::File(path) if !self.is_short(path) => {
                let why = "a file of this length is not rewritten whole: name a definition in it, as `map` shows them";
                Ok(Seen::new(SeenKind::Refused, path.as_str(), why))
            }
            _ => self.write(
                spot.path(self.bench().index).clone(),
                Target::Rewrite(spot.place()),
                how,
                "",
            ),
        }
    }

    /// Tells whether a file may be rewritten whole: it is short, has nothing that could be named in its place, or is new.
    pub(super) fn is_short(&self, path: &RepoPath) -> bool {
        const MOST_BYTES: usize = 1500;
        let file = self.bench().index.file(path);
        file.is_none_or(|file| file.size_bytes <= MOST_BYTES || file.symbols == 0)
    }

    /// Has new code written after a definition.
    pub(super) fn insert(&mut self, after: SymbolId, how: &str) -> Result<Seen, AgentError> {
        let spot = Spot::Symbol(after);
        self.write(
            spot.path(self.bench().index).clone(),
            Target::Insert(spot.place()),
            how,
            "",
        )
    }

    /// Has a new file written, or one that this run has made written again.
    pub(super) fn new_file(&mut self, path: &RepoPath, how: &str) -> Result<Seen, AgentError> {
        let code = match self.branch.state.drafts.created(path) {
            Some(code) => code.to_owned(),
            None => {
                if let Err(error) = self.bench().snapshot.vacant(path) {
                    return Ok(Seen::new(SeenKind::Refused, path.as_str(), error.to_string()));
                }
                String::new()
            }
        };
        self.write(path.clone(), Target::Create(path.clone()), how, &code)
    }

    /// Takes a definition or a file out.
    pub(super) fn delete(&mut self, spot: &Spot) -> Result<Seen, AgentError> {
        let index = self.bench().index;
        let path = spot.path(index).clone();
        let name = self.catalog.name(spot);
        if let Some(refused) = self.refused(&path) {
            return Ok(refused);
        }
        let mut trial = self.branch.clone();
        let drafts = &mut trial.state.drafts;
        match spot {
            Spot::File(path) if drafts.created(path).is_some() => {
                drafts.uncreate(path);
                return self.keep(trial, name, "deleted", String::new());
            }
            Spot::File(path) => drafts.revert(path),
            Spot::Symbol(_) => {
                let place = spot.place();
                let extent = Region::new(&place, drafts.source(&path)?, index).extent(&place);
                drafts.drop_within(&path, extent);
            }
        }
        self.run.delete_on(&mut trial, &spot.place())?;
        let hits = trial
            .state
            .regions
            .last()
            .map_or(Vec::new(), |region| region.gate_hits.clone());
        self.keep(trial, name, "deleted", hits.join("\n"))
    }

    /// Renames a definition, its declarations and all uses, as the index knows them.
    pub(super) fn rename(&mut self, id: SymbolId, to: &str) -> Result<Seen, AgentError> {
        let index = self.bench().index;
        let symbol = index.symbol(id);
        let old = symbol.definition.name.as_str();
        let name = self.catalog.name(&Spot::Symbol(id));
        let refused = |why: String| Ok(Seen::new(SeenKind::Refused, name.clone(), why));
        if let Some(refused) = self.refused(&symbol.path) {
            return Ok(refused);
        }
        if !is_identifier(to) || to == old {
            return refused(format!("{to:?} is no new name"));
        }
        if !index.named(to).is_empty() {
            return refused(format!("`{to}` is taken"));
        }
        let own: Vec<&Symbol> = std::iter::once(symbol).chain(index.declarations_of(symbol)).collect();
        let named = index.named(old);
        let other = named.iter().find(|other| own.iter().all(|own| own.id != other.id));
        if let Some(other) = other {
            let other = self.catalog.show(Spot::Symbol(other.id));
            return refused(format!("uses of `{old}` may mean {other} too: rewrite them one by one"));
        }
        let mut trial = self.branch.clone();
        for own in own {
            let range = own.definition.name_range;
            let text = &trial.state.drafts.source(&own.path)?.text;
            if text.get(range.as_range()) != Some(old) || trial.state.drafts.touches(&own.path, range) {
                return refused(format!(
                    "{name} was changed already: rewrite it once more with the new name"
                ));
            }
            let edit = TextEdit {
                range,
                replacement: to.to_owned(),
            };
            trial.state.drafts.edit(&own.path, edit)?;
        }
        trial.state.regions.push(RegionReport {
            path: symbol.path.clone(),
            symbol: Some(symbol.qualified.clone()),
            action: Action::Rewrite,
            attempts: 0,
            gate_hits: Vec::new(),
            failure: None,
        });
        self.run.rename(&mut trial.state, old, to)?;
        for path in trial.state.drafts.touched() {
            if let Some(line) = broken(&mut trial, &path)? {
                return refused(format!("{path} would not parse any more, see line {}", line + 1));
            }
        }
        self.keep(trial, name, &format!("renamed to {to}"), String::new())
    }

    /// Has code written for a target on a copy of the branch, and keeps that if it passes its gates and goes together
    /// with what was changed before.
    fn write(&mut self, path: RepoPath, target: Target, how: &str, code: &str) -> Result<Seen, AgentError> {
        let index = self.bench().index;
        let name = match &target {
            Target::Rewrite(place) | Target::Insert(place) | Target::Delete(place) => self.catalog.name(&place.into()),
            Target::Create(path) => path.to_string(),
        };
        if let Some(refused) = self.refused(&path) {
            return Ok(refused);
        }
        let mut trial = vec![self.branch.clone()];
        if let Target::Create(path) = &target {
            trial[0].state.drafts.uncreate(path);
        }
        self.run.request = self.part(how, code)?;
        let mut which = vec![0];
        let draw = self.run.draw(0);
        self.run.work(&mut trial, &mut which, &[draw], &target, "")?;
        let Some(trial) = trial.pop() else {
            return Ok(Seen::new(SeenKind::Unchanged, name, ""));
        };
        // Not the last report: followups add some.
        let report = trial.state.regions.get(self.branch.state.regions.len());
        if let Some(failure) = report.and_then(|report| report.failure.clone()) {
            let seen = Seen::new(SeenKind::Failed, name, failure);
            self.failed = Some(trial);
            return Ok(seen);
        }
        if !which.is_empty() {
            return Ok(Seen::new(SeenKind::Unchanged, name, ""));
        }
        let written = trial.state.done.last().map_or("", |done| done.text.as_str());
        let shown = match self.bench().model.count_tokens(written) <= MOST_ECHO_TOKENS {
            true => written.to_owned(),
            false => String::new(),
        };
        let done = match &target {
            Target::Rewrite(_) => "rewritten".to_owned(),
            Target::Insert(_) => "new code stands behind it".to_owned(),
            Target::Create(path) => {
                self.catalog.show(Spot::File(path.clone()));
                "written".to_owned()
            }
            Target::Delete(_) => format!("deleted from {}", target.path(index)),
        };
        self.keep(trial, name, &done, shown)
    }

    /// Takes a changed branch over, unless its changes do not go together.
    fn keep(&mut self, trial: Branch<'a>, name: String, done: &str, text: String) -> Result<Seen, AgentError> {
        let change = trial.state.drafts.clone().into_change()?;
        Patch::build(&change, self.bench().snapshot)?;
        self.branch = trial;
        Ok(Seen::new(SeenKind::Changed, format!("{name} {done}"), text))
    }

    /// Says why a file must stay as it is.
    fn refused(&self, path: &RepoPath) -> Option<Seen> {
        let why = format!("{path} is not among the files that the request is about");
        (!allowed(self.request, path)).then(|| Seen::new(SeenKind::Refused, path.as_str(), why))
    }

    /// Returns the part of the request that one action carries out, with what the last check said.
    fn part(&self, how: &str, code: &str) -> Result<Request, AgentError> {
        let code = Eol::Lf.normalize(code);
        let prompt = PartPrompt {
            request: &self.request.text,
            how,
            code: code.trim_end(),
            fence: &fence_for(&[&code]),
        };
        let text = prompt.messages()?.into_iter().map(|Message { content, .. }| content);
        Ok(Request {
            text: text.collect::<Vec<String>>().join("\n\n"),
            failure: self.failing_output(),
            ..self.request.clone()
        })
    }
}

/// Returns the first zero-based line of a file that does not parse though the file did before.
fn broken(branch: &mut Branch<'_>, path: &RepoPath) -> Result<Option<usize>, AgentError> {
    let Some(language) = Language::of_path(path) else {
        return Ok(None);
    };
    let before = branch.state.drafts.source(path)?.text.clone();
    let Some(after) = branch.state.drafts.text(path)? else {
        return Ok(None);
    };
    let errors = ParsedFile::parse(language, &after).syntax_errors();
    let was = ParsedFile::parse(language, &before).syntax_errors().len();
    let first = errors
        .first()
        .map(|error| LineIndex::new(&after).line_of(error.range.start));
    Ok(first.filter(|_| errors.len() > was))
}

fn is_identifier(name: &str) -> bool {
    let is_letter = |c: char| c == '_' || c == '$' || c.is_alphabetic();
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_alphanumeric())
}
