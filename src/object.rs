//! A struct that is read from a JSON object and from nothing else.
//!
//! Serde reads a struct from an array too, as its fields in order. Nobody means that who sends JSON: `["Bob"]` would be
//! an author of that name.

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A `T` that was an object.
#[derive(Clone, Copy, Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Object<T>, D::Error> {
        T::deserialize(ByName(source)).map(Object)
    }
}

/// For `deserialize_with` at a field that is a struct.
pub fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<T, D::Error> {
    Object::deserialize(source).map(|Object(value)| value)
}

/// For `deserialize_with` at a field that may be a struct; it needs `default` besides.
pub fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<Option<T>, D::Error> {
    Option::<Object<T>>::deserialize(source).map(|given| given.map(|Object(value)| value))
}

/// Gives a struct its fields by name only.
struct ByName<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ByName<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair {
        a: u8,
        b: Option<u8>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Whole {
        #[serde(deserialize_with = "required")]
        pair: Pair,
        #[serde(default, deserialize_with = "optional")]
        other: Option<Pair>,
    }

    fn read(text: &str) -> Result<Whole, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_read_and_an_array_is_not() {
        let pair = Pair { a: 1, b: Some(2) };
        assert_eq!(read(r#"{"pair": {"b": 2, "a": 1}}"#), Ok(Whole { pair, other: None }));
        assert_eq!(read(r#"{"pair": {"a": 1}, "other": null}"#).unwrap().other, None);
        assert_eq!(read(r#"{"pair": {"a": 1}, "other": {"a": 3}}"#).unwrap().other, Some(Pair { a: 3, b: None }));
        for wrong in [r#"{"pair": [1, 2]}"#, r#"{"pair": {"a": 1}, "other": [1, 2]}"#] {
            assert!(read(wrong).unwrap_err().starts_with("invalid type: sequence, expected struct Pair"), "{wrong}");
        }
        assert!(read(r#"{"pair": null}"#).is_err() && read(r#"{"pair": {"b": 2}}"#).is_err());
    }
}
