use crate::StoreError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// The name of an object: parts of `A–Z a–z 0–9 . _ - + = @`, with `/` between them.
///
/// Fits every kind of store and every file system, and cannot point outside: no part is empty or
/// begins with a dot. At most 512 bytes, and 200 in one part.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The longest key, in bytes.
    pub const MAX: usize = 512;
    /// The longest part between two `/`, in bytes: below what file systems allow.
    pub const MAX_PART: usize = 200;

    /// A key from its text.
    ///
    /// # Errors
    /// [`StoreError::BadKey`] when the text is none.
    pub fn new(text: impl Into<String>) -> Result<Self, StoreError> {
        let text = text.into();
        let sane = |part: &str| {
            !part.is_empty()
                && part.len() <= Self::MAX_PART
                && !part.starts_with('.')
                && part.bytes().all(is_key_byte)
        };
        if text.len() <= Self::MAX && text.split('/').all(sane) {
            Ok(Self(text))
        } else {
            Err(StoreError::BadKey(text))
        }
    }

    /// The key of `part` under this one.
    ///
    /// # Errors
    /// [`StoreError::BadKey`] when that is none.
    pub fn join(&self, part: impl fmt::Display) -> Result<Self, StoreError> {
        Self::new(format!("{self}/{part}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::new(text)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+=@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_key_cannot_point_outside_or_surprise_a_file_system() {
        for good in [
            "a",
            "a/b.mp4",
            "renders/x=1/0008+.mp4",
            &format!("{}b", "a/".repeat(200)),
        ] {
            assert_eq!(good.parse::<Key>().unwrap().as_str(), good);
        }
        let long = "a".repeat(201);
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            ".tmp",
            "a/.b",
            "a b",
            "a\\b",
            "ä",
            "a\0",
            "a\n",
            "a:b",
            "a*",
            &long,
            &"a/".repeat(300),
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }
}
