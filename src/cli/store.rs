use super::context::Context;
use crate::index::{Index, IndexConfig, IndexError, SkipReason, Source, StoreLocation};
use crate::progress::Progress;
use crate::repo::{Repository, Revision, Snapshot};

/// What a command looks at: the work tree, or a revision.
pub(crate) enum Subject {
    WorkTree(Box<Snapshot>),
    Revision(Box<Revision>),
}

impl Subject {
    /// Takes the revision that was named, else the work tree as it is now.
    ///
    /// # Errors
    /// As [`Repository::snapshot`] and [`Repository::revision`].
    pub(crate) fn new(repository: &Repository, revision: Option<&str>) -> anyhow::Result<Self> {
        Ok(match revision {
            Some(name) => Self::Revision(Box::new(repository.revision(name)?)),
            None => Self::WorkTree(Box::new(repository.snapshot()?)),
        })
    }

    fn source(&self) -> Source<'_> {
        match self {
            Self::WorkTree(snapshot) => Source::WorkTree(snapshot),
            Self::Revision(revision) => Source::Revision(revision),
        }
    }

    fn location(&self, context: &Context, repository: &Repository) -> StoreLocation {
        let file = format!("{}.sqlite", repository.shared_key());
        StoreLocation {
            file: context.directories.cache.join("index").join(file),
            view: match self {
                Self::WorkTree(_) => Some(repository.key()),
                Self::Revision(_) => None,
            },
        }
    }
}

/// Opens the index and lets `work` ask it; where a record turns out to be damaged the index is made anew and asked again.
///
/// # Errors
/// [`IndexError`], and what `work` returns.
pub(crate) fn with_index<T>(
    context: &Context,
    repository: &Repository,
    subject: &Subject,
    mut work: impl FnMut(&Index) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let location = subject.location(context, repository);
    let config = IndexConfig::default();
    let index = Index::open(subject.source(), &location, &config, &context.progress)?;
    let answer = work(&index);
    if !index.is_damaged() {
        return answer;
    }
    drop(index);
    work(&rebuilt(context, subject, &location)?)
}

/// Opens the index of a work tree for work that cannot be asked for twice: everything that is stored is read first.
///
/// # Errors
/// [`IndexError`].
pub(crate) fn verified_index(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
) -> Result<Index, IndexError> {
    let source = Source::WorkTree(snapshot);
    let location = StoreLocation {
        file: context
            .directories
            .cache
            .join("index")
            .join(format!("{}.sqlite", repository.shared_key())),
        view: Some(repository.key()),
    };
    let config = IndexConfig::default();
    let index = Index::open(source, &location, &config, &context.progress)?;
    if index.verify() {
        return Ok(index);
    }
    drop(index);
    context.progress.note(DAMAGED);
    Index::rebuild(source, &location, &config, &context.progress)
}

const DAMAGED: &str = "the index is damaged; it is made anew";

fn rebuilt(context: &Context, subject: &Subject, location: &StoreLocation) -> Result<Index, IndexError> {
    context.progress.note(DAMAGED);
    Index::rebuild(subject.source(), location, &IndexConfig::default(), &context.progress)
}

/// Says what of a work tree cannot even be looked at.
pub(crate) fn say_unreadable(context: &Context, subject: &Subject) {
    let Subject::WorkTree(snapshot) = subject else {
        return;
    };
    let unreadable = snapshot.unreadable();
    for path in unreadable.iter().take(MOST_LINES) {
        let said = format!("not indexed: {}: it cannot be read", path.display());
        context.progress.note(&said);
    }
    if let Some(more @ 1..) = unreadable.len().checked_sub(MOST_LINES) {
        context.progress.note(&format!("not indexed: {more} more"));
    }
}

/// More lines than this nobody reads.
const MOST_LINES: usize = 10;

/// Says which files are not in the index as they should be; images and the like are in every repository.
pub(crate) fn say_skipped(context: &Context, index: &Index) {
    let said = index.skipped().iter().filter_map(|skipped| {
        let what = match skipped.reason {
            SkipReason::TooLarge => "it is too large",
            SkipReason::Unreadable => "it cannot be read",
            SkipReason::NotParsed => "it is searched as text only: too much to parse",
            SkipReason::Generated => "it is searched as text only: it has lines longer than people write",
            SkipReason::NotText => return None,
        };
        Some(format!("not indexed: {}: {what}", skipped.path))
    });
    let said: Vec<String> = said.collect();
    said.iter()
        .take(MOST_LINES)
        .for_each(|line| context.progress.note(line));
    if said.len() > MOST_LINES {
        let more = said.len() - MOST_LINES;
        context.progress.note(&format!("not indexed: {more} more files"));
    }
}
