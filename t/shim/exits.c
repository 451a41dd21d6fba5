/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded by tests: every process that ends by exit() or by the end of main(), and so runs what
 * libraries and its parent have registered for that, adds its name to the file GBA_EXITS. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

__attribute__((destructor)) static void note_exit(void)
{
    const char *path = getenv("GBA_EXITS");
    char name[18] = "";
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    prctl(PR_GET_NAME, name);
    name[strlen(name)] = '\n';
    if (write(fd, name, strlen(name)) < 0)
        name[0] = '\0'; /* the test will see that nothing is there */
    close(fd);
}
