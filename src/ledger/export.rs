use jiff::Timestamp;

use super::{Head, LedgerError, Record, canonical};

impl Record {
    /// The names of the columns of [`Record::csv`], as a line.
    pub const CSV_HEADER: &str = "seq,time,run,kind,body,prev,hash\r\n";

    /// Returns the record as a line of CSV (RFC 4180); the body is canonical JSON in one field.
    ///
    /// No field can begin as a formula does: they are numbers, digests, names of kinds and objects.
    ///
    /// # Errors
    /// [`LedgerError::Unwritable`] when the record has no canonical form.
    pub fn csv(&self, head: Head) -> Result<String, LedgerError> {
        let event = serde_json::to_value(&self.event).unwrap_or_default();
        let body = canonical::text(&event["body"]).map_err(LedgerError::Unwritable)?;
        Ok(format!(
            "{},{},{},{},\"{}\",{},{}\r\n",
            self.seq,
            self.time(),
            self.run,
            event["kind"].as_str().unwrap_or_default(),
            body.replace('"', "\"\""),
            self.prev,
            head.hash
        ))
    }

    /// Returns the record as the line of JSON that it is in the ledger, with the line feed.
    ///
    /// # Errors
    /// [`LedgerError::Unwritable`] when the record has no canonical form.
    pub fn jsonl(&self) -> Result<String, LedgerError> {
        let mut line = self.line().map_err(LedgerError::Unwritable)?;
        line.push('\n');
        Ok(line)
    }

    /// Returns when the record was written, in UTC by RFC 3339.
    pub fn time(&self) -> String {
        let seconds = i64::try_from(self.time_unix_s).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
    }
}
