/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator orders: certificates revoked, keys blocked and let go, each with its audit row.
 */
#include "keeper/keeper_operator.h"
#include "keeper_records_fixture.h"

static const char *path;
static keeper_order_t order;

static long long count(const char *sql)
{
    return fixture_count(path, sql);
}

/** The serial of a certificate, by its row. */
static void serial_of(int id, unsigned char out[PKI_SERIAL_LEN])
{
    const char *hex = fixture_text(
        pool, path, apr_psprintf(pool, "SELECT serial FROM certificate WHERE id = %d", id));
    if (!base_hex_decode(out, PKI_SERIAL_LEN, hex, strlen(hex)))
        fixture_die("serial");
}

static keeper_done_t withdraw(int id, const char *reason, keeper_revoked_t *out)
{
    unsigned char serial[PKI_SERIAL_LEN];
    serial_of(id, serial);
    order.reason = reason;
    if (keeper_operator_revoke(&order, serial, out, pool).code != BASE_OK)
        fixture_die("revoke");
    return out->done;
}

static void test_reasons(void)
{
    ok(keeper_revocation_reason("keyCompromise") && keeper_revocation_reason("unspecified") &&
           keeper_revocation_reason("aACompromise"),
       "reasons of RFC 5280 5.3.1");
    ok(!keeper_revocation_reason("certificateHold") && !keeper_revocation_reason("removeFromCRL") &&
           !keeper_revocation_reason("") && !keeper_revocation_reason("KEYCOMPROMISE"),
       "not those that can be taken back, nor what is none");
}

static void test_revoke(void)
{
    keeper_revoked_t revoked;
    unsigned char unknown[PKI_SERIAL_LEN] = {1};
    is_int(withdraw(3, "superseded", &revoked), KEEPER_DONE, "a certificate is revoked");
    is_str(revoked.state, "issued", "that was issued");
    is_str(revoked.identity, BOB, "whose");
    ok(!revoked.key_blocked && revoked.others->nelts == 0, "its key is not blocked");
    is_int(count("SELECT count(*) FROM certificate JOIN revocation ON id = certificate_id WHERE"
                 " id = 3 AND state = 'revoked' AND reason = 'superseded'"),
           1, "state and revocation");
    is_int(count("SELECT count(*) FROM audit JOIN certificate USING (serial) WHERE event ="
                 " 'revoked' AND audit.btid = 'operator:o' AND reason = 'superseded' AND identity ="
                 " '" BOB "' AND alarm = 0 AND audit.profile_sha256 ="
                 " certificate.profile_sha256"),
           1, "and an audit row that says by whom");
    is_int(withdraw(3, "unspecified", &revoked), KEEPER_DONE_BEFORE, "again: it was");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'revoked'"), 1, "and nothing is added");
    if (keeper_operator_revoke(&order, unknown, &revoked, pool).code != BASE_OK)
        fixture_die("revoke");
    is_int(revoked.done, KEEPER_NO_SUCH, "a serial that is not there");
}

static void test_compromise(void)
{
    keeper_revoked_t revoked;
    is_int(withdraw(1, KEEPER_KEY_COMPROMISE, &revoked), KEEPER_DONE, "a key has got lost");
    is_str(revoked.state, "superseded", "of a superseded certificate");
    ok(revoked.key_blocked, "it is blocked");
    is_int(revoked.others->nelts, 1, "the other certificate of the key is named");
    is_int(count("SELECT count(*) FROM blocked_key b JOIN certificate c USING (spki_sha256)"
                 " WHERE c.id = 1"),
           1, "in the table");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'blocked'"), 1, "and in the trail");
    is_int(withdraw(2, KEEPER_KEY_COMPROMISE, &revoked), KEEPER_DONE, "so is the other");
    ok(!revoked.key_blocked, "whose key is blocked already");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'blocked'"), 1, "one row");
}

static void test_not_possible(void)
{
    keeper_revoked_t revoked;
    fixture_exec(path, "DROP TRIGGER certificate_state;"
                       "UPDATE certificate SET state = 'abandoned' WHERE id = 4");
    is_int(withdraw(4, "unspecified", &revoked), KEEPER_NOT_POSSIBLE, "one never given out");
    is_int(count("SELECT count(*) FROM revocation WHERE certificate_id = 4"), 0, "stays");
}

static keeper_done_t key(unsigned char first, int block)
{
    unsigned char hash[KEEPER_HASH_LEN] = {first};
    keeper_done_t done;
    order.reason = "found in a bin";
    if (keeper_operator_key(&order, hash, block, &done, pool).code != BASE_OK)
        fixture_die("key");
    return done;
}

static void test_keys(void)
{
    is_int(key(9, 0), KEEPER_NO_SUCH, "a key that is not blocked is not let go");
    is_int(key(9, 1), KEEPER_DONE, "a key that nobody has shown is blocked");
    is_int(key(9, 1), KEEPER_DONE_BEFORE, "once");
    is_int(count("SELECT count(*) FROM blocked_key WHERE reason = 'found in a bin'"), 1,
           "with why");
    is_int(key(9, 0), KEEPER_DONE, "and let go");
    is_int(count("SELECT count(*) FROM blocked_key WHERE reason = 'found in a bin'"), 0, "it is");
    is_int(count("SELECT count(*) FROM audit WHERE spki_sha256 = x'09' || zeroblob(31) OR"
                 " (event IN ('blocked', 'unblocked') AND reason = 'found in a bin')"),
           2, "with a row each");
}

/** The disk is full in the middle: nothing of it is there. */
static void test_all_or_nothing(void)
{
    keeper_revoked_t revoked;
    unsigned char serial[PKI_SERIAL_LEN];
    long long rows = count("SELECT count(*) FROM audit");
    serial_of(5, serial);
    order.reason = "unspecified";
    fixture_exec(path, "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.event = 'revoked'"
                       " BEGIN SELECT RAISE(ABORT, 'no room'); END");
    fixture_is_down(keeper_operator_revoke(&order, serial, &revoked, pool), "no room",
                    "an audit row that cannot be written");
    is_int(count("SELECT count(*) FROM certificate WHERE id = 5 AND state = 'issued'"), 1,
           "leaves the certificate as it was");
    is_int(count("SELECT count(*) FROM revocation WHERE certificate_id = 5"), 0, "unrevoked");
    is_int(count("SELECT count(*) FROM audit"), rows, "without a row");
}

int main(void)
{
    rf_start();
    path = rf_ledger("operator.db");
    order = (keeper_order_t){fixture_opened(pool, path), "operator:o", "", apr_time_now()};
    test_reasons();
    test_revoke();
    test_compromise();
    test_not_possible();
    test_keys();
    test_all_or_nothing();
    return rf_end();
}
