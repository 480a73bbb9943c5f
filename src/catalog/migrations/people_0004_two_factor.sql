-- Whether a session has shown a second factor. Those from before have not said: they are asked again where a rule wants it.
ALTER TABLE sessions ADD COLUMN is_two_factor INTEGER NOT NULL DEFAULT 0;
