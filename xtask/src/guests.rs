//! Builds the guest programs: one folder each under `guests/`, named `<contract>-<what>`, holding one source file whose
//! ending says the language. The results are `target/guests/<name>.wasm`. A folder that holds a `package/` as well becomes a
//! package: `target/guests/<name>/`, with the module where its manifest says.
//!
//! A guest of the actor contract is compiled with the SDK of its language, from `sdk/`; a file `section` beside its source holds the
//! words of its custom section, where the language has no way to write one.
//!
//! A guest is built again only when its source, its SDK or its compiler changed.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::quiet;
use crate::{sdk, toolchains};

/// Changes when the way guests are built does, so that all are built again.
const RECIPE: u32 = 1;

/// One guest program.
struct Guest {
    name: String,
    source: PathBuf,
    language: Language,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Language {
    Rust,
    C,
    Zig,
    Go,
    AssemblyScript,
    Text,
}

/// Builds every guest, or those named.
pub(crate) fn build(names: &[String]) -> Result<(), String> {
    let all = find()?;
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|guest| guest.name == **name)) {
        return Err(format!("there is no guest `{unknown}` under guests/"));
    }
    let wanted = all.iter().filter(|guest| names.is_empty() || names.contains(&guest.name));
    let out = out_dir();
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let stale: Vec<&Guest> = wanted.filter(|guest| !guest.is_fresh()).collect();
    let rust: Vec<&Guest> = stale.iter().copied().filter(|guest| guest.language == Language::Rust).collect();
    if !rust.is_empty() {
        build_rust(&rust)?;
    }
    for guest in stale.iter().filter(|guest| guest.language != Language::Rust) {
        println!("building {}", guest.name);
        guest.build()?;
        guest.stamp()?;
    }
    for guest in all.iter().filter(|guest| guest.package().is_dir()) {
        guest.assemble()?;
    }
    // The npm packages hold modules that tests run as they are.
    if names.is_empty() {
        toolchains::node()?;
    }
    println!("{} guests built, {} ready in target/guests", stale.len(), all.len());
    Ok(())
}

fn out_dir() -> PathBuf {
    crate::root().join("target/guests")
}

fn find() -> Result<Vec<Guest>, String> {
    let dir = crate::root().join("guests");
    let mut guests = Vec::new();
    for entry in fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            guests.push(Guest::at(&path)?);
        }
    }
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(guests)
}

impl Guest {
    fn at(dir: &Path) -> Result<Self, String> {
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let languages = [
            ("rs", Language::Rust),
            ("c", Language::C),
            ("zig", Language::Zig),
            ("go", Language::Go),
            ("ts", Language::AssemblyScript),
            ("wat", Language::Text),
        ];
        let found =
            languages.into_iter().map(|(ending, language)| (dir.join(format!("guest.{ending}")), language));
        let (source, language) = found
            .into_iter()
            .find(|(source, _)| source.exists())
            .ok_or_else(|| format!("{}: no guest.rs, .c, .zig, .go, .ts or .wat", dir.display()))?;
        Ok(Self { name, source, language })
    }

    /// A guest of the json, the plugin or the actor contract is a library; the others are programs.
    fn is_library(&self) -> bool {
        ["json-", "plugin-", "actor-"].iter().any(|contract| self.name.starts_with(contract))
    }

    /// The SDK that it is compiled with.
    fn sdk(&self) -> Option<&'static str> {
        let language = match self.language {
            Language::Rust => "rust",
            Language::C => "c",
            Language::Go => "go",
            Language::AssemblyScript => "assemblyscript",
            Language::Zig | Language::Text => return None,
        };
        self.name.starts_with("actor-").then_some(language)
    }

    /// What a package needs besides its module.
    fn package(&self) -> PathBuf {
        self.source.with_file_name("package")
    }

    /// Puts a package together from its files and its module.
    fn assemble(&self) -> Result<(), String> {
        let (from, to) = (self.package(), out_dir().join(&self.name));
        if to.exists() {
            fs::remove_dir_all(&to).map_err(|error| format!("{}: {error}", to.display()))?;
        }
        copy_tree(&from, &to)?;
        let manifests = ["hob.toml", "manifest.toml", "samuel-plugin.toml"];
        let manifest = manifests.iter().find_map(|name| fs::read_to_string(from.join(name)).ok());
        let manifest = manifest.ok_or_else(|| format!("{}: no manifest", from.display()))?;
        let named = manifest.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            ["module", "component"].contains(&key.trim()).then(|| value.trim().trim_matches('"').to_owned())
        });
        let module = to.join(named.unwrap_or_else(|| "component.wasm".into()));
        fs::copy(self.target(), &module).map(drop).map_err(|error| format!("{}: {error}", module.display()))
    }

    fn target(&self) -> PathBuf {
        let ending = if self.language == Language::Text { "wat" } else { "wasm" };
        out_dir().join(format!("{}.{ending}", self.name))
    }

    fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        RECIPE.hash(&mut hasher);
        self.language.hash(&mut hasher);
        fs::read(&self.source).unwrap_or_default().hash(&mut hasher);
        if self.language == Language::Rust {
            toolchains::rust_version().hash(&mut hasher);
        }
        if let Some(language) = self.sdk() {
            let section = self.source.with_file_name("section");
            sdk::sources(language)
                .iter()
                .chain([&section])
                .for_each(|file| fs::read(file).unwrap_or_default().hash(&mut hasher));
        }
        format!("{:016x}", hasher.finish())
    }

    fn stamp_file(&self) -> PathBuf {
        out_dir().join(format!(".{}.built", self.name))
    }

    fn is_fresh(&self) -> bool {
        self.target().exists()
            && fs::read_to_string(self.stamp_file()).is_ok_and(|stamp| stamp == self.fingerprint())
    }

    fn stamp(&self) -> Result<(), String> {
        fs::write(self.stamp_file(), self.fingerprint()).map_err(|error| error.to_string())
    }

    fn build(&self) -> Result<(), String> {
        self.compile()?;
        if self.sdk().is_some() { sdk::add_section(&self.source, &self.target()) } else { Ok(()) }
    }

    fn compile(&self) -> Result<(), String> {
        let (source, target) = (self.source.as_path(), self.target());
        match self.language {
            Language::Rust => Ok(()),
            Language::Text => fs::copy(source, &target).map(drop).map_err(|error| error.to_string()),
            Language::C => {
                let mut zig = toolchains::zig()?;
                zig.arg("cc");
                if self.sdk().is_some() {
                    zig.args(sdk::C_FLAGS).arg("-I").arg(sdk::folder("c").join("include"));
                } else {
                    zig.args(["-target", "wasm32-wasi", "-Os", "-s"]);
                    if self.is_library() {
                        zig.arg("-mexec-model=reactor");
                    }
                }
                quiet(zig.arg("-o").arg(&target).arg(source)).map(drop)
            }
            Language::Zig => {
                let mut zig = toolchains::zig()?;
                zig.args(["build-exe", "-OReleaseSmall", "-fstrip"]);
                if self.is_library() {
                    zig.args([
                        "-target",
                        "wasm32-freestanding",
                        "-fno-entry",
                        "--export=alloc",
                        "--export=eval",
                    ]);
                } else {
                    zig.args(["-target", "wasm32-wasi"]);
                }
                // Zig leaves files where it runs.
                let dir = scratch(&self.name)?;
                zig.current_dir(&dir).arg(format!("-femit-bin={}", target.display()));
                quiet(zig.arg(source)).map(drop)
            }
            Language::Go => {
                let dir = scratch(&self.name)?;
                fs::copy(source, dir.join("main.go")).map_err(|error| error.to_string())?;
                let with_sdk = self.sdk().is_some();
                let module = if with_sdk {
                    sdk::go_mod(&self.name)
                } else {
                    format!("module example/{}\n\ngo 1.24\n", self.name)
                };
                fs::write(dir.join("go.mod"), module).map_err(|error| error.to_string())?;
                let mut go = toolchains::go()?;
                go.current_dir(&dir).arg("build");
                if with_sdk {
                    go.args(sdk::GO_FLAGS);
                } else {
                    go.arg("-ldflags=-s -w");
                    if self.is_library() {
                        go.arg("-buildmode=c-shared");
                    }
                }
                quiet(go.arg("-o").arg(&target).arg(".")).map(drop)
            }
            Language::AssemblyScript => self.build_assemblyscript(&target),
        }
    }

    fn build_assemblyscript(&self, target: &Path) -> Result<(), String> {
        let modules = toolchains::node()?;
        let home = modules.parent().map(Path::to_owned).unwrap_or_default();
        // The compiler looks for its libraries from where the source lies.
        let source = home.join(format!("{}.ts", self.name));
        fs::copy(&self.source, &source).map_err(|error| error.to_string())?;
        let mut asc = Command::new("node");
        asc.current_dir(&home)
            .arg(modules.join("assemblyscript/bin/asc.js"))
            .arg(format!("{}.ts", self.name));
        if let Some(language) = self.sdk() {
            let package = modules.join("hob-actor");
            if package.exists() {
                fs::remove_dir_all(&package).map_err(|error| format!("{}: {error}", package.display()))?;
            }
            copy_tree(&sdk::folder(language), &package)?;
            asc.args(["--config", sdk::AS_CONFIG]);
            if sdk::words(&self.source).is_some_and(|words| words.contains("resident")) {
                asc.args(sdk::AS_RESIDENT);
            }
        } else if self.is_library() {
            asc.args(["-O3", "--runtime", "stub", "--use", "abort="]);
        } else {
            asc.args(["-O3", "--config", "node_modules/@assemblyscript/wasi-shim/asconfig.json"]);
        }
        quiet(asc.arg("-o").arg(target)).map(drop)
    }
}

/// Rust guests are built in one package, so that the standard library is built once.
fn build_rust(guests: &[&Guest]) -> Result<(), String> {
    let dir = scratch("rust")?;
    let mut manifest = format!(
        "[package]\nname = \"guests\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.release]\n\
         opt-level = \"s\"\npanic = \"abort\"\nstrip = true\n\n[dependencies]\nhob-actor = {{ path = \"{}\" }}\n",
        sdk::folder("rust").display()
    );
    for guest in guests {
        let source = guest.source.display();
        let name = &guest.name;
        manifest += &if guest.is_library() {
            format!("\n[[example]]\nname = \"{name}\"\npath = \"{source}\"\ncrate-type = [\"cdylib\"]\n")
        } else {
            format!("\n[[bin]]\nname = \"{name}\"\npath = \"{source}\"\n")
        };
    }
    fs::write(dir.join("Cargo.toml"), manifest).map_err(|error| error.to_string())?;
    println!("building {} Rust guests (the first time with their standard library)", guests.len());
    let mut cargo = toolchains::rust()?;
    cargo.current_dir(&dir).args([
        "build",
        "--release",
        "--target",
        toolchains::RUST_TARGET,
        "--bins",
        "--examples",
    ]);
    cargo.args(["-Zbuild-std=std,panic_abort"]).arg("--target-dir").arg(dir.join("target"));
    quiet(&mut cargo)?;
    let made = dir.join("target").join(toolchains::RUST_TARGET).join("release");
    for guest in guests {
        // A library's file has underscores for its hyphens.
        let file = if guest.is_library() {
            made.join("examples").join(format!("{}.wasm", guest.name.replace('-', "_")))
        } else {
            made.join(format!("{}.wasm", guest.name))
        };
        let file =
            if file.exists() { file } else { made.join("examples").join(format!("{}.wasm", guest.name)) };
        fs::copy(&file, guest.target()).map_err(|error| format!("{}: {error}", file.display()))?;
        guest.stamp()?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(wrong)?;
    for entry in fs::read_dir(from).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(wrong)?;
        }
    }
    Ok(())
}

/// A folder to build one thing in.
fn scratch(name: &str) -> Result<PathBuf, String> {
    let dir = crate::root().join("target/guests-build").join(name);
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(dir)
}
