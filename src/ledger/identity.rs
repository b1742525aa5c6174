use std::fs;

use serde::{Deserialize, Serialize};

/// Somebody as the operating system knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The number of the user.
    pub uid: u32,
    /// The name in `/etc/passwd`; none where that has no such number or cannot be read.
    pub name: Option<String>,
}

impl Person {
    /// Returns whom this process works for: its real user, whatever the environment says.
    pub fn of_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        // Not by getpwuid(3), which may ask a name server.
        let name = fs::read("/etc/passwd").ok().and_then(|table| name_of(&table, uid));
        Self { uid, name }
    }

    /// Returns the name, or the number where there is none.
    pub fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("uid {}", self.uid))
    }
}

/// Returns the name of this machine.
pub(super) fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// Finds a number in the form of passwd(5).
fn name_of(table: &[u8], uid: u32) -> Option<String> {
    let table = String::from_utf8_lossy(table);
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number() {
        let table = b"root:x:0:0::/:/bin/sh\n\xff\xfe\n:x:7:7\nshort:x\nada:x:1000:1000:Ada,,,:/:/bin/sh\n";
        assert_eq!(name_of(table, 1000).as_deref(), Some("ada"));
        assert_eq!(name_of(table, 0).as_deref(), Some("root"));
        assert_eq!(name_of(table, 7), None);
        assert_eq!(name_of(table, 100), None);
    }
}
