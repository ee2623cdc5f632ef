//! Log lines, gathered and written to standard error together.
//!
//! Lines are formatted here, as text or JSON, because the subscriber's formatter needs half as many
//! instructions again. Any content stays on one line.
//!
//! One write per line would cost a request as much as reading its session. A line is written within
//! [`GATHER`]. An error is written at once, with everything before it, because the process may end
//! after it.

use crate::base::wall_clock;
use crate::config::LogFormat;
use parking_lot::{Condvar, Mutex};
use std::fmt::{Debug, Write as _};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

const GATHER: Duration = Duration::from_millis(50);
const MOST: usize = 64 * 1024;

/// Gathers lines; cheap to clone.
#[derive(Clone, Default)]
pub struct Log(Arc<Gathered>);

#[derive(Default)]
struct Gathered {
    lines: Mutex<Vec<u8>>,
    begun: Condvar,
}

/// Adds one line.
pub struct Line<'l> {
    log: &'l Log,
    urgent: bool,
}

impl Log {
    /// Starts the thread that writes gathered lines.
    pub fn start() -> io::Result<Self> {
        let log = Self::default();
        let gathered = log.clone();
        std::thread::Builder::new().name("unitpay-log".into()).spawn(move || {
            loop {
                gathered.wait();
                std::thread::sleep(GATHER);
                gathered.flush();
            }
        })?;
        Ok(log)
    }

    /// Writes the gathered lines.
    pub fn flush(&self) {
        write_out(&mut self.0.lines.lock());
    }

    fn wait(&self) {
        let mut lines = self.0.lines.lock();
        while lines.is_empty() {
            self.0.begun.wait(&mut lines);
        }
    }
}

fn write_out(lines: &mut Vec<u8>) {
    // If standard error is closed, the log is lost and requests continue.
    let _ = io::stderr().write_all(lines);
    lines.clear();
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.log.0.lines.lock();
        let first = lines.is_empty();
        lines.extend_from_slice(line);
        if self.urgent || lines.len() >= MOST {
            write_out(&mut lines);
        } else if first {
            self.log.0.begun.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Log {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { log: self, urgent: true }
    }

    fn make_writer_for(&'l self, metadata: &Metadata<'_>) -> Line<'l> {
        Line { log: self, urgent: *metadata.level() == Level::ERROR }
    }
}

/// The format of a line.
#[derive(Clone, Copy, Debug)]
pub struct Shape(pub LogFormat);

impl<S, N> FormatEvent<S, N> for Shape
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = event.metadata().level().as_str();
        let (start, middle, end) = match self.0 {
            LogFormat::Text if level.len() < 5 => ("", "  ", "\n"),
            LogFormat::Text => ("", " ", "\n"),
            LogFormat::Json => ("{\"timestamp\":\"", "\",\"level\":\"", "}\n"),
        };
        to.write_str(start)?;
        wall_clock().write(6, &mut to)?;
        to.write_str(middle)?;
        to.write_str(level)?;
        if self.0 == LogFormat::Json {
            to.write_str("\"")?;
        }
        let mut fields = Fields { shape: *self, to: to.by_ref(), written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        to.write_str(end)
    }
}

/// Writes the fields of one line. The first one is its message.
struct Fields<'w> {
    shape: Shape,
    to: Writer<'w>,
    written: fmt::Result,
}

impl Fields<'_> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>, bool) -> fmt::Result) {
        if self.written.is_ok() {
            self.written = self.name(field).and_then(|quoted| value(&mut self.to, quoted));
        }
    }

    /// Writes the separator before a value, and returns whether a text must be quoted.
    fn name(&mut self, field: &Field) -> Result<bool, fmt::Error> {
        let name = field.name();
        let (before, after) = match self.shape.0 {
            LogFormat::Json => (",\"", "\":"),
            LogFormat::Text if name == "message" => return self.to.write_str(" ").map(|()| false),
            LogFormat::Text => (" ", "="),
        };
        self.to.write_str(before)?;
        self.to.write_str(name)?;
        self.to.write_str(after)?;
        Ok(true)
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let json = self.shape.0 == LogFormat::Json;
        self.field(field, |to, _| {
            let quote = if json { "\"" } else { "" };
            to.write_str(quote)?;
            write!(Escaped { to, quoted: json }, "{value:?}")?;
            to.write_str(quote)
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |to, quoted| {
            let quote = if quoted { "\"" } else { "" };
            to.write_str(quote)?;
            Escaped { to, quoted }.write_str(value)?;
            to.write_str(quote)
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |to, _| write!(to, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |to, _| write!(to, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |to, _| write!(to, "{value}"));
    }
}

/// Accepts any text and escapes everything that would end the line or the quotes.
struct Escaped<'t, 'w> {
    to: &'t mut Writer<'w>,
    quoted: bool,
}

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all text is plain, and this check processes many bytes at a time.
        if text
            .bytes()
            .fold(true, |all, b| all & matches!(b, b' '..=b'~') & (b != b'"') & (b != b'\\'))
        {
            return self.to.write_str(text);
        }
        let mut rest = text;
        let special = |c: char| c.is_control() || (self.quoted && matches!(c, '"' | '\\'));
        while let Some(at) = rest.find(special) {
            let (plain, from) = rest.split_at(at);
            self.to.write_str(plain)?;
            let mut chars = from.chars();
            match chars.next() {
                Some(c @ ('"' | '\\')) => write!(self.to, "\\{c}")?,
                Some(c) => write!(self.to, "\\u{:04x}", u32::from(c))?,
                None => {}
            }
            rest = chars.as_str();
        }
        self.to.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn line(format: LogFormat, tell: impl FnOnce()) -> String {
        let lines = Arc::new(Mutex::new(Vec::<u8>::new()));
        let log = tracing_subscriber::fmt().event_format(Shape(format));
        let writer = Arc::clone(&lines);
        let log = log.with_writer(move || Into(Arc::clone(&writer))).finish();
        tracing::subscriber::with_default(log, tell);
        let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        assert_eq!(text.find('\n'), Some(text.len() - 1));
        text
    }

    struct Into(Arc<Mutex<Vec<u8>>>);

    impl Write for Into {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tell() {
        let (peer, code) = (std::net::IpAddr::from([127, 0, 0, 1]), None::<&str>);
        tracing::warn!(%peer, status = 200_u16, odd = "a \"b\"\n", ok = true, code, "said {}\n", 1);
    }

    #[test]
    fn text_log_line_has_time_level_message_and_fields() {
        let line = line(LogFormat::Text, tell);
        let (time, rest) = line.split_at(27);
        assert!(time.parse::<jiff::Timestamp>().is_ok());
        let logged = r#"said 1\u000a peer=127.0.0.1 status=200 odd="a \"b\"\u000a" ok=true"#;
        assert_eq!(rest, format!("  WARN {logged}\n"));
    }

    #[test]
    fn json_log_line_has_time_level_message_and_fields() {
        let line = line(LogFormat::Json, tell);
        let logged: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(logged["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        let rest = serde_json::json!({
            "timestamp": logged["timestamp"], "level": "WARN", "message": "said 1\n",
            "peer": "127.0.0.1", "status": 200, "odd": "a \"b\"\n", "ok": true,
        });
        assert_eq!(logged, rest);
    }
}
