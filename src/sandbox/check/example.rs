//! Examples of what code gives, tried on a candidate by a program of this crate.

use serde::{Deserialize, Serialize};

use crate::repo::{FileContent, FileMode, FileWrite};
use crate::text::RepoPath;

/// The command that tries examples. It is the user's who asks for `@examples`; what it reads are data.
pub const EXAMPLES_COMMAND: &str = "python3 -B .skiff-examples/run.py";

const PROGRAM: (&str, &str) = (".skiff-examples/run.py", include_str!("examples.py"));
const DATA: &str = ".skiff-examples/examples.json";

/// An expression and what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example(
    /// The expression.
    pub String,
    /// What it equals; none where only the answers of candidates are compared.
    pub Option<String>,
);

/// The examples for one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// The file whose names they use.
    pub path: RepoPath,
    /// The examples, each once.
    pub examples: Vec<Example>,
}

impl Examples {
    /// Tells whether any of them says what is to come out.
    pub fn can_fail(&self) -> bool {
        self.examples.iter().any(|Example(_, expected)| expected.is_some())
    }

    /// Returns the files that [`EXAMPLES_COMMAND`] needs, besides those of the candidate; `None` stands for no examples.
    pub fn files(examples: Option<&Self>) -> Vec<FileWrite> {
        let none = || serde_json::json!({"path": "", "examples": []});
        let data = examples.map_or_else(none, |examples| serde_json::json!(examples));
        [(PROGRAM.0, PROGRAM.1.to_owned()), (DATA, data.to_string())]
            .into_iter()
            .filter_map(|(path, text)| {
                Some(FileWrite {
                    path: RepoPath::new(path).ok()?,
                    before: None,
                    after: Some(FileContent {
                        bytes: text.into_bytes(),
                        mode: FileMode::Regular,
                    }),
                })
            })
            .collect()
    }
}

/// What examples gave, as the output of [`EXAMPLES_COMMAND`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// What each gave: two candidates with the same are taken for the same program.
    pub lines: Vec<String>,
    /// How many gave a value; the others raised an exception or did not end.
    pub values: usize,
}

impl Behaviour {
    /// Reads it off the output; none where no example was tried.
    pub fn of(output: &str) -> Option<Self> {
        const WORDS: [&str; 3] = ["ok: ", "probe: ", "FAIL: "];
        let told = |line: &&str| WORDS.iter().any(|word| line.starts_with(word));
        let mut lines: Vec<String> = output.lines().filter(told).map(str::to_owned).collect();
        lines.sort_unstable();
        let values = lines.iter().filter(|line| line.contains(" gives ")).count();
        (!lines.is_empty()).then_some(Self { lines, values })
    }

    /// Returns what an expression gave of which it was not known; none where it gave nothing.
    pub fn gave(&self, value: &str) -> Option<&str> {
        let told = format!("probe: {value} gives ");
        self.lines.iter().find_map(|line| line.strip_prefix(&told))
    }
}
