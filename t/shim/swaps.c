/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded by tests: whoever changes the mode or the owner of a keeper's socket by its name finds
 * there what the folder's owner may have put in its place by then, a link to the file GBA_SWAP_TO.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void swap(const char *path)
{
    const char *to = getenv("GBA_SWAP_TO");

    if (!to || !strstr(path, "/sock."))
        return;
    unlink(path);
    if (symlink(to, path) != 0)
        abort();
}

int chmod(const char *path, mode_t mode)
{
    int (*below)(const char *, mode_t) =
        (int (*)(const char *, mode_t))(size_t)dlsym(RTLD_NEXT, "chmod");

    swap(path);
    return below(path, mode);
}

int chown(const char *path, uid_t user, gid_t group)
{
    int (*below)(const char *, uid_t, gid_t) =
        (int (*)(const char *, uid_t, gid_t))(size_t)dlsym(RTLD_NEXT, "chown");

    swap(path);
    return below(path, user, group);
}
