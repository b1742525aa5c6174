//! What is said to a model: the templates of `prompts/`, context fragments and the token budget.
//!
//! Imports `text`, `index`, `model`, `progress`. Every word said to a model stands in `prompts/`; every decode grammar
//! in `grammars/decode/`.

mod budget;
mod fence;
mod grammar;
mod map;
mod template;

pub use budget::{BudgetError, Fitted, Fragment, TokenBudget};
pub use fence::fence_for;
pub use grammar::{ActionWords, action_grammar, choice_grammar};
pub use map::{MapFile, MapText, map_within};
pub use template::{
    ActionPrompt, AgentPrompt, BenchPrompt, CheckPrompt, ChecksOffered, CreatePrompt, EmbedFilePrompt,
    EmbedSymbolPrompt, InsertPrompt, LocatePrompt, MapPrompt, MissingPrompt, PartPrompt, PromptError, PromptFile,
    RepairPrompt, RequestLength, ResultPrompt, RewritePrompt, SitePrompt, TEMPLATE_SOURCES, Template, Wants,
};
