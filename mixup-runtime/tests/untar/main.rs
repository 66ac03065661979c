//! `untar_data`: against a server on this machine, with all that can go wrong between it and a folder of data.
#![cfg(feature = "download")]

#[path = "../data_support/mod.rs"]
mod data_support;
mod downloading;
mod place;
#[path = "../../../tests/support/process.rs"]
#[allow(dead_code, reason = "these tests need only a part of it")]
mod process;
mod refused;
mod server;
mod unpacking;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use data_support::{gzip, sample, tar};
use mixup_runtime::data::{Downloads, Url};
use sha2::{Digest as _, Sha256};

/// The images of `data_support::sample` in a folder `pets`, as a `.tgz`.
fn archive() -> Vec<u8> {
    let files: Vec<_> = sample().into_iter().map(|(path, bytes)| (format!("pets/{path}"), bytes)).collect();
    gzip(&tar(&files))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory");
        text
    })
}

/// The file at this address, which must be these bytes.
fn url(address: String, bytes: &[u8]) -> Url {
    Url::new(address, &sha256(bytes)).expect("it is an address")
}

/// Downloads that wait for a server long enough on a busy machine.
fn downloads(folder: &Path) -> Downloads {
    Downloads::in_dir(folder).timeout(Duration::from_secs(10))
}

/// Downloads for tests in which time runs out, or in which all attempts fail.
fn impatient(folder: &Path) -> Downloads {
    Downloads::in_dir(folder).timeout(Duration::from_millis(500))
}

/// Where the file of a data set is downloaded to.
fn downloaded(folder: &Path, url: &Url, file: &str) -> PathBuf {
    folder.join("downloads").join(url.name()).join(file)
}

/// Everything below a folder, sorted, without locks.
fn below(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, top: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, top, found);
            } else if path.extension().is_none_or(|ending| ending != "lock") {
                found.push(path.strip_prefix(top).expect("below").display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}
