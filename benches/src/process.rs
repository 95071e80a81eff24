//! The kernel's view of a process (CPU time, memory), and the cores it can run on.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    param::clock_ticks_per_second,
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_setaffinity},
};
use serde::Serialize;

use crate::pause::pause;

/// The CPU time of a process so far.
#[derive(Clone, Default)]
pub(crate) struct CpuTime {
    /// User and system time of all threads, ended ones too, in steps of the clock tick (10 ms).
    ticks_us: u64,
    /// The run time of each living thread, to the nanosecond.
    threads_ns: HashMap<u32, u64>,
}

impl CpuTime {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server process is gone")?;
        let mut threads_ns = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let path = entry?.path();
            let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            // A thread may end between the listing and the reading.
            if let (Some(id), Ok(text)) = (id, fs::read_to_string(path.join("schedstat"))) {
                threads_ns.insert(id, field(&text, 0));
            }
        }
        Ok(Self { ticks_us: ticks_us(&stat), threads_ns })
    }

    /// Microseconds of CPU spent since `earlier`: exact while no thread has ended, else to a clock tick.
    pub(crate) fn us_since(&self, earlier: &Self) -> f64 {
        if earlier.threads_ns.keys().any(|thread| !self.threads_ns.contains_key(thread)) {
            return self.ticks_us.saturating_sub(earlier.ticks_us) as f64;
        }
        let spent = self.threads_ns.iter().map(|(thread, ns)| {
            ns.saturating_sub(earlier.threads_ns.get(thread).copied().unwrap_or_default())
        });
        spent.sum::<u64>() as f64 / 1e3
    }
}

/// The user and system time in a `/proc/PID/stat`, whose second field may hold spaces and parentheses.
fn ticks_us(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    (field(after_name, 11) + field(after_name, 12)) * 1_000_000 / clock_ticks_per_second()
}

fn field(text: &str, index: usize) -> u64 {
    text.split_ascii_whitespace().nth(index).and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// The resident memory of a process in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find(|line| line.starts_with("Rss:")).context("smaps_rollup has no Rss")?;
    Ok(field(line, 1) * 1024)
}

/// Returns how many cores are busy now, while this process is idle.
pub(crate) fn busy_cores() -> f64 {
    const LOOK: Duration = Duration::from_millis(500);
    let before = machine_busy_us();
    pause(LOOK);
    machine_busy_us().saturating_sub(before) as f64 / LOOK.as_micros() as f64
}

/// The time that both cores spent on anything, the idle loop and waiting for disks aside.
fn machine_busy_us() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let total = stat.lines().next().unwrap_or_default();
    // user nice system (idle iowait) irq softirq; the fields after those are shares of other guests.
    let busy: u64 = [1, 2, 3, 6, 7].into_iter().map(|index| field(total, index)).sum();
    busy * 1_000_000 / clock_ticks_per_second()
}

/// A period in which the CPU time of the server, and that of all other processes, is counted.
pub(crate) struct Stretch {
    pid: Option<u32>,
    server: CpuTime,
    generator: CpuTime,
    machine_busy_us: u64,
    started: Instant,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Spent {
    pub(crate) seconds: f64,
    pub(crate) server_cpu_us: f64,
    pub(crate) generator_cpu_us: f64,
    /// Returns how many cores other processes kept busy meanwhile. Over 0.2, distrust rates and latencies.
    pub(crate) foreign_cores: f64,
}

impl Stretch {
    pub(crate) fn begin(pid: Option<u32>) -> Result<Self> {
        let server = pid.map(CpuTime::of).transpose()?.unwrap_or_default();
        let generator = CpuTime::of(std::process::id())?;
        Ok(Self { pid, server, generator, machine_busy_us: machine_busy_us(), started: Instant::now() })
    }

    pub(crate) fn end(&self) -> Result<Spent> {
        let seconds = self.started.elapsed().as_secs_f64();
        let server = self.pid.map(CpuTime::of).transpose()?.unwrap_or_default();
        let server_cpu_us = server.us_since(&self.server);
        let generator_cpu_us = CpuTime::of(std::process::id())?.us_since(&self.generator);
        let busy = machine_busy_us().saturating_sub(self.machine_busy_us) as f64;
        let foreign_cores = ((busy - server_cpu_us - generator_cpu_us) / 1e6 / seconds).max(0.0);
        Ok(Spent { seconds, server_cpu_us, generator_cpu_us, foreign_cores })
    }
}

/// Pins the calling thread, and with it every thread and process that it starts from now on.
pub(crate) fn pin_to(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    sched_setaffinity(None, &set).with_context(|| format!("cannot run on cores {cores:?}"))
}

/// Raises the soft limit on open files to the hard one and checks that `needed` fit.
pub(crate) fn allow_open_files(needed: usize) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        needed as u64 <= allowed,
        "{needed} open files are needed and {allowed} allowed: raise the hard limit"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CpuTime, Stretch, resident_bytes, ticks_us};

    #[test]
    fn a_process_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 150 0 0 20 0 3 0 100 1 1";
        assert_eq!(ticks_us(stat), 4_000_000);
    }

    #[test]
    fn a_thread_that_ended_is_not_forgotten() {
        let time = |ticks_us, threads: &[(u32, u64)]| CpuTime {
            ticks_us,
            threads_ns: threads.iter().copied().collect(),
        };
        let before = time(1_000_000, &[(1, 5_000), (2, 7_000)]);
        assert_eq!(time(1_010_000, &[(1, 6_000), (2, 9_000), (3, 1_000)]).us_since(&before), 4.0);
        assert_eq!(time(1_010_000, &[(1, 6_000)]).us_since(&before), 10_000.0);
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let stretch = Stretch::begin(Some(std::process::id())).expect("own process is readable");
        let mut sum = 0_u64;
        while stretch.started.elapsed().as_millis() < 20 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = stretch.end().expect("own process is readable");
        assert!(spent.server_cpu_us > 1_000.0, "{spent:?}");
        assert!(resident_bytes(std::process::id()).expect("own memory is readable") > 100_000);
    }
}
