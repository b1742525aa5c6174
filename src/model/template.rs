use minijinja::{Environment, ErrorKind, context, syntax::SyntaxConfig};

use super::{Message, ModelError, Role};

const NAME: &str = "chat";
/// Steps of the template machine. Templates in use spend a few hundred for each message.
const FUEL: u64 = 2_000_000;
const RECURSION_LIMIT: usize = 64;
/// Private-use characters around the number of a message, in place of its content.
const MARK: char = '\u{F5C1}';

/// A piece of a rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// From the template: special tokens in it are special.
    Template(String),
    /// From a message: special tokens in it are plain text.
    Content(&'a str),
}

impl Segment<'_> {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Template(text) => text,
            Self::Content(text) => text,
        }
    }
}

/// Turns conversations into prompts, by the model's own Jinja template or a built-in one of the ChatML kind.
///
/// Message contents never enter the template engine: marks stand in for them, so what a message says can neither be
/// parsed as a special token nor be executed.
pub(super) struct ChatTemplate {
    environment: Option<Environment<'static>>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Compiles the template of a model; without one, or with one that does not compile, the built-in one is used.
    pub(super) fn new(source: Option<&str>, bos: String, eos: String) -> Self {
        let environment = source.and_then(|source| {
            let mut environment = Environment::new();
            // As the library that chat templates are written for sets them.
            environment.set_syntax(
                SyntaxConfig::builder()
                    .trim_blocks(true)
                    .lstrip_blocks(true)
                    .build()
                    .ok()?,
            );
            environment.set_fuel(Some(FUEL));
            environment.set_recursion_limit(RECURSION_LIMIT);
            environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
            environment.add_function("raise_exception", |message: &str| -> Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, message.to_owned()))
            });
            environment.add_template_owned(NAME, source.to_owned()).ok()?;
            Some(environment)
        });
        Self { environment, bos, eos }
    }

    /// Renders a conversation and the opening of the assistant's turn.
    ///
    /// # Errors
    /// [`ModelError::Template`] when there is no message.
    pub(super) fn render<'a>(&self, messages: &'a [Message]) -> Result<Vec<Segment<'a>>, ModelError> {
        if messages.is_empty() {
            return Err(ModelError::Template("the conversation is empty".to_owned()));
        }
        let turns: Vec<Turn> = messages
            .iter()
            .enumerate()
            .map(|(number, message)| Turn::new(number, message))
            .collect();
        let segments = self
            .render_turns(&turns, messages)
            // Templates that know no system role refuse it: say it at the start of the first turn instead.
            .or_else(|| self.render_turns(&merge_system(&turns), messages))
            .unwrap_or_else(|| built_in(messages));
        Ok(segments)
    }

    fn render_turns<'a>(&self, turns: &[Turn], messages: &'a [Message]) -> Option<Vec<Segment<'a>>> {
        let messages_value: Vec<_> = turns
            .iter()
            .map(|turn| context! { role => turn.role.as_str(), content => turn.content.clone() })
            .collect();
        let rendered = self
            .environment
            .as_ref()?
            .get_template(NAME)
            .ok()?
            .render(context! {
                messages => messages_value,
                add_generation_prompt => true,
                // Templates of reasoning models then close the thinking part at once: an edit is wanted, not an essay.
                enable_thinking => false,
                bos_token => self.bos.as_str(),
                eos_token => self.eos.as_str(),
            })
            .ok()?;
        split(&rendered, messages)
    }
}

/// Renders a short conversation by any template, for a fuzzer.
pub(crate) fn render_template(source: &str) {
    let message = |role, content: &str| Message {
        role,
        content: content.to_owned(),
    };
    let messages = [message(Role::System, "Rewrite."), message(Role::User, "{{ x }}")];
    let template = ChatTemplate::new(Some(source), "<s>".to_owned(), "</s>".to_owned());
    let rendered = template.render(&messages).unwrap_or_default();
    let contents = rendered.iter().filter(|part| matches!(part, Segment::Content(_)));
    assert_eq!(
        contents.count(),
        messages.len(),
        "every message stands in the prompt once"
    );
}

struct Turn {
    role: Role,
    content: String,
}

impl Turn {
    fn new(number: usize, message: &Message) -> Self {
        Self {
            role: message.role,
            content: format!("{MARK}{number}{MARK}"),
        }
    }
}

fn merge_system(turns: &[Turn]) -> Vec<Turn> {
    let mut merged: Vec<Turn> = Vec::new();
    let mut system = String::new();
    for turn in turns {
        match turn.role {
            Role::System => {
                system.push_str(&turn.content);
                system.push_str("\n\n");
            }
            role => merged.push(Turn {
                role,
                content: std::mem::take(&mut system) + &turn.content,
            }),
        }
    }
    merged
}

/// Puts the contents back in place of their marks; `None` when the template lost, repeated or reordered one.
fn split<'a>(rendered: &str, messages: &'a [Message]) -> Option<Vec<Segment<'a>>> {
    let mut segments = Vec::new();
    // Even parts are the template's, odd parts the numbers between two marks.
    let parts: Vec<&str> = rendered.split(MARK).collect();
    if parts.len() != 2 * messages.len() + 1 {
        return None;
    }
    for (position, part) in parts.into_iter().enumerate() {
        if position % 2 == 0 {
            segments.push(Segment::Template(part.to_owned()));
        } else {
            let number: usize = part.parse().ok()?;
            if number != position / 2 {
                return None;
            }
            segments.push(Segment::Content(&messages[number].content));
        }
    }
    segments.retain(|segment| !matches!(segment, Segment::Template(text) if text.is_empty()));
    Some(segments)
}

fn built_in(messages: &[Message]) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut opening = String::new();
    for message in messages {
        opening.push_str("<|im_start|>");
        opening.push_str(message.role.as_str());
        opening.push('\n');
        segments.push(Segment::Template(std::mem::take(&mut opening)));
        segments.push(Segment::Content(&message.content));
        opening.push_str("<|im_end|>\n");
    }
    opening.push_str("<|im_start|>assistant\n");
    segments.push(Segment::Template(opening));
    segments
}

#[cfg(test)]
mod tests;
