//! Checking a package: from a path to a report, and to the package when nothing is wrong with it.

use std::path::Path;

use hob_abi::{Contract, Offered};
use hob_engine::Reach;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::files::{FileError, Files};
use crate::model::{Format, Package};
use crate::problem::{Problem, Problems, shown};
use crate::scoot::harmless;
use crate::{bare, digest, hob_toml, samuel, scoot};

/// The largest module that is read by itself.
const MODULE_BYTES_MAX: u64 = 1 << 30;

/// A package that was checked.
#[derive(Debug)]
pub struct Checked {
    /// What a reviewer wants to know.
    pub report: Report,
    /// The package, when nothing is wrong with it.
    pub package: Option<Package>,
}

/// What a reviewer wants to know of a package. Text of the package is escaped and bounded.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it was read.
    pub path: String,
    /// Whether nothing is wrong with it.
    pub valid: bool,
    /// The format it is written in.
    pub format: Format,
    /// What it is.
    pub kind: Option<&'static str>,
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it says of itself.
    pub description: Option<String>,
    /// The digest of everything that counts.
    pub digest: Option<String>,
    /// SHA-256 of the binary module.
    pub module_sha256: Option<String>,
    /// The contracts its module fits.
    pub contracts: Vec<&'static str>,
    /// The functions it declares.
    pub exports: Vec<String>,
    /// What it asks for beyond standard streams, the log, a virtual clock and seeded randomness: flags that would grant it.
    pub asks: Vec<String>,
    /// What of that it is granted when nobody says otherwise.
    pub granted: Vec<String>,
    /// What it can therefore reach, as a linker sees it.
    pub reaches: Vec<String>,
    /// The limits it names.
    pub limits: Vec<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Reads a package and checks it, without running anything. `path` is a directory, a manifest in one, or a module.
#[must_use]
pub fn check(path: &Path) -> Checked {
    let mut problems = Problems::default();
    let (format, package) = read(path, &mut problems);
    // What a package is worth is known only when nothing is wrong with it.
    let package = package.filter(|_| problems.is_empty());
    let report = report(path, format, package.as_ref(), problems.into_vec());
    Checked { report, package }
}

fn read(path: &Path, problems: &mut Problems) -> (Format, Option<Package>) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let named = MANIFESTS.into_iter().find(|(manifest, _)| *manifest == name).map(|(_, format)| format);
    let (dir, file, named) = match path.parent() {
        _ if path.is_dir() => (path, None, None),
        Some(parent) if named.is_some() => (parent, None, named),
        Some(parent) => (parent, Some(name), None),
        None => (path, None, None),
    };
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let mut files = match Files::open(dir) {
        Ok(files) => files,
        Err(error) => {
            problems.hob("package-file", &path.display().to_string(), None, error.to_string());
            return (Format::Module, None);
        }
    };
    let (format, package) = match file {
        Some(file) => (Format::Module, read_bare(&mut files, &file, problems)),
        None => {
            let format = named.unwrap_or_else(|| format_of(&files, problems));
            let package = match format {
                Format::Hob => hob_toml::read(&mut files, problems),
                Format::Samuel => samuel::read(&mut files, problems),
                _ => scoot::read(&mut files, problems),
            };
            (format, package)
        }
    };
    let digest = digest::of(&files.read);
    (format, package.map(|package| Package { digest, ..package }))
}

/// The manifests a directory may hold, and the formats they are of.
const MANIFESTS: [(&str, Format); 3] =
    [(hob_toml::MANIFEST, Format::Hob), (samuel::MANIFEST, Format::Samuel), ("manifest.toml", Format::Scoot)];

/// The format of a directory by the manifest in it. With several nobody could tell which one a reader looked at.
fn format_of(files: &Files, problems: &mut Problems) -> Format {
    let mut there = MANIFESTS.into_iter().filter(|(manifest, _)| files.has(manifest));
    let Some((first, format)) = there.next() else { return Format::Scoot };
    for (other, _) in there {
        let message = format!("{first} is here as well: name the manifest that is meant");
        problems.hob("one-manifest", other, None, message);
    }
    format
}

fn read_bare(files: &mut Files, file: &str, problems: &mut Problems) -> Option<Package> {
    match files.take(file, MODULE_BYTES_MAX) {
        Ok(bytes) => {
            let name = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            bare::read(&name.unwrap_or_default(), file, &bytes, problems)
        }
        Err(error) => {
            let why = match error {
                FileError::Missing => "no such file".to_owned(),
                FileError::Escapes => {
                    "it is a link that leads out of its directory; name what it leads to".into()
                }
                FileError::TooLarge => "it is larger than 1 GiB".into(),
                other => format!("{other:?}"),
            };
            problems.hob("package-file", file, None, why);
            None
        }
    }
}

fn report(path: &Path, format: Format, package: Option<&Package>, problems: Vec<Problem>) -> Report {
    let mut report = Report {
        path: hob_cap::escape_guest_text(&path.display().to_string(), 4096),
        valid: package.is_some(),
        format,
        kind: None,
        name: None,
        version: None,
        description: None,
        digest: None,
        module_sha256: None,
        contracts: Vec::new(),
        exports: Vec::new(),
        asks: Vec::new(),
        granted: Vec::new(),
        reaches: Vec::new(),
        limits: Vec::new(),
        problems,
    };
    let Some(package) = package else { return report };
    report.kind = Some(package.kind.name());
    report.name = Some(shown(&package.name));
    report.version = package.version.as_deref().map(shown);
    report.description = Some(hob_cap::escape_guest_text(&package.description, 300));
    report.digest = Some(package.digest.clone());
    report.module_sha256 = Some(digest::hex(&Sha256::digest(&package.module)));
    report.contracts = Contract::detect(&package.info).into_iter().map(Contract::name).collect();
    report.exports = package.exports.iter().map(|export| shown(&export.name)).collect();
    (report.asks, report.granted) = asks(package);
    report.reaches = reaches(package);
    let limits = &package.limits;
    let named = [
        limits.memory_bytes.map(|bytes| format!("memory {}", hob_cap::format_bytes(bytes))),
        limits.soft_deadline.map(|time| format!("soft-deadline {time:?}")),
        limits.hard_deadline.map(|time| format!("hard-deadline {time:?}")),
        limits.fuel.map(|fuel| format!("fuel {fuel}")),
        limits.output_bytes.map(|bytes| format!("output {}", hob_cap::format_bytes(bytes))),
    ];
    report.limits = named.into_iter().flatten().collect();
    report
}

/// What a package asks for beyond what every package may have, and what of that its own policy grants.
#[must_use]
pub fn asks(package: &Package) -> (Vec<String>, Vec<String>) {
    // What every package may have says nothing about this one.
    let harmless = harmless();
    let flags = |policy: &hob_cap::Policy| -> Vec<String> {
        policy.items().into_iter().filter(|(_, item)| !harmless.allows(item)).map(|(flag, _)| flag).collect()
    };
    let capability = |(name, _): &(String, bool)| format!("capability {name}");
    let (mut asks, mut granted) = (flags(&package.request.0), flags(&package.policy));
    asks.extend(package.capabilities.iter().map(capability));
    asks.extend(package.config.iter().map(|key| format!("--config {}=…", shown(key))));
    granted.extend(package.capabilities.iter().filter(|(_, kept)| *kept).map(capability));
    (asks, granted)
}

/// What the module's imports reach under its policy, each thing once.
fn reaches(package: &Package) -> Vec<String> {
    let offered = Offered::new(&package.policy);
    let mut reaches: Vec<String> = Vec::new();
    for import in &package.info.imports {
        if let Ok(Reach::Granted(what)) = offered.reach(import) {
            for thing in what.split(", ").map(|thing| hob_cap::escape_guest_text(thing, 4096)) {
                if !reaches.contains(&thing) {
                    reaches.push(thing);
                }
            }
        }
    }
    reaches
}
