/* Runs a fuzz target over its corpus, as a test: each file is a case, and a crash fails them all. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, cap = 0, n;
    if (!f)
        return -1;
    do {
        if (size == cap && !(data = realloc(data, cap = cap ? cap * 2 : 65536)))
            abort();
        n = fread(data + size, 1, cap - size, f);
        size += n;
    } while (n);
    fclose(f);
    /* an exact-sized copy, so that a sanitizer sees a read past the end */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    free(data);
    int rc = LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return rc;
}

int main(int argc, char **argv)
{
    struct dirent **names;
    if (argc != 2)
        return 2;
    int n = scandir(argv[1], &names, NULL, alphasort), count = 0;
    if (n < 0) {
        perror(argv[1]);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (names[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
            printf("%s %d - %s\n", run(path) == 0 ? "ok" : "not ok", ++count, names[i]->d_name);
            fflush(stdout);
        }
        free(names[i]);
    }
    free(names);
    printf("1..%d\n", count);
    return count ? 0 : 1;
}
