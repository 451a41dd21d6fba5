/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_digest_window.c
 * Replay windows against a naive model that remembers everything, and the
 * property that counts: nothing is accepted twice, and nothing within reach of
 * a window is refused the first time.
 */
#include <stdlib.h>
#include "digest/digest_window.h"
#include "tap.h"

#define TOP 0xffffffffu

static apr_uint64_t state = 88172645463325252u;

/* xorshift64: the same numbers on each run. */
static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 16) % below);
}

static digest_nonce_t nonce_of(unsigned name, apr_uint64_t minted_ms)
{
    digest_nonce_t nonce = {.minted_ms = minted_ms};

    memcpy(nonce.id, &name, sizeof(name));
    return nonce;
}

/* Everything ever accepted, and what the header promises about windows and horizon. */
typedef struct seen_t {
    unsigned name;
    apr_uint32_t nc;
} seen_t;

typedef struct model_t {
    seen_t *seen;
    unsigned count, room;
    struct {
        int used;
        unsigned name;
        apr_uint64_t minted;
        apr_uint32_t highest;
    } window[DIGEST_WINDOWS];
    apr_uint64_t horizon;
} model_t;

static int model_has(const model_t *model, unsigned name, apr_uint32_t nc)
{
    for (unsigned i = 0; i < model->count; i++) {
        if (model->seen[i].name == name && model->seen[i].nc == nc)
            return 1;
    }
    return 0;
}

static void model_remember(model_t *model, unsigned name, apr_uint32_t nc)
{
    if (model->count == model->room) {
        model->room = model->room ? 2 * model->room : 64;
        model->seen = realloc(model->seen, model->room * sizeof(seen_t));
        if (!model->seen)
            abort();
    }
    model->seen[model->count++] = (seen_t){name, nc};
}

/* The index of the nonce's window, or of the one it would take: an empty or the oldest one. */
static int model_place(const model_t *model, unsigned name, int *has)
{
    int best = 0;

    *has = 0;
    for (int i = 0; i < DIGEST_WINDOWS; i++) {
        if (model->window[i].used && model->window[i].name == name) {
            *has = 1;
            return i;
        }
        if (model->window[best].used &&
            (!model->window[i].used || model->window[i].minted < model->window[best].minted))
            best = i;
    }
    return best;
}

static base_code_t model_accept(model_t *model, unsigned name, apr_uint64_t minted, apr_uint32_t nc)
{
    int has, at = model_place(model, name, &has);

    if (!has) {
        if (minted <= model->horizon)
            return BASE_WINDOW_GONE;
        if (model->window[at].used && model->window[at].minted > model->horizon)
            model->horizon = model->window[at].minted;
        model->window[at].used = 1;
        model->window[at].name = name;
        model->window[at].minted = minted;
        model->window[at].highest = nc;
    } else if (nc < model->window[at].highest && model->window[at].highest - nc > 127) {
        return BASE_NONCE_REPLAYED; /* below the 128 remembered numbers */
    }
    if (model_has(model, name, nc))
        return BASE_NONCE_REPLAYED;
    if (nc > model->window[at].highest)
        model->window[at].highest = nc;
    model_remember(model, name, nc);
    return BASE_OK;
}

/* One nonce: @a count numbers drawn from [base, base + span). */
static void compare_one(apr_uint32_t base, unsigned span, unsigned count, const char *name)
{
    digest_windows_t set = {0};
    model_t model = {0};
    digest_nonce_t nonce = nonce_of(1, 1000);
    unsigned differ = 0, accepted = 0;

    for (unsigned i = 0; i < count; i++) {
        apr_uint32_t nc = base + draw(span);
        base_code_t got = digest_windows_accept(&set, &nonce, nc);
        differ += got != model_accept(&model, 1, 1000, nc);
        accepted += got == BASE_OK;
    }
    ok(differ == 0 && accepted == model.count && accepted > 1, "%s: %u of %u accepted, %u differ",
       name, accepted, count, differ);
    free(model.seen);
}

/* Slowly rising numbers out of order, with jumps: what parallel connections do, and worse. */
static void compare_walk(apr_uint32_t base, unsigned jump, unsigned count, const char *name)
{
    digest_windows_t set = {0};
    model_t model = {0};
    digest_nonce_t nonce = nonce_of(1, 1000);
    apr_uint32_t front = base;
    unsigned differ = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned up = draw(4) == 0 ? draw(jump) : draw(3);
        unsigned back = draw(200);
        apr_uint32_t nc;
        front = TOP - front < up ? TOP : front + up;
        nc = front > back ? front - back : 1;
        differ += digest_windows_accept(&set, &nonce, nc) != model_accept(&model, 1, 1000, nc);
    }
    ok(differ == 0, "%s: %u accepted, %u differ", name, model.count, differ);
    free(model.seen);
}

/* Many nonces over a few windows, several minted in the same millisecond, used in any order. */
static void compare_many(unsigned nonces, unsigned span, unsigned count, const char *name)
{
    digest_windows_t set = {0};
    model_t model = {0};
    unsigned differ = 0, gone = 0, early = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned which = i / 16 % nonces + draw(12);
        apr_uint64_t minted = 1000 + which / 2; /* pairs share their time */
        digest_nonce_t nonce = nonce_of(which, minted);
        apr_uint32_t nc = 1 + draw(span);
        base_code_t got = digest_windows_accept(&set, &nonce, nc);
        differ += got != model_accept(&model, which, minted, nc);
        gone += got == BASE_WINDOW_GONE;
        early += set.horizon_ms != model.horizon;
    }
    ok(differ == 0 && early == 0 && gone > 0, "%s: %u accepted, %u gone, %u differ", name,
       model.count, gone, differ + early);
    free(model.seen);
}

/* Each order of few numbers: all are accepted once, whatever the order, and never again. */
static void test_all_orders(void)
{
    static const apr_uint32_t number[] = {1, 2, 64, 65, 127, 128};
    unsigned orders = 0, wrong = 0;

    for (unsigned code = 0; code < 6 * 6 * 6 * 6 * 6 * 6; code++) {
        digest_windows_t set = {0};
        digest_nonce_t nonce = nonce_of(1, 5);
        unsigned used = 0;
        for (unsigned i = 0, rest = code; i < 6; i++, rest /= 6) {
            unsigned bit = 1u << (rest % 6);
            base_code_t want = used & bit ? BASE_NONCE_REPLAYED : BASE_OK;
            wrong += digest_windows_accept(&set, &nonce, number[rest % 6]) != want;
            used |= bit;
        }
        orders++;
    }
    ok(wrong == 0, "all %u sequences of six numbers within 128: %u wrong", orders, wrong);
}

/* Every distance below the highest, on both sides of the window's edge. */
static void test_edges(void)
{
    unsigned wrong = 0;

    for (apr_uint32_t by = 1; by <= 300; by++) {
        digest_windows_t set = {0};
        digest_nonce_t nonce = nonce_of(1, 5);
        digest_windows_accept(&set, &nonce, 1000);
        digest_windows_accept(&set, &nonce, 1000 + by);
        wrong += digest_windows_accept(&set, &nonce, 1000) != BASE_NONCE_REPLAYED;
        for (apr_uint32_t below = 1; below <= 300; below++) {
            base_code_t want = below < 128 && below != by ? BASE_OK : BASE_NONCE_REPLAYED;
            wrong += digest_windows_accept(&set, &nonce, 1000 + by - below) != want;
        }
    }
    ok(wrong == 0, "each slide by 1 to 300 keeps exactly the last 128 numbers: %u wrong", wrong);
}

static void test_limits(void)
{
    digest_windows_t set = {0};
    digest_nonce_t nonce = nonce_of(1, 5), never = nonce_of(0, 0);

    is_int(digest_windows_accept(&set, &nonce, 0), BASE_NONCE_REPLAYED, "nc 0 is never taken");
    is_int((long long)digest_windows_latest(&set), 0, "and leaves no window");
    is_int(digest_windows_accept(&set, &nonce, TOP), BASE_OK, "the last nc");
    is_int(digest_windows_accept(&set, &nonce, TOP), BASE_NONCE_REPLAYED, "not twice");
    is_int(digest_windows_accept(&set, &nonce, TOP - 127), BASE_OK, "127 below it");
    is_int(digest_windows_accept(&set, &nonce, TOP - 128), BASE_NONCE_REPLAYED, "not 128 below");
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_NONCE_REPLAYED, "nor around the end");
    is_int(digest_windows_accept(&set, &never, 1), BASE_WINDOW_GONE,
           "a nonce without a time is no empty window");
    ok(set.window[0].pad == 0, "the padding stays 0");
}

static void test_horizon(void)
{
    digest_windows_t set = {0};
    digest_nonce_t nonce;
    apr_uint64_t last = 0;
    int falls = 0;

    for (unsigned i = 1; i <= DIGEST_WINDOWS; i++) {
        nonce = nonce_of(i, 100 + i);
        digest_windows_accept(&set, &nonce, 7);
    }
    is_int((long long)set.horizon_ms, 0, "as many nonces as windows: nothing forgotten");
    is_int((long long)digest_windows_latest(&set), 108, "latest is the newest of them");
    nonce = nonce_of(9, 109);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_OK, "one more is taken");
    is_int((long long)set.horizon_ms, 101, "the oldest-minted went, not the first or last used");
    nonce = nonce_of(1, 101);
    is_int(digest_windows_accept(&set, &nonce, 8), BASE_WINDOW_GONE, "it does not come back");
    nonce = nonce_of(77, 101);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_WINDOW_GONE, "nor another of its time");
    nonce = nonce_of(2, 102);
    is_int(digest_windows_accept(&set, &nonce, 7), BASE_NONCE_REPLAYED,
           "the second is still known");
    is_int(digest_windows_accept(&set, &nonce, 8), BASE_OK, "and goes on");
    memset(&set, 0, sizeof(set));
    set.horizon_ms = 500;
    nonce = nonce_of(1, 500);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_WINDOW_GONE, "at an inherited horizon");
    is_int((long long)digest_windows_latest(&set), 500, "which is then the latest");
    for (unsigned i = 0; i < 2000; i++) {
        nonce = nonce_of(1000 + i, 501 + draw(400));
        digest_windows_accept(&set, &nonce, 1);
        falls += set.horizon_ms < last;
        last = set.horizon_ms;
    }
    is_int(falls, 0, "the horizon never falls");
}

/* A nonce older than all eight is still taken, since the horizon is below it. When its window goes
 * in turn, the horizon must stay where the newer one's going had put it. */
static void test_late_nonce(void)
{
    digest_windows_t set = {0};
    digest_nonce_t nonce;

    for (unsigned i = 1; i <= DIGEST_WINDOWS; i++) {
        nonce = nonce_of(i, 100 + i);
        digest_windows_accept(&set, &nonce, 1);
    }
    nonce = nonce_of(50, 50);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_OK, "minted before all, used after all");
    is_int((long long)set.horizon_ms, 101, "the horizon is where the oldest window was");
    nonce = nonce_of(50, 50);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_NONCE_REPLAYED, "below it, but remembered");
    nonce = nonce_of(9, 109);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_OK, "it makes room again");
    is_int((long long)set.horizon_ms, 101, "and the horizon has not fallen");
    nonce = nonce_of(1, 101);
    is_int(digest_windows_accept(&set, &nonce, 1), BASE_WINDOW_GONE, "so nothing comes back");
}

/* Two nonces of one id and different times, or one time and different ids, share nothing. */
static void test_identity(void)
{
    digest_windows_t set = {0};
    digest_nonce_t a = nonce_of(1, 50), b = nonce_of(2, 50), c = nonce_of(1, 51);

    is_int(digest_windows_accept(&set, &a, 1), BASE_OK, "first nonce");
    is_int(digest_windows_accept(&set, &b, 1), BASE_OK, "same time, other id");
    is_int(digest_windows_accept(&set, &c, 1), BASE_OK, "same id, other time");
    is_int(digest_windows_accept(&set, &a, 1), BASE_NONCE_REPLAYED, "the first is still known");
}

int main(void)
{
    test_all_orders();
    test_edges();
    test_limits();
    test_horizon();
    test_late_nonce();
    test_identity();
    compare_one(1, 100, 400, "numbers from 1, all within the window");
    compare_one(1, 1000, 3000, "numbers from 1 to 1000");
    compare_one(TOP - 299, 300, 1500, "numbers up to 2^32 - 1");
    compare_one(0x7fffff00u, 512, 1500, "numbers around 2^31");
    compare_one(1, 0x7fffffffu, 500, "wide jumps");
    compare_walk(1, 5, 3000, "a walk");
    compare_walk(1, 400, 3000, "a walk with jumps over the window");
    compare_walk(TOP - 1000, 70, 2000, "a walk into the end of the numbers");
    compare_many(8, 20, 3000, "a few nonces more than windows");
    compare_many(60, 5, 4000, "many nonces, wrapping to old ones");
    compare_many(100, 300, 4000, "many nonces, wide numbers");
    return tap_done();
}
