//! From a change to a patch: unified diffs, mail, gates. (Being built.)

use serde::{Deserialize, Serialize};

/// The texts before and after, file by file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {}
