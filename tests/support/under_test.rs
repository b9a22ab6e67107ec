//! The host's own command line: tests start it, kill it, and have it compile.

fn main() -> std::process::ExitCode {
    hookyard::cli::main()
}
