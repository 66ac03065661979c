//! The tests of several processes say what to install, and run as one call of cargo.

use super::{Lab, write_folder};
use crate::mpi;

#[test]
fn the_first_thing_that_is_missing_is_named_with_the_packages_to_install() {
    let lab = Lab::new(&[]);
    let missing = || mpi::check(&lab.machine).err().map(|error| error.to_string()).unwrap_or_default();
    for (program, fake) in [("mpicc", "cargo"), ("mpirun", "cargo")] {
        assert!(missing().contains(&format!("and {program} is not on this machine: install them")), "{}", missing());
        lab.install(fake, program);
    }
    assert!(missing().contains("and libclang is not") && missing().contains("libopenmpi-dev openmpi-bin libclang-dev"));
    write_folder(&lab.machine.system.join("usr/lib/llvm-14/lib"), &[("libclang-14.so.1", "clang")]);
    assert_eq!(missing(), "");
}

#[test]
fn all_packages_are_selected_so_that_nothing_is_built_twice() {
    let call = |rest: &str| {
        let words = mpi::test(Vec::new(), rest.split_whitespace().map(Into::into).collect());
        words.join(" ".as_ref()).to_string_lossy().into_owned()
    };
    assert_eq!(call(""), "test --workspace --lib --test=ranks");
    assert_eq!(call("trouble"), "test --workspace --lib --test=ranks -- trouble");
}
