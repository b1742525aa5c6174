use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::ModelError;

/// Levels of schemas inside schemas.
const MAX_DEPTH: usize = 32;
/// Schemas, and elements that repetitions become: what setting a grammar up costs goes with these.
const MAX_RULES: u64 = 16_384;
/// Properties of an object, values of `enum`, schemas of `anyOf`: the time of a step grows with their square.
const MAX_LISTED: usize = 512;
/// llama.cpp takes a longer repetition for one without an end.
const MAX_REPETITION: u64 = 2_000;
const MAX_GRAMMAR_BYTES: usize = 1 << 20;
/// Keywords that say nothing about values.
const ANNOTATIONS: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// What every schema may use. Numbers are short enough to be read back as they were written, halves of surrogate pairs are
/// no text, and white space is at most one blank: each blank is a token.
const TERMINALS: &str = r#"gap ::= " "?
integer ::= "0" | "-"? [1-9] [0-9]{0,15}
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
hex ::= [0-9a-fA-F]
char ::= [ !#-\[\]-~\x80-\uD7FF\uE000-\U0010FFFF] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-Ce-fE-F] hex hex hex | [dD] [0-7] hex hex))
"#;

/// A JSON schema that an answer can be made to follow, as the grammar that it was turned into once.
///
/// It knows a subset of JSON Schema 2020-12: `type` (one or several), `enum`, `const`, `anyOf`; `properties`, `required` and
/// `additionalProperties: false` of objects; `items`, `minItems`, `maxItems` of arrays; `minLength`, `maxLength` of strings.
/// Annotations are passed over. Objects are written without other properties, those of `required` first in its order, the
/// others after them by name. A string without `maxLength` may be as long as the model likes, and be cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSchema {
    grammar: Arc<str>,
}

impl JsonSchema {
    /// Turns a schema into a grammar.
    ///
    /// # Errors
    /// [`ModelError::Grammar`] when it says something outside of the subset, allows no value at all, or is too large or too
    /// deep; the message names the place as a JSON pointer.
    pub fn new(schema: &Value) -> Result<Self, ModelError> {
        let mut rules = Rules {
            text: TERMINALS.to_owned(),
            count: 0,
        };
        let root = rules.value(schema, &Place::ROOT)?;
        rules.text.push_str(&format!("root ::= {root}\n"));
        Ok(Self {
            grammar: rules.text.into(),
        })
    }

    /// Reads a schema and turns it into a grammar.
    ///
    /// # Errors
    /// [`ModelError::Grammar`] when it is no JSON, and those of [`JsonSchema::new`].
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let schema: Value = serde_json::from_str(text)
            .map_err(|error| ModelError::Grammar(format!("the schema is no JSON: {error}")))?;
        Self::new(&schema)
    }

    /// Returns the grammar, in GBNF, with the start rule `root`.
    pub fn grammar(&self) -> &str {
        &self.grammar
    }
}

/// A schema inside the schema.
struct Place {
    pointer: String,
    depth: usize,
}

impl Place {
    const ROOT: Self = Self {
        pointer: String::new(),
        depth: 0,
    };

    fn below(&self, steps: &[&str]) -> Self {
        let mut pointer = self.pointer.clone();
        for step in steps {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        Self {
            pointer,
            depth: self.depth + 1,
        }
    }

    fn wrong(&self, what: impl std::fmt::Display) -> ModelError {
        ModelError::Grammar(format!("JSON schema at \"{}\": {what}", self.pointer))
    }
}

/// The grammar as it grows.
struct Rules {
    text: String,
    count: u64,
}

impl Rules {
    /// Adds a rule of the given weight and returns its name.
    fn add(&mut self, body: &str, weight: u64, place: &Place) -> Result<String, ModelError> {
        self.count = self.count.saturating_add(weight.max(1));
        let name = format!("r{}", self.count);
        self.text.push_str(&format!("{name} ::= {body}\n"));
        if self.count > MAX_RULES || self.text.len() > MAX_GRAMMAR_BYTES {
            return Err(place.wrong("the schema is too large up to here"));
        }
        Ok(name)
    }

    /// Returns the name of the rule for the values of a schema.
    fn value(&mut self, schema: &Value, place: &Place) -> Result<String, ModelError> {
        if place.depth > MAX_DEPTH {
            return Err(place.wrong(format!("more than {MAX_DEPTH} levels")));
        }
        let Value::Object(schema) = schema else {
            return Err(place.wrong("a schema has to be an object"));
        };
        if let Some(alternatives) = schema.get("anyOf") {
            only(schema, &["anyOf"], place)?;
            return self.any_of(alternatives, place);
        }
        let types = types(schema, place)?;
        if schema.contains_key("enum") || schema.contains_key("const") {
            only(schema, &["enum", "const", "type"], place)?;
            return self.literals(schema, &types, place);
        }
        if types.is_empty() {
            return Err(place.wrong("it needs one of type, enum, const and anyOf"));
        }
        let known: Vec<&str> = types.iter().flat_map(|name| name.keywords()).copied().collect();
        only(schema, &[&["type"], known.as_slice()].concat(), place)?;
        let rules: Vec<String> = types
            .iter()
            .map(|name| match name {
                Type::Object => self.object(schema, place),
                Type::Array => self.array(schema, place),
                Type::String => self.string(schema, place),
                Type::Integer => Ok("integer".to_owned()),
                Type::Number => Ok("number".to_owned()),
                Type::Boolean => Ok("boolean".to_owned()),
                Type::Null => Ok("null".to_owned()),
            })
            .collect::<Result<_, _>>()?;
        match rules.as_slice() {
            [one] => Ok(one.clone()),
            many => self.add(&many.join(" | "), 1, place),
        }
    }

    fn any_of(&mut self, alternatives: &Value, place: &Place) -> Result<String, ModelError> {
        let alternatives = list(alternatives, "anyOf", place)?;
        let rules: Vec<String> = alternatives
            .iter()
            .enumerate()
            .map(|(number, schema)| self.value(schema, &place.below(&["anyOf", &number.to_string()])))
            .collect::<Result<_, _>>()?;
        self.add(&rules.join(" | "), 1, place)
    }

    fn literals(&mut self, schema: &Map<String, Value>, types: &[Type], place: &Place) -> Result<String, ModelError> {
        let constant = schema.get("const");
        let listed = match schema.get("enum") {
            Some(values) => list(values, "enum", place)?,
            None => constant.map(std::slice::from_ref).unwrap_or_default(),
        };
        let fits = |value: &Value| types.is_empty() || types.iter().any(|name| name.has(value));
        let literals: Vec<String> = listed
            .iter()
            .filter(|value| fits(value) && constant.is_none_or(|constant| constant == *value))
            .map(|value| terminal(&value.to_string()))
            .collect();
        if literals.is_empty() {
            return Err(place.wrong("no value is allowed"));
        }
        self.add(&literals.join(" | "), 1, place)
    }

    fn string(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<String, ModelError> {
        let (least, most) = bounds(schema, "minLength", "maxLength", place)?;
        match (least, most) {
            (0, None) => self.add(r#""\"" char* "\"""#, 1, place),
            (least, None) => self.add(&format!(r#""\"" char{{{least},}} "\"""#), least, place),
            (_, Some(0)) => self.add(r#""\"\"""#, 1, place),
            (least, Some(most)) => self.add(&format!(r#""\"" char{{{least},{most}}} "\"""#), most, place),
        }
    }

    fn array(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<String, ModelError> {
        let (least, most) = bounds(schema, "minItems", "maxItems", place)?;
        if most == Some(0) {
            return self.add(r#""[]""#, 1, place);
        }
        let items = schema.get("items").ok_or_else(|| place.wrong("an array needs items"))?;
        let item = self.value(items, &place.below(&["items"]))?;
        let next = self.add(&format!(r#""," gap {item}"#), 1, place)?;
        let others = match (least.saturating_sub(1), most.map(|most| most - 1)) {
            (0, None) => format!("{next}*"),
            (least, None) => format!("{next}{{{least},}}"),
            (_, Some(0)) => String::new(),
            (least, Some(most)) => format!("{next}{{{least},{most}}}"),
        };
        let empty = if least == 0 { r#""[]" | "# } else { "" };
        self.add(
            &format!(r#"{empty}"[" {item} {others} "]""#),
            most.unwrap_or(least),
            place,
        )
    }

    fn object(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<String, ModelError> {
        match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => {}
            Some(_) => return Err(place.wrong("additionalProperties can only be false")),
        }
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return Err(place.wrong("an object needs properties"));
        };
        if properties.len() > MAX_LISTED {
            return Err(place.wrong(format!("more than {MAX_LISTED} properties")));
        }
        let required: Vec<&str> = match schema.get("required") {
            None => Vec::new(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(place.wrong("required has to be a list of names")),
        };
        if let Some(unknown) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(place.wrong(format!("the required {unknown:?} is not among the properties")));
        }
        let mut seen = BTreeSet::new();
        let first: Vec<&str> = required.into_iter().filter(|name| seen.insert(*name)).collect();
        let others: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        let others = others.difference(&seen).copied();

        // From the last to the first: each rule is what may follow a property.
        let mut members = Vec::new();
        for name in first.iter().copied().chain(others) {
            let value = self.value(&properties[name], &place.below(&["properties", name]))?;
            let key = terminal(&format!("{}:", Value::from(name)));
            members.push((self.add(&format!("{key} gap {value}"), 1, place)?, seen.contains(name)));
        }
        let mut rest = String::new();
        let mut rests = vec![rest.clone()];
        for (member, is_required) in members.iter().rev() {
            let or_not = if *is_required { "" } else { "?" };
            rest = self.add(&format!(r#"("," gap {member}){or_not} {rest}"#), 1, place)?;
            rests.push(rest.clone());
        }
        rests.reverse();
        // One of those up to the first that is required comes first.
        let mut beginnings = Vec::new();
        let mut may_be_empty = true;
        for ((member, is_required), rest) in members.iter().zip(&rests[1..]) {
            beginnings.push(format!("{member} {rest}"));
            if *is_required {
                may_be_empty = false;
                break;
            }
        }
        if may_be_empty {
            beginnings.push("\"\"".to_owned());
        }
        self.add(&format!(r#""{{" ({}) "}}""#, beginnings.join(" | ")), 1, place)
    }
}

/// The types of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    Null,
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "null" => Self::Null,
            _ => return None,
        })
    }

    fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Object => &["properties", "required", "additionalProperties"],
            Self::Array => &["items", "minItems", "maxItems"],
            Self::String => &["minLength", "maxLength"],
            Self::Integer | Self::Number | Self::Boolean | Self::Null => &[],
        }
    }

    fn has(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
        }
    }
}

/// Returns the types that a schema names; none where it names none.
fn types(schema: &Map<String, Value>, place: &Place) -> Result<Vec<Type>, ModelError> {
    let names = match schema.get("type") {
        None => return Ok(Vec::new()),
        Some(Value::Array(names)) if !names.is_empty() => names.as_slice(),
        Some(name) => std::slice::from_ref(name),
    };
    names
        .iter()
        .map(|name| {
            let known = name.as_str().and_then(Type::named);
            known.ok_or_else(|| place.wrong(format!("there is no type {name}")))
        })
        .collect()
}

/// Refuses keywords that are not obeyed.
fn only(schema: &Map<String, Value>, known: &[&str], place: &Place) -> Result<(), ModelError> {
    let unknown = |name: &&String| !known.contains(&name.as_str()) && !ANNOTATIONS.contains(&name.as_str());
    match schema.keys().find(unknown) {
        Some(name) => Err(place.wrong(format!("{name:?} is not supported here"))),
        None => Ok(()),
    }
}

fn list<'v>(value: &'v Value, keyword: &str, place: &Place) -> Result<&'v [Value], ModelError> {
    match value {
        Value::Array(values) if (1..=MAX_LISTED).contains(&values.len()) => Ok(values),
        _ => Err(place.wrong(format!("{keyword} has to be a list of 1 to {MAX_LISTED}"))),
    }
}

fn bounds(
    schema: &Map<String, Value>,
    least: &str,
    most: &str,
    place: &Place,
) -> Result<(u64, Option<u64>), ModelError> {
    let count = |keyword: &str| match schema.get(keyword) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(count) if count <= MAX_REPETITION => Ok(Some(count)),
            _ => Err(place.wrong(format!("{keyword} has to be a whole number up to {MAX_REPETITION}"))),
        },
    };
    let (least_count, most_count) = (count(least)?.unwrap_or(0), count(most)?);
    match most_count {
        Some(most_count) if most_count < least_count => Err(place.wrong(format!("{least} is more than {most}"))),
        _ => Ok((least_count, most_count)),
    }
}

/// Quotes a text without control characters as a GBNF terminal.
fn terminal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: Value) -> String {
        JsonSchema::new(&schema).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_obeyed_is_refused_by_name_and_place() {
        for (schema, at, what) in [
            (json!(true), "\"\"", "an object"),
            (json!({}), "\"\"", "needs one of"),
            (json!({"type": "text"}), "\"\"", "no type \"text\""),
            (json!({"$ref": "#"}), "\"\"", "needs one of"),
            (json!({"type": "string", "pattern": "a"}), "\"\"", "\"pattern\""),
            (json!({"type": "integer", "minimum": 1}), "\"\"", "\"minimum\""),
            (json!({"type": "string", "maxLength": 2001}), "\"\"", "maxLength"),
            (json!({"type": "string", "maxLength": -1}), "\"\"", "maxLength"),
            (json!({"type": "array"}), "\"\"", "items"),
            (
                json!({"type": "array", "items": {"oneOf": []}}),
                "\"/items\"",
                "needs one of",
            ),
            (
                json!({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 1}),
                "\"\"",
                "minItems",
            ),
            (json!({"type": "object"}), "\"\"", "properties"),
            (
                json!({"type": "object", "properties": {}, "required": ["a"]}),
                "\"\"",
                "\"a\"",
            ),
            (
                json!({"type": "object", "properties": {}, "additionalProperties": true}),
                "\"\"",
                "only be false",
            ),
            (
                json!({"type": "object", "properties": {"a/b": {"enum": []}}}),
                "\"/properties/a~1b\"",
                "enum",
            ),
            (json!({"enum": [1, 2], "const": 3}), "\"\"", "no value"),
            (json!({"enum": [1, 2], "type": "string"}), "\"\"", "no value"),
            (json!({"anyOf": [{"type": "null"}, 5]}), "\"/anyOf/1\"", "an object"),
            (json!({"anyOf": [{"type": "null"}], "type": "null"}), "\"\"", "\"type\""),
        ] {
            let message = refused(schema.clone());
            assert!(message.contains(at) && message.contains(what), "{schema}: {message}");
        }
    }

    #[test]
    fn a_schema_too_deep_or_too_large_is_refused() {
        let mut deep = json!({"type": "null"});
        for _ in 0..200 {
            deep = json!({"type": "array", "items": deep});
        }
        assert!(refused(deep).contains("32 levels"));
        assert!(JsonSchema::parse(&"[".repeat(100_000)).is_err());

        let long = json!({"type": "string", "maxLength": 2_000});
        let strings: Map<String, Value> = (0..9).map(|number| (format!("p{number}"), long.clone())).collect();
        assert!(refused(json!({"type": "object", "properties": strings})).contains("too large"));
        let constants: Vec<String> = (0..512)
            .map(|number| format!("{number}{}", "x".repeat(3_000)))
            .collect();
        assert!(refused(json!({"enum": constants})).contains("too large"));
        let numbers: Vec<u32> = (0..513).collect();
        assert!(refused(json!({"enum": numbers})).contains("1 to 512"));
        let many: Map<String, Value> = (0..513)
            .map(|number| (format!("p{number}"), json!({"type": "null"})))
            .collect();
        assert!(refused(json!({"type": "object", "properties": many})).contains("512 properties"));
    }

    #[test]
    fn names_and_values_cannot_break_out_of_their_quotes() {
        let schema = json!({"type": "object", "properties": {"a\"\n\\": {"const": "\u{1}\"é"}}});
        let grammar = JsonSchema::new(&schema).unwrap();
        assert!(
            grammar.grammar().contains(r#""\"a\\\"\\n\\\\\":" gap"#),
            "{}",
            grammar.grammar()
        );
        assert!(
            grammar.grammar().contains(r#""\"\\u0001\\\"é\"""#),
            "{}",
            grammar.grammar()
        );
    }
}
