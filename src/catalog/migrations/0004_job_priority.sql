-- Whose turn it is among jobs that wait for a drive; nothing if it is as the job's specification says.
ALTER TABLE jobs ADD COLUMN priority TEXT;
