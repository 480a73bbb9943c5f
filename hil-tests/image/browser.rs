//! The machine as somebody on the network sees it: over the forwarded ports, with an API key.

use std::process::Command;

use serde_json::Value;

use crate::machine::{Machine, run};

/// Longest any answer may take on an emulated machine.
const ANSWER_LIMIT_SECONDS: &str = "120";

/// A bundle on its way through an emulated network card, gateway and engine.
const UPLOAD_LIMIT_SECONDS: &str = "600";

/// Somebody who may sign in.
pub(crate) struct Browser {
    address: String,
    key: Option<String>,
}

impl Browser {
    /// Nobody in particular, by HTTP.
    pub(crate) fn of(machine: &Machine) -> Self {
        Self { address: format!("http://127.0.0.1:{}", machine.http), key: None }
    }

    /// A page or an answer as text.
    pub(crate) fn get(&self, path: &str) -> Result<String, String> {
        answered(self.curl().arg(format!("{}{path}", self.address)))
    }

    /// The same over TLS, whose certificate is the machine's own.
    pub(crate) fn get_securely(machine: &Machine, path: &str) -> Result<String, String> {
        let address = format!("https://127.0.0.1:{}{path}", machine.https);
        answered(Self { address: String::new(), key: None }.curl().arg("--insecure").arg(address))
    }

    /// What is answered to a question, as JSON.
    pub(crate) fn ask(&self, path: &str) -> Result<Value, String> {
        let text = self.get(path)?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// Asks until the answer is a refusal with these words.
    pub(crate) fn ask_until_refused(&self, path: &str, words: &str) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..ASKED_MAX * 6 {
            let mut curl = self.plain_curl();
            last = answered(curl.arg(format!("{}{path}", self.address))).err().unwrap_or_default();
            if last.contains(words) {
                return Ok(());
            }
            std::thread::sleep(ASKED_AGAIN);
        }
        Err(format!("it was never refused with \"{words}\", but: {last}"))
    }

    /// What is answered to a request.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.send("POST", path, body)
    }

    /// What is answered to a request that sets something.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.send("PUT", path, body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let mut curl = self.curl();
        curl.args(["--request", method, "--data", &body.to_string()]);
        curl.args(["--header", "Content-Type: application/json"]);
        let text = answered(curl.arg(format!("{}{path}", self.address)))?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// Sends a file as it is, in pieces.
    pub(crate) fn upload(&self, path: &str, file: &std::path::Path) -> Result<Value, String> {
        let mut curl = self.plain_curl();
        curl.args(["--max-time", UPLOAD_LIMIT_SECONDS, "--request", "POST", "--upload-file"]);
        curl.arg(file).args(["--header", "Content-Type: application/octet-stream"]);
        if let Some(key) = &self.key {
            curl.args(["--header", &format!("Authorization: Bearer {key}")]);
        }
        let text = answered(curl.arg(format!("{}{path}", self.address)))?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// Makes the first admin with the code from the serial line; from now on with a key of theirs.
    pub(crate) fn set_up(&mut self, code: &str, jar: &std::path::Path) -> Result<(), String> {
        let with_cookies = |csrf: &str, path: &str, body: &Value| {
            let mut curl = self.curl();
            curl.arg("--cookie").arg(jar).arg("--cookie-jar").arg(jar);
            curl.args(["--header", &format!("X-CSRF-Token: {csrf}")]);
            curl.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
            let text = answered(curl.arg(format!("{}{path}", self.address)))?;
            serde_json::from_str::<Value>(&text).map_err(|error| format!("{error}: {text}"))
        };
        let admin = serde_json::json!({
            "code": code, "user": "ada", "password": "four small words together",
        });
        let session = with_cookies("", "/api/setup", &admin)?;
        let csrf = session["csrf"].as_str().ok_or(format!("no csrf: {session}"))?;
        let wanted = serde_json::json!({ "name": "bench", "role": "admin" });
        let key = with_cookies(csrf, "/api/keys", &wanted)?;
        self.key = Some(key["secret"].as_str().ok_or(format!("no secret: {key}"))?.to_owned());
        Ok(())
    }

    /// Starts a job and waits for its end, which must be that it is completed.
    pub(crate) fn job(&self, path: &str, body: &Value) -> Result<(), String> {
        let job = self.post(path, body)?;
        self.completed(&job)
    }

    /// Waits for the end of a job, which must be that it is completed. The engine may go away meanwhile.
    pub(crate) fn completed(&self, job: &Value) -> Result<(), String> {
        let id = job["id"].as_u64().ok_or(format!("no job: {job}"))?;
        for _ in 0..ASKED_MAX {
            // Ends with the job, or when the engine or the gateway goes away.
            let _ = self.get(&format!("/api/jobs/{id}/events"));
            let Ok(now) = self.ask(&format!("/api/jobs/{id}")) else { continue };
            match now["state"].as_str() {
                Some("completed") => return Ok(()),
                Some("queued" | "running") => {}
                _ => return Err(now.to_string()),
            }
        }
        Err(format!("job {id} has not ended"))
    }

    fn plain_curl(&self) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--write-out", "\n%{http_code}"]);
        curl.args(["--max-time", ANSWER_LIMIT_SECONDS]);
        curl
    }

    fn curl(&self) -> Command {
        let mut curl = self.plain_curl();
        // While a service is away its port is closed, or forwarded to nobody.
        curl.args(["--retry", "20", "--retry-all-errors", "--retry-delay", "2"]);
        curl.args(["--retry-max-time", "100"]);
        if let Some(key) = &self.key {
            curl.args(["--header", &format!("Authorization: Bearer {key}")]);
        }
        curl
    }
}

/// A guest is not asked without a pause: it has work to do.
const ASKED_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);
/// Each takes two minutes at most.
const ASKED_MAX: usize = 10;

/// The body of an answer that is no refusal.
fn answered(curl: &mut Command) -> Result<String, String> {
    let text = run(curl)?;
    let (body, code) = text.rsplit_once('\n').unwrap_or((&text, ""));
    if code.starts_with('2') { Ok(body.to_owned()) } else { Err(format!("{code}: {body}")) }
}
