use super::step::StepOutcome;
use crate::model::Message;
use crate::prompt::{ChecksOffered, PromptError, ResultPrompt, Template, fence_for};
use crate::text::shortened;

/// So much of the request is repeated behind every result.
const REQUEST_CHARS: usize = 400;

/// What came of an action, for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: SeenKind,
    /// What it is about, in a few words.
    pub(super) about: String,
    /// What there is to see: data of the repository, or a reason.
    pub(super) text: String,
    /// Definitions that are named beside the text.
    pub(super) names: Vec<String>,
    /// How much of what there is to see is not shown.
    pub(super) left_out: usize,
}

/// What kind of thing came of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeenKind {
    Shown,
    Nothing,
    Unused,
    Changed,
    Unchanged,
    Failed,
    CheckPassed,
    CheckFailed,
    Repeated,
    NotShown,
    Unreadable,
    Refused,
    NothingChanged,
}

impl SeenKind {
    /// Returns the name that the template knows.
    fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Nothing => "nothing",
            Self::Unused => "unused",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::CheckPassed => "check_passed",
            Self::CheckFailed => "check_failed",
            Self::Repeated => "repeated",
            Self::NotShown => "not_shown",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::NothingChanged => "nothing_changed",
        }
    }

    /// Returns what is reported of the step.
    pub(super) fn outcome(self) -> StepOutcome {
        match self {
            Self::Shown | Self::Changed | Self::CheckPassed => StepOutcome::Done,
            Self::Nothing | Self::Unused | Self::Unchanged => StepOutcome::Nothing,
            Self::Failed | Self::CheckFailed => StepOutcome::Failed,
            Self::Repeated => StepOutcome::Repeated,
            Self::NotShown | Self::Unreadable | Self::Refused | Self::NothingChanged => StepOutcome::Refused,
        }
    }
}

impl Seen {
    pub(super) fn new(kind: SeenKind, about: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            kind,
            about: about.into(),
            text: text.into(),
            names: Vec::new(),
            left_out: 0,
        }
    }

    /// Returns what the model is told, with the request and how many actions are left.
    pub(super) fn message(
        &self,
        request: &str,
        steps: u32,
        checks: ChecksOffered,
    ) -> Result<Vec<Message>, PromptError> {
        ResultPrompt {
            kind: self.kind.as_str(),
            about: &self.about,
            text: &self.text,
            names: &self.names.join(", "),
            left_out: self.left_out,
            request: &shortened(request, REQUEST_CHARS),
            steps,
            checks,
            fence: &fence_for(&[&self.text, request]),
        }
        .messages()
    }

    /// Returns what stands in the place of the message where there is no room for it.
    pub(super) fn left_out(&self) -> Result<Vec<Message>, PromptError> {
        ResultPrompt {
            kind: "left_out",
            about: &self.about,
            text: "",
            names: "",
            left_out: 0,
            request: "",
            steps: 0,
            checks: ChecksOffered::No,
            fence: "",
        }
        .messages()
    }
}
