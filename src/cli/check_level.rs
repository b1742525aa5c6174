/// Something for each of the levels at which checks run.
#[derive(Debug, Default)]
pub(crate) struct ByLevel<T> {
    /// On every proposal, or every place of a batch.
    pub(crate) each: T,
    /// On what a batch changes in a file, or in all where that is one patch.
    pub(crate) group: T,
    /// On all that a batch changes.
    pub(crate) all: T,
}

impl<T> ByLevel<T> {
    /// Returns something else for each.
    pub(crate) fn map<U>(self, mut of: impl FnMut(T) -> U) -> ByLevel<U> {
        ByLevel {
            each: of(self.each),
            group: of(self.group),
            all: of(self.all),
        }
    }

    /// Returns something else for each, as far as there is no error.
    ///
    /// # Errors
    /// The first.
    pub(crate) fn try_map<U, E>(self, mut of: impl FnMut(T) -> Result<U, E>) -> Result<ByLevel<U>, E> {
        Ok(ByLevel {
            each: of(self.each)?,
            group: of(self.group)?,
            all: of(self.all)?,
        })
    }

    /// Returns a look at each.
    pub(crate) fn as_ref(&self) -> ByLevel<&T> {
        ByLevel {
            each: &self.each,
            group: &self.group,
            all: &self.all,
        }
    }
}
