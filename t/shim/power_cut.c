/* SPDX-License-Identifier: Apache-2.0 */
/* power_cut DATABASE FOLDER SEED: see unsynced_power_cut(). Prints how many writes were undone. */
#include <stdio.h>
#include <stdlib.h>
#include "unsynced.h"

int main(int argc, char **argv)
{
    int undone;
    if (argc != 4) {
        fputs("usage: power_cut DATABASE FOLDER SEED\n", stderr);
        return 2;
    }
    undone = unsynced_power_cut(argv[1], argv[2], (unsigned)atoi(argv[3]));
    if (undone < 0) {
        perror("power_cut");
        return 1;
    }
    printf("%d\n", undone);
    return 0;
}
