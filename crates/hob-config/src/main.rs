//! A worker: evaluates the one request that it is sent. See the library.

fn main() -> std::process::ExitCode {
    hob_config::worker::main()
}
