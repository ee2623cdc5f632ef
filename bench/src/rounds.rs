//! Runs the compared subjects in turns, so that a slow minute of the machine affects all of them,
//! and reports medians over the rounds.

use std::time::Duration;

use anyhow::Result;

use crate::context::Context;
use crate::load::Load;
use crate::process::{Log, Process};

/// A compared subject: a load and the process whose CPU it uses.
pub(crate) struct Subject<'a> {
    name: &'static str,
    process: &'a Process,
    log: Option<&'a Log>,
    load: Load,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(
        name: &'static str,
        process: &'a Process,
        log: Option<&'a Log>,
        load: Load,
    ) -> Subject<'a> {
        Subject { name, process, log, load }
    }
}

/// The results of one subject's rounds.
#[derive(Default)]
pub(crate) struct Series {
    /// Microseconds of CPU per request, one value per round.
    cpu: Vec<f64>,
    /// Microseconds of the load's CPU per request, one value per round.
    load_cpu: Vec<f64>,
    /// Requests per second, one value per round.
    rates: Vec<f64>,
    /// Microseconds of all rounds, sorted.
    latencies: Vec<u32>,
}

impl Series {
    /// Returns the microseconds of CPU per request.
    pub(crate) fn cpu(&self) -> f64 {
        median(&self.cpu)
    }

    /// Returns the requests per second.
    pub(crate) fn rate(&self) -> f64 {
        median(&self.rates)
    }

    /// Returns the latency quantile in milliseconds.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let place = (part * last as f64).round() as usize;
        self.latencies.get(place).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }

    /// Returns the median of the ratios of CPU per request in each round.
    pub(crate) fn cpu_ratio(&self, base: &Series) -> f64 {
        let ratios: Vec<_> = self.cpu.iter().zip(&base.cpu).map(|(mine, its)| mine / its).collect();
        median(&ratios)
    }
}

/// Runs the subjects in turns after one warm-up turn each. Returns the series in the order of the
/// subjects.
pub(crate) async fn rounds<const N: usize>(
    context: &Context,
    subjects: [Subject<'_>; N],
) -> Result<[Series; N]> {
    let subjects = subjects.map(|mut subject| {
        subject.load = subject.load.time(context.round).awake(context.has_load_core());
        subject
    });
    let mut all: [Series; N] = std::array::from_fn(|_| Series::default());
    for subject in &subjects {
        subject.load.run(subject.process).await?;
    }
    for _ in 0..context.rounds {
        for (subject, series) in subjects.iter().zip(&mut all) {
            let run = subject.load.run(subject.process).await?;
            let each = |time: Duration| time.as_secs_f64() * 1e6 / run.requests as f64;
            let rate = run.requests as f64 / run.elapsed.as_secs_f64();
            let others = run.other_cpu.as_secs_f64() / run.elapsed.as_secs_f64();
            series.load_cpu.push(each(run.load_cpu));
            context.others.borrow_mut().push(others);
            series.cpu.push(each(run.cpu));
            series.rates.push(rate);
            series.latencies.extend(run.latencies);
            if let Some(log) = subject.log {
                log.clear()?;
            }
        }
    }
    for (subject, series) in subjects.iter().zip(&mut all) {
        series.latencies.sort_unstable();
        eprintln!(
            "  {:<28} {:>8.0}/s, CPU a request: {:>6.2} us, and {:.2} us of the load",
            subject.name,
            series.rate(),
            series.cpu(),
            median(&series.load_cpu)
        );
    }
    Ok(all)
}

/// Returns 0 for an empty list.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match (sorted.get(sorted.len() / 2), sorted.len() % 2) {
        (Some(upper), 0) => (sorted[sorted.len() / 2 - 1] + upper) / 2.0,
        (Some(middle), _) => *middle,
        (None, _) => 0.0,
    }
}

/// In milliseconds.
pub(crate) fn median_time(times: &[Duration]) -> f64 {
    median(&times.iter().map(|time| time.as_secs_f64() * 1000.0).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_list_lies_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[]), 0.0);
    }
}
