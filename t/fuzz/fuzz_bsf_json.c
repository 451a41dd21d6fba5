/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a BSF answers: what is taken is sound, what is refused leaves nothing behind. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include "gba/gba_json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static apr_pool_t *pool;

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const gba_info_t empty;
    static gba_info_t info;
    base_span_t text = {data, size};
    if (!pool) {
        must(apr_initialize() == APR_SUCCESS);
        must(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    }
    apr_pool_clear(pool);
    memset(&info, 0xa5, sizeof(info));
    base_result_t result = gba_json_read_info(&info, text, pool);
    if (result.code == BASE_OK) {
        must(gba_info_is_sound(&info));
        must(info.expires >= 0 && info.bootstrapped >= 0 && info.fetched == 0);
        must(info.impi == 0 || gba_info_text(&info, info.impi) != NULL);
    } else {
        must(result.code == BASE_KEYSOURCE_DOWN && result.tag && result.detail);
        must(memcmp(&info, &empty, sizeof(info)) == 0);
    }
    return 0;
}
