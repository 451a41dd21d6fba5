/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever is killed, and whenever: a certificate that was given out is in the ledger. */
#include <signal.h>
#include <sys/wait.h>
#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

#define ROUNDS 20

static apr_pool_t *pool;
static const char *path;
static pki_ca_t *ca;

/** Issues until it is killed; each serial goes into the pipe at once, as to a UE. */
static void issue_for_ever(int reveal)
{
    portal_issue_t question;
    portal_issued_t issued;
    keeper_issuer_parts_t parts = {ca, fixture_opened(pool, path), base_clock_system(),
                                   base_random_system()};
    portal_issuer_t *issuer = keeper_issuer_make(pool, &parts);
    fixture_question(&question, "killed@ims.example.org");
    for (;;) {
        if (issuer->issue(issuer->baton, &question, &issued, pool).code != BASE_OK)
            _exit(3);
        if (write(reveal, issued.serial, PKI_SERIAL_LEN) != PKI_SERIAL_LEN)
            _exit(4);
    }
}

static int is_missing(const unsigned char serial[PKI_SERIAL_LEN])
{
    char hex[2 * PKI_SERIAL_LEN + 1];
    base_hex_encode(hex, serial, PKI_SERIAL_LEN);
    const char *sql = apr_psprintf(
        pool, "SELECT count(*) FROM certificate WHERE serial = '%s' AND state = 'issued'", hex);
    return fixture_count(path, sql) != 1;
}

/** Waits for a serial; nonzero if there is one. A pipe takes so few octets whole or not at all. */
static int next_serial(int revealed, unsigned char serial[PKI_SERIAL_LEN])
{
    return read(revealed, serial, PKI_SERIAL_LEN) == PKI_SERIAL_LEN;
}

/** One child, killed some time after it gave out its first certificate. */
static int kill_one(unsigned delay_us, int *seen)
{
    unsigned char serial[PKI_SERIAL_LEN];
    int ends[2], status = 0, missing = 0;
    if (pipe(ends) != 0)
        fixture_die("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        issue_for_ever(ends[1]);
    }
    close(ends[1]);
    if (child < 0 || !next_serial(ends[0], serial))
        fixture_die("the child gave out nothing");
    usleep(delay_us);
    kill(child, SIGKILL);
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        fixture_die("the child ended by itself");
    do {
        missing += is_missing(serial);
        ++*seen;
    } while (next_serial(ends[0], serial));
    close(ends[0]);
    return missing;
}

int main(void)
{
    unsigned short delay;
    int missing = 0, seen = 0;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *dir = fixture_dir();
    path = fixture_prepared(pool, dir, "ledger.db");
    ca = fixture_ca(pool, dir, 30);
    for (int i = 0; i < ROUNDS; i++) {
        base_random_system()->fill(base_random_system()->baton, &delay, sizeof delay);
        missing += kill_one(delay % 30000u, &seen);
    }
    printf("# %d certificates were given out\n", seen);
    ok(seen > ROUNDS, "enough certificates were given out to tell");
    is_int(missing, 0, "every serial that was given out is in the ledger");
    is_str(fixture_text(pool, path, "PRAGMA integrity_check"), "ok", "the ledger is whole");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"),
           fixture_count(path, "SELECT count(*) FROM decision WHERE permit = 1"),
           "every certificate has its decision, none is half");
    is_int(keeper_sqlite_prepare(path, pool).code, BASE_OK, "and the next start takes it");
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
