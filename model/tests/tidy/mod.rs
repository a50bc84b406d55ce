//! The shape of the workspace: who may depend on what, and how long a file may be.

mod files;
mod layers;

use std::path::{Path, PathBuf};

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lives in a folder of the workspace").to_owned()
}
