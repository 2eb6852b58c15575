//! The cluster's id: made once, kept in the data directory, told to every client.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use uuid::Uuid;

const FILE: &str = "cluster_id";

/// A fresh cluster id in Kafka's form: 22 letters of URL-safe base64 for 16 random bytes.
pub fn fresh() -> String {
    loop {
        let id = base64(Uuid::new_v4().as_bytes());
        // Kafka does the same: a leading dash would look like a flag to its tools.
        if !id.starts_with('-') {
            return id;
        }
    }
}

/// The cluster id of the data directory `directory`, which gets one if it has none.
pub fn of_directory(directory: &Path) -> io::Result<String> {
    let path = directory.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => return Err(io::Error::other(format!("{} is empty", path.display()))),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let id = fresh();
    // Under another name first: a crash must leave no half-written id behind.
    let unfinished = directory.join(format!("{FILE}.new"));
    let mut file = File::create(&unfinished)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(directory)?.sync_all()?;
    Ok(id)
}

/// URL-safe base64 without padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let padded = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for letter in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * letter)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_url_safe_and_without_padding() {
        assert_eq!(base64(b"\xfb\xff\xfe"), "-__-");
        assert_eq!(base64(b"tide"), "dGlkZQ");
        assert_eq!(base64(&[0; 16]), "A".repeat(22));
    }

    #[test]
    fn a_directory_keeps_the_id_it_got_first() {
        let directory = std::env::temp_dir().join(format!("tidegate-{}", Uuid::new_v4()));
        fs::create_dir_all(&directory).expect("the temporary directory is writable");
        let first = of_directory(&directory).expect("the directory is writable");
        assert_eq!(first.len(), 22);
        assert_eq!(of_directory(&directory).expect("it is readable"), first);
        fs::remove_dir_all(&directory).expect("it was made above");
    }

    #[test]
    fn an_empty_id_is_an_error_and_not_a_new_cluster() {
        let directory = std::env::temp_dir().join(format!("tidegate-{}", Uuid::new_v4()));
        fs::create_dir_all(&directory).expect("the temporary directory is writable");
        fs::write(directory.join(FILE), "").expect("the directory is writable");
        assert!(of_directory(&directory).is_err());
        fs::remove_dir_all(&directory).expect("it was made above");
    }
}
