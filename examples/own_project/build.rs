//! Writes the place of libtorch into the programs, so that they find it when they run.

fn main() {
    // torch-sys says where the libtorch is with which it was built.
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
