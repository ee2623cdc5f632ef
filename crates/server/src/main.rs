//! The program `unitpay`. All it does is in the library; see `unitpay help`.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    unitpay::cli::main()
}
