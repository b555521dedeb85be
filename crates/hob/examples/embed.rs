//! The ten lines of the README: `cargo run --release -p hob --example embed`, in a folder with `inbox/`, `tool.wasm` and
//! `guard.wasm`.

fn main() -> Result<(), hob::Error> {
    let host = hob::Host::builder()
        .dir("inbox", "/inbox", hob::Access::Read)
        .stdio()
        .limits(hob::Limits { memory_bytes: 64 << 20, ..Default::default() })
        .build()?;
    let tool = host.load("tool.wasm")?.command()?;
    let done = tool.run(["--count", "/inbox"])?;
    println!("{} {}", done.code, String::from_utf8_lossy(&done.stdout));
    let guard = host.load("guard.wasm")?.behavior()?;
    let paid = guard.decide(br#"{"context":{"amount":50}}"#)?;
    println!("{paid}");
    Ok(())
}
