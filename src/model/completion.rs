use serde::{Deserialize, Serialize};

use super::JsonSchema;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    /// Returns the name that chat templates use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// The text; special tokens in it are plain text to the tokenizer.
    pub content: String,
}

impl Message {
    /// Returns a message of the given role.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// How the next token is chosen from the logits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the likeliest token; above it, softmax temperature.
    pub temperature: f32,
    /// Nucleus mass in (0, 1]; only used above temperature 0.
    pub top_p: f32,
    /// The seed of the random choice; only used above temperature 0.
    pub seed: u32,
}

impl Default for Sampling {
    /// Greedy decoding.
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 0.95,
            seed: 0,
        }
    }
}

/// What the output must look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Constraint {
    /// Any text.
    #[default]
    None,
    /// A GBNF grammar whose start rule is `root`; decoding ends when the grammar can only end.
    Gbnf(String),
    /// A JSON value that follows a schema; decoding ends when the value does.
    JsonSchema(JsonSchema),
}

/// What is asked of a session.
///
/// `messages` is the whole conversation; a session keeps what it has already read of it, so that a conversation that
/// only grows is read once.
#[derive(Clone, Debug)]
pub struct CompletionRequest<'a> {
    /// The conversation, ending with a user turn.
    pub messages: &'a [Message],
    /// How the assistant's turn begins; it is not repeated in [`Completion::text`].
    pub assistant_prefix: &'a str,
    /// Texts that end the completion when they appear; they are not part of [`Completion::text`].
    pub stop: &'a [&'a str],
    /// The most tokens to decode.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What the output must look like.
    pub constraint: Constraint,
    /// Completions (as [`Completion::text`]) that must not be given again, byte for byte.
    pub exclude: &'a [String],
    /// Text that the completion probably repeats with changes: the engine drafts from it. It never changes what is
    /// chosen, only how soon.
    pub copy: Option<&'a str>,
    /// Looks at what was written so far.
    pub check: Option<&'a dyn PieceCheck>,
    /// Whether to tell how likely the text was.
    pub likelihood: Likelihood,
}

/// Whether a completion tells how likely its tokens were, which takes a pass over all logits for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Likelihood {
    /// It does not.
    #[default]
    NotTold,
    /// It does: [`Completion::mean_log_probability`].
    Told,
}

impl<'a> CompletionRequest<'a> {
    /// Returns a request for any text, chosen greedily.
    pub fn new(messages: &'a [Message], max_tokens: usize) -> Self {
        Self {
            messages,
            assistant_prefix: "",
            stop: &[],
            max_tokens,
            sampling: Sampling::default(),
            constraint: Constraint::None,
            exclude: &[],
            copy: None,
            check: None,
            likelihood: Likelihood::NotTold,
        }
    }
}

/// Looks at a completion while it is written.
pub trait PieceCheck: std::fmt::Debug {
    /// Returns where the piece begins that must not stay, if the last piece of `text` that is complete is such a one.
    ///
    /// It is asked whenever a line is complete. What it refuses is written anew from that byte on, in other words.
    fn refused(&self, text: &str) -> Option<usize>;
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its turn, or the grammar was complete.
    EndOfTurn,
    /// One of the stop texts appeared.
    StopText,
    /// `max_tokens` were decoded or the context is full: the text is cut off.
    Length,
}

/// What a session gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The decoded text, without the assistant prefix and the stop text.
    pub text: String,
    /// Why decoding ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
    /// The mean of the natural logarithms of the tokens' probabilities, by the model's own distribution whatever the
    /// temperature; where it was asked for.
    pub mean_log_probability: Option<f32>,
}

/// Tokens and time; adds up over several completions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompts, those found in the KV cache included.
    pub prompt_tokens: u64,
    /// Prompt tokens that did not have to be read again.
    pub cached_tokens: u64,
    /// Tokens decoded.
    pub completion_tokens: u64,
    /// Tokens that were proposed before the model was asked.
    #[serde(default)]
    pub drafted_tokens: u64,
    /// Proposed tokens that the model chose as well.
    #[serde(default)]
    pub accepted_tokens: u64,
    /// Wall time of prefill, in milliseconds; of passes that served several completions, a share by tokens.
    pub prefill_ms: u64,
    /// Wall time of decode, in milliseconds; shared likewise.
    pub decode_ms: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.completion_tokens += other.completion_tokens;
        self.drafted_tokens += other.drafted_tokens;
        self.accepted_tokens += other.accepted_tokens;
        self.prefill_ms += other.prefill_ms;
        self.decode_ms += other.decode_ms;
    }
}
