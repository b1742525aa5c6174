//! What `--check` and the settings name: commands of the shell, or profiles, whose commands are those of skiff.

use std::str::FromStr;

use serde::Deserialize;

use crate::repo::Repository;
use crate::sandbox::{CheckProfile, EXAMPLES_COMMAND};

/// One of the checks that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum CheckChoice {
    /// A command of the shell.
    Line(String),
    /// The commands of a profile: `@cargo`.
    Profile(CheckProfile),
    /// Those of the one profile that fits the work tree: `@auto`.
    Auto,
    /// The examples that the request, a failure, comments and the model give: `@examples`.
    Examples,
}

/// `@auto` does not say what to run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AutoError {
    /// It looks like nothing that is known.
    #[error("`--check @auto`: no check profile fits this work tree")]
    NoneFits,
    /// It looks like several things.
    #[error("`--check @auto`: several check profiles fit this work tree: {}", names(.0))]
    SeveralFit(Vec<CheckProfile>),
}

impl CheckChoice {
    const AUTO: &'static str = "auto";
    const EXAMPLES: &'static str = "examples";
}

impl FromStr for CheckChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            None if text.trim().is_empty() => Err("a command is needed".to_owned()),
            None => Ok(Self::Line(text.to_owned())),
            Some(Self::AUTO) => Ok(Self::Auto),
            Some(Self::EXAMPLES) => Ok(Self::Examples),
            Some(name) => name.parse().map(Self::Profile).map_err(|unknown| {
                let profiles = names(&CheckProfile::ALL);
                format!("{unknown}; known are @{}, @{}, {profiles}", Self::AUTO, Self::EXAMPLES)
            }),
        }
    }
}

impl TryFrom<String> for CheckChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Returns the command lines of checks, in their order. The work tree is looked at where `@auto` asks for it, and only
/// there: by a process that has its role.
///
/// # Errors
/// [`AutoError`], and what keeps the work tree from being read.
pub(crate) fn lines(
    choices: &[CheckChoice],
    look: impl Fn() -> anyhow::Result<Vec<CheckProfile>>,
) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for choice in choices {
        let profile = match choice {
            CheckChoice::Line(line) => {
                lines.push(line.clone());
                continue;
            }
            CheckChoice::Examples => {
                lines.push(EXAMPLES_COMMAND.to_owned());
                continue;
            }
            CheckChoice::Profile(profile) => *profile,
            CheckChoice::Auto => match look()?[..] {
                [] => return Err(AutoError::NoneFits.into()),
                [only] => only,
                ref several => return Err(AutoError::SeveralFit(several.to_vec()).into()),
            },
        };
        lines.extend(profile.commands().iter().map(|line| (*line).to_owned()));
    }
    Ok(lines)
}

/// Returns the profiles that fit the work tree of a repository.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn detect(repository: &Repository) -> anyhow::Result<Vec<CheckProfile>> {
    Ok(CheckProfile::detect(&repository.snapshot()?))
}

/// Returns one line that offers what fits; none where nothing does. `passed_on` are the variables that commands are given.
pub(crate) fn offer(detected: &[CheckProfile], passed_on: &[String]) -> Option<String> {
    match detected {
        [] => None,
        [profile] => {
            let commands: Vec<String> = profile.commands().iter().map(|line| format!("`{line}`")).collect();
            let missing: Vec<&str> = profile
                .variables()
                .iter()
                .filter(|name| !passed_on.iter().any(|passed_on| passed_on == *name))
                .copied()
                .collect();
            let toolchain = match missing[..] {
                [] => String::new(),
                _ => format!(
                    "; a toolchain in the home is named in `check_env`: {}",
                    missing.join(", ")
                ),
            };
            Some(format!(
                "this looks like {}: `--check {profile}` runs {}{toolchain}",
                profile.project(),
                commands.join(" and ")
            ))
        }
        several => {
            let each = several
                .iter()
                .map(|profile| format!("{} (`--check {profile}`)", profile.project()));
            Some(format!("this looks like {}", each.collect::<Vec<_>>().join(", ")))
        }
    }
}

fn names(profiles: &[CheckProfile]) -> String {
    let names: Vec<String> = profiles.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str]) -> Vec<CheckChoice> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn profiles_stand_for_their_commands_in_order() {
        let never = || panic!("nobody asked to look");
        let found = lines(&choices(&["true", "@make", "@cargo"]), never).unwrap();
        assert_eq!(found[..2], ["true", "make test"]);
        assert_eq!(found[2..], *CheckProfile::Cargo.commands());
        let found = lines(&choices(&["@auto"]), || Ok(vec![CheckProfile::Make])).unwrap();
        assert_eq!(found, ["make test"]);
    }

    #[test]
    fn auto_wants_exactly_one() {
        let auto = choices(&["@auto"]);
        let error = lines(&auto, || Ok(Vec::new())).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(AutoError::NoneFits)));
        let error = lines(&auto, || Ok(vec![CheckProfile::Cargo, CheckProfile::Make])).unwrap_err();
        assert!(error.to_string().ends_with(": @cargo, @make"), "{error}");
    }

    #[test]
    fn wrong_names_and_empty_commands_are_refused() {
        for wrong in ["", "  ", "@", "@Cargo", "@car go", "@cargo test"] {
            assert!(wrong.parse::<CheckChoice>().is_err(), "{wrong:?}");
        }
        assert_eq!("a @cargo".parse(), Ok(CheckChoice::Line("a @cargo".to_owned())));
    }

    #[test]
    fn an_offer_names_commands_and_the_toolchain() {
        assert_eq!(offer(&[], &[]), None);
        let said = offer(&[CheckProfile::Cargo], &["CARGO_HOME".to_owned()]).unwrap();
        assert!(said.contains("`--check @cargo` runs `cargo check"), "{said}");
        assert!(said.ends_with("`check_env`: RUSTUP_HOME"), "{said}");
        let said = offer(&[CheckProfile::Npm, CheckProfile::Make], &[]).unwrap();
        assert!(
            said.contains("(`--check @npm`), a project with `make test` (`--check @make`)"),
            "{said}"
        );
    }
}
