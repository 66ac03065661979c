//! The variables. A test can't set one for itself without `unsafe`, so each runs again in a process of its own.

use std::{env, path::Path, process::Output};

use mixup_runtime::data::{Url, untar_data};

use crate::{
    archive,
    data_support::Outcome,
    process::{is_own, own},
    server::{Reply, Server, nobody},
    sha256,
};

/// In a process of its own: gets the data set and prints its folder, or the error.
fn in_own_process() {
    let (address, digest) = (env::var("TEST_ADDRESS").expect("an address"), env::var("TEST_DIGEST").expect("a digest"));
    match untar_data(Url::new(address, &digest).expect("it is one")) {
        Ok(path) => println!("path: {}.", path.display()),
        Err(error) => println!("error: {error}."),
    }
}

/// Runs a test in a process with these variables.
fn run(test: &str, address: &str, bytes: &[u8], variables: &[(&str, &str)]) -> Result<Output, std::io::Error> {
    let mut command = own(test);
    command.env_remove("MIXUP_DATA").env_remove("MIXUP_MIRROR").env("NO_PROXY", "127.0.0.1");
    command.envs(variables.iter().copied()).env("TEST_ADDRESS", address).env("TEST_DIGEST", sha256(bytes)).output()
}

fn path(folder: &Path, bytes: &[u8]) -> String {
    format!("path: {}.", folder.join(format!("pets-{}", &sha256(bytes)[..12])).display())
}

#[test]
fn the_variables_name_the_folder_and_a_mirror_for_all_that_precedes_a_file() -> Outcome {
    if is_own() {
        in_own_process();
        return Ok(());
    }
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, _| Reply::File(copy.clone()));
    let data = folder.path().join("data");
    let variables =
        [("MIXUP_DATA", data.to_str().expect("text")), ("MIXUP_MIRROR", &format!("{}/", server.at("mirror")))];
    let test = "place::the_variables_name_the_folder_and_a_mirror_for_all_that_precedes_a_file";
    let output = run(test, &(nobody() + "/a/b/pets.tgz"), &bytes, &variables)?;
    assert!(String::from_utf8_lossy(&output.stdout).contains(&path(&data, &bytes)), "{output:?}");
    assert_eq!(output.stderr, b"", "a short download prints nothing");
    assert_eq!(server.requests()[0].path, "/mirror/pets.tgz");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn without_variables_the_folder_is_where_the_system_keeps_caches() -> Outcome {
    if is_own() {
        in_own_process();
        return Ok(());
    }
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, _| Reply::File(copy.clone()));
    let variables =
        [("XDG_CACHE_HOME", folder.path().to_str().expect("text")), ("MIXUP_DATA", ""), ("MIXUP_MIRROR", "")];
    let test = "place::without_variables_the_folder_is_where_the_system_keeps_caches";
    let output = run(test, &server.at("a/pets.tgz"), &bytes, &variables)?;
    let expected = path(&folder.path().join("mixup/data"), &bytes);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&expected), "{output:?}");
    assert_eq!(server.requests()[0].path, "/a/pets.tgz");
    Ok(())
}

#[test]
fn a_mirror_that_is_no_address_is_an_error() -> Outcome {
    if is_own() {
        in_own_process();
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let variables = [("MIXUP_DATA", folder.path().to_str().expect("text")), ("MIXUP_MIRROR", "/data/mirror")];
    let test = "place::a_mirror_that_is_no_address_is_an_error";
    let output = run(test, &(nobody() + "/pets.tgz"), b"", &variables)?;
    let message = "error: the mirror can't be used: `/data/mirror` is not an address: it must begin with `http://` or `https://`.";
    assert!(String::from_utf8_lossy(&output.stdout).contains(message), "{output:?}");
    Ok(())
}
