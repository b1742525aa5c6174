use crate::agent::{Action, ModelStamp, Proposal, RegionReport};
use crate::batch::{GroupBy, Outcome, RunStamp, SiteRecord, series};
use crate::cli::context::{Context, now_unix_s};
use crate::ledger::{ProposalStore, Recorder};
use crate::model::{EngineStamp, Sampling, Usage};
use crate::patch::Patch;
use crate::progress::Progress as _;
use crate::repo::Snapshot;

/// What proposals of a batch say besides their patches.
pub(super) struct Origin<'o> {
    pub(super) stamp: &'o RunStamp,
    /// The name of the model and what computes with it, where one is asked.
    pub(super) model: Option<(String, EngineStamp)>,
    pub(super) sampling: Sampling,
}

impl Origin<'_> {
    /// Keeps what changes in each file as a proposal of its own, or all of it as one.
    ///
    /// # Errors
    /// When a file is not what it was, or a proposal cannot be recorded or kept.
    pub(super) fn propose(
        &self,
        records: &[SiteRecord],
        snapshot: &Snapshot,
        group_by: GroupBy,
        store: &ProposalStore,
        (context, recorder): (&Context, &Recorder),
    ) -> anyhow::Result<()> {
        let group_by = match group_by {
            // Each is against the work tree, and not against the one before.
            GroupBy::Site | GroupBy::File => GroupBy::File,
            GroupBy::All => GroupBy::All,
        };
        let mut made = Vec::new();
        series(records, snapshot, group_by, &|patch| patch, &mut |patch| {
            let regions = patch.sites.iter().map(|site| RegionReport {
                path: site.path.clone(),
                symbol: None,
                action: Action::Rewrite,
                attempts: u32::from(site.outcome.tokens().completion > 0),
                gate_hits: Vec::new(),
                failure: None,
            });
            made.push(self.proposal(regions.collect(), usage(&patch.sites), patch.patch));
            Ok(())
        })?;
        let created = now_unix_s()?;
        for proposal in made {
            recorder.record_made(&proposal)?;
            let id = store.add(&proposal, created)?;
            recorder.record_kept(id, &proposal.patch)?;
            let files: Vec<&str> = proposal.patch.files.iter().map(|file| file.path.as_str()).collect();
            let what = match files[..] {
                [only] => only.to_owned(),
                _ => format!("{} files", files.len()),
            };
            context.progress.note(&format!(
                "proposal {id}: {what}; `skiff show {id}`, `skiff apply {id} -p`"
            ));
        }
        Ok(())
    }

    fn proposal(&self, regions: Vec<RegionReport>, usage: Usage, patch: Patch) -> Proposal {
        let (name, engine) = match &self.model {
            Some((name, engine)) => (name.clone(), engine.clone()),
            None => ("no model".to_owned(), EngineStamp::Unknown),
        };
        Proposal {
            request: self.stamp.title.clone(),
            model: ModelStamp {
                name,
                sha256: self.stamp.model.clone().unwrap_or_default(),
            },
            engine,
            sampling: self.sampling,
            regions,
            candidates: Vec::new(),
            usage,
            energy_mj: None,
            checks: Vec::new(),
            steps: Vec::new(),
            patch,
        }
    }
}

fn usage(sites: &[&SiteRecord]) -> Usage {
    let mut usage = Usage::default();
    for site in sites.iter().filter(|site| matches!(site.outcome, Outcome::Done { .. })) {
        let tokens = site.outcome.tokens();
        usage.prompt_tokens += tokens.prompt;
        usage.completion_tokens += tokens.completion;
    }
    usage
}
