-- Whom an identity provider says somebody is: its address and its name for them. Such a user has no password.
ALTER TABLE users ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject IS NOT NULL;
