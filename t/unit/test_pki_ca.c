/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a CA: what must be refused at start, and what the loaded CA says of itself. */
#include <apr_general.h>
#include "pki_fixture.h"

/* The keys and the directory of this test. */
typedef struct world_t {
    apr_pool_t *pool;
    const char *dir;
    EVP_PKEY *key;
    EVP_PKEY *other;
    X509 *cert; /* a sound CA's, for key */
} world_t;

/* A NULL @a want: it loads. Else the detail must hold it, and the name of the file @a path. */
static void loads(world_t *world, const char *const paths[3], const char *want, const char *path,
                  const char *what)
{
    pki_ca_t *ca = (pki_ca_t *)world;
    base_result_t got = pki_ca_load(&ca, paths[0], paths[1], paths[2], NULL, world->pool);
    is_int(got.code, want ? BASE_STORE_DOWN : BASE_OK, what);
    ok((got.code == BASE_OK) == (ca != NULL), "%s: a CA only on success", what);
    if (want)
        ok(got.detail && strstr(got.detail, want) && strstr(got.detail, path),
           "%s: the detail names %s (%s)", what, want, got.detail ? got.detail : "none");
}

static const struct {
    const char *what;
    const char *constraints;
    const char *usage;
    const char *want;
} certs[] = {
    {"CA", "critical,CA:TRUE", "critical,keyCertSign", NULL},
    {"CA without key usage", "critical,CA:TRUE", NULL, NULL},
    {"CA with a path length of 0", "critical,CA:TRUE,pathlen:0", "keyCertSign", NULL},
    {"CA:FALSE", "critical,CA:FALSE", "critical,digitalSignature", "basicConstraints"},
    {"no basicConstraints", NULL, "critical,keyCertSign", "basicConstraints"},
    {"no extensions", NULL, NULL, "basicConstraints"},
    {"key usage without keyCertSign", "critical,CA:TRUE", "critical,cRLSign", "keyCertSign"},
    {"negative path length", "critical,CA:TRUE,pathlen:-1", NULL, "malformed"},
};

static void cert_rows(world_t *world)
{
    for (unsigned i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
        pkif_ca_t row = pkif_sound_ca();
        row.constraints = certs[i].constraints;
        row.usage = certs[i].usage;
        X509 *cert = pkif_ca_cert(&row, world->key, NULL, NULL);
        const char *paths[3] = {
            pkif_write(world->pool, world->dir, "row.pem", cert, NULL, NULL),
            pkif_write(world->pool, world->dir, "row.key", NULL, NULL, world->key), NULL};
        loads(world, paths, certs[i].want, "row.pem", certs[i].what);
        X509_free(cert);
    }
    pkif_ca_t nameless = pkif_sound_ca();
    nameless.name = "";
    X509 *cert = pkif_ca_cert(&nameless, world->key, NULL, NULL);
    const char *paths[3] = {pkif_write(world->pool, world->dir, "row.pem", cert, NULL, NULL),
                            pkif_write(world->pool, world->dir, "row.key", NULL, NULL, world->key),
                            NULL};
    loads(world, paths, "empty subject", "row.pem", "no subject (RFC 5280 4.1.2.6)");
    X509_free(cert);
}

static const char *write_encrypted(world_t *world)
{
    const char *path = apr_pstrcat(world->pool, world->dir, "/locked.key", NULL);
    FILE *file = fopen(path, "w");
    if (!file || fchmod(fileno(file), 0600) != 0 ||
        !PEM_write_PrivateKey(file, world->key, EVP_aes_128_cbc(), (const unsigned char *)"secret",
                              6, NULL, NULL) ||
        fclose(file) != 0)
        pkif_die(path);
    return path;
}

static const char *write_text(world_t *world, const char *name, const char *text)
{
    const char *path = apr_pstrcat(world->pool, world->dir, "/", name, NULL);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        pkif_die(path);
    return path;
}

static void file_rows(world_t *world)
{
    const char *cert = pkif_write(world->pool, world->dir, "ca.pem", world->cert, NULL, NULL);
    const char *key = pkif_write(world->pool, world->dir, "ca.key", NULL, NULL, world->key);
    const char *other = pkif_write(world->pool, world->dir, "other.key", NULL, NULL, world->other);
    const char *gone = apr_pstrcat(world->pool, world->dir, "/gone.pem", NULL);
    const char *junk = write_text(world, "junk.pem", "-----BEGIN CERTIFICATE-----\njunk\n");
    const char *empty = write_text(world, "empty.pem", "");
    const char *shared = pkif_write(world->pool, world->dir, "shared.key", NULL, NULL, world->key);
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    const char *edkey = pkif_write(world->pool, world->dir, "ed.key", NULL, NULL, ed);
    if (chmod(shared, 0640) != 0)
        pkif_die(shared);
    loads(world, (const char *[]){cert, key, NULL}, NULL, "", "a sound CA");
    loads(world, (const char *[]){gone, key, NULL}, "does not exist", "gone.pem", "no certificate");
    loads(world, (const char *[]){cert, gone, NULL}, "does not exist", "gone.pem", "no key");
    loads(world, (const char *[]){cert, key, gone}, "does not exist", "gone.pem", "no chain");
    loads(world, (const char *[]){junk, key, NULL}, "PEM", "junk.pem", "junk for a certificate");
    loads(world, (const char *[]){empty, key, NULL}, "PEM", "empty.pem", "empty certificate file");
    loads(world, (const char *[]){key, key, NULL}, "PEM", "ca.key", "a key for a certificate");
    loads(world, (const char *[]){cert, cert, NULL}, "PEM", "ca.pem", "a certificate for a key");
    loads(world, (const char *[]){cert, shared, NULL}, "chmod 0600", "shared.key",
          "a key that the group may read");
    loads(world, (const char *[]){cert, world->dir, NULL}, "regular", "gba-pki", "a directory");
    loads(world, (const char *[]){cert, other, NULL}, "not the key", "other.key", "another's key");
    loads(world, (const char *[]){cert, edkey, NULL}, "neither", "ed.key", "an Ed25519 key");
    loads(world, (const char *[]){cert, write_encrypted(world), NULL}, "encrypted", "locked.key",
          "a key with a passphrase, and nobody is asked for it");
    loads(world, (const char *[]){cert, key, empty}, "PEM", "empty.pem", "an empty chain");
    loads(world, (const char *[]){cert, key, junk}, "damaged", "junk.pem", "a damaged chain");
    EVP_PKEY_free(ed);
}

static void chain_rows(world_t *world)
{
    pkif_ca_t root = pkif_sound_ca();
    pkif_ca_t middle = pkif_sound_ca();
    EVP_PKEY *lowest_key = EVP_EC_gen("P-256");
    root.name = "Test root";
    middle.name = "Test middle";
    X509 *top = pkif_ca_cert(&root, world->other, NULL, NULL);
    X509 *mid = pkif_ca_cert(&middle, world->key, top, world->other);
    pkif_ca_t lowest = pkif_sound_ca();
    X509 *low = pkif_ca_cert(&lowest, lowest_key, mid, world->key);
    const char *cert = pkif_write(world->pool, world->dir, "low.pem", low, NULL, NULL);
    const char *key = pkif_write(world->pool, world->dir, "low.key", NULL, NULL, lowest_key);
    const char *right = pkif_write(world->pool, world->dir, "right.pem", mid, top, NULL);
    const char *turned = pkif_write(world->pool, world->dir, "turned.pem", top, mid, NULL);
    const char *foreign =
        pkif_write(world->pool, world->dir, "foreign.pem", world->cert, NULL, NULL);
    const char *gap = pkif_write(world->pool, world->dir, "gap.pem", mid, world->cert, NULL);
    loads(world, (const char *[]){cert, key, right}, NULL, "", "a chain up to the root");
    loads(world, (const char *[]){cert, key, turned}, "order", "turned.pem", "a chain upside down");
    loads(world, (const char *[]){cert, key, foreign}, "order", "foreign.pem", "a foreign chain");
    loads(world, (const char *[]){cert, key, gap}, "order", "gap.pem", "a chain with a gap");
    X509_free(low);
    X509_free(mid);
    X509_free(top);
    EVP_PKEY_free(lowest_key);
}

static void facts(world_t *world)
{
    pki_ca_t *ca = NULL;
    unsigned char *der = NULL;
    int len = i2d_X509(world->cert, &der);
    apr_time_t from = 0;
    apr_time_t to = 0;
    const char *cert = pkif_write(world->pool, world->dir, "ca.pem", world->cert, NULL, NULL);
    const char *key = pkif_write(world->pool, world->dir, "ca.key", NULL, NULL, world->key);
    if (pki_ca_load(&ca, cert, key, NULL, NULL, world->pool).code != BASE_OK)
        pkif_die("pki_ca_load");
    pki_ca_validity(ca, &from, &to);
    is_int(from, PKIF_NOW - 30 * PKIF_DAY, "notBefore");
    is_int(to, PKIF_NOW + 3650 * PKIF_DAY, "notAfter");
    is_int((long long)pki_ca_der(ca).len, len, "length of the DER");
    is_mem(pki_ca_der(ca).data, der, (size_t)len, "the DER");
    OPENSSL_free(der);
}

int main(void)
{
    world_t world;
    apr_initialize();
    apr_pool_create(&world.pool, NULL);
    pkif_ca_t what = pkif_sound_ca();
    world.dir = pkif_dir(world.pool);
    world.key = EVP_EC_gen("P-256");
    world.other = EVP_EC_gen("P-384");
    world.cert = pkif_ca_cert(&what, world.key, NULL, NULL);
    cert_rows(&world);
    file_rows(&world);
    chain_rows(&world);
    facts(&world);
    X509_free(world.cert);
    EVP_PKEY_free(world.key);
    EVP_PKEY_free(world.other);
    pkif_clean(world.dir);
    apr_pool_destroy(world.pool);
    apr_terminate();
    return tap_done();
}
