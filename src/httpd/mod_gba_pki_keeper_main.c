/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <unixd.h>

#include "httpd/mod_gba_pki_heads.h"
#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_profile.h"
#include "httpd/mod_gba_pki_warden.h"
#include "httpd/mod_gba_pki_run.h"
#include "keeper/keeper_issuer.h"
#include "keeper/keeper_lookup.h"
#include "keeper/keeper_server.h"

APLOG_USE_MODULE(gba_pki);

#define START_FAILED        3
#define IN_FLIGHT_MAX       64    /* look-ups under way at once, for each key source */
#define REMEMBER_UNKNOWN_MS 10000 /* a UE may bootstrap and come back under the same B-TID */
#define CONNECTIONS_MAX     1024
#define FILES_MAX           512         /* beside them: ledgers, and connections to BSFs */
#define EXCHANGE_MS         10000       /* one frame may take so long to arrive or to leave */
#define CPU_SECONDS         (24 * 3600) /* a keeper that used so much has run away: it is started anew */

typedef struct keeping_t keeping_t;

/* Stands for an issuer until its ledger could be opened, and tries that whenever it is asked. */
typedef struct late_t {
    keeping_t *keeping;
    int ca, ledger;
    portal_issuer_t issuer;
} late_t;

/* What a running keeper answers with. */
struct keeping_t {
    const mod_gba_pki_warden_t *warden;
    apr_pool_t *pool;
    const gba_keysource_t **sources;
    keeper_nbsp_engine_t *engine;        /* NULL: no BSF is asked */
    portal_issuer_t **issuers;           /* ca * ledgers + ledger; NULL: not opened yet */
    keeper_issuer_parts_t *issuer_parts; /* likewise; set where issuers is */
    late_t *late;                        /* likewise; constant */
    pthread_mutex_t lock;                /* over issuers; never held for long */
    pthread_mutex_t opening; /* held while a ledger is opened; over pool once the server runs */
    keeper_parts_t parts;
    base_log_t log;
};

static int cannot(const keeping_t *k, const char *tag, int error, const char *what)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, error, k->warden->server, "%s: keeper: %s", tag, what);
    return 0;
}

static int cannot_load(const keeping_t *k, base_result_t result)
{
    return cannot(k, result.tag, 0, result.detail);
}

static int level_of(base_level_t level)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_NOTICE, APLOG_INFO, APLOG_DEBUG};

    return (unsigned)level < sizeof(levels) / sizeof(levels[0]) ? levels[level] : APLOG_ERR;
}

static void emit(void *baton, base_level_t level, const char *tag, const char *text)
{
    const keeping_t *k = baton;

    ap_log_error(APLOG_MARK, level_of(level), 0, k->warden->server, "%s: keeper: %s", tag, text);
}

/* ---- as root, where httpd is: the socket and the keys ---- */

/* The folder is httpd's user's, so a name in it is whatever he says: by that user the socket is
 * made for him, and with its mode, and nothing is done by its name as root. */
static int bind_for_httpd(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int as_root = geteuid() == 0;
    mode_t mask = umask(0177);
    int bound;

    apr_cpystrn(address.sun_path, path, sizeof(address.sun_path));
    bound = !as_root ||
            (setegid(ap_unixd_config.group_id) == 0 && seteuid(ap_unixd_config.user_id) == 0);
    if (bound)
        unlink(path);
    bound = bound && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    umask(mask);
    return (!as_root || (seteuid(0) == 0 && setegid(0) == 0)) && bound;
}

static int make_listener(const keeping_t *k)
{
    const char *path = k->warden->path;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !bind_for_httpd(fd, path) || listen(fd, SOMAXCONN) != 0) {
        cannot(k, "GBA0730", errno, apr_psprintf(k->pool, "cannot listen on %s", path));
        return -1;
    }
    return fd;
}

/* One call per B-TID at a time for the whole server, and not more that find nothing than the BSF
 * should be asked. What is found stands in the shared table before a child hears of it. */
static const gba_keysource_t *limited(const keeping_t *k, const gba_keysource_t *source)
{
    const mod_gba_pki_srv_t *srv = k->warden->srv;
    keeper_lookup_config_t config = {
        .source = source,
        .assocs = mod_gba_pki_world()->assocs,
        .clock = base_clock_system(),
        .rate = srv->lookup_rate == -1 ? MOD_GBA_PKI_LOOKUP_RATE : (apr_uint32_t)srv->lookup_rate,
        .in_flight = IN_FLIGHT_MAX,
        .remember_ms = REMEMBER_UNKNOWN_MS,
        .meter = mod_gba_pki_meter()};

    return keeper_lookup_make(k->pool, &config);
}

/* Its own list of services and of BSFs is complete by now; nothing of it changes any more. */
static base_result_t open_nbsp(keeping_t *k, mod_gba_pki_source_t *source)
{
    const mod_gba_pki_parts_t *parts = k->warden->parts;
    keeper_nbsp_config_t config = {.name = source->name,
                                   .bsfs = source->bsfs,
                                   .gs_ids = (const apr_uint32_t *)parts->gs_ids->elts,
                                   .gs_id_count = (apr_size_t)parts->gs_ids->nelts,
                                   .uicc = parts->uicc,
                                   .clock = base_clock_system(),
                                   .log = &k->log};

    if (!k->engine)
        k->engine = keeper_nbsp_engine_make(k->pool);
    config.engine = k->engine;
    if (!k->engine)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1700", "libcurl cannot be started");
    return keeper_nbsp_open(&source->source, &config, k->pool);
}

static base_result_t open_source(keeping_t *k, mod_gba_pki_source_t *source)
{
    if (!source->path)
        return open_nbsp(k, source);
    return keeper_file_open(&source->source, source->path, base_clock_system(), k->pool);
}

static int load_sources(keeping_t *k)
{
    const apr_array_header_t *list = k->warden->parts->sources;

    k->sources = apr_pcalloc(k->pool, sizeof(*k->sources) * ((apr_size_t)list->nelts + 1));
    for (int i = 0; i < list->nelts; i++) {
        mod_gba_pki_source_t *source = APR_ARRAY_IDX(list, i, mod_gba_pki_source_t *);
        base_result_t result = open_source(k, source);
        if (result.code != BASE_OK)
            return cannot_load(k, result);
        k->sources[i] = limited(k, source->source);
        if (!k->sources[i])
            return cannot(k, "GBA0735", 0, "no mutex for the look-ups");
    }
    return 1;
}

static int load_cas(keeping_t *k)
{
    const apr_array_header_t *list = k->warden->parts->cas;
    apr_time_t from, to;

    for (int i = 0; i < list->nelts; i++) {
        mod_gba_pki_ca_t *ca = APR_ARRAY_IDX(list, i, mod_gba_pki_ca_t *);
        base_result_t result = mod_gba_pki_ca_load(ca, k->warden->parts->passphrase, k->pool);
        if (result.code != BASE_OK)
            return cannot_load(k, result);
        pki_ca_validity(ca->ca, &from, &to);
        base_gauge_set(mod_gba_pki_meter_ca(i), apr_time_sec(to));
    }
    return 1;
}

/* ---- as the keeper's own user ---- */

/* Lowers a soft limit; the hard one stays, so that the signal or error of the soft one is what
 * comes. */
static int limit(int which, rlim_t value)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)which, &now) != 0)
        return 0;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > value)
        now.rlim_cur = value;
    else
        now.rlim_cur = now.rlim_max;
    return setrlimit((__rlimit_resource_t)which, &now) == 0;
}

static int confine(const keeping_t *k)
{
    if (!mod_gba_pki_drop_root(k->warden->srv))
        return cannot(k, "GBA0731", errno, "cannot take the keeper's user");
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return cannot(k, "GBA0732", errno, "cannot make itself undumpable");
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, CONNECTIONS_MAX + FILES_MAX) ||
        !limit(RLIMIT_CPU, CPU_SECONDS))
        return cannot(k, "GBA0733", errno, "cannot set its limits");
    return 1;
}

/* Here, and not earlier: what a thread may do is its own. */
static int start_engine(const keeping_t *k)
{
    if (!k->engine || keeper_nbsp_engine_start(k->engine))
        return 1;
    return cannot(k, "GBA1701", 0, "no thread for the BSFs");
}

/* Ledgers were prepared when httpd started. One that cannot be opened now (a keeper that starts
 * anew after the disk failed, say) must not keep the others from being used: it is tried again when
 * it is asked for. What an attempt took is given back. */
static base_result_t open_ledger(const keeping_t *k, mod_gba_pki_ledger_t *ledger, apr_pool_t *pool)
{
    base_gauge_t *up = mod_gba_pki_meter_ledger(ledger->index);
    base_result_t result = base_ok();
    keeper_ledger_t *handle;
    apr_pool_t *own;

    if (ledger->handle)
        return result;
    apr_pool_create(&own, k->pool);
    result = keeper_sqlite_open(&handle, ledger->path, own);
    base_gauge_set(up, result.code == BASE_OK);
    if (result.code == BASE_OK) { /* the thread that signs chain heads looks at it too */
        keeper_sqlite_meter(handle, mod_gba_pki_meter(), up);
        __atomic_store_n(&ledger->handle, handle, __ATOMIC_RELEASE);
        return result;
    }
    result.detail = apr_pstrdup(pool, result.detail);
    apr_pool_destroy(own);
    return result;
}

static int place_of(const keeping_t *k, int ca, int ledger)
{
    return ca * k->warden->parts->ledgers->nelts + ledger;
}

static portal_issuer_t *opened(keeping_t *k, int place)
{
    portal_issuer_t *issuer;

    pthread_mutex_lock(&k->lock);
    issuer = k->issuers[place];
    pthread_mutex_unlock(&k->lock);
    return issuer;
}

/* By one thread at a time. */
static base_result_t make_issuer(keeping_t *k, int ca, int index, apr_pool_t *pool)
{
    const apr_array_header_t *cas = k->warden->parts->cas;
    mod_gba_pki_ledger_t *ledger =
        APR_ARRAY_IDX(k->warden->parts->ledgers, index, mod_gba_pki_ledger_t *);
    keeper_issuer_parts_t *parts = &k->issuer_parts[place_of(k, ca, index)];
    base_result_t result = open_ledger(k, ledger, pool);
    const apr_array_header_t *profiles;
    portal_issuer_t *issuer;

    if (result.code != BASE_OK)
        return result;
    profiles = mod_gba_pki_profiles_all(k->warden->parts, pool); /* only their hashes are kept */
    parts->ledger = ledger->handle;
    /* A location may name pseudonyms only, without a CA: the row of CA 0 is there all the same. */
    parts->ca = cas->nelts ? APR_ARRAY_IDX(cas, ca, mod_gba_pki_ca_t *)->ca : NULL;
    parts->clock = base_clock_system();
    parts->random = base_random_system();
    parts->log = &k->log;
    parts->meter = mod_gba_pki_meter();
    issuer = keeper_issuer_make(k->pool, parts);
    if (!keeper_issuer_limit(issuer, (const pki_profile_t *)profiles->elts, profiles->nelts,
                             k->pool))
        return base_fail(BASE_STORE_DOWN, "GBA1745", "the configured profiles cannot be hashed");
    pthread_mutex_lock(&k->lock);
    k->issuers[place_of(k, ca, index)] = issuer;
    pthread_mutex_unlock(&k->lock);
    return result;
}

/* BASE_OK: the pair is open, perhaps only now. */
static base_result_t open_pair(keeping_t *k, int ca, int ledger, apr_pool_t *pool)
{
    base_result_t result = base_ok();

    pthread_mutex_lock(&k->opening);
    if (!opened(k, place_of(k, ca, ledger)))
        result = make_issuer(k, ca, ledger, pool);
    pthread_mutex_unlock(&k->opening);
    return result;
}

/* The pair's issuer, opened if it is not yet. */
static base_result_t late_issuer(const late_t *late, const portal_issuer_t **issuer,
                                 apr_pool_t *pool)
{
    base_result_t result = open_pair(late->keeping, late->ca, late->ledger, pool);

    if (result.code == BASE_OK)
        *issuer = opened(late->keeping, place_of(late->keeping, late->ca, late->ledger));
    return result;
}

static base_result_t late_issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                                apr_pool_t *pool)
{
    const portal_issuer_t *issuer = NULL;
    base_result_t result = late_issuer(baton, &issuer, pool);

    return result.code == BASE_OK ? issuer->issue(issuer->baton, question, out, pool) : result;
}

static base_result_t late_pseudonym(void *baton, const char *subscriber,
                                    char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    const portal_issuer_t *issuer = NULL;
    base_result_t result = late_issuer(baton, &issuer, pool);

    return result.code == BASE_OK ? issuer->pseudonym(issuer->baton, subscriber, out, pool)
                                  : result;
}

static base_result_t late_weigh(void *baton, const portal_issue_t *question, portal_weighed_t *out,
                                apr_pool_t *pool)
{
    const portal_issuer_t *issuer = NULL;
    base_result_t result = late_issuer(baton, &issuer, pool);

    return result.code == BASE_OK ? issuer->weigh(issuer->baton, question, out, pool) : result;
}

static int ca_rows(const keeping_t *k)
{
    int cas = k->warden->parts->cas->nelts;

    return cas ? cas : 1;
}

static void begin_issuer(keeping_t *k, int ca, int ledger)
{
    late_t *late = &k->late[place_of(k, ca, ledger)];
    base_result_t result;

    *late = (late_t){k, ca, ledger, {late, late_issue, late_pseudonym, late_weigh}};
    result = make_issuer(k, ca, ledger, k->pool);
    if (result.code != BASE_OK)
        cannot_load(k, result);
}

static int make_issuers(keeping_t *k)
{
    int ledgers = k->warden->parts->ledgers->nelts;
    apr_size_t pairs = (apr_size_t)(ca_rows(k) * ledgers) + 1;

    k->issuers = apr_pcalloc(k->pool, sizeof(*k->issuers) * pairs);
    k->issuer_parts = apr_pcalloc(k->pool, sizeof(*k->issuer_parts) * pairs);
    k->late = apr_pcalloc(k->pool, sizeof(*k->late) * pairs);
    if (pthread_mutex_init(&k->lock, NULL) != 0 || pthread_mutex_init(&k->opening, NULL) != 0)
        return 0;
    for (int i = 0; i < ca_rows(k); i++)
        for (int j = 0; j < ledgers; j++)
            begin_issuer(k, i, j);
    return 1;
}

static int is_pair(const keeping_t *k, int ca, int ledger)
{
    return ca >= 0 && ca < ca_rows(k) && ledger >= 0 && ledger < k->warden->parts->ledgers->nelts;
}

static const portal_issuer_t *issuer_of(void *baton, int ca, int ledger)
{
    keeping_t *k = baton;
    const portal_issuer_t *issuer;

    if (!is_pair(k, ca, ledger))
        return NULL;
    issuer = opened(k, place_of(k, ca, ledger));
    return issuer ? issuer : &k->late[place_of(k, ca, ledger)].issuer;
}

static base_result_t health(void *baton, int ca, int ledger, apr_pool_t *pool)
{
    keeping_t *k = baton;
    base_result_t result;

    if (!is_pair(k, ca, ledger))
        return base_fail(BASE_STORE_DOWN, "GBA0734", "no such CA and ledger");
    result = open_pair(k, ca, ledger, pool);
    return result.code == BASE_OK
               ? keeper_issuer_health(&k->issuer_parts[place_of(k, ca, ledger)], pool)
               : result;
}

static int say_ready(const mod_gba_pki_warden_t *warden)
{
    return warden->ready < 0 || write(warden->ready, "r", 1) == 1;
}

static int serve(keeping_t *k, int listener)
{
    apr_pool_t *pool;
    keeper_server_t server = {.listener = listener,
                              .lifeline = k->warden->lifeline,
                              .peer_uid = ap_unixd_config.user_id,
                              .max_connections = CONNECTIONS_MAX,
                              .idle_ms = 0,
                              .exchange_ms = EXCHANGE_MS,
                              .word = k->warden->word,
                              .parts = &k->parts,
                              .log = &k->log};

    k->parts.sources = k->sources;
    k->parts.source_count = k->warden->parts->sources->nelts;
    k->parts.issuer = issuer_of;
    k->parts.health = health;
    k->parts.baton = k;
    if (!say_ready(k->warden))
        return 0; /* httpd has given up waiting */
    /* A pool of its own: k->pool is ours to use under k->opening from now on. */
    apr_pool_create(&pool, NULL);
    return keeper_server_run(&server, pool);
}

int mod_gba_pki_keeper_main(const mod_gba_pki_warden_t *warden)
{
    keeping_t k = {.warden = warden};
    mod_gba_pki_heads_t *heads;
    int listener, status;

    k.log.baton = &k;
    k.log.emit = emit;
    prctl(PR_SET_NAME, "gba-keeper");
    apr_pool_create(&k.pool, NULL);
    digest_hash_init();
    listener = make_listener(&k);
    prctl(PR_SET_DUMPABLE, 0); /* before any key is there, and after any change of user */
    if (listener < 0 || !load_sources(&k) || !load_cas(&k) || !confine(&k) || !start_engine(&k) ||
        !make_issuers(&k))
        return START_FAILED;
    heads = mod_gba_pki_heads_start(warden->parts, &k.log, k.pool);
    status = serve(&k, listener);
    if (status == ETIMEDOUT)
        _exit(0); /* its end was asked for, and one exchange would not: threads still run */
    mod_gba_pki_heads_stop(heads);
    apr_pool_destroy(k.pool); /* closes the ledgers, wipes the keys */
    return status == 0 ? 0 : START_FAILED;
}
