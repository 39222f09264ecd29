//! The `entente` command. Everything is in the library.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Failpoints come from the environment, and only in builds for the crash tests.
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    entente::cli::main()
}
