/* SPDX-License-Identifier: Apache-2.0 */
/* The passphrase of a CA's key: from a file that is its owner's alone, or from a program that ends
 * well and in time; the key opens with it, and every failure is said. */
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <apr_general.h>
#include "keeper/keeper_passphrase.h"
#include "pki_fixture.h"

#define SECRET "correct horse"

static apr_pool_t *pool;
static const char *dir, *cert_path, *key_path;

static const char *write_text(const char *name, const char *text, mode_t mode)
{
    const char *path = apr_pstrcat(pool, dir, "/", name, NULL);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0)
        pkif_die(path);
    return path;
}

static void write_ca(void)
{
    pkif_ca_t what = pkif_sound_ca();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = pkif_ca_cert(&what, key, NULL, NULL);
    cert_path = pkif_write(pool, dir, "ca.pem", cert, NULL, NULL);
    key_path = write_text("ca.key", "", 0600);
    FILE *file = fopen(key_path, "w");
    if (!file ||
        !PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), (const unsigned char *)SECRET,
                              (int)strlen(SECRET), NULL, NULL) ||
        fclose(file) != 0)
        pkif_die(key_path);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* NULL @a want: the CA loads. Else the detail holds it, and never the secret. */
static void asks(const keeper_passphrase_t *source, const char *want, const char *what)
{
    pki_ca_t *ca = NULL;
    pki_passphrase_t *seam = source ? keeper_passphrase_make(source, pool) : NULL;
    base_result_t got = pki_ca_load(&ca, cert_path, key_path, NULL, seam, pool);
    is_int(got.code, want ? BASE_STORE_DOWN : BASE_OK, what);
    if (!want && got.detail)
        printf("# %s\n", got.detail);
    if (want)
        ok(got.detail && strstr(got.detail, want) && !strstr(got.detail, SECRET),
           "%s: said why, without the secret (%s)", what, got.detail ? got.detail : "nothing");
}

static const struct {
    const char *what;
    const char *text;
    mode_t mode;
    const char *want;
} files[] = {
    {"one line", SECRET "\n", 0600, NULL},
    {"no end of line", SECRET, 0400, NULL},
    {"an editor's end of line", SECRET "\r\n", 0600, NULL},
    {"a second line", SECRET "\nother\n", 0600, NULL},
    {"another passphrase", "battery staple\n", 0600, "not with the passphrase given"},
    {"a space behind", SECRET " \n", 0600, "not with the passphrase given"},
    {"nothing", "", 0600, "no passphrase in its first line"},
    {"an empty line", "\n" SECRET "\n", 0600, "no passphrase in its first line"},
    {"the group may read it", SECRET "\n", 0640, "chmod 0600"},
    {"others may write it", SECRET "\n", 0602, "chmod 0600"},
};

static void file_rows(void)
{
    char line[2000];
    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        keeper_passphrase_t source = {write_text("pass", files[i].text, files[i].mode), NULL, 5000};
        asks(&source, files[i].want, files[i].what);
    }
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    keeper_passphrase_t endless = {write_text("pass", line, 0600), NULL, 5000};
    asks(&endless, "too long", "a line without an end");
    keeper_passphrase_t gone = {"/nowhere/pass", NULL, 5000};
    asks(&gone, "does not exist", "no file");
    keeper_passphrase_t folder = {dir, NULL, 5000};
    asks(&folder, "no regular file", "a folder");
    asks(NULL, "GBAIssuerPassphrase", "nobody knows it");
}

static const struct {
    const char *what;
    const char *script;
    const char *want;
} programs[] = {
    {"prints it", "echo '" SECRET "'", NULL},
    {"prints what its arguments say", "test \"$1\" = one && echo \"$2\"", NULL},
    {"is given the key's path last", "test -f \"$3\" && echo '" SECRET "'", NULL},
    {"has no standard input", "read -r x || echo '" SECRET "'", NULL},
    {"inherits no file", "test $(ls /proc/self/fd | wc -l) -le 4 && echo '" SECRET "'", NULL},
    {"prints another", "echo no", "not with the passphrase given"},
    {"prints nothing", ":", "no passphrase in its first line"},
    {"fails", "echo '" SECRET "'; exit 3", "ended with status 3"},
    {"is killed", "kill -9 $$", "killed by signal 9"},
    {"does not end", "echo '" SECRET "'; sleep 60", "did not end in time"},
    {"closes its output and does not end", "exec >&-; sleep 60", "did not end in time"},
    {"prints for ever", "while :; do echo '" SECRET "'; done", "killed by signal 13"},
};

static void program_rows(void)
{
    for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        const char *text = apr_pstrcat(pool, "#!/bin/sh\n", programs[i].script, "\n", NULL);
        const char *argv[] = {write_text("ask", text, 0700), "one", SECRET, NULL};
        keeper_passphrase_t source = {argv[0], argv, 1000};
        time_t begin = time(NULL);
        asks(&source, programs[i].want, programs[i].what);
        ok(time(NULL) - begin < 20, "%s: in time", programs[i].what);
    }
    const char *argv[] = {write_text("data", "text\n", 0600), NULL};
    keeper_passphrase_t source = {argv[0], argv, 1000};
    asks(&source, "cannot be executed", "no program");
}

int main(void)
{
    char name[] = "/tmp/test_keeper_passphrase.XXXXXX";
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = mkdtemp(name);
    if (!dir)
        pkif_die("mkdtemp");
    write_ca();
    file_rows();
    program_rows();
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
