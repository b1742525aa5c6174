use std::io::BufRead;

use super::{GgufError, bounded, malformed, reader::Reader};

/// The largest vocabularies in use have about 300,000 tokens, with as many merges.
const MAX_ELEMENTS: u64 = 4 << 20;

/// The type of an array's elements, or of a lone value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    U64,
    I64,
    F64,
}

const ARRAY: u32 = 9;

impl ElementType {
    fn of(id: u32) -> Result<Self, GgufError> {
        Ok(match id {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            8 => Self::String,
            ARRAY => return Err(malformed("an array inside an array")),
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return Err(malformed(format!("value type {id} does not exist"))),
        })
    }

    /// Returns the bytes of one element, or `None` for strings.
    fn bytes(self) -> Option<u64> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::String => None,
        }
    }
}

/// A value of the header; of arrays only the shape, and the first element where it is a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(u64),
    Text(String),
    /// Signed and fractional numbers and booleans, which nothing here asks for.
    Other,
    Array {
        element: ElementType,
        count: u64,
        first: Option<u64>,
    },
}

impl Value {
    pub(super) fn read(reader: &mut Reader<impl BufRead>) -> Result<Self, GgufError> {
        let id = reader.u32()?;
        if id != ARRAY {
            return Self::scalar(reader, ElementType::of(id)?);
        }
        let element = ElementType::of(reader.u32()?)?;
        let count = bounded("array length", reader.u64()?, MAX_ELEMENTS)?;
        let Some(width) = element.bytes() else {
            for _ in 0..count {
                reader.skip_string()?;
            }
            return Ok(Self::Array {
                element,
                count,
                first: None,
            });
        };
        let mut first = None;
        if count > 0 {
            if let Self::Number(number) = Self::scalar(reader, element)? {
                first = Some(number);
            }
            // Neither factor reaches 2^23.
            reader.skip((count - 1) * width)?;
        }
        Ok(Self::Array { element, count, first })
    }

    /// Returns the number; of an array (a setting for each block) the first.
    pub(super) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Array { first, .. } => *first,
            Self::Text(_) | Self::Other => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<(ElementType, u64)> {
        match self {
            Self::Array { element, count, .. } => Some((*element, *count)),
            _ => None,
        }
    }

    fn scalar(reader: &mut Reader<impl BufRead>, element: ElementType) -> Result<Self, GgufError> {
        Ok(match element {
            ElementType::U8 => Self::Number(reader.array::<1>()?[0].into()),
            ElementType::U16 => Self::Number(u16::from_le_bytes(reader.array()?).into()),
            ElementType::U32 => Self::Number(reader.u32()?.into()),
            ElementType::U64 => Self::Number(reader.u64()?),
            ElementType::I8 => Self::signed(i8::from_le_bytes(reader.array()?).into()),
            ElementType::I16 => Self::signed(i16::from_le_bytes(reader.array()?).into()),
            ElementType::I32 => Self::signed(i32::from_le_bytes(reader.array()?).into()),
            ElementType::I64 => Self::signed(i64::from_le_bytes(reader.array()?)),
            ElementType::F32 => {
                reader.skip(4)?;
                Self::Other
            }
            ElementType::F64 => {
                reader.skip(8)?;
                Self::Other
            }
            // llama.cpp reads these bytes as a C++ bool, in which any value but 0 and 1 is undefined.
            ElementType::Bool => match reader.array::<1>()?[0] {
                0 | 1 => Self::Other,
                other => return Err(malformed(format!("{other} is not a boolean"))),
            },
            ElementType::String => Self::Text(reader.string()?),
        })
    }

    fn signed(number: i64) -> Self {
        u64::try_from(number).map_or(Self::Other, Self::Number)
    }
}
