use super::canonical::CanonicalError;
use super::event::{Algorithm, Checkpoint};
use super::key::SigningKey;
use super::{Event, Fault, Head, PublicKey, Record};

/// So many records have one checkpoint among them, besides the one at the end of each run.
pub(super) const CHECKPOINT_EVERY: u64 = 256;

/// What is signed begins with this, so that no signature for another purpose fits.
const CONTEXT: &str = "skiff ledger checkpoint\n";

/// Returns a checkpoint of all that was recorded up to `head`.
pub(super) fn sign(key: &SigningKey, head: Head, run: u64, time_unix_s: u64) -> Result<Record, CanonicalError> {
    let mut checkpoint = Checkpoint {
        algorithm: Algorithm::Ed25519,
        count: head.seq,
        head: head.hash,
        key: key.public().to_string(),
        signature: String::new(),
    };
    let unsigned =
        |checkpoint: &Checkpoint| Record::new(Some(head), run, time_unix_s, Event::Checkpoint(checkpoint.clone()));
    checkpoint.signature = key.sign(&message(&unsigned(&checkpoint))?);
    Ok(unsigned(&checkpoint))
}

/// Checks the checkpoint that a record is; returns the key that signed it.
pub(super) fn check(record: &Record, checkpoint: &Checkpoint) -> Result<PublicKey, Fault> {
    if checkpoint.count + 1 != record.seq || checkpoint.head != record.prev {
        return Err(Fault::Checkpoint);
    }
    let Algorithm::Ed25519 = checkpoint.algorithm;
    let key: PublicKey = checkpoint.key.parse().map_err(|_| Fault::Signature)?;
    let unsigned = Record {
        event: Event::Checkpoint(Checkpoint {
            signature: String::new(),
            ..checkpoint.clone()
        }),
        ..record.clone()
    };
    let message = message(&unsigned).map_err(Fault::Line)?;
    match key.verifies(&message, &checkpoint.signature) {
        true => Ok(key),
        false => Err(Fault::Signature),
    }
}

fn message(unsigned: &Record) -> Result<Vec<u8>, CanonicalError> {
    Ok(format!("{CONTEXT}{}", unsigned.line()?).into_bytes())
}
