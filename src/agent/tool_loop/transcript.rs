use super::seen::Seen;
use crate::agent::AgentError;
use crate::model::{LanguageModel, Message, Role};
use crate::prompt::ChecksOffered;

/// The conversation of a tool loop: an opening, then an action and its result by turns.
pub(super) struct Transcript {
    opening: Vec<Message>,
    turns: Vec<Turn>,
    checks: ChecksOffered,
}

struct Turn {
    said: String,
    /// What the model is told of it.
    told: Vec<Message>,
    /// What is said where there is no room for that.
    short: Vec<Message>,
    /// What it was about, for a person.
    about: String,
    state: TurnState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TurnState {
    Shown,
    Evicted,
}

/// Whether a conversation has room for another answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It has, after the results of these were left out.
    Made(Vec<String>),
    /// It has not, whatever is left out.
    None,
}

impl Transcript {
    pub(super) fn new(opening: Vec<Message>, checks: ChecksOffered) -> Self {
        Self {
            checks,
            opening,
            turns: Vec::new(),
        }
    }

    /// Adds an action as it was said, and its result.
    pub(super) fn push(&mut self, said: &str, seen: &Seen, request: &str, steps: u32) -> Result<(), AgentError> {
        self.turns.push(Turn {
            said: said.to_owned(),
            told: seen.message(request, steps, self.checks)?,
            short: seen.left_out()?,
            about: seen.about.clone(),
            state: TurnState::Shown,
        });
        Ok(())
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        let turns = self.turns.iter().flat_map(|turn| {
            let result = match turn.state {
                TurnState::Shown => &turn.told,
                TurnState::Evicted => &turn.short,
            };
            std::iter::once(Message::new(Role::Assistant, turn.said.clone())).chain(result.iter().cloned())
        });
        self.opening.iter().cloned().chain(turns).collect()
    }

    /// Leaves out the oldest results where an answer of `answer_tokens` would not fit the context; then enough of them
    /// for a quarter of the context to be free, since everything behind the first has to be read again. The last result
    /// stays.
    pub(super) fn make_room(&mut self, model: &dyn LanguageModel, answer_tokens: usize) -> Result<Room, AgentError> {
        let most = model.context_tokens().saturating_sub(answer_tokens);
        let mut evicted = Vec::new();
        let mut tokens = model.count_conversation(&self.messages())?;
        if tokens <= most {
            return Ok(Room::Made(evicted));
        }
        let older = self.turns.len().saturating_sub(1);
        for at in 0..older {
            if tokens <= most - most / 4 {
                break;
            }
            let turn = &mut self.turns[at];
            if turn.state == TurnState::Shown {
                turn.state = TurnState::Evicted;
                evicted.push(turn.about.clone());
                tokens = model.count_conversation(&self.messages())?;
            }
        }
        Ok(match tokens <= most {
            true => Room::Made(evicted),
            false => Room::None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::SeenKind;
    use super::*;
    use crate::model::ScriptedModel;

    #[test]
    fn the_oldest_results_go_first_and_the_last_stays() {
        let model = ScriptedModel::from_jsonl("script", "").unwrap();
        let mut transcript = Transcript::new(vec![Message::new(Role::User, "go")], ChecksOffered::No);
        // 8,192 tokens of four bytes: four results of 2,000 tokens fit beside an answer of 100, a fifth does not.
        for at in 0..5 {
            let seen = Seen::new(SeenKind::Shown, format!("file {at}"), format!("{at}").repeat(7_600));
            transcript.push("look", &seen, "do it", 9).unwrap();
            let room = transcript.make_room(&model, 100).unwrap();
            match at {
                4 => assert_eq!(room, Room::Made(vec!["file 0".to_owned(), "file 1".to_owned()])),
                _ => assert_eq!(room, Room::Made(Vec::new())),
            }
        }
        let messages = transcript.messages();
        assert_eq!(messages.len(), 11);
        assert_eq!(messages[2].content, "Left out to save room: file 0.");
        assert!(messages[10].content.contains(&"4".repeat(7_600)));
        // Nothing helps where the last result alone is too long.
        let seen = Seen::new(SeenKind::Shown, "all", "x".repeat(40_000));
        transcript.push("look", &seen, "do it", 8).unwrap();
        assert_eq!(transcript.make_room(&model, 100).unwrap(), Room::None);
    }
}
