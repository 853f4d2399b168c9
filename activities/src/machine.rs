//! What this process may use of the machine it runs on.

use std::{fs, path::Path};

/// Cores and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Cores that may be used. A quota of 2.5 cores counts as 2: the standard library rounds down.
    pub cores: u32,
    /// Bytes of memory that may be used.
    pub memory: u64,
}

impl Machine {
    /// This machine, less what the cgroup (version 1 or 2) or the affinity mask forbids.
    pub fn here() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let limit = memory_limit(&cgroups, Path::new("/sys/fs/cgroup")).unwrap_or(u64::MAX);
        let available = fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| available(&text))
            .unwrap_or(u64::MAX);
        Self {
            cores,
            memory: limit.min(available),
        }
    }
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The lowest limit of the cgroups that a process is in, given what `/proc/self/cgroup` says. The
/// limits of all ancestors count; seen from within a container, its own group is the root.
fn memory_limit(cgroups: &str, mounted: &Path) -> Option<u64> {
    let limits = cgroups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next().unwrap_or_default();
        let path = fields.next().unwrap_or("/").trim_start_matches('/');
        let (root, file) = match controllers {
            "" => (mounted.to_owned(), "memory.max"),
            "memory" => (mounted.join("memory"), "memory.limit_in_bytes"),
            _ => return Vec::new(),
        };
        let group = root.join(path);
        let ancestors = group
            .ancestors()
            .take_while(|folder| folder.starts_with(&root));
        ancestors
            .filter_map(|folder| fs::read_to_string(folder.join(file)).ok())
            // Without a limit version 2 says `max`, which is no number, and version 1 a huge one.
            .filter_map(|text| text.trim().parse::<u64>().ok())
            .collect()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::{available, memory_limit};
    use std::fs;

    #[test]
    fn the_lowest_limit_of_the_ancestors_counts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("pods/one/memory.max", "max\n");
        write("pods/memory.max", "2000000000\n");
        write("memory/old/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/memory.limit_in_bytes", "1000000000\n");
        let limit = |text| memory_limit(text, folder.path());
        assert_eq!(limit("0::/pods/one\n"), Some(2_000_000_000));
        assert_eq!(limit("4:memory:/old\n2:cpu:/\n0::/\n"), Some(1_000_000_000));
        assert_eq!(limit("0::/elsewhere\n"), None);
    }

    #[test]
    fn what_is_available_is_told_in_kilobytes() {
        assert_eq!(
            available("MemTotal: 9 kB\nMemAvailable:    2 kB\n"),
            Some(2048)
        );
    }
}
