//! Runs the example of an actor that is configured by a Nickel contract. It has no harness, because the program that runs is the one
//! that evaluates Nickel, too.

#[path = "../examples/nickel.rs"]
mod nickel;

fn main() -> std::process::ExitCode {
    nickel::main()
}
