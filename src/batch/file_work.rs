use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;

use super::BatchError;
use super::plan::Plan;
use super::record::{Author, Outcome, SiteRecord, Tokens};
use super::rewriting::{FileCheck, Left, Misfit, line_number, replaced, rewrite};
use super::run::Run;
use super::site::SiteFile;
use crate::agent::{SiteAnswer, SiteRequest, site_region};
use crate::index::Index;
use crate::lang::{Language, ParsedFile};
use crate::patch::FileSide;
use crate::repo::{Snapshot, SourceText};
use crate::text::{TextEdit, TextRange};

/// A file under way: its text after the rounds that are over, and the places of the round that is not.
///
/// A round has the places whose lines no other one of it touches, so that its edits are all of one text; it is over when
/// all of them are settled. So the rounds of a file, and with them its series, do not depend on which places of other
/// files are asked for beside them, nor on where a run was cut short.
pub(super) struct FileWork<'r> {
    file: &'r SiteFile,
    language: Option<Language>,
    known: BTreeMap<(usize, usize), &'r SiteRecord>,
    /// The file as it is on disk.
    original: FileSide,
    source: SourceText,
    round: u32,
    /// The places of this round that nobody asked for yet.
    ready: VecDeque<Pending>,
    asked: usize,
    edits: Vec<TextEdit>,
    /// The places of later rounds.
    later: Vec<Left>,
}

/// What a file is begun with.
pub(super) struct Ground<'g> {
    pub(super) plan: &'g Plan,
    pub(super) snapshot: &'g Snapshot,
    pub(super) index: &'g Index,
    /// Whether the model is asked where no rewrite fits.
    pub(super) asks: bool,
}

/// A file that is begun, if anything is left to be done, and what is settled already.
pub(super) type Begun<'r> = (Option<FileWork<'r>>, Vec<SiteRecord>);

/// Tells why the checks refuse a file with another text; nothing where they do not.
pub(super) type SideCheck<'c> = &'c dyn Fn(&FileSide, &str) -> Result<Option<String>, BatchError>;

/// A place that the model is to be asked for.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    site: usize,
    region: TextRange,
    request: String,
}

impl<'r> FileWork<'r> {
    /// Carries the rewrites of the plan out, and begins the first round of the rest. Returns what is settled by that and
    /// was not known.
    pub(super) fn begin(
        file: &'r SiteFile,
        known: Vec<&'r SiteRecord>,
        ground: &Ground<'_>,
        check: Option<SideCheck<'_>>,
    ) -> Result<Begun<'r>, BatchError> {
        let known: BTreeMap<(usize, usize), &SiteRecord> = known
            .into_iter()
            .map(|record| ((record.range.start, record.range.end), record))
            .collect();
        let is_known = |site: usize| known.contains_key(&key(file.sites[site].range));
        let all_fail = |reason: &dyn Display| {
            let open = (0..file.sites.len()).filter(|site| !is_known(*site));
            open.map(|site| file.failed(site, reason)).collect::<Vec<SiteRecord>>()
        };
        let mut source = match ground.snapshot.read(&file.path) {
            Ok(source) => source,
            Err(error) => return Ok((None, all_fail(&error))),
        };
        if source.blob != file.blob {
            let error = BatchError::FileChanged(file.path.clone());
            return Ok((None, all_fail(&error)));
        }
        let language = ground.index.file(&file.path).and_then(|own| own.language);
        let original = FileSide {
            text: source.text.clone(),
            blob: source.blob,
            mode: source.mode,
        };
        let of_text = check.map(|check| |text: &str| check(&original, text));
        let check = of_text.as_ref().map(|check| check as FileCheck<'_>);
        let rewritten = rewrite(language, &source.text, file, &ground.plan.rewrites, check)?;
        let steps = rewritten.steps.into_iter().filter(|step| !is_known(step.site));
        let mut records: Vec<SiteRecord> = steps
            .map(|step| {
                file.record(
                    step.site,
                    Outcome::Done {
                        by: Author::Rewrite,
                        round: 0,
                        replaced: step.edit.range,
                        text: step.edit.replacement,
                        tokens: Tokens::default(),
                    },
                )
            })
            .collect();
        if !ground.asks {
            let left = rewritten.left.iter().filter(|left| !is_known(left.site));
            records.extend(left.map(|left| file.failed(left.site, &left.why)));
            return Ok((None, records));
        }
        source.text = rewritten.text;
        let mut work = Self {
            later: rewritten.left,
            file,
            language,
            known,
            original,
            source,
            round: 0,
            ready: VecDeque::new(),
            asked: 0,
            edits: Vec::new(),
        };
        records.extend(work.advance(ground.plan)?);
        Ok(((!work.is_finished()).then_some(work), records))
    }

    /// Returns how many places could be asked for now.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Takes the next place to be asked for.
    pub(super) fn take(&mut self) -> Option<Pending> {
        let pending = self.ready.pop_front()?;
        self.asked += 1;
        Some(pending)
    }

    /// Returns what is asked at a place.
    pub(super) fn request(&self, pending: &Pending) -> SiteRequest {
        SiteRequest {
            source: self.source.clone(),
            region: pending.region,
            text: pending.request.clone(),
        }
    }

    /// Takes an answer in, if the checks let it pass beside what the rounds before have done.
    pub(super) fn settle(
        &mut self,
        pending: &Pending,
        mut answer: SiteAnswer,
        run: &Run<'_>,
    ) -> Result<SiteRecord, BatchError> {
        self.asked -= 1;
        if let (None, Some(edit)) = (&answer.failure, &answer.edit) {
            answer.failure = run.refused(&self.file.path, &self.original, &replaced(&self.source.text, edit))?;
        }
        let tokens = Tokens {
            prompt: answer.usage.prompt_tokens.saturating_sub(answer.usage.cached_tokens),
            completion: answer.usage.completion_tokens,
        };
        let outcome = match (answer.failure, answer.edit) {
            (Some(reason), _) => Outcome::Failed { reason, tokens },
            (None, None) => Outcome::Unchanged { tokens },
            (None, Some(edit)) => {
                self.edits.push(edit.clone());
                Outcome::Done {
                    by: Author::Model,
                    round: self.round,
                    replaced: edit.range,
                    text: edit.replacement,
                    tokens,
                }
            }
        };
        Ok(self.file.record(pending.site, outcome))
    }

    /// Ends the round where all of it is settled, and begins the next. Returns what that settles.
    pub(super) fn advance(&mut self, plan: &Plan) -> Result<Vec<SiteRecord>, BatchError> {
        let mut records = Vec::new();
        while self.ready.is_empty() && self.asked == 0 && !(self.later.is_empty() && self.edits.is_empty()) {
            self.carry_out();
            self.round += 1;
            self.begin_round(plan, &mut records)?;
        }
        Ok(records)
    }

    /// Tells whether every place is settled.
    pub(super) fn is_finished(&self) -> bool {
        self.ready.is_empty() && self.asked == 0 && self.later.is_empty()
    }

    /// Carries the edits of the round out.
    fn carry_out(&mut self) {
        let mut edits = std::mem::take(&mut self.edits);
        // From the last to the first, so that none moves another.
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
        for edit in &edits {
            self.source.text = replaced(&self.source.text, edit);
            for later in &mut self.later {
                later.now = later.now.take().and_then(|now| now.after(edit));
            }
        }
    }

    /// Chooses the places of a round, and settles those that are known already or cannot be asked for.
    fn begin_round(&mut self, plan: &Plan, records: &mut Vec<SiteRecord>) -> Result<(), BatchError> {
        let text = &self.source.text;
        let parsed = self.language.map(|language| ParsedFile::parse(language, text));
        let mut taken: Vec<TextRange> = Vec::new();
        let mut later = Vec::new();
        for own in std::mem::take(&mut self.later) {
            let site = own.site;
            let known = self.known.get(&key(self.file.sites[site].range));
            let Some(now) = &own.now else {
                if known.is_none() {
                    records.push(self.file.failed(site, &Misfit::Overtaken));
                }
                continue;
            };
            let region = site_region(parsed.as_ref(), text, now.range);
            if taken.iter().any(|other| other.overlaps(region) || *other == region) {
                later.push(own);
                continue;
            }
            taken.push(region);
            if let Some(known) = known {
                match known.edit() {
                    Some((round, edit)) if round == self.round && text.get(edit.range.as_range()).is_some() => {
                        self.edits.push(edit);
                    }
                    Some(_) => return Err(BatchError::Damaged(self.file.path.clone())),
                    None => {}
                }
                continue;
            }
            let line = line_number(text, now.range.start);
            let values = now.values(text, self.file.path.as_str(), &line);
            match plan.request.as_ref().map(|request| request.fill(&values, "")) {
                Some(Ok(filled)) => self.ready.push_back(Pending {
                    site,
                    region,
                    request: filled.text,
                }),
                Some(Err(error)) => records.push(self.file.failed(site, &error)),
                None => {}
            }
        }
        self.later = later;
        Ok(())
    }
}

fn key(range: TextRange) -> (usize, usize) {
    (range.start, range.end)
}
