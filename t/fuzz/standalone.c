/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file standalone.c
 * Runs a fuzz target over stored inputs, without libFuzzer: each file, or
 * every file of each directory, given as an argument. Prints TAP. A broken
 * property ends the run at its input; no input at all is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int tests, failures;

/* The whole file, in memory of exactly its size; NULL if it cannot be read. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    uint8_t *data = NULL;

    if (file && fstat(fileno(file), &about) == 0 && about.st_size >= 0) {
        *size = (size_t)about.st_size;
        data = malloc(*size ? *size : 1);
        if (data && fread(data, 1, *size, file) != *size) {
            free(data);
            data = NULL;
        }
    }
    if (file)
        fclose(file);
    return data;
}

static void replay_file(const char *path)
{
    size_t size = 0;
    uint8_t *data = read_file(path, &size);

    printf("# %s\n", path);
    fflush(stdout); /* so that the last line names the input, should it end the run */
    if (data)
        LLVMFuzzerTestOneInput(data, size);
    else
        failures++;
    printf("%sok %d - %s\n", data ? "" : "not ", ++tests, path);
    free(data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of names, so that two runs can be compared. */
static void replay_directory(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_visible, alphasort);
    char name[4096];

    for (int i = 0; i < count; i++) {
        int len = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (len > 0 && (size_t)len < sizeof(name))
            replay_file(name);
        else
            failures++;
        free(entries[i]);
    }
    failures += count < 0;
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat about;
        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode))
            replay_directory(argv[i]);
        else
            replay_file(argv[i]);
    }
    printf("1..%d\n", tests);
    return failures != 0 || tests == 0;
}
