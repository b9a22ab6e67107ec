//! What a Python component is built with: the SDK's package, and the contract.
//!
//! Both are inside this program, so that a plugin does not depend on what lies on its author's machine. A test holds
//! these lists to the folders.

/// The package `hookyard`, by the path of each file in it.
pub(super) const SDK: [(&str, &str); 28] = [
    ("__init__.py", include_str!("../../../../../sdk/python/hookyard/__init__.py")),
    ("_check.py", include_str!("../../../../../sdk/python/hookyard/_check.py")),
    ("_clock.py", include_str!("../../../../../sdk/python/hookyard/_clock.py")),
    ("_component/__init__.py", include_str!("../../../../../sdk/python/hookyard/_component/__init__.py")),
    ("_component/_absent.py", include_str!("../../../../../sdk/python/hookyard/_component/_absent.py")),
    ("_component/_preload.py", include_str!("../../../../../sdk/python/hookyard/_component/_preload.py")),
    ("_component/convert.py", include_str!("../../../../../sdk/python/hookyard/_component/convert.py")),
    ("_component/destination.py", include_str!("../../../../../sdk/python/hookyard/_component/destination.py")),
    ("_component/flow.py", include_str!("../../../../../sdk/python/hookyard/_component/flow.py")),
    ("_component/host.py", include_str!("../../../../../sdk/python/hookyard/_component/host.py")),
    ("_component/provider.py", include_str!("../../../../../sdk/python/hookyard/_component/provider.py")),
    ("_destination.py", include_str!("../../../../../sdk/python/hookyard/_destination.py")),
    ("_event.py", include_str!("../../../../../sdk/python/hookyard/_event.py")),
    ("_failure.py", include_str!("../../../../../sdk/python/hookyard/_failure.py")),
    ("_flow.py", include_str!("../../../../../sdk/python/hookyard/_flow.py")),
    ("_host.py", include_str!("../../../../../sdk/python/hookyard/_host.py")),
    ("_http.py", include_str!("../../../../../sdk/python/hookyard/_http.py")),
    ("_instant.py", include_str!("../../../../../sdk/python/hookyard/_instant.py")),
    ("_lead.py", include_str!("../../../../../sdk/python/hookyard/_lead.py")),
    ("_manifest.py", include_str!("../../../../../sdk/python/hookyard/_manifest.py")),
    ("_provider.py", include_str!("../../../../../sdk/python/hookyard/_provider.py")),
    ("_registry.py", include_str!("../../../../../sdk/python/hookyard/_registry.py")),
    ("log.py", include_str!("../../../../../sdk/python/hookyard/log.py")),
    ("proof.py", include_str!("../../../../../sdk/python/hookyard/proof.py")),
    ("py.typed", include_str!("../../../../../sdk/python/hookyard/py.typed")),
    ("secrets.py", include_str!("../../../../../sdk/python/hookyard/secrets.py")),
    ("state.py", include_str!("../../../../../sdk/python/hookyard/state.py")),
    ("testing.py", include_str!("../../../../../sdk/python/hookyard/testing.py")),
];

/// The contract.
pub(super) const WIT: [(&str, &str); 6] = [
    ("destination.wit", include_str!("../../../../../wit/destination.wit")),
    ("flow.wit", include_str!("../../../../../wit/flow.wit")),
    ("host.wit", include_str!("../../../../../wit/host.wit")),
    ("manifests.wit", include_str!("../../../../../wit/manifests.wit")),
    ("provider.wit", include_str!("../../../../../wit/provider.wit")),
    ("types.wit", include_str!("../../../../../wit/types.wit")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("__pycache__") => {}
                true => found.extend(files(&path)),
                false => found.push(path),
            }
        }
        found
    }

    #[test]
    fn every_file_of_the_sdk_and_of_the_contract_is_here() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (folder, list) in [("sdk/python/hookyard", SDK.as_slice()), ("wit", WIT.as_slice())] {
            let folder = root.join(folder);
            let mut there: Vec<_> =
                files(&folder).iter().map(|file| file.strip_prefix(&folder).unwrap().to_owned()).collect();
            there.sort();
            let mut here: Vec<_> = list.iter().map(|(path, _)| PathBuf::from(path)).collect();
            here.sort();
            assert_eq!(here, there);
        }
    }
}
