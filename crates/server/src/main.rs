//! The program `unitpay`. The library contains everything; see `unitpay help`.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    unitpay::main()
}
