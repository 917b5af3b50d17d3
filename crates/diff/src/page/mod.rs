//! Pages people hold: HTML and Markdown of a diff and of a wave.
//!
//! Every text passes [`crate::plain::plain`] on its way into a view, so that nothing steers or hides; what a sink needs
//! besides is added by that sink alone: HTML by the templates, Markdown by its own escape.

mod diff_html;
mod drawing;
mod markdown;
mod policy;
mod wave_html;
pub(crate) mod words;

pub use diff_html::html;
pub use markdown::{markdown, wave_markdown};
pub use wave_html::wave_html;

/// The style of both pages.
const STYLE: &str = include_str!("../../templates/page.css");
