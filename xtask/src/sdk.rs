//! The SDKs for actors, one for each language, as guests use them: where their sources are, what a compiler is told, and the
//! custom section that languages without a way to write one get behind the module.

use std::fs;
use std::path::{Path, PathBuf};

/// What C is compiled with. The stack that the linker would give is more than an instance that is used again may have.
pub(crate) const C_FLAGS: [&str; 6] =
    ["-target", "wasm32-wasi", "-Os", "-s", "-mexec-model=reactor", "-Wl,-z,stack-size=262144"];

/// What Go is compiled with.
pub(crate) const GO_FLAGS: [&str; 2] = ["-buildmode=c-shared", "-ldflags=-s -w"];

/// Where AssemblyScript finds its options, from where `node_modules` is.
pub(crate) const AS_CONFIG: &str = "node_modules/hob-actor/asconfig.json";

/// What AssemblyScript is told besides for a module whose memory stays: a runtime that collects when the SDK says so.
pub(crate) const AS_RESIDENT: [&str; 2] = ["--runtime", "minimal"];

/// The folder of one language's SDK.
pub(crate) fn folder(language: &str) -> PathBuf {
    crate::root().join("sdk").join(language)
}

/// Every file of an SDK, in order.
pub(crate) fn sources(language: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder(language)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The `go.mod` of a guest that uses the SDK.
pub(crate) fn go_mod(name: &str) -> String {
    let sdk = folder("go");
    format!(
        "module example/{name}\n\ngo 1.24\n\nrequire hob.example/actor v0.0.0\n\nreplace hob.example/actor => {}\n",
        sdk.display()
    )
}

/// A custom section `hob-actor` with these words, for the end of a module.
pub(crate) fn section(words: &str) -> Vec<u8> {
    const NAME: &[u8] = b"hob-actor";
    let size = 1 + NAME.len() + words.len();
    // One byte is enough for sizes up to 127, and the words are never as long.
    let byte = |size: usize| u8::try_from(size).unwrap_or(u8::MAX) & 0x7f;
    [&[0, byte(size), byte(NAME.len())], NAME, words.as_bytes()].concat()
}

/// The words of a guest's section, which lie beside its source when it has one.
pub(crate) fn words(source: &Path) -> Option<String> {
    fs::read_to_string(source.with_file_name("section")).ok().map(|words| words.trim().to_owned())
}

/// Puts the section of a guest behind its module.
pub(crate) fn add_section(source: &Path, module: &Path) -> Result<(), String> {
    let Some(words) = words(source) else { return Ok(()) };
    let wrong = |error: std::io::Error| format!("{}: {error}", module.display());
    let mut bytes = fs::read(module).map_err(wrong)?;
    bytes.extend(section(&words));
    fs::write(module, bytes).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../docs/actors-sdk.md");

    #[test]
    fn the_page_compiles_as_the_tests_do() {
        let shown = |flags: &str| assert!(PAGE.contains(flags), "docs/actors-sdk.md does not show {flags}");
        shown(&format!("zig cc {} ", C_FLAGS.join(" ")));
        shown(&format!("go build {} \"{}\" ", GO_FLAGS[0], GO_FLAGS[1]));
        shown(&format!("--config {AS_CONFIG} "));
        shown(&AS_RESIDENT.join(" "));
    }

    #[test]
    fn the_page_appends_the_section_that_the_tests_do() {
        let escaped = |bytes: &[u8]| -> String {
            let shown = |byte: &u8| match byte {
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\{byte:03o}"),
            };
            bytes.iter().map(shown).collect()
        };
        let become_one = format!("printf '{}' >> ", escaped(&section("1.0 become 1")));
        for want in [become_one, escaped(&section("1.0 resident 0"))] {
            assert!(PAGE.contains(&want), "docs/actors-sdk.md does not show {want}");
        }
    }

    #[test]
    fn every_sdk_has_sources() {
        for language in ["assemblyscript", "c", "go", "rust"] {
            assert!(sources(language).len() > 3, "{language}");
        }
    }
}
