/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>
#include <httpd.h>
#include <ap_mpm.h>
#include <http_log.h>
#include <unixd.h>

#include "httpd/mod_gba_pki_heads.h"
#include "httpd/mod_gba_pki_issuers.h"
#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_warden.h"
#include "httpd/mod_gba_pki_run.h"
#include "keeper/keeper_lookup.h"
#include "keeper/keeper_server.h"

APLOG_USE_MODULE(gba_pki);

#define START_FAILED        3
#define IN_FLIGHT_MAX       64    /* look-ups under way at once, for each key source */
#define REMEMBER_UNKNOWN_MS 10000 /* a UE may bootstrap and come back under the same B-TID */
#define CONNECTIONS_MIN     1024
#define CONNECTIONS_MAX     16384       /* a thread each */
#define FILES_MAX           512         /* beside them: ledgers, and connections to BSFs */
#define EXCHANGE_MS         10000       /* one frame may take so long to arrive or to leave */
#define CPU_SECONDS         (24 * 3600) /* a keeper that used so much has run away: it is started anew */

/* What a running keeper answers with. */
typedef struct keeping_t {
    const mod_gba_pki_warden_t *warden;
    apr_pool_t *pool;
    const gba_keysource_t **sources;
    keeper_nbsp_engine_t *engine; /* NULL: no BSF is asked */
    mod_gba_pki_issuers_t *issuers;
    keeper_parts_t parts;
    base_log_t log;
} keeping_t;

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

/* What another user's id does not take away: inheritable ones, and those that httpd was started
 * with where it never was root. Nothing is asked of the system where there is none. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3];
    static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, own) != 0)
        return 0;
    return memcmp(own, none, sizeof(own)) == 0 || syscall(SYS_capset, &header, none) == 0;
}

/* Children keep their connections: a place for each that all of them may have. */
static int places(const keeping_t *k)
{
    int daemons = 0;
    apr_int64_t wanted;

    if (ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &daemons) != APR_SUCCESS || daemons < 1)
        daemons = 1;
    wanted = (apr_int64_t)daemons * mod_gba_pki_keeper_share(k->warden->srv);
    if (wanted < CONNECTIONS_MIN)
        return CONNECTIONS_MIN;
    return wanted < CONNECTIONS_MAX ? (int)wanted : CONNECTIONS_MAX;
}

static int confine(const keeping_t *k)
{
    if (!mod_gba_pki_drop_root(k->warden->srv))
        return cannot(k, "GBA0731", errno, "cannot take the keeper's user");
    if (!drop_capabilities())
        return cannot(k, "GBA1801", errno, "cannot give up its capabilities");
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return cannot(k, "GBA0732", errno, "cannot make itself undumpable");
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, (rlim_t)places(k) + FILES_MAX) ||
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

static int make_issuers(keeping_t *k)
{
    k->issuers = mod_gba_pki_issuers_make(k->warden->parts, &k->log, k->pool);
    return k->issuers || cannot(k, "GBA1800", 0, "no mutex for the ledgers");
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
                              .max_connections = places(k),
                              .idle_ms = 0,
                              .exchange_ms = EXCHANGE_MS,
                              .word = k->warden->word,
                              .parts = &k->parts,
                              .log = &k->log};

    k->parts.sources = k->sources;
    k->parts.source_count = k->warden->parts->sources->nelts;
    k->parts.issuer = mod_gba_pki_issuers_get;
    k->parts.health = mod_gba_pki_issuers_health;
    k->parts.baton = k->issuers;
    if (!say_ready(k->warden))
        return 0; /* httpd has given up waiting */
    /* A pool of its own: k->pool is the issuers' from now on. */
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
