//! `groma-agent run --service`: the same, started and stopped by the service control manager of Windows.

use anyhow::{Context, Result};
use groma_source::Stop;
use groma_sys::windows::service::{ServedAs, as_service};

use super::home::Home;
use super::running::{NOT_ENROLLED, RunArgs, run, run_until};
use crate::{output, service, state};

/// Looks and ships until the manager says stop; where it did not start this program, until a signal says so. An error ends the service
/// with the exit code of the command line.
pub(crate) fn serve(arguments: RunArgs, code_of: fn(&anyhow::Error) -> u8) -> Result<()> {
    let own = arguments.clone();
    let body = move |stop| match served(stop, &own) {
        Ok(()) => 0,
        Err(error) => {
            output::tell(&format!("{error:#}"));
            u32::from(code_of(&error))
        }
    };
    match as_service(service::NAME, body).context("talk to the service control manager")? {
        ServedAs::Service => Ok(()),
        ServedAs::Nothing => run(&arguments),
    }
}

/// Who is not enrolled has failed at nothing: started again a minute later he would still have nobody to tell.
fn served(stop: Stop, arguments: &RunArgs) -> Result<()> {
    let home = Home::at(state::directory());
    match home.identity()? {
        None => {
            output::tell(NOT_ENROLLED);
            Ok(())
        }
        Some(identity) => run_until(stop, arguments, home, identity),
    }
}
