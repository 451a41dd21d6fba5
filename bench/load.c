/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file load.c
 * A keep-alive client for bench.sh: sends a number of GETs over some connections to one server on
 * 127.0.0.1, with or without Digest, checks every response (and every rspauth), and prints what
 * the server's process spent on them. Its hashes are the product's own: it measures, it proves
 * nothing. All connections send, then all receive, so that the server always has work and never
 * the client's answer to wait for.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "digest/digest_grammar.h"

#define CONNECTIONS_MAX 64
#define REPLY_MAX       16384

/* What to do. The password comes by the environment: arguments can be read by anybody. */
typedef struct plan_t {
    const char *path;
    const char *user; /* NULL: no authentication */
    const char *password;
    digest_alg_t alg;
    digest_qop_t qop;
    unsigned port;
    unsigned connections;
    unsigned long requests; /* 0: none, print nothing */
    pid_t pid;              /* whose CPU time is counted; 0: nobody's */
} plan_t;

/* One connection with a nonce of its own. */
typedef struct link_t {
    int fd;
    apr_uint32_t nc;
    char nc_text[9];
    char nonce[512];
    char realm[256];
    char opaque[256];
    char ha1[DIGEST_HEX_MAX];
    char reply[REPLY_MAX + 1];
    char *body;
    size_t body_len;
    int status;
} link_t;

static const char cnonce[] = "4f1d5a0c9be37286";

static void stop(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static int tcp_open(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        stop("no connection");
    return fd;
}

/* ---- HTTP, as much of it as httpd's answers to us need ---- */

static void send_request(const plan_t *plan, link_t *link, const char *authorization)
{
    char text[4096];
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load 3gpp-gba\r\n%s%s%s"
                       "\r\n",
                       plan->path, authorization ? "Authorization: " : "",
                       authorization ? authorization : "", authorization ? "\r\n" : "");

    if (len < 0 || (size_t)len >= sizeof(text) || write(link->fd, text, (size_t)len) != len)
        stop("cannot send");
}

/* The value of a field in the head of the reply, as a NUL-terminated copy; NULL after the last.
 * *at says where to look on. */
static const char *next_field(link_t *link, const char **at, const char *name, apr_pool_t *pool)
{
    size_t len = strlen(name);

    for (const char *line = strstr(*at, "\r\n"); line && line + 2 < link->body;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
            continue;
        *at = line + 2 + len;
        line = *at + 1 + strspn(*at + 1, " ");
        return apr_pstrmemdup(pool, line, strcspn(line, "\r"));
    }
    return NULL;
}

static const char *field(link_t *link, const char *name, apr_pool_t *pool)
{
    const char *at = link->reply;

    return next_field(link, &at, name, pool);
}

static void read_some(link_t *link, size_t *have)
{
    ssize_t got = *have < REPLY_MAX ? read(link->fd, link->reply + *have, REPLY_MAX - *have) : 0;

    if (got <= 0)
        stop("the server ended the connection, or the reply is too large");
    *have += (size_t)got;
    link->reply[*have] = '\0';
}

static void receive(link_t *link, apr_pool_t *pool)
{
    const char *length;
    apr_uint64_t body = 0;
    size_t have = 0;

    do
        read_some(link, &have);
    while (!(link->body = strstr(link->reply, "\r\n\r\n")));
    link->body += 4;
    length = field(link, "Content-Length", pool);
    if (!length || !base_decimal_decode(&body, base_span_str(length), REPLY_MAX))
        stop("a reply without Content-Length");
    while (have < (size_t)(link->body - link->reply) + body)
        read_some(link, &have);
    link->body_len = (size_t)body;
    link->status = atoi(link->reply + sizeof("HTTP/1.1"));
}

/* ---- Digest ---- */

static void take(char *to, size_t size, const char *text)
{
    if (!text || strlen(text) >= size)
        stop("a challenge without what is needed, or too long");
    apr_cpystrn(to, text, size);
}

static void take_challenge(const plan_t *plan, link_t *link, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 3, sizeof(digest_challenge_t));
    const char *at = link->reply, *value;

    while ((value = next_field(link, &at, "WWW-Authenticate", pool)) != NULL)
        (void)digest_challenge_parse(list, value, pool);
    for (int i = 0; i < list->nelts; i++) {
        const digest_challenge_t *challenge = &APR_ARRAY_IDX(list, i, digest_challenge_t);
        if (!challenge->alg_known || challenge->alg != plan->alg ||
            !(challenge->qop & (unsigned)plan->qop))
            continue;
        take(link->nonce, sizeof(link->nonce), challenge->nonce);
        take(link->realm, sizeof(link->realm), challenge->realm);
        take(link->opaque, sizeof(link->opaque), challenge->opaque ? challenge->opaque : "");
        return;
    }
    stop("no challenge of the algorithm and qop asked for");
}

static const char *body_hash(const plan_t *plan, const char *data, size_t len, apr_pool_t *pool)
{
    digest_body_t *hash = digest_body_start(pool, plan->alg);
    char *hex = apr_palloc(pool, DIGEST_HEX_MAX);

    if (!hash || !digest_body_add(hash, data, len) || !digest_body_finish(hash, hex))
        stop("no hash");
    return hex;
}

static void compute(char *out, const plan_t *plan, const link_t *link, const char *method,
                    const char *hash)
{
    digest_input_t in = {.alg = plan->alg,
                         .qop = plan->qop,
                         .ha1 = link->ha1,
                         .method = method,
                         .uri = plan->path,
                         .nonce = link->nonce,
                         .nc = link->nc_text,
                         .cnonce = cnonce,
                         .body_hash = hash};

    if (!digest_response(&in, out))
        stop("no hash");
}

static const char *authorization(const plan_t *plan, link_t *link, apr_pool_t *pool)
{
    digest_credentials_t cred = {.username = plan->user,
                                 .realm = link->realm,
                                 .nonce = link->nonce,
                                 .uri = plan->path,
                                 .cnonce = cnonce,
                                 .nc = link->nc_text,
                                 .qop = plan->qop,
                                 .alg = plan->alg};

    cred.opaque = *link->opaque ? link->opaque : NULL;
    snprintf(link->nc_text, sizeof(link->nc_text), "%08x", ++link->nc);
    compute(cred.response, plan, link, "GET", body_hash(plan, "", 0, pool));
    return digest_credentials_print(&cred, pool);
}

static void verify(const plan_t *plan, link_t *link, apr_pool_t *pool)
{
    const char *value = field(link, "Authentication-Info", pool);
    digest_authinfo_t *info = NULL;
    char wanted[DIGEST_HEX_MAX];

    if (!value || digest_authinfo_parse(&info, value, pool).code != BASE_OK)
        stop("a response without a readable Authentication-Info");
    compute(wanted, plan, link, NULL, body_hash(plan, link->body, link->body_len, pool));
    if (strcmp(info->rspauth, wanted) != 0 || strcmp(info->nc, link->nc_text) != 0)
        stop("a response with a wrong rspauth");
}

/* ---- the run ---- */

static void link_open(const plan_t *plan, link_t *link, apr_pool_t *pool)
{
    link->fd = tcp_open(plan->port);
    if (!plan->user)
        return;
    send_request(plan, link, NULL);
    receive(link, pool);
    if (link->status != 401)
        stop("no challenge");
    take_challenge(plan, link, pool);
    if (!digest_ha1(plan->alg, plan->user, link->realm, base_span_str(plan->password), link->ha1))
        stop("no hash");
}

/* One request on each connection. */
static void turn(const plan_t *plan, link_t *links, apr_pool_t *pool)
{
    for (unsigned i = 0; i < plan->connections; i++)
        send_request(plan, &links[i], plan->user ? authorization(plan, &links[i], pool) : NULL);
    for (unsigned i = 0; i < plan->connections; i++) {
        receive(&links[i], pool);
        if (links[i].status != 200)
            stop("a response other than 200");
        if (plan->user)
            verify(plan, &links[i], pool);
    }
    apr_pool_clear(pool);
}

static double microseconds(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        stop("no such clock");
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void run(const plan_t *plan, link_t *links, apr_pool_t *pool)
{
    unsigned long turns = (plan->requests + plan->connections - 1) / plan->connections;
    clockid_t cpu = CLOCK_PROCESS_CPUTIME_ID;
    double cpu_us, us;

    /* The kernel's own count of a process's CPU time; /proc/PID/stat has it too, in ticks. */
    if (plan->pid && clock_getcpuclockid(plan->pid, &cpu) != 0)
        stop("no such process");
    cpu_us = microseconds(cpu);
    us = microseconds(CLOCK_MONOTONIC);
    for (unsigned long i = 0; i < turns; i++)
        turn(plan, links, pool);
    us = microseconds(CLOCK_MONOTONIC) - us;
    cpu_us = microseconds(cpu) - cpu_us;
    printf("%lu %.3f %.0f\n", turns * plan->connections,
           cpu_us / (double)(turns * plan->connections),
           (double)(turns * plan->connections) * 1e6 / us);
}

static unsigned long number(const char *text)
{
    apr_uint64_t value;

    if (!base_decimal_decode(&value, base_span_str(text), 1000000000))
        stop("not a number");
    return (unsigned long)value;
}

static void read_arguments(plan_t *plan, int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, "p:u:c:n:P:U:a:q:")) != -1) {
        if (letter == 'p')
            plan->port = (unsigned)number(optarg);
        else if (letter == 'u')
            plan->path = optarg;
        else if (letter == 'c')
            plan->connections = (unsigned)number(optarg);
        else if (letter == 'n')
            plan->requests = number(optarg);
        else if (letter == 'P')
            plan->pid = (pid_t)number(optarg);
        else if (letter == 'U')
            plan->user = optarg;
        else if (letter == 'a' && digest_alg_parse(&plan->alg, optarg))
            continue;
        else if (letter == 'q' && strcmp(optarg, "auth") == 0)
            plan->qop = DIGEST_QOP_AUTH;
        else if (letter != 'q' || strcmp(optarg, "auth-int") != 0)
            stop("usage: BENCH_PASSWORD=... load -p PORT -u PATH [-c CONNECTIONS] -n REQUESTS "
                 "[-P PID] [-U USER -a ALGORITHM -q QOP]\nprints: requests, microseconds of PID's "
                 "CPU per request, requests per second");
    }
    plan->password = getenv("BENCH_PASSWORD");
    if (!plan->port || !plan->path || !plan->connections || plan->connections > CONNECTIONS_MAX ||
        !plan->requests || (plan->user && !plan->password))
        stop("-p, -u, -n, and with -U also BENCH_PASSWORD are needed");
}

int main(int argc, char **argv)
{
    plan_t plan = {.alg = DIGEST_MD5, .qop = DIGEST_QOP_AUTH_INT, .connections = 8};
    apr_pool_t *pool;
    link_t *links;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        stop("no APR");
    digest_hash_init();
    read_arguments(&plan, argc, argv);
    links = calloc(plan.connections, sizeof(*links));
    if (!links)
        stop("no memory");
    for (unsigned i = 0; i < plan.connections; i++)
        link_open(&plan, &links[i], pool);
    apr_pool_clear(pool);
    run(&plan, links, pool);
    free(links);
    return 0;
}
