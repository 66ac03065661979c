//! libtorch's CUDA library, loaded by name.
//!
//! A program uses no name of this library, so the linker leaves it out, and libtorch then sees no GPU.

#![allow(unsafe_code, reason = "a library is loaded by C's `dlopen` only")]

use std::sync::Once;

/// Loads libtorch's CUDA library, if there is one where the program's libraries are.
///
/// libtorch asks for this library once, when it first looks for a GPU, so this comes before that.
pub(crate) fn load() {
    static LOADED: Once = Once::new();
    LOADED.call_once(open);
}

#[cfg(target_os = "linux")]
fn open() {
    // SAFETY: the name is a C string that lives as long as the program. The library's initializers only register what it offers with
    // the libtorch that is loaded already, and it is never unloaded.
    unsafe { libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW) };
}

/// Elsewhere the linker keeps the library, or there is none.
#[cfg(not(target_os = "linux"))]
fn open() {}
