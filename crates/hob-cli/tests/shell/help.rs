//! Every command of both generations links, and shows its help without a trap.

use std::sync::{Arc, Mutex};
use std::thread;

use hob::{Host, Sink, Source};

fn every_command_runs(generation: &str, least: usize) {
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("shell/cache");
    let host = Host::builder()
        .cache_dir(cache)
        .compile_behind(false)
        .random(hob::RandomGrant::Seeded(1))
        .clock(hob::ClockGrant::Real)
        .limits(hob::Limits { memory_bytes: 1 << 30, host_buffer_bytes: 1 << 30, ..hob::Limits::default() })
        .build()
        .unwrap();
    let shell = host.shell().bin(super::commands(generation)).unwrap().build().unwrap();
    let names = shell.commands().to_vec();
    assert!(names.len() >= least, "{} commands", names.len());
    let faults = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&faults);
    let session = shell
        .session_reporting(move |command, why| told.lock().unwrap().push(format!("{command}: {why}")))
        .unwrap();
    let queue = Mutex::new(names.iter());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(name) = queue.lock().unwrap().next() else { return };
                    let job = session
                        .start(name)
                        .args(["--help"])
                        .stdin(Source::Empty)
                        .stdout(Sink::Discard)
                        .stderr(Sink::Discard)
                        .spawn();
                    let exit = job.unwrap_or_else(|error| panic!("{name}: {error}")).wait().unwrap();
                    assert_eq!((exit.why, exit.signal), (None, None), "{name}");
                }
            });
        }
    });
    session.close();
    assert_eq!(*faults.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn every_command_of_generation_v1_shows_its_help() {
    every_command_runs("v1", 129);
}

#[test]
fn every_command_of_generation_p_shows_its_help() {
    every_command_runs("p", 125);
}
