//! The master key: 32 bytes from which every other key of a Hookyard is derived, and which no row holds.
//!
//! It comes from the operator, or from a file that the first start makes and only its owner may read. A database
//! that was sealed under another one does not open.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::OpenError;

/// The longest text that could be a key, with some white space around it.
const FILE_BYTES_MAX: u64 = 256;

/// The master key. It prints as `[redacted]` and is wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads base64, padded or not.
    ///
    /// # Errors
    /// [`OpenError::NotAMasterKey`].
    pub fn from_base64(text: &str) -> Result<Self, OpenError> {
        let text = text.trim().as_bytes();
        let bytes = BASE64.decode(text).or_else(|_| BASE64_NOPAD.decode(text));
        Self::from_bytes(bytes.map_err(|_| OpenError::NotAMasterKey)?)
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`OpenError::NotAMasterKey`].
    pub fn from_hex(text: &str) -> Result<Self, OpenError> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes());
        Self::from_bytes(bytes.map_err(|_| OpenError::NotAMasterKey)?)
    }

    /// Reads either, as an operator may have written it. (32 bytes in base64 have 43 or 44 characters, in
    /// hexadecimal 64: no text is both.)
    ///
    /// # Errors
    /// [`OpenError::NotAMasterKey`].
    pub fn from_text(text: &str) -> Result<Self, OpenError> {
        Self::from_hex(text).or_else(|_| Self::from_base64(text))
    }

    /// Reads the key file, or makes one that only its owner may read. Blocks; called once at the start.
    ///
    /// # Errors
    /// The file cannot be used, or holds something else.
    pub fn load_or_create(path: &Path) -> Result<Self, OpenError> {
        let file_error = |source| OpenError::File { path: path.display().to_string(), source };
        match create(path) {
            Ok(mut file) => {
                let mut key = Zeroizing::new([0; 32]);
                getrandom::fill(key.as_mut_slice()).map_err(|error| file_error(io::Error::other(error)))?;
                let text = Zeroizing::new(BASE64.encode(key.as_slice()) + "\n");
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(file_error)?;
                Ok(Self(key))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut text = Zeroizing::new(String::new());
                let file = File::open(path).map_err(file_error)?;
                file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(file_error)?;
                Self::from_text(&text)
            }
            Err(error) => Err(file_error(error)),
        }
    }

    /// The key for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let info = [b"hookyard/1/", purpose.as_bytes()];
        let expanded = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand_multi_info(&info, key.as_mut_slice());
        debug_assert!(expanded.is_ok(), "HKDF-SHA256 gives up to 8,160 bytes, and 32 are asked for");
        key
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        let bytes = Zeroizing::new(bytes);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| OpenError::NotAMasterKey)?;
        Ok(Self(Zeroizing::new(key)))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_in_base64_and_hexadecimal_and_nothing_else() {
        let hex = MasterKey::from_text(&"07".repeat(32)).unwrap();
        let base64 = MasterKey::from_text(" BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
        assert_eq!(hex.derive("x"), base64.derive("x"));
        assert_ne!(hex.derive("x"), hex.derive("y"));
        for text in ["", "07", "not a key", &"07".repeat(33)] {
            assert!(matches!(MasterKey::from_text(text), Err(OpenError::NotAMasterKey)), "{text:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::load_or_create(&path).unwrap();
        let read = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(made.derive("x"), read.derive("x"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
