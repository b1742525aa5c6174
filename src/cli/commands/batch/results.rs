use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::batch::{GroupBy, RunStamp, SeriesPatch, SiteRecord, series};
use crate::cli::args::ReportForm;
use crate::cli::batch_json::BatchReport;
use crate::cli::batch_page::{head, markdown, section};
use crate::cli::context::{Context, now_unix_s};
use crate::cli::{mail, output};
use crate::repo::Snapshot;
use crate::review::escape;

/// The name of the series in the folder of a run.
pub(super) const SERIES_FILE: &str = "series.mbox";
const REPORT_JSON: &str = "report.json";
const REPORT_PAGE: &str = "report.html";
const REPORT_TEXT: &str = "report.md";

/// Where the results of a run go, and what they are made of.
pub(super) struct Results<'r> {
    pub(super) folder: &'r Path,
    pub(super) stamp: &'r RunStamp,
    pub(super) group_by: GroupBy,
}

impl Results<'_> {
    /// Writes the series and the reports, each file whole or not at all, and prints the report.
    ///
    /// # Errors
    /// When a file is not what it was when its places were settled, or one cannot be written.
    pub(super) fn write(
        &self,
        mut report: BatchReport<'_>,
        records: &[SiteRecord],
        snapshot: &Snapshot,
        context: &Context,
        form: ReportForm,
    ) -> anyhow::Result<()> {
        let marking = context.settings.marking.as_ref();
        let shown = marking.map(|marking| format!("Marking: {marking}"));
        let date = now_unix_s()?;
        let mut mbox = Pending::create(self.folder, SERIES_FILE)?;
        let mut page = Pending::create(self.folder, REPORT_PAGE)?;
        page.write(&head(&report, shown.as_deref()))?;
        let mut patches = 0;
        let mut written = Ok(());
        let made = |patch: SeriesPatch<'_>| (mail::of_series(&patch, self.stamp, marking, date), section(&patch));
        series(records, snapshot, self.group_by, &made, &mut |(mail, section)| {
            patches += 1;
            if written.is_ok() {
                let mail = mbox.out.write_all(mail.as_bytes());
                written = mail.and_then(|()| page.out.write_all(section.as_bytes()));
            }
            Ok(())
        })?;
        written.with_context(|| format!("cannot write to {}", self.folder.display()))?;
        mbox.finish()?;
        page.finish()?;
        report.set_patches(patches);
        let mut text = Pending::create(self.folder, REPORT_TEXT)?;
        text.write(&markdown(&report, shown.as_deref()))?;
        text.finish()?;
        let mut json = Pending::create(self.folder, REPORT_JSON)?;
        let spelled = output::json(&report)?;
        json.write(&spelled)?;
        json.finish()?;
        match form {
            ReportForm::Json => output::write_json(&report)?,
            ReportForm::JsonLine => output::write_json_line(&report)?,
            ReportForm::Text => output::write_styled(&escape(&report.to_string()))?,
        }
        Ok(())
    }
}

/// A file that gets its name once it is whole.
struct Pending {
    out: BufWriter<File>,
    unfinished: PathBuf,
    file: PathBuf,
}

impl Pending {
    fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let unfinished = folder.join(format!("{name}.part"));
        let out = File::create(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?;
        Ok(Self {
            out: BufWriter::new(out),
            file: folder.join(name),
            unfinished,
        })
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let written = self.out.write_all(text.as_bytes());
        written.with_context(|| format!("cannot write {}", self.unfinished.display()))
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let whole = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        let named = whole.and_then(|()| fs::rename(&self.unfinished, &self.file));
        named.with_context(|| format!("cannot write {}", self.file.display()))
    }
}
