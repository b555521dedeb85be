//! The test suites of state charts that others publish on npm, installed with an ordinary npm client into `target/suites`.
//! The tests of `hob-machine` run them; nothing of theirs is kept in the tree. The version is exact, so that a test that
//! passed keeps passing.

use crate::toolchains;

const PACKAGE: &str = "@scion-scxml/test-framework";
const VERSION: &str = "2.0.16";

/// Installs them, unless they are there.
pub(crate) fn install() -> Result<(), String> {
    let modules = toolchains::npm(&crate::root().join("target/suites"), &[&format!("{PACKAGE}@{VERSION}")])?;
    let tests = modules.join(PACKAGE).join("test");
    if !tests.join("w3c-ecma").is_dir() {
        let home = crate::root().join("target/suites");
        return Err(format!(
            "{PACKAGE} {VERSION} has no `test/w3c-ecma`; remove {} and run this again",
            home.display()
        ));
    }
    println!("test suites ready in target/suites");
    Ok(())
}
