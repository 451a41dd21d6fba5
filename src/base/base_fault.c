/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_fault.h"

#ifdef GBA_FAULT_POINTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 64 /* octets of a name and a number */

static atomic_long hits; /* by this process, of the point that the file names */

/* The number behind the name, of which nothing else may be said; 0 if the text names another point,
 * 1 if there is no number. */
static long hits_wanted(const char *text, const char *name)
{
    size_t len = strlen(name);
    long wanted = 0;

    if (strncmp(text, name, len) != 0)
        return 0;
    if (text[len] == '\0')
        return 1;
    for (const char *p = text + len + (text[len] == ' '); *p >= '0' && *p <= '9'; p++)
        wanted = 10 * wanted + (*p - '0');
    return text[len] == ' ' ? wanted : 0;
}

/* Nonzero if it is this point's turn. Without a file the counting begins anew. */
static int is_due(const char *path, const char *name)
{
    char text[TEXT_MAX + 1];
    long wanted;
    ssize_t len;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0) {
        atomic_store(&hits, 0);
        return 0;
    }
    len = read(file, text, sizeof(text) - 1);
    close(file);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    wanted = hits_wanted(text, name);
    return wanted > 0 && atomic_fetch_add(&hits, 1) + 1 >= wanted;
}

void base_fault(const char *name)
{
    const char *path = getenv("GBA_FAULT_FILE");

    if (path && is_due(path, name) && unlink(path) == 0)
        kill(getpid(), SIGKILL);
}

#else

/* ISO C wants a translation unit to declare something. */
typedef int base_fault_is_left_out;

#endif
