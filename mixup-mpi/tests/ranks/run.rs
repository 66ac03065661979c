//! A test of several processes starts itself under `mpirun`: each rank is this program with that one test.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use mixup_mpi::Mpi;
use tempfile::TempDir;

/// The folder that all ranks have, which is set in them.
const FOLDER: &str = "MIXUP_MPI_TEST_FOLDER";

/// How long ranks may take before they are taken for hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// What has become of a program of several ranks.
pub struct Ran {
    folder: TempDir,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// How long it took from the moment at which a rank called [`trouble`].
    pub after_trouble: Option<Duration>,
}

/// In a test: runs it on so many ranks, and returns what has become of them. On a rank: runs `rank`, and returns `None`.
pub fn on_ranks(test: &str, ranks: usize, rank: impl FnOnce(&Mpi, &Path)) -> Option<Ran> {
    if is_rank() {
        as_rank(rank);
        return None;
    }
    Some(Ran::in_folder(test, ranks, TempDir::new().expect("a folder")))
}

/// Whether this process is a rank.
pub fn is_rank() -> bool {
    env::var_os(FOLDER).is_some()
}

/// Runs this on a rank.
pub fn as_rank(rank: impl FnOnce(&Mpi, &Path)) {
    tch::set_num_threads(1);
    let folder = PathBuf::from(env::var_os(FOLDER).expect("a rank has a folder"));
    rank(&Mpi::init().expect("MPI begins"), &folder);
}

/// Notes that something goes wrong from now on.
pub fn trouble(folder: &Path) {
    fs::write(folder.join("trouble"), "now").expect("it can be written");
}

impl Ran {
    /// Runs a test on so many ranks, with a folder that may have something in it.
    pub fn in_folder(test: &str, ranks: usize, folder: TempDir) -> Self {
        let mut command = Command::new("mpirun");
        command
            .args(["-n", &ranks.to_string(), "--oversubscribe"])
            .arg(env::current_exe().expect("this program"))
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env("OMP_NUM_THREADS", "1")
            // Containers and CI run as root.
            .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
            .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("`mpirun` can't be started: {error}"));
        let [stdout, stderr] = [reader(child.stdout.take()), reader(child.stderr.take())];
        let (status, after_trouble) = ended(&mut child, &folder.path().join("trouble"));
        let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().expect("it reads"));
        Self { folder, status, stdout, stderr, after_trouble }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder, for another run.
    pub fn into_folder(self) -> TempDir {
        self.folder
    }

    /// Checks that all ranks have come to their end.
    pub fn succeeded(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }

    /// Checks that a rank has failed, and that no other one has gone on for more than ten seconds after that.
    pub fn failed_soon(self) -> Self {
        assert!(!self.status.success(), "nothing failed:\n{}\n{}", self.stdout, self.stderr);
        let after = self.after_trouble.expect("a rank notes its trouble");
        assert!(after < Duration::from_secs(10), "it took {after:?}:\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// What a rank has left in a file.
    pub fn read(&self, name: &str) -> String {
        let path = self.folder().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}\n{}\n{}", self.stdout, self.stderr))
    }
}

fn reader(stream: Option<impl std::io::Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the end of a program, and measures how long that takes after a file appears.
fn ended(child: &mut Child, trouble: &Path) -> (ExitStatus, Option<Duration>) {
    let (began, mut since) = (Instant::now(), None);
    loop {
        if since.is_none() && trouble.exists() {
            since = Some(Instant::now());
        }
        if let Some(status) = child.try_wait().expect("its status") {
            return (status, since.map(|since| since.elapsed()));
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the ranks hang: they have not ended after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
