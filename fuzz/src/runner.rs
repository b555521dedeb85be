//! Runs targets on mutated inputs for some time, and keeps what they find.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::mutate::{Random, mutate};
use crate::targets::Target;

/// Inputs that a run keeps to mutate further.
const POOL_MAX: usize = 256;

/// How long to run, and from which seed.
pub(crate) struct Run {
    pub(crate) time: Duration,
    pub(crate) seed: u64,
}

/// Runs one target. False when it found something.
pub(crate) fn run(target: &Target, settings: &Run) -> bool {
    let mut random = Random::new(settings.seed);
    let mut pool: Vec<Vec<u8>> = corpus(target.name);
    pool.extend((target.seeds)());
    pool.push(Vec::new());
    let end = Instant::now() + settings.time;
    let running = findings().join(format!("{}-running", target.name));
    let mut executions = 0_u64;
    // The seeds as they are come first.
    for seed in pool.clone() {
        if let Err(finding) = replay(target, &seed) {
            report(target, &seed, &finding);
            return false;
        }
    }
    while Instant::now() < end {
        let mut bytes = pool.get(random.below(pool.len())).cloned().unwrap_or_default();
        let other = pool.get(random.below(pool.len())).cloned().unwrap_or_default();
        mutate(&mut bytes, &other, &mut random);
        if target.may_abort {
            // Should the process end, this file says on what.
            drop(std::fs::create_dir_all(findings()).and_then(|()| std::fs::write(&running, &bytes)));
        }
        if let Err(finding) = replay(target, &bytes) {
            report(target, &bytes, &finding);
            return false;
        }
        executions += 1;
        if pool.len() < POOL_MAX {
            pool.push(bytes);
        } else {
            let at = random.below(pool.len());
            pool.get_mut(at).into_iter().for_each(|slot| *slot = bytes.clone());
        }
    }
    drop(std::fs::remove_file(running));
    println!("{}: {executions} executions", target.name);
    true
}

/// Runs one target on one input; a panic is a finding.
pub(crate) fn replay(target: &Target, bytes: &[u8]) -> Result<(), String> {
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Err(format!(
            "panicked: {}",
            text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
        ))
    };
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).unwrap_or_else(panicked)
}

fn report(target: &Target, bytes: &[u8], finding: &str) {
    let name = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = findings().join(format!("{}-{name:016x}", target.name));
    let saved = std::fs::create_dir_all(findings()).and_then(|()| std::fs::write(&path, bytes));
    println!("FOUND by {}: {finding}", target.name);
    match saved {
        Ok(()) => println!("  replay with: hob-fuzz {} {}", target.name, path.display()),
        Err(error) => println!("  the input could not be saved: {error}; it is {bytes:?}"),
    }
}

fn findings() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("findings")
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    files.iter().filter_map(|file| std::fs::read(file).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_bug_is_found_and_a_sound_target_passes() {
        fn planted(bytes: &[u8]) -> Result<(), String> {
            if bytes.len() > 20 { Err("long".into()) } else { Ok(()) }
        }
        let target = |run, name| Target { name, run, seeds: || vec![vec![0; 4]], may_abort: false };
        let settings = Run { time: Duration::from_millis(500), seed: 1 };
        assert!(!run(&target(planted, "planted"), &settings));
        assert!(run(&target(|_| Ok(()), "sound"), &settings));
        assert!(!run(
            &target(|bytes| if bytes.len() > 30 { panic!("x") } else { Ok(()) }, "panics"),
            &settings
        ));
        let found = std::fs::read_dir(findings()).unwrap().flatten();
        for file in found.filter(|file| {
            ["planted-", "panics-"].iter().any(|name| file.file_name().to_string_lossy().starts_with(name))
        }) {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
}
