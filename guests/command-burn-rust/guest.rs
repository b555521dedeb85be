//! Uses things up: `loop`, `recurse`, `alloc MIB`, `sleep MS`, `stdin`, `flood`, `panic`, `open N PATH`, `threads`.

use std::io::{Read, Write};
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    match args.first().map(String::as_str) {
        Some("loop") => loop {
            std::hint::black_box(0);
        },
        Some("recurse") => println!("{}", recurse(std::hint::black_box(u64::MAX))),
        Some("alloc") => {
            let blocks: Vec<Vec<u8>> = (0..number(1)).map(|_| vec![1; 1 << 20]).collect();
            println!("allocated {} MiB", blocks.len());
        }
        Some("sleep") => {
            std::thread::sleep(Duration::from_millis(number(1)));
            println!("slept");
        }
        Some("stdin") => {
            let read = std::io::stdin().read_to_end(&mut Vec::new());
            println!("{read:?}");
        }
        Some("flood") => loop {
            if std::io::stdout().write_all(&[b'x'; 65536]).is_err() {
                std::process::exit(3);
            }
        },
        Some("open") => {
            let path = args.get(2).map(String::as_str).unwrap_or_default();
            let files: Vec<_> = (0..number(1)).map_while(|_| std::fs::File::open(path).ok()).collect();
            println!("opened {}", files.len());
        }
        Some("panic") => panic!("asked to"),
        _ => std::process::exit(64),
    }
}

#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    std::hint::black_box(recurse(std::hint::black_box(n - 1))) + 1
}
