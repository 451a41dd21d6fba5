/* SPDX-License-Identifier: Apache-2.0 */
/* Is a file's schema the one that this program makes? What refuses wrong rows could have been taken
 * out of the way. */
#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include "keeper/keeper_sqlite_private.h"

/** Without what ALTER TABLE writes otherwise than CREATE TABLE. SQLite's own tables are its own. */
static const char schema_sql[] =
    "SELECT type || ' ' || name, replace(replace(sql, '\"', ''), ' ', '') FROM sqlite_schema"
    " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1";

static const char *text_of(sqlite3_stmt *statement, int column, apr_pool_t *pool)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return apr_pstrdup(pool, text ? text : "");
}

/** Texts by name; NULL if they cannot be read. */
static apr_hash_t *read_schema(sqlite3 *db, apr_pool_t *pool)
{
    sqlite3_stmt *statement = NULL;
    apr_hash_t *schema = apr_hash_make(pool);
    int rc = sqlite3_prepare_v2(db, schema_sql, -1, &statement, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
            apr_hash_set(schema, text_of(statement, 0, pool), APR_HASH_KEY_STRING,
                         text_of(statement, 1, pool));
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? schema : NULL;
}

static apr_hash_t *fresh_schema(apr_pool_t *pool)
{
    sqlite3 *db = NULL;
    apr_hash_t *schema = NULL;
    if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_exec(db, keeper_sqlite_schema, NULL, NULL, NULL) == SQLITE_OK)
        schema = read_schema(db, pool);
    sqlite3_close_v2(db);
    return schema;
}

/** What @a one has and @a other has not, or (if asked) has otherwise. */
static void tell(apr_hash_t *one, apr_hash_t *other, const char *missing, const char *otherwise,
                 const keeper_sqlite_compare_t *compare, apr_pool_t *pool)
{
    for (apr_hash_index_t *at = apr_hash_first(pool, one); at; at = apr_hash_next(at)) {
        const char *name = apr_hash_this_key(at), *text = apr_hash_this_val(at);
        const char *there = apr_hash_get(other, name, APR_HASH_KEY_STRING);
        if (!there)
            compare->found(compare->baton, name, missing);
        else if (otherwise && strcmp(text, there) != 0)
            compare->found(compare->baton, name, otherwise);
    }
}

int keeper_sqlite_compare(sqlite3 *db, const keeper_sqlite_compare_t *compare, apr_pool_t *pool)
{
    apr_hash_t *want = fresh_schema(pool), *have = read_schema(db, pool);
    if (!want || !have)
        return 0;
    tell(want, have, "is missing", "is not as this program makes it", compare, pool);
    tell(have, want, "is not of this program's making", NULL, compare, pool);
    return 1;
}
