//! The crates are packed before the program is checked. The check itself runs in CI, as `cargo xtask package`.

use std::process::ExitCode;

use super::Lab;
use crate::package;

#[test]
fn a_crate_that_cannot_be_packed_ends_the_chore_with_cargo_s_exit_status() {
    let mut lab = Lab::new(&["cargo"]);
    lab.set("CARGO", lab.path("bin/cargo"));
    lab.set("FAKE_FAILURE", "package");
    assert_eq!(package::run(&lab.machine, None).expect("cargo starts"), ExitCode::from(101));
    let calls = [
        "publish --workspace --dry-run --no-verify --allow-dirty",
        "package --no-verify --allow-dirty --quiet --package=mixup-macros --package=mixup-runtime --package=mixup",
    ];
    assert_eq!(lab.requests(), calls);
}
