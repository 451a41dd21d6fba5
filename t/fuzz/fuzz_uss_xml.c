/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever XML a BSF or an operator sends: what is taken is sound, what is refused leaves no
 * settings behind. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include "gba/gba_uss_xml.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static apr_pool_t *pool;

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const gba_uss_t none[GBA_USS_MAX];
    static gba_info_t info;
    base_span_t text = {data, size};
    if (!pool) {
        must(apr_initialize() == APR_SUCCESS);
        must(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    }
    apr_pool_clear(pool);
    memset(&info, 0, sizeof(info));
    base_result_t result = gba_uss_xml_read(&info, text, pool);
    must(gba_info_is_sound(&info));
    if (result.code == BASE_OK) {
        must(size <= GBA_USS_XML_MAX && size > 0 && data[0] == '<');
        return 0;
    }
    must(result.code == BASE_KEYSOURCE_DOWN && result.tag && result.detail);
    must(info.uss_count == 0 && memcmp(info.uss, none, sizeof(none)) == 0);
    return 0;
}
