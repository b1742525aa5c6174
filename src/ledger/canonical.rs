//! Canonical JSON by RFC 8785, of values whose only numbers are integers.

use serde::Serialize;
use serde_json::Value;

/// The largest integer: above it a reader that keeps numbers as doubles would see another one (RFC 7493, 2.2).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a value or a line is not canonical.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// The bytes are not JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// A number is not an integer, or too large for one.
    #[error("{0} is not an integer between -(2^53 - 1) and 2^53 - 1")]
    Number(String),
    /// The bytes are JSON, written in another way.
    #[error("it is JSON that is not in the canonical form, from byte {0} on")]
    Form(usize),
}

/// Returns the canonical form of a value.
pub(super) fn text(value: &impl Serialize) -> Result<String, CanonicalError> {
    let value = serde_json::to_value(value).map_err(CanonicalError::Json)?;
    let mut out = String::new();
    write(&value, &mut out)?;
    Ok(out)
}

/// Succeeds when a text is the canonical form of the value that was read from it.
pub(super) fn check(value: &impl Serialize, written: &[u8]) -> Result<(), CanonicalError> {
    let canonical = text(value)?;
    if canonical.as_bytes() == written {
        return Ok(());
    }
    let same = canonical.bytes().zip(written).take_while(|(a, b)| a == *b).count();
    Err(CanonicalError::Form(same))
}

fn write(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let integer = number.as_i64().filter(|integer| integer.unsigned_abs() <= MAX_INTEGER);
            let integer = integer.ok_or_else(|| CanonicalError::Number(number.to_string()))?;
            out.push_str(&integer.to_string());
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            // RFC 8785, 3.2.3: by UTF-16 code units, which is not the order of the bytes above U+FFFF.
            members.sort_by(|(a, _), (b, _)| match a.is_ascii() && b.is_ascii() {
                true => a.cmp(b),
                false => a.encode_utf16().cmp(b.encode_utf16()),
            });
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write(value, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Writes a string as RFC 8785, 3.2.2.2 says: escapes only where JSON needs them, the short ones where there are.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            other => out.push_str(&format!("\\u{other:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &[u8]) -> Result<Value, CanonicalError> {
        let value: Value = serde_json::from_slice(text).map_err(CanonicalError::Json)?;
        check(&value, text)?;
        Ok(value)
    }

    #[test]
    fn members_are_sorted_and_strings_escaped_as_the_rfc_says() {
        // The strings and the order of RFC 8785, 3.2.3, without its numbers that are no integers.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
        });
        assert_eq!(
            text(&value).unwrap(),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin Small Letter O With \
             Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet \
             With Dagesh\"}"
        );
        let value = json!({"string": "\u{20ac}$\u{0f}\nA'B\"\\\\\"/", "literals": [null, true, false], "a": -12});
        assert_eq!(
            text(&value).unwrap(),
            "{\"a\":-12,\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    #[test]
    fn numbers_are_integers_that_every_reader_keeps() {
        assert_eq!(
            text(&json!([MAX_INTEGER, -(MAX_INTEGER as i64)])).unwrap(),
            "[9007199254740991,-9007199254740991]"
        );
        for wrong in [
            "1.0",
            "-0",
            "1e2",
            "0.5",
            "9007199254740992",
            "18446744073709551615",
            "1e400",
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(matches!(text(&1.5), Err(CanonicalError::Number(_))));
    }

    #[test]
    fn another_spelling_of_a_value_is_refused() {
        let good = r#"{"a":[1,"\u0001\n/é"],"b":{}}"#;
        assert!(parse(good.as_bytes()).is_ok());
        for other in [
            r#"{"b":{},"a":[1,"\u0001\n/é"]}"#,
            r#"{"a":[1,"\u0001\n\/é"],"b":{}}"#,
            r#"{"a":[1,"\u0001\u000a/é"],"b":{}}"#,
            r#"{"a":[1,"\u0001\n/\u00e9"],"b":{}}"#,
            r#"{"a":[01,"\u0001\n/é"],"b":{}}"#,
            r#"{"a": [1,"\u0001\n/é"],"b":{}}"#,
            r#"{"a":0,"a":[1,"\u0001\n/é"],"b":{}}"#,
            "{\"a\":[1,\"\\u0001\\n/é\"],\"b\":{}}\n",
        ] {
            assert!(parse(other.as_bytes()).is_err(), "{other}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(MAX_INTEGER as i64)..=MAX_INTEGER as i64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_has_one_form(value in values()) {
            let written = text(&value).unwrap();
            let read = parse(written.as_bytes()).unwrap();
            prop_assert_eq!(&read, &value);
            prop_assert_eq!(text(&read).unwrap(), written.clone());
            // Another reader agrees on the strings.
            let by_serde: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(by_serde, value);
        }
    }
}
