//! Tests by topic. Each makes a machine of its own, with a root folder, a PATH and variables, and without a network.

mod find;
mod make;
mod mpi;
mod package;
mod peers;
mod run;
mod suite;
mod trials;
mod unpack;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use tempfile::TempDir;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    console::Console,
    machine::{Machine, Platform},
};

/// The content of tiny wheels, by the names of their packages.
const TORCH: [(&str, &str); 8] = [
    ("torch/version.py", "from typing import Optional\n\n__version__ = '2.13.0+cu130'\ncuda = '13.0'\n"),
    ("torch/include/torch/csrc/api/include/torch/torch.h", "// all of torch"),
    ("torch/include/c10/macros/Macros.h", "// macros"),
    ("torch/lib/libtorch_cpu.so", "the processor's"),
    ("torch/lib/libc10.so", "c10"),
    ("torch/lib/libgomp.so.1", "gomp"),
    ("torch/lib/libtorch.so", "not needed: a link replaces it"),
    ("torch/lib/libtorch_cuda.so", "not needed"),
];
const CUDART: [(&str, &str); 1] = [("nvidia/cu13/lib/libcudart.so.13", "cudart")];
const CUPTI: [(&str, &str); 1] = [("nvidia/cu13/lib/libcupti.so.13", "cupti")];

/// A fake machine and the folder that contains it.
struct Lab {
    folder: TempDir,
    machine: Machine,
}

impl Lab {
    /// A Linux machine with these programs from `xtask/fakes` on PATH, and with wheels and folders for pip and uv to download.
    fn new(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let path = |name: &str| folder.path().join(name);
        for name in ["root", "bin", "wheels"] {
            fs::create_dir(path(name)).expect("new");
        }
        let mut vars = BTreeMap::new();
        vars.insert("PATH".into(), path("bin").into());
        vars.insert("FAKE_WHEELS".into(), path("wheels").into());
        vars.insert("FAKE_LOG".into(), path("log").into());
        let machine = Machine {
            root: path("root"),
            system: path("system"),
            vars,
            platform: Platform::LINUX,
            free: |_| Some(u64::MAX),
            interrupted: Arc::new(AtomicBool::new(false)),
            console: Console::Kept(Mutex::default()),
        };
        let lab = Self { folder, machine };
        for name in programs {
            lab.install(name, name);
        }
        lab.offer("torch", &TORCH);
        lab.offer("nvidia-cuda-runtime", &CUDART);
        lab.offer("nvidia-cuda-cupti", &CUPTI);
        lab
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self, name: &str) -> PathBuf {
        self.machine.root.join(name)
    }

    /// Puts a fake program on PATH under a name.
    fn install(&self, fake: &str, name: &str) {
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("fakes").join(fake);
        symlink(fake, self.path("bin").join(name)).expect("the name is free");
    }

    fn set(&mut self, name: &str, value: impl AsRef<Path>) {
        self.machine.vars.insert(name.into(), value.as_ref().into());
    }

    /// Offers a package, as a wheel for pip and as a folder for uv.
    fn offer(&self, package: &str, files: &[(&str, &str)]) {
        write_wheel(&self.path(format!("wheels/{package}.whl")), files);
        let folder = self.path(format!("wheels/{package}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the test made it");
        }
        write_folder(&folder, files);
    }

    /// What has been printed so far.
    fn printed(&self) -> Vec<String> {
        match &self.machine.console {
            Console::Kept(lines) => lines.lock().expect("no test panics while it holds the lines").clone(),
            _ => Vec::new(),
        }
    }

    /// What pip and uv have been asked for so far, or how cargo has been called.
    fn requests(&self) -> Vec<String> {
        fs::read_to_string(self.path("log")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The names in the root, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.machine.root).expect("the root exists");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn write_wheel(path: &Path, files: &[(&str, &str)]) {
    write_wheel_as(path, files, CompressionMethod::Deflated);
}

fn write_wheel_as(path: &Path, files: &[(&str, &str)], method: CompressionMethod) {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut wheel = ZipWriter::new(File::create(path).expect("writable"));
    for (name, text) in files {
        wheel.start_file(*name, options).expect("a good name");
        wheel.write_all(text.as_bytes()).expect("writable");
    }
    wheel.finish().expect("writable");
}

fn write_folder(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
}

/// Writes a folder like the one that `setup` makes, with this version.
fn write_libtorch(folder: &Path, version: &str) {
    let files = [
        ("build-version", version),
        ("include/torch/csrc/api/include/torch/torch.h", "// all of torch"),
        ("lib/libc10.so", "c10"),
        ("lib/libtorch.so", "torch"),
        ("lib/libtorch_cpu.so", "the processor's"),
    ];
    write_folder(folder, &files);
}
