use super::record::{Author, Outcome, SiteRecord, Tokens};

/// What came of a run, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All places.
    pub sites: usize,
    /// Those that a rewrite of the plan changed.
    pub rewritten: usize,
    /// Those that the model changed.
    pub edited: usize,
    /// Those that are right as they are.
    pub unchanged: usize,
    /// Those that could not be changed.
    pub failed: usize,
    /// Those that a check of their group refused.
    pub dropped: usize,
    /// What the model cost.
    pub tokens: Tokens,
}

impl Summary {
    /// Counts what became of the places of a run that has `sites` of them.
    pub fn of(sites: usize, records: &[SiteRecord]) -> Self {
        let mut summary = Self {
            sites,
            ..Self::default()
        };
        for record in records {
            *match (&record.outcome, &record.dropped) {
                (_, Some(_)) => &mut summary.dropped,
                (Outcome::Done { by, .. }, None) => match by {
                    Author::Rewrite => &mut summary.rewritten,
                    Author::Model => &mut summary.edited,
                },
                (Outcome::Unchanged { .. }, None) => &mut summary.unchanged,
                (Outcome::Failed { .. }, None) => &mut summary.failed,
            } += 1;
            let Tokens { prompt, completion } = record.outcome.tokens();
            summary.tokens.prompt += prompt;
            summary.tokens.completion += completion;
        }
        summary
    }

    /// Returns how many places changed.
    pub fn changed(&self) -> usize {
        self.rewritten + self.edited
    }

    /// Returns how many places nobody came to.
    pub fn not_reached(&self) -> usize {
        self.sites
            .saturating_sub(self.changed() + self.unchanged + self.failed + self.dropped)
    }
}
