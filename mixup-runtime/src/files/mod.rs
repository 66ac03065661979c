//! Files that are whole or not there: many tensors and some text in one safetensors file, with a digest over everything.
//!
//! `layout` is the form of such a file, as bytes; `archive` puts tensors into it; `atomic` writes a file so that a crash at any moment leaves the
//! old file or the new one; `lock` keeps other processes out of a folder. All of them reach the disk through the trait in `disk`, so tests can
//! fail each call to it, and can cut the power after each.

mod archive;
mod atomic;
mod damage;
mod disk;
mod error;
mod layout;
mod lock;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

#[cfg(feature = "download")]
pub(crate) use self::{archive::hex, disk::Held};
pub(crate) use self::{
    archive::{Archive, NotLocated, Unread},
    atomic::{list, make_folder, remove_stale},
    disk::{Disk, RealDisk},
    error::advice,
    lock::{FolderLock, lock_folder},
};
pub use self::{damage::Damage, error::FileError};
