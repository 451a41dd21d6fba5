/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_window.c
 * See digest_window.h. The sliding bitmap is that of RFC 4303 3.4.3, used for
 * Digest's nc (RFC 7616 3.4: the same nc seen twice is a replay).
 */
#include "digest/digest_window.h"

#include <string.h>

_Static_assert(DIGEST_WINDOW_BITS == 128, "window_slide() moves exactly two words");

static digest_window_t *window_find(digest_windows_t *set, const digest_nonce_t *nonce)
{
    for (int i = 0; i < DIGEST_WINDOWS; i++) {
        digest_window_t *window = &set->window[i];
        if (window->minted_ms != 0 && window->minted_ms == nonce->minted_ms &&
            memcmp(window->id, nonce->id, sizeof(window->id)) == 0)
            return window;
    }
    return NULL;
}

/* The empty window, or the oldest-minted one. An empty one has minted_ms 0, the oldest of all. */
static digest_window_t *window_oldest(digest_windows_t *set)
{
    digest_window_t *oldest = &set->window[0];

    for (int i = 1; i < DIGEST_WINDOWS; i++) {
        if (set->window[i].minted_ms < oldest->minted_ms)
            oldest = &set->window[i];
    }
    return oldest;
}

/* Moves the bitmap up by @a by numbers, which is at least 1. */
static void window_slide(digest_window_t *window, apr_uint32_t by)
{
    if (by >= 128) {
        window->seen[0] = window->seen[1] = 0;
    } else if (by >= 64) {
        window->seen[1] = window->seen[0] << (by - 64);
        window->seen[0] = 0;
    } else {
        window->seen[1] = (window->seen[1] << by) | (window->seen[0] >> (64 - by));
        window->seen[0] <<= by;
    }
}

static base_code_t window_accept(digest_window_t *window, apr_uint32_t nc)
{
    apr_uint32_t below;
    apr_uint64_t bit;

    if (nc > window->highest) {
        window_slide(window, nc - window->highest);
        window->highest = nc;
    }
    below = window->highest - nc;
    if (below >= DIGEST_WINDOW_BITS)
        return BASE_NONCE_REPLAYED;
    bit = (apr_uint64_t)1 << (below % 64);
    if (window->seen[below / 64] & bit)
        return BASE_NONCE_REPLAYED;
    window->seen[below / 64] |= bit;
    return BASE_OK;
}

base_code_t digest_windows_accept(digest_windows_t *set, const digest_nonce_t *nonce,
                                  apr_uint32_t nc)
{
    digest_window_t *window = window_find(set, nonce);

    if (nc == 0)
        return BASE_NONCE_REPLAYED;
    if (window)
        return window_accept(window, nc);
    if (nonce->minted_ms <= set->horizon_ms)
        return BASE_WINDOW_GONE;
    window = window_oldest(set);
    /* Before the window goes: at no moment may it be neither remembered nor refused. */
    if (window->minted_ms > set->horizon_ms)
        set->horizon_ms = window->minted_ms;
    memset(window, 0, sizeof(*window));
    memcpy(window->id, nonce->id, sizeof(window->id));
    window->minted_ms = nonce->minted_ms;
    window->highest = nc;
    return window_accept(window, nc);
}

apr_uint64_t digest_windows_latest(const digest_windows_t *set)
{
    apr_uint64_t latest = set->horizon_ms;

    for (int i = 0; i < DIGEST_WINDOWS; i++) {
        if (set->window[i].minted_ms > latest)
            latest = set->window[i].minted_ms;
    }
    return latest;
}
