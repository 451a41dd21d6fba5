/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's tables, and every statement on them. */
#include "keeper/keeper_sqlite_private.h"

/* Times are seconds since 1970 UTC; serials, pseudonyms and writers lower-case hex; key usages
 * PKI_USAGE_ masks. What must never happen is refused here too, whatever program writes: a key that
 * is certified for two subscribers, two certificates for one claim, a state that does not follow,
 * a certificate that changes, an audit row that changes, goes, or comes out of turn.
 *
 * What version 2 added or changed is named, so that a new ledger and a converted one get the same.
 * New columns come last: that is where a conversion puts them. */

/* The hash that names the profile as it was when the request came. */
#define PROFILE_SHA256 "profile_sha256 BLOB CHECK (length(profile_sha256) = 32)"

/* How many certificates of this subscriber and profile are issued and valid, and how many were
 * issued since a time, is told by this index alone. */
#define CERTIFICATE_SUBSCRIBER                                                                     \
    "CREATE INDEX certificate_subscriber ON certificate"                                           \
    " (subscriber_id, profile, issued_at, state, not_after);"

#define CERTIFICATE_FIXED                                                                          \
    "CREATE TRIGGER certificate_fixed BEFORE UPDATE OF id, serial, subscriber_id, issuer_id,"      \
    " profile, key_usage, spki_sha256, not_before, not_after, issued_at, btid, der,"               \
    " profile_sha256 ON certificate"                                                               \
    " BEGIN SELECT RAISE(ABORT, 'a certificate does not change'); END;"

#define AUDIT_TABLE(name)                                                                          \
    "CREATE TABLE " name " ("                                                                      \
    " id INTEGER PRIMARY KEY,"                                                                     \
    " writer TEXT NOT NULL CHECK (length(writer) = 32),"                                           \
    " at INTEGER NOT NULL,"                                                                        \
    " event TEXT NOT NULL CHECK"                                                                   \
    "  (event IN ('issued', 'stored', 'refused', 'superseded', 'conflict', 'revoked', 'blocked',"  \
    "   'unblocked')),"                                                                            \
    " identity TEXT CHECK (identity <> ''),"                                                       \
    " btid TEXT NOT NULL,"                                                                         \
    " profile TEXT NOT NULL,"                                                                      \
    " reason TEXT NOT NULL,"                                                                       \
    " spki_sha256 BLOB CHECK (length(spki_sha256) = 32),"                                          \
    " key_usage INTEGER NOT NULL,"                                                                 \
    " serial TEXT CHECK (length(serial) = 32),"                                                    \
    " alarm INTEGER NOT NULL CHECK (alarm IN (0, 1)),"                                             \
    " hash BLOB NOT NULL CHECK (length(hash) = 32),"                                               \
    " " PROFILE_SHA256 ") STRICT;"

#define AUDIT_AROUND                                                                               \
    "CREATE INDEX audit_identity ON audit (identity, at);"                                         \
    "CREATE INDEX audit_writer ON audit (writer);"                                                 \
    "CREATE INDEX audit_alarm ON audit (at) WHERE alarm = 1;"                                      \
    "CREATE TRIGGER audit_in_turn BEFORE INSERT ON audit"                                          \
    " WHEN NEW.id <> (SELECT ifnull(max(id), 0) + 1 FROM audit)"                                   \
    " BEGIN SELECT RAISE(ABORT, 'audit rows are numbered in turn'); END;"                          \
    "CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit"                                            \
    " BEGIN SELECT RAISE(ABORT, 'an audit row does not change'); END;"                             \
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit"                                             \
    " BEGIN SELECT RAISE(ABORT, 'an audit row is not removed'); END;"                              \
    "CREATE VIEW decision AS SELECT id, at, identity, btid, profile,"                              \
    " event <> 'refused' AS permit, reason, spki_sha256, key_usage AS usage, serial, alarm,"       \
    " profile_sha256"                                                                              \
    " FROM audit WHERE event IN ('issued', 'stored', 'refused');"

/* Every UE identity under which a subscriber has asked. A refused one may be in no other table. */
#define NEW_TABLES                                                                                 \
    "CREATE TABLE ue_identity ("                                                                   \
    " ue_identity TEXT NOT NULL CHECK (ue_identity <> ''),"                                        \
    " identity TEXT NOT NULL CHECK (identity <> ''),"                                              \
    " created INTEGER NOT NULL,"                                                                   \
    " PRIMARY KEY (ue_identity, identity)) STRICT, WITHOUT ROWID;"                                 \
    "CREATE TABLE revocation ("                                                                    \
    " certificate_id INTEGER PRIMARY KEY REFERENCES certificate (id),"                             \
    " at INTEGER NOT NULL,"                                                                        \
    " reason TEXT NOT NULL CHECK"                                                                  \
    "  (reason IN ('unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged',"          \
    "   'superseded', 'cessationOfOperation', 'privilegeWithdrawn', 'aACompromise'))) STRICT;"     \
    "CREATE TRIGGER revocation_fixed BEFORE UPDATE ON revocation"                                  \
    " BEGIN SELECT RAISE(ABORT, 'a revocation does not change'); END;"                             \
    "CREATE TRIGGER revocation_kept BEFORE DELETE ON revocation"                                   \
    " BEGIN SELECT RAISE(ABORT, 'a revocation is not removed'); END;"                              \
    "CREATE TABLE blocked_key ("                                                                   \
    " spki_sha256 BLOB PRIMARY KEY CHECK (length(spki_sha256) = 32),"                              \
    " at INTEGER NOT NULL,"                                                                        \
    " reason TEXT NOT NULL) STRICT, WITHOUT ROWID;"

const char keeper_sqlite_schema[] =
    "CREATE TABLE meta ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " schema_version INTEGER NOT NULL,"
    " created INTEGER NOT NULL,"
    " touched INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE subscriber ("
    " id INTEGER PRIMARY KEY,"
    " identity TEXT NOT NULL UNIQUE CHECK (identity <> ''),"
    " pseudonym TEXT NOT NULL UNIQUE CHECK (length(pseudonym) = 32),"
    " created INTEGER NOT NULL) STRICT;"
    "CREATE TABLE issuer ("
    " id INTEGER PRIMARY KEY,"
    " sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),"
    " der BLOB NOT NULL) STRICT;"
    "CREATE TABLE certificate ("
    " id INTEGER PRIMARY KEY,"
    " serial TEXT NOT NULL UNIQUE CHECK (length(serial) = 32),"
    " subscriber_id INTEGER NOT NULL REFERENCES subscriber (id),"
    " issuer_id INTEGER NOT NULL REFERENCES issuer (id),"
    " profile TEXT NOT NULL,"
    " key_usage INTEGER NOT NULL CHECK (key_usage IN (1, 2)),"
    " spki_sha256 BLOB NOT NULL CHECK (length(spki_sha256) = 32),"
    " not_before INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL CHECK (not_after > not_before),"
    " issued_at INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK"
    "  (state IN ('pending', 'issued', 'revoked', 'superseded', 'abandoned')),"
    " btid TEXT NOT NULL,"
    " der BLOB NOT NULL CHECK (length(der) > 0),"
    " " PROFILE_SHA256 ") STRICT;" CERTIFICATE_SUBSCRIBER
    "CREATE INDEX certificate_spki ON certificate (spki_sha256);"
    "CREATE INDEX certificate_not_after ON certificate (not_after);"
    "CREATE UNIQUE INDEX certificate_claim ON certificate"
    " (spki_sha256, subscriber_id, profile, key_usage, issuer_id) WHERE state = 'issued';"
    "CREATE TRIGGER certificate_key BEFORE INSERT ON certificate WHEN EXISTS"
    " (SELECT 1 FROM certificate WHERE spki_sha256 = NEW.spki_sha256"
    "  AND subscriber_id <> NEW.subscriber_id AND state <> 'abandoned')"
    " BEGIN SELECT RAISE(ABORT, 'the key is certified for another subscriber'); END;"
    "CREATE TRIGGER certificate_state BEFORE UPDATE OF state ON certificate WHEN NOT"
    " (OLD.state = 'pending' AND NEW.state IN ('issued', 'abandoned')"
    "  OR OLD.state = 'issued' AND NEW.state IN ('revoked', 'superseded')"
    "  OR OLD.state = 'superseded' AND NEW.state = 'revoked')"
    " BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;" CERTIFICATE_FIXED
    "CREATE TRIGGER certificate_kept BEFORE DELETE ON certificate"
    " BEGIN SELECT RAISE(ABORT, 'a certificate is not removed'); END;" AUDIT_TABLE("audit")
        AUDIT_AROUND "CREATE TABLE refusal_count ("
                     " audit_id INTEGER PRIMARY KEY REFERENCES audit (id),"
                     " count INTEGER NOT NULL CHECK (count > 1),"
                     " last_at INTEGER NOT NULL) STRICT;"
                     "CREATE TABLE chain_head ("
                     " writer TEXT PRIMARY KEY CHECK (length(writer) = 32),"
                     " last_id INTEGER NOT NULL,"
                     " hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT, WITHOUT ROWID;"
                     "CREATE TABLE signed_head ("
                     " id INTEGER PRIMARY KEY,"
                     " writer TEXT NOT NULL CHECK (length(writer) = 32),"
                     " last_id INTEGER NOT NULL,"
                     " hash BLOB NOT NULL CHECK (length(hash) = 32),"
                     " at INTEGER NOT NULL,"
                     " signature BLOB NOT NULL) STRICT;"
                     "CREATE TRIGGER signed_head_fixed BEFORE UPDATE ON signed_head"
                     " BEGIN SELECT RAISE(ABORT, 'a signed head does not change'); END;"
                     "CREATE TRIGGER signed_head_kept BEFORE DELETE ON signed_head"
                     " BEGIN SELECT RAISE(ABORT, 'a signed head is not removed'); END;" NEW_TABLES;

/* The audit's table is made anew, since only so its list of events can grow. What refers to it by
 * name goes before it does, and comes back after it has. */
const char keeper_sqlite_from_1[] =
    "ALTER TABLE certificate ADD COLUMN " PROFILE_SHA256 ";"
    "DROP INDEX certificate_subscriber;" CERTIFICATE_SUBSCRIBER
    "DROP TRIGGER certificate_fixed;" CERTIFICATE_FIXED "DROP VIEW decision;" AUDIT_TABLE(
        "audit_2") "INSERT INTO audit_2 SELECT id, writer, at, event, identity, btid, profile, "
                   "reason,"
                   " spki_sha256, key_usage, serial, alarm, hash, NULL FROM audit ORDER BY id;"
                   "DROP TABLE audit;"
                   "ALTER TABLE audit_2 RENAME TO audit;" AUDIT_AROUND NEW_TABLES
                   "UPDATE meta SET schema_version = 2;";

/* A certificate goes to the subscriber whose identity and pseudonym both fit, or (NOT NULL) to
 * nobody. A refusal without an identity is the B-TID's. */
const char *const keeper_sqlite_statements[KEEPER_DO] = {
    [KEEPER_DO_BEGIN] = "BEGIN IMMEDIATE",
    [KEEPER_DO_LOOK] = "BEGIN",
    [KEEPER_DO_COMMIT] = "COMMIT",
    [KEEPER_DO_ROLLBACK] = "ROLLBACK",
    [KEEPER_DO_MARK] = "SAVEPOINT job",
    [KEEPER_DO_KEEP] = "RELEASE job",
    [KEEPER_DO_UNDO] = "ROLLBACK TO job",
    [KEEPER_DO_GET_NAME] = "SELECT pseudonym FROM subscriber WHERE identity = ?1",
    [KEEPER_DO_ADD_NAME] = "INSERT INTO subscriber (identity, pseudonym, created)"
                           " VALUES (?1, ?2, ?3) ON CONFLICT (identity) DO NOTHING",
    [KEEPER_DO_ADD_UE_ID] = "INSERT INTO ue_identity (ue_identity, identity, created)"
                            " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [KEEPER_DO_GET_BLOCKED] = "SELECT 1 FROM blocked_key WHERE spki_sha256 = ?1",
    [KEEPER_DO_GET_OWNER] =
        "SELECT identity FROM certificate JOIN subscriber ON subscriber.id = subscriber_id"
        " WHERE spki_sha256 = ?1 AND identity <> ?2 AND state <> 'abandoned' LIMIT 1",
    [KEEPER_DO_GET_CERTIFICATE] =
        "SELECT serial, not_before, not_after, der, profile_sha256 FROM certificate WHERE "
        "spki_sha256 = ?1 AND"
        " subscriber_id = (SELECT id FROM subscriber WHERE identity = ?2) AND profile = ?3 AND"
        " key_usage = ?4 AND issuer_id = (SELECT id FROM issuer WHERE sha256 = ?5) AND"
        " state = 'issued'",
    [KEEPER_DO_GET_COUNTS] =
        "SELECT count(*) FILTER (WHERE state = 'issued' AND not_after >= ?3),"
        " count(*) FILTER (WHERE state <> 'abandoned' AND issued_at > ?4) FROM certificate WHERE"
        " subscriber_id = (SELECT id FROM subscriber WHERE identity = ?1) AND profile = ?2",
    [KEEPER_DO_GET_ROOM] =
        "SELECT issued_at FROM certificate WHERE"
        " subscriber_id = (SELECT id FROM subscriber WHERE identity = ?1) AND profile = ?2 AND"
        " state <> 'abandoned' ORDER BY issued_at DESC LIMIT 1 OFFSET ?3 - 1",
    [KEEPER_DO_ADD_ISSUER] =
        "INSERT INTO issuer (sha256, der) VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING",
    [KEEPER_DO_ADD_CERTIFICATE] =
        "INSERT INTO certificate (serial, subscriber_id, issuer_id, profile, key_usage,"
        " spki_sha256, not_before, not_after, issued_at, state, btid, der, profile_sha256)"
        " VALUES (?1,"
        " (SELECT id FROM subscriber WHERE identity = ?2 AND pseudonym = ?3),"
        " (SELECT id FROM issuer WHERE sha256 = ?4),"
        " ?5, ?6, ?7, ?8, ?9, ?10, 'issued', ?11, ?12, ?13) ON CONFLICT (serial) DO NOTHING",
    [KEEPER_DO_MOVE] = "UPDATE certificate SET state = ?3 WHERE serial = ?1 AND state = ?2",
    [KEEPER_DO_LAST_ROW] = "SELECT ifnull(max(id), 0) FROM audit",
    [KEEPER_DO_ADD_ROW] =
        "INSERT INTO audit (id, writer, at, event, identity, btid, profile, reason, spki_sha256,"
        " key_usage, serial, alarm, hash, profile_sha256)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [KEEPER_DO_SET_HEAD] =
        "INSERT INTO chain_head (writer, last_id, hash) VALUES (?1, ?2, ?3) ON CONFLICT (writer)"
        " DO UPDATE SET last_id = excluded.last_id, hash = excluded.hash",
    [KEEPER_DO_GET_REFUSAL] =
        "SELECT id FROM audit WHERE identity IS ?1 AND at > ?2 - 60 AND at <= ?2 AND"
        " event = 'refused' AND (?1 IS NOT NULL OR btid = ?3) AND profile = ?4 AND reason = ?5 AND"
        " (?6 IS NULL OR spki_sha256 = ?6) AND profile_sha256 IS ?7 ORDER BY at DESC, id DESC "
        "LIMIT 1",
    [KEEPER_DO_COUNT_REFUSAL] =
        "INSERT INTO refusal_count (audit_id, count, last_at) VALUES (?1, 2, ?2)"
        " ON CONFLICT (audit_id) DO UPDATE SET count = count + 1, last_at = excluded.last_at",
    [KEEPER_DO_ADD_HEAD] = "INSERT INTO signed_head (writer, last_id, hash, at, signature)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
    /* Always another value: SQLite writes no page for the same one. */
    [KEEPER_DO_TOUCH] = "UPDATE meta SET touched = max(touched + 1, ?1)",
};
