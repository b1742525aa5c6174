mod create;
mod delete;
mod region;

use super::draft::Drafts;
use super::locate::{Located, locate};
use super::outline::outline;
use super::proposal::{ModelStamp, Proposal, RegionReport};
use super::target::Target;
use super::writing::{Ending, OnUnchanged};
use super::{AgentError, Request, Workbench};
use crate::model::{Preamble, Session, Usage};
use crate::patch::Patch;
use crate::prompt::{Fragment, TokenBudget};

/// So many places that a request names are all meant to change; of more, some are likely only named.
const MOST_MEANT: usize = 2;

/// Turns a request into a proposal: locate → rewrite → gate → repair.
///
/// # Errors
/// [`AgentError`] for what stops the run; a place that does not pass its gates is part of the proposal.
pub fn propose(request: &Request, bench: &Workbench<'_>) -> Result<Proposal, AgentError> {
    if bench.config.map_tokens == 0 {
        return propose_with(request, bench);
    }
    let model = Preamble::new(bench.model, outline(bench.index, bench.model, bench.config.map_tokens)?);
    propose_with(
        request,
        &Workbench {
            model: &model,
            ..*bench
        },
    )
}

fn propose_with(request: &Request, bench: &Workbench<'_>) -> Result<Proposal, AgentError> {
    let mut run = Run {
        request,
        bench,
        session: bench.model.session()?,
        drafts: Drafts::new(bench.snapshot),
        usage: Usage::default(),
        regions: Vec::new(),
        done: Vec::new(),
        on_unchanged: OnUnchanged::Repair,
    };
    let Located { targets, alternatives } = locate(request, bench, run.session.as_mut(), &mut run.usage)?;
    if !alternatives.is_empty() || targets.len() > MOST_MEANT {
        run.on_unchanged = OnUnchanged::GiveUp;
    }
    for (i, target) in targets.iter().enumerate() {
        let others: Vec<String> = targets
            .iter()
            .enumerate()
            .filter(|(j, _)| *j != i)
            .map(|(_, other)| format!("`{}`", other.name(bench.index)))
            .collect();
        let mut ending = run.work(target, &others.join(", "))?;
        // A place that was only supposed, and needs no change, was the wrong one.
        for place in &alternatives {
            if ending != Ending::Unchanged {
                break;
            }
            ending = run.work(&Target::Rewrite(place.clone()), "")?;
        }
    }
    Ok(Proposal {
        request: request.text.clone(),
        model: ModelStamp {
            name: bench.model.name().to_owned(),
            sha256: bench.model.digest().to_owned(),
        },
        engine: bench.model.engine(),
        sampling: bench.config.sampling,
        regions: run.regions,
        usage: run.usage,
        checks: Vec::new(),
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
    on_unchanged: OnUnchanged,
}

impl Run<'_> {
    fn work(&mut self, target: &Target, others: &str) -> Result<Ending, AgentError> {
        let index = self.bench.index;
        let line = format!("{} {} in {}", verb(target), target.name(index), target.path(index));
        self.bench.progress.note(&line);
        match target {
            Target::Rewrite(place) => self.rewrite(place, others),
            Target::Insert(place) => self.insert(place),
            Target::Create(path) => self.create(path).map(|()| Ending::Passed),
            Target::Delete(place) => self.delete(place).map(|()| Ending::Passed),
        }
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
}
