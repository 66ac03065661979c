//! Hosts that are network namespaces of this machine, each connected to one bridge. They are removed when they are dropped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tempfile::TempDir;

use super::link::Link;
use crate::{error::Error, machine::Machine};

const NAME: &str = "mixup-host";
const BRIDGE: &str = "mixup-bridge";
const NETWORK: &str = "10.177.0";

/// What `mpirun` calls in place of `ssh`: it runs the command within a host, under that host's name.
const AGENT: &str = r#"#!/bin/sh
number=${1##*.}
shift
exec ip netns exec "mixup-host$number" unshare --uts sh -c "hostname mixup-host$number && $*"
"#;

/// Whether hosts can be made here, or why not.
pub fn possible(machine: &Machine) -> Result<(), String> {
    if machine.platform.os != "linux" {
        return Err("network namespaces are Linux's".to_owned());
    }
    for program in ["ip", "tc", "unshare"] {
        if machine.program(program).is_none() {
            return Err(format!(
                "`{program}` is not on PATH (Debian and Ubuntu: `sudo apt install iproute2 util-linux`)"
            ));
        }
    }
    if is_root() { Ok(()) } else { Err("only root can make them".to_owned()) }
}

#[cfg(unix)]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
pub fn is_root() -> bool {
    false
}

/// Hosts with one link each.
pub struct Hosts<'a> {
    machine: &'a Machine,
    pub link: Link,
    count: usize,
    /// The folder of the agent.
    folder: TempDir,
}

impl<'a> Hosts<'a> {
    /// Makes hosts 1 to `count`. The inner error says why the kernel has no such links.
    pub fn make(machine: &'a Machine, count: usize, link: &Link) -> Result<Result<Self, String>, Error> {
        let folder = tempfile::tempdir().map_err(Error::io("create", Path::new("a temporary folder")))?;
        let agent = folder.path().join("agent");
        fs::write(&agent, AGENT).and_then(|()| executable(&agent)).map_err(Error::io("write", &agent))?;
        let hosts = Self { machine, link: *link, count, folder };
        hosts.remove(); // those of a run that was killed
        Ok(hosts.connect().map(|()| hosts))
    }

    /// What `mpirun` needs to start one process on each of the first hosts.
    pub fn arguments(&self, ranks: usize) -> Vec<String> {
        let hosts: Vec<_> = (1..=ranks.min(self.count)).map(|host| format!("{NETWORK}.{host}:1")).collect();
        let network = format!("{NETWORK}.0/24");
        let settings = [
            ("plm_rsh_agent", self.agent().display().to_string()),
            ("oob_tcp_if_include", network.clone()),
            ("btl", "tcp,self".to_owned()),
            ("btl_tcp_if_include", network),
            // Rings. By itself Open MPI 4.1 takes a way that needs twice as long with three hosts and more.
            ("coll_tuned_use_dynamic_rules", "1".to_owned()),
            ("coll_tuned_allreduce_algorithm", "4".to_owned()),
        ];
        let settings = settings.into_iter().flat_map(|(name, value)| ["--mca".to_owned(), name.to_owned(), value]);
        settings.chain(["--host".to_owned(), hosts.join(",")]).collect()
    }

    fn agent(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    fn connect(&self) -> Result<(), String> {
        self.ip(&format!("link add {BRIDGE} type bridge"))?;
        self.ip(&format!("addr add {NETWORK}.254/24 dev {BRIDGE}"))?;
        self.ip(&format!("link set {BRIDGE} up"))?;
        (1..=self.count).try_for_each(|host| self.add(host))
    }

    fn add(&self, host: usize) -> Result<(), String> {
        let (name, end) = (format!("{NAME}{host}"), format!("mixup-link{host}"));
        self.ip(&format!("netns add {name}"))?;
        self.ip(&format!("link add {end} type veth peer name eth0 netns {name}"))?;
        self.ip(&format!("link set {end} master {BRIDGE} up"))?;
        self.ip(&format!("-n {name} addr add {NETWORK}.{host}/24 dev eth0"))?;
        self.ip(&format!("-n {name} link set eth0 up"))?;
        self.ip(&format!("-n {name} link set lo up"))?;
        // What a host sends, and what it is sent: a link is as fast in both directions.
        let discipline = self.link.discipline();
        self.call("tc", &format!("-n {name} qdisc add dev eth0 root {discipline}"))?;
        let received = Link { delay_us: 0, loss_percent: 0.0, ..self.link }.discipline();
        self.call("tc", &format!("qdisc add dev {end} root {received}"))
    }

    fn ip(&self, words: &str) -> Result<(), String> {
        self.call("ip", words)
    }

    fn call(&self, program: &str, words: &str) -> Result<(), String> {
        let mut command = self.machine.command(program);
        command.args(words.split(' ')).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(Output { stderr, .. }) => Err(match String::from_utf8_lossy(&stderr).trim() {
                said if said.contains("qdisc kind is unknown") => "this kernel has no `netem`".to_owned(),
                said => format!("`{program} {words}`: {said}"),
            }),
            Err(error) => Err(format!("`{program}`: {error}")),
        }
    }

    fn remove(&self) {
        // What is not there can't be removed, and that is fine.
        for host in 1..=self.count {
            let _ = self.ip(&format!("netns del {NAME}{host}"));
            let _ = self.ip(&format!("link del mixup-link{host}"));
        }
        let _ = self.ip(&format!("link del {BRIDGE}"));
    }
}

impl Drop for Hosts<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(unix)]
fn executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
