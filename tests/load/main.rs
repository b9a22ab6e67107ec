//! How fast, beside a floor: `cargo bench -p hookyard-tests`, or with PostgreSQL
//! `HOOKYARD_TEST_FSYNC=on tests/run --with-postgres cargo bench -p hookyard-tests`.
//!
//! Every figure is printed with what it is compared to, measured in the same run on the same machine, because a machine
//! that is busy makes both slow: read the ratios. The host under load is a process of its own; the load generator and
//! the receiver are this one, on the same cores. A word on the command line runs what has it in its name.

mod blast;
mod process;
mod guest_call;
mod ingest;
mod end_to_end;
mod flows;

fn main() -> anyhow::Result<()> {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let runs = |name: &str| name.contains(&wanted);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if runs("guest_call") {
        runtime.block_on(guest_call::run())?;
    }
    if runs("ingest") {
        runtime.block_on(ingest::run())?;
    }
    if runs("end_to_end") {
        runtime.block_on(end_to_end::run())?;
    }
    if runs("flow_calls") {
        runtime.block_on(flows::calls())?;
    }
    if runs("flow_many_tenants") {
        runtime.block_on(flows::many_tenants())?;
    }
    if runs("flow_hostile") {
        runtime.block_on(flows::hostile())?;
    }
    Ok(())
}
