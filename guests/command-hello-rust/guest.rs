//! Says hello: prints its arguments and the variable NAME, counts its input, and exits as told by `--exit N`.

use std::io::Read;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("args: {}", args.join(" "));
    if let Ok(name) = std::env::var("NAME") {
        println!("NAME={name}");
    }
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input).unwrap_or(0);
    println!("stdin: {read} bytes");
    let code = args.iter().position(|arg| arg == "--exit").and_then(|at| args.get(at + 1)?.parse().ok());
    std::process::exit(code.unwrap_or(0));
}
