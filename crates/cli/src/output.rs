//! What commands print: tables for people, JSON for programs.

use crate::failure::Failure;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Rows under headings, in columns as wide as their widest cell.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings and no rows.
    pub fn new(headings: &[&str]) -> Self {
        Table { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text. Columns whose cells are all numbers are aligned to the right.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let width: Vec<usize> = (0..columns)
            .map(|column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0))
            .collect();
        let is_number = |cell: &String| cell == "-" || cell.parse::<i64>().is_ok();
        let to_the_right: Vec<bool> = (0..columns)
            .map(|column| self.rows.len() > 1 && cells(column).skip(1).all(is_number))
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(width[column] - cell.chars().count());
                let gap = if column == 0 { "" } else { "  " };
                let padded = match to_the_right[column] {
                    true => format!("{gap}{padding}{cell}"),
                    false => format!("{gap}{cell}{padding}"),
                };
                line.push_str(&padded);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A number in a table, or a dash where there is none.
pub fn number(value: Option<i64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Prints `text` to standard output. A reader that has gone away (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints `value` as indented JSON.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("the values have text keys only");
    print(&(text + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_stand_to_the_right() {
        let mut table = Table::new(&["TOPIC", "PARTITIONS"]);
        table.row(["orders".to_owned(), "3".to_owned()]);
        table.row(["a".to_owned(), "-".to_owned()]);
        assert_eq!(table.render(), "TOPIC   PARTITIONS\norders           3\na                -\n");
    }

    #[test]
    fn a_table_without_rows_is_its_headings() {
        assert_eq!(Table::new(&["GROUP", "STATE"]).render(), "GROUP  STATE\n");
    }
}
