use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::{
    Completion, CompletionRequest, EngineStamp, Finish, LanguageModel, Likelihood, Message, ModelError, Session, Usage,
};
use crate::progress::{Phase, Progress};

const CONTEXT_TOKENS: usize = 8192;
const BYTES_PER_TOKEN: usize = 4;
/// What a chat template would add to each message.
const TOKENS_PER_MESSAGE: usize = 4;

/// A model that answers from a script: one JSON object a line, in order.
///
/// ```json
/// {"reply": "def f():\n    return 1\n", "prompt_contains": ["def f"], "prompt_lacks": ["def g"], "finish": "end_of_turn"}
/// ```
///
/// `reply` is the whole turn or what follows the assistant prefix. A request that its line does not expect is an error
/// which names the line, so a test shows which turn went wrong.
#[derive(Debug)]
pub struct ScriptedModel {
    name: String,
    lines: Vec<Line>,
    next: Mutex<usize>,
}

#[derive(Debug)]
struct Line {
    number: usize,
    turn: Turn,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    reply: String,
    #[serde(default)]
    prompt_contains: Vec<String>,
    #[serde(default)]
    prompt_lacks: Vec<String>,
    #[serde(default)]
    finish: Option<Finish>,
    #[serde(default)]
    mean_log_probability: Option<f32>,
}

impl ScriptedModel {
    /// Reads a script; empty lines are skipped.
    ///
    /// # Errors
    /// [`ModelError::Script`] names the line that is not valid.
    pub fn from_jsonl(name: impl Into<String>, text: &str) -> Result<Self, ModelError> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim().is_empty() {
                let turn = serde_json::from_str(line)
                    .map_err(|error| ModelError::Script(format!("line {number}: {error}")))?;
                lines.push(Line { number, turn });
            }
        }
        Ok(Self {
            name: name.into(),
            lines,
            next: Mutex::new(0),
        })
    }

    /// Returns how many replies have not been asked for.
    pub fn remaining(&self) -> usize {
        self.lines.len() - *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_line(&self) -> Result<&Line, ModelError> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let line = self
            .lines
            .get(*next)
            .ok_or_else(|| ModelError::Script(format!("all {} replies are used up", self.lines.len())))?;
        *next += 1;
        Ok(line)
    }
}

impl LanguageModel for ScriptedModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn digest(&self) -> &str {
        "scripted"
    }

    fn engine(&self) -> EngineStamp {
        EngineStamp::Scripted
    }

    fn context_tokens(&self) -> usize {
        CONTEXT_TOKENS
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len().div_ceil(BYTES_PER_TOKEN)
    }

    fn count_conversation(&self, messages: &[Message]) -> Result<usize, ModelError> {
        let contents: usize = messages
            .iter()
            .map(|message| self.count_tokens(&message.content) + TOKENS_PER_MESSAGE)
            .sum();
        Ok(contents + TOKENS_PER_MESSAGE)
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, ModelError> {
        Ok(Box::new(ScriptedSession { model: self }))
    }
}

struct ScriptedSession<'m> {
    model: &'m ScriptedModel,
}

impl Session for ScriptedSession<'_> {
    fn complete(&mut self, request: &CompletionRequest<'_>, progress: &dyn Progress) -> Result<Completion, ModelError> {
        if progress.cancelled() {
            return Err(ModelError::Cancelled);
        }
        let prompt_tokens = self.model.count_conversation(request.messages)?;
        if prompt_tokens >= CONTEXT_TOKENS {
            return Err(ModelError::ContextFull {
                prompt_tokens,
                context_tokens: CONTEXT_TOKENS,
            });
        }
        let Line { number, turn } = self.model.next_line()?;
        check_prompt(*number, turn, request.messages)?;

        let mut text = turn
            .reply
            .strip_prefix(request.assistant_prefix)
            .unwrap_or(&turn.reply)
            .to_owned();
        let mut finish = turn.finish.unwrap_or(Finish::EndOfTurn);
        let stop = request
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| text.find(stop))
            .min();
        if let Some(stop) = stop {
            text.truncate(stop);
            finish = Finish::StopText;
        }
        let limit = request.max_tokens.saturating_mul(BYTES_PER_TOKEN);
        if text.len() > limit {
            text.truncate((0..=limit).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0));
            finish = Finish::Length;
        }
        if request.exclude.contains(&text) {
            return Err(ModelError::Script(format!(
                "line {number}: the reply is excluded by the request"
            )));
        }
        let completion_tokens = self.model.count_tokens(&text) as u64;
        progress.begin(Phase::Decode, request.max_tokens as u64);
        progress.advance(Phase::Decode, completion_tokens);
        progress.end(Phase::Decode);
        Ok(Completion {
            text,
            finish,
            usage: Usage {
                prompt_tokens: prompt_tokens as u64,
                completion_tokens,
                ..Usage::default()
            },
            mean_log_probability: match request.likelihood {
                Likelihood::NotTold => None,
                Likelihood::Told => turn.mean_log_probability,
            },
        })
    }
}

fn check_prompt(number: usize, turn: &Turn, messages: &[Message]) -> Result<(), ModelError> {
    let said = |wanted: &String| messages.iter().any(|message| message.content.contains(wanted.as_str()));
    if let Some(missing) = turn.prompt_contains.iter().find(|wanted| !said(wanted)) {
        return Err(ModelError::Script(format!(
            "line {number}: the prompt lacks {missing:?}"
        )));
    }
    if let Some(present) = turn.prompt_lacks.iter().find(|wanted| said(wanted)) {
        return Err(ModelError::Script(format!(
            "line {number}: the prompt contains {present:?}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Role, progress::NoProgress};

    fn ask(model: &ScriptedModel, prompt: &str, stop: &[&str], max_tokens: usize) -> Result<Completion, ModelError> {
        let messages = [Message::new(Role::User, prompt)];
        let request = CompletionRequest {
            assistant_prefix: "```\n",
            stop,
            ..CompletionRequest::new(&messages, max_tokens)
        };
        model.session()?.complete(&request, &NoProgress)
    }

    #[test]
    fn replies_come_in_order_without_prefix_and_stop_text() {
        let script = "{\"reply\": \"```\\none\\n```\\nmore\"}\n\n{\"reply\": \"two\", \"finish\": \"length\"}\n";
        let model = ScriptedModel::from_jsonl("script", script).unwrap();
        let one = ask(&model, "a", &["\n```"], 100).unwrap();
        assert_eq!((one.text.as_str(), one.finish), ("one", Finish::StopText));
        let two = ask(&model, "b", &[], 100).unwrap();
        assert_eq!((two.text.as_str(), two.finish), ("two", Finish::Length));
        assert_eq!(model.remaining(), 0);
        assert!(
            ask(&model, "c", &[], 100)
                .unwrap_err()
                .to_string()
                .contains("2 replies")
        );
    }

    #[test]
    fn a_reply_longer_than_asked_for_is_cut() {
        let model = ScriptedModel::from_jsonl("script", r#"{"reply": "äääääääääää"}"#).unwrap();
        let cut = ask(&model, "a", &[], 1).unwrap();
        assert_eq!((cut.text.as_str(), cut.finish), ("ää", Finish::Length));
    }

    #[test]
    fn an_unexpected_prompt_names_the_line() {
        let script = "\n{\"reply\": \"x\", \"prompt_contains\": [\"needle\"], \"prompt_lacks\": [\"straw\"]}";
        let fresh = || ScriptedModel::from_jsonl("script", script).unwrap();
        let lacking = ask(&fresh(), "hay", &[], 9).unwrap_err().to_string();
        assert!(lacking.contains("line 2") && lacking.contains("needle"), "{lacking}");
        let present = ask(&fresh(), "needle straw", &[], 9).unwrap_err().to_string();
        assert!(present.contains("straw"), "{present}");
        assert_eq!(ask(&fresh(), "a needle", &[], 9).unwrap().text, "x");
    }

    #[test]
    fn a_line_that_is_not_a_turn_is_refused() {
        let error = ScriptedModel::from_jsonl("script", "{\"reply\": \"x\"}\n{\"replay\": 1}").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
