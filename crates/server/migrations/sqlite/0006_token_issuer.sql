-- The `iss` of each of a session's two tokens, so that any node can sign the same bytes again, whatever its
-- own public URL is. NULL is this node's own: the version before did not keep it.
ALTER TABLE portal_sessions ADD COLUMN issuer TEXT;
ALTER TABLE portal_sessions ADD COLUMN previous_issuer TEXT;
