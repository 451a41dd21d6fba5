/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp.h"

#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_json_request.h"
#include "keeper/keeper_frame.h"
#include "keeper/keeper_nbsp_map.h"
#include "keeper/keeper_nbsp_private.h"

#define PROBE_SPARE_MS 1000 /* after its deadline a probe is thought lost */

/* The baton of the seam. */
typedef struct nbsp_source_t {
    gba_keysource_t seam;
    keeper_nbsp_config_t config;
    keeper_nbsp_place_t *places; /* one for each BSF */
} nbsp_source_t;

keeper_nbsp_bsf_t *keeper_nbsp_bsf_make(const char *name, apr_pool_t *pool)
{
    keeper_nbsp_bsf_t *bsf = apr_pcalloc(pool, sizeof(*bsf));
    bsf->name = name;
    bsf->domains = apr_array_make(pool, 2, sizeof(const char *));
    bsf->addresses = apr_array_make(pool, 2, sizeof(keeper_nbsp_url_t));
    bsf->redirects = apr_array_make(pool, 2, sizeof(keeper_nbsp_host_t));
    bsf->token_scope = KEEPER_NBSP_SCOPE;
    bsf->connect_ms = KEEPER_NBSP_CONNECT_MS;
    bsf->total_ms = KEEPER_NBSP_TOTAL_MS;
    bsf->unknown_percent = KEEPER_NBSP_ALARM;
    return bsf;
}

/* ---- which BSF ---- */

static keeper_nbsp_place_t *choose(const nbsp_source_t *source, const char *domain)
{
    keeper_nbsp_place_t *best = NULL;
    unsigned best_fit = 0;
    for (int i = 0; i < source->config.bsfs->nelts; i++) {
        unsigned fit = keeper_nbsp_patterns_fit(source->places[i].bsf->domains, domain);
        if (source->places[i].bsf->domains->nelts == 0)
            fit = keeper_nbsp_pattern_fit("*", domain);
        if (fit > best_fit) {
            best = &source->places[i];
            best_fit = fit;
        }
    }
    return best;
}

/* ---- which address ---- */

static keeper_nbsp_pass_t may_ask(keeper_nbsp_place_t *place, int index)
{
    apr_uint64_t probe_ms = (apr_uint64_t)place->bsf->total_ms + PROBE_SPARE_MS;
    keeper_nbsp_pass_t pass;
    pthread_mutex_lock(&place->lock);
    pass = keeper_nbsp_breaker_ask(&place->breakers[index], keeper_nbsp_now(place), probe_ms);
    pthread_mutex_unlock(&place->lock);
    return pass;
}

static void say(const keeper_nbsp_place_t *place, base_level_t level, const char *tag,
                const char *text)
{
    const base_log_t *log = place->source->log;
    log->emit(log->baton, level, tag, text);
}

static void told(const keeper_nbsp_call_t *call, int index, keeper_nbsp_pass_t pass,
                 keeper_nbsp_end_t end)
{
    keeper_nbsp_place_t *place = call->place;
    const char *shown = APR_ARRAY_IDX(place->bsf->addresses, index, keeper_nbsp_url_t).shown;
    int opened = 0;
    pthread_mutex_lock(&place->lock);
    if (end == KEEPER_NBSP_SILENT)
        opened = keeper_nbsp_breaker_bad(&place->breakers[index], pass, keeper_nbsp_now(place));
    else
        keeper_nbsp_breaker_good(&place->breakers[index]);
    pthread_mutex_unlock(&place->lock);
    if (opened)
        say(place, BASE_LOG_WARNING, "GBA1160",
            apr_psprintf(call->pool, "BSF %s: %s does not answer and is left alone for a while",
                         place->bsf->name, shown));
    if (pass == KEEPER_NBSP_PROBE && end != KEEPER_NBSP_SILENT)
        say(place, BASE_LOG_NOTICE, "GBA1161",
            apr_psprintf(call->pool, "BSF %s: %s answers again", place->bsf->name, shown));
}

/* Half of what is left while another address may be asked after this one. */
static apr_uint64_t deadline_of(const keeper_nbsp_call_t *call, int is_last)
{
    int left = keeper_deadline_left(call->deadline);
    return is_last ? call->deadline : keeper_deadline(left / 2);
}

/* What a BSF said, its cause and Retry-After, tells more than that its next address is silent. */
static base_result_t ask_in_turn(const keeper_nbsp_call_t *call)
{
    const apr_array_header_t *addresses = call->place->bsf->addresses;
    base_result_t one;
    base_result_t result =
        base_fail(BASE_KEYSOURCE_DOWN, "GBA1162",
                  apr_psprintf(call->pool, "BSF %s: no address answers", call->place->bsf->name));
    int said = 0;
    for (int i = 0; i < addresses->nelts && keeper_deadline_left(call->deadline) > 0; i++) {
        keeper_nbsp_pass_t pass = may_ask(call->place, i);
        keeper_nbsp_end_t end;
        if (pass == KEEPER_NBSP_STOP)
            continue;
        end = keeper_nbsp_ask(&one, call, &APR_ARRAY_IDX(addresses, i, keeper_nbsp_url_t),
                              deadline_of(call, i == addresses->nelts - 1));
        told(call, i, pass, end);
        if (end != KEEPER_NBSP_SILENT || !said)
            result = one;
        said |= end != KEEPER_NBSP_SILENT;
        if (end == KEEPER_NBSP_ANSWERED)
            break;
    }
    result.unreached = !said;
    return result;
}

/* ---- the seam ---- */

static void count(const keeper_nbsp_call_t *call, base_code_t code)
{
    keeper_nbsp_place_t *place = call->place;
    keeper_nbsp_alarm_t alarm;
    int cry;
    if (code != BASE_OK && code != BASE_UNKNOWN_BTID)
        return;
    pthread_mutex_lock(&place->lock);
    cry = keeper_nbsp_alarm_count(&place->alarm, code == BASE_UNKNOWN_BTID,
                                  place->bsf->unknown_percent, keeper_nbsp_now(place));
    alarm = place->alarm;
    pthread_mutex_unlock(&place->lock);
    if (cry)
        say(place, BASE_LOG_ERR, "GBA1163",
            apr_psprintf(call->pool,
                         "BSF %s does not know %u of the %u B-TIDs that it was asked for within a "
                         "minute (GBABsfUnknownAlarm)",
                         place->bsf->name, alarm.unknown, alarm.asked));
}

static base_result_t ask_place(const nbsp_source_t *source, keeper_nbsp_place_t *place,
                               const gba_lookup_t *question, gba_info_t *out, apr_pool_t *pool)
{
    keeper_nbsp_call_t call = {.place = place, .out = out, .pool = pool};
    gba_lookup_t asked = *question;
    base_result_t result;
    if (source->config.uicc)
        asked.uicc = 1;
    call.deadline = keeper_deadline(place->bsf->total_ms);
    call.body = gba_json_request(&asked, source->config.gs_ids, source->config.gs_id_count, pool);
    if (!call.body)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1164", "the question cannot be written");
    result = ask_in_turn(&call);
    count(&call, result.code);
    return result;
}

static base_result_t nbsp_lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                                 apr_pool_t *pool)
{
    const nbsp_source_t *source = baton;
    const char *domain = gba_btid_domain(question->btid);
    keeper_nbsp_place_t *place = choose(source, domain);
    base_secret_wipe(out, sizeof(*out));
    if (!place)
        return base_fail(BASE_UNKNOWN_BTID, "GBA1165",
                         apr_psprintf(pool, "no BSF is configured for %s",
                                      base_log_safe(pool, domain, GBA_FQDN_MAX)));
    return ask_place(source, place, question, out, pool);
}

/* ---- what is made ---- */

static base_result_t open_place(keeper_nbsp_place_t *place, const keeper_nbsp_config_t *config,
                                const keeper_nbsp_bsf_t *bsf, apr_pool_t *pool)
{
    base_result_t result = keeper_nbsp_files_read(&place->files, bsf, pool);
    if (result.code != BASE_OK)
        return result;
    place->bsf = bsf;
    place->source = config;
    place->breakers =
        apr_pcalloc(pool, sizeof(*place->breakers) * ((apr_size_t)bsf->addresses->nelts + 1));
    if (bsf->token_client) {
        place->basic = keeper_nbsp_token_basic(bsf->token_client, place->files.secret, pool);
        place->token = base_secret_alloc(pool, sizeof(*place->token));
    }
    if (pthread_mutex_init(&place->lock, NULL) != 0 ||
        pthread_mutex_init(&place->token_lock, NULL) != 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1166", "no mutex for a BSF");
    return result;
}

base_result_t keeper_nbsp_open(gba_keysource_t **out, const keeper_nbsp_config_t *config,
                               apr_pool_t *pool)
{
    nbsp_source_t *source = apr_pcalloc(pool, sizeof(*source));
    base_result_t result = base_ok();
    source->config = *config;
    source->places =
        base_secret_alloc(pool, sizeof(*source->places) * ((apr_size_t)config->bsfs->nelts + 1));
    source->seam = (gba_keysource_t){source, nbsp_lookup, config->name};
    for (int i = 0; result.code == BASE_OK && i < config->bsfs->nelts; i++)
        result = open_place(&source->places[i], &source->config,
                            APR_ARRAY_IDX(config->bsfs, i, const keeper_nbsp_bsf_t *), pool);
    *out = result.code == BASE_OK ? &source->seam : NULL;
    return result;
}

base_result_t keeper_nbsp_check(const keeper_nbsp_bsf_t *bsf, apr_pool_t *pool)
{
    keeper_nbsp_files_t files;
    return keeper_nbsp_files_read(&files, bsf, pool);
}
