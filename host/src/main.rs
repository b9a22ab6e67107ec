//! The program. What it does is in `hookyard::cli`.

fn main() -> std::process::ExitCode {
    hookyard::cli::main()
}
