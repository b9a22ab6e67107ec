//! Compiled code on disk, sealed.
//!
//! Loading machine code is as good as running it, so nothing is loaded that this host did not write: a file's name
//! says which component, which wasmtime and which settings, and its first 32 bytes are an HMAC-SHA256 of name and
//! content under a key that only the host has. What is checked is what is mapped: the bytes are copied into a memory
//! file, sealed against change there, and mapped from it. A file that does not fit is ignored and made anew.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use hookyard_model::plugin::Digest;
use rustix::fs::{MemfdFlags, SealFlags};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

const SEAL_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub struct CodeCache {
    folder: PathBuf,
    /// As HMAC-SHA256 wants it: a whole block.
    key: [u8; 64],
    compatibility: String,
}

impl CodeCache {
    /// The cache in `folder`, sealed with `key`.
    #[must_use]
    pub fn new(folder: &Path, key: [u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&key);
        Self { folder: folder.to_owned(), key: block, compatibility: String::new() }
    }

    pub(crate) fn bind(self, compatibility: String) -> Self {
        Self { compatibility, ..self }
    }

    /// Keeps `code` for the component `digest`. What cannot be kept is merely compiled again next time.
    pub(crate) fn keep(&self, digest: Digest, code: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let name = self.name(digest);
        let unfinished = self.folder.join(format!("{name}.{}.new", std::process::id()));
        let mut file = std::fs::File::create(&unfinished)?;
        file.write_all(&self.seal(&name, code).finalize().into_bytes())?;
        file.write_all(code)?;
        drop(file);
        std::fs::rename(&unfinished, self.folder.join(name))
    }

    /// The code for `digest`, if it is here and sealed by us.
    pub(crate) fn find(&self, digest: Digest) -> Option<Vec<u8>> {
        let name = self.name(digest);
        let mut file = std::fs::read(self.folder.join(&name)).ok()?;
        let code = file.split_off_checked(SEAL_BYTES)?;
        if self.seal(&name, &code).verify_slice(&file).is_err() {
            tracing::warn!(component.digest = %digest, "compiled code in the cache is not sealed by this host; compiling again");
            return None;
        }
        Some(code)
    }

    fn name(&self, digest: Digest) -> String {
        format!("{digest}-{}.cwasm", self.compatibility)
    }

    fn seal(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        <Hmac<Sha256> as KeyInit>::new(&self.key.into())
            .chain_update(name.as_bytes())
            .chain_update([0])
            .chain_update(code)
    }
}

trait SplitOffChecked {
    fn split_off_checked(&mut self, at: usize) -> Option<Vec<u8>>;
}

impl SplitOffChecked for Vec<u8> {
    fn split_off_checked(&mut self, at: usize) -> Option<Vec<u8>> {
        (self.len() >= at).then(|| self.split_off(at))
    }
}

/// Maps machine code that [`CodeCache::find`] or the compiler vouched for.
pub(crate) fn map(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    let memory = rustix::fs::memfd_create("hookyard-code", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = std::fs::File::from(memory);
    file.write_all(code)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    #[expect(
        unsafe_code,
        reason = "the code comes from our compiler, directly or under our seal, and cannot change any more"
    )]
    // SAFETY: see above; the file is sealed and lives as long as its mapping.
    unsafe {
        Component::deserialize_file(engine, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_host_sealed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::new(folder.path(), [1; 32]).bind("v1".into());
        let digest = Digest::of(b"component");
        cache.keep(digest, b"code").unwrap();
        assert_eq!(cache.find(digest).as_deref(), Some(&b"code"[..]));
        assert_eq!(cache.find(Digest::of(b"other")), None);
        assert_eq!(CodeCache::new(folder.path(), [2; 32]).bind("v1".into()).find(digest), None, "another host's key");

        let path = folder.path().join(cache.name(digest));
        let sealed = std::fs::read(&path).unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert_eq!(cache.find(digest), None, "byte {place}");
        }
        std::fs::write(&path, &sealed[..16]).unwrap();
        assert_eq!(cache.find(digest), None, "cut");
        std::fs::write(folder.path().join(cache.name(Digest::of(b"other"))), &sealed).unwrap();
        assert_eq!(cache.find(Digest::of(b"other")), None, "another component's code under this name");
    }
}
