//! Extracts the few files of libtorch from PyTorch's wheels.
//!
//! pip downloads a wheel as a zip file; uv can only install it, into a folder. Both are a `Source`, and the tables in this
//! file list the files that are needed from them.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Component, Path, PathBuf},
};

use zip::ZipArchive;

use crate::{
    error::Error,
    libtorch::{self, VERSION_FILE},
    machine::Machine,
};

/// A wheel and the files that are needed from it.
pub struct Part {
    /// The requirement for pip and uv, with an exact version.
    pub requirement: &'static str,
    /// Each path in the wheel with its path in `.libtorch/`. A path that ends with `/` is a whole folder.
    picks: &'static [(&'static str, &'static str)],
}

/// PyTorch itself. `libtorch_cpu.so` contains everything that runs on a CPU; the libraries for GPUs are not extracted.
pub const TORCH: Part = Part {
    requirement: "torch==2.13.0",
    picks: &[
        ("torch/include/", "include/"),
        ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
        ("torch/lib/libc10.so", "lib/libc10.so"),
        ("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
    ],
};

/// Two small libraries that PyPI's build of `libtorch_cpu.so` links to, even on machines without a GPU.
pub const CUDA: [Part; 2] = [
    Part {
        requirement: "nvidia-cuda-runtime==13.0.96",
        picks: &[("nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13")],
    },
    Part {
        requirement: "nvidia-cuda-cupti==13.0.85",
        picks: &[("nvidia/cu13/lib/libcupti.so.13", "lib/libcupti.so.13")],
    },
];

/// The file with PyTorch's version.
const VERSION_MODULE: &str = "torch/version.py";

/// How many bytes are copied between checks for Ctrl-C and updates of the progress.
const CHUNK: usize = 1 << 20;

/// A wheel, as a file or installed.
pub enum Source {
    /// A zip file.
    Wheel(PathBuf, ZipArchive<BufReader<File>>),
    /// A folder.
    Folder(PathBuf),
}

/// A file to extract: its name in the source, its size in bytes, and its destination.
struct Item {
    name: String,
    size: u64,
    to: PathBuf,
}

impl Source {
    /// Opens a wheel, or a folder into which a wheel was installed.
    ///
    /// # Errors
    ///
    /// It cannot be read, or it is not a zip file.
    pub fn open(place: &Path) -> Result<Self, Error> {
        if place.is_dir() {
            return Ok(Self::Folder(place.to_path_buf()));
        }
        let file = File::open(place).map_err(Error::io("open", place))?;
        let archive =
            ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(place, "its list of files", &error))?;
        Ok(Self::Wheel(place.to_path_buf(), archive))
    }

    fn place(&self) -> &Path {
        match self {
            Self::Wheel(place, _) | Self::Folder(place) => place,
        }
    }

    /// The files in a folder (a path that ends with `/`) or the file at a path, with their sizes.
    fn files(&mut self, start: &str) -> Result<Vec<(String, u64)>, Error> {
        match self {
            Self::Folder(root) if start.ends_with('/') => below(root, start),
            Self::Folder(root) => {
                let facts = root.join(start).metadata().ok().filter(fs::Metadata::is_file);
                Ok(facts.map(|facts| (start.to_owned(), facts.len())).into_iter().collect())
            }
            Self::Wheel(place, archive) => {
                let mut files = Vec::new();
                for index in 0..archive.len() {
                    let file =
                        archive.by_index_raw(index).map_err(|error| damaged(place, "its list of files", &error))?;
                    let name = file.name().map_err(|error| damaged(place, "its list of files", &error))?;
                    if file.is_file() && if start.ends_with('/') { name.starts_with(start) } else { name == start } {
                        files.push((name.into_owned(), file.size()));
                    }
                }
                Ok(files)
            }
        }
    }

    /// Passes the content of a file to `sink` in chunks.
    fn read(&mut self, name: &str, mut sink: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let place = self.place().to_path_buf();
        let mut reader: Box<dyn Read> = match self {
            Self::Folder(root) => {
                let path = root.join(name);
                Box::new(File::open(&path).map_err(Error::io("open", &path))?)
            }
            Self::Wheel(place, archive) => {
                Box::new(archive.by_name(name).map_err(|error| damaged(place, name, &error))?)
            }
        };
        let mut chunk = vec![0; CHUNK];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => sink(&chunk[..length])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(damaged(&place, name, &error)),
            }
        }
    }
}

/// The full version of the PyTorch in this source.
///
/// # Errors
///
/// There is no `torch/version.py` that states it.
pub fn version(source: &mut Source) -> Result<String, Error> {
    let missing =
        |source: &Source| Error::Missing { place: source.place().to_path_buf(), missing: VERSION_MODULE.to_owned() };
    if source.files(VERSION_MODULE)?.is_empty() {
        return Err(missing(source));
    }
    let mut text = Vec::new();
    source.read(VERSION_MODULE, |chunk| {
        text.extend_from_slice(chunk);
        Ok(())
    })?;
    libtorch::version_in_module(&String::from_utf8_lossy(&text)).ok_or_else(|| missing(source))
}

/// Extracts the files of a part from its source into the folder that becomes `.libtorch/`.
///
/// # Errors
///
/// A file is missing (the error names it), the wheel is damaged, the disk is full, or Ctrl-C was pressed.
pub fn extract(machine: &Machine, part: &Part, source: &mut Source, into: &Path) -> Result<(), Error> {
    let mut items = Vec::new();
    for (from, to) in part.picks {
        let files = source.files(from)?;
        if files.is_empty() {
            return Err(Error::Missing { place: source.place().to_path_buf(), missing: (*from).to_owned() });
        }
        for (name, size) in files {
            let to = into.join(
                inside(source.place(), &name, name.strip_prefix(from).unwrap_or_default())?
                    .map_or_else(|| PathBuf::from(to), |rest| Path::new(to).join(rest)),
            );
            items.push(Item { name, size, to });
        }
    }
    let mut progress =
        machine.console.bytes(&format!("extracting {}", part.requirement), items.iter().map(|item| item.size).sum());
    for item in &items {
        if let Some(folder) = item.to.parent() {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut file = File::create(&item.to).map_err(Error::io("create", &item.to))?;
        source.read(&item.name, |chunk| {
            machine.go_on()?;
            file.write_all(chunk).map_err(Error::io("write", &item.to))?;
            progress.add(chunk.len() as u64);
            Ok(())
        })?;
    }
    progress.finish();
    Ok(())
}

/// Adds what the wheels lack: the name `libtorch.so`, and the version where torch-sys looks for it.
///
/// # Errors
///
/// They cannot be written.
pub fn complete(into: &Path, version: &str) -> Result<(), Error> {
    let link = into.join("lib/libtorch.so");
    same_file("libtorch_cpu.so", &link).map_err(Error::io("create", &link))?;
    let file = into.join(VERSION_FILE);
    fs::write(&file, format!("{version}\n")).map_err(Error::io("write", &file))
}

#[cfg(unix)]
fn same_file(target: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn same_file(target: &str, link: &Path) -> io::Result<()> {
    fs::hard_link(link.with_file_name(target), link)
}

/// The rest of a name below a picked folder, if there is one. A rest that points outside of the folder is an error.
fn inside<'a>(place: &Path, name: &str, rest: &'a str) -> Result<Option<&'a Path>, Error> {
    if Path::new(rest).components().all(|component| matches!(component, Component::Normal(_))) {
        return Ok((!rest.is_empty()).then(|| Path::new(rest)));
    }
    Err(damaged(place, name, &"the name points outside of the wheel"))
}

fn below(root: &Path, start: &str) -> Result<Vec<(String, u64)>, Error> {
    let folder = root.join(start);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
        let entry = entry.map_err(Error::io("list", &folder))?;
        let path = entry.path();
        let name = format!("{start}{}", entry.file_name().to_string_lossy());
        let facts = path.metadata().map_err(Error::io("look at", &path))?;
        if facts.is_dir() {
            files.extend(below(root, &format!("{name}/"))?);
        } else {
            files.push((name, facts.len()));
        }
    }
    Ok(files)
}

fn damaged(place: &Path, file: &str, cause: &impl ToString) -> Error {
    Error::Damaged { place: place.to_path_buf(), file: file.to_owned(), cause: cause.to_string() }
}
