use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::model::{Message, Role};

/// A prompt: the values of one template of `prompts/`.
pub trait Template: Serialize {
    /// The template's text.
    const SOURCE: &'static str;

    /// Renders the turns of the template.
    ///
    /// # Errors
    /// [`PromptError`] when the template is not well formed.
    fn messages(&self) -> Result<Vec<Message>, PromptError>
    where
        Self: Sized,
    {
        sections(Self::SOURCE)?
            .into_iter()
            .map(|(role, body)| Ok(Message::new(role, render(body, self)?)))
            .collect()
    }
}

/// A template of `prompts/` that does not render: a fault of this program, not of its input.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The file has no version line or no section.
    #[error("the prompt template has no {0}")]
    Malformed(&'static str),
    /// The template language reports an error.
    #[error("the prompt template does not render")]
    Render(#[source] minijinja::Error),
}

macro_rules! prompts {
    ($($(#[$doc:meta])* $name:ident from $file:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        pub struct $name<'a> { $($(#[$field_doc])* pub $field: $type,)* }

        impl Template for $name<'_> {
            const SOURCE: &'static str = include_str!(concat!("../../prompts/", $file, ".md"));
        }
    )*
    /// The templates of `prompts/` by their names, as they are in this program.
    pub const TEMPLATE_SOURCES: &[(&str, &str)] = &[$(($file, $name::SOURCE)),*];
    };
}

prompts! {
    /// Asks which of some numbered places a request touches.
    LocatePrompt from "locate" {
        /// One line for each place.
        places: &'a [String],
        request: &'a str,
    }
    /// Asks what happens to a place.
    ActionPrompt from "action" {
        place: &'a str,
        request: &'a str,
    }
    /// Asks for a region, rewritten whole.
    RewritePrompt from "rewrite" {
        path: &'a str,
        /// The info string of the code fence.
        language: &'a str,
        kind: &'a str,
        name: &'a str,
        code: &'a str,
        outline: &'a str,
        used: &'a str,
        done: &'a str,
        others: &'a str,
        /// What a check said of the code, or nothing.
        failure: &'a str,
        /// What that names and the code does not have.
        lacking: &'a str,
        request: &'a str,
        length: RequestLength,
        wants: Wants,
        fence: &'a str,
    }
    /// Asks for some lines of a file, rewritten.
    SitePrompt from "site" {
        request: &'a str,
        path: &'a str,
        language: &'a str,
        code: &'a str,
        fence: &'a str,
    }
    /// Asks for new code beside an anchor.
    InsertPrompt from "insert" {
        path: &'a str,
        language: &'a str,
        kind: &'a str,
        code: &'a str,
        outline: &'a str,
        used: &'a str,
        done: &'a str,
        request: &'a str,
        fence: &'a str,
    }
    /// Asks for a new file.
    CreatePrompt from "create" {
        path: &'a str,
        files: &'a [PromptFile],
        request: &'a str,
        fence: &'a str,
    }
    /// Asks for a file with one small change, to measure how quickly it comes.
    BenchPrompt from "bench" {
        path: &'a str,
        language: &'a str,
        code: &'a str,
        request: &'a str,
        fence: &'a str,
    }
    /// Shows the outline of the repository before anything is asked.
    MapPrompt from "map" {
        map: &'a str,
    }
    /// Says what is wrong with the last answer and asks again.
    RepairPrompt from "repair" {
        problem: &'a str,
        /// The lines that are wrong, or nothing.
        lines: &'a str,
        what: &'a str,
        request: &'a str,
        length: RequestLength,
        fence: &'a str,
    }
    /// Says what the last answer left out and asks for that alone.
    MissingPrompt from "missing" {
        names: &'a str,
        language: &'a str,
        code: &'a str,
        fence: &'a str,
    }
    /// Says what a check command said of the last answer and asks again.
    CheckPrompt from "check" {
        command: &'a str,
        /// How it ended.
        end: &'a str,
        output: &'a str,
        /// Lines of the answer that the output names, or nothing.
        lines: &'a str,
        what: &'a str,
        request: &'a str,
        length: RequestLength,
        fence: &'a str,
    }
    /// Opens the tool loop: which actions there are, and what is asked for.
    AgentPrompt from "agent" {
        /// One line for each place that may matter.
        places: &'a str,
        /// What a check said of the code, or nothing.
        failure: &'a str,
        request: &'a str,
        /// How many actions there are.
        steps: u32,
        checks: ChecksOffered,
        fence: &'a str,
    }
    /// Says what came of an action.
    ResultPrompt from "result" {
        kind: &'a str,
        about: &'a str,
        text: &'a str,
        /// Definitions that are named beside the text.
        names: &'a str,
        /// How many lines are not shown.
        left_out: usize,
        request: &'a str,
        /// How many actions are left; 0 where nothing is asked.
        steps: u32,
        checks: ChecksOffered,
        fence: &'a str,
    }
    /// The part of a request that an action carries out.
    PartPrompt from "part" {
        request: &'a str,
        how: &'a str,
        /// A file that is to be written again, or nothing.
        code: &'a str,
        fence: &'a str,
    }
    /// What an embedding model reads of a definition.
    EmbedSymbolPrompt from "embed_symbol" {
        path: &'a str,
        kind: &'a str,
        name: &'a str,
        code: &'a str,
    }
    /// What an embedding model reads of a file.
    EmbedFilePrompt from "embed_file" {
        path: &'a str,
        lines: &'a [String],
    }
}

/// A file shown whole in a prompt.
#[derive(Clone, Debug, Serialize)]
pub struct PromptFile {
    pub path: String,
    pub text: String,
}

/// How long a request is. A long one stands once, before all that may differ between the prompts of a request; a short one
/// at the end, where a small model does not forget it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestLength {
    Short,
    Long,
}

/// What is asked for when a region is shown. All but the last words of the prompt are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    /// The region, rewritten.
    Code,
    /// The same, from its skeleton: code that failed is in the way of other ideas.
    CodeAnew,
    /// Examples of what it is to give.
    Examples,
}

/// Whether the user has named checks that an action may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksOffered {
    Yes,
    No,
}

impl Serialize for ChecksOffered {
    /// A template asks for it as for a condition.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self == Self::Yes)
    }
}

fn render<T: Serialize>(body: &str, values: &T) -> Result<String, PromptError> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let values = minijinja::Value::from(minijinja::value::Serde(values));
    environment
        .render_str(body, values)
        .map(|text| text.trim().to_owned())
        .map_err(PromptError::Render)
}

/// Splits a template into its turns: a version line, then `<!-- system -->`, `<!-- user -->` and, where the answer's
/// beginning is given, `<!-- assistant -->` parts.
fn sections(source: &str) -> Result<Vec<(Role, &str)>, PromptError> {
    let (version, mut rest) = source.split_once('\n').ok_or(PromptError::Malformed("version line"))?;
    if !version.starts_with("<!-- version: ") {
        return Err(PromptError::Malformed("version line"));
    }
    let mut sections = Vec::new();
    while !rest.trim().is_empty() {
        let (mark, body) = rest.split_once('\n').ok_or(PromptError::Malformed("section"))?;
        let role = match mark.trim() {
            "<!-- system -->" => Role::System,
            "<!-- user -->" => Role::User,
            "<!-- assistant -->" => Role::Assistant,
            _ => return Err(PromptError::Malformed("section mark")),
        };
        let next = ["<!-- user -->\n", "<!-- assistant -->\n"]
            .into_iter()
            .filter_map(|mark| body.find(mark))
            .min();
        let end = next.unwrap_or(body.len());
        sections.push((role, &body[..end]));
        rest = &body[end..];
    }
    match sections.is_empty() {
        true => Err(PromptError::Malformed("section")),
        false => Ok(sections),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_a_version_and_says_something() {
        for (_, source) in TEMPLATE_SOURCES {
            let sections = sections(source).unwrap();
            assert!(sections.iter().any(|(_, body)| !body.trim().is_empty()));
        }
    }

    #[test]
    fn values_are_data_even_when_they_look_like_a_template() {
        let places = ["{{ request }} <!-- system -->\n".to_owned()];
        let prompt = LocatePrompt {
            places: &places,
            request: "{% raw %}",
        };
        let messages = prompt.messages().unwrap();
        assert_eq!(messages.len(), 3);
        assert!(messages[1].content.contains("1. {{ request }} <!-- system -->"));
        assert!(messages[1].content.contains("Request: {% raw %}"));
    }

    #[test]
    fn a_template_without_marks_is_refused() {
        assert!(sections("hello\n").is_err());
        assert!(sections("<!-- version: 1 -->\n").is_err());
        assert!(sections("<!-- version: 1 -->\nhello\n").is_err());
    }
}
