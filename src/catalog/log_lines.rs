//! The log's file: lines that can be searched and are taken away when they are old.
//!
//! The journal has them too, where there is one, and keeps them by its own rules; whoever uses the API has no
//! right to read it, and a machine that is not the image may have none.

use std::path::Path;

use rusqlite::{Row, params};

use crate::domain::{JobId, Timestamp};

use super::ids::{sql_time, time_from_sql};
use super::side_file::{SideFile, SideFormat, StoreError};

const FORMAT: SideFormat = SideFormat {
    // "FSLL".
    application_id: 0x4653_4C4C,
    name: "the file of log lines",
    migrations: &[include_str!("migrations/logs_0001_initial.sql")],
};

/// A line to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// When.
    pub at: Timestamp,
    /// 1 for an error to 5 for a trace.
    pub level: u8,
    /// The part of the program that says it.
    pub part: String,
    /// The job that it is about.
    pub job: Option<JobId>,
    /// What it says, with its fields.
    pub message: String,
}

/// A line as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLine {
    /// Grows, and is never used twice.
    pub number: i64,
    /// The line.
    pub line: NewLine,
}

/// Which lines; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// With this text in it, case ignored.
    pub text: Option<String>,
    /// At least as grave.
    pub level_max: Option<u8>,
    /// About this job.
    pub job: Option<JobId>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The open file.
#[derive(Debug)]
pub struct LogStore {
    file: SideFile,
}

impl LogStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// It is damaged, another kind of file, of a newer version, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: SideFile::open(path, &FORMAT)? })
    }

    /// Keeps lines, in one transaction.
    ///
    /// # Errors
    /// They cannot be stored.
    pub fn add(&self, lines: &[NewLine]) -> Result<(), StoreError> {
        self.file.write("keep lines of the log", |file| {
            let mut statement = file.prepare_cached(
                "INSERT INTO lines (at, level, part, job, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for line in lines {
                let job = line.job.map(|job| job.0);
                let at = sql_time(line.at);
                statement.execute(params![at, line.level, line.part, job, line.message])?;
            }
            Ok(())
        })
    }

    /// Lines that `filter` wants, the newest first, below `before`, at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(
        &self,
        filter: &LineFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<KeptLine>, StoreError> {
        self.file.read("search the log", |file| {
            let mut statement = file.prepare_cached(
                "SELECT number, at, level, part, job, message FROM lines
                 WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR instr(lower(message), ?2) > 0)
                   AND (?3 IS NULL OR level <= ?3) AND (?4 IS NULL OR job = ?4)
                   AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6)
                 ORDER BY number DESC LIMIT ?7",
            )?;
            let values = params![
                before,
                filter.text.as_ref().map(|text| text.to_lowercase()),
                filter.level_max,
                filter.job.map(|job| job.0),
                filter.since.map(sql_time),
                filter.until.map(sql_time),
                limit
            ];
            Ok(statement.query_map(values, kept_line)?.collect::<Result<_, _>>()?)
        })
    }

    /// Takes away what is older than `before` and what is more than the newest `lines_max`; how many went
    /// and how many are left.
    ///
    /// # Errors
    /// The change cannot be stored.
    pub fn clean_up(&self, before: Timestamp, lines_max: u64) -> Result<(u64, u64), StoreError> {
        self.file.write("take old lines away", |file| {
            let old = file
                .prepare_cached("DELETE FROM lines WHERE at < ?1")?
                .execute([sql_time(before)])?;
            let beyond = file
                .prepare_cached(
                    "DELETE FROM lines WHERE number <=
                        (SELECT number FROM lines ORDER BY number DESC LIMIT 1 OFFSET ?1)",
                )?
                .execute([lines_max])?;
            let left = file
                .prepare_cached("SELECT count(*) FROM lines")?
                .query_row([], |row| row.get(0))?;
            Ok(((old + beyond) as u64, left))
        })
    }
}

fn kept_line(row: &Row<'_>) -> rusqlite::Result<KeptLine> {
    Ok(KeptLine {
        number: row.get(0)?,
        line: NewLine {
            at: time_from_sql(row.get(1)?),
            level: row.get(2)?,
            part: row.get(3)?,
            job: row.get::<_, Option<i64>>(4)?.map(JobId),
            message: row.get(5)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seconds: i64, level: u8, job: Option<i64>, message: &str) -> NewLine {
        NewLine {
            at: Timestamp { seconds, nanoseconds: 0 },
            level,
            part: "jobs".to_owned(),
            job: job.map(JobId),
            message: message.to_owned(),
        }
    }

    fn store() -> (LogStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = LogStore::open(&folder.path().join("logs.db")).unwrap();
        let lines = [
            line(10, 3, None, "engine started"),
            line(20, 2, Some(7), "drive SN1 is slow"),
            line(30, 1, Some(7), "Drive SN1 failed: 100 %"),
            line(40, 3, Some(8), "100_%"),
        ];
        store.add(&lines).unwrap();
        (store, folder)
    }

    fn found(store: &LogStore, filter: &LineFilter) -> Vec<i64> {
        let lines = store.find(filter, None, 10).unwrap();
        lines.iter().map(|line| line.line.at.seconds).collect()
    }

    #[test]
    fn lines_are_found_by_text_level_job_and_time() {
        let (store, _folder) = store();
        let all = LineFilter::default();
        assert_eq!(found(&store, &all), [40, 30, 20, 10]);
        let text = |text: &str| LineFilter { text: Some(text.to_owned()), ..all.clone() };
        assert_eq!(found(&store, &text("DRIVE sn1")), [30, 20]);
        // No character stands for others.
        assert_eq!(found(&store, &text("0 %")), [30]);
        assert_eq!(found(&store, &text("_%")), [40]);
        assert_eq!(found(&store, &LineFilter { level_max: Some(2), ..all.clone() }), [30, 20]);
        assert_eq!(found(&store, &LineFilter { job: Some(JobId(8)), ..all.clone() }), [40]);
        let at = |seconds| Some(Timestamp { seconds, nanoseconds: 0 });
        let between = LineFilter { since: at(20), until: at(40), ..all };
        assert_eq!(found(&store, &between), [30, 20]);
        let page = store.find(&between, Some(3), 10).unwrap();
        assert_eq!(page.len(), 1, "goes on below a number");
    }

    #[test]
    fn what_is_old_and_what_is_too_much_is_taken_away() {
        let (store, _folder) = store();
        let at = |seconds| Timestamp { seconds, nanoseconds: 0 };
        assert_eq!(store.clean_up(at(0), 10).unwrap(), (0, 4));
        assert_eq!(store.clean_up(at(20), 10).unwrap(), (1, 3));
        assert_eq!(store.clean_up(at(0), 1).unwrap(), (2, 1));
        assert_eq!(found(&store, &LineFilter::default()), [40]);
    }
}
